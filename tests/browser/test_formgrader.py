"""Whoever grades reads what students wrote in a browser: nothing of it runs there, and nothing is fetched for it.

A class whose every member tries something else, as `course grade` leaves it, in the real Formgrader and as feedback.
"""

import contextlib
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import playwright.sync_api as playwright_api
import pytest
from nbconvert.filters.markdown_mistune import InvalidNotebook, markdown2html_mistune

from course_lib.classroom.grading.assignment import Assignment
from course_lib.classroom.grading.batch import Result
from course_lib.classroom.grading.display import graded_notebook
from course_lib.classroom.grading.folders import Folders
from course_lib.classroom.grading.gradebook import Book
from course_lib.classroom.grading.report import feedback_page
from course_lib.classroom.grading.sandbox.rounds import Run

NAME, ESSAY = "90_toy", "answer-90-3"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TEXT = (Path(__file__).parents[1] / "classroom" / "grading" / "evasions.txt").read_text(encoding="utf-8")
EVASIONS = dict(part.split("\n", 1) for part in TEXT.split("# %% ")[1:])
EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>"
OUTPUTS = [
    *({"output_type": "display_data", "data": {kind: EVIL, "text/plain": EVIL}} for kind in (
        "text/html", "text/markdown", "text/latex", "image/svg+xml", "image/png", "image/jpeg", "text/vnd.mermaid",
        "application/vnd.jupyter.widget-view+json")),
    {"output_type": "execute_result", "data": {"application/javascript": "alert(1)"}},
    {"output_type": "display_data", "data": {"image/png": 'iVBORw0KGgo="onerror="alert(1)'}},
    {"output_type": "display_data", "data": {"text/plain": "a"},
     "metadata": {"filenames": {"image/png": "http://evil.example/evil"}}},
    {"output_type": "stream", "name": "stdout", "text": f"\x1b[31m{EVIL}\x1b]8;;javascript:alert(1)\x07a\x1b]8;;\x07"},
    {"output_type": "error", "ename": EVIL, "evalue": EVIL, "traceback": [EVIL, f"\x1b[0;31m{EVIL}"]},
]
TOGETHER = 15  # evasions on one page
# Handlers that wait for somebody are given what they wait for; links are only looked at.
PROVOKE = """() => {
    const there = document.querySelector("#notebook-container") || document.body;
    for (const element of there.querySelectorAll("*"))
        for (const kind of ["mouseover", "focus", "load", "error", "toggle", "beforetoggle", "animationstart", "start"])
            element.dispatchEvent(new Event(kind));
    const links = [...there.querySelectorAll("a, area, form, button, math, maction, animate")];
    return links.map(link => link.href?.baseVal ?? link.href ?? link.action ?? link.formAction ?? "").filter(Boolean);
}"""
COUNT = "window.ran = []; window.alert = window.confirm = what => window.top.ran.push(String(what));"


class Watched:
    """A tab that notes what ran in it, and which addresses it asked for."""

    def __init__(self, browser):
        self.context = browser.new_context()
        self.context.add_init_script(COUNT)
        self.asked, self.missing = [], []
        self.context.route("**/*", self._ask)
        self.page = self.context.new_page()
        self.page.on("response", lambda answer: answer.status >= 400 and self.missing.append(answer.url))

    def _ask(self, route):
        self.asked.append(route.request.url)
        here = route.request.url.startswith(("http://127.0.0.1:", "data:", "blob:"))
        route.continue_() if here and "evil" not in route.request.url else route.abort()

    def harm(self):
        """What ran and what was asked of somebody else, and where links lead that are not to the web or a mailbox."""
        try:
            links = self.page.evaluate(PROVOKE)
            self.page.wait_for_timeout(50)
        except playwright_api.Error as error:  # the page went elsewhere under our hands
            return [str(error)]
        frames = [frame for frame in self.page.frames if frame != self.page.main_frame]
        elsewhere = [url for url in self.asked if "evil" in url or not url.startswith(("http://127.0.0.1:", "about:"))]
        wrong = [link for link in links if not link.startswith(("http://", "https://", "mailto:"))]
        return [*self.page.evaluate("window.ran"), *elsewhere, *wrong, *(frame.url for frame in frames)]


@pytest.fixture
def watched(browser):
    """A watched tab."""
    tab = Watched(browser)
    yield tab
    tab.context.close()


