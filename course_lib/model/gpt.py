"""The GPT: token table, blocks, head; and how its weights begin. Derived in lesson 12 (gpt)."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.model.attention import causal_mask
from course_lib.model.block import Block
from course_lib.model.config import GPTConfig
from course_lib.model.kv_cache import KVCache
from course_lib.model.norm import build_norm
from course_lib.model.position import build_position, token_positions


def soft_cap(logits: Tensor, cap: float) -> Tensor:
    r"""$c \tanh(\text{logits} / c)$: nearly unchanged when small, never beyond ±c. Source: Gemma 2 report, section 2."""
    return cap * torch.tanh(logits / cap)


def padded_causal_mask(padding_mask: Tensor, T: int) -> Tensor:
    """`causal_mask` without the padding: (B, S) bool, True = real token -> (B, 1, T, S).

    Padding may look at itself, so that no row of the softmax is empty; nobody else looks at it.
    """
    S = padding_mask.shape[1]
    causal = causal_mask(T, S, padding_mask.device)                       # (T, S)
    itself = causal ^ causal.tril(S - T - 1)                              # (T, S)
    return (causal & padding_mask[:, None, None, :]) | itself


class GPT(nn.Module):
    """A decoder-only transformer: ids in, one row of next-token logits for every position out."""

    def __init__(self, config: GPTConfig):
        super().__init__()
        self.config = config
        self.token_embedding = nn.Embedding(config.vocab_size, config.n_embd)
        self.position = build_position(config)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config, layer) for layer in range(config.n_layer))
        self.norm = build_norm(config)
        self.head = None if config.tied_head else nn.Linear(config.n_embd, config.vocab_size, bias=False)
        init_gpt2(self) if config.init == "gpt2" else init_zero_projections(self)

    @property
    def head_weight(self) -> Tensor:
        """(V, C): the head's matrix; the token table itself when tied (Press and Wolf 2017)."""
        return self.token_embedding.weight if self.head is None else self.head.weight

    def forward(self, idx: Tensor, *, padding_mask: Tensor | None = None, cache: KVCache | None = None) -> Tensor:
        """Logits (B, T, V) for the token after each of idx (B, T).

        `cache` holds the tokens before idx; it is extended. `padding_mask` (B, S), True = real token, covers cached
        and new tokens; pad on the left. Raises ValueError if more than `context_length` positions are asked for.
        """
        T = idx.shape[1]
        S = T if cache is None else cache.length + T
        if S > self.config.context_length:
            raise ValueError(f"{S} tokens do not fit context_length={self.config.context_length}; "
                             f"keep the last {self.config.context_length} or fewer")
        if padding_mask is None:
            positions, mask = torch.arange(S - T, S, device=idx.device), None
        else:
            positions, mask = token_positions(padding_mask)[:, -T:], padded_causal_mask(padding_mask, T)
        x = self.dropout(self.position(self.token_embedding(idx), positions))               # (B, T, C)
        if torch.is_autocast_enabled(x.device.type):
            x = x.to(torch.get_autocast_dtype(x.device.type))
        rotation = self.position.rotation(positions)
        for block in self.blocks:
            x = block(x, rotation=rotation, mask=mask, cache=cache)                         # (B, T, C)
        if cache is not None:
            cache.advance(T)
        logits = F.linear(self.norm(x), self.head_weight)                                   # (B, T, V)
        return logits if self.config.logit_soft_cap is None else soft_cap(logits, self.config.logit_soft_cap)


@torch.no_grad()
def init_gpt2(model: GPT) -> None:
    r"""GPT-2's start: normal with std 0.02, biases 0; both projections of a block 0.02 / $\sqrt{2L}$.

    2L branches add to the stream, so dividing each by $\sqrt{2L}$ keeps the sum's scale independent of depth.
    Source: Radford et al. 2019, section 2.3; the 0.02 is from the released code.
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
    r"""Every block starts as the identity: matrices std $1/\sqrt{\text{inputs}}$, both projections of a block 0.

    The token table gets std 1/C: the stream is then a token's own vector up to the head, and a tied head gives that
    token the logit C std = 1 among V - 1 logits near 0. The loss starts at ln V whatever the width.
    Zero projections: Zhang et al. 2019, "Fixup"; Bachlechner et al. 2020, "ReZero".
    """
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=module.in_features**-0.5)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    for table in (model.token_embedding, model.head):
        if table is not None:
            nn.init.normal_(table.weight, std=1 / model.config.n_embd)
    for block in model.blocks:
        nn.init.zeros_(block.attention.proj.weight)
        nn.init.zeros_(block.feedforward.proj.weight)
