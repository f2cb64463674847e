"""Keys and values of the tokens already read, so that none is read twice. Derived in lesson 13 (decoding)."""

import torch
from torch import Tensor

from course_lib.model.config import GPTConfig


def cache_bytes(config: GPTConfig, batch_size: int, length: int, dtype: str = "float32") -> int:
    """What a cache of `length` tokens in `batch_size` rows takes: 2 L B H_kv S D numbers, in bytes.

    With one key-value head for every query head that is 2 L C numbers a token; grouped ones need H_kv / H of it.
    """
    numbers = 2 * config.n_layer * batch_size * config.n_kv_head * length * config.head_dim
    return numbers * getattr(torch, dtype).itemsize


class KVCache:
    """Room for the keys and values of `max_length` tokens in every layer, allocated at the first `append`.

    `GPT.forward` drives it: every layer appends its new keys and values, then `advance` makes them the past.
    Memory: `cache_bytes`. Elsewhere: past_key_values, StaticCache (transformers).
    """

    def __init__(self, config: GPTConfig, batch_size: int, *, max_length: int | None = None):
        self.max_length = max_length or config.context_length
        self.shape = (config.n_layer, batch_size, config.n_kv_head, self.max_length, config.head_dim)
        self.keys: Tensor | None = None
        self.values: Tensor | None = None
        self.length = 0

    def append(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Store k and v (B, H_kv, T, D) of new tokens; return those of all tokens (B, H_kv, S, D), old first.

        Raises ValueError if there is no room for them.
        """
        end = self.length + k.shape[-2]
        if end > self.max_length:
            raise ValueError(f"the cache holds {self.length} of {self.max_length} tokens, so {end - self.length} "
                             f"more do not fit; make it with max_length={end}, or clear() it and read less")
        if self.keys is None:  # only k and v know the device and, under autocast, the dtype
            self.keys, self.values = k.new_empty(self.shape), v.new_empty(self.shape)    # (L, B, H_kv, S, D)
        self.keys[layer, :, :, self.length:end] = k
        self.values[layer, :, :, self.length:end] = v
        return self.keys[layer, :, :, :end], self.values[layer, :, :, :end]

    def advance(self, T: int) -> None:
        """The last T appended tokens have passed every layer: count them."""
        self.length += T

    def truncate(self, length: int) -> None:
        """Forget all but the first `length` tokens. Raises ValueError if there are fewer. Elsewhere: crop, rollback."""
        if not 0 <= length <= self.length:
            raise ValueError(f"the cache holds {self.length} tokens and cannot keep {length}; keep 0 to {self.length}")
        self.length = length

    def select(self, rows: Tensor) -> None:
        """Go on with these rows (n,), in this order; one may be taken several times. Elsewhere: reorder_cache."""
        self.shape = (self.shape[0], len(rows), *self.shape[2:])
        if self.keys is not None:
            self.keys, self.values = self.keys[:, rows], self.values[:, rows]            # (L, n, H_kv, S, D)

    def clear(self) -> None:
        """Forget everything; the memory stays."""
        self.length = 0
