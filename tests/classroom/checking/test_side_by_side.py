"""Grids of text: the part where things differ, of any shape."""

import numpy as np

from course_lib.classroom.checking.side_by_side import number, side_by_side


def test_a_long_row_is_cut_around_the_difference():
    expected, wrong = np.arange(40), np.arange(40) == 30
    text = side_by_side(expected, expected + 100 * wrong, wrong)
    assert text.splitlines()[1] == "29 30 31 32 33 34    29  130*  31   32   33   34"
    assert text.splitlines()[2] == "(shown: places 29–34 of the last axis)"


def test_of_more_axes_the_slice_that_differs():
    expected = np.zeros((2, 3, 2, 2), dtype=bool)
    got = expected.copy()
    got[1, 2, 0, 1] = True
    lines = side_by_side(expected, got, got).splitlines()
    assert lines[1].split() == ["False", "False", "False", "True*"] and lines[-1].startswith("(shown:[1][2] rows 0–1")


def test_numbers():
    values = (0.5, 1 / 3, 1e-9, 123456.0, np.float32(0.1), 7, np.True_, float("nan"), float("-inf"))
    texts = ["0.5", "0.3333", "1e-09", "123456", "0.1", "7", "True", "nan", "-inf"]
    assert [number(value) for value in values] == texts
