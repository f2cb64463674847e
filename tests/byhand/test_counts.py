from collections import Counter

import numpy as np
import pytest

from course_lib.byhand.counts import Counts, count_ngrams, suffixes
from course_lib.text.ids import checked_ids

V = 6


def text(n, seed=0):
    return np.random.default_rng(seed).integers(0, V - 1, n).tolist()  # the last id never occurs


def grams_of(tables):
    """Each table's n-grams as tuples, in the order of its keys."""
    grams, below = [], [()]
    for table in tables:
        below = [(*below[key // V], int(key % V)) for key in table.keys]
        grams.append(below)
    return grams


def test_equals_counting_with_a_dictionary():
    ids = text(400)
    tables = count_ngrams(ids, 4, V)
    for n, (table, grams) in enumerate(zip(tables, grams_of(tables), strict=True), start=1):
        counted = Counter(tuple(ids[i:i + n]) for i in range(len(ids) - n + 1))
        assert dict(zip(grams, table.count.tolist(), strict=True)) == counted
        contexts = grams_of(tables)[n - 2] if n > 1 else [()]
        followed = {context: [c for gram, c in counted.items() if gram[:-1] == context] for context in contexts}
        assert table.total.tolist() == [sum(followed[context]) for context in contexts]
        assert table.distinct.tolist() == [len(followed[context]) for context in contexts]


def test_an_ngram_of_order_n_is_n_ids_long():
    tables = count_ngrams([0, 1, 2, 3], 4, V)
    assert [len(table.keys) for table in tables] == [4, 3, 2, 1]
    assert [table.count.sum() for table in tables] == [4, 3, 2, 1]


def test_suffixes_are_the_ngrams_less_their_first_id():
    tables = count_ngrams(text(300), 4, V)
    grams = grams_of(tables)
    for n, places in enumerate(suffixes(tables, V), start=2):
        assert [grams[n - 2][place] for place in places] == [gram[1:] for gram in grams[n - 1]]


def test_what_is_not_there_is_not_found():
    table = count_ngrams([0, 1, 0, 2], 2, V)[1]
    found = table.find(np.array([0, 0, 0, 1, -1, 2]), np.array([1, 2, 3, 0, 5, 0]), V)
    assert found.tolist() == [0, 1, -1, 2, -1, -1]


def test_a_count_of_zero_is_not_distinct():
    table = Counts.with_totals(np.array([0, 1, V]), np.array([2, 0, 3]), 2, V)
    assert table.total.tolist() == [2, 3] and table.distinct.tolist() == [1, 1]


@pytest.mark.parametrize(("ids", "order", "message"), [
    ([0, 1], 0, "order=0"), ([], 1, "not 0"), ([0, 1], 3, "order=3 .*not 2"),
    ([0, V], 2, r"ids\[1\] is 6, .* 0 to 5 \(vocab_size=6"),
])
def test_bad_arguments(ids, order, message):
    with pytest.raises(ValueError, match=message):
        count_ngrams(ids, order, V)


def test_ids_are_checked_at_both_ends():
    assert checked_ids([0, V - 1], V).dtype == np.int64
    with pytest.raises(ValueError, match=r"ids\[1\] is -1"):
        checked_ids([2, -1], V)
