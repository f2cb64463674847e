"""LayerNorm and RMSNorm: keep the residual stream at one scale. Derived in lesson 09 (block)."""

import contextlib

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.model.config import GPTConfig


def in_own_dtype(x: Tensor) -> contextlib.AbstractContextManager:
    """Around a kernel that reads and writes numbers of x's dtype and sums in float32 inside: autocast stays out.

    On a GPU autocast would hand such a kernel float32 copies, and the backward pass would keep them: twice the bytes.
    """
    kind = x.device.type
    return torch.autocast(kind, enabled=False) if torch.is_autocast_enabled(kind) else contextlib.nullcontext()


def layer_norm(x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None,
               eps: float = 1e-5) -> Tensor:
    r"""$(x - \bar x) / \sqrt{\mathrm{var}(x) + \epsilon} \cdot w + b$ over the last axis (..., C).

    The variance divides by C, not C - 1. Source: Ba, Kiros, Hinton 2016, "Layer Normalization", section 3.
    """
    centred = x - x.mean(dim=-1, keepdim=True)
    y = centred / (centred.square().mean(dim=-1, keepdim=True) + eps).sqrt()
    y = y if weight is None else y * weight
    return (y if bias is None else y + bias).to(x.dtype)


def rms_norm(x: Tensor, weight: Tensor | None = None, eps: float = 1e-5) -> Tensor:
    r"""$x / \sqrt{\mathrm{mean}(x^2) + \epsilon} \cdot w$ over the last axis: `layer_norm` without centring.

    Source: Zhang and Sennrich 2019, "Root Mean Square Layer Normalization", equation 4.
    """
    y = x * (x.square().mean(dim=-1, keepdim=True) + eps).rsqrt()
    return (y if weight is None else y * weight.to(x.dtype)).to(x.dtype)


class LayerNorm(nn.Module):
    """`layer_norm` with learned gain and, if asked, bias; computed by PyTorch's fused kernel."""

    def __init__(self, width: int, *, eps: float = 1e-5, bias: bool = True):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        weight, bias = self.weight.to(x.dtype), None if self.bias is None else self.bias.to(x.dtype)
        with in_own_dtype(x):
            return F.layer_norm(x, weight.shape, weight, bias, self.eps)


class RMSNorm(nn.Module):
    """`rms_norm` with a learned gain; by PyTorch's own kernel except in training on a CPU, where that is slower."""

    def __init__(self, width: int, *, eps: float = 1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight.to(x.dtype)
        with in_own_dtype(x):
            if x.device.type == "cpu" and torch.is_grad_enabled():
                return rms_norm(x, weight, self.eps)
            return F.rms_norm(x, weight.shape, weight, self.eps)


def build_norm(config: GPTConfig, width: int | None = None) -> nn.Module:
    """The norm that `config.norm` names: of the residual stream, or of heads `width` numbers wide."""
    width = config.n_embd if width is None else width
    if config.norm == "layernorm":
        return LayerNorm(width, eps=config.norm_eps, bias=config.bias)
    return RMSNorm(width, eps=config.norm_eps)
