"""When a batch does not fit into memory: half of it at once, twice as many passes. Derived in lesson 14 (gpt_on_gpu).

Accumulation is exact (`next_token_loss` divides by the targets of the whole update), so that a batch may be cut
anywhere: the data, the update and the text that is evaluated stay those of the recipe. Only rounding and speed differ.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from course_lib.model.config import GPTConfig
from course_lib.training import ranks
from course_lib.training.config import TrainConfig
from course_lib.training.cost import BYTES
from course_lib.training.plan import divisors, memory_a_device, parameters


class DoesNotFit(RuntimeError):
    """The memory of the device does not suffice, and smaller batches are no remedy; the message counts what it takes.
    """


def cut(batches: Iterable[tuple[np.ndarray, np.ndarray]], at_once: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The same windows (idx, targets), in the same order, at most `at_once` in a batch."""
    for idx, targets in batches:
        for start in range(0, len(idx), at_once):
            yield idx[start:start + at_once], targets[start:start + at_once]


def in_passes_of(config: TrainConfig, batch_size: int) -> TrainConfig:
    """The same update, in passes of `batch_size` windows. Raises `ValueError` where it cannot be made of them."""
    windows = config.batch_size * config.accumulation_steps
    if batch_size < 1 or windows % batch_size:
        fit = ", ".join(str(n) for n in reversed(list(divisors(windows))))
        raise ValueError(f"batch_size={batch_size} does not divide an update of {windows} windows; take one of {fit}")
    return replace(config, batch_size=batch_size, accumulation_steps=windows // batch_size)


def smaller(at_once: int, model: nn.Module, config: TrainConfig, device: torch.device, T: int) -> int:
    """After `at_once` windows of T tokens did not fit: how many to try next, half of them.

    Raises `DoesNotFit` for a single window, and for several processes: they compute in step, and one of them cannot
    change alone.
    """
    free_cached(device)
    if at_once == 1:
        raise DoesNotFit(f"one window of {T} tokens does not fit {describe(device)}: "
                         f"{needs(model, config, 1, T)}. Take a smaller model or context_length, a device with "
                         "more memory, or share it among several (torchrun … --parallel fsdp)")
    if ranks.world_size() > 1:
        raise DoesNotFit(f"rank {ranks.rank()}: {at_once} windows of {T} tokens do not fit {describe(device)}: "
                         f"{needs(model, config, at_once, T)}. Begin a new run with half as many, "
                         f"batch_size={at_once // 2} (--batch-size {at_once // 2}); the update stays the same")
    return -(-at_once // 2)


def needs(model: nn.Module, config: TrainConfig, at_once: int, T: int) -> str:
    """What `course plan` counts: bytes of the fixed parts and, where the model is a GPT, of `at_once` windows."""
    shape = getattr(model, "config", None)
    if not isinstance(shape, GPTConfig):
        n = sum(p.numel() for p in model.parameters())
        return f"weights, gradients and optimizer alone take {4 * BYTES * n / 1e9:.1f} GB"
    windows = config.batch_size * config.accumulation_steps
    parts = memory_a_device(shape, config, parameters(shape, config), ranks.world_size(), at_once, windows,
                            config.dtype)
    moving = (parts["activations"] + parts["head"]) * T / shape.context_length
    fixed = parts["total"] - parts["activations"] - parts["head"]
    return (f"by the count of `course plan` {fixed / 1e9:.1f} GB for weights, gradients and optimizer, and "
            f"{moving / 1e9:.1f} GB for {at_once} window{'s' if at_once > 1 else ''} in {config.dtype}")


def describe(device: torch.device) -> str:
    """The device, and how much memory it has and has free."""
    if device.type != "cuda" or not torch.cuda.is_available():
        return f"the memory of this {device.type}"
    free, all_of_it = torch.cuda.mem_get_info(device)
    return (f"{device} ({torch.cuda.get_device_name(device)}, {all_of_it / 1e9:.1f} GB, "
            f"{free / 1e9:.1f} GB not taken by others)")


def free_cached(device: torch.device) -> None:
    """Give back what torch keeps for reuse: blocks of other sizes are needed now."""
    if device.type == "cuda" and torch.cuda.is_available():
        torch.cuda.empty_cache()
