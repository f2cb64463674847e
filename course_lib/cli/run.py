"""What `course train` does: claim a folder, set up, and at the end keep the score. Used like lesson 12 (gpt)."""

import contextlib
import inspect
import os
import shutil
import signal
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import click

from course_lib.cli.text_of_run import new_text, same_text
from course_lib.doors.folders import reason
from course_lib.lab import scoreboard
from course_lib.model.config import PRESETS, GPTConfig
from course_lib.model.gpt import GPT
from course_lib.text.corpora import Corpus
from course_lib.text.dataset import TokenDataset
from course_lib.text.prepare import Prepared, prepare
from course_lib.text.texts import as_texts
from course_lib.training import ranks
from course_lib.training.checkpoint import load_checkpoint, read_config
from course_lib.training.config import RECIPES, TrainConfig
from course_lib.training.device import eagerly, seed_everything
from course_lib.training.distributed import is_whole
from course_lib.training.distributed import spread as spread_over_ranks
from course_lib.training.fitting import in_passes_of
from course_lib.training.identity import differences
from course_lib.training.run_folder import find_checkpoint
from course_lib.training.trainer import Trainer

SCORED = 150  # held-out documents in the final table: about 100 kB of stories, a few seconds
COUNTED = 20_000_000  # characters that the counting models learn from: more than any corpus but python_source has


def claim(folder: Path, *, resume: bool, fresh: bool) -> None:
    """Make sure `folder` may be written: empty, or a run that is to go on or to be replaced.

    Only what a run writes is ever removed, so a wrong --out costs nobody their files.
    """
    try:
        holds = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    except OSError as error:
        raise ValueError(f"{folder} cannot be read ({reason(error)}); choose another folder for --out") from None
    is_run = "ids" in holds or "metrics.jsonl" in holds
    if resume and not is_run:
        raise ValueError(f"there is no run in {folder} to resume; leave out --resume to begin one")
    if holds and not is_run:
        raise ValueError(f"{folder} holds other files ({', '.join(holds[:3])} …); choose an empty folder for --out")
    if is_run and not resume:
        if not fresh:
            raise ValueError(f"{folder} already holds a run; go on with --resume, replace it with --fresh, "
                             "or choose another --out")
        for path in folder.iterdir():
            shutil.rmtree(path) if os.path.isdir(path) else path.unlink()


def set_up(preset: str, data: str | None, folder: Path, *, vocab_size: int | None = None, tokenizer: str | None = None,
           min_chars: int | None = None, resume: bool = False, **changes) -> tuple[Trainer, Prepared, Corpus]:
    """Text, tokenizer, ids, model and trainer of a run, new or resumed.

    `changes` are settings of `TrainConfig` instead of the recipe's; None leaves a setting as it is. A resumed run keeps
    its own text and settings, and refuses others.
    """
    if preset not in PRESETS:
        raise ValueError(f"preset {preset!r} is unknown; choose one of {', '.join(PRESETS)}")
    asked = (data, tokenizer, vocab_size, min_chars)
    text = same_text(folder / "ids", *asked) if resume else new_text(*asked)
    with ranks.main_first():
        prepared = prepare(text.corpus, folder / "ids", tokenizer=text.tokenizer, vocab_size=text.vocab_size)
    model_config = PRESETS[preset](prepared.tokenizer.vocab_size)
    if resume:
        config = with_changes(saved_config(folder, model_config), changes)
    else:
        config = spread_over_ranks(recipe(preset, changes))
    dataset = TokenDataset(prepared.train, batch_size=config.batch_size,
                           context_length=model_config.context_length, seed=config.seed, rank=ranks.rank(),
                           world_size=ranks.world_size())
    common = dict(held_out=prepared.held_out, tokenizer=prepared.tokenizer)
    if resume:
        return Trainer.resume(folder, dataset, config=config, **common), prepared, text.corpus
    seed_everything(config.seed)
    return Trainer(GPT(model_config), dataset, config, out=folder, **common), prepared, text.corpus


