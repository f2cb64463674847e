"""From counts to probabilities: add-k, absolute discounting, Witten–Bell. Derived in lesson 02 (ngrams).

Each rule takes four arrays of one shape and gives p_n(w | h), an array of that shape:

- count, c(h w): how often the id w followed the context h,
- total, c(h): how often anything did,
- distinct, T(h): how many different ids did,
- lower, p_{n-1}(w | h'): what the shorter context says, h' being h less its first id.

A context that was never followed by anything has a total of 0. Rules that ask the shorter context give it all the say.
"""

from collections.abc import Callable

import numpy as np

Rule = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def maximum_likelihood(count: np.ndarray, total: np.ndarray, distinct: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """Relative frequencies, c(h w) / c(h): zero for what never occurred. An unseen context asks the shorter one.

    No other probabilities make the counted text more probable. Elsewhere: MLE, the unsmoothed model.
    """
    return np.where(total > 0, count / np.maximum(total, 1), lower)


def add_k(k: float, vocab_size: int) -> Rule:
    r"""The rule that counts everything k times more than it occurred.

    $$p(w \mid h) = \frac{c(h w) + k}{c(h) + k V}$$

    It never asks the shorter context; an unseen one gives 1 / V to everything. k = 1: Laplace; any k: Lidstone,
    additive smoothing. ValueError unless k is positive.
    """
    if not k > 0:
        raise ValueError(f"k={k} leaves zeros; give a number above 0, such as 0.1")
    return lambda count, total, distinct, lower: (count + k) / (total + k * vocab_size)


def witten_bell(count: np.ndarray, total: np.ndarray, distinct: np.ndarray, lower: np.ndarray) -> np.ndarray:
    r"""Interpolated Witten–Bell: trust a context by how rarely it surprised us.

    $$p_n(w \mid h) = \frac{c(h w) + T(h)\, p_{n-1}(w \mid h')}{c(h) + T(h)}$$

    A context that was followed by T different ids in c(h) draws brought something new T times, so it leaves
    T / (c + T) to the shorter context. Never seen: all of it.
    Witten and Bell 1991, method C; Chen and Goodman 1998, section 2.5.
    """
    seen = np.maximum(total + distinct, 1)  # never 0 / 0: an unseen context has count 0, and keeps `lower`
    return np.where(total > 0, (count + distinct * lower) / seen, lower)


def absolute_discounting(discount: float) -> Rule:
    r"""The rule that takes the same D from every count, and hands what it took to the shorter context.

    $$p_n(w \mid h) = \frac{\max(c(h w) - D, 0) + D\, T(h)\, p_{n-1}(w \mid h')}{c(h)}$$

    Ney, Essen and Kneser 1994; Chen and Goodman 1998, section 2.6. ValueError for a D outside 0 < D < 1.
    """
    if not 0 < discount < 1:
        raise ValueError(f"discount={discount} must lie between 0 and 1, so that a count of 1 keeps something")

    def rule(count, total, distinct, lower):
        kept = np.maximum(count - discount, 0)
        return np.where(total > 0, (kept + discount * distinct * lower) / np.maximum(total, 1), lower)

    return rule


def estimated_discount(count: np.ndarray) -> float:
    r"""The D that a table of counts asks for itself, $D = n_1 / (n_1 + 2 n_2)$.

    n₁ and n₂ say how many n-grams were counted exactly once and exactly twice. It comes close to the D under which each
    n-gram, left out of the text and predicted from the rest, is most probable (Ney, Essen and Kneser 1994, section 4).
    Where one of the two is 0 there is nothing to estimate from, and it is ½.
    """
    once, twice = np.count_nonzero(count == 1), np.count_nonzero(count == 2)
    return float(once / (once + 2 * twice)) if once and twice else 0.5
