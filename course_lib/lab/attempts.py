"""What the student has tried: one row for each check and each hint, in `work/progress.sqlite`. Used by all lessons.

The file stays on this machine. Two notebooks may write at once, and a crash loses at most the row being written:
SQLite sees to both. A damaged file is put aside, never written into. Where nothing can be written, everything else
goes on: it is said once what to do.
"""

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from course_lib.doors.files import move
from course_lib.doors.folders import make_work_folder, work_folder

FILE = "progress.sqlite"
TABLE = """CREATE TABLE IF NOT EXISTS events (
    time REAL NOT NULL, exercise TEXT NOT NULL, kind TEXT NOT NULL, detail TEXT NOT NULL)"""
NO_TRY = ("hint", "solution", "not started", "missing")
SECONDS = 10.0  # how long to wait while another notebook writes
TOLD: set[str] = set()  # why nothing could be written, as far as it has been said


@dataclass(frozen=True)
class Standing:
    """How far the student is with one exercise; `mistakes` as often as each was recognised."""

    exercise: str
    attempts: int
    hints: int
    passed: bool
    mistakes: dict[str, int]


def record_event(exercise: str, kind: str, detail: str = "") -> str:
    """Add a row. kind: what a check found, "hint" or "solution"; detail: the mistake's name or the hint's number.

    Returns "", or one line on why nothing could be written, once for each reason; a check goes on without.
    """
    try:
        with _connection() as connection:
            row = (time.time(), exercise, kind, detail)
            connection.execute("INSERT INTO events VALUES (?, ?, ?, ?)", row)
    except (sqlite3.Error, OSError) as error:
        trouble = f"(your progress could not be saved: {error})"
        new = trouble not in TOLD
        TOLD.add(trouble)
        return trouble if new else ""
    return ""


def standing(exercise: str) -> Standing:
    """Attempts, hints, passes and mistakes of one exercise; of none, zeros."""
    return standings().get(exercise, Standing(exercise, 0, 0, False, {}))


def standings() -> dict[str, Standing]:
    """Every exercise that was ever checked or asked about, by number, in order. Reading writes nothing."""
    try:
        path = work_folder().absolute() / FILE
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", timeout=SECONDS, uri=True)) as connection:
            rows = connection.execute("SELECT exercise, kind, detail FROM events ORDER BY rowid").fetchall()
    except (sqlite3.Error, OSError):
        return {}
    events: dict[str, list] = {}
    for exercise, kind, detail in rows:
        events.setdefault(exercise, []).append((kind, detail))
    return {exercise: _standing(exercise, events[exercise]) for exercise in sorted(events, key=_order)}


def _standing(exercise, events):
    names = [detail for kind, detail in events if kind == "mistake"]
    return Standing(
        exercise,
        attempts=sum(kind not in NO_TRY for kind, _ in events),
        hints=len({detail for kind, detail in events if kind == "hint"}),
        passed=any(kind == "correct" for kind, _ in events),
        mistakes={name: names.count(name) for name in dict.fromkeys(names)},
    )


@contextlib.contextmanager
def _connection() -> Iterator[sqlite3.Connection]:
    """An open transaction: committed when the body ends, rolled back when it raises."""
    path = make_work_folder() / FILE
    try:
        connection = _open(path)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):  # locked, no space, no permission: the file is fine
            raise
        move(path, _aside(path))
        connection = _open(path)
    try:
        with connection:
            yield connection
    finally:
        connection.close()


def _open(path):
    connection = sqlite3.connect(path, timeout=SECONDS)
    try:
        connection.execute(TABLE)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _aside(path: Path) -> Path:
    names = (path.with_name(f"{path.name}.damaged{number or ''}") for number in range(1000))
    return next(name for name in names if not os.path.lexists(name))


def _order(exercise):
    return [int(part) if part.isdigit() else 0 for part in exercise.split(".")]
