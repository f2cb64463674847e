"""Is this gradient right? Ask the loss itself: nudge a number and look. Derived in lesson 04 (backprop)."""

from collections.abc import Callable, Mapping

import numpy as np

VERDICTS = ((1e-10, "exact"), (1e-5, "close"), (np.inf, "wrong"))


def numerical_gradient(f: Callable[[np.ndarray], float], x: np.ndarray, h: float = 1e-5) -> np.ndarray:
    r"""$\partial f / \partial x_i \approx (f(x + h e_i) - f(x - h e_i)) / 2h$ for every number of x, in its shape.

    Two calls of f for each number: a check, not a way to train. The error is about h² (the curve's bend) plus
    1e-16 / h (rounding): h = 1e-5 balances both in float64. Elsewhere: central differences.
    """
    x = np.array(x, dtype=np.float64)
    dx = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        kept = x[i]
        x[i] = kept + h
        above = f(x)
        x[i] = kept - h
        below = f(x)
        x[i] = kept
        dx[i] = (above - below) / (2 * h)
    return dx


def relative_error(a: np.ndarray, b: np.ndarray) -> float:
    """Largest |a - b| in units of the largest |a| or |b|; 0 for two zeros, ∞ for different shapes or not-a-number."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if a.shape != b.shape or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return float("inf")
    size = max(np.abs(a).max(initial=0), np.abs(b).max(initial=0))
    return float(np.abs(a - b).max(initial=0) / size) if size else 0.0


def verdict(error: float) -> str:
    """exact: equal but for rounding (up to 1e-10). close: what a numerical gradient can confirm (1e-5). Else wrong."""
    return next(word for bound, word in VERDICTS if error <= bound)


def compare(ours: Mapping[str, np.ndarray], theirs: Mapping[str, np.ndarray]) -> dict[str, str]:
    """Name → exact, close or wrong, for every gradient in `ours`. Raises ValueError where `theirs` lacks a name."""
    if missing := [name for name in ours if name not in theirs]:
        raise ValueError(f"nothing to compare {', '.join(missing)} with; there is {', '.join(theirs) or 'nothing'}")
    return {name: verdict(relative_error(ours[name], theirs[name])) for name in ours}


def comparison_table(ours: Mapping[str, np.ndarray], theirs: Mapping[str, np.ndarray]) -> str:
    """The same as text: a line for each gradient with its shape, its largest number and the verdict."""
    rows = [(f"d{name}", str(np.shape(ours[name])), f"{np.abs(theirs[name]).max(initial=0):.1e}", word)
            for name, word in compare(ours, theirs).items()]
    header = ("gradient", "shape", "largest", "verdict")
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(4)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
                     for row in [header, *rows])
