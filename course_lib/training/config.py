"""What a training run is told, and recipes that work. Derived in lessons 05 (training) and 12 (gpt)."""

import dataclasses
from dataclasses import dataclass

from course_lib.doors.settings import settle

SCHEDULES = ("cosine", "wsd")
OPTIMIZERS = ("adamw", "muon")
DTYPES = ("auto", "float32", "bfloat16", "float16")
PARALLEL = ("ddp", "fsdp")


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Everything that decides a run besides the model and the data; a bad value raises `ValueError`.

    `device`, `dtype` and `threads` may be left to the machine; the trainer writes down what they became
    (`training.device.resolve`), since a run can only be repeated bit for bit when they stay the same.
    """

    max_steps: int  # optimizer updates
    batch_size: int  # B: windows in one forward pass
    accumulation_steps: int = 1  # forward passes in one update; the gradient equals that of the big batch
    max_lr: float = 1e-3  # peak of AdamW's learning rate
    min_lr: float = 0.0  # where the schedule ends
    muon_lr: float = 0.02  # peak for the hidden matrices when optimizer="muon"; follows the same schedule
    warmup_steps: int = 0
    schedule: str = "cosine"  # or "wsd": warm up, stay, decay in a straight line
    decay_fraction: float = 0.2  # wsd: the last part of the run, in which the rate falls
    optimizer: str = "adamw"  # or "muon": Muon for hidden matrices, AdamW for the rest
    betas: tuple[float, float] = (0.9, 0.95)  # AdamW's memory of gradients and of their squares
    momentum: float = 0.95  # Muon's memory of gradients
    weight_decay: float = 0.1  # decoupled; matrices only
    grad_clip: float | None = 1.0  # longest gradient (Euclidean norm over all parameters); None: no limit
    dtype: str = "auto"  # of matrix products: "bfloat16", "float16" (on a GPU without bf16), "float32"
    device: str = "auto"  # "auto", "cpu", "cuda", "cuda:1", "mps"
    threads: int | None = None  # CPU threads; None: as many as torch uses now
    parallel: str = "ddp"  # how several processes share a run: "ddp", or "fsdp", which also shares the memory
    compile: bool = False  # torch.compile on each repeated block; pays only in long runs
    seed: int = 0
    eval_every: int | None = None  # steps between looks at the held-out text; None: at the end only
    eval_batches: int | None = None  # None: the whole held-out split; else a fixed, evenly spread sample
    save_every: int | None = None  # steps between checkpoints; None: at the end and at each new best only

    def __post_init__(self):
        settle(self)
        for name in ("max_steps", "batch_size", "accumulation_steps"):
            _require(getattr(self, name) >= 1, f"{name}={getattr(self, name)} must be at least 1")
        for name in ("threads", "eval_every", "eval_batches", "save_every"):
            value = getattr(self, name)
            _require(value is None or value >= 1, f"{name}={value} must be at least 1, or None")
        for name, choices in (("schedule", SCHEDULES), ("optimizer", OPTIMIZERS), ("dtype", DTYPES),
                              ("parallel", PARALLEL)):
            value = getattr(self, name)
            _require(value in choices, f"{name}={value!r} is unknown; choose from {', '.join(choices)}")
        _require(self.max_lr > 0 and self.muon_lr > 0,
                 f"max_lr={self.max_lr} and muon_lr={self.muon_lr} must be positive")
        _require(0 <= self.min_lr <= self.max_lr,
                 f"min_lr={self.min_lr} must lie between 0 and max_lr={self.max_lr}")
        _require(0 <= self.warmup_steps <= self.max_steps,
                 f"warmup_steps={self.warmup_steps} does not fit into max_steps={self.max_steps}; "
                 f"try warmup_steps={self.max_steps // 20}")
        _require(0 < self.decay_fraction <= 1, f"decay_fraction={self.decay_fraction} must be in (0, 1]")
        _require(all(0 <= b < 1 for b in (*self.betas, self.momentum)),
                 f"betas={self.betas} and momentum={self.momentum} must be in [0, 1)")
        _require(self.weight_decay >= 0, f"weight_decay={self.weight_decay} must not be negative")
        _require(self.grad_clip is None or self.grad_clip > 0,
                 f"grad_clip={self.grad_clip} would stop all learning; use None for no limit")

    def to_dict(self) -> dict:
        """Plain values, ready for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> "TrainConfig":
        """The config written by `to_dict`; unknown names raise `ValueError`, none is dropped in silence."""
        known = [field.name for field in dataclasses.fields(cls)]
        unknown = sorted(set(values) - set(known))
        _require(not unknown, f"unknown training settings {unknown}; known: {', '.join(known)}")
        return cls(**values)


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise ValueError(message)


