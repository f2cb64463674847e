"""The checks of one lesson: proved, written as data, compared with what is there.

Part of the authors' tools; no lesson derives it.
`solutions/NN_name/checks.py` beside `NN_name.nb.py` becomes `exercises/NN_name/checks.json`.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

from nbformat import NotebookNode

from course_lib.classroom.authoring.answers import answer_namespace
from course_lib.classroom.authoring.leaks import leaks
from course_lib.classroom.authoring.prove import Row, prove, prove_question
from course_lib.classroom.authoring.record import public_checks, public_questions
from course_lib.classroom.checking.diagnose import same_evidence
from course_lib.classroom.checking.exercise import Exercise, load_exercises
from course_lib.classroom.checking.open_question import OpenQuestion, load_questions
from course_lib.json_file import read_json


@dataclass(frozen=True)
class LessonChecks:
    """A solution's source, its checks.py, and the exercises and open questions in it."""

    source: Path
    text: str
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
            row, lines = prove(exercise, self.text, answers, stubs, data["exercises"][exercise.number])
            rows.append(row)
            wrong += lines
        wrong += [line for question in self.questions for line in prove_question(question, data["exercises"])]
        released = [*_strings(data), *(cell.source for cell in stub.cells)]
        notebook = self.source.read_text(encoding="utf-8")
        found = leaks(notebook, self.text, self.exercises, released)
        return data, rows, wrong + [f"students would receive the line: {line}" for line in found]

    def _public(self, answers):
        data = public_checks(self.source.parent.name, self.exercises, self.text, answers)
        return data | public_questions(self.questions)


def checks_of(source: Path) -> LessonChecks | None:
    """The checks beside a solution's source; None for a lesson, or where there is no checks.py."""
    path = source.with_name("checks.py")
    if not source.name.endswith(".nb.py") or not path.exists():
        return None
    return LessonChecks(source, path.read_text(encoding="utf-8"), load_exercises(path), load_questions(path))


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
