"""Which is the largest, and what comes next, the same on every processor. Used by lesson 13 (decoding) and all figures.

Processors round differently, so of two numbers that ought to be equal one may be larger by its last bit: here the
first, there the second. Numbers nearer to each other than rounding can tell count as equal, and the first comes first.
"""

import numpy as np

SLACK = 1e-6  # of the larger of two neighbours: about ten times what a sum in float32 is off by


def ranked(values: np.ndarray, n: int | None = None) -> np.ndarray:
    """The places of the n largest of `values` (N,), largest first: (n,) integers; all N without n.

    Neighbours in that order that differ by less than SLACK of the larger one count as equal, and so do all in a chain
    of such neighbours; equal ones stand in the order of their places. NaN counts as least.

    >>> ranked(np.array([0.3, 0.1 + 0.2, 0.4])).tolist()
    [2, 0, 1]
    """
    if len(values) < 2:
        return np.arange(len(values))[:n]
    values = np.where(np.isnan(values), -np.inf, values)
    places = np.arange(len(values))
    if n is not None and 0 < n < len(values):  # a vocabulary is long; only the first n and their equals need an order
        least = np.partition(values, -n)[-n]
        places = np.flatnonzero(values >= least - (2 * SLACK * abs(least) if np.isfinite(least) else 0))
    order = places[np.argsort(-values[places], kind="stable")]                # (M,)
    high, low = values[order[:-1]], values[order[1:]]                         # (M - 1,)
    wide = np.maximum(abs(high), abs(low))                                    # (M - 1,)
    with np.errstate(invalid="ignore"):  # of two infinities
        apart = high - low > SLACK * np.where(np.isfinite(wide), wide, 0.0)
    group = np.concatenate([[0], np.cumsum(apart)])                           # (M,): equal ones have one number
    return order[np.lexsort((order, group))][:n]


def largest(values: np.ndarray) -> int:
    """The place of the largest of `values`, of any shape, counted as `numpy.argmax` does; of equal ones the first."""
    return int(ranked(np.ravel(values), 1)[0])
