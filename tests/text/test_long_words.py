"""A chain of ids merged in place, against the same words rewritten from left to right."""

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from course_lib.text.long_words import LongWords


def test_one_merge_by_hand():
    chain = LongWords(["aaab", "ba"], [2, 5])
    assert chain.pair_counts() == {("a", "a"): 4, ("a", "b"): 2, ("b", "a"): 5}
    assert chain.merge(("a", "a"), "X") == {("a", "a"): -4, ("X", "a"): 2}
    assert "".join(chain) == "Xabba"
    assert chain.merge(("b", "a"), "Y") == {("b", "a"): -5}
    assert chain.merge(("b", "a"), "Z") == {} and "".join(chain) == "XabY"


def counts_of(words):
    return Counter(pair for word, n in words for pair in pairwise(word) for _ in range(n))


@given(st.lists(st.tuples(st.text(alphabet="abc", max_size=20), st.integers(1, 3)), max_size=4),
       st.lists(st.tuples(st.sampled_from("abcXYZ"), st.sampled_from("abcXYZ")), max_size=3))
def test_changes_are_those_of_a_recount(words, pairs):
    chain = LongWords(*zip(*words, strict=True)) if words else LongWords([], [])
    for pair, new_id in zip(pairs, "XYZ", strict=False):
        before = counts_of(words)
        words = [(word.replace("".join(pair), new_id), n) for word, n in words]
        after = counts_of(words)
        assert chain.merge(pair, new_id) == {p: after[p] - before[p] for p in before | after if after[p] != before[p]}
        assert "".join(chain) == "".join(word for word, _ in words)
