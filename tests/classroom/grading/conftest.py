"""A course of two small exercises and an open question, with everything that grading needs; submissions to it.

Grading refuses to run as root: there these tests are left to `tools/ordinary_account.sh`, which `make test` calls.
"""

import contextlib
import copy
import csv
import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.api import Gradebook

from course_lib.classroom.grading import jobs
from course_lib.classroom.grading.assignment import load_assignment
from course_lib.classroom.grading.batch import grade
from course_lib.classroom.grading.cluster import workers
from course_lib.classroom.grading.collect import collect
from course_lib.classroom.grading.feedback import write_feedback
from course_lib.classroom.grading.folders import Folders
from course_lib.classroom.grading.gradebook import Book
from course_lib.classroom.grading.sandbox.limits import Limits
from course_lib.classroom.grading.sandbox.messages import evidence_id
from course_lib.classroom.grading.sandbox.rounds import Run
from course_lib.classroom.grading.tables import csv_path, write_csv

if os.geteuid() == 0:
    collect_ignore_glob = ["test_*.py"]

NAME = "90_toy"
QUICK = Limits(seconds=30, cell_seconds=2.5, probe_seconds=1.5, grace=1.5, memory=700 << 20, output=8 << 20, restarts=3)
SOFTMAX = """def softmax(scores):
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)"""
RUNNING = "def running_mean(x):\n    return np.cumsum(x) / np.arange(1, len(x) + 1)"
SOLUTION = """# %% [markdown]
# # Toy exercises
# %%
import numpy as np
# %%
def softmax(scores):
    ### BEGIN SOLUTION
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)
    ### END SOLUTION
# %%
def running_mean(x):
    ### BEGIN SOLUTION
    return np.cumsum(x) / np.arange(1, len(x) + 1)
    ### END SOLUTION
"""
CHECKS = '''
import numpy as np
from course_lib.classroom.checking.exercise import Exercise

softmax = Exercise("90.1", "softmax", title="Softmax", hints=("a", "b", "c"))

@softmax.forbid("numpy.apply_along_axis")
def by_rows(call, scores):
    return call(lambda row: np.exp(row - row.max()) / np.exp(row - row.max()).sum(), -1, scores)

@softmax.probe(points=1, axes="queries down, keys across")
def three_rows(ns, rng):
    "three rows"
    return ns["softmax"](rng.normal(size=(3, 4)))

@softmax.probe(points=2, hidden=True)
def very_large_scores_indeed(ns, rng):
    "large scores"
    return ns["softmax"](1000 * rng.normal(size=(2, 5)))

@softmax.mistake(hint="Which axis should sum to one?")
def columns(scores):
    "the softmax over columns"
    e = np.exp(scores - scores.max(axis=0))
    return e / e.sum(axis=0)

@softmax.mistake(hint="Subtract the largest score first.")
def overflow(scores):
    "a softmax without the maximum taken off"
    return np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True) * (1 + 1e-3)

running = Exercise("90.2", "running_mean", title="Running mean", hints=("a", "b", "c"))

@running.probe(points=1)
def five(ns, rng):
    "five numbers"
    return ns["running_mean"](rng.normal(size=5))

@running.probe(points=1, hidden=True)
def longer_rows_of_numbers(ns, rng):
    "many numbers"
    return ns["running_mean"](rng.normal(size=30))

@running.mistake(hint="Count from one.")
def off_by_one(x):
    "a mean whose count starts at zero"
    return np.cumsum(x) / np.maximum(np.arange(len(x)), 1)
'''


def marks(grade_id, **more):
    plain = {"schema_version": 3, "grade": False, "solution": False, "locked": True, "task": False}
    return {"nbgrader": plain | {"grade_id": grade_id} | more}


def answer(grade_id, source):
    return new_code_cell(source, id=grade_id, metadata=marks(grade_id, solution=True, locked=False))


def check(number, function, points):
    metadata = marks(f"check-{number.replace('.', '-')}", grade=True, points=points)
    return new_code_cell(f'check("{number}", {function})', id=f"k{number.replace('.', '-')}", metadata=metadata)


def release_notebook():
    stub = '    raise NotImplementedError("your turn")'
    by_hand = marks("answer-90-3", grade=True, solution=True, locked=False, points=4)
    return new_notebook(
        cells=[
            new_markdown_cell("# Toy exercises", id="title"),
            new_code_cell("import numpy as np", id="setup"),
            answer("answer-90-1", f"def softmax(scores):\n{stub}"),
            check("90.1", "softmax", 3),
            answer("answer-90-2", f"def running_mean(x):\n{stub}"),
            check("90.2", "running_mean", 2),
            new_markdown_cell("## 90.3 · Which axis? (●○○○○, 5 minutes)\n\nAnd why?", id="question"),
            new_markdown_cell("*Your answer*", id="answer-90-3", metadata=by_hand),
        ],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )


def notebook_with(softmax=None, running_mean=None, essay=None):
    """The release with answers filled in."""
    notebook = copy.deepcopy(release_notebook())
    for place, source in ((2, softmax), (4, running_mean), (-1, essay)):
        if source is not None:
            notebook.cells[place].source = source
    return notebook


