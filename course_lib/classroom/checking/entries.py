"""From the evidence of all probes, what stands in the same place: result 1 of each, `W1` of each.

Used by the checks of all lessons.
"""

import numpy as np

from course_lib.classroom.checking.cases import Case
from course_lib.classroom.checking.nearness import as_array
from course_lib.classroom.checking.sizes import in_common

Path = tuple[str, ...]
TUPLE = 4  # results; a longer list holds numbers of one kind


def entries(expected: object, got: object, calls: list[dict[str, float]], path: Path = ()) -> list[tuple[Path, Case]]:
    """(place, case) of every array or number in an answer, where both sides have one; nothing for texts.

    calls: the sizes of each call of the student's function. Where there are as many as the answer has entries, each
    entry is from a call of its own, and belongs together with the others: its place is that of the whole.
    """
    inner = _inner(expected)
    if inner is not None:
        others = _inner(list(got) if isinstance(got, np.ndarray) and got.ndim else got) or {}
        own = len(inner) == len(calls) > 1
        found = []
        for i, (key, value) in enumerate(inner.items()):
            if key in others:
                found += entries(value, others[key], [calls[i]] if own else calls, path if own else (*path, key))
        return found
    arrays = [as_array(value) for value in (expected, got)]
    if any(array is None for array in arrays):
        return []
    return [(path, Case(*arrays, in_common(calls)))]


def same_form(expected: object, got: object) -> bool:
    """Whether there is an entry for every entry: the same names in a dict, as many results, numbers for numbers.

    How many numbers is another question. Of an answer that lacks a part, the others tell no story.
    """
    if isinstance(expected, dict):
        return isinstance(got, dict) and expected.keys() == got.keys() and all(
            same_form(value, got[key]) for key, value in expected.items())
    if as_array(expected) is not None:
        return as_array(got) is not None
    if isinstance(expected, list):
        got = list(got) if isinstance(got, np.ndarray) and got.ndim else got
        return isinstance(got, list) and len(got) == len(expected) and all(map(same_form, expected, got))
    return type(got) is type(expected)


def whole(expected: object, got: object, calls: list[dict[str, float]]) -> Case | None:
    """All of an answer as one array, where it is a list of numbers; None where it is not."""
    arrays = [as_array(value) for value in (expected, got)]
    if not isinstance(expected, list) or any(array is None or not array.ndim for array in arrays):
        return None
    return Case(*arrays, in_common(calls))


def _inner(value):
    """The entries of a dict, of a tuple of results, or of a list of anything but numbers."""
    if isinstance(value, dict):
        return value
    if isinstance(value, np.ndarray) and value.ndim and len(value) <= TUPLE:
        return None
    if not isinstance(value, list):
        return None
    array = as_array(value)
    if array is not None and len(value) > TUPLE:
        return None
    return {f"result {i}": part for i, part in enumerate(value, start=1)}
