"""Submissions that wait for a sandbox, and what it said of each. Part of grading; no lesson derives it.

A few are read ahead of those that are at work, and none is kept longer than it is needed.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from nbformat import NotebookNode

from course_lib.classroom.grading.kept_runs import failed_run, kept_run, new_run, run_job
from course_lib.classroom.grading.sandbox.rounds import Run
from course_lib.classroom.grading.student_text import reason

AHEAD = 2  # submissions that are read, for each that is at work


@dataclass(frozen=True)
class Job:
    """One submission: as it was read, and what of it runs."""

    student: str
    notebook: NotebookNode
    notes: list[str]
    unreadable: str
    received: datetime
    cells: list[dict]
    fingerprint: str
    path: Path  # of what its box said


def runs(executor: Executor, jobs: Iterator[Job], how: tuple, again: bool) -> Iterator[tuple[Job, Run]]:
    """Each job with what its box said, now or earlier.

    how: stages, limits, sandboxed, as `run_job` takes them. again: also what was run before.
    """
    waiting: dict = {}  # future → job
    completed: Callable = getattr(executor, "as_completed", as_completed)
    try:
        while True:
            for job in jobs:
                try:
                    run = _known(executor, job, how, again, waiting)
                except Exception as error:
                    run = failed_run(reason(error))
                if run:
                    yield job, run
                if len(waiting) >= AHEAD * getattr(executor, "at_once", os.cpu_count() or 1):
                    break
            if not waiting:
                return
            future = next(iter(completed(waiting)))
            job = waiting.pop(future)
            try:
                run = new_run(job.path, job.fingerprint, future)
            except Exception as error:
                run = failed_run(reason(error))
            yield job, run
    finally:
        for future in waiting:
            future.cancel()


def _known(executor, job, how, again, waiting):
    """What is known of a job, or None where its box has to say it, which `waiting` then waits for."""
    if run := Run() if job.unreadable else None if again else kept_run(job.path, job.fingerprint):
        return run
    job.path.unlink(missing_ok=True)
    here = [] if getattr(executor, "elsewhere", False) else [str(job.path)]
    waiting[executor.submit(run_job, job.cells, *how, job.fingerprint, *here)] = job
    return None
