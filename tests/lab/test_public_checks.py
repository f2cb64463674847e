"""Finding the checks of an exercise: from the folder one is in, from above it, or from the course."""

import json

import pytest

from course_lib.lab.public_checks import NoChecks, load_checks, read_checks


def write(folder, number, **changes):
    folder.mkdir(parents=True, exist_ok=True)
    data = {"format": 1, "lesson": folder.name, "exercises": {number: {"title": folder.name}}} | changes
    (folder / "checks.json").write_text(json.dumps(data))
    return folder


def test_the_nearest_is_taken(tmp_path, monkeypatch):
    write(tmp_path / "exercises" / "91_far", "91.1")
    inner = tmp_path / "work" / "91_far"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert load_checks("91.1")["folder"] == tmp_path / "exercises" / "91_far"
    write(inner, "91.1", exercises={"91.1": {"title": "near"}})
    assert load_checks("91.1")["title"] == "near"


def test_the_courses_own_are_found_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_checks("12.1")["function"] == "next_token_windows"


def test_refusals(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number in ("12", "12.1x", "../1.1", ""):
        with pytest.raises(NoChecks, match="a number such as 12.1"):
            load_checks(number)
    with pytest.raises(NoChecks, match='in quotes: "12.1"'):
        load_checks(12.1)
    with pytest.raises(NoChecks, match="no exercise 91.7"):
        load_checks("91.7")
    folder = write(tmp_path / "exercises" / "91_far", "91.1", format=2)
    with pytest.raises(NoChecks, match="format 2, this course reads 1"):
        load_checks("91.1")
    (folder / "checks.json").write_text("{")
    with pytest.raises(NoChecks, match="is not a file of checks: it is not JSON.*from the course again"):
        read_checks(folder / "checks.json")


def test_an_open_question_has_nothing_to_run(tmp_path, monkeypatch):
    write(tmp_path / "exercises" / "91_far", "91.1", questions={"91.2": {"title": "Why?"}})
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NoChecks, match="91.2 is an open question: a person reads"):
        load_checks("91.2")


def test_a_file_that_changes_is_read_again(tmp_path):
    import os

    folder = write(tmp_path / "91_x", "91.1")
    assert list(read_checks(folder / "checks.json")["exercises"]) == ["91.1"]
    write(folder, "91.2")
    os.utime(folder / "checks.json", ns=(1, 1))
    assert list(read_checks(folder / "checks.json")["exercises"]) == ["91.2"]
