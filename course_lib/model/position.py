"""Where a token stands: rotary, learned or no positions. Derived in lesson 08 (heads_and_positions).

A position acts in one of two places: learned ones are added to the residual stream at the bottom (`forward`),
rotary ones turn queries and keys in every attention layer (`rotation`).
"""

import torch
from torch import Tensor, nn

from course_lib.model.config import GPTConfig


def token_positions(padding_mask: Tensor) -> Tensor:
    """How many real tokens stand before each one: (B, S) bool -> (B, S) int64.

    Counting only real tokens makes a left-padded row see the same positions as the row alone.
    Padding itself gets position 0, which nobody looks at.
    """
    return (padding_mask.long().cumsum(dim=1) - 1).clamp(min=0)


def rotary_tables(head_dim: int, context_length: int, base: float = 10_000.0) -> tuple[Tensor, Tensor]:
    r"""Cosines and sines (T, D) of $t \cdot \mathrm{base}^{-2i/D}$, the angle of pair i at position t.

    Pair i is made of the coordinates i and i + D/2, as in GPT-NeoX and Llama. The first half of the sines
    carries the minus sign of the rotation, so that `rotate` needs no other.
    Source: Su et al. 2021, "RoFormer", section 3.2.
    """
    float64 = dict(dtype=torch.float64, device="cpu")  # Apple's GPUs have no doubles
    speed = base ** (-torch.arange(0, head_dim, 2, **float64) / head_dim)
    angle = torch.outer(torch.arange(context_length, **float64), speed)
    cos = torch.cat([angle.cos(), angle.cos()], dim=-1)
    sin = torch.cat([-angle.sin(), angle.sin()], dim=-1)
    place = torch.get_default_device()
    return cos.float().to(place), sin.float().to(place)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn every pair (x_i, x_{i + D/2}) of (B, H, T, D) by its position's angle; lengths are kept.

    (a, b) -> (a cos - b sin, b cos + a sin). After it, q · k depends on the distance between the two tokens,
    not on where they stand. Elsewhere: apply_rotary_emb, apply_rotary_pos_emb, RoPE.
    """
    swapped = x.roll(x.shape[-1] // 2, dims=-1)  # (B, H, T, D)
    return x * cos.to(x.dtype) + swapped * sin.to(x.dtype)


class NoPosition(nn.Module):
    """No positions: a causal model can still tell early from late by how much it may look at."""

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        """The residual stream (B, T, C) with whatever this kind adds to it."""
        return x

    def rotation(self, positions: Tensor) -> tuple[Tensor, Tensor] | None:
        """Cosines and sines for `rotate`, if this kind turns queries and keys."""
        return None


class LearnedPosition(NoPosition):
    """One learned vector for each position, added to the token's (GPT, GPT-2, BERT). Elsewhere: wpe."""

    def __init__(self, context_length: int, n_embd: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(context_length, n_embd))
        nn.init.normal_(self.weight, std=0.02)

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        return x + self.weight[positions]


class RotaryPosition(NoPosition):
    """Angles instead of vectors: nothing to learn, and attention sees distances. Tables are not saved."""

    def __init__(self, head_dim: int, context_length: int, base: float):
        super().__init__()
        cos, sin = rotary_tables(head_dim, context_length, base)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)

    def rotation(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        cos, sin = self.cos[positions], self.sin[positions]
        # (T, D) fits (B, H, T, D) as it is; (B, T, D), one row of positions for each text, needs an axis for H.
        return (cos, sin) if positions.ndim == 1 else (cos[:, None], sin[:, None])


def build_position(config: GPTConfig) -> NoPosition:
    """The kind of position that `config.position` names."""
    if config.position == "learned":
        return LearnedPosition(config.context_length, config.n_embd)
    if config.position == "rotary":
        return RotaryPosition(config.head_dim, config.context_length, config.rotary_base)
    return NoPosition()
