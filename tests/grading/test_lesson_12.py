"""The instructor's whole path with lesson 12, and one judgement by three ways: notebook, grader, plain probes."""

import csv
import os
import random
import shutil
import subprocess
import sys
import time
import urllib.request
import zipfile

import nbformat
import pytest
from click.testing import CliRunner

from course_lib.authoring.answers import answer_namespace
from course_lib.authoring.probe_source import probe_source
from course_lib.cli import course
from course_lib.grading.assignment import load_assignment
from course_lib.grading.batch import results
from course_lib.grading.folders import Folders
from course_lib.lab import checks
from course_lib.lab.compare import compare
from course_lib.lab.exercise import load_exercises
from course_lib.lab.plain import decode
from course_lib.lab.probing import run_probes

NAME = "12_gpt"
STUDENTS = 30


@pytest.fixture(scope="module")
def root(tmp_path_factory, repository):
    """A course with lesson 12's exercises only."""
    root = tmp_path_factory.mktemp("lesson") / "course"
    for folder in ("solutions", "exercises"):
        shutil.copytree(repository / folder / NAME, root / folder / NAME)
    for name in ("README.md", "nbgrader_config.py"):
        shutil.copy(repository / name, root)
    (root / "course_lib").symlink_to(repository / "course_lib")
    return root


def call(*arguments, root):
    done = CliRunner().invoke(course, [*map(str, arguments), "--course", str(root)])
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


def choices(exercise, solution, text):
    """(what it is, source) of every answer to an exercise: the right one, the stub, each mistake of the gallery."""
    stub = f"def {exercise.function}(*arguments):\n    raise NotImplementedError('your turn')"
    found = [("right", solution), ("stub", stub)]
    for mistake in exercise.mistakes:
        found.append((mistake.id, probe_source(text, [mistake.id]) + f"\n{exercise.function} = {mistake.id}"))
    return found


def cell_of(notebook, grade_id):
    return next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


@pytest.fixture(scope="module")
def class_of_thirty(root, tmp_path_factory):
    """The class, graded through the command line: (chosen answer by student and exercise, results, folders)."""
    draw = random.Random(12)
    text = (root / "solutions" / NAME / "checks.py").read_text(encoding="utf-8")
    exercises = load_exercises(root / "solutions" / NAME / "checks.py")
    solved = nbformat.read(root / "solutions" / NAME / f"{NAME}.ipynb", as_version=4)
    archive = tmp_path_factory.mktemp("out") / "release.zip"
    call("release", NAME, "--out", archive, root=root)
    with zipfile.ZipFile(archive) as files:
        assert not [name for name in files.namelist() if name.startswith("release/solutions") or ".nbgrader" in name]
        exercises_only = {name for name in files.namelist() if name.startswith("release/exercises")}
        assert exercises_only == {f"release/exercises/{NAME}/{file}" for file in (f"{NAME}.ipynb", "checks.json")}
        release = nbformat.reads(files.read(f"release/exercises/{NAME}/{NAME}.ipynb").decode(), as_version=4)
    downloads, chosen = tmp_path_factory.mktemp("downloads"), {}
    for number in range(STUDENTS):
        notebook, mine = release.copy(), {}
        notebook = nbformat.from_dict(release)
        for exercise in exercises:
            grade_id = f"answer-{exercise.number.replace('.', '-')}"
            options = choices(exercise, cell_of(solved, grade_id).source, text)
            what, source = options[0] if number == 0 else options[1] if number == 1 else draw.choice(options)
            cell_of(notebook, grade_id).source, mine[exercise.number] = source, (what, source)
        student = f"student{number:02}_{1000 + number}"
        nbformat.write(notebook, downloads / f"{student}_77_{NAME}.ipynb")
        chosen[student] = mine
    said = call("collect", NAME, downloads, root=root)
    assert "30 students: 30 new" in said
    call("grade", NAME, "--jobs", 2, root=root)
    return chosen, results(Folders(root), NAME), Folders(root), exercises


def test_every_score_is_what_the_chosen_answers_deserve(class_of_thirty):
    chosen, found, folders, exercises = class_of_thirty
    assert len(found) == STUDENTS and not any(result.unreadable for result in found.values())
    for student, answers in chosen.items():
        for mark in found[student].marks:
            what = answers[mark.number][0]
            assert (mark.kind == "correct") == (what == "right") == (mark.points == mark.out_of), (what, mark)
            assert (mark.kind == "not started") == (what == "stub"), (what, mark)
    assert sum(mark.points for mark in found["student00_1000"].marks) == sum(e.points for e in exercises)


