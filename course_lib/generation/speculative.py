r"""Speculative decoding: a small model proposes, the large one reads many at once. Derived in lesson 13 (decoding).

The draft model q writes a few tokens, the target model p reads them in one pass, and a rule keeps the first few and
adds one, so that what comes out is distributed exactly as if p had written every token.
Sources: Leviathan, Kalman and Matias 2023, "Fast Inference from Transformers via Speculative Decoding"; Chen et al.
2023, "Accelerating Large Language Model Decoding with Speculative Sampling".
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from course_lib.generation.evaluation_mode import evaluation_mode
from course_lib.generation.generate import checked_stops
from course_lib.generation.sampling import next_probs
from course_lib.model.gpt import GPT
from course_lib.model.kv_cache import KVCache
from course_lib.text.ids import checked_ids


@dataclass(frozen=True)
class Round:
    """One reading by the target: the ids it gave, of which the first `accepted` of `proposed` are the draft's."""

    ids: list[int]
    accepted: int
    proposed: int


def keep_probability(token: int, p: Tensor, q: Tensor) -> float:
    """min(1, p / q) of a token that was drawn from q (V,): with this probability the target p (V,) keeps it.

    ValueError for a token that cannot have been: q says 0, or nothing.
    """
    checked_ids([token], len(q), what="ids")
    if not (q[token] > 0 and p[token] >= 0):
        raise ValueError(f"token {token} is proposed with probability {q[token].item():.3g} and wanted with "
                         f"{p[token].item():.3g}; it must have been drawn from q, and both be probabilities")
    return min(1.0, (p[token] / q[token]).item())


def residual(p: Tensor, q: Tensor) -> Tensor:
    r"""$\max(0, p - q)$ over its sum, (V,): what to draw from instead of a refused token.

    Keeping gives token x with probability $\min(p, q)$, refusing happens with $1 - \sum \min(p, q) = \sum \max(0, p -
    q)$; the two together are p.
    """
    rest = (p - q).clamp(min=0)
    total = rest.sum()
    return rest / total if total > 0 else p  # nothing above q anywhere: they are equal, and nothing is refused


def acceptance_rate(p: Tensor, q: Tensor) -> Tensor:
    """The probability that a token drawn from q (..., V) is kept: Σ min(p, q), 1 minus the total variation distance.

    Leviathan et al., corollary 3.6; there α is its mean over contexts.
    """
    return torch.minimum(p, q).sum(dim=-1)


def tokens_per_round(rate: float, n_draft: int) -> float:
    """Expected new tokens for each reading by the target, (1 - α^(K+1)) / (1 - α), if each of K tokens is kept with
    probability α = `rate`, independently. Leviathan et al., equation 1.
    """
    return sum(rate**i for i in range(n_draft + 1))


def speedup(rate: float, n_draft: int, cost: float) -> float:
    """Expected times faster than the target alone, if a draft step costs `cost` target steps, and reading K + 1 tokens
    no more than reading one. Leviathan et al., theorem 3.8.
    """
    return tokens_per_round(rate, n_draft) / (n_draft * cost + 1)


def draw(probs: Tensor, generator: torch.Generator | None = None) -> int:
    """One id, drawn from probs (V,). ValueError where they are no probabilities."""
    if not (probs.min() >= 0 and 0 < probs.sum() < torch.inf):
        raise ValueError(f"probabilities from {probs.min().item():.3g} that sum to {probs.sum().item():.3g}; "
                         "give those of next_probs")
    return torch.multinomial(probs, 1, generator=generator).item()


def happens(probability: float, generator: torch.Generator | None = None) -> bool:
    """True with this probability."""
    return torch.rand((), generator=generator, dtype=torch.float64).item() < probability


def accept(ids: list[int], q: Tensor, p: Tensor, generator: torch.Generator | None = None) -> list[int]:
    """The proposed ids up to the first one refused, and one more token: always at least one, at most K + 1.

    ids (K,) were drawn from q (K, V); p (K + 1, V) are the target's probabilities at the same places and one beyond.
    """
    for i, token in enumerate(ids):
        if not happens(keep_probability(token, p[i], q[i]), generator):
            return [*ids[:i], draw(residual(p[i], q[i]), generator)]
    return [*ids, draw(p[-1], generator)]


