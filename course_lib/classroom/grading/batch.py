"""Grade everything that was handed in: rebuild, run, mark, enter. Part of grading; no lesson derives it.

What the sandbox said is kept for each student beside a fingerprint of all that it depends on. So a batch that was
interrupted goes on where it was, and grading again runs only what has changed. A submission is read when its turn
comes, what its box said goes to the disk, and both are forgotten when its marks stand: a class takes no more memory
than the few submissions that are at work.
"""

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_lib.classroom.grading.assignment import Assignment
from course_lib.classroom.grading.display import graded_notebook
from course_lib.classroom.grading.folders import Folders, read_json, write_safely
from course_lib.classroom.grading.gradebook import Book
from course_lib.classroom.grading.intake.apart import read_safely
from course_lib.classroom.grading.intake.reading import Unreadable
from course_lib.classroom.grading.intake.rebuilding import rebuild
from course_lib.classroom.grading.jobs import Job, runs
from course_lib.classroom.grading.marking import Mark, mark_all
from course_lib.classroom.grading.records import UNTRUSTED, Result
from course_lib.classroom.grading.sandbox.limits import Limits
from course_lib.classroom.grading.student_text import few, reason
from course_lib.classroom.grading.troubles import Troubles


@dataclass(frozen=True)
class _Blank:
    """What stands in the place of a submission that cannot be graded: the release as it was, and no points."""

    notebook: NotebookNode
    marks: list[Mark]


def grade(
    folders: Folders,
    assignment: Assignment,
    executor: Executor,
    *,
    students: list[str] | None = None,
    limits: Limits | None = None,
    sandboxed: bool = True,
    again: bool = False,
) -> Iterator[Result]:
    """Grade the submissions of `students` (default: all) and yield each result once it stands in the gradebook.

    Args:
        folders, assignment: what and where.
        executor: anything with `submit` whose futures `as_completed` knows; see `cluster` for machines.
        limits, sandboxed: of each submission.
        again: run also what has not changed since it was last run.
    """
    how = (assignment.stages, limits or Limits(), sandboxed)
    names = iter(students if students is not None else folders.students(assignment.name))
    blank = _Blank(rebuild([], assignment.release)[0], mark_all(assignment, []))
    with Book(folders, assignment) as book:
        known = runs(executor, _jobs(folders, assignment, names, how, blank), how, again)
        yield from _results(folders, assignment, book, known, sandboxed, blank)


def _jobs(folders, assignment, names, how, blank) -> Iterator[Job]:
    """What each student handed in, as a job; what cannot be read is one, too."""
    for student in names:
        try:
            job = _read(folders, assignment, student, how, blank)
        except Exception as error:  # a submission that nobody thought of
            why = f"it cannot be read ({reason(error)})"
            job = Job(student, blank.notebook, [], why, datetime.now(UTC), [], "", Path())
        yield job


def _results(folders, assignment, book, known, sandboxed, blank) -> Iterator[Result]:
    """Each run's result, once it stands in the gradebook; what fails costs one student."""
    for job, run in known:
        try:
            result = _enter(folders, assignment, book, job, run, sandboxed)
        except Exception as error:
            why = job.unreadable or f"grading it failed ({reason(error)})"
            try:
                result = _refuse(folders, assignment, book, job, why, blank)
            except Exception as more:
                told = f"{why}; that it failed could not be kept ({reason(more)})"
                result = Result(job.student, [], [], told, job.received, 0.0)
        yield result


def _read(folders, assignment, student, how, blank):
    folder = folders.inbox(student, assignment.name)
    receipt = read_json(folder / "receipt.json", received=str, refused=str, notes=list) or {}
    unreadable, notebook, notes = receipt.get("refused", ""), blank.notebook, list(receipt.get("notes", []))
    try:
        if not unreadable:
            found, more = read_safely(folder, assignment.name, assignment.release)
            notebook, changed = rebuild(found, assignment.release)
            notes += more + changed
    except Unreadable as error:
        unreadable = str(error)
    given = {cell.source for cell in assignment.release.cells if not cell.metadata.get("nbgrader")}
    cells = [
        {"id": cell.id, "source": cell.source, "given": cell.source in given}
        for cell in notebook.cells
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("grade_id") not in assignment.cells
    ]
    stages, limits, sandboxed = how
    told = json.dumps([cells, stages, limits.to_dict(), sandboxed], sort_keys=True)
    fingerprint = hashlib.sha256(told.encode()).hexdigest()
    path = folders.evidence(assignment.name) / f"{student}.run"
    received = datetime.fromisoformat(receipt["received"]) if receipt else datetime.now(UTC)
    return Job(student, notebook, notes, unreadable, received, cells, fingerprint, path)


def _refuse(folders, assignment, book, job, why, blank):
    """Enter that a submission could not be graded, each step by itself: what fails of it is told as well."""
    marks = [replace(mark, kind="unreadable", message=f"UNREADABLE: {why}") for mark in blank.marks]
    troubles = Troubles()
    result = Result(job.student, marks, few(job.notes), why, job.received, 0.0)
    book.undo()
    with troubles.of(job.student, "entering that into the gradebook"):
        book.record(job.student, marks, blank.notebook, None, job.received)
    book.undo()
    with troubles.of(job.student, "keeping that"):
        write_safely(folders.autograded(job.student, assignment.name), nbformat.writes(blank.notebook))
        file = folders.results(assignment.name) / f"{job.student}.json"
        write_safely(file, json.dumps({"result": result.to_dict()}))
    return replace(result, notes=result.notes + troubles.get(job.student, []))


def _enter(folders, assignment, book, job, run, sandboxed):
    marks = mark_all(assignment, run.evidence)
    if job.unreadable:
        marks = [replace(mark, kind="unreadable", message=f"UNREADABLE: {job.unreadable}") for mark in marks]
    notes = few([*job.notes, *run.notes]) + ([] if sandboxed else [UNTRUSTED])
    file = folders.results(assignment.name) / f"{job.student}.json"
    attempts = _attempts(read_json(file, result=dict), job)
    result = Result(job.student, marks, notes, job.unreadable, job.received, run.seconds, attempts)
    path = folders.autograded(job.student, assignment.name)
    before = nbformat.read(path, as_version=4) if path.exists() else None
    shown = graded_notebook(job.notebook, run, marks, assignment)
    book.record(job.student, marks, shown, before, job.received)
    write_safely(path, nbformat.writes(shown))
    write_safely(file, json.dumps({"result": result.to_dict()}))
    return result


def _attempts(kept, job):
    """The version at hand counts once, however often it is graded."""
    earlier = (kept or {}).get("result")
    if not earlier:
        return 1
    return earlier["attempts"] + (earlier["received"] != job.received.isoformat())
