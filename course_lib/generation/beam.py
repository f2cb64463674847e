r"""Beam search: many beginnings kept, the best endings chosen. Derived in lesson 13 (decoding); lesson 10 uses it.

The search needs only a function from texts, idx (n, T), to log-probabilities of the next token, (n, V).
`next_log_probs` makes one of a GPT; a translator's is a line around its decoder.
"""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from course_lib.generation.evaluation_mode import evaluation_mode
from course_lib.generation.generate import checked_stops
from course_lib.generation.ranking import SLACK, ranked
from course_lib.model.gpt import GPT
from course_lib.model.kv_cache import KVCache
from course_lib.text.ids import checked_ids

NextLogProbs = Callable[[Tensor], Tensor]
LengthNorm = Callable[[int, float], float]


def power_norm(length: int, alpha: float) -> float:
    """length^α: 0 compares sums of log-probabilities, 1 means. As transformers does it, there `length_penalty`."""
    return length**alpha


def gnmt_norm(length: int, alpha: float) -> float:
    """((5 + length) / 6)^α, gentler to short texts. Source: Wu et al. 2016 (GNMT), section 7; there α = 0.6 to 0.7."""
    return ((5 + length) / 6)**alpha


@dataclass(frozen=True)
class Hypothesis:
    """A finished text: its new ids (a stop id included), log P in nats, score = log P / norm; `node` ends it."""

    ids: list[int]
    log_prob: float
    score: float
    node: int


@dataclass
class BeamTree:
    """All that the search looked at, one node a token, parents first, as `plots.tree` draws it.

    `log_probs` sum from the root; `kept` is False for what was dropped at once; a parent of -1 is the prompt.
    """

    ids: list[int] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    log_probs: list[float] = field(default_factory=list)
    kept: list[bool] = field(default_factory=list)

    def add(self, parent: int, token: int, log_prob: float) -> int:
        """A new node, dropped until `kept` says otherwise; its number."""
        for values, value in zip((self.ids, self.parents, self.log_probs, self.kept),
                                 (token, parent, log_prob, False), strict=True):
            values.append(value)
        return len(self.ids) - 1

    def path(self, node: int) -> list[int]:
        """The ids from the first one to this node's."""
        ids = []
        while node >= 0:
            ids.append(self.ids[node])
            node = self.parents[node]
        return ids[::-1]


@torch.no_grad()
def beam_search(next_log_probs: NextLogProbs, prompt: Sequence[int], *, n_beam: int, max_new_tokens: int,
                stop_ids: int | Collection[int] = (), alpha: float = 0.0, norm: LengthNorm = power_norm,
                ) -> tuple[list[Hypothesis], BeamTree]:
    """The at most n_beam best hypotheses found, best score first, and the tree that they were found in.

    At each step the n_beam · (1 + number of stop ids) most probable continuations of all beams are candidates. Those
    among the first n_beam that end are hypotheses; the first n_beam that do not are the next beams. It ends when no
    beam can still reach the n_beam best hypotheses, or after max_new_tokens, where what is unfinished counts as it is.
    Equally probable candidates: the continuation of the better beam first, then the smaller id. Equal scores: the
    hypothesis found first.

    `score = log_prob / norm(new tokens, alpha)`; log_prob is negative, so alpha > 0 favours long texts, and
    without it the short ones win. n_beam=1 and alpha=0 is greedy decoding. Impossible tokens (-inf) are never taken.
    Raises ValueError for n_beam or max_new_tokens below 1, an empty prompt or one that holds no ids, log-probabilities
    or an alpha that are no numbers, or where nothing at all is possible.
    Elsewhere: num_beams, early_stopping="never" (transformers).
    """
    if min(n_beam, max_new_tokens, len(prompt)) < 1:
        raise ValueError(f"n_beam={n_beam}, max_new_tokens={max_new_tokens} and a prompt of {len(prompt)} tokens must "
                         "all be at least 1; start an empty prompt with the end-of-text id")
    if not math.isfinite(alpha):
        raise ValueError(f"alpha={alpha} must be a number; 0 compares log-probabilities as they are")
    tree, done, beams = BeamTree(), [], [-1]  # beams: nodes, the most probable one first
    idx = torch.from_numpy(checked_ids(prompt, what="prompt"))[None]          # (1, T)
    stop_ids = checked_stops(stop_ids)
    log_probs = [0.0]
    for length in range(1, max_new_tokens + 1):
        n, before = len(beams), torch.tensor(log_probs, dtype=torch.float64)
        totals = before.view(n, 1) + checked_log_probs(next_log_probs(idx))   # (n, V)
        V, n_candidates = totals.shape[1], n_beam * (1 + len(stop_ids))
        totals, alive = totals.flatten().numpy(), []
        for rank, place in enumerate(ranked(totals, n_candidates).tolist()):
            log_prob = float(totals[place])
            if log_prob == -math.inf:
                break
            row, token = divmod(place, V)
            node = tree.add(beams[row], token, log_prob)
            ends = token in stop_ids or length == max_new_tokens
            if ends and rank < n_beam:
                done.append(Hypothesis(tree.path(node), log_prob, log_prob / norm(length, alpha), node))
            elif not ends and len(alive) < n_beam:
                alive.append((row, token, log_prob, node))
            tree.kept[node] = ends and rank < n_beam or bool(alive) and alive[-1][-1] == node
        done = [done[place] for place in ranked(np.array([text.score for text in done]), n_beam)]
        if not alive or len(done) == n_beam and done[-1].score >= best_possible(
                alive[0][2], length + 1, max_new_tokens, alpha, norm) - SLACK:
            break
        rows, ids, log_probs, beams = map(list, zip(*alive, strict=True))
        idx = torch.cat([idx[rows], idx.new_tensor(ids)[:, None]], dim=1)
    if not done:
        raise ValueError(f"after {length} tokens every continuation has probability 0; widen what is allowed, or "
                         f"raise n_beam={n_beam}")
    return done, tree


