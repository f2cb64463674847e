"""A term with lesson 12: the instructor's whole path, from the release to the tables of grades, in one test.

The class of thirty is made by `a_class`: right and wrong answers, and the accidents that every class has.
"""

import contextlib
import csv
import io
import random
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner
from nbformat.v4 import new_code_cell, new_markdown_cell

from course_lib.classroom.authoring.checks_files import load_lesson_checks
from course_lib.classroom.authoring.probe_source import probe_source
from course_lib.classroom.grading.folders import Folders
from course_lib.classroom.grading.records import Result, results
from course_lib.cli import course

NAME = "12_gpt"
ESSAY = "answer-12-9"  # a question of the instructor's own, which a human grades
ASKED = ("## 12.9 · What surprised you? (●○○○○, 5 minutes)", "*Your answer*")
STUDENTS, ORDINARY = 30, 20
SECONDS = 1000  # Playwright counts in milliseconds


# ---- the class ------------------------------------------------------------------------------------------------------


@dataclass
class Student:
    """One of the class: what was answered to each exercise ("right", "stub" or a mistake's name), and as which file."""

    name: str
    answers: dict[str, str]
    notebook: nbformat.NotebookNode
    file: str = f"{NAME}.ipynb"
    raw: bytes = b""
    essay: str = ""
    unreadable: str = ""
    again: nbformat.NotebookNode | None = field(default=None, repr=False)  # handed in two days later

    @property
    def content(self) -> bytes:
        """The bytes of the file."""
        return self.raw or nbformat.writes(self.notebook).encode()


class Answers:
    """What can be answered to the exercises of the lesson, as source: right, the stub, each mistake of the gallery."""

    def __init__(self, folder: Path):
        self.exercises, _ = load_lesson_checks(folder)
        self.solved = nbformat.read(folder / f"{NAME}.ipynb", as_version=4)

    def choices(self, exercise):
        """Names of all answers to an exercise."""
        return ["right", "stub", *(mistake.id for mistake in exercise.mistakes)]

    def source(self, exercise, what):
        """The text of an answer's cell."""
        if what == "right":
            return cell_of(self.solved, answer_to(exercise.number)).source
        if what == "stub":
            return f"def {exercise.function}(*arguments):\n    raise NotImplementedError('your turn')"
        return probe_source(exercise.text, [what]) + f"\n{exercise.function} = {what}"

    def fill(self, release, chosen, essay=""):
        """A copy of the release with these answers: exercise number → what."""
        notebook = nbformat.from_dict(release)
        for exercise in self.exercises:
            cell_of(notebook, answer_to(exercise.number)).source = self.source(exercise, chosen[exercise.number])
        if essay:
            cell_of(notebook, ESSAY).source = essay
        return notebook

    def all(self, what):
        """The same to every exercise."""
        return {exercise.number: what for exercise in self.exercises}


def a_class(release, answers: Answers) -> list[Student]:
    """Thirty students: twenty with answers drawn from all that there are, ten to whom something happened."""
    draw, everything, nothing = random.Random(12), answers.all("right"), answers.all("stub")

    def student(name, chosen, essay="", **more):
        return Student(name, chosen, answers.fill(release, chosen, essay), essay=essay, **more)

    found = [
        student("best", everything, essay="That two blocks are enough."),
        student("untouched", nothing),
        student("corrupt", everything, unreadable="it is not a notebook"),
        student("empty", nothing, raw=b"\n", unreadable="the file is empty"),
        student("otherwise", everything, file="GPT (1) final.ipynb"),
        student("zipped", everything, file="work.zip"),
        student("wiped", everything),
        student("crashing", everything),
        student("late", everything, essay="<b>Nothing</b> did."),
        student("resubmits", nothing, again=answers.fill(release, everything, "That it repeats itself.")),
    ]
    by_name = {one.name: one for one in found}
    by_name["corrupt"].raw = by_name["corrupt"].content[:-500]
    by_name["otherwise"].raw = b"\xef\xbb\xbf" + by_name["otherwise"].content.replace(b"\n", b"\r\n")
    by_name["zipped"].raw = zipped(f"work/{NAME}.ipynb", by_name["zipped"].content)
    for number, cell in enumerate(by_name["wiped"].notebook.cells):  # as some editors do
        cell["id"], cell.metadata = f"n{number}", {}
    by_name["crashing"].notebook.cells.append(new_code_cell("import os; os._exit(0)"))
    for number in range(ORDINARY):
        chosen = {exercise.number: draw.choice(answers.choices(exercise)) for exercise in answers.exercises}
        found.append(student(f"student{number:02}", chosen, essay="How fast it is." if number % 4 == 0 else ""))
    return found


