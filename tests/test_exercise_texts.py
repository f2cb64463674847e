"""What an exercise refuses, its text says."""

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
