"""Stand-ins for forbidden functions that are written in C, while a probe runs. Used by the checks of all lessons.

Python reports a call of a C function only where Python code makes it. It says nothing of `map(math.exp, x)`, where
one builtin calls another, and nothing of numpy's ufuncs. So for as long as a probe runs, every module and every name
of the student's that holds such a function holds a stand-in instead, which asks before it calls; and torch, which has
a hook for that, is told to report each of its operators, whoever calls it.
"""

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator, Mapping

Ask = Callable[[str], None]  # raises Forbidden where the student's code asks


class StandIn:
    """Behaves as a function (or ufunc) does, its methods included, but asks first.

    Whoever asks what it is (`isinstance`, `==`, `hash`, its name, its signature) hears what it stands for.
    """

    def __init__(self, thing: object, name: str, ask: Ask):
        self.__dict__.update(_thing=thing, _name=name, _ask=ask, __doc__=thing.__doc__)

    def __call__(self, *args: object, **named: object) -> object:
        self._ask(self._name)
        return self._thing(*args, **named)

    def __getattr__(self, name: str) -> object:
        found = getattr(self._thing, name)
        return StandIn(found, self._name, self._ask) if callable(found) else found

    @property
    def __class__(self) -> type:
        return type(self._thing)

    def __dir__(self) -> list[str]:
        return dir(self._thing)

    def __eq__(self, other: object) -> bool:
        return self._thing == (other._thing if type(other) is StandIn else other)

    def __hash__(self) -> int:
        return hash(self._thing)

    def __reduce__(self) -> object:
        return self._thing.__reduce__()

    def __repr__(self) -> str:
        return repr(self._thing)


def modules_with(thing: object, name: str) -> list[dict]:
    """The names of every module that holds `thing` under its own name, the last part of `name`."""
    called, spaces = name.rpartition(".")[2], (getattr(module, "__dict__", {}) for module in list(sys.modules.values()))
    return [space for space in spaces if type(space) is dict and space.get(called) is thing]


@contextlib.contextmanager
def stand_ins(forbidden: Mapping[object, tuple[str, list[dict]]], student: list[dict], ask: Ask) -> Iterator[None]:
    """Within the body, a StandIn is wherever a module, or one of the student's names, holds a forbidden function.

    A functools.partial of one, kept under a name of the student's, is replaced as well.

    Args:
        forbidden: function → its name and the modules that have it (`modules_with`).
        student: the student's global names, one dict or more.
        ask: called with the name; raises to refuse.
    """
    before = []
    for thing, (name, modules) in forbidden.items():
        other, called = StandIn(thing, name, ask), name.rpartition(".")[2]
        before += [(space, called, thing, other) for space in modules]
        for space in student:
            for key, value in list(space.items()):
                if value is thing:
                    before.append((space, key, value, other))
                elif isinstance(value, functools.partial) and value.func is thing:
                    made = functools.partial(other, *value.args, **value.keywords)
                    before.append((space, key, value, made))
    for space, key, _, other in before:
        space[key] = other
    try:
        yield
    finally:
        for space, key, own, other in before:
            if space.get(key) is other:  # else the student's code has given the name another meaning
                space[key] = own


def torch_reports(name_of: Callable[[object], str | None], ask: Ask) -> contextlib.AbstractContextManager:
    """A context in which torch asks before each of its functions and methods that `name_of` knows as forbidden.

    See torch.overrides.TorchFunctionMode; one for each thread, so a thread that the student starts is not covered.
    """
    torch = sys.modules.get("torch")
    if torch is None:
        return contextlib.nullcontext()

    class Reports(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            if name := name_of(function):
                ask(name)
            return function(*args, **(kwargs or {}))

    return Reports()
