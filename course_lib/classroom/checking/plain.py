"""Plain data: what a probe may return, as JSON and back. Used by the checks of all lessons.

Students' answers are judged by values, never by their own objects: tensors and arrays become numbers with a shape
and a dtype, and nothing else passes. So evidence can leave a sandbox as text, and no `__eq__` has a say.
"""

import math

import numpy as np

DEPTH = 6
ELEMENTS = 200_000
KINDS = "biuf"  # booleans, whole numbers, floating-point numbers


def encode(value: object, depth: int = 0) -> object:
    """`value` as data that `json` writes: arrays and tensors with shape and dtype, tuples as lists.

    Raises TypeError, with the type, for anything that is not plain; ValueError for what is too large or too deep.
    """
    if depth > DEPTH:
        raise ValueError(f"lists and dicts are nested more than {DEPTH} deep")
    if value is None or type(value) in (bool, str):
        return value if type(value) is not str else value[:20_000]
    if type(value) is int:
        return value if abs(value) < 2**200 else {"array": [float("inf")], "shape": [], "dtype": "float64"}
    if type(value) is float:
        return value
    if isinstance(value, (list, tuple)):
        _check_size(len(value))
        return [encode(item, depth + 1) for item in value]
    if isinstance(value, dict):
        _check_size(len(value))
        return {"dict": [[str(key), encode(item, depth + 1)] for key, item in value.items()]}
    return _encode_array(value)


def decode(data: object, depth: int = 0) -> object:
    """What `encode` wrote, with numpy arrays. Trusts nothing: raises ValueError for whatever encode cannot write."""
    if depth > DEPTH:
        raise ValueError(f"data are nested more than {DEPTH} deep")
    if data is None or isinstance(data, (bool, int, float, str)):
        return data
    if isinstance(data, list):
        _check_size(len(data))
        return [decode(item, depth + 1) for item in data]
    if isinstance(data, dict) and data.keys() == {"dict"} and isinstance(data["dict"], list):
        try:
            return {str(key): decode(item, depth + 1) for key, item in data["dict"]}
        except TypeError:
            raise ValueError("a dict is written as pairs of key and value") from None
    if isinstance(data, dict) and data.keys() == {"array", "shape", "dtype"}:
        return _decode_array(data)
    raise ValueError(f"not plain data: {str(data)[:80]}")


def _encode_array(value):
    if hasattr(value, "detach") and hasattr(value, "cpu"):  # a tensor, without importing torch
        value = value.detach().cpu()
        value = (value.float() if "bfloat16" in str(value.dtype) else value).numpy()
    if not isinstance(value, (np.ndarray, np.generic)):
        raise TypeError(f"your answer is a {type(value).__name__}; it should hold arrays, tensors or numbers")
    array = np.asarray(value)
    if array.dtype.kind not in KINDS:
        raise TypeError(f"your array holds {array.dtype}; it should hold numbers or booleans")
    _check_size(array.size)
    return {"array": array.ravel().tolist(), "shape": list(array.shape), "dtype": array.dtype.name}


def _decode_array(data):
    flat, shape, name = data["array"], data["shape"], data["dtype"]
    if not (isinstance(flat, list) and isinstance(shape, list) and isinstance(name, str)):
        raise ValueError("an array is written as a flat list, a shape and a dtype")
    if not all(type(length) is int and 0 <= length <= ELEMENTS for length in shape) or len(shape) > 16:
        raise ValueError(f"no array has the shape {shape}"[:200])
    _check_size(len(flat))
    if math.prod(shape) != len(flat):
        raise ValueError(f"{len(flat)} numbers do not fill the shape {shape}")
    if not all(isinstance(number, (bool, int, float)) for number in flat):
        raise ValueError("an array holds numbers or booleans")
    try:
        dtype = np.dtype(name)
        if dtype.kind not in KINDS:
            raise ValueError(f"no array of {name[:40]} is plain")
        with np.errstate(all="ignore"):
            return np.array(flat, dtype=dtype).reshape(shape)
    except (TypeError, OverflowError) as error:
        raise ValueError(f"no array of {name[:40]}: {error}") from None


def _check_size(length):
    if length > ELEMENTS:
        raise ValueError(f"your answer holds {length:,} values; it should hold at most {ELEMENTS:,}")