def checked_log_probs(log_probs: Tensor) -> Tensor:
    """(n, V) in float64, on the CPU; ValueError for nan and +inf, which are the logarithm of no probability.

    -inf is: it means impossible.
    """
    log_probs = log_probs.cpu().double()                                      # (n, V); MPS has no doubles
    wrong = (~(log_probs < math.inf)).nonzero()
    if len(wrong):
        row, token = wrong[0].tolist()
        raise ValueError(f"next_log_probs gives token {token} of text {row} the log-probability "
                         f"{log_probs[row, token].item()}; look at the weights of the model that gave it")
    return log_probs


def best_possible(log_prob: float, shortest: int, longest: int, alpha: float, norm: LengthNorm = power_norm) -> float:
    """No text that goes on from log_prob can score more: no token has log P above 0, and norms are monotonic."""
    return log_prob / max(norm(shortest, alpha), norm(longest, alpha))


def next_log_probs(model: GPT) -> NextLogProbs:
    """idx (n, T) -> log-probabilities (n, V) of the next token, where idx is, with a cache that follows the beams.

    The search and what changes its log-probabilities (`penalties`, `constrained`) work on the CPU, the model where its
    weights are. Rows that continue rows of the call before, in whatever order and number, cost one token each; others
    are read from the start. Texts that are too long are cut to their last context_length tokens.
    """
    cache, last = KVCache(model.config, 1), None

    def log_probs(idx: Tensor) -> Tensor:
        nonlocal cache, last
        place = idx.device
        idx = idx[:, -model.config.context_length:].to(model.head_weight.device)          # (n, T)
        rows = continued_rows(idx, last)
        if rows is not None:
            cache.select(rows)
        else:
            cache = KVCache(model.config, len(idx))
        last = idx
        with torch.no_grad(), evaluation_mode(model):
            logits = model(idx[:, cache.length:], cache=cache)[:, -1]                     # (n, V)
        return logits.log_softmax(dim=-1).to(place)                                       # (n, V)

    return log_probs


def continued_rows(idx: Tensor, last: Tensor | None) -> Tensor | None:
    """Which row of `last` (m, T - 1) each row of idx (n, T) adds a token to, (n,); None if one adds to none."""
    if last is None or last.shape[1] != idx.shape[1] - 1:
        return None
    same = (idx[:, None, :-1] == last).all(dim=-1)                            # (n, m)
    return same.int().argmax(dim=1) if same.any(dim=1).all() else None
