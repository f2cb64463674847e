"""Names of lessons, private folders, files that are written whole."""

import json

import pytest

from course_lib.classroom.grading.folders import Folders, read_json, write_safely


def test_a_lesson_by_its_name_or_number(classroom, tmp_path):
    course = classroom.course
    assert course.lesson("90_toy") == course.lesson("90") == "90_toy"
    with pytest.raises(ValueError, match="91.*there are \\['90_toy'\\]"):
        course.lesson("91")
    parts = classroom.split_checks()
    assert course.lesson("90") == "90_toy"
    for path in (*parts, parts[0].parent):
        path.rmdir() if path.is_dir() else path.unlink()
    with pytest.raises(ValueError, match="needs a clone, not a release"):
        course.lesson("90")


def test_the_database_is_named_in_full_and_nobody_else_may_look(tmp_path):
    folders = Folders(tmp_path)
    assert folders.database == f"sqlite:///{tmp_path}/.nbgrader/gradebook.db"
    assert folders.private.stat().st_mode & 0o077 == 0


def test_json_that_cannot_be_read_is_none(tmp_path):
    write_safely(tmp_path / "a.json", json.dumps({"a": 1}))
    write_safely(tmp_path / "b.json", "[1")
    write_safely(tmp_path / "c.json", "[1]")
    found = [read_json(tmp_path / name) for name in ("a.json", "b.json", "c.json", "d.json")]
    assert found == [{"a": 1}, None, None, None] and len(list(tmp_path.iterdir())) == 3
