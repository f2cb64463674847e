"""The processes that train together: who is who, and what they tell each other. Derived in lesson 15 (scale).

`torchrun --nproc-per-node 8 -m course_lib train …` starts eight equal processes, the ranks 0 to 7, and says to each
in its environment which one it is. Alone, every function here is the identity.
"""

import contextlib
import os
from collections.abc import Iterator

import torch
import torch.distributed as dist
from torch import Tensor


def world_size() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Which of them this is: 0 … world_size() - 1."""
    return dist.get_rank() if world_size() > 1 else 0


def is_main() -> bool:
    """Whether this is the rank that prints and writes: the first one."""
    return rank() == 0


@contextlib.contextmanager
def process_group() -> Iterator[None]:
    """Join the processes that torchrun started, over gloo between CPUs and NCCL between GPUs; leave them at the end.

    A process without a GPU of its number joins, too: a run on CPUs needs none, and `own_device` refuses any other.
    After an error nobody is waited for: torchrun sees this process end and stops the others.
    """
    joins = int(os.environ.get("WORLD_SIZE", 1)) > 1 and world_size() == 1
    if joins:
        if int(os.environ["LOCAL_RANK"]) < torch.cuda.device_count():
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    yield
    if joins:
        dist.destroy_process_group()


def own_device(name: str) -> torch.device:
    """The device of this process: of several on a machine, each takes the GPU of its own number."""
    device = torch.device(name)
    if world_size() == 1 or device.type != "cuda":
        return device
    if device.index is not None:
        raise ValueError(f"device={name!r} would put {world_size()} processes on one GPU; try device='cuda'")
    number, gpus = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
    if number >= gpus:
        raise ValueError(f"process {number} of this machine finds no GPU of its own, for there are {gpus}; start "
                         f"--nproc-per-node {max(gpus, 1)}, or train on CPUs with device='cpu' (--device cpu)")
    return torch.device("cuda", number)


def total(number: int) -> int:
    """The sum over all ranks."""
    if world_size() == 1:
        return number
    dist.all_reduce(numbers := torch.tensor([number]))
    return int(numbers)


def mean(tensor: Tensor) -> Tensor:
    """The mean over all ranks."""
    if world_size() == 1:
        return tensor
    dist.all_reduce(tensor := tensor.clone())
    return tensor / world_size()


def wait_for_all() -> None:
    """Go on when every rank has come here."""
    total(1)


@contextlib.contextmanager
def main_first() -> Iterator[None]:
    """What stands inside is done by the first rank, and then by the others, who find its files."""
    if not is_main():
        wait_for_all()
    yield
    if is_main():
        wait_for_all()
