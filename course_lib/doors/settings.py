"""What a setting may be: a plain value of the type written beside it. The doors of configs in all lessons use it.

Settings come out of computations: `np.float64(1e-3)`, `ids.max()`, `torch.tensor(4)`. They print like numbers and train
like numbers, but JSON does not know them, and the run that they decide could not be saved, or not resumed. So they
become plain ones the moment that they are given, and what is none (text for a number, True for a count, nan) is
refused.
"""

import dataclasses
import math
import types
import typing
from functools import lru_cache
from numbers import Integral, Real
from typing import Any, Union


def settle(config: Any) -> None:
    """Make each field of a dataclass what its annotation says, or raise ValueError. The first line of `__post_init__`.

    Known are int, float, bool, str, tuples of these, and None where it is allowed. Fields of other types (paths,
    functions, dictionaries) stay as they are.
    """
    for name, kind in _kinds(type(config)).items():
        object.__setattr__(config, name, plain(name, getattr(config, name), kind))  # frozen ones, too


@lru_cache(maxsize=64)
def _kinds(cls):
    hints = typing.get_type_hints(cls)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


def plain(name: str, value: Any, kind: Any) -> Any:
    """`value` as a plain `kind`, such as `int` or `tuple[float, float] | None`. Raises ValueError that says `name`.

    Scalars of numpy and torch and arrays without axes become the Python number that they hold. A number counts as a
    float if it is finite: a rate of nan spoils all that it touches, and JSON has neither nan nor inf.

    >>> plain("betas", [0.9, 1], tuple[float, float])
    (0.9, 1.0)
    """
    options = typing.get_args(kind) if typing.get_origin(kind) in (Union, types.UnionType) else (kind,)
    if value is None and type(None) in options:
        return None
    wanted = [option for option in options if option is not type(None)]
    if len(wanted) > 1 or not (wanted[0] in ONE or typing.get_origin(wanted[0]) is tuple):
        return value
    if wanted[0] in ONE:
        value = _without_axes(value)
        accepts, what = ONE[wanted[0]]
        if accepts(value):
            return _number(name, value, wanted[0])
        or_none = ", or None" if len(options) > 1 else ""
        raise ValueError(f"{name}={value!r} must be {what}{or_none}{_way_out(value, wanted[0])}")
    return _tuple(name, value, typing.get_args(wanted[0]))


def _is_number(value):
    return isinstance(value, Real) and not isinstance(value, bool)


ONE = {  # type → what passes for it once `_without_axes` has unpacked it, and how a message calls it
    int: (lambda value: isinstance(value, Integral) and not isinstance(value, bool), "a whole number"),
    float: (_is_number, "a number"),
    bool: (lambda value: isinstance(value, bool), "True or False"),
    str: (lambda value: isinstance(value, str), "text"),
}


def _without_axes(value):
    """The Python value in a scalar or in an array or tensor of shape (); anything else as it is."""
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        return value.item()
    return value


def _number(name, value, kind):
    try:
        value = kind(value)
    except OverflowError:  # a whole number beyond the floats
        value = math.inf
    if kind is float and not math.isfinite(value):
        raise ValueError(f"{name}={value} must be finite; look at how it was computed, or leave it out")
    return value


def _way_out(value, kind):
    if isinstance(value, str) and kind in (int, float):
        return "; write it without quotes"
    if isinstance(value, float) and kind is int and value.is_integer():
        return f"; write {int(value)}"
    if isinstance(value, bool) and kind in (int, float):
        return f"; if {int(value)} is meant, write {int(value)}"
    if _is_number(value) and value in (0, 1) and kind is bool:
        return f"; write {bool(value)}"
    return ""


def _tuple(name, value, kinds):
    if hasattr(value, "tolist"):  # an array or a tensor
        value = value.tolist()
    if not isinstance(value, (tuple, list)):
        raise ValueError(f"{name}={value!r} must be several values: write a tuple, such as ({value!r},)")
    if kinds[-1] is Ellipsis:
        kinds = kinds[:1] * len(value)
    if len(value) != len(kinds):
        raise ValueError(f"{name}={tuple(value)} must be {len(kinds)} values, not {len(value)}")
    return tuple(plain(f"{name}[{i}]", *pair) for i, pair in enumerate(zip(value, kinds, strict=True)))
