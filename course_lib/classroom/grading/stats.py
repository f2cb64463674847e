"""How a class did, exercise by exercise, and which mistakes it made. Part of grading; no lesson derives it."""

from collections import Counter
from dataclasses import dataclass
from html import escape

import numpy as np

from course_lib.classroom.grading.folders import Folders
from course_lib.classroom.grading.records import UNTRUSTED, results
from course_lib.classroom.grading.report import PAGE

FINE = ("correct", "not started")
WORDS = {
    "hidden": "right for the public numbers only",
    "error": "an exception",
    "wrong": "none of the known mistakes",
    "forbidden": "a forbidden name",
    "timeout": "too slow",
    "missing": "no such function",
}


@dataclass(frozen=True)
class ExerciseStatistics:
    """One exercise in one class.

    passed, started: shares of the students who handed in; attempts: mean number of graded submissions a student who
    started; mean: mean share of the points; discrimination: correlation of its points with those of all other
    exercises (nan where one of them does not vary); mistakes: (name, how often), most frequent first; untrusted: how
    many submissions were graded without a sandbox.
    """

    number: str
    title: str
    students: int
    passed: float
    started: float
    attempts: float
    mean: float
    discrimination: float
    mistakes: tuple[tuple[str, int], ...]
    untrusted: int = 0


def statistics(folders: Folders, name: str) -> list[ExerciseStatistics]:
    """Statistics of each exercise over the graded submissions; unreadable ones are left out.

    So are those that were graded with other exercises than most, before the release was built again.
    """
    found = [result for result in results(folders, name).values() if not result.unreadable]
    usual = Counter(tuple(mark.number for mark in result.marks) for result in found).most_common(1)
    found = [result for result in found if tuple(mark.number for mark in result.marks) == usual[0][0]]
    if not found:
        raise ValueError(f"nothing is graded yet: course grade {name} comes first")
    points = np.array([[mark.points for mark in result.marks] for result in found])  # (students, exercises)
    attempts = np.array([result.attempts for result in found])
    untrusted = sum(UNTRUSTED in result.notes for result in found)
    statistics = []
    for column, mark in enumerate(found[0].marks):
        own = [result.marks[column] for result in found]
        started = np.array([one.kind not in ("not started", "missing") for one in own])
        wrong = Counter(one.mistake or WORDS.get(one.kind, one.kind) for one in own if one.kind not in FINE)
        statistics.append(
            ExerciseStatistics(
                number=mark.number,
                title=mark.title,
                students=len(found),
                passed=sum(one.kind == "correct" for one in own) / len(own),
                started=float(started.mean()),
                attempts=float(attempts[started].mean()) if started.any() else 0.0,
                mean=float(points[:, column].mean() / mark.out_of) if mark.out_of else 0.0,
                discrimination=correlation(points[:, column], np.delete(points, column, axis=1).sum(axis=1)),
                mistakes=tuple(wrong.most_common()),
                untrusted=untrusted,
            )
        )
    return statistics


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's correlation; nan where one of the two is constant."""
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale > 0 else float("nan")


HEAD = ("exercise", "started", "passed", "points", "attempts", "discrimination", "most frequent mistakes")


def as_table(found: list[ExerciseStatistics]) -> str:
    """The statistics as text, one line an exercise."""
    lines = [_row(one) for one in found]
    widths = [max(len(line[column]) for line in [HEAD, *lines]) for column in range(len(HEAD))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in [HEAD, *lines]]
    return "\n".join([_who(found), *(line.rstrip() for line in lines)])


def as_page(name: str, found: list[ExerciseStatistics]) -> str:
    """The statistics as an HTML page."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in HEAD)
    rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in _row(one)) + "</tr>" for one in found)
    body = f"<p>{_who(found)}</p><table><tr>{head}</tr>{rows}</table>"
    return PAGE.substitute(title=escape(f"{name} · the class"), body=body)


def _who(found):
    first = found[0]
    return f"{first.students} students" + (f", {first.untrusted} of them {UNTRUSTED}" if first.untrusted else "")


def _row(one):
    mistakes = "; ".join(f"{name} ×{count}" for name, count in one.mistakes[:3])
    shares = (f"{share:.0%}" for share in (one.started, one.passed, one.mean))
    return (f"{one.number} {one.title}", *shares, f"{one.attempts:.1f}", f"{one.discrimination:.2f}", mistakes)
