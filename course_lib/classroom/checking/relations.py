"""How a wrong answer hangs together with the right one: √D times too large, transposed, one place late.

Needs no gallery: what is expected is changed in every way that people change it by mistake, and compared with what
came, in all cases at once. A name is given only when enough different numbers agree (see checking.surprise). Used by
the checks of all lessons.
"""

from collections.abc import Callable, Iterator

import numpy as np

from course_lib.classroom.checking.cases import Case, Cases, is_telling
from course_lib.classroom.checking.changed import along, of_each_number, over
from course_lib.classroom.checking.fitted import by_a_factor, by_a_sum, by_any_factor, line_by_line
from course_lib.classroom.checking.nearness import wrong_places
from course_lib.classroom.checking.rearranged import in_another_order, lost_moves, moves, reordered
from course_lib.classroom.checking.surprise import orders

PLACES = 6.0  # bits: in how many orders the numbers could stand
CUT = 3  # numbers that lost their fraction, and are not 0
LARGE = 20_000  # numbers; of more than these nothing is asked
EXPECTED = "yours is what is expected"


def relation(cases: list[Case], tolerance: float = 1e-4) -> str:
    """What the answers are to what is expected, the same in all cases, as a sentence; "" for nothing that is known."""
    tell = _comparable(cases, tolerance)
    return next(filter(None, _all(tell)), "") if tell else ""


def small_relation(cases: list[Case], tolerance: float = 1e-4) -> str:
    """The same, of what may come on top of another mistake: a factor that has a name, or lines in another order."""
    tell = _comparable(cases, tolerance)
    if not tell or not tell.one_shape or tell.boolean:
        return ""
    orders = (_in_order(tell, axis) for axis in range(tell.n_axes or 0))
    with np.errstate(all="ignore"):
        return next(filter(None, [*by_a_factor(tell), *(said for found in orders for said in found)]), "")


def _comparable(cases, tolerance):
    """The cases that say something; None where there are none, or they are too large or of other kinds."""
    cases = [case for case in cases if case.expected.size or case.got.size or case.expected.shape != case.got.shape]
    if not cases or any(max(case.expected.size, case.got.size) > LARGE for case in cases):
        return None
    if len({array.dtype.kind == "b" for case in cases for array in (case.expected, case.got)}) > 1:
        return None
    found = Cases(cases, tolerance)
    return None if found.all_agree([case.expected for case in cases]) else found


def _all(tell: Cases) -> Iterator[str]:
    """Every sentence that holds, the most telling first."""
    with np.errstate(all="ignore"):
        if tell.one_shape and not tell.boolean:
            yield from by_a_factor(tell)
            yield from by_a_sum(tell)
        if tell.n_axes is not None:
            for text, move in moves(tell.n_axes):
                yield from _moved(tell, f"{EXPECTED}, {text}", move)
            for text, *parts in lost_moves(tell.n_axes):
                yield from _shifted(tell, f"{EXPECTED}, {text}", *parts)
        if tell.one_shape:
            yield from _same_shape(tell)
        else:
            yield from _other_shape(tell)


def _same_shape(tell):
    for text, change in of_each_number():
        yield from _changed(tell, f"yours is {text}", change)
    if not tell.boolean:
        yield from _cut_off(tell)
    if tell.n_axes and not tell.boolean:
        for text, change in along(tell.n_axes):
            yield from _changed(tell, f"{EXPECTED}, {text}", change)
        for text, change in along(tell.n_axes):
            yield from _changed(tell.turned(), f"what is expected is yours, {text}", change)
        for axis in range(tell.n_axes):
            yield from _in_order(tell, axis)
    if not tell.boolean:
        yield from by_any_factor(tell)
    if (tell.n_axes or 0) > 1 and not tell.boolean:
        for axis in reversed(range(tell.n_axes)):
            yield from line_by_line(tell, axis)


def _other_shape(tell):
    if tell.n_axes:
        for text, change in over(tell.n_axes):
            yield from _changed(tell, f"yours is {text} in what is expected", change)
    if tell.n_axes_got:
        for text, change in over(tell.n_axes_got):
            yield from _changed(tell.turned(), f"what is expected is {text} in yours", change)
    yield from _flat(tell)


