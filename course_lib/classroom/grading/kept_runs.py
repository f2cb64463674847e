"""What boxes said, on the disk: written by whoever ran one, read when its marks are due.

Part of grading; no lesson derives it.
"""

import itertools
from concurrent.futures import Future
from pathlib import Path

from course_lib.classroom.grading.sandbox.limits import Limits
from course_lib.classroom.grading.sandbox.rounds import ASIDE, Run, run_submission
from course_lib.classroom.grading.student_text import reason
from course_lib.doors.files import replace_bytes


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


def kept_run(path: Path, fingerprint: str) -> Run | None:
    """What a box said of just this submission, or None."""
    try:
        with path.open("rb") as file:
            return Run.read(file) if file.readline(200).strip() == fingerprint.encode() else None
    except Exception:  # a record that cannot be used is no record: it is run again
        return None


def new_run(path: Path, fingerprint: str, future: Future) -> Run:
    """What the box said that `future` waited for, from the disk, or that there is nothing.

    One bad submission never stops a batch, whatever it found.
    """
    try:
        if said := future.result():
            replace_bytes(path, [said])
        if run := kept_run(path, fingerprint):
            return run
        problem = f"{path} does not hold what was written"
    except Exception as error:
        problem = reason(error)
    path.unlink(missing_ok=True)  # so that the next batch tries again
    return failed_run(problem)


def failed_run(problem: str) -> Run:
    """A run that never was, with the reason for whoever grades."""
    return Run(notes=[f"{ASIDE}the run failed: {problem}"])
