"""Where a run computes, and in which precision. Derived in lesson 14 (gpt_on_gpu)."""

import contextlib
import dataclasses
import random

import numpy as np
import torch
from torch import nn

from course_lib.training.config import TrainConfig


def pick_device(name: str = "auto") -> torch.device:
    """The device called `name`; "auto" is the GPU if CUDA finds one, else the CPU.

    Apple's "mps" must be asked for: on models of this course's size the CPU is often as fast, and only the
    CPU repeats a run bit for bit. A device that is not there raises `ValueError`.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"device={name!r} is unknown; try auto, cpu, cuda or mps") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ValueError(f"device={name!r} is not here: torch {torch.__version__} sees "
                         f"{torch.cuda.device_count()} CUDA devices; try device='cpu'")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise ValueError("device='mps' needs an Apple GPU; try device='cpu'")
    return device


def has_fast_bfloat16(device: torch.device) -> bool:
    """True where bf16 matrix products run in hardware: AMX or AVX512-bf16 on a CPU, Ampere or later on a GPU.

    Elsewhere bf16 is emulated, correct but slower than float32.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device)[0] >= 8
    if device.type != "cpu":
        return False
    if hasattr(torch.cpu, "get_capabilities"):  # torch 2.12 and later
        reported = torch.cpu.get_capabilities()
        return bool(reported.get("amx_bf16") or reported.get("avx512_bf16"))
    probes = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return any(getattr(torch.cpu, probe, lambda: False)() for probe in probes)


def resolve(config: TrainConfig) -> TrainConfig:
    """The config with "auto" and None replaced by what this machine gives: device, dtype, threads.

    A named device or dtype that this machine lacks raises `ValueError`.
    """
    device = pick_device(config.device)
    fast = has_fast_bfloat16(device)
    if config.dtype == "bfloat16" and not fast:
        raise ValueError(f"dtype='bfloat16' needs AMX or AVX512-bf16 on a CPU, or a GPU from Ampere on, and "
                         f"this {device.type} has neither; use dtype='float32' in a new run")
    dtype = ("bfloat16" if fast else "float32") if config.dtype == "auto" else config.dtype
    return dataclasses.replace(
        config, device=str(device), dtype=dtype, threads=config.threads or torch.get_num_threads())


def autocast(device: torch.device, dtype: str) -> contextlib.AbstractContextManager:
    """Matrix products in `dtype`, everything delicate (norms, softmax, loss) and all weights in float32.

    Elsewhere: mixed precision (Micikevicius et al. 2018, arXiv 1710.03740); bf16 needs no loss scaling.
    """
    if dtype == "float32":
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=getattr(torch, dtype))


def to_torch(array: np.ndarray, device: torch.device) -> torch.Tensor:
    """The one door from numpy to torch. To a GPU it copies from pinned memory while the GPU keeps working."""
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def wait_for(device: torch.device) -> None:
    """Until the device has done all it was told to: a GPU works while Python goes on, and a clock must not."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def compile_blocks(model: nn.Module) -> None:
    """torch.compile for the layers of each `nn.ModuleList`, in place, so that parameter names stay clean.

    Equal layers share one compilation: this takes seconds where compiling the whole model takes minutes.
    """
    for stack in [module for module in model.modules() if isinstance(module, nn.ModuleList)]:
        for layer in stack:
            layer.compile()


def seed_everything(seed: int) -> None:
    """Seed Python's and torch's random numbers (dropout, sampling); the data order has its own seed."""
    random.seed(seed)
    torch.manual_seed(seed)


def random_state(device: torch.device) -> dict:
    """Everything that `restore_random_state` needs, in types that load without running foreign code."""
    cuda = [torch.cuda.get_rng_state(device)] if device.type == "cuda" else []
    return {"python": random.getstate(), "torch": torch.get_rng_state(), "cuda": cuda}


def restore_random_state(state: dict, device: torch.device) -> None:
    """Continue the random numbers where `random_state` was taken."""
    random.setstate(state["python"])
    torch.set_rng_state(state["torch"])
    if state["cuda"] and device.type == "cuda":
        torch.cuda.set_rng_state(state["cuda"][0], device)
