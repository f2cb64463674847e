"""Nothing from a submission runs in a browser."""

import base64

import nbformat
import pytest

from course_lib.classroom.grading.assignment import Assignment
from course_lib.classroom.grading.display import MARKDOWN, clean_outputs, graded_notebook, handed_in, in_words
from course_lib.classroom.grading.marking import Mark
from course_lib.classroom.grading.sandbox.rounds import Run

PICTURE = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(20)).decode()


@pytest.mark.parametrize(
    "output",
    [None, 1, {}, {"output_type": "stream"}, {"output_type": "error", "traceback": 3}, {"output_type": "comm"},
     {"output_type": "display_data", "data": {"text/html": "<script>", "application/javascript": "x", "text/plain": 1}},
     {"output_type": "display_data", "data": {"image/png": "<script>"}},
     {"output_type": "display_data", "data": {"image/png": "A" * 9}},
     {"output_type": "execute_result", "data": {"image/svg+xml": "<svg onload=x>"}, "metadata": {"a": "<b>"}}],
)
def test_only_text_and_png_pass_and_the_notebook_stays_valid(output):
    clean = clean_outputs([output])
    assert all(set(one.get("data", {})) <= {"text/plain"} for one in clean) and "script" not in str(clean)
    nbformat.validate(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x", outputs=clean)]))


def test_pictures_pass():
    shown = clean_outputs([{"output_type": "display_data", "data": {"image/png": PICTURE}}])
    assert shown[0].data["image/png"] == PICTURE


def test_text_is_shown_rendered_and_clean_and_kept_as_it_was_handed_in():
    essay = "**Why** <script>alert(1)</script> $a<b$"
    cells = [nbformat.v4.new_markdown_cell("# Given"), nbformat.v4.new_markdown_cell(essay)]
    release = nbformat.v4.new_notebook(cells=cells[:1])
    notebook = nbformat.v4.new_notebook(cells=cells)
    shown = graded_notebook(notebook, Run(), [], Assignment("90_toy", release, {}, {}, {}))
    nbformat.validate(shown)
    assert shown.cells[0].source == "<div><h1>Given</h1>&#10;</div>"
    assert "<strong>Why</strong> &lt;script&gt;" in shown.cells[1].source and "<script" not in shown.cells[1].source
    assert handed_in(shown.cells[1]) == essay == notebook.cells[1].source, "and the other notebook is as it was"
    assert handed_in(nbformat.v4.new_code_cell("x = 1")) == "x = 1"


def test_only_so_much_of_a_student_is_rendered_and_all_of_it_is_shown():
    cells = [nbformat.v4.new_markdown_cell(f"*{number}*" + "a" * 9000) for number in range(9)]
    release = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("g" * MARKDOWN)])
    notebook = nbformat.v4.new_notebook(cells=[*release.cells, *cells])
    shown = graded_notebook(notebook, Run(), [], Assignment("90_toy", release, {}, {}, {})).cells[1:]
    assert [cell.source.startswith("<div><p><em>") for cell in shown] == [number < 4 for number in range(9)]
    assert all("a" * 9000 in cell.source for cell in shown)


def test_in_words():
    name = "the softmax over columns"
    mark = Mark("90.1", "Softmax", 1, 3, "mistake", name, name, "Which axis?")
    assert in_words(mark) == "90.1  1 of 3 points: the softmax over columns\nHint: Which axis?"
