"""The right numbers in other places: transposed, reversed, moved by one. Used by the checks of all lessons.

Each is tried on what is expected when an answer is wrong.
"""

import itertools
from collections.abc import Callable, Iterator

import numpy as np

Move = tuple[str, Callable[[np.ndarray], np.ndarray]]


def moves(n_axes: int) -> Iterator[Move]:
    """(what happened to the expected answer, how), for arrays with so many axes; the shape may be another."""
    axes = tuple(range(n_axes))
    for order in itertools.permutations(axes) if 2 <= n_axes <= 4 else ():
        if order != axes:
            yield _turned(order), lambda x, order=order: np.transpose(x, order)
    for axis in axes:
        yield f"{_along(axis, n_axes)} in reverse", lambda x, a=axis: np.flip(x, a)
    if n_axes == 2:
        yield "turned by 180°", lambda x: x[::-1, ::-1]
        yield "turned by 90°", lambda x: np.rot90(x)
        yield "turned by 90°", lambda x: np.rot90(x, -1)
    for axis, by in itertools.product(axes, (1, -1)):
        way = "later" if by > 0 else "earlier"
        yield f"{_along(axis, n_axes)} one place {way}, round the end", lambda x, a=axis, by=by: np.roll(x, by, a)
    for one, other in itertools.combinations(axes, 2) if n_axes <= 4 else ():
        yield "reshaped where it should be transposed", lambda x, i=one, j=other: np.swapaxes(x, i, j).reshape(x.shape)
    for axis in reversed(axes):
        where = "" if n_axes == 1 else f" within each {_line(axis, n_axes)}"
        yield f"sorted{where}", lambda x, a=axis: np.sort(x, axis=a)
        yield f"sorted{where}, the largest first", lambda x, a=axis: np.flip(np.sort(x, axis=a), a)


def lost_moves(n_axes: int) -> Iterator[tuple[str, Callable, Callable]]:
    """(what happened, the part of the expected answer that is kept, where it stands in yours).

    Moved by a place, so that something falls off one end; or a place too many or too few.
    """
    for axis in range(n_axes):
        along = _along(axis, n_axes)
        body, head, tail = slice(None), slice(None, -1), slice(1, None)
        of = lambda part, a=axis: lambda x: x[(slice(None),) * a + (part,)]  # noqa: E731
        yield f"{along} one place later", of(head), of(tail)
        yield f"{along} one place earlier", of(tail), of(head)
        yield f"{_one(axis, n_axes)} more at the beginning", of(body), of(tail)
        yield f"{_one(axis, n_axes)} more at the end", of(body), of(head)
        yield f"{_one(axis, n_axes)} less: the first is missing", of(tail), of(body)
        yield f"{_one(axis, n_axes)} less: the last is missing", of(head), of(body)


def reordered(expected: np.ndarray, got: np.ndarray, axis: int, same: Callable) -> bool:
    """Whether `got` is `expected` with the lines along `axis` in another order; same(a, b): whether two agree."""
    if expected.shape != got.shape or not 1 < expected.shape[axis] <= 64:
        return False
    left, waiting = list(np.moveaxis(expected, axis, 0)), list(np.moveaxis(got, axis, 0))
    for line in left:
        place = next((i for i, other in enumerate(waiting) if same(line, other)), None)
        if place is None:
            return False
        del waiting[place]
    return True


def in_another_order(axis: int, n_axes: int) -> str:
    """What `reordered` found."""
    return f"{_along(axis, n_axes)} in another order"


def _turned(order):
    moved = [axis for axis, now in enumerate(order) if axis != now]
    if len(order) == 2:
        return "transposed"
    if len(moved) == 2:
        return f"with axes {moved[0]} and {moved[1]} exchanged"
    return f"with its axes in the order {order}"


def _along(axis, n_axes):
    what = "entries" if n_axes == 1 else ("rows", "columns")[axis] if n_axes == 2 else f"axis {axis}"
    return f"with its {what}"


def _line(axis, n_axes):
    return ("column", "row")[axis] if n_axes == 2 else f"line of axis {axis}"


def _one(axis, n_axes):
    what = "entry" if n_axes == 1 else ("row", "column")[axis] if n_axes == 2 else f"place of axis {axis}"
    return f"with one {what}"
