"""What an answer returns gets the solution's form where that changes no number, and stays as it is elsewhere."""

import numpy as np
import pytest
import torch

from course_lib.classroom.checking.returned import form, like

RIGHT = {  # the solution's value: other ways to say the same
    "a number": (3, [3.0, np.float64(3.0), np.int64(3), np.array(3.0), torch.tensor(3.0)]),
    "a float": (0.5, [np.float32(0.5), np.array(0.5), torch.tensor(0.5)]),
    "a whole float": (2.0, [2, np.int64(2), torch.tensor(2)]),
    "an array": (np.array([[1.5, 2.0]]), [[[1.5, 2.0]], ((1.5, 2.0),), torch.tensor([[1.5, 2.0]])]),
    "ids": (np.array([1, 2]), [[1, 2], np.array([1.0, 2.0]), [1.0, 2.0], torch.tensor([1, 2]), torch.tensor([1.0, 2])]),
    "a tensor": (torch.tensor([1.5]), [np.array([1.5]), [1.5]]),
    "a tensor of ids": (torch.tensor([1, 2]), [np.array([1, 2]), torch.tensor([1.0, 2.0]), [1, 2]]),
    "a list": ([1, 2], [(1, 2), np.array([1, 2]), torch.tensor([1, 2]), [1.0, 2.0]]),
    "floats": ([7.0, 1.5], [np.array([7.0, 1.5]), [7, 1.5], [np.float64(7.0), torch.tensor(1.5)]]),
    "a pair": ((1, 8), [[1, 8], (1.0, 8.0), np.array([1, 8]), (np.int64(1), torch.tensor(8))]),
    "names": ({"a": 1, "b": np.ones(2)}, [{"a": 1.0, "b": [1.0, 1.0]}]),
}
PAIRS = [(what, n) for what, (_, others) in RIGHT.items() for n in range(len(others))]


@pytest.mark.parametrize(("what", "n"), PAIRS)
def test_the_same_in_another_form(what, n):
    right, others = RIGHT[what]
    found = like(form(right), others[n])
    assert type(found) is type(right) and form(found) == form(right)
    assert same(found, right)


def same(a, b):
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return np.array_equal(np.asarray(a), np.asarray(b))


@pytest.mark.parametrize(
    ("right", "wrong"),
    [(3, 3.5), (3, True), (3, "3"), (3, float("nan")), (np.ones(2), "text"), (np.arange(2), np.array([0.5, 1.0])),
     (np.ones(2), [[1.0], [1.0, 2.0]]), ([1], None), ((1, 2), 3), (True, 1.0), ({"a": 1}, 7), (torch.ones(1), "x"),
     (torch.tensor([1]), torch.tensor([0.5]))],
)
def test_what_does_not_fit_stays(right, wrong):
    assert like(form(right), wrong) is wrong


def test_another_number_of_parts_is_left_to_the_comparison():
    assert like(form((1, 2)), (1.0, 2.0, 3.0)) == (1.0, 2.0, 3.0)
    assert like(form({"a": 1}), {"c": 2.0}) == {"c": 2.0}


def test_forms_are_plain_data():
    assert form((np.arange(2), [0.5], {"a": None}, torch.ones(1))) == [
        "tuple", "array of int", ["list", "float"], {"a": "NoneType"}, "tensor"]
