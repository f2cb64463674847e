"""How much agreement says: nothing for zeros and constants, a lot for many different numbers."""

import numpy as np
import pytest

from course_lib.classroom.checking.surprise import DIGITS, ENOUGH, orders, told_bits


def test_what_says_too_little():
    for few in ([], [0.0] * 9, [1.0] * 9, [0.5, 0.25], [1, 2, 3], [True, False], [np.nan, np.inf], [0.73123],
                [-0.73, 0.73]):
        assert told_bits(np.array(few, dtype=float)) < ENOUGH, few


def test_what_says_enough():
    rng = np.random.default_rng(0)
    assert told_bits(rng.normal(size=2)) == 2 * DIGITS > ENOUGH
    assert told_bits(np.array([124439808])) > ENOUGH < told_bits(np.arange(12))
    assert told_bits(rng.normal(size=1), rng.normal(size=1)) > ENOUGH, "over several cases"
    x = rng.normal(size=3)
    assert told_bits(np.concatenate([x, -x, x * (1 + 1e-9)])) == told_bits(x), "each value once"


@pytest.mark.parametrize(("values", "ways"), [([1, 2, 3], 6), ([1, 1, 2], 3), ([0, 0], 1), ([True, False] * 2, 6)])
def test_in_how_many_orders(values, ways):
    assert 2 ** orders(np.array(values)) == pytest.approx(ways)
