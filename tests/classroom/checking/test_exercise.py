"""Exercises as authors write them: read from a checks.py, in order, each function once."""

import textwrap

import pytest

from course_lib.classroom.checking.exercise import load_exercises

CHECKS = '''
    from course_lib.classroom.checking.exercise import Exercise

    later = Exercise("01.10", "halve", hints=("a", "b", "c"))
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
'''


@pytest.fixture
def checks(tmp_path):
    folder = tmp_path / "01_short"
    folder.mkdir()
    path = folder / "checks.py"
    path.write_text(textwrap.dedent(CHECKS))
    return path


def test_all_parts_are_read(checks):
    double, later = load_exercises(checks)
    assert (double.number, later.number) == ("01.2", "01.10"), "in the order of numbers"
    assert [(p.id, p.name, p.points, p.hidden, p.axes) for p in double.probes] == [
        ("small_numbers", "small numbers", 2, False, "rows down"),
        ("large_numbers", "numbers over a thousand", 1.0, True, ""),
    ]
    assert double.points == 4, "rules count as well"
    mistake = double.mistakes[0]
    assert (mistake.name, mistake.memorised, mistake.fn(3)) == ("the square", True, 9)
    assert double.properties[0].ranges == {"x": (1, 9)}
    assert double.forbidden == ["operator.mul"] and later.probes == []


def test_a_name_given_twice_is_refused(checks):
    checks.write_text(checks.read_text().replace("def large_numbers", "def small_numbers"))
    with pytest.raises(ValueError, match="two functions the name small_numbers"):
        load_exercises(checks)


def test_a_number_given_twice_is_refused(checks):
    checks.write_text(checks.read_text().replace("01.10", "01.2"))
    with pytest.raises(ValueError, match="each number must stand there once"):
        load_exercises(checks)
