"""A factor or something added: one number for a whole answer, or one for each row.

Used by the checks of all lessons.
"""

from collections.abc import Iterator

import numpy as np

from course_lib.classroom.checking.cases import EXACT, Cases, is_telling
from course_lib.classroom.checking.quotients import difference, factor
from course_lib.classroom.checking.surprise import DIGITS, ENOUGH, told_bits

SHOWN = 4


def by_a_factor(tell: Cases) -> Iterator[str]:
    """A factor that has a name, and is the same in all cases or explained by the sizes of the arguments."""
    found = _quotients(tell)
    if found and is_telling([case.expected for _, case in found]):
        yield factor(np.array([q for q, _ in found]), [case.sizes for _, case in found], _close(tell))


def by_any_factor(tell: Cases) -> Iterator[str]:
    """A factor that has no name: it takes more numbers to believe it."""
    found = _quotients(tell)
    if not found or min(told_bits(case.expected) for _, case in found) < ENOUGH + DIGITS:
        return
    q = [q for q, _ in found]
    if np.allclose(q, q[0], rtol=tell.tolerance):
        yield f"yours is {q[0]:.4g} times what is expected, everywhere"
    else:
        told = ", ".join(f"{x:.4g}" for x in q[:SHOWN])
        yield f"yours is right but for a factor, another one in each case: {told}"


def by_a_sum(tell: Cases) -> Iterator[str]:
    """A number that was added, the same in all cases or explained by the sizes of the arguments."""
    added = []
    for case in tell.cases:
        expected, got = case.expected.astype(float), case.got.astype(float)
        finite = np.isfinite(expected)
        if not finite.any():
            continue
        gaps = (got - expected)[finite]
        c = gaps[np.argmin(np.abs(expected[finite]))]
        smallest = 0.0 if tell.exact else 100 * tell.tolerance * np.abs(expected[finite]).max(initial=0.0)
        if abs(c) <= smallest or (tell.exact and np.any(gaps != c)) or not tell.agree(expected + c, got):
            return
        added.append((c, case))
    if added and is_telling([case.expected for _, case in added]):
        yield difference(np.array([c for c, _ in added]), [case.sizes for _, case in added], _close(tell))


def line_by_line(tell: Cases, axis: int) -> Iterator[str]:
    """A factor, or something added, of its own in each line: what belongs to the whole line is wrong."""
    n_axes = tell.n_axes
    what = ("row", "column")[1 - axis] if n_axes == 2 else f"line along axis {axis}"
    expected, got = ([getattr(case, side).astype(float) for case in tell.cases] for side in ("expected", "got"))
    lines = sum(array.size // max(array.shape[axis], 1) for array in expected)
    if not is_telling(expected, got, spent=DIGITS * lines) or any(map(tell.agree, expected, got)):
        return
    for verb, fit in (("multiplied by", _times), ("moved by", _plus)):
        if tell.all_agree([fit(a, b, axis) for a, b in zip(expected, got, strict=True)]):
            yield f"each {what} of yours is right but for a number of its own, which all of it is {verb}"


def _quotients(tell):
    """[(got / expected, case)], without the cases that are 0; empty where one has no such number."""
    found = []
    for case in tell.cases:
        expected, got = case.expected.astype(float), case.got.astype(float)
        finite = np.isfinite(expected)
        if not np.any(expected[finite]):
            if not tell.agree(case.expected, case.got):
                return []
            continue
        place = np.unravel_index(np.argmax(np.where(finite, np.abs(expected), -1)), expected.shape)
        q = float(got[place] / expected[place])
        if not np.isfinite(q) or q == 0 or abs(q - 1) < 10 * tell.tolerance:
            return []
        if not tell.agree(np.where(finite, expected * q, expected * np.sign(q)), got):
            return []
        found.append((q, case))
    return found


def _close(tell):
    return EXACT if tell.exact else 2 * tell.tolerance


def _times(expected, got, axis):
    place = np.expand_dims(np.argmax(np.abs(expected), axis=axis), axis)
    below = np.take_along_axis(expected, place, axis)
    return expected * np.take_along_axis(got, place, axis) / np.where(below == 0, 1.0, below)


def _plus(expected, got, axis):
    return expected + (got - expected).mean(axis=axis, keepdims=True)
