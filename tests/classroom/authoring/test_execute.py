"""Executing: one thread, headless, an empty work folder; a failing cell is an error. test_build says the rest."""

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from course_lib.classroom.authoring import execute as module
from course_lib.classroom.authoring.execute import BuildError, execute


def test_cells_run_and_timing_is_dropped(tmp_path):
    nb = new_notebook(cells=[new_code_cell("import os; print(os.environ['COURSE_HEADLESS'], os.listdir('.'))")])
    execute(nb, tmp_path)
    assert nb.cells[0].outputs[0].text == "1 []\n" and nb.cells[0].metadata == {}


def test_a_failing_cell(tmp_path):
    with pytest.raises(BuildError, match="ZeroDivisionError"):
        execute(new_notebook(cells=[new_code_cell("1 / 0")]), tmp_path)


def figure_cell():
    draw = "import matplotlib.pyplot as plt\nplt.plot([0, 1])\nplt.show()"
    return new_notebook(cells=[new_code_cell(draw)])


def test_figures_are_not_stored_without_a_chinese_font(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "cjk_font", lambda: None)
    with pytest.raises(BuildError, match="no font with Chinese characters .* fonts-noto-cjk"):
        execute(figure_cell(), tmp_path)
    execute(new_notebook(cells=[new_code_cell("1")]), tmp_path)


def test_figures_are_stored_with_one(tmp_path, cjk_font):
    nb = figure_cell()
    execute(nb, tmp_path)
    assert "image/png" in nb.cells[0].outputs[0].data