def test_notebook_grader_and_plain_probes_agree(class_of_thirty, root, monkeypatch, capsys):
    """The same answers by `check` as in a notebook, by the grader, and by a comparison that shares neither."""
    chosen, found, folders, exercises = class_of_thirty
    monkeypatch.chdir(root / "exercises" / NAME)
    assignment, agreed = load_assignment(folders, NAME), 0
    reference = answer_namespace(root / "solutions" / NAME / f"{NAME}.nb.py")
    for answers in list(chosen.values())[:20]:
        for exercise in exercises:
            what, source = answers[exercise.number]
            namespace = answer_namespace(root / "solutions" / NAME / f"{NAME}.nb.py")
            exec(compile(source, "answer", "exec"), namespace)
            capsys.readouterr()
            checks.check(exercise.number, namespace[exercise.function])
            in_notebook = f"{exercise.number} correct" in capsys.readouterr().out
            record = assignment.secret[exercise.number]
            plain = True
            for probe in exercise.probes:
                mine = run_probes(record, namespace, seed=99, only=[probe.id])[probe.id]
                theirs = run_probes(record, reference, seed=99, only=[probe.id])[probe.id]
                plain &= "value" in mine and compare(decode(theirs["value"]), decode(mine["value"])).ok
            memorised = {m.id for m in exercise.mistakes if m.memorised}
            assert plain == (what == "right")
            assert in_notebook == (what == "right") or what in memorised, what
            agreed += 1
    assert agreed == 20 * len(exercises)


def test_manual_score_in_a_real_browser_then_regrade_feedback_and_tables(class_of_thirty, root, chromium):
    from playwright.sync_api import sync_playwright

    chosen, found, folders, exercises = class_of_thirty
    student = "student01_1001"
    with served(root) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.goto(f"{url}/login?token=t")
        page.goto(f"{url}/formgrader/gradebook/{NAME}/{NAME}")
        page.wait_for_selector("#main-table tr td a", timeout=60_000)
        assert page.locator("#main-table tr").count() == STUDENTS
        asked = f"/formgrader/api/submitted_notebooks/{NAME}/{NAME}"
        listed = page.evaluate(f"() => fetch('{asked}').then(answer => answer.json())")
        one = next(entry for entry in listed if entry["student"] == student)
        page.goto(f"{url}/formgrader/submissions/{one['id']}/")
        box = page.locator("input.score").first
        box.wait_for(timeout=60_000)
        box.fill("0.5")
        box.press("Tab")
        page.wait_for_timeout(1500)
        browser.close()
    call("grade", NAME, "--again", "--only", student, root=root)
    call("feedback", NAME, root=root)
    assert "0.5 of" in folders.feedback(student, NAME).read_text(encoding="utf-8")
    call("export", NAME, "--csv", root=root)
    with open(root / ".nbgrader" / f"{NAME}.csv", newline="", encoding="utf-8") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    assert len(rows) == STUDENTS and rows[student]["score"] == "0.5"
    call("export", NAME, "--canvas", root=root)
    canvas = (root / ".nbgrader" / f"{NAME}-canvas.csv").read_text(encoding="utf-8").splitlines()
    assert canvas[0] == f"Student,ID,SIS Login ID,Section,{NAME}" and "student01,1001,,,0.5" in canvas
    assert "12.1" in call("stats", NAME, root=root) and "pairs" in call("similar", NAME, root=root)


class served:
    """JupyterLab with nbgrader's Formgrader over a course."""

    def __init__(self, root):
        self.root = root

    def __enter__(self):
        self.port = 8971 + os.getpid() % 500
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", f"--ServerApp.port={self.port}",
                   "--IdentityProvider.token=t", f"--ServerApp.root_dir={self.root}", "--ServerApp.port_retries=0"]
        self.log = open(self.root.parent / "lab.log", "w")
        self.process = subprocess.Popen(command, cwd=self.root, stdout=self.log, stderr=self.log)
        url = f"http://127.0.0.1:{self.port}"
        for _ in range(240):
            try:
                urllib.request.urlopen(f"{url}/api/status?token=t", timeout=2)
                return url
            except OSError:
                time.sleep(0.25)
        raise AssertionError((self.root.parent / "lab.log").read_text()[-3000:])

    def __exit__(self, *error):
        self.process.terminate()
        self.process.wait(20)
        self.log.close()
