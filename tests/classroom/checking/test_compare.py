"""Comparing: shapes first, then dtypes, then values on the scale of what is expected; and the words for it."""

import numpy as np
import pytest

from course_lib.classroom.checking.compare import compare

W = np.array([[0.5, 0.5], [0.25, 0.75]])


def test_equal_within_the_scale_of_the_values():
    assert compare(W, W + 1e-6).ok
    assert compare(1e6 * W, 1e6 * W + 1).ok
    assert not compare(1e-6 * W, np.zeros((2, 2))).ok, "small values are no excuse for zeros"
    assert not compare(W, W + 1e-3).ok
    assert compare(np.zeros(3), np.full(3, 1e-6)).ok and not compare(np.zeros(3), np.full(3, 1e-3)).ok


def test_shapes_come_first_and_say_what_the_axes_are():
    verdict = compare(np.ones((3, 4)), np.ones((4, 3)), yours="your weights", axes="queries down, keys across")
    assert verdict.kind == "shape"
    assert verdict.message == "your weights has shape (4, 3), it should be (3, 4): queries down, keys across"
    assert compare(np.ones((3, 1)), np.ones(3)).kind == "shape", "no broadcasting"


def test_true_is_not_one():
    verdict = compare(np.array([True]), np.array([1]))
    assert verdict.kind == "dtype"
    assert verdict.message == "your answer holds whole numbers (int64), it should hold True and False (bool)"
    assert compare(True, 1.0).message == (
        "your answer is a floating-point number (float64), it should be a True or False (bool)")
    assert compare(1.0, True).kind == compare([1, 2], [True, False]).kind == "dtype"
    assert compare(W.astype(np.float32), W).ok and compare(np.array([1], dtype=np.int32), np.array([1])).ok


def test_whole_floats_pass_for_integers_unless_the_exercise_says_otherwise():
    assert compare(np.array([1, 2]), np.array([1.0, 2.0])).ok and compare(3, 3.0).ok and compare(2.0, 2).ok
    assert compare(2**60, float(2**60)).ok and not compare(10**10, 10**10 + 1.0).ok, "to the last place"
    assert compare(3, 2.9999).message == "your answer is 2.9999, it should be 3, a whole number"
    assert not compare(np.array([1, 2]), np.array([1.0, np.nan])).ok
    verdict = compare(np.array([1, 2]), np.array([1.0, 2.0]), integers=True)
    assert (verdict.ok, verdict.kind) == (False, "dtype")
    assert verdict.message == (
        "your answer holds floating-point numbers (float64); "
        "the values are right, but the exercise asks for integers (int)"
    )
    assert "is a floating-point number (float64): it is 3; the values are" in compare(3, 3.0, integers=True).message
    assert compare(3, 4.0, integers=True).message == "your answer is 4, it should be 3"
    assert compare(3.0, 3, integers=True).ok, "only where whole numbers are expected"


def test_lists_pass_for_arrays_and_arrays_for_lists():
    assert compare(W, W.tolist()).ok and compare(W, [W[0], W[1]]).ok and compare(W.tolist(), W).ok
    assert compare([1.0, 2.0, 3.0], np.array([1.0, 2.0, 3.0])).ok and compare(np.zeros((0, 3)), []).ok
    assert compare([W, 2.0], [W.tolist(), 2]).ok
    assert "1 of 5 values in your answer differ" in compare([1.0, 2, 3, 4, 5], np.array([1, 2, 3, 4, 6.0])).message
    assert compare(W, [[1.0], [1.0, 2.0]]).message == (
        "your answer is 2 values in a list or tuple, it should be an array of shape (2, 2)")
    assert compare(3.0, [3.0]).message == "your answer is 1 value in a list or tuple, it should be a number"
    assert not compare([[0, 1], [2]], np.array([0, 1])).ok


def test_every_number_is_measured_by_its_own_size():
    tall = np.array([[1e4, 2e4], [1e-2, 2e-2]])
    wrong = tall.copy()
    wrong[1, 0] *= 1.01
    verdict = compare(tall, wrong)
    assert not verdict.ok and verdict.message.startswith("1 of 4 values")
    assert compare(tall, tall * (1 + 1e-5)).ok
    tall[0] /= 100
    wrong[0] /= 100
    assert not compare(tall.astype(np.float32), wrong.astype(np.float32)).ok
    residue = np.array([1.0, 1e-17])
    assert compare(residue, np.array([1.0, 3e-16])).ok, "what rounding leaves of nothing"
    assert not compare(np.array([1.0, 1e-3]), np.array([1.0, 0.0])).ok
    single = np.array([1.0, 3e-9], dtype=np.float32)
    assert compare(single, np.array([1.0, -4e-8], dtype=np.float32)).ok, "and single precision leaves more"


