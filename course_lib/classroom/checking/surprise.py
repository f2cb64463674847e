"""How much it says that two things agree: nothing for zeros, a lot for many different numbers.

Used by the checks of all lessons.

A wrong answer agrees by chance with one small whole number in a few, and with a number of many digits in ten thousand.
So what agrees is counted in bits, each value once, and a name is given only to what has enough of them.
"""

import math

import numpy as np

ENOUGH = 20.0  # bits: two numbers of many digits, or nine small ones
DIGITS = 13.0  # bits of a number that agrees to four digits
FEW = 16  # denominators that are no news
MANY = 200  # different values looked at


def told_bits(*values: np.ndarray) -> float:
    """What the agreement of the different values of some arrays says; their signs are not looked at."""
    flat = [np.abs(array.astype(float)).ravel() for array in values]
    found = np.concatenate(flat) if flat else np.empty(0)
    finite = found[np.isfinite(found)]
    if not finite.size:
        return 0.0
    places = 10.0 ** np.maximum(np.floor(np.log10(np.where(finite > 0, finite, 1.0))) - 5, -300)
    different = np.unique(np.round(finite / places) * places)[:MANY]
    return float(sum(_of_one(value) for value in different))


def _of_one(value):
    """A whole number, or a simple fraction, is one of few that one would expect anyway."""
    for below in range(1, FEW + 1):
        above = value * below
        if above > 0.5 and abs(above - round(above)) <= 5e-6 * above:
            return min(math.log2(1 + round(above)) + math.log2(below), 2 * DIGITS)
    return DIGITS if value else 0.0


def orders(array: np.ndarray) -> float:
    """In how many orders, in bits, the values of an array could stand: nothing for a constant."""
    _, counts = np.unique(array, return_counts=True)
    ways = math.lgamma(array.size + 1) - sum(math.lgamma(count + 1) for count in counts)
    return ways / math.log(2)
