"""The checks of one lesson: proved, written as data, compared with what is there.

Part of the authors' tools; no lesson derives it.
`solutions/NN_name/checks/` beside `NN_name.nb.py` becomes `exercises/NN_name/checks.json`.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

from nbformat import NotebookNode

from course_lib.classroom.authoring.announced import unannounced
from course_lib.classroom.authoring.answers import answer_namespace
from course_lib.classroom.authoring.checks_files import checks_files, load_lesson_checks
from course_lib.classroom.authoring.leaks import leaks
from course_lib.classroom.authoring.prove import Row, prove, prove_question
from course_lib.classroom.authoring.record import public_checks, public_questions
from course_lib.classroom.checking.exercise import Exercise
from course_lib.classroom.checking.known import same_evidence
from course_lib.classroom.checking.open_question import OpenQuestion
from course_lib.doors.json_file import read_json


@dataclass(frozen=True)
class LessonChecks:
    """A solution's source, and the exercises and open questions that are checked beside it."""

    source: Path
    exercises: list[Exercise]
    questions: list[OpenQuestion] = field(default_factory=list)

    def public(self) -> dict:
        """The public checks, as data; runs the solution."""
        return self._public(answer_namespace(self.source))

    def proved(self, stub: NotebookNode) -> tuple[dict, list[Row], list[str]]:
        """The public checks, the table's rows, and everything that is wrong; `stub`: the student's notebook."""
        answers, stubs = answer_namespace(self.source), answer_namespace(self.source, stubs=True)
        data = self._public(answers)
        rows, wrong = [], []
        for exercise in self.exercises:
            row, lines = prove(exercise, answers, stubs, data["exercises"][exercise.number])
            rows.append(row)
            wrong += lines
            if silent := unannounced(exercise, stub):
                wrong.append(f"{exercise.number}: its text does not say that it refuses {', '.join(silent)}")
        wrong += [line for question in self.questions for line in prove_question(question)]
        released = [*_strings(data), *(cell.source for cell in stub.cells)]
        notebook = self.source.read_text(encoding="utf-8")
        found = leaks(notebook, self.exercises, released)
        return data, rows, wrong + [f"students would receive the line: {line}" for line in found]

    def _public(self, answers):
        data = public_checks(self.source.parent.name, self.exercises, answers)
        return data | public_questions(self.questions)


def checks_of(source: Path) -> LessonChecks | None:
    """The checks beside a solution's source; None for a lesson, or where there are none."""
    if not source.name.endswith(".nb.py") or not checks_files(source.parent):
        return None
    return LessonChecks(source, *load_lesson_checks(source.parent))


def dump(data: dict) -> str:
    """The text of a checks.json: the same for the same data."""
    return json.dumps(data, indent=1, ensure_ascii=False, default=list) + "\n"


def same_checks(wanted: dict, path: Path) -> bool:
    """Whether a checks.json holds these checks; numbers may differ in their last digits, as machines do."""
    try:
        have = read_json(path, "a file of checks")
        return _same(json.loads(dump(wanted)), have, 1e-4)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _same(wanted, have, tolerance):
    if isinstance(wanted, dict) and isinstance(have, dict):
        if wanted.keys() != have.keys():
            return False
        if "value" in wanted or "error" in wanted:
            return same_evidence(wanted, have, tolerance)
        return all(_same(wanted[key], have[key], tolerance) for key in wanted)
    if isinstance(wanted, list) and isinstance(have, list):
        return len(wanted) == len(have) and all(_same(a, b, tolerance) for a, b in zip(wanted, have, strict=True))
    return wanted == have


def _strings(data):
    """Every text in nested data."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, (dict, list)):
        for item in data.values() if isinstance(data, dict) else data:
            yield from _strings(item)
