"""The names of a solution, and of the same with stubs."""

import os

import pytest

from course_lib.classroom.authoring.answers import answer_namespace
from course_lib.classroom.authoring.skeleton import new_exercise


def test_solution_and_stub(tmp_path):
    cells, _ = new_exercise(tmp_path, "01.1", "shares", "Shares")
    np = answer_namespace(cells)["np"]
    assert answer_namespace(cells)["shares"](np.array([1.0, 3.0])).tolist() == [0.25, 0.75]
    with pytest.raises(NotImplementedError, match="your turn"):
        answer_namespace(cells, stubs=True)["shares"](np.ones(2))


def test_checks_are_left_out(tmp_path):
    cells, _ = new_exercise(tmp_path, "01.1", "shares", "Shares")
    cells.write_text(cells.read_text() + "\n# %%\nassert False\n")
    assert "shares" in answer_namespace(cells)


def test_kernels_that_start_later_still_draw(tmp_path, monkeypatch):
    cells, _ = new_exercise(tmp_path, "01.1", "shares", "Shares")
    monkeypatch.delenv("MPLBACKEND", raising=False)
    answer_namespace(cells)
    assert "MPLBACKEND" not in os.environ
    monkeypatch.setenv("MPLBACKEND", "inline")
    answer_namespace(cells)
    assert os.environ["MPLBACKEND"] == "inline"
