"""nbgrader's marks on exercise cells, so that its gradebook and Formgrader read what we build.

Part of the authors' tools; no lesson derives it. The answer of 12.1 is the cell `answer-12-1`, its check the cell
`check-12-1` with the exercise's points. An open question's answer carries its points itself: such a cell is graded by
hand. The format is version 3 of nbgrader's cell metadata (nbgrader 0.9, nbgrader/nbgraderformat/v3.json); the
checksum is that of nbgrader/utils.py.
"""

import ast
import hashlib
import re

from nbformat import NotebookNode, from_dict

from course_lib.classroom.authoring.exercise import has_answer, is_check, is_free_text
from course_lib.classroom.checking.exercise import Exercise
from course_lib.classroom.checking.open_question import OpenQuestion


def mark_cells(nb: NotebookNode, exercises: list[Exercise]) -> None:
    """Give, in place, each exercise's answer cell and check cell nbgrader's metadata.

    Raises ValueError unless every exercise has one answer cell, and after it the cell `check("12.1", function)`.
    """
    code = [cell for cell in nb.cells if cell.cell_type == "code"]
    for exercise in exercises:
        wanted = ast.dump(ast.parse(f'check("{exercise.number}", {exercise.function})'))
        checks = [n for n, cell in enumerate(code) if is_check(cell) and ast.dump(ast.parse(cell.source)) == wanted]
        answers = [n for n, cell in enumerate(code) if has_answer(cell.source) and _defines(cell, exercise.function)]
        if len(answers) != 1 or checks != [answers[0] + 1]:
            raise ValueError(
                f"exercise {exercise.number} needs one cell that answers {exercise.function}, and right after it a "
                f'cell with nothing but check("{exercise.number}", {exercise.function})'
            )
        answer, check = code[answers[0]], code[checks[0]]
        answer.metadata["nbgrader"] = _marks("answer", exercise, grade=False, solution=True)
        check.metadata["nbgrader"] = _marks("check", exercise, grade=True, solution=False)


def mark_questions(nb: NotebookNode, questions: list[OpenQuestion]) -> None:
    """Give, in place, each open question its rubric and its answer cell nbgrader's metadata.

    Raises ValueError unless under each heading "## 02.6 · …" stands one answer, and no answer without a question.
    """
    wanted = {question.number: question for question in questions}
    found, heading = {}, None
    for cell in nb.cells:
        if is_free_text(cell):
            number = heading.source.split()[1] if heading else "no heading"
            if number not in wanted or number in found:
                what = "a second time" if number in found else "but is no OpenQuestion of the checks"
                raise ValueError(f"{number} is answered by a cell tagged answer, {what}")
            found[number] = (heading, cell)
        elif cell.cell_type == "markdown" and re.match(r"## \d\d\.\d+ ", cell.source):
            heading = cell
    if missing := sorted(wanted.keys() - found.keys()):
        wanted_cells = f"a heading '## {missing[0]} · …' and a Markdown cell tagged answer below it"
        raise ValueError(f"{missing[0]} needs {wanted_cells}")
    for number, (heading, answer) in found.items():
        heading.source += "\n\n" + wanted[number].rubric_text
        answer.metadata["nbgrader"] = _marks("answer", wanted[number], grade=True, solution=True)


def release_cells(nb: NotebookNode) -> None:
    """Lock, in place, the marked cells of a student's version, and add the checksums of what stands in them."""
    for cell in nb.cells:
        marks = cell.metadata.get("nbgrader")
        if marks:
            marks["checksum"] = checksum(cell)
            cell.metadata["deletable"] = False
            if marks["locked"]:
                cell.metadata["editable"] = False


def checksum(cell: NotebookNode) -> str:
    """nbgrader's checksum of a marked cell: its text, its type, and its marks."""
    marks = cell.metadata["nbgrader"]
    parts = [cell.source, cell.cell_type, marks["grade"], marks["solution"], marks["locked"], marks["grade_id"]]
    if marks["grade"]:
        parts.append(float(marks["points"]))
    return hashlib.md5("".join(map(str, parts)).encode()).hexdigest()


def _marks(role, exercise, *, grade, solution):
    marks = {
        "grade": grade,
        "grade_id": f"{role}-{exercise.number.replace('.', '-')}",
        "locked": grade and not solution,
        "schema_version": 3,
        "solution": solution,
        "task": False,
    }
    return from_dict(marks | {"points": exercise.points} if grade else marks)


def _defines(cell, name):
    tree = ast.parse(cell.source)
    return any(isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name == name for node in tree.body)
