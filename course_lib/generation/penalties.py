"""Pushing down what was already said: repetition, frequency, presence, n-grams. Derived in lesson 13 (decoding).

Each rule maps logits (B, V) and the ids so far, idx (B, T), to logits (B, V). In batches of unequal prompts,
`padding_mask` (B, T), True = real token, says what counts. The rules of `sampling` come after these.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.model.ids import refuse_odd_ids


def count_tokens(idx: Tensor, vocab_size: int, padding_mask: Tensor | None = None) -> Tensor:
    """How often each token occurs in each row of idx (B, T): (B, V) int64."""
    real = torch.ones_like(idx) if padding_mask is None else padding_mask.to(idx).expand_as(idx)  # (B, T)
    try:
        return idx.new_zeros(len(idx), vocab_size).scatter_add(1, idx, real)
    except RuntimeError:  # a CPU has looked
        refuse_odd_ids(idx, vocab_size)
        raise


def repetition_penalty(logits: Tensor, idx: Tensor, penalty: float, padding_mask: Tensor | None = None) -> Tensor:
    """Logits of tokens in idx: divided by `penalty` where positive, multiplied where negative; 1 changes nothing.

    The paper divides either kind, which would make a negative logit more probable; everybody does it this way. It
    still depends on where 0 is, which softmax does not: a constant added to all logits changes the outcome.
    Raises ValueError unless penalty > 0. Source: Keskar et al. 2019 (CTRL), section 4.1, there θ = 1.2.
    """
    if not 0 < penalty < math.inf:
        raise ValueError(f"repetition_penalty={penalty} must be above 0, and finite; above 1 discourages, "
                         "None turns it off")
    said = count_tokens(idx, logits.shape[-1], padding_mask) > 0              # (B, V)
    return torch.where(said, torch.where(logits > 0, logits / penalty, logits * penalty), logits)


def frequency_penalty(logits: Tensor, idx: Tensor, penalty: float, padding_mask: Tensor | None = None) -> Tensor:
    """logits - penalty · (how often the token is in idx); below 0 it encourages.

    Unlike `repetition_penalty` it is indifferent to a constant added to all logits, and grows with each repetition.
    Raises ValueError unless it is a number. Source: OpenAI's API reference, "frequency_penalty".
    """
    _check_finite("frequency_penalty", penalty)
    return logits - penalty * count_tokens(idx, logits.shape[-1], padding_mask).to(logits)


def presence_penalty(logits: Tensor, idx: Tensor, penalty: float, padding_mask: Tensor | None = None) -> Tensor:
    """logits - penalty, once, for tokens that are in idx. Source: OpenAI's API reference, "presence_penalty".

    Raises ValueError unless it is a number.
    """
    _check_finite("presence_penalty", penalty)
    return logits - penalty * count_tokens(idx, logits.shape[-1], padding_mask).clamp(max=1).to(logits)


def no_repeat_ngram(logits: Tensor, idx: Tensor, order: int, padding_mask: Tensor | None = None) -> Tensor:
    """Forbid each token that would repeat `order` tokens in a row that idx already has.

    A row in which that forbids all tokens keeps its logits. Raises ValueError for order < 1.
    Source: Paulus et al. 2017, section 2.5 (trigrams). Elsewhere: no_repeat_ngram_size, n-gram blocking.
    """
    if not 1 <= order < math.inf or order != int(order):
        raise ValueError(f"no_repeat_ngram={order} must be at least 1 token, and a whole number of them; "
                         "None turns it off")
    T, n = idx.shape[1], int(order)
    if n > T:
        return logits
    if padding_mask is not None:
        idx = idx.masked_fill(~padding_mask.to(idx.device), -1)               # (B, T)
    ngrams = idx.unfold(1, n, 1)                                              # (B, T - n + 1, n)
    again = (ngrams[..., :-1] == idx[:, None, T - n + 1:]).all(dim=-1)        # (B, T - n + 1)
    again &= (ngrams >= 0).all(dim=-1)                                        # (B, T - n + 1)
    row, place = again.nonzero(as_tuple=True)
    left = logits.clone()
    try:
        left[row, ngrams[row, place, -1]] = -torch.inf
    except IndexError:  # a CPU has looked
        refuse_odd_ids(ngrams[row, place, -1], logits.shape[-1])
        raise
    return torch.where(left.isneginf().all(dim=-1, keepdim=True), logits, left)


def penalize(logits: Tensor, idx: Tensor, *, padding_mask: Tensor | None = None, **penalties: float | None) -> Tensor:
    """The penalties by name, in the order of this file; None is none: `penalize(logits, idx, presence_penalty=0.5)`.

    Raises ValueError for a penalty out of range, TypeError for a name that is none.
    """
    if unknown := set(penalties) - set(PENALTIES):
        raise TypeError(f"unknown penalties {sorted(unknown)}; there are {list(PENALTIES)}")
    for name, rule in PENALTIES.items():
        if penalties.get(name) is not None:
            logits = rule(logits, idx, penalties[name], padding_mask)         # (B, V)
    return logits


def adjust_with(padding_mask: Tensor | None = None, **penalties: float | None) -> Callable[[Tensor, Tensor], Tensor]:
    """`penalize` as `stream(…, adjust=…)` calls it: `adjust=adjust_with(repetition_penalty=1.2)`.

    `padding_mask` (B, T), or (1, T) for all rows, is the prompts': False for what does not count, be it padding or the
    end-of-text id that a document begins with (counted, it would make the end less probable). What is written after
    the prompt counts.
    Raises ValueError and TypeError, at once, as `penalize` does.
    """
    penalize(torch.zeros(1, 1), torch.zeros(1, 1, dtype=torch.long), **penalties)

    def adjust(logits, idx):
        counts = padding_mask
        if counts is not None:
            written = idx.shape[1] - counts.shape[1]
            counts = torch.nn.functional.pad(counts, (0, written), value=True)  # (B, T)
        return penalize(logits, idx, padding_mask=counts, **penalties)

    return adjust


def _check_finite(name, penalty):
    if not math.isfinite(penalty):
        raise ValueError(f"{name}={penalty} must be a number to subtract; None turns it off")


PENALTIES = {rule.__name__: rule for rule in (repetition_penalty, frequency_penalty, presence_penalty, no_repeat_ngram)}
