"""Grade everything that was handed in: rebuild, run, mark, enter. Part of grading; no lesson derives it.

What the sandbox said is kept for each student beside a fingerprint of all that it depends on. So a batch that was
interrupted goes on where it was, and grading again runs only what has changed.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, as_completed
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

import nbformat
from nbformat import NotebookNode

from course_lib.classroom.grading.assignment import Assignment
from course_lib.classroom.grading.display import graded_notebook
from course_lib.classroom.grading.folders import Folders, read_json, write_safely
from course_lib.classroom.grading.gradebook import Book
from course_lib.classroom.grading.intake.reading import Unreadable, read_submission
from course_lib.classroom.grading.intake.rebuilding import rebuild
from course_lib.classroom.grading.marking import Mark, mark_all
from course_lib.classroom.grading.sandbox.limits import Limits
from course_lib.classroom.grading.sandbox.rounds import ASIDE, Run, run_submission

UNTRUSTED = "graded WITHOUT a sandbox"


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
    jobs = [_prepare(folders, assignment, student, (limits, sandboxed)) for student in names]
    kept = {job.student: None if again and not job.unreadable else _kept_run(folders, assignment, job) for job in jobs}
    with Book(folders, assignment) as book:
        for job in jobs:
            if run := kept[job.student]:
                yield _finish(folders, assignment, book, job, run, sandboxed)
        new = [job for job in jobs if not kept[job.student]]
        for job, run in _run_all(executor, new, assignment, limits, sandboxed):
            yield _finish(folders, assignment, book, job, run, sandboxed)


def _run_all(executor, jobs, assignment, limits, sandboxed) -> Iterator[tuple[_Job, Run]]:
    waiting = {executor.submit(run_job, job.cells, assignment.stages, limits, sandboxed): job for job in jobs}
    completed: Callable = getattr(executor, "as_completed", as_completed)
    try:
        for future in completed(waiting):
            try:
                run = Run(**future.result())
            except Exception as error:  # one bad submission never stops a batch, whatever it found
                run = Run(notes=[f"{ASIDE}the run failed: {type(error).__name__}: {str(error)[:200]}"])
                yield replace(waiting[future], fingerprint=""), run  # so that the next batch tries again
            else:
                yield waiting[future], run
    finally:
        for future in waiting:
            future.cancel()


def _prepare(folders, assignment, student, how):
    folder = folders.inbox(student, assignment.name)
    receipt = read_json(folder / "receipt.json", received=str, refused=str, notes=list) or {}
    unreadable, found, notes = receipt.get("refused", ""), [], list(receipt.get("notes", []))
    try:
        if not unreadable:
            found, more = read_submission(folder, assignment.name)
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
    told = json.dumps([cells, assignment.stages, how[0].to_dict(), how[1]], sort_keys=True)
    received = receipt.get("received")
    received = datetime.fromisoformat(received) if received else datetime.now(UTC)
    return _Job(student, notebook, notes, unreadable, received, cells, hashlib.sha256(told.encode()).hexdigest())


def _kept_run(folders, assignment, job):
    if job.unreadable:
        return Run()
    kept = read_json(folders.evidence(assignment.name) / f"{job.student}.json", fingerprint=str, run=dict) or {}
    return Run(**kept["run"]) if kept.get("fingerprint") == job.fingerprint else None


def _finish(folders, assignment, book, job, run, sandboxed):
    marks = mark_all(assignment, run.evidence)
    if job.unreadable:
        marks = [replace(mark, kind="unreadable", message=f"UNREADABLE: {job.unreadable}") for mark in marks]
    notes = [*job.notes, *run.notes, *([] if sandboxed else [UNTRUSTED])]
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


def results(folders: Folders, name: str) -> dict[str, Result]:
    """Student → the last result, as kept on disk."""
    found = {}
    for path in sorted(folders.evidence(name).glob("*.json")):
        kept = (read_json(path, result=dict) or {}).get("result")
        if kept:
            marks = [Mark(**mark) for mark in kept["marks"]]
            received = datetime.fromisoformat(kept["received"])
            found[kept["student"]] = Result(**kept | {"marks": marks, "received": received})
    return found
