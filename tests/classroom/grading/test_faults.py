"""A fault in any function that handles one submission costs that submission, and nobody else.

The functions are found, not listed: a class is taken through every command once, and whoever of grading's functions is
called with something of one student's, and of nobody else's, handles one submission. Then each of them fails, for one
student by each class of error, while two others are graded as ever: every command ends well, names those it failed for,
and the next run, without the fault, puts everything right.
"""

import dataclasses
import functools
import importlib
import inspect
import io
import pkgutil
import shutil
import sys
import types
import zipfile
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner

import course_lib.classroom.grading as grading
from course_lib.classroom.grading import jobs
from course_lib.classroom.grading.assignment import load_assignment
from course_lib.classroom.grading.folders import Folders
from course_lib.classroom.grading.gradebook import Book
from course_lib.classroom.grading.intake import apart
from course_lib.cli.classroom import COMMANDS

NAME = "90_toy"
SOFTMAX = """def softmax(scores):
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)"""
RUNNING = "def running_mean(x):\n    return np.cumsum(x) / np.arange(1, len(x) + 1)"
ERRORS = {
    "culprit-value": lambda: ValueError("spoilt"),
    "culprit-recursion": lambda: RecursionError("too deep"),
    "culprit-memory": MemoryError,
    "culprit-unicode": lambda: UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"),
    "culprit-system": lambda: OSError(28, "No space left on device"),
}
IN_WORDS = {"RecursionError": "nested too deeply"}  # what reading a notebook makes of it
GOOD = ("bystander",)
EVERYBODY = (*ERRORS, *GOOD)
STEPS = ("collect", "grade", "canvas", "similar", "stats")  # `grade` writes table and pages as well
ELSEWHERE = ("sandbox", "release", "cluster", "troubles")  # apart from this process; no submission's; the guard itself


def functions():
    """Every function of grading: (what to say of it, who holds it, its name, the function, how it is wrapped)."""
    for info in pkgutil.walk_packages(grading.__path__, f"{grading.__name__}."):
        if set(info.name.split(".")) & set(ELSEWHERE):
            continue
        module = importlib.import_module(info.name)
        for holder in [module, *(one for one in vars(module).values() if inspect.isclass(one))]:
            if getattr(holder, "__module__", info.name) != info.name:
                continue
            for name, held in list(vars(holder).items()):
                inner = held
                if isinstance(held, (property, functools.cached_property, staticmethod, classmethod)):
                    inner = getattr(held, "fget", None) or getattr(held, "func", None) or held.__func__
                inner = inspect.unwrap(inner) if callable(inner) else inner
                if isinstance(inner, types.FunctionType) and inner.__code__.co_filename == module.__file__:
                    yield f"{info.name.removeprefix(f'{grading.__name__}.')}:{inner.__qualname__}", holder, name, inner


FUNCTIONS = {said: (holder, name, inner) for said, holder, name, inner in functions()}
BY_CODE = {inner.__code__: said for said, (_, _, inner) in FUNCTIONS.items()}


def whose(frame):
    """The one student whom a call is about: by its arguments, else by those of whoever called; None if several."""
    while frame is not None and "course_lib" in frame.f_code.co_filename:
        code = frame.f_code
        count = code.co_argcount + code.co_kwonlyargcount
        told = [frame.f_locals[name] for name in code.co_varnames[:count] if name in frame.f_locals]
        said = " ".join(map(text_of, told))
        found = {student for student in EVERYBODY if student in said}
        if found:
            return found.pop() if len(found) == 1 else None
        frame = frame.f_back
    return None


def text_of(value, depth=0):
    """Everything that can be read in a value, a database's rows among it."""
    if isinstance(value, (str, int, float, bytes, type(None), Path)):
        return str(value)
    if depth > 3:
        return ""
    if isinstance(value, dict):
        return " ".join(f"{key} {text_of(one, depth + 1)}" for key, one in value.items())
    if isinstance(value, (list, tuple, set)):
        return " ".join(text_of(one, depth + 1) for one in value)
    if hasattr(value, "student_id"):
        return str(value.student_id)
    if dataclasses.is_dataclass(value):
        return " ".join(text_of(getattr(value, one.name), depth + 1) for one in dataclasses.fields(value))
    return ""


class Class:
    """A class that is collected, graded and reported by the commands; its files lie in a folder of its own."""

    def __init__(self, room, folder):
        self.root, self.downloads = folder / "course", folder / "downloads"
        shutil.copytree(room.course.root, self.root)
        shutil.copytree(room.downloads, self.downloads)
        self.said = ""

    def run(self, step):
        """One command; it has to end well."""
        noon = ["--received", "2026-03-01T12:00:00+0000"]
        special = {"collect": [step, NAME, str(self.downloads), *noon], "canvas": ["export", NAME, "--canvas"],
                   "grade": [step, NAME, "--no-sandbox", "--jobs", "1"]}
        options = special.get(step, [step, NAME])
        command = next(one for one in COMMANDS if one.name == options[0])
        done = CliRunner().invoke(command, [*options[1:], "--course", str(self.root)])
        assert done.exit_code == 0, (step, done.output[-2000:], done.exception)
        self.said += done.output

    def standing(self):
        """Student → (line of the table, page without what depends on the moment)."""
        folders = Folders(self.root)
        lines = (folders.private / f"{NAME}.csv").read_text(encoding="utf-8").splitlines()[1:]
        table = {line.split(",")[0].lstrip("'"): line for line in lines}
        pages = {student: path.read_text(encoding="utf-8") for student in table
                 if (path := folders.private / "feedback" / student / NAME / f"{NAME}.html").exists()}
        return table, pages