class Classroom:
    """A course in a folder, a downloads folder, and what an instructor does with them."""

    def __init__(self, folder: Path):
        self.downloads, root = folder / "downloads", folder / "course"
        self.course = Folders(root)
        for kind in ("solutions", "exercises"):
            (root / kind / NAME).mkdir(parents=True)
        self.downloads.mkdir()
        (root / "solutions" / NAME / f"{NAME}.nb.py").write_text(SOLUTION)
        (root / "solutions" / NAME / "checks.py").write_text(CHECKS)
        nbformat.write(release_notebook(), root / "exercises" / NAME / f"{NAME}.ipynb")

    def split_checks(self):
        """Put the checks into a folder, each exercise into a file of its own; returns the files."""
        whole = self.course.root / "solutions" / NAME / "checks.py"
        whole.unlink()
        parts = [whole.with_suffix("") / f"90_{number}.py" for number in (1, 2)]
        parts[0].parent.mkdir()
        first, name, second = CHECKS.partition("running = ")
        parts[0].write_text(first)
        parts[1].write_text(first.partition("softmax = ")[0] + name + second)
        return parts

    def put(self, student, content, file=f"{NAME}.ipynb"):
        """Lay a notebook or bytes into the downloads."""
        (self.downloads / student).mkdir(exist_ok=True)
        raw = content if isinstance(content, bytes) else nbformat.writes(content).encode()
        (self.downloads / student / file).write_bytes(raw)

    def collect(self, received=None):
        """Sort the downloads into the inbox."""
        return collect(self.course, NAME, self.downloads, received=received or datetime.now(UTC))

    def hand_in(self, student, content, received=None):
        """Lay down and collect one submission."""
        shutil.rmtree(self.downloads)
        self.downloads.mkdir()
        self.put(student, content)
        return self.collect(received)

    def grade_all(self, jobs=2, due=None, late=None, **options):
        """Grade what was collected; returns (results by student, rows by student)."""
        assignment = load_assignment(self.course, NAME)
        with Book(self.course, assignment) as book:
            book.prepare(due=due, late=late)
        with workers(jobs, options.pop("scheduler", None)) as executor:
            results = {r.student: r for r in grade(self.course, assignment, executor, limits=QUICK, **options)}
        with Book(self.course, assignment) as book:
            rows = {row.student: row for row in book.rows()}
        pages = write_feedback(self.course, assignment, rows.values())
        write_csv(csv_path(self.course, NAME), list(rows.values()), pages)
        return results, rows

    def table(self):
        """The table that was written last, by student."""
        with csv_path(self.course, NAME).open(newline="", encoding="utf-8") as file:
            return {line["student"]: line for line in csv.DictReader(file)}

    @contextlib.contextmanager
    def by_hand(self, student, number="90.3"):
        """What Formgrader changes: (grade, comment) of a part, saved afterwards."""
        answer, where = f"answer-{number.replace('.', '-')}", (NAME, NAME, student)
        graded = answer if number == "90.3" else answer.replace("answer", "check")
        with Gradebook(self.course.database) as book:
            grade, comment = book.find_grade(graded, *where), book.find_comment(answer, *where)
            yield grade, comment
            grade.needs_manual_grade = False
            book.db.commit()

    def page(self, student):
        """The text of a feedback page."""
        return self.course.feedback(student, NAME).read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def new_classroom(tmp_path_factory):
    """Make a classroom: new_classroom()."""
    return lambda: Classroom(tmp_path_factory.mktemp("classroom"))


@pytest.fixture(scope="session")
def answering():
    """answering(room, change=None): in the place of `run_job`, for tests that ask what is made of answers.

    It answers from the records, rightly where a cell defines the function; `change(cells, run)` may spoil it.
    """

    def make(room, change=None):
        assignment = load_assignment(room.course, NAME)

        def run_job(cells, stages, limits, sandboxed, fingerprint, path=""):
            code = [cell["source"] for cell in cells if "NotImplementedError" not in cell["source"]]
            evidence = []
            for records in (assignment.public, assignment.rehearsal, assignment.secret):
                evidence.append({})
                for record in records.values():
                    done = any(f"def {record['function']}(" in source for source in code)
                    said = {"error": "not started", "type": "NotImplementedError", "message": "", "line": None}
                    for probe in record["probes"]:
                        evidence[-1][evidence_id(record, probe)] = record["expected"][probe["id"]] if done else said
            run = {"cells": {}, "evidence": evidence, "notes": []}
            run = change(cells, run) if change else run
            said, *answered = ({id: json.dumps(one).encode() for id, one in part.items()}
                               for part in (run["cells"], *run["evidence"]))
            lines = [fingerprint.encode() + b"\n", *Run(said, answered, run["notes"]).lines()]
            if not path:
                return b"".join(lines)
            Path(path).write_bytes(b"".join(lines))
            return b""

        return run_job

    return make


@pytest.fixture
def without_boxes(answering, monkeypatch):
    """without_boxes(room, change=None): from now on runs are answered as `answering` says."""
    return lambda room, change=None: monkeypatch.setattr(jobs, "run_job", answering(room, change))


@pytest.fixture
def classroom(new_classroom):
    """A classroom in which nothing has happened."""
    return new_classroom()


@pytest.fixture(scope="session")
def toy():
    """toy(softmax, running_mean, essay): the release with these answers filled in."""
    return notebook_with
