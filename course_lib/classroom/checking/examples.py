"""Values drawn from the ranges of a rule: the grader tries every rule on values of its own. Used by all lessons."""

from collections.abc import Callable

import numpy as np

EXAMPLES = 25


def draw_examples(rng: np.random.Generator, ranges: dict, n: int = EXAMPLES) -> list[dict]:
    """n examples, argument → value: the lowest of all ranges, the highest of all, then values drawn evenly.

    ranges: argument → (lowest, highest), both whole numbers or both floats; both ends may be drawn.
    """
    corners = [{name: ends[side] for name, ends in ranges.items()} for side in (0, 1)]
    drawn = [{name: _draw(rng, *ends) for name, ends in ranges.items()} for _ in range(n - len(corners))]
    return corners + drawn


def at_examples(rule: Callable, ranges: dict) -> Callable:
    """A rule as a probe: `fn(ns, rng)` returns the pairs that must agree, one for each example."""

    def tried(ns, rng):
        return [list(rule(ns, **example)) for example in draw_examples(rng, ranges)]

    return tried


def _draw(rng, low, high):
    return int(rng.integers(low, high + 1)) if isinstance(low, int) else float(rng.uniform(low, high))