@pytest.fixture(scope="module")
def lesson(new_classroom, toy):
    """A course with a gradebook, and downloads in which everything that is anybody's tells whose it is."""
    room = new_classroom()
    with Book(room.course, load_assignment(room.course, NAME)) as book:
        book.prepare()
    for student in EVERYBODY:
        notebook = toy(f"{SOFTMAX}\n# {student}", f"{RUNNING}\n# {student}", f"An essay by {student}.")
        for number, cell in enumerate(notebook.cells):
            if number < 2 or cell.cell_type == "markdown":
                cell.source += f"\n# {student}"
        room.put(student, notebook)
        room.put(student, f"# {student}".encode(), "helper.py")
        room.put(student, nbformat.writes(notebook).encode().replace(b"softmax", b"soft"), f"old {student}.ipynb")
        room.put(student, zipped(f"in {student}.ipynb", nbformat.writes(notebook)), f"{student}.zip")
        (room.downloads / student / "empty").mkdir()
    return room


@pytest.fixture
def spoilt(lesson, answering, monkeypatch, tmp_path_factory):
    """spoilt(): a copy of the class in which nothing has happened yet."""
    monkeypatch.setattr(jobs, "run_job", answering(lesson, say_whose))
    monkeypatch.setattr(apart, "_is_small", lambda folder: True)  # in this process, where faults can be put
    return lambda: Class(lesson, tmp_path_factory.mktemp("class"))


def zipped(name, text):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, text)
    return out.getvalue()


def say_whose(cells, run):
    """Outputs and messages with the student's name, as their own code may print it."""
    student = next(one for one in EVERYBODY if any(one in cell["source"] for cell in cells))
    wrong = {"error": "error", "type": "ValueError", "message": f"said by {student}", "line": [1, student]}
    evidence = [{**stage, "90.2 five": wrong} for stage in run["evidence"]]
    output = {"output_type": "stream", "name": "stdout", "text": f"printed by {student}"}
    data = {"output_type": "display_data", "data": {"text/plain": student, "image/png": student}}
    return run | {"cells": {cell["id"]: [output, data] for cell in cells}, "notes": [f"a note on {student}"],
                  "evidence": evidence}


@pytest.fixture(scope="module")
def healthy(lesson, answering, tmp_path_factory):
    """(what a class comes to that nothing happens to, function that handles one submission → steps that call it)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "run_job", answering(lesson, say_whose))
        patch.setattr(apart, "_is_small", lambda folder: True)  # in this process, where calls are seen
        whole, called = Class(lesson, tmp_path_factory.mktemp("class")), {}

        def watch(frame, event, argument):
            said = BY_CODE.get(frame.f_code) if event == "call" else None
            if said and step not in called.get(said, ()) and whose(frame):
                called.setdefault(said, set()).add(step)

        for step in STEPS:
            sys.setprofile(watch)
            try:
                whole.run(step)
            finally:
                sys.setprofile(None)
    return whole.standing(), called


MODULES = sorted({said.partition(":")[0] for said in FUNCTIONS})


@pytest.mark.parametrize("module", MODULES)
def test_every_function_that_handles_one_submission_may_fail(spoilt, healthy, monkeypatch, module):
    (table, pages), called = healthy
    assert set(table) == set(pages) == set(EVERYBODY)
    for said in sorted(one for one in called if one.startswith(f"{module}:")):
        room = spoilt()
        with monkeypatch.context() as patch:
            spoil(patch, *FUNCTIONS[said])
            for step in STEPS:
                if step in called[said] or step in STEPS[:2]:
                    room.run(step)
        now, written = room.standing()
        for student in GOOD:
            assert now[student] == table[student], (said, now[student])
            assert written[student] == pages[student], (said, student)
        for student in ERRORS:
            if now.get(student) == table[student] and written.get(student) == pages[student]:
                continue  # the fault was got round
            kind, told = type(ERRORS[student]()).__name__, [*now.values(), *room.said.splitlines()]
            told = [line for line in told if student in line] + [written.get(student, "")]
            assert any(kind in line or IN_WORDS.get(kind, kind) in line for line in told), (said, student, told)
        for step in ("collect", "grade"):
            room.run(step)
        now, written = room.standing()
        assert [(now[one], written[one]) for one in EVERYBODY] == [(table[one], pages[one]) for one in EVERYBODY], said


def test_the_functions_are_found(healthy):
    _, called = healthy
    assert len(called) > 90
    assert {said.partition(":")[0] for said in called} >= set(AT_LEAST.split())


AT_LEAST = """collect downloads naming sorting student_text intake.reading intake.archive intake.matching
    intake.rebuilding intake.choosing batch marking display gradebook records feedback report rows tables similar"""


def spoil(patch, holder, name, inner):
    """Let a function fail whenever it is called for a culprit, wherever it was imported to."""
    @functools.wraps(inner)
    def failing(*arguments, **options):
        student = whose(sys._getframe(1)) if not (said := mine(arguments, options)) else said
        if student in ERRORS:
            raise ERRORS[student]()
        return inner(*arguments, **options)

    def mine(arguments, options):
        said = " ".join(map(text_of, [*arguments, *options.values()]))
        found = {student for student in EVERYBODY if student in said}
        return found.pop() if len(found) == 1 else "several" if found else None

    if inspect.isclass(holder):
        held = vars(holder)[name]
        if isinstance(held, functools.cached_property):
            failing = functools.cached_property(failing)
            failing.__set_name__(holder, name)
        elif not isinstance(held, types.FunctionType):
            failing = type(held)(failing)
        patch.setattr(holder, name, failing)
        return
    held = vars(holder)[name]
    for module in [one for key, one in sys.modules.items() if key.startswith("course_lib.")]:
        for there, value in list(vars(module).items()):
            if value is held:
                patch.setattr(module, there, failing)