def zipped(name, content):
    """A zip archive of one file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, content)
    return out.getvalue()


def cell_of(notebook, grade_id):
    """The cell that nbgrader knows by this name."""
    return next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


def answer_to(number):
    """The name of an exercise's answer cell."""
    return f"answer-{number.replace('.', '-')}"


# ---- the instructor -------------------------------------------------------------------------------------------------


class Term:
    """A course with lesson 12 and a question of the instructor's own, and the commands that an instructor gives."""

    def __init__(self, repository: Path, folder: Path):
        self.folder, self.root = folder, folder / "course"
        for kind in ("solutions", "exercises"):
            shutil.copytree(repository / kind / NAME, self.root / kind / NAME)
        for name in ("README.md", "nbgrader_config.py"):
            shutil.copy(repository / name, self.root)
        (self.root / "course_lib").symlink_to(repository / "course_lib")
        path = self.root / "exercises" / NAME / f"{NAME}.ipynb"
        self.release = nbformat.read(path, as_version=4)
        marks = {"grade_id": ESSAY, "grade": True, "solution": True, "points": 4, "locked": False, "schema_version": 3,
                 "task": False}
        question, answer = map(new_markdown_cell, ASKED)
        answer.metadata["nbgrader"] = marks
        self.release.cells += [question, answer]
        nbformat.write(self.release, path)
        self.answers = Answers(self.root / "solutions" / NAME)
        self.students = {one.name: one for one in a_class(self.release, self.answers)}
        self.folders = Folders(self.root)

    def course(self, *arguments) -> str:
        """What a command says; it must succeed."""
        done = CliRunner().invoke(course, [*map(str, arguments), "--course", str(self.root)])
        assert done.exit_code == 0, (done.output, done.exception)
        return done.output

    def downloads(self, files: dict[str, tuple[str, bytes]]) -> Path:
        """A folder of what students handed in, named as Canvas does: student → (file name, content)."""
        folder = self.folder / f"downloads{len(list(self.folder.glob('downloads*')))}"
        folder.mkdir()
        for number, (student, (file, content)) in enumerate(sorted(files.items())):
            (folder / f"{canvas(student)}_{700 + number}_{file}").write_bytes(content)
        return folder

    def first_downloads(self) -> Path:
        """What everyone handed in on the day."""
        return self.downloads({one.name: (one.file, one.content) for one in self.students.values()
                               if one.name != "late"})

    def found(self) -> dict[str, Result]:
        """Results by student."""
        return {plain(student): result for student, result in results(self.folders, NAME).items()}

    def seconds(self) -> dict[str, float]:
        """How long the code of each student who is graded ran, to the last digit."""
        return {student: one.seconds for student, one in self.found().items() if not one.status.startswith("UNGRADED")}

    def rows(self) -> dict[str, dict]:
        """The table of grades by student."""
        with open(self.root / ".nbgrader" / f"{NAME}.csv", newline="", encoding="utf-8") as file:
            return {plain(row["student"]): row for row in csv.DictReader(file)}

    def page(self, student) -> str:
        """The feedback of a student."""
        return self.folders.feedback(canvas(student), NAME).read_text(encoding="utf-8")


def canvas(student):
    """A student's name and number in Canvas."""
    return f"{student}_{zlib.crc32(student.encode())}"


def plain(student):
    """The student's name alone."""
    return student.partition("_")[0]


@pytest.fixture
def term(tmp_path, repository):
    """A term that has not begun."""
    return Term(repository, tmp_path)


