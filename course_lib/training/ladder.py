"""From a naive training step to a fast one, rung by rung, measured. Derived in lesson 14 (gpt_on_gpu).

Every rung keeps what the rungs below it changed, and computes the same model; only rounding differs.
"""

import contextlib
import gc
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from course_lib.model.config import GPTConfig
from course_lib.model.gpt import GPT
from course_lib.text.dataset import TokenDataset
from course_lib.training.config import TrainConfig
from course_lib.training.device import wait_for
from course_lib.training.fitting import DoesNotFit
from course_lib.training.optim import AdamW
from course_lib.training.trainer import Trainer


@dataclass(frozen=True)
class Rung:
    """One change: its name, what it should bring and why, and the settings it changes from here on."""

    name: str
    prediction: str
    model: dict = field(default_factory=dict)  # of GPTConfig
    train: dict = field(default_factory=dict)  # of TrainConfig
    switches: dict = field(default_factory=dict)  # "tf32": products of float32; "fused_adamw": one kernel or many


RUNGS = (
    Rung("naive float32", "Products on the ordinary cores, attention that writes all T² weights: what the others "
         "are measured by.",
         {"attention": "explicit"}, {"dtype": "float32", "compile": False, "batch_size": 8},
         {"tf32": False, "fused_adamw": False}),
    Rung("TF32", "Tensor cores read 10 of the 23 bits of each factor, several times as fast: 2 to 3 times in all, for "
         "what lies between the products stays as slow.", switches={"tf32": True}),
    Rung("bf16", "Products twice as fast as in TF32, and half the bytes between them: about 1.6 times.",
         train={"dtype": "bfloat16"}),
    Rung("fused attention", "The T × T weights never leave the chip: 1.5 to 2 times, more for longer T.",
         {"attention": "fused"}),
    Rung("fused AdamW", "One kernel for all parameters instead of ten that each read and write them: an update moves "
         "28 bytes a parameter instead of 84, about 1.1 times at 8 windows.", switches={"fused_adamw": True}),
    Rung("compiled", "Norms, GELU, sums and the loss become kernels that read and write memory once: 1.3 times.",
         train={"compile": True}),
    Rung("padded vocabulary", "50,304 columns of the head divide into tiles of 128; 50,257 is odd: 1.1 to 1.4 times.",
         {"vocab_size": 50_304}),
    Rung("larger batch", "64 windows at once: larger products, fewer updates for as many tokens: 1.1 times.",
         train={"batch_size": 64}),
)


@dataclass(frozen=True)
class Step:
    """All settings with which a rung is measured: its own and those of the rungs below."""

    name: str
    prediction: str
    model: GPTConfig
    train: TrainConfig
    tf32: bool
    fused_adamw: bool


def climb(model: GPTConfig, rungs: tuple[Rung, ...] = RUNGS, **train) -> Iterator[Step]:
    """The rungs from the lowest on, starting from the shapes of `model`; `train` overrides settings of every rung."""
    settings, switches = {"max_steps": 1_000_000, "max_lr": 3e-4, "batch_size": 8}, {}
    for rung in rungs:
        model, settings, switches = replace(model, **rung.model), settings | rung.train, switches | rung.switches
        yield Step(rung.name, rung.prediction, model, TrainConfig(**settings | train), **switches)


def zipf_ids(n: int, vocab_size: int, seed: int = 0) -> np.ndarray:
    """n ids, the r-th most frequent one with a probability in proportion to 1 / r, as words have (Zipf 1949).

    Equal ids would flatter: chips draw less power for them, and run faster.
    """
    rng = np.random.default_rng(seed)
    cumulative = np.cumsum(1 / np.arange(1, vocab_size + 1))
    ids = np.searchsorted(cumulative / cumulative[-1], rng.random(n)).clip(max=vocab_size - 1)
    return rng.permutation(vocab_size)[ids].astype(np.int64)


@contextlib.contextmanager
def float32_products(tf32: bool) -> Iterator[None]:
    """Whether products of float32 matrices may use TF32 (where there is such a thing) inside the block."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if tf32 else "highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def measure_step(step: Step, *, seconds: float = 4.0, warm_up: int = 3) -> dict:
    """Train with these settings for some seconds: tokens_per_second and ms_per_step of the mean step, ms_fastest and
    ms_slowest, memory at its peak (bytes, on a GPU), warm_up_seconds (compiling included), first_loss and loss of the
    last step; or error, where memory does not suffice.
    """
    try:
        return _measure_step(step, seconds, warm_up)
    except (torch.OutOfMemoryError, DoesNotFit) as error:
        return {"error": str(error).split("\n")[0]}
    finally:
        gc.collect()
        if step.train.compile:
            torch.compiler.reset()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _measure_step(step: Step, seconds: float, warm_up: int) -> dict:
    T, B = step.model.context_length, step.train.batch_size
    torch.manual_seed(0)
    ids = zipf_ids(max(200_000, 4 * B * T), step.model.vocab_size)
    trainer = Trainer(GPT(step.model), TokenDataset(ids, batch_size=B, context_length=T), step.train, adapt=False)
    for optimizer in trainer.optimizers:
        if isinstance(optimizer, AdamW):
            optimizer.fused = step.fused_adamw
    on_gpu = trainer.device.type == "cuda"
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    with float32_products(step.tf32):
        clock = [time.perf_counter()]
        first = [trainer.train_step() for _ in range(warm_up)][0]
        wait_for(trainer.device)
        clock.append(time.perf_counter())  # from here on after each step, which ends with a wait of its own
        while len(clock) < 5 or clock[-1] - clock[1] < seconds:
            record = trainer.train_step()
            clock.append(time.perf_counter())
        wait_for(trainer.device)
        clock[-1] = time.perf_counter()
    steps = 1e3 * np.diff(clock[1:])
    return {"tokens_per_second": 1e3 * B * T * trainer.config.accumulation_steps / steps.mean(),
            "ms_per_step": steps.mean(), "ms_fastest": steps.min(), "ms_slowest": steps.max(),
            "memory": torch.cuda.max_memory_allocated() if on_gpu else None, "first_loss": first["loss"],
            "loss": record["loss"], "warm_up_seconds": clock[1] - clock[0]}


def read_ladder(lines: list[dict]) -> list[dict]:
    """Of a record's lines those of rungs that were measured, from the lowest on, in whatever order they were climbed.

    Each gets `times_the_first`, its speed over that of the first rung; None where that one was not measured.
    """
    found = {line["name"]: line for line in lines if line["kind"] == "rung" and "tokens_per_second" in line}
    first = found.get(RUNGS[0].name, {}).get("tokens_per_second")
    return [line | {"times_the_first": first and line["tokens_per_second"] / first}
            for line in (found[rung.name] for rung in RUNGS if rung.name in found)]
