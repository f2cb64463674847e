"""Decoding in steps that are all alike, so that a GPU can replay them. Derived in lesson 13 (decoding).

A small model's step is hundreds of kernels of a few microseconds each; telling the GPU about them takes longer than
running them. If nothing changes from step to step but numbers in memory, one CUDA graph replays them all at once.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.generation.evaluation_mode import evaluation_mode, is_plain
from course_lib.generation.sampling import odd_rows, refuse_rows
from course_lib.model.config import GPTConfig
from course_lib.model.gpt import GPT
from course_lib.model.ids import refuse_odd_ids
from course_lib.model.kv_cache import KVCache

ASIDE = 3  # steps before the one that is recorded: kernels are loaded and chosen in the first ones


class StaticCache:
    """A `KVCache` for one token at a time whose tensors keep place and size; what is filled is a mask, `real` (B, S).

    Slots are filled from the last one down: what was read at once at the end, each new token in front of it. So the
    last slot always holds a real token, as a padding mask wants it, and a token is written once and never moved.
    Slots need no order: a key carries its position in itself. One tensor a layer (a view of a larger one could not
    be written in place when compiled). Elsewhere: StaticCache (transformers, gpt-fast).
    """

    def __init__(self, config: GPTConfig, batch_size: int, *, max_length: int, like: Tensor):
        shape = (batch_size, config.n_kv_head, max_length, config.head_dim)
        self.keys = [like.new_zeros(shape) for _ in range(config.n_layer)]               # L of (B, H_kv, S, D)
        self.values = [like.new_zeros(shape) for _ in range(config.n_layer)]             # L of (B, H_kv, S, D)
        self.real = torch.zeros(batch_size, max_length, dtype=torch.bool, device=like.device)
        self.slot = torch.zeros(1, dtype=torch.long, device=like.device)
        self.length = max_length - 1  # to the model all slots but the new token's are the past
        self.clear()

    def append(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Store k and v (B, H_kv, 1, D) of one new token; return those of all slots."""
        for store, new in ((self.keys[layer], k), (self.values[layer], v)):
            store.index_copy_(2, self.slot, new)
        return self.keys[layer], self.values[layer]

    def advance(self, T: int) -> None:
        """The new token has passed every layer: the next one gets the slot in front of it. (The first slot is the
        last to be filled, and then filled again: who counts tokens stops before.)"""
        self.slot.sub_(1).clamp_(min=0)
        self.real.index_fill_(1, self.slot, True)

    def clear(self) -> None:
        """Forget everything."""
        self._begin(self.real.shape[1])

    def fill(self, cache: KVCache, padding_mask: Tensor | None = None) -> None:
        """Forget everything but the tokens of `cache`, which `model(idx, padding_mask=padding_mask, cache=cache)` read.

        Raises ValueError where no slot would be left for another token.
        """
        T, S = cache.length, self.real.shape[1]
        if T >= S:
            raise ValueError(f"{T} tokens leave no room for another in {S} slots; take max_length={T + 1} or more")
        for layer, (keys, values) in enumerate(zip(self.keys, self.values, strict=True)):
            keys[:, :, S - T:], values[:, :, S - T:] = cache.keys[layer, :, :, :T], cache.values[layer, :, :, :T]
        self._begin(S - T)
        self.real[:, S - T:] = True if padding_mask is None else padding_mask

    def _begin(self, free: int) -> None:
        """Of the slots only the first `free` are free; the next token gets the last of them."""
        self.real.fill_(False)
        self.real[:, free - 1:] = True
        self.slot.fill_(free - 1)


class RecordedStep:
    """`model(ids[:, None], cache=cache)[:, -1]`, one new token a step, told to the GPU as one CUDA graph.

    It goes on where `cache` ends, in a `StaticCache` of its own, and counts in `cache`; where that has another length
    than after the last step, it was read anew, and is followed. The logits lie in memory that the next step overwrites.
    The model must be in evaluation mode, and keep its place and parts; new weights in the same tensors are seen.
    """

    def __init__(self, model: GPT, cache: KVCache, *, max_length: int):
        self.model, self.source, self.length = model, cache, -1
        batch_size = cache.shape[1]
        self.cache = StaticCache(model.config, batch_size, max_length=max_length, like=cache.keys)
        self.ids = torch.zeros(batch_size, 1, dtype=torch.long, device=cache.keys.device)  # (B, 1)
        self.replay = record(self._step, self.ids.device)

    @torch.no_grad()
    def _step(self) -> None:
        self.logits = self.model(self.ids, padding_mask=self.cache.real, cache=self.cache)[:, -1]  # (B, V)

    def step(self, ids: Tensor, padding_mask: Tensor | None = None) -> Tensor:
        """The newest ids (B,) -> logits (B, V) over the next. `padding_mask` (B, S) is that of the S tokens before."""
        if self.length != self.source.length:
            self.cache.fill(self.source, padding_mask)
        self.ids.copy_(ids[:, None])
        self.replay()
        self.source.advance(1)
        self.length = self.source.length
        return self.logits


