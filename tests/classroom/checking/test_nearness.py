"""Each number by its own size, and what passes for an array."""

import numpy as np
import pytest

from course_lib.classroom.checking.nearness import allowed, as_array, is_whole, wrong_places


def test_an_entry_may_be_off_by_a_share_of_itself_and_little_of_its_row():
    rows = np.array([[1.0, 0.1], [1e-6, 1e-7]])
    assert np.allclose(allowed(rows, 1e-4), 1e-4 * rows, rtol=0.2)
    assert allowed(np.array([1.0, 0.0]), 1e-4)[1] < 1e-8, "0 beside 1 leaves room for rounding only"
    assert (allowed(np.zeros(3), 1e-4) == 1e-4).all(), "with nothing to measure by"
    assert allowed(np.array([1.0, 0.0]), 1e-4, single=True)[1] > 1e-6
    assert allowed(np.array(2.0), 1e-4) == pytest.approx(2e-4, rel=1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_every_small_row_counts(seed):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(4, 3)) * 10.0 ** np.array([[3], [0], [-3], [-5]])
    i, j = rng.integers(4), rng.integers(3)
    got = rows.copy()
    got[i, j] *= 1.01
    assert np.argwhere(wrong_places(rows, got, 1e-4)).tolist() == [[i, j]]
    assert not wrong_places(rows, rows * (1 + 1e-6), 1e-4).any()


def test_whole_numbers_are_exact_and_may_be_floats():
    nearly = np.array([1.0, 2.0000001, 3.0 + 1e-12])
    assert wrong_places(np.array([1, 2, 3]), nearly, 1e-4).tolist() == [False, True, False]
    assert wrong_places(np.array([10**12]), np.array([10.0**12 + 1]), 1e-4).all()
    assert wrong_places(np.array([True, False]), np.array([True, True]), 1.0).tolist() == [False, True]
    holes = np.array([np.nan, np.inf, -np.inf])
    assert not wrong_places(holes, holes, 1e-4).any()
    assert wrong_places(holes, np.array([0.0, -np.inf, np.nan]), 1e-4).all()


def test_what_is_an_array():
    assert as_array([1, 2.5]).tolist() == [1.0, 2.5] and as_array([[1], [2]]).shape == (2, 1)
    assert as_array([np.ones(3), [1, 2, 3]]).shape == (2, 3) and as_array([]).size == 0
    for other in ([1, [2]], ["a"], None, "a", {"a": 1}, [1, None], [True, 2]):
        assert as_array(other) is None, other
    assert is_whole(np.array([1.0, -3.0])) and is_whole(np.array([2])) and not is_whole(np.array([1.0, 2.5]))
    assert not is_whole(np.array([np.nan])) and not is_whole(np.array([np.inf]))
