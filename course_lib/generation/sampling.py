"""From logits to the next token: temperature, top-k, top-p, min-p, typical. Derived in lesson 13 (decoding).

Each rule maps logits (B, V) to logits (B, V); a token that may no longer be chosen gets -inf. A bound that is met but
for rounding is met: 0.45 + 0.25 reaches a nucleus of 0.7 on every processor. What is no distribution (nan, +inf, or
every token at -inf) is refused before anything is drawn from it: see `check_logits`.
"""

import math

import torch
from torch import Tensor

from course_lib.generation.ranking import SLACK
from course_lib.model.ids import can_look

COLD = 1e-4  # below this temperature logits / t may overflow


def odd_rows(logits: Tensor) -> Tensor:
    """Which rows of logits (..., V) are no distribution, (...) bool: nan or +inf among them, or nothing possible.

    The largest logit tells, for nan and +inf would be the largest. Nobody waits for the answer.
    """
    return ~logits.detach().amax(dim=-1).isfinite()                           # (...)


def check_logits(logits: Tensor) -> None:
    """ValueError, with the row, where logits (..., V) are no distribution. Waits for a GPU."""
    largest = logits.detach().amax(dim=-1)                                    # (...)
    if can_look(logits) and not math.isfinite(largest.sum().item()):  # one number to wait for
        refuse_rows(odd_rows(logits))


def refuse_rows(odd: Tensor) -> None:
    """ValueError, with the first of the rows of `odd_rows`, if there is one. Waits for a GPU; while a graph is made,
    where nothing can be looked at, it asks nothing.
    """
    if can_look(odd) and odd.any():
        row = ", ".join(map(str, odd.nonzero()[0].tolist()))
        raise ValueError(f"row {row} of the logits is no distribution to choose from: there is nan or +inf, or every "
                         "token is impossible (-inf); look at the weights (nan comes from training that broke down), "
                         "or widen what is allowed")


def temperature(logits: Tensor, t: float) -> Tensor:
    """logits / t: below 1 sharper, above 1 flatter, 1 unchanged. Raises ValueError unless t > 0, and finite.

    A very small t overflows unless the largest logit is made 0 first, which changes no probability.
    """
    if not 0 < t < math.inf:
        raise ValueError(f"temperature={t} must be above 0, and finite, to divide by; "
                         "sample_next(temperature=0) is greedy")
    if t < COLD:
        logits = logits - logits.amax(dim=-1, keepdim=True)                   # (B, V)
        t = max(t, 1e-30)
    return logits / t


def top_k(logits: Tensor, k: int) -> Tensor:
    """Keep the k largest logits, and any equal to the k-th. Source: Fan et al. 2018, section 5.4."""
    if not 1 <= k < math.inf or k != int(k):
        raise ValueError(f"top_k={k} must keep at least 1 token, and a whole number of them; None turns it off")
    least = logits.topk(min(int(k), logits.shape[-1]), dim=-1).values[:, -1:]      # (B, 1)
    return logits.masked_fill(logits < least, -torch.inf)


def top_p(logits: Tensor, p: float) -> Tensor:
    """Keep the smallest set of most probable tokens whose probabilities sum to at least p ("the nucleus").

    So a token stays if those more probable than it sum to less than p; the most probable one always stays.
    Source: Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration", section 3.1.
    """
    if not 0 < p <= 1:
        raise ValueError(f"top_p={p} must be above 0 and at most 1; None turns it off")
    ranked, order = logits.sort(dim=-1, descending=True, stable=True)         # (B, V)
    probs = ranked.softmax(dim=-1)                                            # (B, V)
    before = probs.cumsum(dim=-1) - probs                                     # (B, V)
    ranked = ranked.masked_fill(reached(before, p), -torch.inf)                      # (B, V)
    return torch.empty_like(logits).scatter(-1, order, ranked)


def reached(before: Tensor, p: float) -> Tensor:
    """Whether the probabilities before a token already sum to p; all of them, p = 1, only the last one reaches."""
    return before >= (p - SLACK if p < 1 else torch.inf)


def min_p(logits: Tensor, p: float) -> Tensor:
    """Keep tokens at least p times as probable as the most probable one.

    Source: Nguyen et al. 2024, "Turning Up the Heat: Min-p Sampling", section 3.
    """
    if not 0 < p <= 1:
        raise ValueError(f"min_p={p} must be above 0 and at most 1; None turns it off")
    return logits.masked_fill(logits < logits.amax(dim=-1, keepdim=True) + math.log(p) - SLACK, -torch.inf)


def typical_p(logits: Tensor, p: float) -> Tensor:
    r"""Keep the smallest set of most typical tokens whose probabilities sum to at least p.

    Typical is what surprises about as much as one expects: small $|-\log P(x) - H|$, with H the entropy in nats. So
    the most probable token may go, where it says less than people usually do. Source: Meister et al. 2022, "Locally
    Typical Sampling", section 4. Elsewhere: typical_p, mass, τ.
    """
    if not 0 < p <= 1:
        raise ValueError(f"typical_p={p} must be above 0 and at most 1; None turns it off")
    log_probs = logits.log_softmax(dim=-1)                                    # (B, V)
    entropy = torch.special.entr(log_probs.exp()).sum(dim=-1, keepdim=True)   # (B, 1)
    order = (-log_probs - entropy).abs().argsort(dim=-1, stable=True)         # (B, V)
    probs = log_probs.exp().gather(-1, order)                                 # (B, V)
    before = probs.cumsum(dim=-1) - probs                                     # (B, V)
    ranked = logits.gather(-1, order).masked_fill(reached(before, p), -torch.inf)    # (B, V)
    return torch.empty_like(logits).scatter(-1, order, ranked)


def next_probs(logits: Tensor, *, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None,
               min_p: float | None = None, typical_p: float | None = None, check: bool = True) -> Tensor:
    """The probabilities (B, V) that `sample_next` draws from: the rules in the order of the arguments.

    `temperature=0` puts all probability on the largest logit. Raises ValueError for a setting out of range, and for
    logits that are no distribution; check=False leaves that to the caller, who does not want to wait for a GPU.
    """
    if check:
        check_logits(logits)
    greedy = temperature == 0
    settings = {"temperature": 1.0 if greedy else temperature, "top_k": top_k, "top_p": top_p, "min_p": min_p,
                "typical_p": typical_p}
    for name, value in settings.items():
        if value is not None:
            logits = RULES[name](logits, value)                               # (B, V)
    probs = logits.softmax(dim=-1)                                            # (B, V)
    return torch.zeros_like(probs).scatter(-1, probs.argmax(dim=-1, keepdim=True), 1.0) if greedy else probs


def sample_next(logits: Tensor, *, generator: torch.Generator | None = None, **sampling: float | None) -> Tensor:
    """One id for each row of logits (B, V), drawn from `next_probs(logits, **sampling)`: (B,) int64.

    `temperature=0` is greedy: the largest logit, the smallest id if several are equal. ValueError as in `next_probs`.
    Elsewhere: multinomial sampling; greedy decoding.
    """
    if sampling.get("temperature") == 0:
        if sampling.get("check", True):
            check_logits(logits)
        return logits.argmax(dim=-1)
    probs = next_probs(logits.float(), **sampling)                            # (B, V)
    return torch.multinomial(probs, 1, generator=generator)[:, 0]


RULES = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "min_p": min_p, "typical_p": typical_p}
