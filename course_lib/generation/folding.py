r"""What is linear in a GPT, multiplied together once instead of at every step. Derived in lesson 13 (decoding).

Three identities:

- A norm's gain and bias belong to the matrix that reads it: $W(g \odot y + b) = (W\,\mathrm{diag}\,g)\,y + Wb$.
- LayerNorm is RMSNorm where the mean is 0. Only norms read the residual stream, and they subtract its mean; so
  whatever writes to the stream may as well write vectors of mean 0.
- The $\sqrt C$ of a norm, $y = \sqrt C\,x / \sqrt{x \cdot x + C\epsilon}$, and attention's $1 / \sqrt D$ are gains.

Elsewhere: fold_ln, center_writing_weights (TransformerLens).
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from course_lib.model.attention import CausalSelfAttention

Array = NDArray[np.floating]
Affine = tuple[Array, Array | None]  # x -> x W + b: W (inputs, outputs), b (outputs,) or None


def fold(weight: Tensor, bias: Tensor | None = None, *, norm: nn.Module | None = None, centre: bool = False) -> Affine:
    """A linear layer (outputs, inputs) as `Affine`, with the norm in front multiplied in; `centre` what it writes.

    The longer side lies in one piece in memory: one vector times W is then read a quarter faster from there.
    """
    W, b = np.empty_like(array(weight).T, order="C" if len(weight) > len(weight.T) else "F"), None
    torch.from_numpy(W).copy_(weight.detach().T)  # torch transposes three times as fast as numpy
    if bias is not None:
        b = array(bias).copy()
    if norm is not None:
        if (shift := getattr(norm, "bias", None)) is not None:
            b = array(shift) @ W + (0 if b is None else b)
        W *= (array(norm.weight) * len(W)**0.5)[:, None]
    if centre:
        W -= W.mean(axis=-1, keepdims=True)
        b = None if b is None else centred(b)
    return W, b


def query_key_gain(attention: CausalSelfAttention) -> tuple[Array, Array | None]:
    """What queries and keys are multiplied by and what is added, (H + H_kv, D) each: query-key norm, and 1 / √D."""
    H, H_kv, D = attention.config.n_head, attention.config.n_kv_head, attention.config.head_dim
    scale = np.repeat([D**-0.5, 1.0], [H, H_kv])[:, None].astype(array(attention.qkv.weight).dtype)
    if not attention.config.qk_norm:
        return scale, None
    norms = [attention.q_norm] * H + [attention.k_norm] * H_kv
    gain = scale * np.stack([array(norm.weight) * D**0.5 for norm in norms])
    if getattr(attention.q_norm, "bias", None) is None:
        return gain, None
    return gain, scale * np.stack([array(norm.bias) for norm in norms])


def array(tensor: Tensor) -> Array:
    """The tensor's memory, seen by numpy."""
    return tensor.detach().numpy()


def affine(x: Array, weights: Affine) -> Array:
    """x W + b."""
    W, b = weights
    y = x.dot(W)  # dot(x, W) is x @ W, 1 µs sooner
    if b is not None:
        y += b
    return y


def centred(x: Array) -> Array:
    """x minus its mean over the last axis."""
    return x - x.mean(axis=-1, keepdims=True)


def unit(x: Array, eps: float) -> Array:
    r"""$x / \sqrt{x \cdot x + n\epsilon}$ over the last axis, of n numbers: RMSNorm but for its $\sqrt n$."""
    squared = (x[..., None, :] @ x[..., None])[..., 0]  # (..., 1)
    return x / np.sqrt(squared + x.shape[-1] * eps)
