"""The records of an assignment, its secret seed, and a release that does not fit."""

import json

import nbformat
import numpy as np
import pytest

from course_lib.classroom.authoring.answers import answer_namespace
from course_lib.classroom.authoring.checks_files import load_lesson_checks
from course_lib.classroom.authoring.record import make_record
from course_lib.classroom.grading.assignment import load_assignment, secret_seed

NAME = "90_toy"


def test_the_seed_is_kept_secret_and_drawn_anew_on_request(tmp_path):
    first = secret_seed(tmp_path)
    assert secret_seed(tmp_path) == first != secret_seed(tmp_path, new=True)
    assert (tmp_path / "seed.json").stat().st_mode & 0o077 == 0
    (tmp_path / "seed.json").write_text("{")
    assert isinstance(secret_seed(tmp_path), int)


def test_hidden_numbers_depend_on_the_seed_and_public_ones_do_not(classroom):
    first, second = (load_assignment(classroom.course, NAME, new_seed=True) for _ in range(2))
    assert first.public == second.public
    for id in ("three_rows", "very_large_scores_indeed"):
        assert first.secret["90.1"]["expected"][id] != second.secret["90.1"]["expected"][id]
    assert first.cells == {"check-90-1": "90.1", "check-90-2": "90.2"}
    assert (first.points("90.1"), first.points("90.2")) == (3, 2)
    assert first.by_hand == {"90.3": "Which axis?"}
    assert first.parts == {"answer-90-1": "90.1", "check-90-1": "90.1", "answer-90-2": "90.2", "check-90-2": "90.2",
                           "answer-90-3": "90.3"}


def test_checks_in_a_folder_are_the_same_assignment(classroom):
    whole = load_assignment(classroom.course, NAME)
    classroom.split_checks()
    parts = load_assignment(classroom.course, NAME)
    for part in ("public", "secret", "cells", "parts"):
        assert repr(getattr(parts, part)) == repr(getattr(whole, part)), "nan as well"


def test_a_release_without_a_check_is_refused(classroom):
    path = classroom.course.root / "exercises" / NAME / f"{NAME}.ipynb"
    release = nbformat.read(path, as_version=4)
    del release.cells[3]
    nbformat.write(release, path)
    with pytest.raises(ValueError, match="checks \\['90.2'\\], solutions/90_toy defines \\['90.1', '90.2'\\]: build"):
        load_assignment(classroom.course, NAME)


def test_points_for_anything_else_that_runs_are_refused(classroom):
    path = classroom.course.root / "exercises" / NAME / f"{NAME}.ipynb"
    release = nbformat.read(path, as_version=4)
    release.cells[1].metadata = {"nbgrader": {"grade_id": "own-test", "grade": True, "solution": False, "points": 3}}
    nbformat.write(release, path)
    with pytest.raises(ValueError, match="own-test gives points but calls no check"):
        load_assignment(classroom.course, NAME)


def test_the_public_records_are_those_that_students_have(classroom):
    """They are cut out of the rehearsal, which has the same seed: nothing runs twice."""
    source = classroom.course.root / "solutions" / NAME
    (exercises, _), answers = load_lesson_checks(source), answer_namespace(source / f"{NAME}.nb.py")
    found = load_assignment(classroom.course, NAME)
    with np.errstate(all="ignore"):
        made = {e.number: make_record(e, answers, seed=e.seed, hidden=False) for e in exercises}
    assert json.dumps(found.public) == json.dumps(made), "as text, for nan is not nan"
    assert all(record["mistakes"] for record in found.public.values()), "this toy has galleries"
    assert not any(record["mistakes"] for record in found.secret.values()), "nobody is told by secret numbers"


def test_for_a_table_nothing_runs(classroom, monkeypatch):
    monkeypatch.setattr("course_lib.classroom.grading.assignment.make_record", None)
    light = load_assignment(classroom.course, NAME, to_grade=False)
    monkeypatch.undo()
    whole = load_assignment(classroom.course, NAME)
    assert (light.cells, light.parts, light.by_hand) == (whole.cells, whole.parts, whole.by_hand) and not light.secret
