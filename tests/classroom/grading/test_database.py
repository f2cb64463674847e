"""The gradebook's file is whole after one call, wherever an earlier one was interrupted and whatever is on the PATH."""

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from nbgrader.api import Gradebook
from sqlalchemy.orm import Session

from course_lib.classroom.grading.assignment import load_assignment
from course_lib.classroom.grading.database import make_whole
from course_lib.classroom.grading.gradebook import Book
from course_lib.classroom.grading.marking import mark_all

NAME = "90_toy"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def tables(path):
    """The names of the tables, and the version that nbgrader looks for when it is updated."""
    with sqlite3.connect(path) as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        versions = []
        if "alembic_version" in names:
            versions = list(connection.execute("SELECT version_num FROM alembic_version"))
    connection.close()
    return names, versions


@pytest.fixture
def plain_path(monkeypatch):
    """What an account has on its PATH that knows nothing of the course's environment."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")


@pytest.fixture
def half(tmp_path, plain_path):
    """A gradebook as nbgrader leaves it where `alembic` is not on the PATH."""
    path = tmp_path / "gradebook.db"
    with pytest.raises(FileNotFoundError, match="alembic"):
        Gradebook(f"sqlite:///{path}")
    names, versions = tables(path)
    assert "student" in names and not versions
    return path


def test_it_is_what_nbgrader_makes(tmp_path, monkeypatch):
    make_whole(tmp_path / "ours.db")
    monkeypatch.setenv("PATH", f"{sys.prefix}/bin:/usr/bin:/bin")
    Gradebook(f"sqlite:///{tmp_path / 'theirs.db'}").close()
    assert tables(tmp_path / "ours.db") == tables(tmp_path / "theirs.db")


def test_one_that_was_left_half_made_is_completed_and_keeps_what_it_holds(half):
    with sqlite3.connect(half) as connection:
        connection.execute("INSERT INTO course (id) VALUES ('default_course')")
        connection.execute("INSERT INTO student (id, first_name) VALUES ('ann', 'Ann')")
        connection.execute("DROP TABLE comment")
    connection.close()
    make_whole(half)
    names, versions = tables(half)
    assert "comment" in names and len(versions) == 1
    with Gradebook(f"sqlite:///{half}") as book:
        assert [student.first_name for student in book.students] == ["Ann"]
    before = half.read_bytes()
    make_whole(half)
    assert half.read_bytes() == before, "a whole one is left as it is"


@pytest.mark.parametrize("moment", ["sqlalchemy.MetaData.create_all", "alembic.script.ScriptDirectory.__init__"])
def test_whoever_is_killed_while_making_it_leaves_nothing(tmp_path, moment):
    path, (module, _, what) = tmp_path / "gradebook.db", moment.rpartition(".")
    module, _, kind = module.rpartition(".")
    code = f"""
import os, pathlib, {module} as module
from course_lib.classroom.grading.database import make_whole
made = module.{kind}.{what}
module.{kind}.{what} = lambda *a, **k: (made(*a, **k), os._exit(9))
make_whole(pathlib.Path({str(path)!r}))"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == 9
    assert tables(path) == (set(), [])
    make_whole(path)
    assert len(tables(path)[1]) == 1


def test_two_who_make_it_at_once_make_one(tmp_path):
    with ThreadPoolExecutor(8) as executor:
        list(executor.map(make_whole, [tmp_path / "gradebook.db"] * 8))
    assert len(tables(tmp_path / "gradebook.db")[1]) == 1


def test_what_is_no_gradebook_is_said_and_left_alone(tmp_path):
    (tmp_path / "gradebook.db").write_bytes(b"a picture of a gradebook" * 50)
    with pytest.raises(ValueError, match="cannot be used as a gradebook .*: if it is in use.*move it away"):
        make_whole(tmp_path / "gradebook.db")
    assert (tmp_path / "gradebook.db").read_bytes().startswith(b"a picture")


def test_grading_that_is_interrupted_at_any_commit_is_complete_after_the_next(classroom, toy, plain_path, monkeypatch):
    """Ctrl-C, at each moment at which something is kept, while an assignment and a student are entered."""
    classroom.hand_in("ann", toy(essay="Rows."))
    assignment, counted, commit = load_assignment(classroom.course, NAME), [0, 0], Session.commit

    def interrupted(session):
        counted[0] += 1
        if counted[0] == counted[1]:
            raise KeyboardInterrupt
        commit(session)

    def enter():
        with Book(classroom.course, assignment) as book:
            book.prepare()
            book.record("ann", mark_all(assignment, []), assignment.release, None, NOON)

    monkeypatch.setattr(Session, "commit", interrupted)
    while True:
        counted[:] = 0, counted[1] + 1
        classroom.course.gradebook.unlink(missing_ok=True)
        try:
            enter()
        except KeyboardInterrupt:
            counted[0] = -1000
            enter()
        else:
            break
        with Book(classroom.course, assignment) as book:
            parts = book.rows()[0].parts
        assert list(parts) == ["90.1", "90.2", "90.3"], f"after the interruption at commit {counted[1]}"
    assert counted[1] > 10
