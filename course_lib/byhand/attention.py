r"""Attention in numpy: scores, mask, softmax, weighted sum, each beside its gradient. Derived in lesson 07 (attention).

Read `attention`, then `attention_backward` from its last line to its first. Everything works on the last two axes,
so one sentence (T, D), a batch (B, T, D) and a batch of heads (B, H, T, D) need no code of their own.
"""

import math

import numpy as np

from course_lib.byhand.functional import softmax, softmax_backward


def causal_mask(T: int, S: int | None = None) -> np.ndarray:
    """Who may look at whom: (T, S) bool, True where query t may read key s.

    The queries are the last T of S tokens (S = T unless cached): query t is token S - T + t, and reads up to it.
    """
    S = T if S is None else S
    return np.tri(T, S, S - T, dtype=bool)


def mask_to_bias(mask: np.ndarray) -> np.ndarray:
    """0 where a bool mask is True, -inf where it is False; a mask of floats already is such a bias.

    Added to the scores, -inf leaves a key no weight: e to the -inf is 0. Raises ValueError for a mask of whole numbers.
    """
    if mask.dtype == bool:
        return np.where(mask, 0.0, -np.inf)
    if not np.issubdtype(mask.dtype, np.floating):
        raise ValueError(f"a mask is bool (True: may be read) or float (added to the scores), not {mask.dtype}; "
                         "for a mask of 0 and 1 give mask == 1")
    return mask


def attention_scores(q: np.ndarray, k: np.ndarray, scale: float | None = None) -> np.ndarray:
    r"""How well each query fits each key: $q_t \cdot k_s / \sqrt{D}$. (..., T, D) and (..., S, D) -> (..., T, S).

    `scale` stands for the $1/\sqrt{D}$: 1.0 leaves it out. Elsewhere: logits, energies, similarities.
    """
    D = q.shape[-1]
    scores = (q @ k.swapaxes(-2, -1)) * _scale(scale, D)    # (..., T, S)
    return scores


def attention_scores_backward(dscores: np.ndarray, q: np.ndarray, k: np.ndarray,
                              scale: float | None = None) -> tuple[np.ndarray, np.ndarray]:
    r"""$dq_t = \sum_s d\text{scores}_{ts}\,k_s / \sqrt{D}$ and $dk_s = \sum_t d\text{scores}_{ts}\,q_t / \sqrt{D}$."""
    D = q.shape[-1]
    dq = dscores @ k * _scale(scale, D)                     # (..., T, D)
    dk = dscores.swapaxes(-2, -1) @ q * _scale(scale, D)    # (..., S, D)
    return dq, dk


def softmax_over_keys(scores: np.ndarray) -> np.ndarray:
    """Rows of scores -> rows of weights that sum to one. (..., T, S) -> (..., T, S).

    A row of nothing but -inf belongs to a query that may read nothing (padding): its weights are 0, not 0 / 0. So does
    `F.scaled_dot_product_attention`. The gradient is that of softmax, and 0 for such a row.
    """
    reads = scores.max(axis=-1, keepdims=True) > -np.inf
    weights = np.where(reads, softmax(np.where(reads, scores, 0.0)), 0.0)    # (..., T, S)
    return weights


def gather(weights: np.ndarray, v: np.ndarray) -> np.ndarray:
    r"""What each query gets: $\text{out}_t = \sum_s w_{ts}\,v_s$. (..., T, S) and (..., S, D) -> (..., T, D)."""
    return weights @ v


def gather_backward(dout: np.ndarray, weights: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    r"""$dw_{ts} = d\text{out}_t \cdot v_s$ and $dv_s = \sum_t w_{ts}\,d\text{out}_t$: who was read gets the blame."""
    dweights = dout @ v.swapaxes(-2, -1)                    # (..., T, S)
    dv = weights.swapaxes(-2, -1) @ dout                    # (..., S, D)
    return dweights, dv


def attention_weights(q: np.ndarray, k: np.ndarray, mask: np.ndarray | None = None,
                      scale: float | None = None) -> np.ndarray:
    r"""How much each query reads from each key: (..., T, S), every row sums to one (to 0 where all is hidden).

    $$w_{ts} = \mathrm{softmax}_s\left(q_t \cdot k_s / \sqrt{D}\right) \quad \text{over the keys the mask allows}$$

    `mask` (T, S) or (..., T, S) is bool, True where a key may be read, or float, added to the scores.
    Source: Vaswani et al. 2017, "Attention Is All You Need", section 3.2.1.
    Elsewhere: attention pattern (TransformerLens), att (nanoGPT), A or P (papers), alignment (Bahdanau et al. 2015).
    """
    scores = attention_scores(q, k, scale)                  # (..., T, S)
    if mask is not None:
        scores = scores + mask_to_bias(mask)                # (..., T, S)
    return softmax_over_keys(scores)


def attention(q: np.ndarray, k: np.ndarray, v: np.ndarray, mask: np.ndarray | None = None,
              scale: float | None = None) -> tuple[np.ndarray, np.ndarray]:
    """What each query gathers, (..., T, D), and the weights (..., T, S) it gathers with.

    The values may have another width than queries and keys.
    """
    weights = attention_weights(q, k, mask, scale)          # (..., T, S)
    out = gather(weights, v)                                # (..., T, D)
    return out, weights


def attention_backward(dout: np.ndarray, q: np.ndarray, k: np.ndarray, v: np.ndarray, weights: np.ndarray,
                       scale: float | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    r"""(dq, dk, dv) from dout (..., T, D) and the weights of the forward pass.

    $$dw_{ts} = d\text{out}_t \cdot v_s \qquad
      d\text{scores}_{ts} = w_{ts}\,\Big(dw_{ts} - \sum_r w_{tr}\,dw_{tr}\Big)$$

    and then `attention_scores_backward`. No mask is needed: where it hid a key, the weight is 0, so is the gradient.
    (dscores is also the gradient of a mask of floats, which is added to the scores.)
    """
    dweights, dv = gather_backward(dout, weights, v)
    dscores = softmax_backward(dweights, weights)           # (..., T, S)
    dq, dk = attention_scores_backward(dscores, q, k, scale)
    return dq, dk, dv


def _scale(scale, D):
    return 1 / math.sqrt(D) if scale is None else scale
