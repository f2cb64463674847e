"""How a table writes several measurements of one thing."""

import statistics
from collections.abc import Sequence


def spread(values: Sequence[float], form: str) -> str:
    """The median, and in brackets the lowest and the highest where they differ: `112.0 (110.2 … 115.9)`."""
    middle, low, high = (format(f(values), form) for f in (statistics.median, min, max))
    return middle if low == high else f"{middle} ({low} … {high})"
