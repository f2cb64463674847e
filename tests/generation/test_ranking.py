import numpy as np
import pytest

from course_lib.generation.ranking import SLACK, largest, ranked


def test_without_ties_it_is_sorting():
    values = np.random.default_rng(0).normal(size=200)
    assert ranked(values).tolist() == np.argsort(-values).tolist()
    assert ranked(values, 3).tolist() == np.argsort(-values)[:3].tolist() and largest(values) == values.argmax()


@pytest.mark.parametrize("ulps", [-3, -1, 0, 1, 3])
@pytest.mark.parametrize("place", range(4))
def test_what_is_equal_but_for_its_last_bits_stands_in_the_order_of_its_places(ulps, place):
    values = np.array([0.2, 0.3, 0.3, 0.2])
    values[place] += ulps * np.spacing(values[place])
    assert ranked(values).tolist() == [1, 2, 0, 3] and largest(values) == 1


def test_float32_rounds_more_and_its_ties_are_ties_as_well():
    a, b, c = np.float32([0.1, 0.7, 0.6])
    one, other = (a + b) + c, a + (b + c)
    assert one != other and ranked(np.array([one, other])).tolist() == ranked(np.array([other, one])).tolist() == [0, 1]


def test_small_numbers_have_an_order_too():
    values = np.array([1e-12, 0.0, 3e-12, 1.0, 1e-300, 2e-12])
    assert ranked(values).tolist() == [3, 2, 5, 0, 4, 1]
    assert ranked(-values).tolist() == [1, 4, 0, 5, 2, 3]


@pytest.mark.parametrize("n", [1, 2, 3, 5, 30, 40])
def test_the_first_few_are_the_first_of_all(n):
    values = np.random.default_rng(n).integers(0, 6, 30) * np.random.default_rng(0).choice([1, 1 - 1e-15], 30)
    assert ranked(values, n).tolist() == ranked(values).tolist()[:n]


def test_a_chain_of_equal_numbers_is_one_group():
    values = 1 - 0.5 * SLACK * np.arange(4)
    assert ranked(values[::-1]).tolist() == [0, 1, 2, 3]
    assert ranked(np.array([1.0, 1 + 3 * SLACK])).tolist() == [1, 0]


def test_infinities_and_nan():
    values = np.array([np.nan, -np.inf, 2.0, np.inf, -np.inf, np.inf])
    assert ranked(values).tolist() == [3, 5, 2, 0, 1, 4] and ranked(values, 4).tolist() == [3, 5, 2, 0]
    assert ranked(values, 1).tolist() == [3]
    assert largest(np.array([[np.nan, 1.0], [2.0, 2.0 + 1e-15]])) == 2
    assert ranked(np.array([])).tolist() == ranked(np.array([]), 1).tolist() == []
