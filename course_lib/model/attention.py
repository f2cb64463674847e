"""Attention: scores, softmax, weighted sum; many heads; two paths. Derived in lessons 07 (attention) and 08."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.model.config import GPTConfig
from course_lib.model.kv_cache import KVCache
from course_lib.model.norm import RMSNorm
from course_lib.model.position import rotate


def causal_mask(T: int, S: int | None = None, device: torch.device | str | None = None) -> Tensor:
    """Who may look at whom: (T, S) bool, True where query t may read key s.

    The T queries are the last T of the S positions (S = T unless cached), so query t stands at S - T + t
    and sees every s up to there.
    """
    S = T if S is None else S
    return torch.ones(T, S, dtype=torch.bool, device=device).tril(S - T)


def split_heads(x: Tensor, n_head: int) -> Tensor:
    """(B, T, H D) -> (B, H, T, D): head h owns the h-th slice of D numbers."""
    B, T, _ = x.shape
    return x.view(B, T, n_head, -1).transpose(1, 2)


def merge_heads(x: Tensor) -> Tensor:
    """(B, H, T, D) -> (B, T, H D): the inverse of `split_heads`."""
    B, _, T, _ = x.shape
    return x.transpose(1, 2).reshape(B, T, -1)


def mask_to_bias(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """0 where the mask is True, -inf where it is False: adding it before the softmax leaves no weight there.

    The same as `scores.masked_fill(~mask, -inf)`; an addition has nothing to do in the backward pass.
    """
    return torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill(~mask, -torch.inf)


def attention_weights(q: Tensor, k: Tensor, mask: Tensor | None = None) -> Tensor:
    r"""How much each query reads from each key: (B, H, T, S), every row sums to one.

    $$w_{ts} = \mathrm{softmax}_s\left(q_t \cdot k_s / \sqrt{D}\right) \text{ over the } s \text{ that the mask allows}$$

    Source: Vaswani et al. 2017, "Attention Is All You Need", equation 1.
    Elsewhere: attention pattern (TransformerLens), att (nanoGPT), A or P (papers).
    """
    D = q.shape[-1]
    scores = (q / math.sqrt(D)) @ k.transpose(-2, -1)                     # (B, H, T, S)
    if mask is not None:
        scores = scores + mask_to_bias(mask, q.dtype)                     # (B, H, T, S)
    weights = scores.softmax(dim=-1)                                      # (B, H, T, S)
    return weights


def attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None,
              dropout: float = 0.0) -> tuple[Tensor, Tensor]:
    """The reference: what each query collects (B, H, T, D), and the weights (B, H, T, S) it collected with."""
    weights = attention_weights(q, k, mask)                               # (B, H, T, S)
    out = F.dropout(weights, dropout, training=dropout > 0) @ v           # (B, H, T, D)
    return out, weights


def fused_attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None,
                    dropout: float = 0.0, causal: bool = False) -> Tensor:
    """The same `out` from one kernel that never stores the weights (FlashAttention, Dao et al. 2022).

    `causal=True` stands for `mask=causal_mask(T)` with T = S; the kernel then skips the hidden half.
    """
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=dropout, is_causal=causal)


def choose_path(attention: str, device: torch.device, dtype: torch.dtype) -> str:
    """'explicit' or 'fused'. 'auto' takes the fused kernel except in bfloat16 on a CPU, where its backward is slow."""
    if attention != "auto":
        return attention
    return "explicit" if device.type == "cpu" and dtype == torch.bfloat16 else "fused"


class CausalSelfAttention(nn.Module):
    """Every token reads from itself and the tokens before it, in H ways at once.

    With fewer key-value heads than query heads, each serves a group of H / H_kv query heads
    (Ainslie et al. 2023, "GQA"; one for all: Shazeer 2019, "Fast Transformer Decoding").
    """

    def __init__(self, config: GPTConfig, layer: int = 0):
        super().__init__()
        self.config, self.layer = config, layer
        C, H, H_kv, D = config.n_embd, config.n_head, config.n_kv_head, config.head_dim
        self.qkv = nn.Linear(C, (H + 2 * H_kv) * D, bias=config.bias)
        self.proj = nn.Linear(C, C, bias=config.bias)
        self.q_norm = RMSNorm(D, eps=config.norm_eps) if config.qk_norm else nn.Identity()
        self.k_norm = RMSNorm(D, eps=config.norm_eps) if config.qk_norm else nn.Identity()
        self.dropout = nn.Dropout(config.dropout)

    def qkv_heads(self, x: Tensor, rotation: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Queries (B, H, T, D), keys and values (B, H_kv, T, D), normalised and turned as the config says."""
        H, H_kv = self.config.n_head, self.config.n_kv_head
        q, k, v = split_heads(self.qkv(x), H + 2 * H_kv).split([H, H_kv, H_kv], dim=1)
        q, k = self.q_norm(q), self.k_norm(k)
        if rotation is not None:
            q, k = rotate(q, *rotation), rotate(k, *rotation)
        return q, k, v

    def forward(self, x: Tensor, *, rotation: tuple[Tensor, Tensor] | None = None,
                mask: Tensor | None = None, cache: KVCache | None = None) -> Tensor:
        """(B, T, C) -> (B, T, C). `mask=None` means causal and nothing else."""
        q, k, v = self.qkv_heads(x, rotation)
        if cache is not None:
            k, v = cache.append(self.layer, k, v)
        y = self.mix(q, k, v, mask)
        return self.dropout(self.proj(merge_heads(y)))

    def mix(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
        """Attention of (B, H, T, D) queries over (B, H_kv, S, D) keys and values, by the path `choose_path` names."""
        T, S, group = q.shape[-2], k.shape[-2], self.config.n_head // self.config.n_kv_head
        if group > 1:
            k, v = k.repeat_interleave(group, dim=1), v.repeat_interleave(group, dim=1)
        dropout = self.config.dropout if self.training else 0.0
        fused = choose_path(self.config.attention, q.device, q.dtype) == "fused"
        if fused and mask is None and T == S:
            return fused_attention(q, k, v, dropout=dropout, causal=True)
        if mask is None and T > 1:
            mask = causal_mask(T, S, q.device)
        return fused_attention(q, k, v, mask, dropout) if fused else attention(q, k, v, mask, dropout)[0]
