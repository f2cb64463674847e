"""Training on a laptop: `tiny` with our recipe against the classic one: `python benchmarks/train_cpu.py`.

The same characters, the same cores, one run after the other. The classic run (`baseline_tiny`: GPT-2's parts, AdamW,
cosine, 2000 steps of 12 windows of 64) ends at some held-out loss after some wall time. Then `tiny` runs, each time
with a schedule that ends where it stops: as long as it needs for that same loss (the first of a ladder of lengths,
each a tenth longer, that gets there), for that same wall time, and for ten minutes. The bar for both is a 5-gram
counted in the same process. Losses are nats a character over the whole held-out split, in windows of 64.

All but the last are repeated with other seeds; the table has medians, and in brackets the lowest and the highest.
Both read the same batches from the same loader. Tiny shakespeare is found through COURSE_DATA; `--data storyworld`
needs nothing.
"""

import argparse
import math
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from _machine import describe_machine
from _parts import seconds_by_part
from _spread import spread

from course_lib.byhand.ngram import NGram
from course_lib.cli.run import recipe, with_changes
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
SHORT = 200        # steps of the shortest `tiny` that is tried


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
    """One training run: its trainer, wall and CPU seconds of its updates, and the loss that it ended with."""

    def __init__(self, preset: str, max_steps: int, texts: tuple[np.ndarray, np.ndarray, int], seed: int, **changes):
        train, held_out, vocab_size = texts
        seed_everything(seed)
        config = with_changes(recipe(preset, {"max_steps": max_steps}), {"seed": seed, **changes})
        dataset = TokenDataset(train, batch_size=config.batch_size, context_length=CONTEXT, seed=seed)
        self.trainer = Trainer(GPT(PRESETS[preset](vocab_size)), dataset, config)
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in self.trainer:
            pass
        self.wall, self.cpu = time.perf_counter() - wall, time.process_time() - cpu
        self.steps, self.tokens = max_steps, self.trainer.tokens
        self.held_out, self.longest = held_out, self.trainer.model.config.context_length
        self.loss = loss(self.trainer.model, held_out)


def loss(model: GPT, held_out: np.ndarray, context_length: int = CONTEXT) -> float:
    """Nats a character over the whole held-out split."""
    return held_out_loss(model, sample_windows(held_out, 8192 // context_length, context_length))


def as_good_as(target: float, steps: int, **common) -> Run:
    """The shortest run of `tiny` that ends no worse than `target`, of this length, a tenth more, and so on."""
    while (run := Run("tiny", steps, batch_size=BATCH, **common)).loss > target:
        steps = math.ceil(1.1 * steps)
    return run


def steps_in(seconds: float, run: Run) -> int:
    """How many steps as fast as those of `run` fit into so much wall time."""
    return max(1, int(seconds / run.wall * run.steps))


def row(name: str, runs: Sequence[Run]) -> str:
    """One line of the table."""
    longer = "–"
    if runs[0].longest > CONTEXT:
        longer = spread([loss(run.trainer.model, run.held_out, run.longest) for run in runs], ".3f")
    cells = [spread([run.steps for run in runs], ",.0f"), spread([run.tokens for run in runs], ",.0f"),
             spread([run.wall for run in runs], ".1f"), spread([run.cpu for run in runs], ".0f"),
             spread([run.tokens / run.wall for run in runs], ",.0f"), spread([run.loss for run in runs], ".3f"), longer]
    return f"| {name} | {' | '.join(cells)} |"


def ratio(of: Callable[[Run], float], classic: Sequence[Run], first: Sequence[Run]) -> str:
    """How many times more the classic runs take, by rounds: `1/8.1 (7.9 … 8.3)`."""
    return "1/" + spread([of(a) / of(b) for a, b in zip(classic, first, strict=True)], ".1f")


def main() -> None:
    """Print the machine, then two tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", choices=("shakespeare", "storyworld"), default="shakespeare")
    parser.add_argument("--threads", type=int, default=min(2, torch.get_num_threads()))
    parser.add_argument("--rounds", type=int, default=3, help="seeds of all runs but the last")
    parser.add_argument("--minutes", type=float, default=10, help="of the last run; 0 leaves it out")
    parser.add_argument("--smoke", action="store_true", help="a few steps on place names: does it still run?")
    options = parser.parse_args()
    data = "place_names" if options.smoke else options.data
    texts = train, held_out, vocab_size = load_ids(data, 4000 if options.smoke else None)
    print(describe_machine(), f"; {options.threads} threads", end="\n\n", sep="")
    common = dict(texts=texts, threads=options.threads)
    rounds, steps, short, long = (2, 6, 3, 1) if options.smoke else (
        options.rounds, RECIPES["baseline_tiny"]().max_steps, SHORT, 60 * options.minutes)

    classic, first, same = [], [], []
    for seed in range(rounds):
        print(f"round {seed + 1} of {rounds}, about four minutes", file=sys.stderr)
        classic.append(Run("baseline_tiny", steps, seed=seed, **common))
        first.append(as_good_as(classic[-1].loss, short, seed=seed, **common))
        same.append(Run("tiny", steps_in(classic[-1].wall, first[-1]), seed=seed, batch_size=BATCH, **common))
    last = [Run("tiny", steps_in(long, same[-1]), seed=0, batch_size=BATCH, **common)] if long else []

    print(f"| {data} | steps | characters | wall s | CPU s | characters/s | held out, nats | at {same[-1].longest} |")
    print("|---|---|---|---|---|---|---|---|")
    print(f"| 5-gram | – | – | – | – | – | {five_gram(train, held_out, vocab_size):.3f} | – |")
    for name, runs in (("`baseline_tiny`, the classic recipe", classic), ("`tiny`, to the same loss", first),
                       ("`tiny`, the same wall time", same), (f"`tiny`, {long / 60:g} minutes, one run", last)):
        if runs:
            print(row(name, runs))
    print(f"\nTo the classic loss: {ratio(lambda run: run.wall, classic, first)} of the wall time, "
          f"{ratio(lambda run: run.cpu, classic, first)} of the CPU time, "
          f"{ratio(lambda run: run.tokens, classic, first)} of the characters.\n")
    print(seconds_by_part({"baseline_tiny": classic[-1].trainer, "tiny": same[-1].trainer}))


if __name__ == "__main__":
    main()
