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
    verdict = compare(np.ones((3, 4)), np.ones((4, 3)), name="weights", axes="queries down, keys across")
    assert verdict.kind == "shape"
    assert verdict.message == "your weights has shape (4, 3), it should be (3, 4): queries down, keys across"
    assert compare(np.ones((3, 1)), np.ones(3)).kind == "shape", "no broadcasting"


def test_dtypes_come_next():
    verdict = compare(np.array([1, 2]), np.array([1.0, 2.0]))
    assert verdict.kind == "dtype"
    assert verdict.message == (
        "your answer holds floating-point numbers (float64), it should hold whole numbers (int64)"
    )
    assert compare(np.array([True]), np.array([1])).kind == "dtype"
    assert compare(W.astype(np.float32), W).ok and compare(np.array([1], dtype=np.int32), np.array([1])).ok


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
        ([W, W], W, "type", "it should be 2 values in a list or tuple"),
        ({"a": W}, {"b": W}, "keys", "has the names ['b'], it should have ['a']"),
        ("cat", "dog", "value", "is 'dog', it should be 'cat'"),
        (W, "dog", "type", "is a text"),
        ([1, [W]], [1, [2 * W]], "value", "result 2 of 2"),
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
