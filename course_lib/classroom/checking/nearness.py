"""Where two arrays differ: each number is measured by its own size. Used by the checks of all lessons.

Rounding leaves a little in every entry, and it grows with the largest number that went into it. So an entry may be off
by a share of its own size, and by a far smaller share of its row's and of the whole array's: a row of small numbers
beside a row of large ones counts as much.
"""

import numpy as np

ROUNDING = {True: (1e-5, 1e-7), False: (1e-9, 1e-13)}  # single precision, double: share of a row, of the whole
NOTHING = 1e-15  # below this a number is what rounding has left of 0
WHOLE = 1e-9


def wrong_places(expected: np.ndarray, got: np.ndarray, tolerance: float) -> np.ndarray:
    """True where `got` is not `expected`, two arrays of one shape. Whole numbers, booleans, nan and ±inf are exact."""
    if expected.dtype.kind != "f" and got.dtype.kind != "f":
        return expected != got
    if expected.dtype.kind != "f":  # whole numbers, given as floats
        with np.errstate(invalid="ignore"):
            near = np.abs(got - np.round(got)) <= WHOLE * np.maximum(np.abs(got), 1.0)
        return ~(near & (np.round(got) == expected))
    single = any(array.dtype.kind == "f" and array.dtype.itemsize < 8 for array in (expected, got))
    expected, got = expected.astype(float), got.astype(float)
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.abs(expected - got) <= allowed(expected, tolerance, single=single)
    same = (expected == got) | (np.isnan(expected) & np.isnan(got))
    return ~np.where(np.isfinite(expected), near, same)


def allowed(expected: np.ndarray, tolerance: float, *, single: bool = False) -> np.ndarray:
    """How far each entry may be off. Where all that is expected is 0 there is nothing to measure by: `tolerance`."""
    sizes = np.where(np.isfinite(expected), np.abs(expected), 0.0)
    largest = sizes.max(initial=0.0)
    if largest == 0:
        return np.full(expected.shape, tolerance)
    row, whole = ROUNDING[single]
    rows = sizes.max(axis=-1, keepdims=True, initial=0.0) if sizes.ndim else sizes
    return tolerance * sizes + row * rows + whole * largest + NOTHING


def as_array(value: object) -> np.ndarray | None:
    """A number, an array, or a list of numbers and of rows of one length, as one array; None for anything else."""
    if isinstance(value, (np.ndarray, np.generic, bool, int, float)):
        return np.asarray(value)
    if not isinstance(value, list):
        return None
    parts = [as_array(part) for part in value]
    if any(part is None or part.shape != parts[0].shape for part in parts):
        return None
    if len({part.dtype.kind == "b" for part in parts}) > 1:
        return None
    array = np.array(parts) if parts else np.empty(0)
    return array if array.dtype.kind in "biuf" else None


def is_whole(array: np.ndarray) -> bool:
    """Whether every number is a whole one."""
    if array.dtype.kind != "f":
        return True
    with np.errstate(invalid="ignore"):
        return bool(np.all(np.abs(array - np.round(array)) <= WHOLE * np.maximum(np.abs(array), 1.0)))
