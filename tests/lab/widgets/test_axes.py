"""Axes that do not fit are refused, with the numbers and a way out."""

import numpy as np
import pytest

from course_lib.lab.widgets.axes import cell_name, check_axes

AXES = {"Q": "TD", "scores": "TS", "loss": ""}


def test_cells_are_called_by_their_labels():
    labels = {"T": ["the", "cat"], "S": ["le", "chat"]}
    assert cell_name("scores", (1, 0), AXES, labels) == "scores[cat, le]"
    assert cell_name("Q", (1, 0), AXES, labels) == "Q[cat, 0]"
    assert cell_name("loss", (), AXES, labels) == "loss"


@pytest.mark.parametrize("arrays, labels, message", [
    ({"Q": np.ones(3)}, {}, r"Q has shape \(3,\), and axes says 'TD'; give one letter"),
    ({"K": np.ones((3, 2))}, {}, r"K has shape \(3, 2\), and axes says None"),
    ({"Q": np.ones((3, 2)), "scores": np.ones((4, 4))}, {}, "axis T is 3 long, but 4 in scores"),
    ({"Q": np.ones((3, 17))}, {}, r"shape \(3, 17\); a microscope shows at most 16"),
    ({"Q": np.ones((3, 2))}, {"T": ["the", "cat"]}, "2 labels for axis T, which is 3 long"),
])
def test_what_does_not_fit(arrays, labels, message):
    with pytest.raises(ValueError, match=message):
        check_axes(arrays, AXES, labels)


def test_what_fits():
    check_axes({"Q": np.ones((3, 2)), "scores": np.ones((3, 5)), "loss": np.ones(())}, AXES, {"T": list("abc")})
