"""Decoding in steps that are all alike, so that a GPU can replay them. Derived in lesson 13 (decoding).

A small model's step is hundreds of kernels of a few microseconds each; telling the GPU about them takes longer than
running them. If nothing changes from step to step but numbers in memory, one CUDA graph replays them all at once.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.generation.generate import evaluation_mode
from course_lib.generation.sampling import odd_rows, refuse_rows
from course_lib.model.config import GPTConfig
from course_lib.model.gpt import GPT
from course_lib.model.ids import refuse_odd_ids


class StaticCache:
    """A `KVCache` for one token at a time whose tensors keep place and size; what is filled is a mask, `real` (B, S).

    To the model all S slots but the last are the past, and the last one is the new token. The new token's keys and
    values are also stored in the next free slot, which becomes real once the token has passed every layer. Slots need
    no order: a key carries its position in itself. Elsewhere: StaticCache (transformers, gpt-fast).
    """

    def __init__(self, config: GPTConfig, batch_size: int, *, max_length: int, like: Tensor):
        shape = (config.n_layer, batch_size, config.n_kv_head, max_length, config.head_dim)
        self.keys, self.values = like.new_zeros(shape), like.new_zeros(shape)            # (L, B, H_kv, S, D)
        self.real = torch.zeros(batch_size, max_length, dtype=torch.bool, device=like.device)
        self.slot = torch.zeros(1, dtype=torch.long, device=like.device)
        self.length = max_length - 1
        self.clear()

    def append(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Store k and v (B, H_kv, 1, D) of one new token; return those of all slots, the new one last."""
        for store, new in ((self.keys[layer], k), (self.values[layer], v)):
            store.index_copy_(2, self.slot, new)
            store[:, :, -1:] = new
        return self.keys[layer], self.values[layer]

    def advance(self, T: int) -> None:
        """The new token has passed every layer: its slot is real from now on."""
        self.real.index_fill_(1, self.slot, True)
        self.slot += 1

    def clear(self) -> None:
        """Forget everything."""
        self.real.fill_(False)
        self.real[:, -1] = True
        self.slot.zero_()


class GreedyDecoder:
    """Greedy decoding of B rows, up to `max_length` tokens each, prompt included; the same ids as `generate`.

    `use_graph` (default: on a GPU) records the step once and replays it. The model must not change place or dtype
    afterwards. Raises ValueError where `max_length` exceeds the model's `context_length`, for ids that the model does
    not have, and at the end for logits that were no distribution.
    """

    def __init__(self, model: GPT, batch_size: int, *, max_length: int | None = None, use_graph: bool | None = None):
        weight = model.token_embedding.weight
        longest = model.config.context_length
        self.max_length = max_length or longest
        if self.max_length > longest:
            raise ValueError(f"max_length={self.max_length} does not fit context_length={longest}; take {longest}")
        self.model = model
        self.cache = StaticCache(model.config, batch_size, max_length=self.max_length, like=weight.detach())
        self.token = torch.zeros(batch_size, 1, dtype=torch.long, device=weight.device)
        self.odd = torch.zeros(batch_size, dtype=torch.bool, device=weight.device)  # rows whose logits made no sense
        on_gpu = weight.device.type == "cuda"
        self.step = record(self._step) if (on_gpu if use_graph is None else use_graph) else self._step

    @torch.no_grad()
    def _step(self) -> None:
        with evaluation_mode(self.model):
            logits = self.model(self.token, padding_mask=self.cache.real, cache=self.cache)[:, -1]  # (B, V)
        self.odd.logical_or_(odd_rows(logits))
        self.token.copy_(logits.argmax(dim=-1, keepdim=True))

    def __call__(self, idx: Tensor, *, max_new_tokens: int) -> Tensor:
        """The prompts idx (B, T) with what follows them: (B, T + max_new_tokens)."""
        B, T = idx.shape
        if idx.shape[0] != len(self.token) or T + max_new_tokens > self.max_length:
            raise ValueError(f"idx {tuple(idx.shape)} and {max_new_tokens} new tokens do not fit a decoder of "
                             f"{len(self.token)} rows and {self.max_length} tokens; build a larger one")
        refuse_odd_ids(idx, self.model.config.vocab_size)
        self.cache.clear()
        self.odd.fill_(False)
        tokens = torch.cat([idx, idx.new_zeros(B, max_new_tokens)], dim=1)               # (B, N)
        for end in range(1, T + max_new_tokens):
            if end <= T:
                self.token.copy_(tokens[:, end - 1:end])
            self.step()
            if end >= T:
                tokens[:, end:end + 1] = self.token
        refuse_rows(self.odd)
        return tokens


def record(step: Callable[[], None]) -> Callable[[], None]:
    """Run `step` a few times aside, as CUDA asks for, then record it; the function returned replays it."""
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay
