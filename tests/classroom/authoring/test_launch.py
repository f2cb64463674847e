"""Launch badges appear with a public address, and only then."""

import re

import pytest

from course_lib.classroom.authoring.build import read_source
from course_lib.classroom.authoring.launch import public_repository


@pytest.fixture
def lesson(course):
    return course / "notebooks" / "01_short.py"


def publish(course):
    pyproject = course / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace("OWNER/REPO", "someone/course"))


def test_nothing_while_the_owner_is_unknown(course, lesson):
    nb = read_source(lesson, root=course)
    assert nb.cells[0].source == "# A short lesson"
    assert nb.cells[1].source.startswith("import os") and "pip" not in nb.cells[1].source
    assert public_repository(course / "pyproject.toml") is None


def test_three_badges_and_an_install_cell(course, lesson):
    before = read_source(lesson, root=course)
    publish(course)
    nb = read_source(lesson, root=course)
    links = re.findall(r"\]\((https://[^)]*01_short.ipynb)\)", nb.cells[0].source)
    assert links == [
        "https://colab.research.google.com/github/someone/course/blob/main/notebooks/01_short.ipynb",
        "https://kaggle.com/kernels/welcome?src=https://github.com/someone/course/blob/main/notebooks/01_short.ipynb",
        "https://mybinder.org/v2/gh/someone/course/HEAD?urlpath=lab/tree/notebooks/01_short.ipynb",
    ]
    assert "git+https://github.com/someone/course" in nb.cells[1].source
    assert [c.source for c in nb.cells[2:]] == [c.source for c in before.cells[2:]]
    assert [c.id for c in nb.cells] == [c.id for c in before.cells], "publishing must not change any id"


def test_install_cell_does_nothing_where_the_course_is_installed(course, lesson, monkeypatch):
    publish(course)
    cell = read_source(lesson, root=course).cells[1].source
    monkeypatch.setattr("subprocess.run", lambda *a, **k: pytest.fail("installed again"))
    exec(cell, {})


def test_the_project_itself_has_the_line(repository):
    text = (repository / "pyproject.toml").read_text()
    assert len(re.findall(r"^Repository = ", text, re.MULTILINE)) == 1
