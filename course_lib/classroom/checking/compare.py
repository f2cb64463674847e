"""Is this answer the expected one? Shapes and dtypes first, then values. Used by the checks of all lessons.

The check in a notebook and the grader both ask `compare`, so they cannot disagree.
"""

from dataclasses import dataclass

import numpy as np

from course_lib.classroom.checking.side_by_side import number, side_by_side

HOLDS = {"b": "True and False", "i": "whole numbers", "u": "whole numbers", "f": "floating-point numbers"}


@dataclass(frozen=True)
class Verdict:
    """Whether an answer is right, which kind of difference there is, and what to tell the student.

    kind: equal, type, length, keys, shape, dtype, nan or value.
    """

    ok: bool
    kind: str = "equal"
    message: str = ""


EQUAL = Verdict(True)


def compare(expected: object, got: object, *, tolerance: float = 1e-4, name: str = "", axes: str = "") -> Verdict:
    """Compare plain data (see checking.plain): |expected − got| ≤ tolerance · max|expected|, by array.

    Whole numbers, booleans, strings, nan and ±inf must agree exactly. A number and an array of no axes are the same;
    float32 and float64 are the same; whole and floating-point numbers are not.

    Args:
        expected: what the reference answer returns.
        got: what the student's answer returns.
        tolerance: relative to the largest finite number expected in that array.
        name: what the value is called in messages; empty: "your answer".
        axes: what the axes mean, e.g. "queries down, keys across"; said when the shape is wrong.
    """
    yours = f"your {name}" if name else "your answer"
    if isinstance(expected, dict):
        return _compare_dicts(expected, got, yours, tolerance, axes)
    if isinstance(expected, list):
        return _compare_lists(expected, got, yours, name, tolerance, axes)
    if expected is None or isinstance(expected, str):
        if type(got) is type(expected) and got == expected:
            return EQUAL
        return Verdict(False, "value", f"{yours} is {_short(got)}, it should be {_short(expected)}")
    if isinstance(got, (str, dict)) or got is None:
        return Verdict(False, "type", f"{yours} is {_what(got)}, it should be {_what(expected)}{_nothing(got)}")
    if isinstance(got, list):
        return Verdict(False, "type", f"{yours} is {_what(got)}, it should be {_what(expected)}")
    return _compare_arrays(np.asarray(expected), np.asarray(got), yours, tolerance, axes)


def _compare_arrays(expected, got, yours, tolerance, axes):
    if expected.shape != got.shape:
        meaning = f": {axes}" if axes else ""
        return Verdict(False, "shape", f"{yours} has shape {got.shape}, it should be {expected.shape}{meaning}")
    if _kind(expected) != _kind(got):
        have, want = HOLDS[got.dtype.kind], HOLDS[expected.dtype.kind]
        return Verdict(False, "dtype", f"{yours} holds {have} ({got.dtype}), it should hold {want} ({expected.dtype})")
    wrong = _wrong_places(expected, got, tolerance)
    if not wrong.any():
        return EQUAL
    lost = np.isnan(got.astype(float)) & ~np.isnan(expected.astype(float))
    if lost.any():
        place = "" if not lost.ndim else f" at {[int(i) for i in np.argwhere(lost)[0]]}"
        more = f" and in {lost.sum() - 1} more places" if lost.sum() > 1 else ""
        return Verdict(False, "nan", f"{yours} holds nan (not a number){place}{more}" + _grid(expected, got, wrong))
    if not expected.ndim:
        return Verdict(False, "value", f"{yours} is {number(got[()])}, it should be {number(expected[()])}")
    share = f"{wrong.sum()} of {wrong.size} values"
    return Verdict(False, "value", f"{share} in {yours} differ from what is expected" + _grid(expected, got, wrong))


def _wrong_places(expected, got, tolerance):
    if expected.dtype.kind != "f":
        return expected != got
    expected, got = expected.astype(float), got.astype(float)
    finite = np.isfinite(expected)
    scale = np.abs(expected[finite]).max(initial=0.0)
    allowed = tolerance * (scale if scale > 0 else 1.0)
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.abs(expected - got) <= allowed
    same = (expected == got) | (np.isnan(expected) & np.isnan(got))
    return ~np.where(finite, near, same)


def _compare_dicts(expected, got, yours, tolerance, axes):
    if not isinstance(got, dict):
        return Verdict(False, "type", f"{yours} is {_what(got)}, it should be {_what(expected)}")
    if expected.keys() != got.keys():
        return Verdict(False, "keys", f"{yours} has the names {sorted(got)}, it should have {sorted(expected)}")
    verdicts = (compare(expected[key], got[key], tolerance=tolerance, name=key, axes=axes) for key in expected)
    return next((verdict for verdict in verdicts if not verdict.ok), EQUAL)


def _compare_lists(expected, got, yours, name, tolerance, axes):
    if not isinstance(got, list):
        return Verdict(False, "type", f"{yours} is {_what(got)}, it should be {_what(expected)}")
    if len(expected) != len(got):
        return Verdict(False, "length", f"{yours} has {len(got)} parts, it should have {len(expected)}")
    names = [f"{name} [{i}]" if name else f"result {i + 1} of {len(expected)}" for i in range(len(expected))]
    parts = zip(expected, got, names, strict=True)
    verdicts = (compare(a, b, tolerance=tolerance, name=label, axes=axes) for a, b, label in parts)
    return next((verdict for verdict in verdicts if not verdict.ok), EQUAL)


def _grid(expected, got, wrong):
    return "\n" + side_by_side(expected, got, wrong) if expected.ndim else ""


def _kind(array):
    return "i" if array.dtype.kind == "u" else array.dtype.kind


def _what(value):
    if isinstance(value, np.ndarray) and value.ndim:
        return f"an array of shape {value.shape}"
    if isinstance(value, dict):
        return f"a dict of {', '.join(value) or 'nothing'}"
    if isinstance(value, list):
        return f"{len(value)} values in a list or tuple"
    return "None" if value is None else "a text" if isinstance(value, str) else "a number"


def _nothing(got):
    return "; does your function end with `return`?" if got is None else ""


def _short(value):
    text = repr(value) if isinstance(value, (str, int, float, bool, type(None))) else _what(value)
    return text if len(text) <= 80 else text[:77] + "..."
