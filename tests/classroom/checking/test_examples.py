"""Values for rules: both ends, whole numbers stay whole, the generator decides the rest."""

import numpy as np

from course_lib.classroom.checking.examples import EXAMPLES, at_examples, draw_examples

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
