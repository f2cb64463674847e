"""Keep less, compute twice: activations made again on the way back. Derived in lesson 14 (gpt_on_gpu)."""

from functools import partial

from torch import nn
from torch.utils.checkpoint import checkpoint


def recompute_blocks(model: nn.Module) -> None:
    """Let each layer of each `nn.ModuleList` keep its input alone, in place; the backward pass runs it forward again.

    Activations then take L inputs of C numbers a token and the inside of one layer, instead of the inside of L. A step
    costs one more forward pass of the layers, at most 4/3 of the operations. The gradients are the same numbers:
    dropout, too, draws what it drew. Source: Chen et al. 2016 (arXiv 1604.06174). Elsewhere: activation checkpointing,
    gradient checkpointing, rematerialisation. Nothing is on disk, which the other checkpoints are.
    """
    for stack in [module for module in model.modules() if isinstance(module, nn.ModuleList)]:
        for layer in stack:
            layer.forward = partial(checkpoint, layer.forward, use_reentrant=False)
