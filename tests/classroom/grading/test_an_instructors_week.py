"""A week with lesson 07 from the README alone: release, collect, grade, read, regrade, hand back, export.

Every command is given as an instructor gives it, with nothing but the system's programs on the PATH. The class is small
but has had everything happen to it; what Canvas accepts is told from its own importer's rules.
"""

import csv
import io
import os
import shutil
import subprocess
import sys
import zipfile

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell
from nbgrader.api import Gradebook

from course_lib.classroom.authoring.checks_files import load_lesson_checks
from course_lib.classroom.authoring.probe_source import probe_source

NAME, ESSAY = "07_attention", "answer-07-7"
LINK = "[why](javascript&amp;amp;amp;amp;amp;colon;alert(1)) <script>alert(1)</script> ![x](http://evil.example/x.png)"
HOSTILE = ("import os; os._exit(0)", "print('x' * 10**8)", "while True: pass", "open('/etc/passwd', 'w')")


class Answers:
    """What can be handed in for a lesson."""

    def __init__(self, root):
        folder = root / "solutions" / NAME
        self.exercises, _ = load_lesson_checks(folder)
        self.solved = nbformat.read(folder / f"{NAME}.ipynb", as_version=4)
        self.release = nbformat.read(root / "exercises" / NAME / f"{NAME}.ipynb", as_version=4)

    def notebook(self, done, essay="", wrong=None, more=()):
        """The release with the first `done` exercises right but the one of index `wrong`, an essay, and more cells."""
        notebook = nbformat.from_dict(self.release)
        for number, exercise in enumerate(self.exercises[:done]):
            name = f"answer-{exercise.number.replace('.', '-')}"
            cell = _cell(notebook, name)
            cell.source = _cell(self.solved, name).source
            if number == wrong:
                mistake = exercise.mistakes[0].id
                cell.source = probe_source(exercise.text, [mistake]) + f"\n{exercise.function} = {mistake}"
        if essay:
            _cell(notebook, ESSAY).source = essay
        return nbformat.writes(nbformat.from_dict(notebook | {"cells": [*notebook.cells, *more]})).encode()


def _cell(notebook, grade_id):
    return next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


def a_class(answers: Answers, size: int) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Two archives of Canvas, file name → content: what `size` students hand in, and what some of them do once more."""
    all_right, first, second = len(answers.exercises), {}, {}
    for n in range(size):
        student, kind, file = f"student{n:02}", n % 9, f"{NAME}.ipynb"
        late, essay = "LATE_" if kind == 1 else "", f"Row {n} shows who looks at whom." if n % 2 else ""
        done = n % (all_right + 1)
        content = answers.notebook(done, essay=essay, wrong=done - 1)
        if kind in (0, 1):
            content = answers.notebook(all_right, essay=f"My reading, number {n}: the last row sees all.")
        elif kind == 4:
            content = (b"", b"{", zipped({"notes.txt": b"later"}))[n // 9 % 3]
            file = f"{NAME}.zip" if content[:2] == b"PK" else file
        elif kind == 5:
            more = [new_code_cell(HOSTILE[n // 9 % len(HOSTILE)]), new_markdown_cell(LINK)]
            content = answers.notebook(all_right, essay=LINK, more=more)
        name = f"{student}_{late}{4700 + n}_{90000 + n}_"
        first[name + file] = content
        if kind == 6:
            second[f"{student}_{4700 + n}_{91000 + n}_{NAME}-1.ipynb"] = answers.notebook(all_right, essay="Once more.")
    return first, second


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


class Week:
    """An instructor's clone, and the commands given in it."""

    def __init__(self, repository, folder):
        self.root, self.folder = folder / "course", folder
        self.root.mkdir()
        for kind in ("solutions", "exercises"):
            shutil.copytree(repository / kind / NAME, self.root / kind / NAME)
        for name in ("README.md", "nbgrader_config.py"):
            shutil.copy(repository / name, self.root)
        for name in ("course_lib", "notebooks", "runs", "tools"):
            (self.root / name).symlink_to(repository / name)

    def course(self, *arguments, status=0) -> str:
        """What a command says, started as `.venv/bin/course` is."""
        command = [sys.executable, "-m", "course_lib", *map(str, arguments), "--course", str(self.root)]
        environment = {"HOME": os.environ["HOME"], "LANG": "C.UTF-8", "PATH": "/usr/bin:/bin"}
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, encoding="utf-8")
        assert done.returncode == status, (done.stdout, done.stderr)
        return done.stdout + done.stderr

    def put(self, name, content):
        """Write a file beside the course."""
        (self.folder / name).write_bytes(content)
        return self.folder / name

    def table(self):
        """The table of grades, by number in the class."""
        with open(self.root / ".nbgrader" / f"{NAME}.csv", newline="", encoding="utf-8") as file:
            return {int(line["student"].rpartition("_")[2]) - 4700: line for line in csv.DictReader(file)}

    def pages(self):
        """Every page that is handed back, by number in the class."""
        found = (self.root / ".nbgrader" / "feedback").glob(f"*/{NAME}/{NAME}.html")
        return {int(path.parts[-3].rpartition("_")[2]) - 4700: path.read_text(encoding="utf-8") for path in found}


