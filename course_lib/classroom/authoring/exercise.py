"""From a solution to its exercise: answers become stubs. Part of the authors' tools; no lesson derives it.

An answer stands between two markers, inside a function or at the top of a cell:

    ### BEGIN SOLUTION
    return ...
    ### END SOLUTION

The markers are nbgrader's, so that an instructor can use its release step as well. A free text that answers an open
question is a Markdown cell tagged `answer`, and becomes an empty one.
"""

import ast
import copy

from nbformat import NotebookNode

from course_lib.classroom.checking.open_question import STUB as FREE_TEXT
from course_lib.classroom.checking.probing import YOUR_TURN

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
STUB = f'raise NotImplementedError("{YOUR_TURN}")'


def has_answer(source: str) -> bool:
    """Whether a cell's source holds an answer."""
    return BEGIN in source or END in source


def cut_answers(source: str) -> str:
    """The source with each marked answer replaced by one line that raises NotImplementedError.

    Raises ValueError, with the line, for a region that is nested, never opened or never closed.
    """
    kept, opened = [], None
    for number, line in enumerate(source.splitlines(), start=1):
        mark = line.strip()
        if mark == BEGIN:
            if opened:
                raise ValueError(f"line {number}: '{BEGIN}' inside the answer of line {opened}")
            opened = number
            kept.append(line[: line.index("#")] + STUB)
        elif mark == END:
            if not opened:
                raise ValueError(f"line {number}: '{END}' without '{BEGIN}' above it")
            opened = None
        elif not opened:
            if has_answer(line):
                raise ValueError(f"line {number}: a marker must stand alone on its line, got {line!r}")
            kept.append(line)
    if opened:
        raise ValueError(f"line {opened}: '{BEGIN}' is never closed by '{END}'")
    return "\n".join(kept)


def is_free_text(cell: NotebookNode) -> bool:
    """Whether a cell is a written answer, for a person to grade."""
    return cell.cell_type == "markdown" and "answer" in cell.metadata.get("tags", [])


def is_check(cell: NotebookNode) -> bool:
    """Whether a code cell judges an answer: tagged `check`, calls check(...), or has an assert of its own."""
    if "check" in cell.metadata.get("tags", []):
        return True
    return any(isinstance(node, ast.Assert) or _calls_check(node) for node in ast.walk(ast.parse(cell.source)))


def _calls_check(node):
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "check"


def student_version(nb: NotebookNode) -> NotebookNode:
    """A copy of a solution notebook as a student receives it: stubs, no outputs, *Run all* reaches the end.

    A check fails until the exercise is done; the tag `raises-exception` lets Jupyter go on to the next cell.
    """
    nb = copy.deepcopy(nb)
    for cell in nb.cells:
        if is_free_text(cell):
            cell.source = FREE_TEXT
        if cell.cell_type != "code":
            continue
        cell.outputs, cell.execution_count = [], None
        if has_answer(cell.source):
            at_top = any(line.strip() == BEGIN and line[:1] == "#" for line in cell.source.splitlines())
            cell.source = cut_answers(cell.source)
            raises = at_top
        else:
            raises = is_check(cell)
        if raises:
            cell.metadata["tags"] = sorted({*cell.metadata.get("tags", []), "raises-exception"})
    return nb
