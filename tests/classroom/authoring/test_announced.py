"""A forbidden name that the text does not announce is found, in every exercise of the course."""

import nbformat
import pytest

from course_lib.classroom.authoring.announced import unannounced
from course_lib.classroom.checking.exercise import Exercise


def notebook(text, code="def f(x):\n    ..."):
    v4 = nbformat.v4
    cells = [v4.new_markdown_cell("## 01.1 · Before\n\n`tanh` is refused."), v4.new_code_cell('check("01.1", e)'),
             v4.new_markdown_cell(f"## 01.2 · Title\n\n{text}"), v4.new_code_cell(code),
             v4.new_code_cell('check("01.2", f)\n# tanh is refused')]
    return v4.new_notebook(cells=cells)


def forbids(*names):
    exercise = Exercise("01.2", "f")
    for name in names:
        exercise.forbid(name)(lambda call: call)
    return exercise


@pytest.mark.parametrize(
    "text",
    ["Write it without `np.tanh`.", "The course's `tanh` is refused.", "Not allowed: exp, tanh.",
     "torch.Tensor.tanh_ must not be used"],
)
def test_said(text):
    assert unannounced(forbids("numpy.tanh"), notebook(text)) == []
    assert unannounced(forbids("numpy.tanh"), notebook("", f'def f(x):\n    """x -> y.\n\n    {text}\n    """')) == []


@pytest.mark.parametrize("text", ["Write tanh.", "tanh is a function. Do without `exp`.", "`arctanh` is refused.", ""])
def test_not_said(text):
    assert unannounced(forbids("numpy.tanh", "numpy.exp"), notebook(text))[0] == "numpy.tanh"
