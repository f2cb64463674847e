"""Where a run computes, and in which precision. Derived in lesson 14 (gpt_on_gpu)."""

import contextlib
import dataclasses
import os
import random
from pathlib import Path

import numpy as np
import torch
from torch import nn

from course_lib.training.config import TrainConfig


def pick_device(name: str = "auto") -> torch.device:
    """The device called `name`; "auto" is the GPU if CUDA finds one that this torch has kernels for, else the CPU.

    Apple's "mps" must be asked for: on models of this course's size the CPU is often as fast, and only the
    CPU repeats a run bit for bit. A device that is not there raises `ValueError`.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() and has_kernels(torch.device("cuda")) else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"device={name!r} is unknown; try auto, cpu, cuda or mps") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ValueError(f"device={name!r} is not here: torch {torch.__version__} sees "
                         f"{torch.cuda.device_count()} CUDA devices; try device='cpu'")
    if device.type == "cuda" and not has_kernels(device):
        major, minor = torch.cuda.get_device_capability(device)
        raise ValueError(f"device={name!r} is {torch.cuda.get_device_name(device)} (sm_{major}{minor}), and torch "
                         f"{torch.__version__} has kernels for {', '.join(torch.cuda.get_arch_list())} only; try "
                         "device='cpu', or a torch that was built for this card")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise ValueError("device='mps' needs an Apple GPU; try device='cpu'")
    return device


def has_kernels(device: torch.device) -> bool:
    """Whether this torch was built for a GPU of this kind; else its first operation is "no kernel image is available".

    A kernel for sm_80 runs on sm_80 and later of the same major number; code for compute_80 is compiled for any later
    card when it is first used.
    """
    major, minor = torch.cuda.get_device_capability(device)
    for built in torch.cuda.get_arch_list():
        kind, _, number = built.partition("_")
        number = int(number.rstrip("af"))  # sm_90a: for exactly that card
        same = kind == "sm" and number // 10 == major and number % 10 <= minor
        if same or (kind == "compute" and number <= 10 * major + minor):
            return True
    return False


def has_fast_float16(device: torch.device) -> bool:
    """True where float16 matrix products run in hardware: a GPU from Volta on (V100, T4). On a CPU it is not used."""
    return device.type == "cuda" and torch.cuda.get_device_capability(device)[0] >= 7


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
    fast = {"bfloat16": has_fast_bfloat16(device), "float16": has_fast_float16(device), "float32": True}
    best = next(dtype for dtype, is_fast in fast.items() if is_fast)
    needs = {"bfloat16": "AMX or AVX512-bf16 on a CPU, or a GPU from Ampere on", "float16": "a GPU from Volta on"}
    if not fast.get(config.dtype, True):
        raise ValueError(f"dtype={config.dtype!r} needs {needs[config.dtype]}, and this {device.type} has no such "
                         f"thing; use dtype={best!r} in a new run")
    dtype = best if config.dtype == "auto" else config.dtype
    return dataclasses.replace(
        config, device=str(device), dtype=dtype, threads=config.threads or torch.get_num_threads())


def refuse_elsewhere(saved: TrainConfig, run: Path) -> None:
    """Raise `ValueError` where the device of a run that is to go on is not here: its numbers are that device's."""
    try:
        pick_device(saved.device)
    except ValueError as error:
        raise ValueError(
            f"the run in {run} can go on only on the kind of device that it was begun on: "
            f"{str(error).partition('; try')[0]}. Here you can let its model write (`course generate {run} "
            "--device cpu`), or begin a new run with device='cpu' in another folder") from error


def autocast(device: torch.device, dtype: str) -> contextlib.AbstractContextManager:
    """Matrix products in `dtype`, everything delicate (norms, softmax, loss) and all weights in float32.

    Elsewhere: mixed precision (Micikevicius et al. 2018, arXiv 1710.03740). float16 needs a `LossScale`, bf16 none.
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


def uncompile_blocks(model: nn.Module) -> None:
    """The inverse of `compile_blocks`."""
    for layer in model.modules():
        layer._compiled_call_impl = None


def eagerly(config: TrainConfig) -> contextlib.AbstractContextManager:
    """Around forward passes of many shapes, such as decoding: compiled layers run uncompiled.

    Each new shape would be compiled again, for seconds, until torch gives up at its limit.
    """
    return torch.compiler.set_stance("force_eager") if config.compile else contextlib.nullcontext()


def is_the_compilers(error: Exception) -> bool:
    """Whether torch.compile failed, and not what it compiles."""
    from torch._dynamo.exc import TorchDynamoException

    return isinstance(error, TorchDynamoException)


def why_not_compiled(error: Exception) -> str:
    """One line about a failure of torch.compile, and what helps."""
    spaces = [path for path in (torch.__file__, os.environ.get("TORCHINDUCTOR_CACHE_DIR", "")) if " " in path]
    help_ = (f"the C++ compiler is called with {spaces[0]!r} and takes the space in it for an end: use a folder "
             "without one" if spaces else "it needs a C++ compiler on a CPU and Triton on a GPU")
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    line = next((line for line in reversed(lines) if "error:" in line.lower()), " ".join(lines[:2]))
    return f"torch.compile failed, so the run goes on uncompiled, slower ({help_}): {line}"


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