def as_canvas_reads(text, column):
    """ID → score, by the rules of Canvas' importer; the head must be one that it knows."""
    head, points, *students = csv.reader(io.StringIO(text))
    assert "Student" in head[0] and "ID" in head[1] and head[2] == "SIS Login ID" and head[3] == "Section"
    assert "Points Possible" in points[0] and float(points[4]) > 0 and head[4:] == [column]
    assert all(len(line) == len(head) for line in (points, *students))
    return {int(line[1]): float(line[4]) for line in students}


@pytest.fixture
def week(tmp_path, repository):
    """A Monday morning."""
    return Week(repository, tmp_path)


def test_a_week(week):
    answers, size = Answers(week.root), 7
    first, second = a_class(answers, size)
    highest = sum(exercise.points for exercise in answers.exercises)

    # Monday: what students get, and on Friday what they hand in.
    assert " files, " in week.course("release", NAME, "--out", week.folder / "07.zip")
    week.put("submissions.zip", zipped(first))
    done = week.course("collect", NAME, week.folder / "submissions.zip", "--received", "2026-03-06T18:00:00+0000")
    assert done.endswith(f"{size} students: {size} new, 0 unchanged, 0 with nothing to grade\n")
    late = {name: content for name, content in first.items() if "_LATE_" in name}
    week.course("collect", NAME, week.put("late.zip", zipped({name: content + b" " for name, content in late.items()})),
                "--received", "2026-03-07T18:00:00+0000")
    said = week.course("grade", NAME, "--due", "2026-03-06T20:00:00+0000", "--late", "10")
    table = week.table()
    assert set(table) == set(range(size)) and f"{size} students in" in said and "wait for a score by hand" in said
    assert table[4]["status"].startswith("UNREADABLE") and f"student04_4704: {table[4]['status']}" in said
    assert float(table[0]["score"]) == float(table[5]["score"]) == highest, "whatever else was in the notebook"
    assert float(table[1]["score"]) == pytest.approx(highest * (1 - 0.1 * 22 / 24), abs=1e-3)
    assert float(table[6]["score"]) < highest

    # The open question is read by a human.
    with Gradebook(f"sqlite:///{week.root}/.nbgrader/gradebook.db") as book:
        for student, points in (("student00_4700", 4), ("student05_4705", 1)):
            grade = book.find_grade(ESSAY, NAME, NAME, student)
            grade.manual_score, grade.needs_manual_grade = points, False
            book.find_comment(ESSAY, NAME, NAME, student).manual_comment = "The =first= row?"
        book.db.commit()

    # Somebody hands in once more; a check that asked for too much is mended, and all are graded by it.
    assert "1 students: 1 new" in week.course("collect", NAME, week.put("again.zip", zipped(second)),
                                              "--received", "2026-03-06T19:00:00+0000")
    checks = week.root / "solutions" / NAME / "checks" / "07_1.py"
    text = checks.read_text(encoding="utf-8")
    mended = text.replace("return ns[\"soft_lookup\"](900 * query, keys, values)",
                          "return ns[\"soft_lookup\"](90 * query, keys, values)")
    assert mended != text
    checks.write_text(mended, encoding="utf-8")
    week.course("grade", NAME)
    table = week.table()
    assert float(table[6]["score"]) == highest and table[6]["waits_for"] == "07.7", "of two, the later one"
    assert float(table[0]["score"]) == highest + 4 and table[0]["07.7"] == "4" and not table[0]["waits_for"]
    assert float(table[5]["score"]) == highest + 1

    # Everybody gets a page, Canvas its table.
    week.course("feedback", NAME)
    pages = week.pages()
    assert set(pages) == set(range(size)) and "The =first= row?" in pages[0] and "UNREADABLE" in pages[4]
    assert not any("<script" in page or "<img" in page or "href=" in page for page in pages.values())
    said = week.course("export", NAME, "--canvas", "--column", "Attention (8123)", "--out", week.folder / "canvas.csv")
    scores = as_canvas_reads((week.folder / "canvas.csv").read_text(encoding="utf-8"), "Attention (8123)")
    assert scores == {4700 + n: pytest.approx(float(line["score"])) for n, line in table.items()}
    assert f"{size} students" in said and "wait for a score by hand" in said

    # How it went, and who sat together.
    said = week.course("stats", NAME)
    assert f"{size - 1} students" in said and "×" in said
    said = week.course("similar", NAME)
    assert "student00_4700" in said and "read them before you ask" in said
    assert (week.root / ".nbgrader" / f"{NAME}-stats.html").is_file()
