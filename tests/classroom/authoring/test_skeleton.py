"""A new exercise: added, building at once (test_prove and test_lesson_checks build it), never on top of another."""

import subprocess
import sys

import pytest

from course_lib.classroom.authoring.checks_files import load_lesson_checks
from course_lib.classroom.authoring.skeleton import new_exercise


def read(folder):
    return [(exercise.number, exercise.title) for exercise in load_lesson_checks(folder)[0]]


def test_a_new_lesson_gets_a_file_for_each_exercise(tmp_path):
    _, first = new_exercise(tmp_path, "01.1", "shares", "Shares")
    before = first.read_text()
    cells, second = new_exercise(tmp_path, "01.2", "parts_of", 'Of "parts"')
    folder = tmp_path / "solutions" / "01_tokens"
    assert [first, second] == [folder / "checks" / "01_1.py", folder / "checks" / "01_2.py"]
    assert cells.read_text().count("# # Exercises 01 · Tokens") == 1
    assert first.read_text() == before and before.startswith('"""Exercise 01.1: Shares."""')
    assert read(folder) == [("01.1", "Shares"), ("01.2", "Of 'parts'")]


def test_a_lesson_with_one_file_keeps_it(tmp_path):
    cells, first = new_exercise(tmp_path, "01.1", "shares", "Shares")
    first.rename(whole := cells.with_name("checks.py"))
    first.parent.rmdir()
    assert new_exercise(tmp_path, "01.2", "parts_of", "Parts") == [cells, whole]
    assert sorted(path.name for path in cells.parent.iterdir()) == ["01_tokens.nb.py", "checks.py"]
    assert whole.read_text().count("import numpy as np") == 1
    assert read(cells.parent) == [("01.1", "Shares"), ("01.2", "Parts")]


def test_what_it_makes_imports_what_it_uses(tmp_path):
    cells, checks = new_exercise(tmp_path, "01.1", "shares", "Shares")
    whole = cells.with_name("checks.py")
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F,I", checks]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    checks.rename(whole)
    checks.parent.rmdir()
    new_exercise(tmp_path, "01.2", "parts_of", "Parts")
    command[-1] = whole
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


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
