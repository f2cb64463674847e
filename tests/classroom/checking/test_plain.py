"""Plain data: what goes in comes out; what is not plain, or not written by `encode`, is refused."""

import json

import numpy as np
import pytest
import torch

from course_lib.classroom.checking.plain import ELEMENTS, decode, encode


def there_and_back(value):
    return decode(json.loads(json.dumps(encode(value))))


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6).reshape(2, 3),
        np.array([0.1, np.nan, -np.inf, 1e-300]),
        np.array([[True], [False]]),
        np.zeros((3, 0, 2), dtype=np.float32),
        np.float32(0.1),
    ],
)
def test_arrays_keep_values_shape_and_dtype(array):
    back = there_and_back(array)
    np.testing.assert_array_equal(back, array)
    assert (back.shape, back.dtype) == (array.shape, array.dtype)


def test_tensors_become_arrays():
    x = torch.randn(2, 3, requires_grad=True)
    np.testing.assert_array_equal(there_and_back(x), x.detach().numpy())
    assert there_and_back(x.bfloat16()).dtype == np.float32


def test_nested_values():
    value = {"weights": np.eye(2), "parts": (1, 2.5, None, "text", [True])}
    back = there_and_back(value)
    assert back["parts"] == [1, 2.5, None, "text", [True]]
    assert back.keys() == value.keys()


class Pretender:
    def __eq__(self, other):
        return True

    def __array__(self, dtype=None, copy=None):
        return np.ones(3)


class Liar(float):
    def __float__(self):
        return 7.0


@pytest.mark.parametrize("value", [Pretender(), Liar(1), np.array(["a"]), np.array([None, 1]), {1, 2}, print])
def test_objects_are_refused(value):
    with pytest.raises(TypeError, match="should hold"):
        encode(value)


def test_too_much_is_refused():
    with pytest.raises(ValueError, match="at most"):
        encode(np.zeros(ELEMENTS + 1))
    endless = []
    endless.append(endless)
    with pytest.raises(ValueError, match="deep"):
        encode(endless)


@pytest.mark.parametrize(
    "data",
    [
        {"array": [1, 2], "shape": [3], "dtype": "int64"},
        {"array": [1], "shape": [-1], "dtype": "int64"},
        {"array": [1], "shape": [1], "dtype": "object"},
        {"array": [1], "shape": [1], "dtype": "no such"},
        {"array": ["x"], "shape": [1], "dtype": "float64"},
        {"array": [300], "shape": [1], "dtype": "uint8"},
        {"array": [], "shape": [10**9, 0], "dtype": "float64"},
        {"dict": [[1, 2, 3]]},
        {"dict": [1]},
        {"code": "x"},
        [[[[[[[[[1]]]]]]]]],
    ],
)
def test_foreign_data_are_refused(data):
    with pytest.raises(ValueError):
        decode(data)
