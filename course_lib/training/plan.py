"""A run on paper: memory a device, steps, hours, and what becomes the limit. Derived in lesson 15 (scale).

`course plan` prints it, and beside it what the same arithmetic says about published runs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import torch

from course_lib.model.config import PRESETS, GPTConfig
from course_lib.model.gpt import GPT
from course_lib.training.config import RECIPES, TrainConfig
from course_lib.training.cost import BYTES, activation_bytes, flops_per_token
from course_lib.training.hardware import HARDWARE, Hardware
from course_lib.training.muon import hidden_matrices

EFFICIENCY = 0.45  # share of the data sheet's peak: good runs published since 2022 reach 0.29 to 0.63
FACTOR = 1.6  # so predicted hours lie within this factor of the published ones


@dataclass(frozen=True)
class Plan:
    """What a run will take. `memory` is bytes a device by component; `hours` is infinite where it does not fit."""

    parameters: int
    batch_size: int  # windows in one forward pass of a device; 0: not even one fits
    memory: dict[str, float]
    steps: int
    hours: float
    limit: str  # memory | compute | communication


def plan_run(config: GPTConfig, train: TrainConfig, hardware: Hardware, devices: int, tokens: float) -> Plan:
    """How `tokens` tokens are trained on so many devices, with the recipe's global batch and its `parallel`.

    Time a step is the longer one of computing, FLOPs / (devices · peak · EFFICIENCY), and exchanging, bytes / link,
    for the two overlap. "ddp" exchanges gradients once, 2 · 4 N bytes a device; "fsdp" gathers the weights in each
    forward and each backward pass and scatters the gradients once: 4 N each time.
    """
    parts = parameters(config, train)
    windows = max(train.batch_size * train.accumulation_steps, devices)
    batch_size, needed = largest_batch(config, train, hardware.memory, devices, dtype=hardware.dtype)
    fits = needed["total"] <= hardware.memory
    tokens_a_step = windows * config.context_length
    compute = tokens_a_step * flops_per_token(config) / (devices * hardware.peak * EFFICIENCY)
    passes = -(-windows // (devices * batch_size))
    copies = 2 if train.parallel == "ddp" else 2 * passes + 1
    link = hardware.link if devices <= hardware.per_machine else hardware.network
    exchange = copies * BYTES * parts["all"] * (devices - 1) / devices / link
    steps = round(tokens / tokens_a_step)
    hours = steps * max(compute, exchange) / 3600 if fits else float("inf")
    limit = "memory" if not fits else "compute" if compute >= exchange else "communication"
    return Plan(parts["all"], batch_size if fits else 0, needed, steps, hours, limit)


def largest_batch(config: GPTConfig, train: TrainConfig, memory: float, devices: int = 1, *,
                  dtype: str = "bfloat16") -> tuple[int, dict[str, float]]:
    """The most windows in one forward pass of a device with `memory` bytes that make up the update: (B, bytes by part).

    `dtype` is what the device trains in, where the recipe leaves it open. Where not even one window fits, B is 1 and
    its `total` tells.
    """
    parts, dtype = parameters(config, train), dtype if train.dtype == "auto" else train.dtype
    windows = max(train.batch_size * train.accumulation_steps, devices)
    for batch_size in divisors(windows // devices):
        needed = memory_a_device(config, train, parts, devices, batch_size, windows, dtype)
        if needed["total"] <= memory:
            break
    return batch_size, needed


def divisors(n: int) -> Iterator[int]:
    """From n down to 1: what a batch may be, for an update to be made of whole ones."""
    yield from (k for k in range(n, 0, -1) if n % k == 0)


@lru_cache
def parameters(config: GPTConfig, train: TrainConfig) -> dict[str, int]:
    """How many there are: `all`, `by_muon` (with one number of optimizer state instead of two), `layer`."""
    with torch.device("meta"):
        model = GPT(config)
    by_muon = sum(p.numel() for p in hidden_matrices(model)) if train.optimizer == "muon" else 0
    return {"all": sum(p.numel() for p in model.parameters()), "by_muon": by_muon,
            "layer": sum(p.numel() for p in model.blocks[0].parameters())}


def memory_a_device(config: GPTConfig, train: TrainConfig, parts: dict[str, int], devices: int, batch_size: int,
                    windows: int, dtype: str = "bfloat16") -> dict[str, float]:
    """Bytes by component, with `batch_size` windows in a forward pass of a device in `dtype`, and the `total`.

    Under "fsdp" weights, gradients and optimizer state are shared; borrowed are the weights of two layers, the one
    that computes and the next, and whole gradients while an update has several passes. The head needs the logits in
    both precisions and their gradient, beside the log-probabilities among the activations: 8 more bytes each.
    """
    N, share = parts["all"], devices if train.parallel == "fsdp" else 1
    n_tokens = batch_size * config.context_length
    several = share > 1 and windows > devices * batch_size
    memory = {"weights": BYTES * N / share, "gradients": BYTES * N / share,
              "optimizer": BYTES * (2 * N - parts["by_muon"]) / share,
              "borrowed": BYTES * (2 * parts["layer"] + N * several) if share > 1 else 0,
              "activations": activation_bytes(config, n_tokens, dtype), "head": 8 * config.vocab_size * n_tokens}
    return memory | {"total": sum(memory.values())}


def llama_1b(vocab_size: int = 32_000) -> GPTConfig:
    """1.1 billion parameters in TinyLlama's shape (Zhang et al. 2024, arXiv 2401.02385, table 1)."""
    return GPTConfig(vocab_size=vocab_size, context_length=2048, n_layer=22, n_head=32, n_kv_head=4, n_embd=2048,
                     n_hidden=5632, feedforward="swiglu", tied_head=False)


