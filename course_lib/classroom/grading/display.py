"""A graded notebook that a browser may show. Part of grading; no lesson derives it.

Its outputs come from the sandbox and its text from a student: nothing that a browser would run passes, neither in
Formgrader nor anywhere else. Outputs keep text and PNG only; Markdown is rendered and cleaned (markup), and what was
handed in is kept beside it.
"""

import base64
import binascii
import copy

import nbformat
from nbformat import NotebookNode

from course_lib.classroom.grading import student_text
from course_lib.classroom.grading.assignment import Assignment
from course_lib.classroom.grading.marking import Mark
from course_lib.classroom.grading.markup import as_html, as_line
from course_lib.classroom.grading.sandbox.rounds import Run

MARKDOWN = 40_000  # characters of one student that are rendered; a text may be made to be slow
KEPT = "handed_in"  # the metadata that holds Markdown as it was handed in
PNG = b"\x89PNG\r\n"
OUTPUTS, CHARACTERS = 1000, 4_000_000  # of all cells: a page that a browser opens
MORE = "… more was shown here than fits on a page"


def graded_notebook(notebook: NotebookNode, run: Run, marks: list[Mark], assignment: Assignment) -> NotebookNode:
    """A copy of `notebook` with the outputs of its run, and the verdict below each check cell."""
    shown, by_number = copy.deepcopy(notebook), {mark.number: mark for mark in marks}
    given, left = {cell.source for cell in assignment.release.cells}, MARKDOWN
    outputs, characters = OUTPUTS, CHARACTERS
    for cell in shown.cells:
        cell.source = student_text.legible(cell.source)
        number = assignment.cells.get(cell.metadata.get("nbgrader", {}).get("grade_id"))
        if cell.cell_type == "markdown":
            left -= 0 if cell.source in given else len(cell.source)
            cell.metadata[KEPT] = cell.source
            cell.source = as_html(cell.source) if left >= 0 else as_line(cell.source)
        elif number:
            text = f"{in_words(by_number[number])}\n"
            cell.outputs, cell.execution_count = [nbformat.v4.new_output("stream", name="stdout", text=text)], None
        elif cell.cell_type == "code":
            said = run.said.get(cell.id, b"")
            characters -= len(said)
            found = clean_outputs(run.outputs(cell.id)[: max(outputs, 0)] if characters > 0 else [])
            outputs -= len(found)
            if said and (outputs <= 0 or characters <= 0):
                found.append(nbformat.v4.new_output("stream", name="stderr", text=MORE))
            cell.outputs, cell.execution_count = found, None
    return shown


def handed_in(cell: NotebookNode) -> str:
    """The text of a cell of a graded notebook as it was handed in."""
    return cell.metadata.get(KEPT, cell.source)


def in_words(mark: Mark) -> str:
    """One exercise's result as text, the named mistake and its hint included."""
    lines = [f"{mark.number}  {mark.points:g} of {mark.out_of:g} points: {mark.message}"]
    lines += [f"This looks like {mark.mistake}."] if mark.mistake and mark.mistake != mark.message else []
    return "\n".join(lines + ([f"Hint: {mark.hint}"] if mark.hint else []))


def clean_outputs(outputs: object) -> list[NotebookNode]:
    """Untrusted outputs as valid notebook outputs of text and PNG; whatever does not fit is left out."""
    clean = []
    for one in outputs[:300] if isinstance(outputs, list) else []:
        kind = one.get("output_type") if isinstance(one, dict) else None
        if kind == "stream":
            name = "stderr" if one.get("name") == "stderr" else "stdout"
            clean.append(nbformat.v4.new_output(kind, name=name, text=_text(one.get("text"))))
        elif kind == "error":
            lines = one.get("traceback")
            lines = [_text(line, 2000) for line in lines[:20]] if isinstance(lines, list) else []
            words = {"ename": _text(one.get("ename"), 200), "evalue": _text(one.get("evalue"), 2000)}
            clean.append(nbformat.v4.new_output(kind, traceback=lines, **words))
        elif kind in ("display_data", "execute_result") and isinstance(one.get("data"), dict):
            data = {"text/plain": _text(one["data"].get("text/plain"))}
            if _is_picture(one["data"].get("image/png")):
                data["image/png"] = one["data"]["image/png"]
            clean.append(nbformat.v4.new_output("display_data", data=data))
    return clean


def _text(value, longest=60_000):
    return student_text.legible(value or "", longest)


def _is_picture(value):
    try:
        return isinstance(value, str) and base64.b64decode(value, validate=False).startswith(PNG) and value.isascii()
    except (binascii.Error, ValueError):
        return False
