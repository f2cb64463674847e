"""Keys and values of tokens already read, kept so that each new token costs one step. Derived in lesson 13 (decoding)."""

import torch
from torch import Tensor

from course_lib.model.config import GPTConfig


class KVCache:
    """Room for the keys and values of `max_length` tokens in every layer, allocated once.

    `GPT.forward` drives it: every layer appends its new keys and values, then `advance` makes them the past.
    Memory: 2 L B H_kv S D numbers. Elsewhere: past_key_values (transformers), StaticCache.
    """

    def __init__(self, config: GPTConfig, batch_size: int, *, max_length: int | None = None,
                 device: torch.device | str | None = None, dtype: torch.dtype | None = None):
        S = max_length or config.context_length
        shape = (config.n_layer, batch_size, config.n_kv_head, S, config.head_dim)
        self.keys = torch.empty(shape, device=device, dtype=dtype)      # (L, B, H, S, D)
        self.values = torch.empty(shape, device=device, dtype=dtype)    # (L, B, H, S, D)
        self.length = 0

    @property
    def max_length(self) -> int:
        """S: how many tokens fit."""
        return self.keys.shape[-2]

    def append(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Store the keys and values (B, H, T, D) of new tokens; return those of all tokens (B, H, S, D), old first.

        Raises ValueError if there is no room for them.
        """
        T = k.shape[-2]
        end = self.length + T
        if end > self.max_length:
            raise ValueError(f"the cache holds {self.length} of {self.max_length} tokens, so {T} more do not fit; "
                             f"make it with max_length={end} or more, or start again from the last part of the text")
        self.keys[layer, :, :, self.length:end] = k
        self.values[layer, :, :, self.length:end] = v
        return self.keys[layer, :, :, :end], self.values[layer, :, :, :end]

    def advance(self, T: int) -> None:
        """The last T appended tokens have passed every layer: count them."""
        self.length += T

    def clear(self) -> None:
        """Forget everything; the memory stays."""
        self.length = 0