def interrupt_grading(term, after=3):
    """Start to grade, and kill it when some are done."""
    command = [sys.executable, "-m", "course_lib", "grade", NAME, "--course", str(term.root)]
    with open(term.folder / "grade.log", "w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    evidence = term.root / ".nbgrader" / "results" / NAME
    while len(list(evidence.glob("*.json"))) < after and process.poll() is None:
        time.sleep(0.05)
    process.kill()
    process.wait()
    assert after <= len(list(evidence.glob("*.json"))) < STUDENTS - 1, (term.folder / "grade.log").read_text()


@contextlib.contextmanager
def formgrader(term, chromium):
    """A tab of Chromium at nbgrader's Formgrader in JupyterLab, over the course: (page, its address)."""
    from playwright.sync_api import sync_playwright

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url, log = f"http://127.0.0.1:{port}", open(term.folder / "lab.log", "w")
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--IdentityProvider.token=t",
               f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={term.root}"]
    server = subprocess.Popen(command, cwd=term.root, stdout=log, stderr=log)
    try:
        for _ in range(240):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{url}/api/status?token=t", timeout=2)
                break
            time.sleep(0.25)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_page()
            page.goto(f"{url}/login?token=t")
            yield page, f"{url}/formgrader"
            browser.close()
    finally:
        server.terminate()
        server.wait(20)
        log.close()


# ---- the test -------------------------------------------------------------------------------------------------------


def test_a_term_from_the_release_to_the_grades(term, chromium, tmp_path):
    right = sum(exercise.points for exercise in term.answers.exercises)

    # What students get holds the exercises and no answer.
    term.course("release", NAME, "--out", tmp_path / "gpt.zip")
    with zipfile.ZipFile(tmp_path / "gpt.zip") as archive:
        files = [name.removeprefix("gpt/") for name in archive.namelist()]
        released = nbformat.reads(archive.read(f"gpt/exercises/{NAME}/{NAME}.ipynb").decode(), as_version=4)
    assert released == term.release
    assert [file for file in files if file.startswith("exercises/")] == [
        f"exercises/{NAME}/{NAME}.ipynb", f"exercises/{NAME}/checks.json"]
    assert not [file for file in files if file.startswith(("solutions", ".nbgrader", "work"))]

    # Nearly all hand in on the day; grading is interrupted, and goes on where it was.
    said = term.course("collect", NAME, term.first_downloads(), "--received", "2026-03-01T10:00:00+0000")
    assert said.endswith(f"{STUDENTS - 1} students: {STUDENTS - 1} new, 0 unchanged, 0 with nothing to grade\n")
    interrupt_grading(term)
    done = term.seconds()
    said = term.course("grade", NAME, "--jobs", 2, "--due", "2026-03-01T12:00:00+0000", "--late", 10)
    assert f"{canvas('empty')}: UNREADABLE: the file is empty" in said
    assert f"{canvas('crashing')}: cell" in said and "died" in said
    first = [name for name, one in term.students.items() if one.essay and name != "late"]
    assert f"{len(first)} of {STUDENTS - 1} wait for a score by hand" in said
    assert done.items() < term.seconds().items(), "what was done was not run again"

    # Everyone has the points that the answers deserve.
    found = term.found()
    assert set(found) == set(term.students) - {"late"}
    for name, result in found.items():
        assert result.unreadable.startswith(term.students[name].unreadable)
        assert bool(result.unreadable) == bool(term.students[name].unreadable)
        for mark in result.marks if not result.unreadable else []:
            what = term.students[name].answers[mark.number]
            assert (mark.kind == "correct") == (what == "right") == (mark.points == mark.out_of), (name, what, mark)
            assert (mark.kind == "not started") == (what == "stub"), (name, what, mark)

    # A human reads what machines cannot, in Formgrader.
    with formgrader(term, chromium) as (page, url):
        page.goto(f"{url}/gradebook/{NAME}/{NAME}")
        page.wait_for_selector("#main-table tr td a", timeout=60 * SECONDS)
        assert page.locator("#main-table tr").count() == STUDENTS - 1
        assert page.locator("#main-table .needs-manual-grade .glyphicon-ok").count() == len(first)
        asked = f"/formgrader/api/submitted_notebooks/{NAME}/{NAME}"
        listed = page.evaluate(f"() => fetch('{asked}').then(answer => answer.json())")
        best = next(entry["id"] for entry in listed if entry["student"] == canvas("best"))
        page.goto(f"{url}/submissions/{best}/")
        page.get_by_text("That two blocks are enough.").wait_for(timeout=60 * SECONDS)
        for exercise in term.answers.exercises:
            said = f"{exercise.number} {exercise.points:g} of {exercise.points:g} points: correct"
            assert page.get_by_text(said).count() == 1, "what the machine says stands below each check"
        for box, text in ((f"#{ESSAY}", "3"), (f"#{ESSAY}-comment", "Why <i>two</i>?")):
            page.locator(box).fill(text)
            with page.expect_response(lambda answer: answer.request.method == "PUT" and answer.ok):
                page.locator(box).press("Tab")
        page.screenshot(path=tmp_path / "formgrader.png", full_page=True)

    # One is late, one hands in once more; grading all again keeps what was given by hand.
    more = {"late": (f"{NAME}.ipynb", term.students["late"].content),
            "resubmits": (f"{NAME}-1.ipynb", nbformat.writes(term.students["resubmits"].again).encode())}
    said = term.course("collect", NAME, term.downloads(more), "--received", "2026-03-03T12:00:00+0000")
    assert said.endswith("2 students: 2 new, 0 unchanged, 0 with nothing to grade\n")
    said = term.course("grade", NAME)
    assert f"{len(first) + 1} of {STUDENTS} wait for a score by hand" in said, "one has a score, two are new"
    term.course("grade", NAME, "--again", "--only", canvas("best"))
    assert term.found()["resubmits"].attempts == 2

    # Everyone gets a page, the registrar a table, Canvas its own.
    term.course("feedback", NAME)
    page = term.page("best")
    assert f"<strong>{right + 3:g} of {right + 4:g} points</strong>" in page
    assert "12.9 What surprised you?" in page and "3 of 4, given by hand" in page
    assert "Why &lt;i&gt;two&lt;/i&gt;?" in page
    assert "to be graded by hand, 4 points" in term.page("late") and "&lt;b&gt;Nothing&lt;/b&gt;" in term.page("late")
    assert "not answered" in term.page("untouched") and "UNREADABLE: the file is empty" in term.page("empty")
    said = term.course("export", NAME, "--csv")
    assert f"{STUDENTS} students" in said and f"{len(first) + 1} of {STUDENTS} wait" in said
    rows = term.rows()
    assert {name for name, row in rows.items() if row["waits_for"]} == {*first, "late", "resubmits"} - {"best"}
    assert (rows["best"]["score"], rows["best"]["12.9"]) == (f"{right + 3:g}", "3")
    assert float(rows["late"]["score"]) == pytest.approx(0.8 * right) and rows["late"]["12.9"] == ""
    assert float(rows["late"]["late_penalty"]) == pytest.approx(0.2 * right)
    assert float(rows["resubmits"]["score"]) == pytest.approx(0.8 * right)
    assert [name for name, row in rows.items() if row["status"] != "graded"] == ["corrupt", "empty"]
    for name in ("otherwise", "zipped", "wiped", "crashing"):
        assert rows[name]["score"] == f"{right:g}" and rows[name]["notes"], name
    term.course("export", NAME, "--canvas", "--out", tmp_path / "canvas.csv")
    lines = (tmp_path / "canvas.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == f"Student,ID,SIS Login ID,Section,{NAME}" and len(lines) == 2 + STUDENTS
    assert f"{canvas('best').replace('_', ',')},,,{right + 3:g}" in lines

    # How the class did.
    said = term.course("stats", NAME)
    assert f"{STUDENTS - 2} students" in said and all(exercise.number in said for exercise in term.answers.exercises)
    assert "×" in (term.root / ".nbgrader" / f"{NAME}-stats.html").read_text(encoding="utf-8")
    assert "look alike by nature: read them before you ask" in term.course("similar", NAME)
