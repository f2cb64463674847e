"""Grade everything that was handed in: rebuild, run, mark, enter. Part of grading; no lesson derives it.

What the sandbox said is kept for each student beside a fingerprint of all that it depends on. So a batch that was
interrupted goes on where it was, and grading again runs only what has changed.
"""

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import nbformat
from nbformat import NotebookNode

from course_lib.classroom.grading.assignment import Assignment
from course_lib.classroom.grading.display import graded_notebook
from course_lib.classroom.grading.folders import Folders, read_json, write_safely
from course_lib.classroom.grading.gradebook import Book
from course_lib.classroom.grading.intake.choosing import read_submission
from course_lib.classroom.grading.intake.reading import Unreadable
from course_lib.classroom.grading.intake.rebuilding import rebuild
from course_lib.classroom.grading.marking import Mark, mark_all
from course_lib.classroom.grading.records import UNTRUSTED, Result
from course_lib.classroom.grading.sandbox.limits import Limits
from course_lib.classroom.grading.sandbox.rounds import Run, run_submission
from course_lib.classroom.grading.student_text import few, reason
from course_lib.classroom.grading.troubles import Troubles


@dataclass(frozen=True)
class _Job:
    student: str
    notebook: NotebookNode
    notes: list[str]
    unreadable: str
    received: datetime
    cells: list[dict]
    fingerprint: str


@dataclass(frozen=True)
class _Blank:
    """What stands in the place of a submission that cannot be graded: the release as it was, and no points."""

    notebook: NotebookNode
    marks: list[Mark]


def run_job(cells: list[dict], stages: list[dict], limits: Limits, sandboxed: bool) -> dict:
    """The pure part, (cells, stages) → evidence as plain data: for a thread here or a worker elsewhere."""
    return run_submission(cells, stages, limits, sandboxed=sandboxed).to_dict()


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
    limits = limits or Limits()
    names = students if students is not None else folders.students(assignment.name)
    blank = _Blank(rebuild([], assignment.release)[0], mark_all(assignment, []))
    jobs = list(_jobs(folders, assignment, names, (limits, sandboxed), blank))
    kept = {}
    for job in jobs:
        kept[job.student] = Run() if job.unreadable else None
        with contextlib.suppress(Exception):  # a record that cannot be used is no record: it is run again
            kept[job.student] = kept[job.student] or (None if again else _kept_run(folders, assignment, job))
    with Book(folders, assignment) as book:
        known = ((job, kept[job.student]) for job in jobs if kept[job.student])
        yield from _results(folders, assignment, book, known, sandboxed, blank)
        new = _run_all(executor, [job for job in jobs if not kept[job.student]], assignment, limits, sandboxed)
        yield from _results(folders, assignment, book, new, sandboxed, blank)


def _jobs(folders, assignment, names, how, blank) -> Iterator[_Job]:
    """What each student handed in, as a job; what cannot be read is one, too."""
    for student in names:
        try:
            job = _read(folders, assignment, student, how, blank)
        except Exception as error:  # a submission that nobody thought of
            why = f"it cannot be read ({reason(error)})"
            job = _Job(student, blank.notebook, [], why, datetime.now(UTC), [], "")
        yield job


def _results(folders, assignment, book, runs, sandboxed, blank) -> Iterator[Result]:
    """Each run's result, once it stands in the gradebook; what fails costs one student."""
    for job, run in runs:
        try:
            result = _enter(folders, assignment, book, job, run, sandboxed)
        except Exception as error:
            why = job.unreadable or f"grading it failed ({reason(error)})"
            try:
                result = _refuse(folders, assignment, book, job, why, blank)
            except Exception as more:
                result = Result(job.student, [], [], f"{why}; that it failed could not be kept ({reason(more)})",
                                job.received, 0.0)
        yield result


def _run_all(executor, jobs, assignment, limits, sandboxed) -> Iterator[tuple[_Job, Run]]:
    waiting = {executor.submit(run_job, job.cells, assignment.stages, limits, sandboxed): job for job in jobs}
    completed: Callable = getattr(executor, "as_completed", as_completed)
    try:
        for future in completed(waiting):
            try:
                run = Run(**future.result())
            except Exception as error:  # one bad submission never stops a batch, whatever it found
                run = Run(notes=[f"the run failed: {reason(error)}"])
                yield replace(waiting[future], fingerprint=""), run  # so that the next batch tries again
            else:
                yield waiting[future], run
    finally:
        for future in waiting:
            future.cancel()


def _read(folders, assignment, student, how, blank):
    folder = folders.inbox(student, assignment.name)
    receipt = read_json(folder / "receipt.json", received=str, refused=str, notes=list) or {}
    unreadable, notebook, notes = receipt.get("refused", ""), blank.notebook, list(receipt.get("notes", []))
    try:
        if not unreadable:
            found, more = read_submission(folder, assignment.name, assignment.release)
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
    told = json.dumps([cells, assignment.stages, how[0].to_dict(), how[1]], sort_keys=True)
    received = datetime.fromisoformat(receipt["received"]) if receipt else datetime.now(UTC)
    return _Job(student, notebook, notes, unreadable, received, cells, hashlib.sha256(told.encode()).hexdigest())


def _kept_run(folders, assignment, job):
    kept = read_json(folders.evidence(assignment.name) / f"{job.student}.json", fingerprint=str, run=dict) or {}
    return Run(**kept["run"]) if kept.get("fingerprint") == job.fingerprint else None


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
        file = folders.evidence(assignment.name) / f"{job.student}.json"
        write_safely(file, json.dumps({"fingerprint": "", "run": {}, "result": result.to_dict()}))
    return replace(result, notes=result.notes + troubles.get(job.student, []))


def _enter(folders, assignment, book, job, run, sandboxed):
    marks = mark_all(assignment, run.evidence)
    if job.unreadable:
        marks = [replace(mark, kind="unreadable", message=f"UNREADABLE: {job.unreadable}") for mark in marks]
    notes = few([*job.notes, *run.notes]) + ([] if sandboxed else [UNTRUSTED])
    file = folders.evidence(assignment.name) / f"{job.student}.json"
    attempts = _attempts(read_json(file, result=dict), job)
    result = Result(job.student, marks, notes, job.unreadable, job.received, run.seconds, attempts)
    path = folders.autograded(job.student, assignment.name)
    before = nbformat.read(path, as_version=4) if path.exists() else None
    shown = graded_notebook(job.notebook, run, marks, assignment)
    book.record(job.student, marks, shown, before, job.received)
    write_safely(path, nbformat.writes(shown))
    kept = {"fingerprint": job.fingerprint, "run": run.to_dict(), "result": result.to_dict()}
    write_safely(file, json.dumps(kept))
    return result


def _attempts(kept, job):
    """The version at hand counts once, however often it is graded."""
    earlier = (kept or {}).get("result")
    if not earlier:
        return 1
    return earlier["attempts"] + (earlier["received"] != job.received.isoformat())
