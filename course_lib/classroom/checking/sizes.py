"""The sizes of a call's arguments, by the letters of the docstring: D = 8, the length of `x`.

Used by the checks of all lessons.

They are noted when the checks are built, from what the reference answer is called with. Then "√D times too large" can
be said of any answer, without anybody having thought of it before.
"""

import inspect
import re
from collections.abc import Callable

SHAPE = re.compile(r"((?:\w+(?:, | and ))*\w+) \(([A-Z]\w*(?:, [A-Z]\w*)*),?\)")
AXES = {1: ("length",), 2: ("number of rows", "number of columns")}


def sizes_of_call(fn: Callable, args: tuple, named: dict) -> dict[str, float]:
    """Name → size of one call: lengths of axes, of lists and texts, and arguments that are numbers themselves.

    A letter that the docstring gives to an axis, as in "query (D,), keys (S, D)", is its name; one that would mean two
    lengths means none. Other axes are "the length of `x`", "the number of columns of `x`", "axis 2 of `x`".
    """
    try:
        given = dict(inspect.signature(fn).bind(*args, **named).arguments)
    except (TypeError, ValueError):
        return {}
    for value in [value for value in given.values() if isinstance(value, dict)]:
        given |= {key: inner for key, inner in value.items() if isinstance(key, str) and key not in given}
    shapes = {name: shape for name, value in given.items() if (shape := _shape(value)) is not None}
    letters = _letters(fn.__doc__ or "", shapes)
    found = {letter: lengths.pop() for letter, lengths in letters.items() if len(lengths) == 1}
    lettered = {name for _, names, _ in _axes(fn.__doc__ or "") for name in names}
    for name, shape in shapes.items():
        if name not in lettered:
            found |= {_axis(name, len(shape), i): length for i, length in enumerate(shape)}
        if isinstance(given[name], str) and len(given[name].encode(errors="replace")) != shape[0]:
            found[f"the number of bytes of `{name}`"] = len(given[name].encode(errors="replace"))
    numbers = {f"`{name}`": value for name, value in given.items() if _is_number(value)}
    return {name: float(size) for name, size in (found | numbers).items()}


def in_common(calls: list[dict[str, float]]) -> dict[str, float]:
    """The sizes that all calls of a probe have, and have alike."""
    first, *others = calls or [{}]
    return {name: size for name, size in first.items() if all(call.get(name) == size for call in others)}


def _axes(text):
    for match in SHAPE.finditer(text.partition("->")[0]):
        yield match, re.split(", | and ", match[1]), match[2].rstrip(",").split(", ")


def _letters(text, shapes):
    letters = {}
    for _, names, axes in _axes(text):
        for shape in (shapes[name] for name in names if name in shapes):
            if len(shape) == len(axes):
                for letter, length in zip(axes, shape, strict=True):
                    letters.setdefault(letter, set()).add(length)
    return letters


def _axis(name, n_axes, i):
    return f"the {AXES[n_axes][i]} of `{name}`" if n_axes in AXES else f"axis {i} of `{name}`"


def _shape(value):
    if hasattr(value, "shape") and not callable(value.shape):
        return tuple(int(length) for length in value.shape) or None
    return (len(value),) if isinstance(value, (list, tuple, str, bytes)) else None


def _is_number(value):
    return not isinstance(value, bool) and (isinstance(value, (int, float)) or
                                            (hasattr(value, "dtype") and getattr(value, "shape", None) == ()
                                             and hasattr(value, "item") and value.dtype.kind in "iuf"))
