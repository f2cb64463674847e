"""A model while it writes: dropout off, and nothing foreign that a shortcut would miss. For lesson 13 (decoding)."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from course_lib.model.attention import CausalSelfAttention
from course_lib.model.block import Block
from course_lib.model.feedforward import GELUFeedForward, ReLU2FeedForward, SwiGLUFeedForward
from course_lib.model.gpt import GPT
from course_lib.model.norm import LayerNorm, RMSNorm
from course_lib.model.position import LearnedPosition, NoPosition, RotaryPosition

OURS = {GPT, Block, CausalSelfAttention, GELUFeedForward, ReLU2FeedForward, SwiGLUFeedForward, LayerNorm, RMSNorm,
        NoPosition, LearnedPosition, RotaryPosition,
        nn.Linear, nn.Embedding, nn.Dropout, nn.Identity, nn.ModuleList}


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Dropout off; afterwards every part is back in its mode. A model in evaluation mode is taken as it is."""
    training = [module for module in model.modules() if module.training] if model.training else []
    for module in training:
        module.training = False
    try:
        yield
    finally:
        for module in training:
            module.training = True


def is_plain(model: nn.Module, device_type: str) -> bool:
    """Whether the model is our parts as they are, all on one device of this type, so that a shortcut computes the same.

    Not with other modules in it (LoRA, quantized layers), hooks, a replaced `forward`, compiled or under autocast.
    """
    return (not torch.is_autocast_enabled(device_type)
            and all(type(module) in OURS and not module._forward_hooks and not module._forward_pre_hooks
                    and module._compiled_call_impl is None and "forward" not in vars(module)
                    for module in model.modules())
            and {parameter.device.type for parameter in model.parameters()} == {device_type}
            and len({parameter.device for parameter in model.parameters()}) == 1)
