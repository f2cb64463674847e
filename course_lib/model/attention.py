"""Attention: scores, softmax, weighted sum, in many heads at once. Derived in lesson 07 (attention).

Read `attention` first: it is the reference. `fused_attention` gives the same numbers from one kernel.
Heads and grouped heads are derived in lesson 08 (heads_and_positions).
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.model.config import GPTConfig
from course_lib.model.ids import can_look
from course_lib.model.kv_cache import KVCache
from course_lib.model.norm import build_norm, in_own_dtype
from course_lib.model.position import rotate


def causal_mask(T: int, S: int | None = None, device: torch.device | str | None = None) -> Tensor:
    """Who may look at whom: (T, S) bool, True where query t may read key s.

    The queries are the last T of S tokens (S = T unless cached): query t is token S - T + t, and reads up to it.
    """
    S = T if S is None else S
    return torch.ones(T, S, dtype=torch.bool, device=device).tril(S - T)


def mask_to_bias(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """0 where the mask is True, -inf where it is False: added to the scores, it leaves hidden keys no weight.

    The same as `scores.masked_fill(~mask, -inf)`, but an addition costs the backward pass nothing.
    """
    return torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill(~mask, -torch.inf)


def split_heads(x: Tensor, n_head: int) -> Tensor:
    """(B, T, H D) -> (B, H, T, D): head h gets the h-th slice of D numbers."""
    B, T, _ = x.shape
    return x.view(B, T, n_head, -1).transpose(1, 2)


def merge_heads(x: Tensor) -> Tensor:
    """(B, H, T, D) -> (B, T, H D): the inverse of `split_heads`."""
    B, _, T, _ = x.shape
    return x.transpose(1, 2).reshape(B, T, -1)


def attention_weights(q: Tensor, k: Tensor, mask: Tensor | None = None, *, causal: bool = False) -> Tensor:
    r"""How much each query reads from each key: (B, H, T, S), every row sums to one (to 0 where all is hidden).

    $$w_{ts} = \mathrm{softmax}_s\left(q_t \cdot k_s / \sqrt{D}\right) \quad \text{over the keys the mask allows}$$

    A query that may read nothing gets weights of 0, not 0 / 0; so does the fused kernel. `causal=True` stands for
    `mask=causal_mask(T, S)`, where every query reads itself.
    Source: Vaswani et al. 2017, "Attention Is All You Need", section 3.2.1.
    Elsewhere: attention pattern (TransformerLens), att (nanoGPT), A or P (papers).
    """
    D = q.shape[-1]
    scores = (q / math.sqrt(D)) @ k.transpose(-2, -1)            # (B, H, T, S)
    if causal:
        mask = causal_mask(q.shape[-2], k.shape[-2], q.device)   # (T, S)
    idle = None if mask is None or causal else idle_queries(mask)
    if mask is not None:
        allowed = mask if idle is None else mask | idle          # softmax has to divide by something
        scores = scores + mask_to_bias(allowed, scores.dtype)    # (B, H, T, S)
    with in_own_dtype(scores):
        weights = scores.softmax(dim=-1)                         # (B, H, T, S)
    return weights if idle is None else weights.masked_fill(idle, 0.0)


def idle_queries(mask: Tensor) -> Tensor | None:
    """Which queries may read nothing, (..., T, 1); None where a look shows that there are none, and nothing to do.

    Only a mask on the CPU is looked at: a GPU would have to be waited for.
    """
    idle = ~mask.any(dim=-1, keepdim=True)                       # (..., T, 1)
    return None if mask.device.type == "cpu" and can_look(mask) and not idle.any() else idle


def attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None,
              dropout: float = 0.0, *, causal: bool = False) -> tuple[Tensor, Tensor]:
    """The reference: what each query gathers, (B, H, T, D), and the weights (B, H, T, S) it gathers with."""
    weights = attention_weights(q, k, mask, causal=causal)       # (B, H, T, S)
    out = F.dropout(weights, dropout) @ v                        # (B, H, T, D)
    return out, weights


def fused_attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None,
                    dropout: float = 0.0, *, causal: bool = False) -> Tensor:
    """The same `out` without ever storing the weights (Dao et al. 2022, "FlashAttention").

    `causal=True` stands for `mask=causal_mask(T)` when S = T: the kernel then skips the hidden half.
    """
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=dropout, is_causal=causal)


def choose_path(path: str, q: Tensor) -> str:
    """'explicit' or 'fused' as asked; for 'auto' the faster one.

    That is the fused kernel, except when training in bfloat16 on a CPU, where its backward pass takes about twice
    as long as plain matrix products. (In float32, and without a backward pass, it takes half as long.)
    """
    if path != "auto":
        return path
    return "explicit" if q.device.type == "cpu" and q.dtype == torch.bfloat16 and q.requires_grad else "fused"


class CausalSelfAttention(nn.Module):
    """Every token reads from itself and the tokens before it, in H ways at once.

    With fewer key-value heads than query heads, each serves a group of H / H_kv query heads: Ainslie et al. 2023,
    "GQA"; a single one for all: Shazeer 2019, "Fast Transformer Decoding" (multi-query attention).
    """

    def __init__(self, config: GPTConfig, layer: int = 0):
        super().__init__()
        self.config, self.layer = config, layer
        C, H, H_kv, D = config.n_embd, config.n_head, config.n_kv_head, config.head_dim
        self.qkv = nn.Linear(C, (H + 2 * H_kv) * D, bias=config.bias)
        self.proj = nn.Linear(H * D, C, bias=config.bias)
        self.q_norm = build_norm(config, D) if config.qk_norm else nn.Identity()
        self.k_norm = build_norm(config, D) if config.qk_norm else nn.Identity()
        self.dropout = nn.Dropout(config.dropout)

    def qkv_heads(self, x: Tensor, rotation: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, ...]:
        """Queries (B, H, T, D), keys and values (B, H_kv, T, D), ready to meet: normalised and turned.

        Query-key norm: Henry et al. 2020; here the norm of the blocks, in each head, as in Qwen3.
        """
        H, H_kv = self.config.n_head, self.config.n_kv_head
        q, k, v = split_heads(self.qkv(x), H + 2 * H_kv).split([H, H_kv, H_kv], dim=1)
        q, k = self.q_norm(q), self.k_norm(k)
        if rotation is not None:
            q, k = rotate(q, *rotation), rotate(k, *rotation)
        return q, k, v

    def gather(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
        """(B, H, T, D): attention on the path that `choose_path` names. `mask=None` means causal."""
        T, S, group = q.shape[-2], k.shape[-2], self.config.n_head // self.config.n_kv_head
        if group > 1:
            k, v = k.repeat_interleave(group, dim=1), v.repeat_interleave(group, dim=1)
        dropout = self.dropout.p if self.training else 0.0
        if choose_path(self.config.attention, q) == "explicit":
            out, _ = attention(q, k, v, mask, dropout, causal=mask is None)
            return out
        if mask is None and 1 < T < S:
            mask = causal_mask(T, S, q.device)
        return fused_attention(q, k, v, mask, dropout, causal=mask is None and T == S)

    def forward(self, x: Tensor, *, rotation: tuple[Tensor, Tensor] | None = None,
                mask: Tensor | None = None, cache: KVCache | None = None) -> Tensor:
        """(B, T, C) -> (B, T, C). `mask=None` means causal; `cache` holds the keys and values of earlier tokens."""
        q, k, v = self.qkv_heads(x, rotation)
        if cache is not None:
            k, v = cache.append(self.layer, k, v)
        y = merge_heads(self.gather(q, k, v, mask))              # (B, T, C)
        return self.dropout(self.proj(y))
