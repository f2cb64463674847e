"""Is this answer the expected one? Shapes and dtypes first, then values. Used by the checks of all lessons.

The check in a notebook and the grader both ask `compare`, so they cannot disagree.
"""

from dataclasses import dataclass

import numpy as np

from course_lib.classroom.checking.nearness import as_array, is_whole, wrong_places
from course_lib.classroom.checking.side_by_side import number, side_by_side, told_apart

HOLDS = {"b": "True and False", "i": "whole numbers", "u": "whole numbers", "f": "floating-point numbers"}
COUNTS = {"b": "a True or False", "i": "a whole number", "u": "a whole number", "f": "a floating-point number"}


@dataclass(frozen=True)
class Verdict:
    """Whether an answer is right, which kind of difference there is, and what to tell the student.

    kind: equal, type, length, keys, shape, dtype, nan or value.
    """

    ok: bool
    kind: str = "equal"
    message: str = ""


EQUAL = Verdict(True)


def compare(expected: object, got: object, *, tolerance: float = 1e-4, yours: str = "your answer", axes: str = "",
            integers: bool = False) -> Verdict:
    """Compare plain data (see checking.plain), each number by its own size (see checking.nearness).

    Whole numbers, booleans, strings, nan and ±inf must agree exactly. A number and an array of no axes are the same,
    a list of numbers and an array are, float32 and float64 are, and so is 2.0 where 2 is expected, or 2 where 2.0 is.
    True is not 1.

    Args:
        expected: what the reference answer returns.
        got: what the student's answer returns.
        tolerance: relative to the number that is expected.
        yours: what the value is called in messages.
        axes: what the axes mean, e.g. "queries down, keys across"; said when the shape is wrong.
        integers: whole numbers must come as integers: 2.0 is not 2.
    """
    settings = {"tolerance": tolerance, "axes": axes, "integers": integers}
    if isinstance(expected, dict):
        return _compare_dicts(expected, got, yours, settings)
    if isinstance(expected, list):
        return _compare_lists(expected, got, yours, settings)
    if expected is None or isinstance(expected, str):
        if type(got) is type(expected) and got == expected:
            return EQUAL
        return Verdict(False, "value", f"{yours} is {_short(got)}, it should be {_short(expected)}")
    expected = np.asarray(expected)
    if isinstance(got, list) and expected.ndim:
        got = _like(expected, got)
    if isinstance(got, (str, dict, list)) or got is None:
        return Verdict(False, "type", f"{yours} is {_what(got)}, it should be {_what(expected)}{_nothing(got, yours)}")
    return _compare_arrays(expected, np.asarray(got), yours, tolerance, axes, integers)


def _compare_arrays(expected, got, yours, tolerance, axes, integers):
    if expected.shape != got.shape:
        meaning = f": {axes}" if axes else ""
        if not (expected.ndim and got.ndim):
            return Verdict(False, "shape", f"{yours} is {_what(got)}, it should be {_what(expected)}{meaning}")
        return Verdict(False, "shape", f"{yours} has shape {got.shape}, it should be {expected.shape}{meaning}")
    if not got.size:
        return EQUAL
    if (expected.dtype.kind == "b") != (got.dtype.kind == "b"):
        return Verdict(False, "dtype", f"{yours} {_holds(got)}, it should {_holds(expected, 'hold', 'be')}")
    wrong = wrong_places(expected, got, tolerance)
    if not wrong.any():
        if integers and expected.dtype.kind in "iu" and got.dtype.kind == "f":
            value = "" if got.ndim else f": it is {number(got[()])}"
            return Verdict(False, "dtype", f"{yours} {_holds(got)}{value}; the values are right, but the exercise asks "
                                           f"for integers (int)")
        return EQUAL
    lost = np.isnan(got.astype(float)) & ~np.isnan(expected.astype(float))
    if lost.any():
        place = "" if not lost.ndim else f" at {[int(i) for i in np.argwhere(lost)[0]]}"
        more = f" and in {lost.sum() - 1} more places" if lost.sum() > 1 else ""
        return Verdict(False, "nan", f"{yours} holds nan (not a number){place}{more}" + _grid(expected, got, wrong))
    if not expected.ndim:
        should, have = told_apart(expected[()], got[()])
        whole = "" if is_whole(got) or expected.dtype.kind == "f" else ", a whole number"
        return Verdict(False, "value", f"{yours} is {have}, it should be {should}{whole}")
    share = f"{wrong.sum()} of {wrong.size} values"
    return Verdict(False, "value", f"{share} in {yours} differ from what is expected" + _grid(expected, got, wrong))