class GreedyDecoder:
    """Greedy decoding of B rows, up to `max_length` tokens each, prompt included; the same ids as `generate`.

    The prompt is read at once; a step hands its token to the next one and waits for nobody. `use_graph` (default: on a
    GPU with CUDA) records the step once and replays it, `compile` compiles it as a whole first. The model must not
    change place or dtype afterwards. Raises ValueError where `max_length` exceeds the model's `context_length`, for ids
    that the model does not have, and at the end for logits that were no distribution.
    """

    def __init__(self, model: GPT, batch_size: int, *, max_length: int | None = None, use_graph: bool | None = None,
                 compile: bool = False):
        weight = model.token_embedding.weight
        longest = model.config.context_length
        self.max_length = max_length or longest
        if self.max_length > longest:
            raise ValueError(f"max_length={self.max_length} does not fit context_length={longest}; take {longest}")
        self.model = model
        self.cache = StaticCache(model.config, batch_size, max_length=self.max_length, like=weight.detach())
        self.token = torch.zeros(batch_size, 1, dtype=torch.long, device=weight.device)  # (B, 1)
        self.odd = torch.zeros(batch_size, dtype=torch.bool, device=weight.device)  # rows whose logits made no sense
        self.step = torch.compile(self._step, dynamic=False) if compile else self._step
        if weight.device.type == "cuda" if use_graph is None else use_graph:
            with evaluation_mode(model):
                self.step = record(self.step, weight.device)

    @torch.no_grad()
    def _step(self) -> None:
        logits = self.model(self.token, padding_mask=self.cache.real, cache=self.cache)[:, -1]  # (B, V)
        self.odd.logical_or_(odd_rows(logits))
        self.token.copy_(logits.argmax(dim=-1, keepdim=True))

    @torch.no_grad()
    def __call__(self, idx: Tensor, *, max_new_tokens: int) -> Tensor:
        """The prompts idx (B, T) with what follows them: (B, T + max_new_tokens)."""
        B, T = idx.shape
        if B != len(self.token) or T + max_new_tokens > self.max_length:
            raise ValueError(f"idx {tuple(idx.shape)} and {max_new_tokens} new tokens do not fit a decoder of "
                             f"{len(self.token)} rows and {self.max_length} tokens; build a larger one")
        refuse_odd_ids(idx, self.model.config.vocab_size)
        self.odd.fill_(False)
        tokens = torch.cat([idx, idx.new_zeros(B, max_new_tokens)], dim=1)               # (B, N)
        self.cache.clear()
        with evaluation_mode(self.model):
            if T > 1:  # the last token of the prompt is the first step's
                read = KVCache(self.model.config, B, max_length=T - 1)
                self.model(idx[:, :-1], cache=read)
                self.cache.fill(read)
            self.token.copy_(idx[:, -1:])
            for end in range(T, T + max_new_tokens):
                self.step()
                tokens[:, end:end + 1] = self.token
        refuse_rows(self.odd)
        return tokens


def can_record(model: GPT) -> bool:
    """Whether a `RecordedStep` computes what the model does: our parts as they are, on a GPU with CUDA."""
    return is_plain(model, "cuda")


def recording_pays(max_new_tokens: int) -> bool:
    """Whether there are enough steps to make up for those with which recording begins."""
    return max_new_tokens >= 4 * ASIDE


def record(step: Callable[[], None], device: torch.device) -> Callable[[], None]:
    """Run `step` a few times aside, as CUDA asks for, then record it; the function returned replays it on `device`."""
    with torch.cuda.device(device):  # or a stream of the first GPU would be asked for work of the second
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(ASIDE):
                step()
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            step()

    def replay() -> None:
        with torch.cuda.device(device):
            graph.replay()

    return replay