class Reader:
    """A model with its cache: probabilities for the end of a text, of which it reads only what is new to it."""

    def __init__(self, model: GPT, max_length: int, sampling: dict):
        self.model, self.sampling = model, sampling
        self.cache = KVCache(model.config, 1, max_length=max_length)

    def read(self, text: list[int], n: int = 1) -> Tensor:
        """Probabilities (n, V) after each of the last n tokens of a text that goes on from what is cached."""
        new = torch.tensor([text[self.cache.length:]], device=self.model.head_weight.device)
        with evaluation_mode(self.model), torch.no_grad():
            logits = self.model(new, cache=self.cache)[0, -n:]                # (n, V)
        return next_probs(logits.cpu().double(), **self.sampling)             # (n, V); MPS has no doubles

    def forget(self, length: int) -> None:
        """Keep at most the first `length` tokens."""
        self.cache.truncate(min(length, self.cache.length))


def speculate(target: GPT, draft: GPT, prompt: list[int], *, max_new_tokens: int, n_draft: int = 4,
              stop_ids: int | Collection[int] = (), generator: torch.Generator | None = None,
              **sampling: float | None) -> Iterator[Round]:
    """Rounds whose ids, put together, are distributed as those of `generate(target, …)` with the same `sampling`.

    `sampling` (see `next_probs`) changes both models' probabilities, so the text follows the target's changed ones;
    at temperature=0 it is the target's greedy text, whatever the draft. The text ends with a stop id.
    The models may be on a GPU; ids are drawn on the CPU, and so `generator` is one of the CPU. Raises ValueError, at
    once, for models of different vocabularies, an n_draft below 1, or a text too long for either.
    Elsewhere: assisted generation (transformers); γ for n_draft.
    """
    V, prompt = target.config.vocab_size, checked_ids(prompt, target.config.vocab_size, what="prompt").tolist()
    length = len(prompt) + max_new_tokens
    if draft.config.vocab_size != V:
        raise ValueError(f"the target has vocab_size={V}, the draft {draft.config.vocab_size}; "
                         "train them with the same tokenizer")
    longest = min(target.config.context_length, draft.config.context_length)
    if not prompt or n_draft < 1 or max_new_tokens < 0 or length > longest:
        raise ValueError(f"{len(prompt)} prompt tokens, n_draft={n_draft} and max_new_tokens={max_new_tokens}: take at "
                         f"least 1, 1 and 0, and together at most {longest} tokens, the shorter context_length")
    if generator is not None and generator.device.type != "cpu":
        raise ValueError(f"generator is one of {generator.device.type}, but ids are drawn on the CPU; "
                         "use torch.Generator()")
    next_probs(torch.zeros(1, V), **sampling)
    readers = [Reader(model, length, sampling) for model in (target, draft)]
    return rounds(*readers, prompt, length, n_draft, checked_stops(stop_ids, V), generator)


def rounds(target: Reader, draft: Reader, text: list[int], length: int, n_draft: int, stop_ids: set[int],
           generator: torch.Generator | None) -> Iterator[Round]:
    """The loop of `speculate`: propose, read, keep some, roll both caches back to what is certain."""
    while len(text) < length:
        ids, q = [], []
        for _ in range(min(n_draft, length - len(text) - 1)):  # one token of each round is the target's own
            q.append(draft.read(text + ids)[0])
            ids.append(draw(q[-1], generator))
        p = target.read(text + ids, n=len(ids) + 1)
        new = accept(ids, q, p, generator)
        accepted = len(new) - 1
        for place, token in enumerate(new):
            if token in stop_ids:
                new = new[:place + 1]
                break
        yield Round(new, min(accepted, len(new)), len(ids))
        text = text + new
        if text[-1] in stop_ids:
            return
        target.forget(len(text) - 1)
        draft.forget(len(text) - 1)
