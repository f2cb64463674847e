"""Exercises as authors write them: what the decorators hang on one, and what it says of itself."""

import pytest

from course_lib.classroom.checking.exercise import Exercise


@pytest.fixture
def double():
    double = Exercise("01.2", "double", title="Twice", difficulty=2, minutes=3, hints=("a", "b", "c"))

    @double.probe(points=2, axes="rows down")
    def small_numbers(ns, rng):
        return ns["double"](rng.integers(1, 9))

    @double.probe(hidden=True)
    def large_numbers(ns, rng):
        """numbers over a thousand.

        More for the author."""
        return ns["double"](rng.integers(1000, 9000))

    @double.mistake(hint="Twice, not squared.", memorised=True)
    def square(x):
        """the square"""
        return x * x

    @double.property(x=(1, 9))
    def even(ns, x):
        return ns["double"](x) % 2, 0

    @double.forbid("operator.mul")
    def _(call, x):
        return call(2, x)

    return double


def test_all_parts_are_hung_on_it(double):
    assert [(p.id, p.name, p.points, p.hidden, p.axes) for p in double.probes] == [
        ("small_numbers", "small numbers", 2, False, "rows down"),
        ("large_numbers", "numbers over a thousand", 1.0, True, ""),
    ]
    assert double.points == 4, "rules count as well"
    mistake = double.mistakes[0]
    assert (mistake.name, mistake.memorised, mistake.fn(3)) == ("the square", True, 9)
    assert double.properties[0].ranges == {"x": (1, 9)}
    assert double.forbidden == ["operator.mul"]
    assert double.forbids[0].fn(lambda a, b: a * b, 4) == 8


def test_two_share_nothing(double):
    later = Exercise("01.10", "halve")
    assert later.probes == later.mistakes == later.properties == later.forbids == [] and later.points == 0
