"""Writing text one token at a time, with a cache, for one prompt or many. Derived in lesson 13 (decoding)."""

from collections.abc import Callable, Collection, Iterator, Sequence
from numbers import Integral

import torch
from torch import Tensor, nn

from course_lib.generation.evaluation_mode import evaluation_mode
from course_lib.generation.numpy_decoder import NumpyDecoder, can_decode, pays
from course_lib.generation.sampling import next_probs, odd_rows, refuse_rows, sample_next
from course_lib.generation.static_cache import RecordedStep, can_record, recording_pays
from course_lib.model.gpt import GPT
from course_lib.model.ids import refuse_odd_ids
from course_lib.model.kv_cache import KVCache
from course_lib.text.ids import checked_ids
from course_lib.text.texts import as_list

LOOK_EVERY = 32  # steps
Adjust = Callable[[Tensor, Tensor], Tensor]


def left_pad(prompts: Sequence[Sequence[int]] | Sequence[int], pad_id: int = 0) -> tuple[Tensor, Tensor]:
    """Prompts of different lengths as one batch: idx (B, T) and padding_mask (B, T), True = real token.

    Padding stands on the left, so that every row's last token is its newest. Any pad_id will do: nothing reads it. One
    prompt is a list of one. Raises ValueError for none, an empty one, and numbers that are no ids.
    """
    if len(prompts) and all(isinstance(token, Integral) for token in prompts):
        prompts = [prompts]
    prompts = [checked_ids(prompt, what=f"prompts[{row}]") for row, prompt in enumerate(prompts)]
    if not prompts or not all(len(prompt) for prompt in prompts):
        raise ValueError(f"{len(prompts)} prompts, each needs at least one token; start with the end-of-text id")
    B, T = len(prompts), max(map(len, prompts))
    idx = torch.full((B, T), pad_id)                                          # (B, T)
    padding_mask = torch.zeros(B, T, dtype=torch.bool)                        # (B, T)
    for row, prompt in enumerate(prompts):
        idx[row, T - len(prompt):] = torch.as_tensor(prompt)
        padding_mask[row, T - len(prompt):] = True
    return idx, padding_mask


def stream(model: GPT, idx: Tensor, *, max_new_tokens: int, stop_ids: int | Collection[int] = (),
           padding_mask: Tensor | None = None, use_cache: bool = True, adjust: Adjust | None = None,
           **sampling) -> Iterator[Tensor]:
    """Yield the next id of every row, (B,), as soon as it is drawn; `sampling` goes to `sample_next`.

    A row that has drawn a stop id repeats it until all rows have drawn one; then the stream ends.

    `adjust(logits, idx)` may change the logits (B, V) before the rules of `sampling`, knowing all tokens so far, idx
    (B, t), the prompt and its padding included: `penalties.adjust_with`, `constrained.constrain`. Elsewhere:
    logits_processor (transformers).

    A batch that outgrows `context_length` goes on from its last half: the cache is cleared and reads that half
    anew, one slow step in context_length / 2. (Dropping only the oldest token would move every other token to
    a new position, and nothing in the cache would fit.) Without a cache the model reads the same tokens.
    A prompt that is too long by itself is cut to its last context_length tokens.

    Gradients and dropout are off while the model runs; between two ids it is in the mode you left it in. The steps
    after the prompt are taken by a `NumpyDecoder` (on a CPU) or a `RecordedStep` (CUDA) where that can and pays: the
    same ids, sooner; in numpy from the weights as they were at its first step.
    Raises ValueError, at once, for an empty prompt, a padding_mask of another shape, ids that the model does not have,
    ids, mask, model and generator that are not on one device, or a setting out of range; and, while it draws, for
    logits that are no distribution (`sampling.check_logits`).
    """
    if idx.ndim != 2 or 0 in idx.shape:
        raise ValueError(f"idx has shape {tuple(idx.shape)}, but must be (B, T) with at least one token; "
                         "start an empty prompt with the end-of-text id")
    if padding_mask is not None and padding_mask.shape != idx.shape:
        raise ValueError(f"padding_mask {tuple(padding_mask.shape)} must have the shape of idx {tuple(idx.shape)}")
    place = next((p.device.type for p in model.parameters()), idx.device.type)
    for name, other in (("idx", idx), ("padding_mask", padding_mask), ("generator", sampling.get("generator"))):
        if other is not None and other.device.type != place:
            way = "torch.Generator" if name == "generator" else f"{name}.to"
            raise ValueError(f"the model is on {place}, but {name} is on {other.device.type}; use {way}({place!r})")
    if max_new_tokens < 0:
        raise ValueError(f"max_new_tokens={max_new_tokens} must be at least 0")
    refuse_odd_ids(idx, model.config.vocab_size)
    stop_ids = checked_stops(stop_ids, model.config.vocab_size)
    next_probs(torch.zeros(1, 1), **{name: value for name, value in sampling.items() if name != "generator"})
    return _stream(model, idx, max_new_tokens, sorted(stop_ids), padding_mask, use_cache, adjust, sampling)


