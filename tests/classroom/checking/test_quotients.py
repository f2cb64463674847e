"""Names for factors and for what was added, by the sizes of the arguments."""

import math

import numpy as np
import pytest

from course_lib.classroom.checking.quotients import difference, factor

SIZES = [{"D": 8.0, "S": 3.0, "`lr`": 0.25}, {"D": 5.0, "S": 4.0, "`lr`": 0.25}]
D, S = np.array([8.0, 5.0]), np.array([3.0, 4.0])


@pytest.mark.parametrize(("q", "words"), [
    (np.sqrt(D), "yours is √D times too large (D = 8 and 5)"),
    (1 / np.sqrt(D), "yours is √D times too small (D = 8 and 5)"),
    (-D, "yours is −D times what is expected (D = 8 and 5)"),
    (-1 / D, "yours is −1/(D) times what is expected"),
    (D * S, "yours is D · S times too large (D = 8 and 5, S = 3 and 4)"),
    (S / D, "yours is D / S times too small"),
    (S / (S - 1), "yours is S / (S − 1) times too large"),
    ([4.0, 4.0], "yours is 4 times too large"),
    ([0.5, 0.5], "yours is 2 times too small"),
    ([0.25, 0.25], "yours is 4 times too small"),
    ([-1, -1], "the sign is wrong"),
    ([math.log(2)] * 2, "natural logarithm in place of the one to base 2 (nats, not bits)"),
    ([-1 / math.log(2)] * 2, "yours is −1.443 times what is expected: the logarithm to base 2"),
    ([0.37, 0.37], ""), (D * 1.01, ""), ([1.0, -1.0], ""), ([np.nan, 2], ""), ([0, 2], ""), ([], ""),
])
def test_factors(q, words):
    found = factor(np.array(q, dtype=float), SIZES[:len(q)])
    assert found.startswith(words) or (words and words in found)
    assert bool(found) == bool(words)


@pytest.mark.parametrize(("d", "words"), [
    (D, "yours is too large by D (D = 8 and 5)"), (-3 * D * S, "yours is too small by 3 D · S"),
    ([1, 1], "yours is 1 too large"), ([-768, -768], "yours is 768 too small"),
    (2 * D * D, "yours is too large by 2 D · D"),
    ([1, -1], ""), ([0.123, 7.77], ""), ([0, 0], ""), ([83886080], ""), ([-12], "yours is 12 too small"),
    ([83886080, 83886080], "yours is 8.38861e+07 too large"),
])
def test_what_was_added(d, words):
    found = difference(np.array(d, dtype=float), SIZES)
    assert found.startswith(words) and bool(found) == bool(words)


def test_two_names_that_fit_are_both_given():
    assert factor(np.array([2.0]), [{"B": 2.0}]) == "yours is 2, or B times too large (B = 2)"


def test_a_size_without_a_letter_gets_one_and_what_means_the_same_is_said_once():
    sizes = [{"the number of rows of `x`": n, "the number of rows of `y`": n, "`k`": 3.0} for n in (5.0, 7.0)]
    assert factor(np.array([1 / 5, 1 / 7]), sizes) == (
        "yours is n times too small (n = 5 and 7, the number of rows of `x`)")
    assert "yours is too large by n · `k` (n = 5 and 7, the" in difference(np.array([15.0, 21.0]), sizes)


@pytest.mark.parametrize("seed", range(50))
def test_a_factor_that_nobody_meant_has_no_name(seed):
    rng = np.random.default_rng(seed)
    sizes = [{"D": float(rng.integers(2, 99)), "S": float(rng.integers(2, 99)), "`lr`": rng.random()} for _ in range(2)]
    assert factor(rng.uniform(0.1, 9, 2), sizes) == "" == difference(rng.normal(size=2), sizes)
