import numpy as np
import pytest

from course_lib.text.permutation import KeyedPermutation


@pytest.mark.parametrize("n", [1, 2, 3, 7, 16, 17, 1000, 4097])
def test_every_number_comes_exactly_once(n):
    for key in range(20):
        assert sorted(KeyedPermutation(n, key)(np.arange(n))) == list(range(n))


def test_beyond_four_billion_places():
    n = 5 * 10**12 + 1
    index = np.random.default_rng(0).integers(0, n, size=100_000)
    there = KeyedPermutation(n, 1, 2)(index)
    assert 0 <= there.min() and n // 2 < there.max() < n
    assert len(np.unique(there)) == len(np.unique(index))


def test_a_place_alone_is_the_same_as_within_a_batch():
    permutation = KeyedPermutation(101, 3)
    together = permutation(np.arange(101))
    assert [permutation(np.array([i]))[0] for i in range(101)] == together.tolist()


def test_the_key_decides_and_its_parts_are_not_interchangeable():
    orders = [tuple(KeyedPermutation(50, *key)(np.arange(50))) for key in [(0, 1), (1, 0), (0, 2), (0, 1)]]
    assert orders[0] == orders[3] and len(set(orders)) == 3


@pytest.mark.parametrize("n", [3, 10, 13, 50])
def test_places_and_neighbours_are_uniform_over_keys(n):
    """Pearson's chi squared per degree of freedom: 1 for a fair shuffle, above 10 with a single round."""
    keys = 3000
    orders = np.array([KeyedPermutation(n, key)(np.arange(n)) for key in range(keys)])
    place = np.stack([np.bincount(orders[:, i], minlength=n) for i in range(n)])
    assert ((place - keys / n) ** 2).sum() / (keys / n) / (n - 1) ** 2 < 2
    pairs = np.bincount(orders[:, 0] * n + orders[:, 1], minlength=n * n)[~np.eye(n, dtype=bool).ravel()]
    expected = keys / len(pairs)
    assert ((pairs - expected) ** 2).sum() / expected / (len(pairs) - 1) < 2


def test_the_order_of_many_places_carries_no_trace_of_the_index():
    n = 100_003
    there = KeyedPermutation(n, 5)(np.arange(n)) / n
    assert abs(np.corrcoef(there, np.arange(n))[0, 1]) < 0.02  # 1 / sqrt(n) = 0.003
    assert abs(np.corrcoef(there[1:], there[:-1])[0, 1]) < 0.02
    steps = np.diff(there)
    assert abs(np.abs(steps).mean() - 1 / 3) < 0.01  # mean distance of two independent uniform numbers


def test_known_order_so_that_checkpoints_stay_valid():
    """If this changes, runs saved before cannot continue where they stopped."""
    assert KeyedPermutation(10, 0, 0)(np.arange(10)).tolist() == [8, 5, 6, 4, 7, 2, 3, 9, 0, 1]
    far = KeyedPermutation(10**12, 1)(np.arange(3))
    assert far.tolist() == [324661871727, 357076412016, 50952361907]


@pytest.mark.parametrize(("n", "key"), [(0, (1,)), (5, (-1,))])
def test_bad_arguments(n, key):
    with pytest.raises(ValueError, match="n >= 1"):
        KeyedPermutation(n, *key)
