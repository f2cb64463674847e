"""Whose code is this? A student's own functions, lines and imports, told from those of libraries.

Used by the checks of all lessons.

An answer may be a function, a lambda, a functools.partial, a method, a class, an object that can be called or a
function of a library: whatever can be called is an answer.
"""

import contextlib
import dis
import functools
import inspect
import linecache
import sys
import sysconfig
import types
from collections.abc import Iterator
from pathlib import Path


@functools.cache
def libraries() -> tuple[str, ...]:
    """The folders that Python's own modules and the installed ones lie in."""
    paths = sysconfig.get_paths()
    return tuple(str(Path(paths[name])) for name in ("stdlib", "platstdlib", "purelib", "platlib"))


def student_globals(answer: object) -> list[dict]:
    """The global names that a student's answer runs with: of each function in it that is not a library's."""
    found = {id(f.__globals__): f.__globals__ for f in _functions(answer)}
    return [names for names in found.values() if not _of_a_library(names)]


def unwrapped(function: object) -> object:
    """The function inside a functools.partial, a method, or a decorator that says what it wraps."""
    while isinstance(function, functools.partial):
        function = function.func
    try:
        return inspect.unwrap(getattr(function, "__func__", function))
    except ValueError:  # a wrapper that says it wraps itself
        return function


def line_of(error: BaseException, student: list[dict]) -> list | None:
    """[number, text] of the student's line that the error passed last, or None when it passed none."""
    found, step = None, error.__traceback__
    while step is not None:
        if any(step.tb_frame.f_globals is names for names in student):
            file, number = step.tb_frame.f_code.co_filename, step.tb_lineno
            found = [number, linecache.getline(file, number).strip()[:200]]
        step = step.tb_next
    return found


def import_first(student: list[dict]) -> None:
    """Import whatever the student's functions would import while they run, so that no time limit has to wait for it."""
    codes = [f.__code__ for names in student for value in list(names.values()) for f in _functions(value, own=names)]
    for name, wanted in {one for code in codes for one in _imports(code)}:
        if name not in sys.modules or wanted:
            with contextlib.suppress(Exception, SystemExit):  # the student will see why, at the line that asks for it
                __import__(name, {}, {}, wanted)


def _functions(answer, own=None):
    """The Python functions in an answer: itself, its methods and its wrapped ones; `own`: those with these globals."""
    found, seen = [answer], set()
    while found:
        one = unwrapped(found.pop())
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, types.FunctionType):
            if own is None or one.__globals__ is own:
                yield one
                found += [cell for cell in _cells(one) if callable(cell)]
        elif isinstance(one, type):
            if not _of_a_library(getattr(sys.modules.get(one.__module__), "__dict__", {})):
                found += [value for value in vars(one).values() if callable(value) or isinstance(value, staticmethod)]
        elif callable(one) and not isinstance(one, (types.BuiltinFunctionType, types.ModuleType)):
            found += [kind for kind in type(one).__mro__ if kind is not object]
            found += [value for value in getattr(one, "__dict__", {}).values() if isinstance(value, types.FunctionType)]


def _cells(function):
    for cell in function.__closure__ or ():
        with contextlib.suppress(ValueError):  # an empty one
            yield cell.cell_contents


def _imports(code: types.CodeType) -> Iterator[tuple[str, tuple]]:
    """(module, names taken from it) of each import in a piece of code."""
    before = None
    for step in dis.get_instructions(code):
        if step.opname == "IMPORT_NAME":
            yield step.argval, before.argval if before is not None and isinstance(before.argval, tuple) else ()
        before = step
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield from _imports(inner)


def _of_a_library(names):
    path = names.get("__file__") or ""
    return path.startswith(libraries()) or names.get("__name__") == "builtins"