@torch.no_grad()
def _stream(model, idx, max_new_tokens, stop_ids, padding_mask, use_cache, adjust, sampling):
    B, T = idx.shape
    context_length = model.config.context_length
    tokens = torch.cat([idx, idx.new_zeros(B, max_new_tokens)], dim=1)        # (B, N)
    real = None if padding_mask is None else nn.functional.pad(padding_mask, (0, max_new_tokens), value=True)
    room = min(context_length, T + max_new_tokens)
    in_numpy = use_cache and padding_mask is None and pays(model.config, B, max_new_tokens) and can_decode(model)
    recorded = use_cache and recording_pays(max_new_tokens) and can_record(model)
    at_once = min(room, max(T, (context_length + 1) // 2)) if recorded else room  # then new tokens are kept elsewhere
    cache = KVCache(model.config, B, max_length=at_once) if use_cache else None
    decoder = None
    stops = torch.tensor(stop_ids, device=idx.device)
    stopped = torch.zeros(B, dtype=torch.bool, device=idx.device)             # (B,)
    # Where a GPU need not be waited for, it is asked now and then, and rows that are no distribution draw anything.
    each_step = waits_anyway(idx, stop_ids)
    odd = torch.zeros_like(stopped)                                           # (B,)
    start = max(0, T - context_length)                                        # first token the model still reads
    for end in range(T, T + max_new_tokens):
        if end - start > context_length:
            start = end - (context_length + 1) // 2
            if cache is not None:
                cache.clear()
        new = start if cache is None else start + cache.length
        if in_numpy and new == end - 1 > start:
            decoder = NumpyDecoder(model, cache) if decoder is None else decoder
            logits = torch.from_numpy(decoder.step(tokens[:, new].numpy()))   # (B, V)
        elif recorded and new == end - 1 > start:
            with evaluation_mode(model):
                decoder = RecordedStep(model, cache, max_length=room) if decoder is None else decoder
                logits = decoder.step(tokens[:, new], None if real is None else real[:, start:new])  # (B, V)
        else:
            mask = None if real is None else real[:, start:end]
            with evaluation_mode(model):
                logits = model(tokens[:, new:end], padding_mask=mask, cache=cache)[:, -1]  # (B, V)
        if adjust is not None:
            logits = adjust(logits, tokens[:, :end])                          # (B, V)
        if not each_step:
            odd |= odd_rows(logits)                                           # (B,)
            logits = logits.masked_fill(odd[:, None], 0.0)                    # (B, V)
            if (end - T + 1) % LOOK_EVERY == 0 or end + 1 == T + max_new_tokens:
                refuse_rows(odd)
        ids = sample_next(logits, check=each_step, **sampling)                # (B,)
        if stop_ids:
            ids = torch.where(stopped, tokens[:, end - 1], ids)               # (B,)
            stopped |= torch.isin(ids, stops)
        tokens[:, end] = ids
        yield ids
        if stop_ids and stopped.all():
            return


def waits_anyway(idx: Tensor, stop_ids: Collection) -> bool:
    """Whether each step is waited for: on a CPU always, on a GPU where one must know if all rows have stopped."""
    return bool(stop_ids) or idx.device.type == "cpu"


def checked_stops(stop_ids: int | Collection[int], vocab_size: int | None = None) -> set[int]:
    """The ids at which a text ends, one or several; ValueError for one that can never be drawn."""
    return set(checked_ids(as_list(stop_ids, "stop_ids", Integral), vocab_size, what="stop_ids").tolist())


def generate(model: GPT, idx: Tensor, *, max_new_tokens: int, **options) -> Tensor:
    """The prompts with what `stream` adds to them: (B, T) -> (B, T + new). Same options as `stream`."""
    new = list(stream(model, idx, max_new_tokens=max_new_tokens, **options))
    return torch.cat([idx, *(ids[:, None] for ids in new)], dim=1)