def _changed(tell: Cases, said: str, change: Callable) -> Iterator[str]:
    """Where `change` makes other numbers of what is expected, and they are those that came."""
    wanted = [_tried(change, case.expected) for case in tell.cases]
    if not tell.all_agree(wanted):
        return
    pairs = zip(tell.cases, wanted, strict=True)
    moved, kept = zip(*(_parted(case.expected, value) for case, value in pairs), strict=True)
    old, new = zip(*moved, strict=True)
    if tell.boolean:
        telling = sum(orders(case.expected) for case in tell.cases) >= PLACES
    else:  # what was changed may have become all the same, if the rest says enough
        telling = is_telling(old, new) or is_telling(old, kept)
    if telling and any(array.size for array in old):
        yield said


def _moved(tell: Cases, said: str, move: Callable) -> Iterator[str]:
    """The same for numbers that only stand elsewhere."""
    wanted = [_tried(move, case.expected) for case in tell.cases]
    if tell.all_agree(wanted):
        elsewhere = [case.expected for case, value in zip(tell.cases, wanted, strict=True)
                     if value.shape != case.expected.shape or not tell.agree(case.expected, value)]
        if sum(map(orders, elsewhere)) >= PLACES:
            yield said


def _shifted(tell: Cases, said: str, kept: Callable, stands: Callable) -> Iterator[str]:
    """The same where something fell off one end, or came in at the other."""
    parts = []
    for case in tell.cases:
        if case.got.ndim != case.expected.ndim:
            return
        part, place = kept(case.expected), stands(case.got)
        if not tell.agree(part, place):
            return
        if part.shape != case.expected.shape or case.got.shape != case.expected.shape:
            parts.append(part)
    if sum(map(orders, parts)) >= PLACES:
        yield said


def _in_order(tell: Cases, axis: int) -> Iterator[str]:
    """The same lines along an axis, in an order that nobody has a name for."""
    if all(reordered(case.expected, case.got, axis, tell.agree) for case in tell.cases):
        if is_telling([case.expected for case in tell.cases]):
            yield f"{EXPECTED}, {in_another_order(axis, tell.n_axes)}"


def _flat(tell: Cases) -> Iterator[str]:
    """All the numbers in their order, but another shape."""
    if tell.all_agree([_tried(lambda x, case=case: x.reshape(case.got.shape), case.expected) for case in tell.cases]):
        if is_telling([case.expected for case in tell.cases]):
            case = next(case for case in tell.cases if case.got.shape != case.expected.shape)
            yield (f"yours has the right numbers in the right order, but the shape {case.got.shape} in place of "
                   f"{case.expected.shape}")


def _cut_off(tell: Cases) -> Iterator[str]:
    """The same where the fractions are gone. Whole numbers say little each, so it is counted how many are none of 0."""
    if tell.all_agree([_without_fraction(case) for case in tell.cases]):
        cut = [case.expected[(case.got != 0) & wrong_places(case.expected, case.got, 1e-3)] for case in tell.cases]
        if sum(part.size for part in cut) >= CUT and is_telling(cut):
            yield f"{EXPECTED}, cut off to whole numbers"


def _without_fraction(case):
    """2.0 becomes 2 or 1, for it may have been 1.9999999."""
    fewer = np.rint(case.expected) - np.sign(case.expected)
    noise = np.isclose(case.expected, np.rint(case.expected), rtol=1e-6, atol=1e-6) & (case.got == fewer)
    return np.where(noise, fewer, np.trunc(case.expected))


def _tried(change, value):
    try:
        return np.asarray(change(value))
    except (ValueError, TypeError, IndexError, OverflowError, FloatingPointError):
        return None


def _parted(old, new):
    """The entries that a change changed, before and after, and those that it left."""
    if old.shape != new.shape:
        return (old, new), old[..., :0]
    there = wrong_places(old.astype(float), new.astype(float), 1e-3)
    return (old[there], new[there]), old[~there]
