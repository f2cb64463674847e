"""Mixing short and long contexts, with weights found by expectation–maximisation. Derived in lesson 02 (ngrams)."""

from collections.abc import Sequence

import numpy as np

from course_lib.byhand.counts import Counts
from course_lib.byhand.ngram import NGram
from course_lib.byhand.smoothing import maximum_likelihood


def em_step(weights: np.ndarray, components: np.ndarray) -> np.ndarray:
    r"""One step of EM for the weights of a mixture: never less probable than before.

    $$\lambda_k \leftarrow \frac1N \sum_i r_{ik}, \qquad r_{ik} = \frac{\lambda_k\, q_k(i)}{\sum_j \lambda_j\, q_j(i)}$$

    weights (K,) sum to one; components (N, K) holds q_k(i), the probability that component k gives to the i-th id that
    came. The responsibility r says which share of it component k can claim. Dempster, Laird and Rubin 1977; for
    n-grams Jelinek and Mercer 1980.
    """
    joint = weights * components                           # (N, K)
    return (joint / joint.sum(axis=1, keepdims=True)).mean(axis=0)


def em_weights(components: np.ndarray, *, max_steps: int = 200, tolerance: float = 1e-6) -> np.ndarray:
    """The weights (K,) under which the mixture makes what came most probable: EM from equal weights.

    components: (N, K), as in `em_step`; take them from text that the components were not counted on, or the longest
    context wins everything. Stops when no weight moves by more than `tolerance`. The likelihood has one summit, and
    every step climbs, so it does not matter where one starts. ValueError if no component gives some id more than 0.
    """
    components = np.asarray(components, dtype=float)
    if components.ndim != 2 or not len(components):
        raise ValueError(f"components has shape {components.shape}; give (N, K): ids that came down, components across")
    if not (components.max(axis=1) > 0).all():
        raise ValueError("no component gives some id a probability above 0; add one that does: the uniform 1 / V")
    weights = np.full(components.shape[1], 1 / components.shape[1])  # (K,)
    for _ in range(max_steps):
        before, weights = weights, em_step(weights, components)
        if np.abs(weights - before).max() < tolerance:
            break
    return weights


class Interpolated(NGram):
    r"""A weighted mean of the relative frequencies of every order: $p(w \mid h) = \sum_n \lambda_n\, q_n(w \mid h)$.

    q_0 is the uniform distribution, q_n the relative frequency with n - 1 ids of context; where that context was never
    seen, q_n is q_{n-1}. Make one with `Interpolated.fit_weights`. Asked for a smaller order, it uses the weights up to
    there, scaled to sum to one. Elsewhere: linear interpolation, Jelinek–Mercer smoothing with one bucket.
    """

    def __init__(self, tables: Sequence[Counts], vocab_size: int, weights: Sequence[float]):
        super().__init__(tables, vocab_size, maximum_likelihood)
        self.weights = np.asarray(weights, dtype=float)
        if self.weights.shape != (self.order + 1,) or self.weights.min() < 0 or not np.isclose(self.weights.sum(), 1):
            raise ValueError(f"weights {self.weights} must be {self.order + 1} numbers from 0 up that sum to one: "
                             f"for the uniform distribution and the orders 1 … {self.order}")

    @classmethod
    def fit_weights(cls, model: NGram, held_out: Sequence[int]) -> "Interpolated":
        """The counts of `model`, mixed so that `held_out` (N,), which it did not count, is most probable."""
        return cls(model.tables, model.vocab_size, em_weights(components_of(model, held_out)))

    def log_probs(self, ids: Sequence[int], order: int | None = None) -> np.ndarray:
        """log p(ids[i] | the order - 1 ids before it), in nats, float64 (N,); -inf only where a weight is 0."""
        with np.errstate(divide="ignore"):
            return np.log(self._mixed(list(self.by_order(ids, order))))

    def probs(self, context: Sequence[int] = (), order: int | None = None) -> np.ndarray:
        """p(each id | context), float64 (V,), summing to one. Of `context` the last order - 1 ids count."""
        return self._mixed(list(self.probs_by_order(context, order)))

    def _mixed(self, parts):
        weights = self.weights[:len(parts)]
        return np.tensordot(weights / weights.sum(), parts, axes=1)


def components_of(model: NGram, ids: Sequence[int]) -> np.ndarray:
    """q_0 … q_order of each id, (N, order + 1): what the mixture is made of, from the counts of `model`."""
    return np.stack(list(model.smoothed(maximum_likelihood).by_order(ids)), axis=1)