@pytest.mark.parametrize(("expected", "got", "should", "have"), [
    (1 / 3, 0.33338, "0.3333", "0.3334"),
    (0.33336, 0.3334, "0.33336", "0.3334"),
    (0.25, 0.2501, "0.25", "0.2501"), (100000.0, 100020.0, "100000", "100020"),
    (1234567.0, 1234987.0, "1.23457e+06", "1.23499e+06"), (2, 3, "2", "3"), (1.0, 1.0002, "1", "1.0002"),
])
def test_the_digits_show_the_difference(expected, got, should, have):
    assert compare(expected, got).message == f"your answer is {have}, it should be {should}"
    grid = compare(np.array([expected, 7.0]), np.array([got, 7.0])).message.splitlines()[-1]
    assert f"{should} " in grid and f"{have}*" in grid


def test_dictionaries_are_told_entry_by_entry():
    verdict = compare({"W1": W, "b1": 1.0, "b2": 2.0}, {"W1": W, "b1": 1.0, "b2": 3.0})
    assert verdict.message == "W1 and b1 are right, b2 is not\nyour b2 is 3, it should be 2"
    assert compare({"a": 1.0, "b": 2.0}, {"a": 2.0, "b": 3.0}).message.startswith("a and b are wrong\nyour a is 2")
    verdict = compare({"a": 1.0, "b": 2.0, "c": 3}, {"a": 1.0, "c": 4, "d": 2.0})
    assert verdict.kind == "keys"
    assert verdict.message == "your answer lacks b and has d, which was not asked for; a is right, c is not"
    assert compare({"a": 1.0}, {"a": 1, "b": 1, "c": 2}).message == "your answer has b and c, which were not asked for"
    assert compare([1, [W, W]], [1, [W, 2 * W]]).message.startswith(
        "result 1 is right, result 2 is not\nresult 2 [0] is right, result 2 [1] is not\n"
        "4 of 4 values in your result 2 [1]"
    )


def test_nan_and_infinity():
    holes = np.array([1.0, np.nan, np.inf])
    assert compare(holes, holes.copy()).ok
    verdict = compare(np.array([1.0, 2.0]), np.array([1.0, np.nan]))
    assert verdict.kind == "nan" and "nan (not a number) at [1]" in verdict.message
    assert not compare(holes, np.array([1.0, np.nan, -np.inf])).ok
    assert not compare(holes, np.array([1.0, 0.0, np.inf])).ok
    assert not compare(np.array([1.0, 2.0]), np.array([1.0, np.inf])).ok


def test_numbers_and_arrays_without_axes_are_one():
    assert compare(2.5, np.float32(2.5)).ok and compare(np.array(3), 3).ok
    assert compare(3, 4).message == "your answer is 4, it should be 3"
    assert compare(1, True).kind == "dtype"
    assert compare(2**60, 2**60 + 1).kind == "value", "whole numbers are exact"


@pytest.mark.parametrize(
    ("expected", "got", "kind", "words"),
    [
        (W, None, "type", "it should be an array of shape (2, 2); does your function end with `return`?"),
        ([W, W], [W], "length", "has 1 parts, it should have 2"),
        ([W, W], 3.0, "type", "is a number, it should be 2 values in a list or tuple"),
        ([W, W], W, "shape", "your result 1 has shape (2,), it should be (2, 2)"),
        ({"a": W}, None, "type", "is None, it should be a dict of a; does your function end with `return`?"),
        ("cat", "dog", "value", "is 'dog', it should be 'cat'"),
        (W, "dog", "type", "is the text 'dog'"),
        ([1, [W]], [1, [2 * W]], "value", "in your result 2 [0]"),
    ],
)
def test_other_differences(expected, got, kind, words):
    verdict = compare(expected, got)
    assert (verdict.ok, verdict.kind) == (False, kind)
    assert words in verdict.message


def test_wrong_values_are_shown_side_by_side():
    got = W.copy()
    got[1, 0] = 0.5
    assert compare(W, got).message.splitlines() == [
        "1 of 4 values in your answer differ from what is expected",
        "expected    yours",
        " 0.5  0.5    0.5   0.5",
        "0.25 0.75    0.5* 0.75",
    ]
