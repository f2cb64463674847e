"""The sizes of a call's arguments, by the letters of the docstring."""

import numpy as np

from course_lib.classroom.checking.sizes import in_common, sizes_of_call


def test_letters_of_the_docstring():
    def look(query, keys, values, scale):
        """query (D,), keys (S, D), values (S, E) -> the answer (E,)."""

    found = sizes_of_call(look, (np.ones(3), np.ones((4, 3))), {"values": np.ones((4, 2)), "scale": 0.5})
    assert found == {"D": 3, "S": 4, "E": 2, "`scale`": 0.5}
    assert "S" not in sizes_of_call(look, (np.ones(3), np.ones((4, 3)), np.ones((5, 2)), 1), {}), "4 or 5"


def test_several_names_for_one_shape_and_a_dict_of_arrays():
    def net(p, x, y):
        """p: W1 (C, F), b1 (F,); x and y (B, C) -> gradients."""

    p = {"W1": np.ones((2, 5)), "b1": np.ones(5)}
    assert sizes_of_call(net, (p, np.ones((7, 2)), np.ones((7, 2))), {}) == {"C": 2, "F": 5, "B": 7}


def test_without_letters_the_axes_are_described():
    def plain(x, table, text, ids, n, flag, cube):
        """Something."""

    found = sizes_of_call(plain, (np.ones(3), np.ones((4, 6)), "né", [1, 2], 5, True, np.ones((2, 3, 4))), {})
    assert found == {
        "the length of `x`": 3, "the number of rows of `table`": 4, "the number of columns of `table`": 6,
        "the length of `text`": 2, "the number of bytes of `text`": 3, "the length of `ids`": 2, "`n`": 5,
        "axis 0 of `cube`": 2, "axis 1 of `cube`": 3, "axis 2 of `cube`": 4,
    }
    assert sizes_of_call(plain, (1,), {}) == {} and sizes_of_call(plain, (object(),) * 7, {}) == {}


def test_what_all_calls_have_in_common():
    assert in_common([{"D": 3, "S": 4}, {"D": 3, "S": 5}]) == {"D": 3} and in_common([]) == {}