def _like(expected, got):
    """A list of numbers as the array that was expected; anything else as it is."""
    array = as_array(got)
    if array is None:
        return got
    return array.reshape(expected.shape) if array.size == expected.size == 0 else array


def _compare_dicts(expected, got, yours, settings):
    if not isinstance(got, dict):
        return Verdict(False, "type", f"{yours} is {_what(got)}, it should be {_what(expected)}{_nothing(got, yours)}")
    both = [key for key in expected if key in got]
    verdicts = {key: compare(expected[key], got[key], yours=f"your {key}", **settings) for key in both}
    missing = [key for key in expected if key not in got]
    extra = [key for key in got if key not in expected]
    if missing or extra:
        said = [f"lacks {_named(missing)}"] * bool(missing)
        said += [f"has {_named(extra)}, which {'was' if len(extra) == 1 else 'were'} not asked for"] * bool(extra)
        rest = "" if not verdicts or all(v.ok for v in verdicts.values()) else "; " + _entries(verdicts)
        return Verdict(False, "keys", f"{yours} {' and '.join(said)}{rest}")
    return _together(verdicts)


def _compare_lists(expected, got, yours, settings):
    if isinstance(got, np.ndarray) and got.ndim:
        got = list(got)
    if not isinstance(got, list):
        return Verdict(False, "type", f"{yours} is {_what(got)}, it should be {_what(expected)}{_nothing(got, yours)}")
    if len(expected) != len(got):
        return Verdict(False, "length", f"{yours} has {len(got)} parts, it should have {len(expected)}")
    array = as_array(expected)
    if array is not None and array.ndim == 1 and len(expected) > 3 and as_array(got) is not None:
        return compare(array, as_array(got), yours=yours, **settings)
    of = yours.removeprefix("your ")
    names = [f"result {i + 1}" if yours == "your answer" else f"{of} [{i}]" for i in range(len(expected))]
    parts = zip(names, expected, got, strict=True)
    return _together({name: compare(a, b, yours=f"your {name}", **settings) for name, a, b in parts})


def _together(verdicts):
    """The first entry that is wrong speaks; where there are several entries, all are named first."""
    wrong = [verdict for verdict in verdicts.values() if not verdict.ok]
    if not wrong:
        return EQUAL
    summary = f"{_entries(verdicts)}\n" if 1 < len(verdicts) <= 12 else ""
    return Verdict(False, wrong[0].kind, summary + wrong[0].message)


def _entries(verdicts):
    """Which entries are right, which not."""
    right, wrong = ([key for key, verdict in verdicts.items() if verdict.ok is ok] for ok in (True, False))
    verb = "is" if len(wrong) == 1 else "are"
    if not right:
        return f"{_named(wrong)} {verb} wrong"
    return f"{_named(right)} {'is' if len(right) == 1 else 'are'} right, {_named(wrong)} {verb} not"


def _named(keys):
    return " and ".join(filter(None, [", ".join(keys[:-1]), *keys[-1:]]))


def _grid(expected, got, wrong):
    return "\n" + side_by_side(expected, got, wrong) if expected.ndim else ""


def _holds(array, many="holds", one="is"):
    told = f"{many} {HOLDS[array.dtype.kind]}" if array.ndim else f"{one} {COUNTS[array.dtype.kind]}"
    return f"{told} ({array.dtype})"


def _what(value):
    if isinstance(value, np.ndarray) and value.ndim:
        return f"an array of shape {value.shape}"
    if isinstance(value, dict):
        return f"a dict of {', '.join(value) or 'nothing'}"
    if isinstance(value, list):
        return f"{len(value)} value{'s' * (len(value) != 1)} in a list or tuple"
    if isinstance(value, str):
        return f"the text {_short(value)}"
    return "None" if value is None else "a number"


def _nothing(got, yours):
    return "; does your function end with `return`?" if got is None and yours == "your answer" else ""


def _short(value):
    text = repr(value) if isinstance(value, (str, int, float, bool, type(None))) else _what(value)
    return text if len(text) <= 80 else text[:77] + "..."
