"""What an answer returns, in the form in which the solution returns it. Used by the checks of all lessons.

A probe goes on with the student's answer: it takes a diagonal, an entry, a piece of a text. A list where the solution
has an array, a tensor where it has a list, 3.0 where it has 3 are the same answer; so they are given that form before
the probe sees them. What does not fit stays as it is, and is compared as it is.
"""

import numpy as np


def form(value: object) -> object:
    """The form of what a solution returns, as plain data: "array of int", ["tuple", …], {"loss": "float"}."""
    if isinstance(value, (bool, str, bytes)) or value is None:
        return type(value).__name__
    if isinstance(value, (int, float)):
        return "int" if isinstance(value, int) else "float"
    if isinstance(value, dict):
        return {str(key): form(one) for key, one in value.items()}
    if isinstance(value, tuple):
        return ["tuple", *map(form, value)]
    if isinstance(value, list):
        kinds = [form(one) for one in value]
        return ["list", kinds[0]] if kinds and all(kind == kinds[0] for kind in kinds) else "list"
    if isinstance(value, (np.ndarray, np.generic)):
        return "array of int" if value.dtype.kind in "iu" else "array"
    if _is_tensor(value):
        return "tensor of int" if not value.is_floating_point() and str(value.dtype) != "torch.bool" else "tensor"
    return type(value).__name__


def like(wanted: object, value: object) -> object:
    """`value` in the form `wanted`, where that changes no number; else as it is."""
    try:
        return _like(wanted, value)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return value


def _like(wanted, value):
    if isinstance(wanted, dict):
        if type(value) is not dict:
            return value
        return {key: like(wanted[str(key)], one) if str(key) in wanted else one for key, one in value.items()}
    if wanted == "list" or isinstance(wanted, list):
        return _like_list(wanted, value)
    if wanted in ("int", "float"):
        return _like_number(wanted, value)
    if wanted in ("array", "array of int"):
        value = np.asarray(value) if isinstance(value, (list, tuple)) else value
        value = value.detach().cpu().numpy() if _is_tensor(value) else value
        return _whole(value) if wanted == "array of int" and isinstance(value, (np.ndarray, np.generic)) else value
    if wanted in ("tensor", "tensor of int"):
        return _like_tensor(wanted, value)
    return value


def _like_list(wanted, value):
    if isinstance(value, np.ndarray) and value.ndim or _is_tensor(value) and value.ndim:
        value = value.tolist() if wanted[0] != "tuple" else tuple(value)
    if not isinstance(value, (list, tuple)):
        return value
    if wanted == "list" or wanted[0] == "list":
        return [like(wanted[1], one) for one in value] if wanted != "list" else list(value)
    if len(value) != len(wanted) - 1:
        return tuple(value)
    return tuple(like(kind, one) for kind, one in zip(wanted[1:], value, strict=True))


def _like_number(wanted, value):
    if isinstance(value, (bool, np.bool_)):
        return value
    if isinstance(value, (np.number, np.ndarray)) or _is_tensor(value):
        if value.ndim or "bool" in str(value.dtype):
            return value
        value = value.item()
    if not isinstance(value, (int, float)) or wanted == "int" and value != int(value):
        return value
    return int(value) if wanted == "int" else float(value)


def _like_tensor(wanted, value):
    import torch

    if isinstance(value, (list, tuple, int, float, np.ndarray, np.generic)) and not isinstance(value, bool):
        array = np.asarray(value)
        value = torch.from_numpy(_whole(array) if wanted == "tensor of int" else array.copy())
    if _is_tensor(value) and wanted == "tensor of int" and value.is_floating_point():
        return value.long() if bool((value == value.round()).all()) else value
    return value


def _whole(array):
    if array.dtype.kind != "f" or not np.isfinite(array).all() or not (array == np.rint(array)).all():
        return array
    return array.astype(np.int64)


def _is_tensor(value):
    return hasattr(value, "detach") and hasattr(value, "is_floating_point")
