"""The builder: same source, same notebook; nothing untrue or private is stored."""

import json
import re

import nbformat
import pytest

from course_lib.classroom.authoring.build import BuildError, build, differences, read_source, sources


@pytest.fixture
def lesson(course):
    return course / "notebooks" / "01_short.py"


def without_tagged_outputs(path):
    nb = json.loads(path.read_text())
    for cell in nb["cells"]:
        if "nbval-ignore-output" in cell["metadata"].get("tags", []):
            cell["outputs"] = []
    return json.dumps(nb, indent=1)


def test_two_builds_give_the_same_bytes(course, lesson):
    notebook = build(lesson, root=course)[0]
    first, text = without_tagged_outputs(notebook), notebook.read_text()
    build(lesson, root=course)
    assert without_tagged_outputs(notebook) == first
    assert notebook.read_text() != text, "the tagged cell prints the time: it cannot agree"
    outputs = [o for c in json.loads(text)["cells"] for o in c.get("outputs", [])]
    assert any("image/png" in o.get("data", {}) for o in outputs)
    printed = "".join("".join(o.get("text", [])) for o in outputs)
    assert "threads 1 headless 1\nwork is there already: False\n" in printed
    assert nbformat.read(notebook, 4).metadata.language_info == {"name": "python"}
    assert differences(lesson, root=course) == []


def test_ids_follow_content(course, lesson):
    before = [cell.id for cell in read_source(lesson, root=course).cells]
    assert len(set(before)) == len(before), "two equal cells need two ids"
    lesson.write_text(lesson.read_text().replace("[0, 1, 4, 9]", "[0, 1, 8, 27]"))
    after = [cell.id for cell in read_source(lesson, root=course).cells]
    assert [a == b for a, b in zip(after, before, strict=True)].count(False) == 1


def test_differences_names_what_is_stale(course, lesson):
    assert differences(lesson, root=course) == ["notebooks/01_short.ipynb is missing"]
    build(lesson, root=course)
    lesson.write_text(lesson.read_text().replace("[0, 1, 4, 9]", "[0, 1, 8, 27]"))
    assert differences(lesson, root=course) == [
        "notebooks/01_short.ipynb: cell 4 differs in its source",
        "notebooks/01_short.ipynb: cell 4 differs in its id",
    ]
    lesson.write_text(lesson.read_text() + "\n# %%\n2 + 2\n")
    assert differences(lesson, root=course) == ["notebooks/01_short.ipynb has 7 cells, its source 8"]


@pytest.mark.parametrize(
    ("cell", "complaint"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("import sys; print('careful', file=sys.stderr)", "wrote to stderr"),
        ("import warnings\nwarnings.warn('old')", "wrote to stderr"),
        ("import os\nprint(os.path.abspath('/tmp/somewhere'))", "prints a machine's path"),
        ("object()", "prints a memory address"),
        ("3;", "a trailing ';'"),
    ],
)
def test_refuses_to_store(course, lesson, cell, complaint):
    lesson.write_text(f"# %%\n{cell}\n")
    with pytest.raises(BuildError, match=re.escape(complaint)) as refusal:
        build(lesson, root=course)
    assert "notebooks/01_short.py: " in str(refusal.value)
    assert list((course / "notebooks").glob("*.ipynb*")) == [], "a refused notebook must not be written"


def test_solution_and_exercise(course):
    source = course / "solutions" / "01_short" / "01_short.nb.py"
    solution, exercise = build(source, root=course)
    assert solution == course / "solutions" / "01_short" / "01_short.ipynb"
    assert exercise == course / "exercises" / "01_short" / "01_short.ipynb"
    assert "twice = 2 * x" in solution.read_text()
    assert nbformat.read(solution, 4).cells[-1].outputs[0].text == "the end\n"
    stub = nbformat.read(exercise, 4)
    assert stub.cells[1].source == (
        'def double(x):\n    """Twice x."""\n    raise NotImplementedError("your turn")'
    )
    assert all(not cell.get("outputs") for cell in stub.cells)
    assert "SOLUTION" not in exercise.read_text() and "twice" not in exercise.read_text()
    assert differences(source, root=course) == []
    exercise.write_text(exercise.read_text().replace("your turn", "my turn"))
    stale = "exercises/01_short/01_short.ipynb: cell 2 differs in its source"
    assert differences(source, root=course) == [stale]


def test_sources_are_in_course_order(course):
    (course / "notebooks" / "00_first.py").write_text("# %%\n1\n")
    (course / "notebooks" / "helper.py").write_text("1\n")
    assert [s.name for s in sources(course)] == ["00_first.py", "01_short.py", "01_short.nb.py"]
