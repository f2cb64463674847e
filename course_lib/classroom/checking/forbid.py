"""Names that an exercise asks to write oneself: using them while a probe runs raises. Used by all lessons.

Looking for a name in the source is easily misled (an alias, importlib, getattr; a comment, a variable of that name). So
the calls themselves are watched: while a probe runs, Python reports every call, and one of a forbidden function is
refused when it is a line of the student's that calls it, itself or through what only passes calls on (`map`,
functools, numpy.vectorize, the call of a torch module). What the probe calls, and what a library calls inside, is their
own business: a library's way round is forbidden by its own name (course_lib.classroom.checking.twins). Where Python
reports nothing, stand-ins wait (course_lib.classroom.checking.stand_ins).

What remains out of reach: an operator (`@` for numpy.matmul); a method of an array handed to a builtin
(`map(numpy.ndarray.sum, rows)`, operator.methodcaller); a C function, not torch's, that was put into a list, a closure
or an object before the probe runs; a builtin that calls torch's in a thread; and whoever takes a stand-in apart. The
watch is there to remind, and to make a way round it longer than the exercise.
"""

import contextlib
import functools
import importlib
import inspect
import sys
import threading
import types
from collections.abc import Collection, Iterator

from course_lib.classroom.checking.stand_ins import modules_with, stand_ins, torch_reports
from course_lib.classroom.checking.twins import with_twins

ASKS = "this exercise asks you to write it"
PASS_ON = (  # module and beginning of a function's name: their calls are those of whoever calls them
    ("course_lib.classroom.checking.stand_ins", ""), ("functools", ""), ("contextlib", ""), ("threading", "Thread."),
    ("numpy.lib._function_base_impl", "vectorize."), ("numpy.lib._shape_base_impl", "apply_"),
    ("torch.nn.modules.module", "Module."), ("torch.overrides", ""), ("torch._functorch", ""),
    ("torch.autograd.function", "Function."), ("torch.utils._contextlib", ""),
)


class Forbidden(Exception):
    """The student's code called what the exercise asks it to write."""


class Watch:
    """What may not be called, and what was called all the same (`caught`, in order, since the last `forbidding`)."""

    def __init__(self, names: Collection[str]):
        self.codes: dict[types.CodeType, str] = {}
        self.builtins: dict[object, str] = {}
        self.methods: dict[str, list[tuple[object, str]]] = {}
        self.caught: list[str] = []
        for name in with_twins(names):
            if name in names or _is_loaded(name):  # nobody calls what was never imported
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

    @functools.cached_property
    def torch(self) -> bool:
        """Whether some of it is torch's own C code."""
        watched = [*self.builtins.values(), *(name for pairs in self.methods.values() for _, name in pairs)]
        return any(name.startswith("torch.") for name in watched)

    @functools.cached_property
    def replaced(self) -> dict[object, tuple[str, list[dict]]]:
        """What stand-ins are needed for: function → its name and the modules that have it."""
        mine = {thing: name for thing, name in self.builtins.items() if not name.startswith("torch.")}
        return {thing: (name, modules_with(thing, name)) for thing, name in mine.items()}

    def name_of(self, event: str, frame: types.FrameType, called: object) -> str | None:
        """The forbidden name that this call is of, if any; arguments as Python gives them to a profile function."""
        if event == "call":
            return self.codes.get(frame.f_code)
        if not isinstance(called, types.BuiltinFunctionType):
            return None
        for descriptor, name in self.methods.get(called.__name__, ()):
            if getattr(type(called.__self__), called.__name__, None) is descriptor:
                return name
        return self.builtins.get(called) or self._name_of_owner(called)

    def name_of_operator(self, function: object) -> str | None:
        """The forbidden name of one of torch's functions or methods, if it has one."""
        known = self.methods.get(getattr(function, "__name__", ""), ())
        found = next((name for descriptor, name in known if descriptor is function), None)
        return found or (self.builtins.get(function) if isinstance(function, types.BuiltinFunctionType) else None)

    def _name_of_owner(self, method):
        """`numpy.logaddexp` for its method `reduce`."""
        owner = method.__self__
        return next((name for thing, name in self.builtins.items() if thing is owner), None)


@functools.lru_cache(maxsize=256)
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
def forbidding(watch: Watch, student: list[dict]) -> Iterator[Watch]:
    """Within the body, raise Forbidden when code whose global names are one of `student` makes a watched call.

    Swallowing the exception does not help: the call stays in `watch.caught`. Taking the watch away counts as one.
    """
    boundary, ours = sys._getframe(2), sys._getframe()  # boundary: over this generator and contextlib, who entered
    known = {id(names) for names in student}
    watch.caught.clear()

    def refuse(name, frame):
        if _is_called_by(frame, known, boundary):
            watch.caught.append(name)
            raise Forbidden(f"{name}: {ASKS}")

    def hook(frame, event, called):
        if event not in ("call", "c_call"):
            return
        name = watch.name_of(event, frame, called)
        if called is sys.setprofile and frame is not ours:
            name = "sys.setprofile"
        if name is not None:
            refuse(name, frame.f_back if event == "call" else frame)

    def ask(name):
        refuse(name, sys._getframe(1))

    before = sys.getprofile()
    reports = torch_reports(watch.name_of_operator, ask) if watch.torch else contextlib.nullcontext()
    with stand_ins(watch.replaced, student, ask), reports:
        threading.setprofile(hook)
        sys.setprofile(hook)
        try:
            yield watch
            if sys.getprofile() is not hook:  # (an error ends the watch as well: too deep a recursion, say)
                watch.caught.append("sys.setprofile")
        finally:
            sys.setprofile(before)
            threading.setprofile(None)


def _is_called_by(frame, known, boundary):
    """Whether the student's code calls from here, on its own or through what passes calls on."""
    while frame is not None and frame is not boundary:
        if id(frame.f_globals) in known:
            return True
        module, function = frame.f_globals.get("__name__", ""), frame.f_code.co_qualname
        if not any(module.startswith(where) and function.startswith(what) for where, what in PASS_ON):
            return False
        frame = frame.f_back
    return False


def _is_loaded(name):
    module, owner = name.rpartition(".")[0], name.rsplit(".", 2)[0]
    return module in sys.modules or owner in sys.modules


def _code(thing):
    if isinstance(thing, (staticmethod, classmethod)):
        thing = thing.__func__
    return getattr(inspect.unwrap(thing), "__code__", None) if callable(thing) else None


def _inherited(thing):
    return thing.__func__ if isinstance(thing, (staticmethod, classmethod)) else thing
