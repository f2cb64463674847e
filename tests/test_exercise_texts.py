"""What an exercise refuses, its text says."""

import json
import re
from pathlib import Path

import pytest

from course_lib.classroom.authoring.build import read_source
from course_lib.classroom.authoring.checks_files import load_lesson_checks

ROOT = Path(__file__).parents[1]
SOURCES = sorted(ROOT.glob("solutions/*/*.nb.py"))


def text_of(source, number):
    """What a student reads of exercise `number`: all cells from its heading to the next."""
    cells, inside = [], False
    for cell in read_source(source, root=ROOT).cells:
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            inside = cell.source.startswith(f"## {number} ")
        if inside:
            cells.append(cell.source)
    return "\n".join(cells)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.parent.name)
def test_what_is_refused_is_announced(source):
    exercises, _ = load_lesson_checks(source.parent)
    silent = []
    for exercise in exercises:
        text = text_of(source, exercise.number)
        for name in exercise.forbidden:
            if name.rpartition(".")[2] not in text:
                silent.append(f"{exercise.number}: {name}")
    assert not silent, "\n".join(silent)


HOURS = {"an hour": 60, "an hour and a quarter": 75, "an hour and a half": 90, "an hour and three quarters": 105,
         "nearly two hours": 115, "under two hours": 110, "two hours": 120}
TIME = re.compile(f"({'|'.join(sorted(HOURS, key=len, reverse=True))})")


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.parent.name)
def test_how_long_they_take_is_said_alike(source):
    """In the lesson, above the exercises, and by the exercises' own minutes, to ten minutes."""
    exercises, questions = load_lesson_checks(source.parent)
    minutes = sum(one.minutes for one in (*exercises, *questions))
    lesson = (ROOT / "notebooks" / f"{source.parent.name}.py").read_text(encoding="utf-8")
    own = next(line for line in lesson.splitlines() if "to read and run" in line).partition(",")[2]
    head = text_between(read_source(source, root=ROOT).cells[0].source, "functions", "Replace")
    said = [TIME.search(text)[0] for text in (own, head)]
    assert all(abs(HOURS[one] - minutes) <= 10 for one in said), f"{minutes} minutes, and {said} are told"


def text_between(text, first, last):
    return text.partition(first)[2].partition(last)[0]


@pytest.mark.parametrize("path", sorted(ROOT.glob("exercises/*/checks.json")), ids=lambda path: path.parent.name)
def test_further_runs_are_made_as_a_check_makes_them(path):
    """With the names of the arguments: else one that is to change would count as changed, and no answer could agree."""
    for number, record in json.loads(path.read_text(encoding="utf-8"))["exercises"].items():
        for run in (run for mistake in record["mistakes"] for run in mistake.get("again", ())):
            about = run["evidence"].get("note", {}).get("about", "")
            assert about == "" or about in record["manner"]["arguments"], (number, run["probe"])
