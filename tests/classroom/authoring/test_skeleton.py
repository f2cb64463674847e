"""A new exercise: appended, building at once (test_prove and test_lesson_checks build it), never on top of another."""

import pytest

from course_lib.classroom.authoring.skeleton import new_exercise
from course_lib.classroom.checking.exercise import load_exercises


def test_the_second_is_appended(tmp_path):
    new_exercise(tmp_path, "01.1", "shares", "Shares")
    cells, checks = new_exercise(tmp_path, "01.2", "parts_of", 'Of "parts"')
    assert cells.read_text().count("# # Exercises 01 · Tokens") == 1
    assert [(e.number, e.title) for e in load_exercises(checks)] == [("01.1", "Shares"), ("01.2", "Of 'parts'")]


@pytest.mark.parametrize(
    ("number", "function", "complaint"),
    [
        ("1.1", "f", "no number of an exercise"),
        ("77.1", "f", "no lesson 77"),
        ("01.1", "for", "cannot be the name"),
        ("01.1", "a b", "cannot be the name"),
        ("01.3", "f", "already"),
        ("01.4", "shares", "already"),
    ],
)
def test_refusals(tmp_path, number, function, complaint):
    new_exercise(tmp_path, "01.3", "shares", "Shares")
    before = {path: path.read_text() for path in tmp_path.rglob("*.py")}
    with pytest.raises(ValueError, match=complaint):
        new_exercise(tmp_path, number, function, "x")
    assert {path: path.read_text() for path in tmp_path.rglob("*.py")} == before
