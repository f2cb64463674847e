"""What stands in the same place of all answers."""

import numpy as np

from course_lib.classroom.checking.entries import entries, same_form, whole

W = np.arange(6.0).reshape(2, 3)


def test_results_of_a_tuple_and_entries_of_a_dict():
    found = entries([W, 1.0], [W + 1, 2.0], [{"D": 3.0}])
    assert [path for path, _ in found] == [("result 1",), ("result 2",)]
    assert found[0][1].sizes == {"D": 3.0} and found[1][1].got == 2.0
    found = entries({"W1": W, "b": [1.0, [2.0, "text"]]}, {"W1": W, "b": [1.0, [3.0, "text"]]}, [])
    assert [path for path, _ in found] == [("W1",), ("b", "result 1"), ("b", "result 2", "result 1")]


def test_an_array_may_stand_for_a_tuple_and_what_is_missing_is_left_out():
    assert [path for path, _ in entries([1.0, 2.0, 3.0], np.ones(3), [])] == [(f"result {i}",) for i in (1, 2, 3)]
    assert entries({"a": 1.0, "b": 2.0}, {"b": 2.0}, [])[0][0] == ("b",)
    assert entries("text", "text", []) == [] == entries(None, 1.0, [])


def test_a_long_list_is_one_thing():
    (path, case), = entries([1.0] * 9, [2.0] * 9, [])
    assert path == () and case.got.shape == (9,)
    assert whole([1.0, 2.0], [3.0, 4.0], []).got.tolist() == [3.0, 4.0] and whole(W, W, []) is None
    assert whole([1.0, [2.0]], [1.0, [2.0]], []) is None


def test_one_call_an_entry():
    calls = [{"D": 3.0, "S": 4.0}, {"D": 5.0, "S": 4.0}]
    found = entries({"small": W, "large": W}, {"small": W, "large": W}, calls)
    assert [path for path, _ in found] == [(), ()] and [case.sizes["D"] for _, case in found] == [3.0, 5.0]
    assert entries([W, W, W], [W, W, W], calls)[0][1].sizes == {"S": 4.0}


def test_a_form_is_the_same_where_each_part_has_its_part():
    a = np.ones((2, 3))
    for expected, got in (
        ([a, a], [a, 0 * a]), ([a, a], np.ones((2, 2, 3))), ({"x": a, "y": 1.0}, {"y": 2, "x": a.T}), (a, [1.0, 2.0]),
        ([1.0, 2.0, 3.0], [1.0]), (1.0, a), (["", "a"], ["b", "c"]), ([a, {"x": a}], [a, {"x": a}]),
    ):
        assert same_form(expected, got), (expected, got)
    for expected, got in (
        ([a, a, a], [a, {"keys": a}]), ({"x": a}, {"z": a}), ({"x": a}, {"x": a, "total": 1.0}), (a, None),
        ([a, "t"], [a, a]), ({"x": a}, a), ([a, a], {"x": a, "y": a}), ("t", None), (a, "t"),
    ):
        assert not same_form(expected, got), (expected, got)
