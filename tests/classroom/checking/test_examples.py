"""Values for rules: both ends, whole numbers stay whole, the generator decides the rest."""

import numpy as np
import pytest

from course_lib.classroom.checking.asking import Asked
from course_lib.classroom.checking.examples import (
    EXAMPLES,
    NotHere,
    at_docstring,
    at_examples,
    docstring_examples,
    draw_examples,
)

RANGES = {"n": [1, 3], "x": [0.0, 1.0]}


def test_both_corners_then_draws_within():
    drawn = draw_examples(np.random.default_rng(1), RANGES)
    assert drawn[:2] == [{"n": 1, "x": 0.0}, {"n": 3, "x": 1.0}] and len(drawn) == EXAMPLES
    assert {one["n"] for one in drawn} == {1, 2, 3} and {type(one["n"]) for one in drawn} == {int}
    assert all(0 <= one["x"] <= 1 for one in drawn) and len({one["x"] for one in drawn}) == EXAMPLES
    assert drawn == draw_examples(np.random.default_rng(1), RANGES)
    assert drawn != draw_examples(np.random.default_rng(2), RANGES)


def test_a_rule_becomes_a_probe():
    pairs = at_examples(lambda ns, n, x: (ns["f"](n), n * x), RANGES)({"f": lambda n: -n}, np.random.default_rng(1))
    assert len(pairs) == EXAMPLES and pairs[:2] == [[-1, 0.0], [-3, 3.0]]


DOCSTRING = """x -> y.

    >>> x = Node(3)
    >>> f(x)
    3
    >>> f(Node(1)), \\
    ...     f(x)
    (1, 3)
    >>> x.value
"""


def test_a_docstrings_examples():
    first, second = docstring_examples(DOCSTRING)
    assert first == ["x = Node(3)", "f(x)"] and second[0].startswith("f(Node(1))")
    assert docstring_examples(None) == docstring_examples("Without one.") == []


class Node:
    def __init__(self, value):
        self.value = value


def test_an_example_is_asked_with_the_names_of_the_notebook():
    asked = Asked(lambda node: node.value, {})
    assert at_docstring("f", ["x = Node(3)", "f(x)"])({"f": asked}, None) == 3
    assert at_docstring("f", ["f([y for y in [Node(2)]][0])  # a comment"])({"f": asked}, None) == 2
    with pytest.raises(NotHere, match="the notebook has no no_such; run its cells from the top"):
        at_docstring("f", ["f(no_such)"])({"f": asked}, None)
    assert at_docstring("f", ["f(np.sum)"])({"f": Asked(repr, {})}, None) == repr(np.sum), "every notebook has np"