def recipe(preset: str, changes: dict) -> TrainConfig:
    """How `preset` is trained, with those changes that are not None. Some recipes depend on the number of steps.

    Another `batch_size` cuts the same update into other passes.
    """
    make, steps = RECIPES[preset], changes.get("max_steps")
    depends = "max_steps" in inspect.signature(make).parameters
    config = make(steps) if depends and steps is not None else make()
    if changes.get("batch_size") is not None:
        config = in_passes_of(config, changes["batch_size"])
    return with_changes(config, changes)


def with_changes(config: TrainConfig, changes: dict) -> TrainConfig:
    """`config` with those changes that are not None; a shorter run gets a shorter warm-up."""
    changes = {name: value for name, value in changes.items() if value is not None}
    steps = changes.get("max_steps", config.max_steps)
    if steps < config.max_steps:
        changes["warmup_steps"] = min(config.warmup_steps, steps // 10)
    return replace(config, **changes)


def saved_config(folder: Path, model_config: GPTConfig) -> TrainConfig:
    """The settings of the run in `folder`, which must be a run of this model."""
    saved = read_config(find_checkpoint(folder))
    if differ := differences(model_config.to_dict(), {k: v for k, v in saved["model"].items() if k != "kind"}):
        raise ValueError(f"{folder} holds a run of another model: {differ}")
    return TrainConfig.from_dict(saved["training"])


def describe(trainer: Trainer, prepared: Prepared, preset: str, data: str, seconds: float) -> str:
    """Two lines: what is trained, on what, how."""
    config, T = trainer.config, trainer.dataset.context_length
    parameters = sum(p.numel() for p in trainer.model.parameters())
    tokens = config.max_steps * config.batch_size * config.accumulation_steps * T
    return (f"{preset}: {parameters:,} parameters, context {T}, on {data}: "
            f"{prepared.train.n_bytes:,} bytes in {prepared.train.n_ids:,} tokens (ready in {seconds:.0f} s)\n"
            f"{config.max_steps:,} steps, {tokens:,} tokens, {config.device}, {config.dtype}, "
            f"{config.threads} threads")


@contextlib.contextmanager
def interruptible() -> Iterator[list]:
    """Ctrl-C fills the list that is yielded instead of breaking into the middle of an update; a second one does.

    So does SIGTERM, which a cluster sends before it takes the machine back. Under torchrun a signal may come twice,
    from the terminal and from torchrun, and the second one is ignored.
    """
    stopped: list[int] = []

    def stop(number, frame):
        if stopped and ranks.world_size() == 1:
            raise KeyboardInterrupt
        if not stopped and ranks.is_main():
            click.echo("\nstopping after this step (Ctrl-C again: at once, from the last checkpoint)", err=True)
        stopped.append(number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def score(trainer: Trainer, prepared: Prepared, corpus: Corpus) -> tuple[dict[str, float], float | None]:
    """Held-out bits per byte by name, and the entropy of the source where it is known, all on the same documents."""
    split = corpus.split()
    held_out, log_probs = spread(split.held_out), split.held_out_log_probs
    rows = scoreboard.ngram_bits(beginning(split.train, COUNTED), held_out)
    model = trainer.model if is_whole(trainer.model) else load_checkpoint(trainer.out).model
    with eagerly(trainer.config):  # documents have all lengths
        rows["GPT (this run)"] = scoreboard.model_bits(model, prepared.tokenizer, held_out)
    entropy = None if log_probs is None else scoreboard.source_bits(spread(log_probs), held_out)
    return rows | ({} if entropy is None else {"entropy of the source": entropy}), entropy


def spread(items: Iterable) -> list:
    """SCORED of the items, evenly spread; of a stream, whose length is not known, the first ones."""
    if not isinstance(items, Sequence):
        return list(islice(items, SCORED))
    return list(items[::max(1, len(items) // SCORED)][:SCORED])


def beginning(documents: Iterable[str], chars: int) -> Iterator[str]:
    """The first documents, about `chars` characters: all of a small corpus, a part of one beyond memory."""
    for document in as_texts(documents, "documents"):
        if chars <= 0:
            return
        chars -= len(document)
        yield document
