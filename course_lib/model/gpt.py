"""The GPT: token table, blocks, head, and how its weights begin. Derived in lesson 12 (gpt)."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.model.attention import causal_mask
from course_lib.model.block import Block
from course_lib.model.config import GPTConfig
from course_lib.model.ids import refuse_dtype, refuse_odd_ids
from course_lib.model.kv_cache import KVCache
from course_lib.model.norm import build_norm
from course_lib.model.position import build_position, token_positions


def soft_cap(logits: Tensor, cap: float) -> Tensor:
    r"""$c \tanh(\text{logits} / c)$: small ones nearly unchanged, none beyond ±c. Source: Gemma 2, section 2."""
    return cap * torch.tanh(logits / cap)


def padded_causal_mask(padding_mask: Tensor, T: int) -> Tensor:
    """`causal_mask` with the padding hidden: (B, S) bool, True = real token -> (B, 1, T, S).

    Every token sees at least itself: a row of padding without any key would divide zero by zero.
    """
    S = padding_mask.shape[1]
    causal = causal_mask(T, S, padding_mask.device)                       # (T, S)
    itself = causal & ~causal.tril(S - T - 1)                             # (T, S)
    return causal & padding_mask[:, None, None, :] | itself


class GPT(nn.Module):
    """A decoder-only transformer: ids in; for every position, logits over the next id out."""

    def __init__(self, config: GPTConfig):
        super().__init__()
        self.config = config
        self.token_embedding = nn.Embedding(config.vocab_size, config.n_embd)
        self.position = build_position(config)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config, layer) for layer in range(config.n_layer))
        self.norm = build_norm(config)
        self.head = None if config.tied_head else nn.Linear(config.n_embd, config.vocab_size, bias=False)
        {"gpt2": init_gpt2, "zero_projections": init_zero_projections}[config.init](self)

    @property
    def head_weight(self) -> Tensor:
        """(V, C): the head's matrix; when tied, the token table itself (Press and Wolf 2017)."""
        return self.token_embedding.weight if self.head is None else self.head.weight

    def forward(self, idx: Tensor, *, padding_mask: Tensor | None = None,
                cache: KVCache | None = None) -> Tensor:
        """Logits (B, T, V) for the token after each of idx (B, T).

        `cache` holds the tokens before idx and takes up the new ones. `padding_mask` (B, S) covers both, True =
        real token; pad on the left. Raises ValueError if S is more than `context_length`, or an id is not below V; on a
        GPU the first ids of a text are looked at, in evaluation mode: each look waits for all that was asked before.
        """
        x, positions, mask = self.embed(idx, padding_mask, past=0 if cache is None else cache.length)
        rotation = self.position.rotation(positions)
        for block in self.blocks:
            x = block(x, rotation=rotation, mask=mask, cache=cache)       # (B, T, C)
        if cache is not None:
            cache.advance(idx.shape[1])
        logits = F.linear(self.norm(x), self.head_weight)                 # (B, T, V)
        return logits if self.config.logit_soft_cap is None else soft_cap(logits, self.config.logit_soft_cap)

    def embed(self, idx: Tensor, padding_mask: Tensor | None = None,
              past: int = 0) -> tuple[Tensor, Tensor, Tensor | None]:
        """The residual stream (B, T, C) as it enters the blocks, the positions, and the mask if one is needed."""
        if idx.ndim != 2:
            raise ValueError(f"idx has shape {tuple(idx.shape)}, but must be (B, T); for one text use idx[None]")
        refuse_dtype(idx)
        T, V, longest = idx.shape[1], self.config.vocab_size, self.config.context_length
        S = past + T
        if S > longest:
            raise ValueError(f"{S} tokens do not fit context_length={longest}; keep the last {longest}")
        if padding_mask is None:
            positions, mask = torch.arange(past, S, device=idx.device), None
        elif padding_mask.shape != (len(idx), S):
            raise ValueError(f"padding_mask has shape {tuple(padding_mask.shape)}, but must be {(len(idx), S)}: "
                             f"a column for each of {past} cached and {T} new tokens")
        else:
            positions, mask = token_positions(padding_mask)[:, past:], padded_causal_mask(padding_mask, T)
        if idx.device.type != "cpu" and not self.training and past == 0:
            refuse_odd_ids(idx, V)
        try:
            x = self.token_embedding(idx)                                 # (B, T, C)
        except IndexError:  # a CPU has looked anyway
            refuse_odd_ids(idx, V)
            raise
        x = self.dropout(self.position(x, positions))                     # (B, T, C)
        # Autocast lowers the precision of matrix products only; the stream between them follows here.
        if torch.is_autocast_enabled(x.device.type):
            x = x.to(torch.get_autocast_dtype(x.device.type))             # (B, T, C)
        return x, positions, mask


@torch.no_grad()
def init_gpt2(model: GPT) -> None:
    r"""GPT-2's start: normal with std 0.02, biases 0, and $0.02 / \sqrt{2L}$ for what adds to the stream.

    2L branches are added up; dividing each by $\sqrt{2L}$ keeps the sum's size independent of depth.
    Source: Radford et al. 2019, section 2.3; the 0.02 is in OpenAI's released code.
    """
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)
    for block in model.blocks:
        for proj in (block.attention.proj, block.feedforward.proj):
            nn.init.normal_(proj.weight, std=0.02 / math.sqrt(2 * model.config.n_layer))


@torch.no_grad()
def init_zero_projections(model: GPT) -> None:
    r"""Every block starts as the identity: what adds to the stream is 0, other matrices std $1/\sqrt{\text{inputs}}$.

    The head therefore sees a token's own vector, normalised. A tied head gives that same token the logit C std, and
    the others nearly 0. With std 2.5/C in the token table that is 2.5 at any width, and the loss starts at
    ln(V - 1 + e^2.5), close to ln V. (A smaller std trains more slowly at first, a larger one starts far from ln V.)
    Zero projections: Zhang et al. 2019, "Fixup"; Bachlechner et al. 2020, "ReZero".
    """
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=module.in_features**-0.5)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    for table in (model.token_embedding, model.head):
        if table is not None:
            nn.init.normal_(table.weight, std=2.5 / model.config.n_embd)
    for block in model.blocks:
        nn.init.zeros_(block.attention.proj.weight)
        nn.init.zeros_(block.feedforward.proj.weight)
