"""Answers that call what is forbidden, by every way that comes to a student's mind. Part of the authors' tools.

No lesson derives it. The proof of an exercise runs them all: each must be caught.
"""

import functools
import importlib
import types
from collections.abc import Callable

from course_lib.classroom.checking.exercise import Forbid
from course_lib.classroom.checking.forbid import resolve

WAYS = {  # how an answer's code, run with these names, comes to what is forbidden
    "by its name": "by_name(name)",
    "by an alias": "alias",
    "by importlib": "by_importlib(name)",
    "by map": "by_map(name)",
}


def answer_with(forbid: Forbid, way: str) -> Callable:
    """An answer that solves the exercise with what is forbidden, come to by one of `WAYS`.

    All its lines, those of `forbid.fn` and its helpers among them, have the same global names, as a student's have.
    """
    there = forbid.fn.__globals__
    names = {**there, "__name__": "answers", "__file__": None, "functools": functools, "name": forbid.name}
    names |= {"alias": resolve(forbid.name), "by_name": resolve.__wrapped__, "by_importlib": _by_importlib}
    helpers = {key: one for key, one in there.items() if isinstance(one, types.FunctionType)}
    own = {key: one for key, one in helpers.items() if one.__globals__ is there and not hasattr(one, "__wrapped__")}
    for key, one in {**own, "by_map": _by_map, "fn": forbid.fn}.items():
        names[key] = types.FunctionType(one.__code__, names, key, one.__defaults__, one.__closure__)
        names[key].__kwdefaults__ = one.__kwdefaults__
    exec(f"def answer(*args):\n    return fn({WAYS[way]}, *args)", names)
    return names["answer"]


def _by_importlib(name):
    module, _, attribute = name.rpartition(".")
    try:
        return getattr(importlib.import_module(module), attribute)
    except ImportError:  # a method: module.Class.method
        outer, _, owner = module.rpartition(".")
        return getattr(getattr(importlib.import_module(outer), owner), attribute)


def _by_map(name):
    """A function that leaves the call to `map`, so that none is written in Python."""
    found = by_name(name)  # noqa: F821  (one of the names of `answer_with`): looked up anew, what stands there now
    return lambda *args, **named: next(map(functools.partial(found, **named), *([arg] for arg in args)))
