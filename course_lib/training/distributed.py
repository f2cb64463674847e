"""One run on many devices: shared batches, gradients and weights. Derived in lesson 15 (scale).

The same update, whatever the number of ranks: they share its forward passes, and exchange what lets every rank
take the step that one process would take. Alone, every function here is the identity.
"""

import contextlib
import dataclasses
import math
from collections.abc import Callable
from functools import lru_cache

import torch
import torch.distributed as dist
from torch import Tensor, nn

from course_lib.training.config import TrainConfig
from course_lib.training.ranks import is_main, world_size


def spread(config: TrainConfig) -> TrainConfig:
    """The same update, cut into as many forward passes as it takes to give each rank equally many.

    Raises `ValueError` where its windows cannot be shared evenly.
    """
    A = config.accumulation_steps
    windows, passes = config.batch_size * A, math.lcm(A, world_size())
    if windows % passes:
        fit = ", ".join(str(n) for n in range(1, windows + 1) if windows % math.lcm(A, n) == 0)
        raise ValueError(f"an update of {windows} windows (batch_size={config.batch_size}, accumulation_steps={A}) "
                         f"cannot be shared by {world_size()} processes; start {fit}")
    return dataclasses.replace(config, batch_size=windows // passes, accumulation_steps=passes)


def own_steps(config: TrainConfig) -> int:
    """How many of an update's `accumulation_steps` forward passes are this rank's: an equal share.

    Raises `ValueError` where there is none.
    """
    A = config.accumulation_steps
    if A % world_size():
        fit = ", ".join(str(n) for n in range(1, A + 1) if A % n == 0)
        raise ValueError(f"accumulation_steps={A} forward passes cannot be shared by {world_size()} processes; "
                         f"start {fit}, or begin a new run with the config that spread(config) returns")
    return A // world_size()


class Whole(nn.Module):
    """A model in a shell: `fully_shard` changes a module's class, and the model shall keep its own."""

    def __init__(self, module: nn.Module):
        super().__init__()
        self.module = module

    def forward(self, *inputs, **options) -> Tensor:
        """What the model inside returns."""
        return self.module(*inputs, **options)


def parallelize(model: nn.Module, config: TrainConfig, device: torch.device) -> nn.Module:
    """What to call instead of `model`, so that its gradients become the mean over all ranks.

    - "ddp", data parallel: every rank holds everything; gradients are averaged bucket by bucket, while the backward
      pass still computes those of earlier layers (Li et al. 2020, "PyTorch Distributed", arXiv 2006.15704).
    - "fsdp", fully sharded: each rank holds its part of weights, gradients and optimizer state, and borrows a layer's
      other parts while that layer computes (Zhao et al. 2023, arXiv 2304.11277; Rajbhandari et al. 2020, "ZeRO",
      stage 3). `model.parameters()` are then shards (`DTensor`), which optimizers treat like any tensor.
    """
    if world_size() == 1:
        return model.to(device)
    for tensor in (*model.parameters(), *model.buffers()):
        dist.broadcast(tensor.data, src=0)  # all begin with the first rank's weights
    if config.parallel == "ddp":
        from torch.nn.parallel import DistributedDataParallel

        return DistributedDataParallel(model.to(device), device_ids=[device] if device.type == "cuda" else None,
                                       gradient_as_bucket_view=True)
    from torch.distributed.fsdp import fully_shard

    mesh = all_ranks(device.type, dist.group.WORLD)
    for layers in [module for module in model.modules() if isinstance(module, nn.ModuleList)]:
        for layer in layers:
            fully_shard(layer, mesh=mesh)
    return fully_shard(Whole(model), mesh=mesh, reshard_after_forward=True)


def backward_pass(parallel: nn.Module, *, last: bool) -> contextlib.AbstractContextManager:
    """Around forward and backward pass of one part of an update: only in its last part do ranks exchange gradients.

    Under "fsdp" the gradients that wait are whole ones: memory is the price of the exchanges saved.
    """
    if hasattr(parallel, "set_requires_gradient_sync"):
        parallel.set_requires_gradient_sync(last)
    return parallel.no_sync() if hasattr(parallel, "no_sync") and not last else contextlib.nullcontext()


def whole(tensor: Tensor) -> Tensor:
    """All of a tensor of which this rank may hold a shard only. Every rank must ask."""
    return tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor


def on_first_rank(tensor: Tensor) -> Tensor | None:
    """All of a tensor, in the CPU memory of the first rank; None for the others, who only lend their shards.

    Every rank must ask. Eight ranks share a machine's memory, and one copy of everything is enough.
    """
    tensor = whole(tensor.detach())
    return tensor.cpu() if is_main() else None


def is_whole(model: nn.Module) -> bool:
    """Whether this rank holds all weights of the model, so that it can use it without the others."""
    return not any(hasattr(p, "full_tensor") for p in model.parameters())


def shard_like(tensor: Tensor, p: Tensor) -> Tensor:
    """The inverse of `whole`: a copy of `tensor` where p is, and of it only what this rank holds of p."""
    tensor = tensor.detach().clone().to(p.device)
    if not hasattr(p, "full_tensor") or tensor.shape != p.shape:  # a count of steps is nobody's shard
        return tensor
    from torch.distributed.tensor import distribute_tensor

    return distribute_tensor(tensor, p.device_mesh, p.placements, src_data_rank=None)


def by_owner(function: Callable[[Tensor], Tensor], stack: Tensor) -> Tensor:
    """`function` of each of L matrices (L, m, n), each rank computing it for its share of them.

    Under "ddp" all ranks have all matrices; under "fsdp" each has some rows of all, so rows travel to a matrix's owner
    and back. The owners of Rajbhandari et al. 2020 ("ZeRO", stage 1), for whole matrices.
    """
    if world_size() == 1:
        return function(stack)
    from torch.distributed.tensor import DTensor, Replicate, Shard

    sharded = isinstance(stack, DTensor)
    if not sharded:
        stack = DTensor.from_local(stack, all_ranks(stack.device.type, dist.group.WORLD), [Replicate()])
    own = stack.redistribute(placements=[Shard(0)])
    done = DTensor.from_local(function(own.to_local()), own.device_mesh, [Shard(0)], shape=own.shape,
                              stride=own.stride()).redistribute(placements=stack.placements)
    return done if sharded else done.to_local()


@lru_cache(maxsize=1)
def all_ranks(device_type: str, group: dist.ProcessGroup) -> "dist.DeviceMesh":
    """The ranks of `group`, as a line of devices."""
    return dist.init_device_mesh(device_type, (dist.get_world_size(group),))
