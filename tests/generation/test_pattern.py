"""Patterns, against Python's `re.fullmatch`: all short texts, and thousands of random patterns."""

import itertools
import random
import re

import pytest

from course_lib.generation.pattern import from_pattern

PATTERNS = ["", "a", "a|b|", "(ab|a)(bc|c)?", "[ab]*c", "a+b?c*", "a{2}", "a{1,3}b", "(ab){2,}", "a{0}b",
            "(a|b)*abb", "[^a]b", ".a", "(a*)*", "(a?b?){2,3}", "[a-c]{2}", "((a)|(b(c)))+", "[c\\]a]", "[a-]",
            "[\\d]c", "a**", "a{0,2}?c"]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns_are_those_of_re(pattern):
    """On all short texts of abc-]; to re, `a**` and `a{0,2}?` mean something else, so they are spelt out."""
    automaton = from_pattern(pattern)
    theirs = re.compile({"a**": "a*", "a{0,2}?c": "(a{0,2})?c"}.get(pattern, pattern))
    for length in range(6):
        for letters in itertools.product("abc-]" if length < 5 else "abc", repeat=length):
            text = "".join(letters)
            assert automaton.matches(text) == bool(theirs.fullmatch(text)), text


def some_pattern(rng, depth):
    if depth == 0:
        return rng.choice(["a", "b", "é", "[ab]", "[^a]", ".", "\\d", "\\.", "[a-cé]", "[é-ë]"])
    parts = [some_pattern(rng, depth - 1) for _ in range(rng.randint(1, 3))]
    repeated = f"({parts[0]}){rng.choice(['*', '+', '?', '{2}', '{1,2}'])}"
    return rng.choice(["".join(parts), f"({'|'.join(parts)})", repeated])


def test_random_patterns_are_those_of_re():
    rng, yes, n = random.Random(0), 0, 0
    for _ in range(400):
        pattern = some_pattern(rng, rng.randint(1, 3))
        automaton, theirs = from_pattern(pattern), re.compile(pattern, re.ASCII)
        for _ in range(60):
            text = "".join(rng.choice("aabé1.\n中") for _ in range(rng.randint(0, 5)))
            assert automaton.matches(text) == bool(theirs.fullmatch(text)), (pattern, text)
            yes, n = yes + automaton.matches(text), n + 1
    assert 0.03 < yes / n < 0.5


@pytest.mark.parametrize("pattern", ["\\d", "\\w", "\\s", ".", "[^b]", "[^\\d\\s]", "[\\w-]", "\\n", "\\t", "[!-/]"])
def test_classes_are_those_of_re(pattern):
    """Every sign up to U+07FF, and some beyond."""
    automaton, theirs = from_pattern(pattern), re.compile(pattern, re.ASCII)
    for sign in [*map(chr, range(0x800)), "ࠀ", "中", "퟿", "\ue000", "\uffff", "😀", "\U0010ffff"]:
        assert automaton.matches(sign) == bool(theirs.fullmatch(sign)), repr(sign)


def test_bytes_that_are_no_text_have_no_move():
    automaton = from_pattern(".")
    assert 0x80 not in automaton.moves[0] and 0xC1 not in automaton.moves[0] and 0xF5 not in automaton.moves[0]
    after = automaton.moves[automaton.moves[0][0xED]]
    assert max(after) == 0x9F  # no surrogates


@pytest.mark.parametrize("pattern, message", [
    ("(a", "a ( is not closed"), ("a)", "nothing opened this )"), ("*a", "nothing stands before * to be repeated"),
    ("a{x}", "{ begins no number of times"), ("a{3,2}", "{ begins no number of times"), ("a{2", "{ begins no number"),
    ("[ab", "ends too early"), ("a\\", "ends too early"), ("[b-a]", "from b to a there is nothing"),
    ("[^é]", "only signs of ASCII can be left out"), ("[]", "nothing stands between [ and ]"),
    ("\\q", "\\q means nothing"), ("^a$", "the pattern is for the whole text"), ("(?:a)", "nothing stands before ?"),
])
def test_what_is_no_pattern_is_refused_with_its_place(pattern, message):
    with pytest.raises(ValueError, match=re.escape(message) + ".* at place [0-9]+ of the pattern"):
        from_pattern(pattern)