def baseline_tiny() -> TrainConfig:
    """The classic laptop recipe for character models (nanoGPT's README, "I only have a macbook")."""
    return TrainConfig(
        max_steps=2000, batch_size=12, max_lr=1e-3, min_lr=1e-4, warmup_steps=100, betas=(0.9, 0.99),
        weight_decay=0.1, grad_clip=1.0, dtype="float32", eval_every=250, eval_batches=20)


def tiny(max_steps: int = 360) -> TrainConfig:
    """Ours for two CPU cores and a minute: Muon, high rates that fall straight to zero, bf16 where the CPU has it.

    A longer run gets lower rates, by the square root of how much longer it is. Measured in benchmarks/README.md, on
    two texts. Small batches pay, for a minute is short of updates, not of tokens.
    """
    lower = min(1.0, (360 / max(max_steps, 1)) ** 0.5)
    return TrainConfig(
        max_steps=max_steps, batch_size=8, optimizer="muon", muon_lr=0.035 * lower, max_lr=0.015 * lower,
        warmup_steps=min(10, max_steps // 10), schedule="wsd", decay_fraction=0.9, weight_decay=0.1, eval_every=90,
        eval_batches=10)


def small_cpu(max_steps: int = 4000) -> TrainConfig:
    """About an hour on a CPU core: `tiny`, eleven times as long."""
    return dataclasses.replace(
        tiny(max_steps), warmup_steps=min(100, max_steps // 10), eval_every=250, save_every=250)


def _gpt2(max_lr: float, batch_size: int) -> TrainConfig:
    """10 billion tokens in updates of 524,288 (Brown et al. 2020, Table 2.1 and appendix B; llm.c's run)."""
    return TrainConfig(
        max_steps=19_073, batch_size=batch_size, accumulation_steps=512 // batch_size, max_lr=max_lr,
        min_lr=max_lr / 10, warmup_steps=700, betas=(0.9, 0.95), weight_decay=0.1, grad_clip=1.0,
        compile=True, eval_every=250, eval_batches=20, save_every=500)


def gpt2_124m() -> TrainConfig:
    """Learning rate of GPT-3 Small; 64 windows of 1024 tokens fit a GPU of 80 GB."""
    return _gpt2(6e-4, batch_size=64)


def gpt2_355m() -> TrainConfig:
    """Learning rate of GPT-3 Medium."""
    return _gpt2(3e-4, batch_size=32)


def gpt2_774m() -> TrainConfig:
    """Learning rate of GPT-3 Large."""
    return _gpt2(2.5e-4, batch_size=16)


def gpt2_1558m() -> TrainConfig:
    """Learning rate of GPT-3 XL."""
    return _gpt2(2e-4, batch_size=8)


def modern_124m() -> TrainConfig:
    """Muon needs about a third of the tokens (Jordan et al. 2024, modded-nanogpt)."""
    return dataclasses.replace(
        gpt2_124m(), max_steps=6200, optimizer="muon", muon_lr=0.02, max_lr=3e-3, min_lr=0.0,
        warmup_steps=250, schedule="wsd", decay_fraction=0.4)


RECIPES = {recipe.__name__: recipe for recipe in (
    baseline_tiny, tiny, small_cpu, gpt2_124m, gpt2_355m, gpt2_774m, gpt2_1558m, modern_124m)}
