"""A graded notebook that a browser may show. Part of grading; no lesson derives it.

Its outputs come from the sandbox and its text from a student: nothing that a browser would run passes, neither in
Formgrader nor anywhere else. Outputs keep text and PNG only; HTML in their Markdown becomes visible text.
"""

import base64
import binascii
import copy
import re
from html import unescape

import nbformat
from nbformat import NotebookNode

from course_lib.classroom.grading.assignment import Assignment
from course_lib.classroom.grading.marking import Mark
from course_lib.classroom.grading.sandbox.rounds import Run

TAG = re.compile(r"<(?=[A-Za-z/!?])")
LINK = re.compile(r"(?i)(javascript|vbscript|data)[\s\\]*:")
REFERENCES = 5  # deeper ones are broken
PNG = b"\x89PNG\r\n"
OUTPUTS, CHARACTERS = 1000, 4_000_000  # of all cells: a page that a browser opens
MORE = "… more was shown here than fits on a page"


def graded_notebook(notebook: NotebookNode, run: Run, marks: list[Mark], assignment: Assignment) -> NotebookNode:
    """A copy of `notebook` with the outputs of its run, and the verdict below each check cell."""
    shown, by_number = copy.deepcopy(notebook), {mark.number: mark for mark in marks}
    outputs, characters = OUTPUTS, CHARACTERS
    for cell in shown.cells:
        number = assignment.cells.get(cell.metadata.get("nbgrader", {}).get("grade_id"))
        if cell.cell_type == "markdown":
            cell.source = clean_markdown(cell.source)
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


def clean_markdown(source: str) -> str:
    """Markdown whose HTML is shown as text and whose links run nothing."""
    for _ in range(REFERENCES):  # javascript&#58; is a link that runs, and nbconvert resolves &amp;#58; as well
        source = unescape(source)
    return LINK.sub(r"\1 :", TAG.sub("&lt;", source.replace("&#", "& #")))


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
    return str(value or "")[:longest].encode("utf-8", "replace").decode()


def _is_picture(value):
    try:
        return isinstance(value, str) and base64.b64decode(value, validate=False).startswith(PNG) and value.isascii()
    except (binascii.Error, ValueError):
        return False
