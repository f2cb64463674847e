"""What an answer does to its arguments: nothing, unless the exercise says so. Used by the checks of all lessons.

A copy of the values is kept before the call and compared after it, through lists, dicts, arrays, tensors and the
attributes of objects. Functions, generators of random numbers and iterators are left out: to use them changes them.
"""

import random
from collections.abc import Iterator

import numpy as np

DEEP = 40


class Seen:
    """The values of one argument at one moment."""

    def __init__(self, name: str, value: object):
        self.name, self.value, self.copy = name, value, _copy(value, {}, 0)

    def change(self) -> str:
        """What is different now, in words; "" where nothing is."""
        found = next(_differences(self.copy, _copy(self.value, {}, 0), "", set()), None)
        if found is None:
            return ""
        place, what = found
        where = f"`{self.name}{place}`: {what}" if place else what
        told = f"your function changes its argument `{self.name}` in place ({where})"
        return f"{told}; leave it as it came, work on a copy"


def whole(value: object) -> object:
    """A copy of an argument in which arrays of floating-point numbers hold whole ones, as int64.

    Shares and probabilities, all of them from 0 to 1, stay what they are: nobody has whole ones.
    """
    return _each_array(value, lambda array: np.rint(array).astype(np.int64))


def rounded(value: object) -> object:
    """The same numbers as `whole`, as floating-point ones."""
    return _each_array(value, np.rint)


def _each_array(value, change):
    if isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.ndim and np.isfinite(value).all():
        return value if ((0 <= value) & (value <= 1)).all() else change(value)
    if type(value) in (list, tuple):
        return type(value)(_each_array(one, change) for one in value)
    if type(value) is dict:
        return {key: _each_array(one, change) for key, one in value.items()}
    return value


def _copy(value, memo, depth):
    """Plain values in place of whatever can change: (kind, …); None for what is left out."""
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes)):
        return ("value", value)
    if id(value) in memo:
        return ("again", memo[id(value)])
    memo[id(value)] = len(memo)
    if depth > DEEP:
        return None
    if isinstance(value, (np.ndarray, np.generic)):
        return ("array", np.array(value, copy=True))
    if hasattr(value, "detach") and hasattr(value, "clone"):
        return ("array", _numbers(value))
    if isinstance(value, bytearray):
        return ("value", bytes(value))
    if isinstance(value, (list, tuple)):
        return ("parts", [_copy(one, memo, depth + 1) for one in value])
    if isinstance(value, dict):
        return ("names", {key: _copy(one, memo, depth + 1) for key, one in list(value.items())})
    if isinstance(value, (set, frozenset)):
        return ("value", frozenset(value))
    if hasattr(value, "state_dict") and hasattr(value, "parameters"):  # a torch module: its books are torch's own
        return ("names", {key: ("array", _numbers(one)) for key, one in value.state_dict().items()})
    if callable(value) or hasattr(value, "__next__") or isinstance(value, (random.Random, np.random.Generator)):
        return None
    if type(getattr(value, "__dict__", None)) is dict:
        return ("object", {key: _copy(one, memo, depth + 1) for key, one in list(vars(value).items())})
    return None


def _numbers(tensor):
    tensor = tensor.detach().cpu()
    return (tensor.float() if "bfloat16" in str(tensor.dtype) else tensor).numpy().copy()


def _differences(before, after, place, seen) -> Iterator[tuple[str, str]]:
    """(where, what) for each difference between two copies."""
    if before is None or after is None:
        return
    (kind, old), (other, new) = before, after
    if kind != other:
        yield place, "it is another thing now"
    elif kind == "array":
        yield from _of_arrays(old, new, place)
    elif kind == "parts":
        if len(old) != len(new):
            yield place, f"it had {len(old)} entries, now {len(new)}"
        for number, (a, b) in enumerate(zip(old, new, strict=False)):
            yield from _differences(a, b, f"{place}[{number}]", seen)
    elif kind in ("names", "object"):
        for key in [*old, *(key for key in new if key not in old)]:
            here = f".{key}" if kind == "object" else f"[{key!r}]"
            if key not in new or key not in old:
                yield place, f"{here.strip('.')} is {'new' if key in new else 'gone'}"
            else:
                yield from _differences(old[key], new[key], place + here, seen)
    elif old != new and not (old != old and new != new):
        yield place, f"{_short(old)} became {_short(new)}"


def _of_arrays(old, new, place):
    if old.shape != new.shape:
        yield place, f"its shape was {old.shape}, now {new.shape}"
    elif old.dtype != new.dtype:
        yield place, f"it held {old.dtype}, now {new.dtype}"
    elif not np.array_equal(old, new, equal_nan=old.dtype.kind == "f"):
        same = (old == new) | ((old != old) & (new != new))
        first = tuple(int(i) for i in np.argwhere(~same)[0]) if old.ndim else ()
        at = f" at {list(first)}" if first else ""
        count = f"{int((~same).sum())} of {old.size} values; " if old.size > 1 else ""
        yield place, f"{count}{_short(old[first].item())}{at} became {_short(new[first].item())}"


def _short(value):
    text = f"{value:.4g}" if isinstance(value, float) else repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
