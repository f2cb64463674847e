"""Grade everything that was handed in: rebuild, run, mark, enter. Part of grading; no lesson derives it.

What the sandbox said is kept for each student beside a fingerprint of all that it depends on. So a batch that was
interrupted goes on where it was, and grading again runs only what has changed. A submission is read when its turn
comes, what its box said goes to the disk, and both are forgotten when its marks stand: a class takes no more memory
than the few submissions that are at work.
"""

import hashlib
import itertools
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, as_completed
from dataclasses import asdict, dataclass, replace
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
from course_lib.classroom.grading.marking import Mark, mark_all
from course_lib.classroom.grading.sandbox.limits import Limits
from course_lib.classroom.grading.sandbox.rounds import ASIDE, Run, run_submission
from course_lib.doors.files import replace_bytes

UNTRUSTED = "graded WITHOUT a sandbox"
LONGEST, MOST_NOTES = 2000, 50  # characters of a note and of what a mark says; notes
AHEAD = 2  # submissions that are read, for each that is at work


@dataclass(frozen=True)
class Result:
    """One graded submission.

    unreadable: why nothing could be graded, else empty; notes: for humans; attempts: how many versions were graded.
    """

    student: str
    marks: list[Mark]
    notes: list[str]
    unreadable: str
    received: datetime
    seconds: float
    attempts: int = 1

    def to_dict(self) -> dict:
        """Plain data."""
        return asdict(self) | {"received": self.received.isoformat()}


@dataclass(frozen=True)
class _Job:
    student: str
    notebook: NotebookNode
    notes: list[str]
    unreadable: str
    received: datetime
    cells: list[dict]
    fingerprint: str
    path: Path  # of what its box said


def run_job(
    cells: list[dict], stages: list[dict], limits: Limits, sandboxed: bool, fingerprint: str, path: str = ""
) -> bytes:
    """The pure part, (cells, stages) → evidence: for a thread here or a worker elsewhere.

    It comes as the file that keeps it, a line with the fingerprint and then `Run.lines`; where there is a `path` it is
    written there, and nothing is returned.
    """
    run = run_submission(cells, stages, limits, sandboxed=sandboxed)
    lines = itertools.chain([fingerprint.encode() + b"\n"], run.lines())
    if not path:
        return b"".join(lines)
    replace_bytes(path, lines)
    return b""


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
    waiting: dict = {}  # future → job
    with Book(folders, assignment) as book:
        try:
            while True:
                for job in (_prepare(folders, assignment, student, how) for student in names):
                    run = Run() if job.unreadable else None if again else _kept_run(job)
                    if run:
                        yield _finish(folders, assignment, book, job, run, sandboxed)
                        continue
                    job.path.unlink(missing_ok=True)
                    here = [] if getattr(executor, "elsewhere", False) else [str(job.path)]
                    waiting[executor.submit(run_job, job.cells, *how, job.fingerprint, *here)] = job
                    if len(waiting) >= AHEAD * getattr(executor, "at_once", os.cpu_count() or 1):
                        break
                if not waiting:
                    return
                completed: Callable = getattr(executor, "as_completed", as_completed)
                future = next(iter(completed(waiting)))
                job = waiting.pop(future)
                yield _finish(folders, assignment, book, job, _new_run(job, future), sandboxed)
        finally:
            for future in waiting:
                future.cancel()


def _new_run(job, future):
    """What the box said, from the disk; one bad submission never stops a batch, whatever it found."""
    try:
        if said := future.result():
            replace_bytes(job.path, [said])
        if run := _kept_run(job):
            return run
        problem = f"{job.path} does not hold what was written"
    except Exception as error:
        problem = f"{type(error).__name__}: {str(error)[:200]}"
    job.path.unlink(missing_ok=True)  # so that the next batch tries again
    return Run(notes=[f"{ASIDE}the run failed: {problem}"])


def _prepare(folders, assignment, student, how):
    folder = folders.inbox(student, assignment.name)
    receipt = read_json(folder / "receipt.json", received=str, refused=str, notes=list) or {}
    unreadable, found, notes = receipt.get("refused", ""), [], list(receipt.get("notes", []))
    try:
        if not unreadable:
            found, more = read_safely(folder, assignment.name)
            notes += more
        notebook, more = rebuild(found, assignment.release)
        notes += more if found else []
    except Unreadable as error:
        unreadable, (notebook, _) = str(error), rebuild([], assignment.release)
    except Exception as error:  # a file that nobody thought of
        unreadable, (notebook, _) = f"it cannot be read ({type(error).__name__})", rebuild([], assignment.release)
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
    received = receipt.get("received")
    received = datetime.fromisoformat(received) if received else datetime.now(UTC)
    return _Job(student, notebook, notes, unreadable, received, cells, fingerprint, path)


def _kept_run(job):
    """What a box said of just this submission, or None."""
    try:
        with job.path.open("rb") as file:
            return Run.read(file) if file.readline(200).strip() == job.fingerprint.encode() else None
    except (OSError, ValueError):
        return None


def _finish(folders, assignment, book, job, run, sandboxed):
    marks = [replace(mark, message=_short(mark.message)) for mark in mark_all(assignment, run.evidence)]
    if job.unreadable:
        marks = [replace(mark, kind="unreadable", message=f"UNREADABLE: {job.unreadable}") for mark in marks]
    notes = [_short(note) for note in (*job.notes, *run.notes)]
    if len(notes) > MOST_NOTES:
        notes[MOST_NOTES:] = [f"and {len(notes) - MOST_NOTES} more notes"]
    notes += [] if sandboxed else [UNTRUSTED]
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


def _short(text):
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} … cut"


def _attempts(kept, job):
    """The version at hand counts once, however often it is graded."""
    earlier = (kept or {}).get("result")
    if not earlier:
        return 1
    return earlier["attempts"] + (earlier["received"] != job.received.isoformat())


def results(folders: Folders, name: str) -> dict[str, Result]:
    """Student → the last result, as kept on disk."""
    found = {}
    for path in sorted(folders.results(name).glob("*.json")):
        kept = (read_json(path, result=dict) or {}).get("result")
        if kept:
            marks = [Mark(**mark) for mark in kept["marks"]]
            received = datetime.fromisoformat(kept["received"])
            found[kept["student"]] = Result(**kept | {"marks": marks, "received": received})
    return found
