"""Training on a laptop: `tiny` with our recipe against the classic one: `python benchmarks/train_cpu.py`.

The same characters, the same cores, one run after the other. The classic run (`baseline_tiny`: GPT-2's parts, AdamW,
cosine, 2000 steps of 12 windows of 64) ends at some held-out loss after some wall time. Then `tiny` runs three times,
each with a schedule that ends where it stops: as long as it needs for that same loss, for that same wall time, and
for ten minutes. The bar for both is a 5-gram counted in the same process. Losses are nats a character over the whole
held-out split, each model reading windows of 64.

Both read the same batches from the same loader. Tiny shakespeare is found through COURSE_DATA; `--data storyworld`
needs nothing.
"""

import argparse
import time

import numpy as np
import torch
from _machine import describe_machine
from _parts import seconds_by_part

from course_lib.byhand.ngram import NGram
from course_lib.cli.run import with_changes
from course_lib.model.config import PRESETS
from course_lib.model.gpt import GPT
from course_lib.text.corpora import load_corpus
from course_lib.text.dataset import TokenDataset
from course_lib.text.tokenizer import CharTokenizer
from course_lib.training.config import RECIPES
from course_lib.training.device import seed_everything
from course_lib.training.evaluate import held_out_loss, sample_windows
from course_lib.training.trainer import Trainer

CONTEXT = 64       # of training and of scoring, for both models
BATCH = 16         # windows in a batch of `tiny`; the classic recipe has 12
SHORT = 285        # steps of `tiny` to the classic recipe's final loss
TEN_MINUTES = 600  # seconds


def load_ids(data: str, limit: int | None) -> tuple[np.ndarray, np.ndarray, int]:
    """Training and held-out ids, one for each character, and the number of characters."""
    split = load_corpus(data).split()
    train, held_out = "".join(split.train)[:limit], "".join(split.held_out)[:limit]
    tokenizer = CharTokenizer.train([train, held_out])
    return np.array(tokenizer.encode(train)), np.array(tokenizer.encode(held_out)), tokenizer.vocab_size


def five_gram(train: np.ndarray, held_out: np.ndarray, vocab_size: int) -> float:
    """Nats a character of the counting model."""
    return -NGram.fit(train, 5, vocab_size).log_probs(held_out).mean()


class Run:
    """One training run: its trainer, the losses it ended with, the wall and CPU seconds of its updates."""

    def __init__(self, preset: str, train: np.ndarray, vocab_size: int, max_steps: int, **changes):
        seed_everything(0)
        config = with_changes(RECIPES[preset](), {"max_steps": max_steps, **changes})
        dataset = TokenDataset(train, batch_size=config.batch_size, context_length=CONTEXT)
        self.trainer = Trainer(GPT(PRESETS[preset](vocab_size)), dataset, config)
        self.wall = self.cpu = 0.0

    def go(self, on_step=lambda run, step: None) -> "Run":
        """Train to the end; `on_step(run, step)` is not timed."""
        wall, cpu = time.perf_counter(), time.process_time()
        for record in self.trainer:
            self.wall, self.cpu = self.wall + time.perf_counter() - wall, self.cpu + time.process_time() - cpu
            on_step(self, record["step"])
            wall, cpu = time.perf_counter(), time.process_time()
        return self

    def loss(self, held_out: np.ndarray, context_length: int = CONTEXT) -> float:
        """Nats a character over the whole held-out split."""
        windows = sample_windows(held_out, 8192 // context_length, context_length)
        return held_out_loss(self.trainer.model, windows)

    def row(self, name: str, held_out: np.ndarray) -> str:
        """One line of the table."""
        tokens, longest = self.trainer.tokens, self.trainer.model.config.context_length
        longer = f"{self.loss(held_out, longest):.3f} at {longest}" if longest > CONTEXT else "–"
        return (f"| {name} | {self.trainer.config.max_steps:,} | {tokens:,} | {self.wall:.1f} | {self.cpu:.0f} "
                f"| {tokens / self.wall:,.0f} | {self.loss(held_out):.3f} | {longer} |")


def steps_in(seconds: float, run: Run) -> int:
    """How many steps as fast as those of `run` fit into so much wall time."""
    return max(1, int(seconds / run.wall * run.trainer.config.max_steps))


def main() -> None:
    """Print the machine, then two tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", choices=("shakespeare", "storyworld"), default="shakespeare")
    parser.add_argument("--threads", type=int, default=min(2, torch.get_num_threads()))
    parser.add_argument("--smoke", action="store_true", help="a few steps on place names: does it still run?")
    options = parser.parse_args()
    data = "place_names" if options.smoke else options.data
    train, held_out, vocab_size = load_ids(data, 4000 if options.smoke else None)
    print(describe_machine(), f"; {options.threads} threads", end="\n\n", sep="")
    common = dict(train=train, vocab_size=vocab_size, threads=options.threads)
    steps, short, long = (6, 3, 1) if options.smoke else (RECIPES["baseline_tiny"]().max_steps, SHORT, TEN_MINUTES)

    print(f"| {data} | steps | characters | wall s | CPU s | characters/s | held out, nats | in longer windows |")
    print("|---|---|---|---|---|---|---|---|")
    print(f"| 5-gram | – | – | – | – | – | {five_gram(train, held_out, vocab_size):.3f} | – |", flush=True)
    classic = Run("baseline_tiny", max_steps=steps, **common).go()
    print(classic.row("`baseline_tiny`, the classic recipe", held_out), flush=True)
    first = Run("tiny", max_steps=short, batch_size=BATCH, **common).go()
    print(first.row("`tiny`, to the same loss", held_out), flush=True)
    for name, seconds in (("the same wall time", classic.wall), ("ten minutes", long)):
        run = Run("tiny", max_steps=steps_in(seconds, first), batch_size=BATCH, **common).go()
        print(run.row(f"`tiny`, {name}", held_out), flush=True)
    print(f"\nTo the classic loss of {classic.loss(held_out):.3f} ({first.loss(held_out):.3f} reached): "
          f"1/{classic.wall / first.wall:.1f} of the wall time, 1/{classic.cpu / first.cpu:.1f} of the CPU time, "
          f"1/{classic.trainer.tokens / first.trainer.tokens:.1f} of the characters.\n")
    print(seconds_by_part({"baseline_tiny": classic.trainer, "tiny": run.trainer}))


if __name__ == "__main__":
    main()
