"""Automata, against lists of texts and against Python's `re` (through the patterns of test_pattern.py as well)."""

import itertools

import pytest

from course_lib.generation.automaton import (
    EMPTY,
    NOTHING,
    derivative,
    either,
    first_bytes,
    from_derivatives,
    from_texts,
    literal,
    many,
    may_end,
    sequence,
    then,
)

A, B = literal("a"), literal("b")


def all_texts(letters, longest):
    for length in range(longest + 1):
        yield from map("".join, itertools.product(letters, repeat=length))


@pytest.mark.parametrize("texts", [["ab", "abc", "b"], ["", "aa"], ["中文", "中国", "é"]])
def test_from_texts_is_membership(texts):
    automaton = from_texts(texts)
    letters = sorted(set("".join(texts)))
    assert [text for text in all_texts(letters, 3) if automaton.matches(text)] == sorted(
        texts, key=list(all_texts(letters, 3)).index)


def test_shared_beginnings_are_one_path():
    assert len(from_texts(["story", "stories", "storm"]).moves) == 1 + len("story") + len("ies") + len("m")


def test_a_trie_and_derivatives_agree():
    texts = ["ab", "ba", "b", "", "aab"]
    left, right = from_texts(texts), from_derivatives(either(map(literal, texts)))
    assert all(left.matches(text) == right.matches(text) for text in all_texts("ab", 5))
    assert len(right.moves) <= len(left.moves)


@pytest.mark.parametrize("pattern", [many(either([A, B])), then(many(A), B), either([EMPTY, sequence([A, B, A])]),
                                     many(then(A, either([EMPTY, B])))])
def test_the_derivative_is_what_is_left(pattern):
    """p matches a + text exactly if p's derivative by a matches text."""
    whole = from_derivatives(pattern)
    assert whole.matches("") == may_end(pattern)
    for byte in b"ab":
        left = derivative(pattern, byte)
        assert (left == NOTHING) == (byte not in first_bytes(pattern))
        for text in all_texts("ab", 5):
            expected = left != NOTHING and from_derivatives(left).matches(text)
            assert whole.matches(chr(byte) + text) == expected


def test_equal_patterns_are_equal():
    assert either([A, B]) == either([B, A, A, NOTHING]) == ("byte", frozenset(b"ab"))
    assert then(then(A, B), A) == then(A, then(B, A)) and then(EMPTY, A) == A == then(A, EMPTY)
    assert then(A, NOTHING) == then(NOTHING, A) == NOTHING and many(many(A)) == many(A) and many(NOTHING) == EMPTY


def test_doors():
    with pytest.raises(ValueError, match="no text at all is allowed"):
        from_texts([])
    with pytest.raises(ValueError, match="no text at all matches"):
        from_derivatives(NOTHING)
    with pytest.raises(ValueError, match="more than 50 states"):
        from_derivatives(sequence([either([A, B]), *[either([EMPTY, A])] * 60]), max_states=50)