def release():
    marks = {"schema_version": 3, "grade": True, "solution": True, "locked": False, "task": False, "points": 4}
    essay = nbformat.v4.new_markdown_cell("*Your answer*", metadata={"nbgrader": marks | {"grade_id": ESSAY}})
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Toy, with $\\sum_i x_i^2$"), essay])


def members():
    """Student → (the notebook as rebuilt, the run of it): an evasion as the essay, more as cells of their own."""
    texts = list(EVASIONS.values())
    for number in range(0, len(texts), TOGETHER):
        notebook = release()
        notebook.cells[1].source, more = texts[number], texts[number + 1 : number + TOGETHER]
        notebook.cells += map(nbformat.v4.new_markdown_cell, more)
        yield f"student{number:03}", notebook, Run()
    notebook = release()
    sources = ("%%javascript\nalert(1)", f"%%html\n{EVIL}", f"%%svg\n{EVIL}", f"# </pre></div>{EVIL}", "'''" + EVIL)
    notebook.cells += map(nbformat.v4.new_code_cell, sources)
    said = {notebook.cells[-1].id: OUTPUTS, notebook.cells[-2].id: OUTPUTS[::-1]}
    yield "outputs", notebook, Run({id: json.dumps(outputs).encode() for id, outputs in said.items()})


@pytest.fixture(scope="module")
def graded(tmp_path_factory, repository):
    """A course in which these have been graded."""
    folders = Folders(tmp_path_factory.mktemp("course"))
    shutil.copy(repository / "nbgrader_config.py", folders.root)
    shutil.copytree(repository / "exercises" / "07_attention", folders.root / "exercises" / NAME)
    assignment = Assignment(NAME, release(), {}, {}, {}, {}, {ESSAY: "90.3"}, {"90.3": EVIL})
    with Book(folders, assignment) as book:
        book.prepare()
        for student, notebook, run in members():
            shown = graded_notebook(notebook, run, [], assignment)
            book.record(student, [], shown, None, NOON)
            folders.autograded(student, NAME).write_text(nbformat.writes(shown), encoding="utf-8")
    return folders, assignment


@pytest.fixture(scope="module")
def jupyter(graded, serving, tmp_path_factory):
    """The address of a JupyterLab that is started in the course, with nothing but the system's programs on the PATH."""
    with serving(tmp_path_factory.mktemp("jupyter"), graded[0].root, PATH="/usr/bin:/bin") as url:
        yield url


def test_nothing_runs_in_formgrader_and_formulas_are_drawn_by_this_machine(jupyter, watched):
    page = watched.page
    page.goto(f"{jupyter}/login?token=course-tests")
    listed = page.evaluate(f"() => fetch('/formgrader/api/submitted_notebooks/{NAME}/{NAME}').then(a => a.json())")
    assert len(listed) == len(list(members()))
    for entry in listed:
        page.goto(f"{jupyter}/formgrader/submissions/{entry['id']}/")
        page.wait_for_selector(".MathJax")
        page.evaluate("() => new Promise(done => MathJax.Hub.Queue(done))")
        assert watched.harm() == [], entry["student"]
        assert page.locator(f"#{ESSAY}").count() == 1 and page.locator("#notebook-container form").count() == 0
        assert page.locator("#notebook-container .full-credit").count() == 1, "the buttons are Formgrader's own"
        assert not [url for url in watched.missing if "/HTML-CSS/TeX/" not in url], "all else is on this machine"


def test_nothing_runs_in_feedback(watched, graded, tmp_path):
    folders, assignment = graded
    with Book(folders, assignment) as book:
        rows = book.rows()
    for row in rows:
        notebook = nbformat.read(folders.autograded(row.student, NAME), as_version=4)
        result = Result(row.student, [], [EVIL], "", NOON, 1.0)
        html = feedback_page(NAME, result, row, notebook, assignment.by_hand)
        watched.page.set_content(html)
        assert watched.harm() == [], row.student
        assert watched.page.locator("pre").count() >= 1


def test_they_do_run_where_nobody_cleans(watched):
    """The same eyes on the same texts as nbconvert shows them: most run or fetch something."""
    seen = set()
    for name, text in list(EVASIONS.items())[::3]:
        watched.asked.clear()
        with contextlib.suppress(InvalidNotebook, playwright_api.Error):
            watched.page.goto("about:blank")
            watched.page.set_content(markdown2html_mistune(text), wait_until="commit")
            watched.page.wait_for_timeout(20)
        seen |= {name} if watched.harm() else set()
    assert "entity of a link, five times over" in seen and len(seen) >= 20, seen
