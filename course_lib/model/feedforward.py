"""The feed-forward: each token thinks alone. GELU, ReLU² or SwiGLU. Derived in lesson 09 (block)."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.model.config import GPTConfig
from course_lib.model.norm import in_own_dtype


def gelu(x: Tensor) -> Tensor:
    r"""$\frac{x}{2}\left(1 + \tanh\left(\sqrt{2/\pi}\,(x + 0.044715\,x^3)\right)\right)$, GPT-2's version.

    Source: Hendrycks and Gimpel 2016, "Gaussian Error Linear Units", section 2. Elsewhere: gelu_new.
    """
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def relu2(x: Tensor) -> Tensor:
    r"""$\max(x, 0)^2$. Source: So et al. 2021, "Primer", section 3."""
    with in_own_dtype(x):
        return F.relu(x).square()


def swiglu(gate: Tensor, value: Tensor) -> Tensor:
    r"""$\mathrm{silu}(g) \cdot v$ with $\mathrm{silu}(g) = g\,\sigma(g)$.

    Source: Shazeer 2020, "GLU Variants Improve Transformer", equation 6. Elsewhere: SwishGLU.
    """
    return gate * torch.sigmoid(gate) * value


class FeedForward(nn.Module):
    """Widen C to F, bend, narrow back: `proj(bend(up(x)))`. Elsewhere: MLP, position-wise feed-forward."""

    def __init__(self, config: GPTConfig):
        super().__init__()
        self.up = nn.Linear(config.n_embd, config.n_hidden, bias=config.bias)
        self.proj = nn.Linear(config.n_hidden, config.n_embd, bias=config.bias)
        self.dropout = nn.Dropout(config.dropout)

    def bend(self, h: Tensor) -> Tensor:
        """(..., F) -> (..., F): the nonlinearity, one number at a time."""
        raise NotImplementedError("FeedForward leaves `bend` open: use GELUFeedForward or ReLU2FeedForward")

    def forward(self, x: Tensor) -> Tensor:
        return self.dropout(self.proj(self.bend(self.up(x))))


class GELUFeedForward(FeedForward):
    """`gelu`, by PyTorch's fused kernel."""

    def bend(self, h: Tensor) -> Tensor:
        return F.gelu(h, approximate="tanh")


class ReLU2FeedForward(FeedForward):
    """`relu2`: two cheap steps, and most of the hidden numbers are exactly zero."""

    def bend(self, h: Tensor) -> Tensor:
        return relu2(h)


class SwiGLUFeedForward(FeedForward):
    """A second matrix decides how much of each hidden number passes; F is a third smaller to pay for it."""

    def __init__(self, config: GPTConfig):
        super().__init__(config)
        self.gate = nn.Linear(config.n_embd, config.n_hidden, bias=config.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.dropout(self.proj(F.silu(self.gate(x)) * self.up(x)))


def build_feedforward(config: GPTConfig) -> FeedForward:
    """The feed-forward that `config.feedforward` names."""
    kinds = {"gelu": GELUFeedForward, "relu2": ReLU2FeedForward, "swiglu": SwiGLUFeedForward}
    return kinds[config.feedforward](config)
