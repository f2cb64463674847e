"""Progress: rows add up, two processes write at once, a kill loses at most one row, a damaged file is put aside."""

import signal
import sqlite3
import subprocess
import sys

import pytest

from course_lib.lab.attempts import Standing, record_event, standing, standings

WRITER = """
from course_lib.lab.attempts import record_event
for number in range({n}):
    assert record_event("{exercise}", "wrong") == "", "locked"
    print(number, flush=True)
"""


@pytest.fixture
def work(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_WORK", str(tmp_path / "work"))
    return tmp_path / "work"


def writer(exercise, n):
    code = WRITER.format(exercise=exercise, n=n)
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def test_rows_add_up(work):
    assert standings() == {} and standing("12.1") == Standing("12.1", 0, 0, False, {})
    for kind, detail in [
        ("not started", ""), ("missing", ""), ("wrong", ""), ("mistake", "no mask"), ("hint", "1"), ("hint", "1"),
        ("mistake", "no mask"), ("hint", "2"), ("mistake", "one norm"), ("solution", ""), ("correct", ""),
    ]:
        assert record_event("12.4", kind, detail) == ""
    record_event("12.10", "error")
    record_event("7.2", "error")
    mistakes = {"no mask": 2, "one norm": 1}
    assert standing("12.4") == Standing("12.4", attempts=5, hints=2, passed=True, mistakes=mistakes)
    assert list(standings()) == ["7.2", "12.4", "12.10"]


def test_two_notebooks_at_once(work):
    processes = [writer(exercise, 40) for exercise in ("01.1", "01.2")]
    assert [process.wait() for process in processes] == [0, 0]
    assert {name: one.attempts for name, one in standings().items()} == {"01.1": 40, "01.2": 40}
    for process in processes:
        process.stdout.close()


def test_a_kill_loses_at_most_the_row_being_written(work):
    process = writer("01.1", 10_000)
    for _ in range(5):
        last = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate()
    written = int(rest.split("\n")[-2]) if rest.count("\n") else last
    assert standing("01.1").attempts - (written + 1) in (0, 1)
    assert record_event("01.1", "wrong") == ""


def test_a_damaged_file_is_put_aside(work):
    work.mkdir()
    (work / "progress.sqlite").write_bytes(b"not a database, but longer than its header, which is a hundred bytes" * 9)
    assert record_event("01.1", "correct") == ""
    assert standing("01.1").passed
    assert (work / "progress.sqlite.damaged").read_bytes().startswith(b"not a database")


def test_what_cannot_be_written_is_said_not_raised(work, monkeypatch):
    monkeypatch.setattr("course_lib.lab.attempts.SECONDS", 0.05)
    record_event("01.1", "wrong")
    other = sqlite3.connect(work / "progress.sqlite")
    other.execute("BEGIN EXCLUSIVE")
    assert "locked" in record_event("01.1", "correct")
    other.rollback()
    other.close()
    assert standing("01.1").attempts == 1 and not (work / "progress.sqlite.damaged").exists()
