"""Cutting answers out of solutions."""

import ast

import pytest
from nbclient import NotebookClient

from course_lib.classroom.authoring.build import read_source
from course_lib.classroom.authoring.exercise import cut_answers, student_version

ANSWER = "def f(x):\n    y = x\n    ### BEGIN SOLUTION\n    y = 3\n    return y\n    ### END SOLUTION\n"


def test_an_answer_becomes_one_line():
    cut = cut_answers(ANSWER)
    assert cut == 'def f(x):\n    y = x\n    raise NotImplementedError("your turn")'
    ast.parse(cut)


def test_two_answers_in_one_cell():
    cut = cut_answers(ANSWER + "z = 1\n" + ANSWER)
    assert cut.count("NotImplementedError") == 2 and "z = 1" in cut and "y = 3" not in cut


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION", "line 2: .*inside the answer of line 1"),
        ("x = 1\n### END SOLUTION", "line 2: .*without"),
        ("x = 1\n### BEGIN SOLUTION\ny = 2", "line 2: .*never closed"),
        ("x = 1  ### BEGIN SOLUTION", "line 1: a marker must stand alone"),
    ],
)
def test_broken_regions_are_refused(source, complaint):
    with pytest.raises(ValueError, match=complaint):
        cut_answers(source)


def test_run_all_reaches_the_end(course):
    source = course / "solutions" / "01_short" / "01_short.nb.py"
    exercise = student_version(read_source(source, root=course))
    NotebookClient(exercise, kernel_name="python3").execute()  # raises at the first error outside a check
    assert exercise.cells[2].outputs[0].ename == "NotImplementedError"
    assert exercise.cells[-1].outputs[0].text == "the end\n"
