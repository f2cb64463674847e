"""Names that an exercise asks to write oneself: using them while a probe runs raises. Used by all lessons.

Looking for a name in the source is easily misled (an alias, importlib, getattr). So the calls themselves are
watched: while a probe runs, Python reports every call, and one of a forbidden function is refused when the
student's code stands above it on the stack. What the probe itself calls is its own business. (Python reports no
call that one builtin makes of another, as in `map(torch.softmax, …)`.)
"""

import contextlib
import importlib
import inspect
import sys
import threading
import types
from collections.abc import Collection, Iterator

ASKS = "this exercise asks you to write it"


class Forbidden(Exception):
    """The student's code called what the exercise asks it to write."""


class Watch:
    """What may not be called, and what was called all the same (`caught`, in order)."""

    def __init__(self, names: Collection[str]):
        self.codes: dict[types.CodeType, str] = {}
        self.builtins: dict[object, str] = {}
        self.methods: dict[str, list[tuple[object, str]]] = {}
        self.caught: list[str] = []
        for name in names:
            with contextlib.suppress(ValueError):  # another version of a library may not have it
                self._add(name)

    def _add(self, name):
        thing = resolve(name)
        if isinstance(thing, type):
            for method in ("__init__", "forward", "apply"):
                if code := _code(vars(thing).get(method)):
                    self.codes[code] = name
        elif code := _code(thing):
            self.codes[code] = name
        elif isinstance(thing, types.MethodDescriptorType):
            self.methods.setdefault(thing.__name__, []).append((thing, name))
        else:
            self.builtins[thing] = name

    def name_of(self, event: str, frame: types.FrameType, called: object) -> str | None:
        """The forbidden name that this call is of, if any; arguments as Python gives them to a profile function."""
        if event == "call":
            return self.codes.get(frame.f_code)
        if not isinstance(called, types.BuiltinFunctionType):
            return None
        for descriptor, name in self.methods.get(called.__name__, ()):
            if getattr(type(called.__self__), called.__name__, None) is descriptor:
                return name
        return self.builtins.get(called)


def resolve(name: str) -> object:
    """What a dotted name stands for: "torch.Tensor.softmax". Raises ValueError when there is no such thing."""
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            thing = importlib.import_module(".".join(parts[:cut]))
        except ImportError:
            continue
        try:
            for part in parts[cut:]:
                thing = inspect.getattr_static(thing, part) if isinstance(thing, type) else getattr(thing, part)
                thing = _inherited(thing)
        except AttributeError:
            break
        return thing
    raise ValueError(f"there is nothing called {name}; a forbidden name is written in full, with its module")


@contextlib.contextmanager
def forbidding(watch: Watch, student: set[int]) -> Iterator[Watch]:
    """Within the body, raise Forbidden when code whose globals are in `student` (ids) leads to a watched call.

    Swallowing the exception does not help: the call stays in `watch.caught`. Taking the watch away counts as one.
    """
    boundary = sys._getframe(2)  # over this generator and contextlib: who entered the body

    def hook(frame, event, called):
        if event not in ("call", "c_call"):
            return
        name = watch.name_of(event, frame, called)
        if called is sys.setprofile and frame is not ours:
            name = "sys.setprofile"
        if name is not None and _stands_on(frame, student, boundary):
            watch.caught.append(name)
            raise Forbidden(f"{name}: {ASKS}")

    ours, before = sys._getframe(), sys.getprofile()
    threading.setprofile(hook)
    sys.setprofile(hook)
    try:
        yield watch
    finally:
        sys.setprofile(before)
        threading.setprofile(None)


def _stands_on(frame, student, boundary):
    while frame is not None and frame is not boundary:
        if id(frame.f_globals) in student:
            return True
        frame = frame.f_back
    return False


def _code(thing):
    if isinstance(thing, (staticmethod, classmethod)):
        thing = thing.__func__
    return getattr(inspect.unwrap(thing), "__code__", None) if callable(thing) else None


def _inherited(thing):
    return thing.__func__ if isinstance(thing, (staticmethod, classmethod)) else thing