def llama_13b(vocab_size: int = 32_000) -> GPTConfig:
    """Touvron et al. 2023 (arXiv 2302.13971), table 2."""
    return GPTConfig(vocab_size=vocab_size, context_length=2048, n_layer=40, n_head=40, n_embd=5120, n_hidden=13_824,
                     feedforward="swiglu", tied_head=False)


@dataclass(frozen=True)
class Published:
    """A run that was done and told: `flops` in all, counted as here, on `devices` of a kind in `hours`."""

    name: str
    flops: float
    hardware: str
    devices: int
    hours: float
    source: str

    @property
    def predicted(self) -> float:
        """Hours by `EFFICIENCY`."""
        return self.flops / (self.devices * HARDWARE[self.hardware].peak * EFFICIENCY) / 3600


def published_runs() -> list[Published]:
    """Runs that say how long they took."""
    gpt2, tinyllama, llama = map(flops_per_token, (PRESETS["gpt2_124m"](), llama_1b(), llama_13b()))
    return [
        Published("nanoGPT GPT-2 124M, 295 B tokens", gpt2 * 295e9, "A100 40GB", 8, 96,
                  "nanoGPT README: about 4 days, 600,000 updates of 491,520 tokens"),
        Published("llm.c GPT-2 124M, 10 B tokens", gpt2 * 10e9, "A100 80GB", 8, 1.5, "llm.c, discussion 481"),
        Published("llm.c GPT-2 124M, 10.3 B tokens", gpt2 * 10.26e9, "H100", 8, 0.75,
                  "modded-nanogpt, record of 2024-10-13: llm.c, 140 ms an update"),
        Published("nanochat d24", 4.33e19, "H100", 8, 10_949 / 3600, "nanochat, dev/LEADERBOARD.md, run 1"),
        Published("TinyLlama 1.1 B, 22 B tokens", tinyllama * 22e9, "A100 40GB", 8, 32,
                  "TinyLlama README: 24,000 tokens/s a GPU"),
        Published("LLaMA 13 B, 1 T tokens", llama * 1e12, "A100 80GB", 2048, 135_168 / 2048,
                  "Touvron et al. 2023, table 15: 135,168 GPU hours"),
    ]


def preset_and_recipe(name: str, parallel: str) -> tuple[GPTConfig, TrainConfig]:
    """What is planned under `name`: a preset with its recipe, or llama_1b with updates of a million tokens."""
    if name == "llama_1b":
        return llama_1b(), TrainConfig(max_steps=1, batch_size=512, parallel=parallel)
    if name not in PRESETS:
        raise ValueError(f"preset {name!r} is unknown; choose one of {', '.join([*PRESETS, 'llama_1b'])}")
    config = PRESETS[name](50_257) if name in ("tiny", "baseline_tiny", "small_cpu") else PRESETS[name]()
    recipe = RECIPES[name]()
    return config, TrainConfig.from_dict(recipe.to_dict() | {"parallel": parallel})
