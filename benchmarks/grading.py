"""Submissions a minute, end to end, and how fast a check answers: `python benchmarks/grading.py`.

A class hands in one exercise, right and wrong answers in turn: collected, run in sandboxes, entered into the gradebook,
feedback pages and table written. numpy and torch apart, for importing torch takes longer than all the rest.
Run it as an ordinary account; as root, where grading refuses, only the checks are timed.

Checks are those of lesson 12, every right answer and every mistake of the gallery. The first one of a session has a
row of its own, for it imports hypothesis. Processor time stands beside the wall's: on a busy machine they differ.
"""

import argparse
import contextlib
import io
import os
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import nbformat
from _machine import describe_machine
from nbformat.v4 import new_code_cell, new_notebook

from course_lib.classroom import check
from course_lib.classroom.authoring.answers import answer_namespace
from course_lib.classroom.authoring.checks_files import load_lesson_checks
from course_lib.classroom.checking.diagnose import diagnose
from course_lib.classroom.checking.probing import run_probes
from course_lib.classroom.grading.assignment import load_assignment
from course_lib.classroom.grading.batch import grade
from course_lib.classroom.grading.cluster import workers
from course_lib.classroom.grading.collect import collect
from course_lib.classroom.grading.feedback import write_feedback
from course_lib.classroom.grading.folders import Folders
from course_lib.classroom.grading.gradebook import Book
from course_lib.classroom.grading.tables import csv_path, write_csv
from course_lib.lab.public_checks import load_checks

NAME = "90_speed"
SETUP = {"numpy": "import numpy as np\narray = np.array", "torch": "import torch\narray = torch.tensor"}
RIGHT = "def double(x):\n    return x + x"
CHECKS = '''
{setup}
from course_lib.classroom.checking.exercise import Exercise
double = Exercise("90.1", "double", title="Double", hints=("a", "b", "c"))
@double.probe()
def three(ns, rng):
    return ns["double"](array(rng.normal(size=3)))
@double.probe(hidden=True)
def many(ns, rng):
    return ns["double"](array(rng.normal(size=(30, 40))))
@double.mistake(hint="Once is not twice.")
def once(x):
    return x
'''


def main() -> None:
    """Print the machine, then one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="two submissions of each kind: does it still run?")
    parser.add_argument("--students", type=int, default=60)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    students = 2 if options.smoke else options.students
    print(describe_machine(), end="\n\n")
    print("| what | figure |\n|---|---|")
    for library in SETUP if os.geteuid() else ():
        with tempfile.TemporaryDirectory() as folder:
            seconds = class_seconds(Path(folder), library, students, options.jobs)
        print(f"| {library}: submissions a minute, {options.jobs} sandboxes | {60 * students / seconds:.0f} |")
    for what, times in check_seconds(1 if options.smoke else 5).items():
        wall, processor = ([1000 * time[side] for time in times] for side in (0, 1))
        row = f"median {statistics.median(wall):.0f} ms, worst {max(wall):.0f} ms"
        print(f"| {what} | {row} (processor: {statistics.median(processor):.0f} and {max(processor):.0f} ms) |")
    if not os.geteuid():
        print("\nroot: grading was not timed, for it refuses to run as root", file=sys.stderr)


def class_seconds(folder: Path, library: str, students: int, jobs: int) -> float:
    """Wall time from downloads to pages and table for a class of `students`."""
    for kind in ("solutions", "exercises", "downloads"):
        (folder / kind / NAME).mkdir(parents=True)
    own = {"schema_version": 3, "task": False}
    answer = own | {"grade_id": "answer-90-1", "grade": False, "solution": True, "locked": False}
    check = own | {"grade_id": "check-90-1", "grade": True, "solution": False, "locked": True, "points": 2}
    release = new_notebook(cells=[new_code_cell(SETUP[library]),
                                  new_code_cell("def double(x):\n    ...", metadata={"nbgrader": answer}),
                                  new_code_cell('check("90.1", double)', metadata={"nbgrader": check})])
    nbformat.write(release, folder / "exercises" / NAME / f"{NAME}.ipynb")
    (folder / "solutions" / NAME / "checks.py").write_text(CHECKS.format(setup=SETUP[library]))
    (folder / "solutions" / NAME / f"{NAME}.nb.py").write_text(f"# %%\n{SETUP[library]}\n# %%\n{RIGHT}\n")
    for number in range(students):
        release.cells[1].source = RIGHT if number % 2 else "def double(x):\n    return x"
        nbformat.write(release, folder / "downloads" / f"student{number}.ipynb")
    folders, began = Folders(folder), time.perf_counter()
    collect(folders, NAME, folder / "downloads", received=datetime.now(UTC))
    assignment = load_assignment(folders, NAME)
    with Book(folders, assignment) as book:
        book.prepare()
    with workers(jobs) as executor:
        done = list(grade(folders, assignment, executor))
    with Book(folders, assignment) as book:
        rows = book.rows()
    write_csv(csv_path(folders, NAME), rows, write_feedback(folders, assignment, rows))
    seconds = time.perf_counter() - began
    assert sum(row.score for row in rows) == 2 * (students // 2) and len(done) == students
    return seconds


def check_seconds(rounds: int) -> dict[str, list[tuple[float, float]]]:
    """What was checked → (wall, processor) seconds of each check, as a student calls it."""
    source = Path(__file__).resolve().parents[1] / "solutions" / "12_gpt"
    answers, exercises = answer_namespace(source / "12_gpt.nb.py"), load_lesson_checks(source)[0]
    asked = [(e, answers[e.function]) for e in exercises]
    asked += [(e, mistake.fn) for e in exercises for mistake in e.mistakes]
    times = {"first check of a session": [], "check by examples": [], "check by examples and rules": []}
    with tempfile.TemporaryDirectory() as work, contextlib.redirect_stdout(io.StringIO()):
        os.environ["COURSE_WORK"] = work
        for exercise, answer in asked * rounds:
            first = "hypothesis" not in sys.modules
            began = time.perf_counter(), time.process_time()
            check(exercise.number, answer)
            took = time.perf_counter() - began[0], time.process_time() - began[1]
            record = load_checks(exercise.number)
            told = diagnose(record, run_probes(record, {exercise.function: answer}, seed=record["seed"])).kind
            what = "check by examples and rules" if told in ("correct", "wrong") else "check by examples"
            times["first check of a session" if first else what].append(took)
    return times


if __name__ == "__main__":
    main()
