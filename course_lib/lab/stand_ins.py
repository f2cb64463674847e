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
    """Behaves as a function (or ufunc) does, its methods included, but asks first."""

    def __init__(self, thing: object, name: str, ask: Ask):
        self.__dict__.update(_thing=thing, _name=name, _ask=ask, __doc__=thing.__doc__)

    def __call__(self, *args: object, **named: object) -> object:
        self._ask(self._name)
        return self._thing(*args, **named)

    def __getattr__(self, name: str) -> object:
        found = getattr(self._thing, name)
        return StandIn(found, self._name, self._ask) if callable(found) else found

    def __repr__(self) -> str:
        return repr(self._thing)


@contextlib.contextmanager
def stand_ins(forbidden: Mapping[object, str], namespaces: list[dict], ask: Ask) -> Iterator[None]:
    """Within the body, hold a StandIn wherever a module, or one of the `namespaces`, holds a forbidden function.

    A functools.partial of one, kept under a name there, is replaced as well.
    """
    modules = [vars(module) for module in list(sys.modules.values()) if type(getattr(module, "__dict__", 0)) is dict]
    placed = []
    for thing, name in forbidden.items():
        called = name.rpartition(".")[2]
        held = [(space, called) for space in modules if space.get(called) is thing]
        held += [(space, key) for space in namespaces for key, value in list(space.items()) if value is thing]
        placed += [(space, key, StandIn(thing, name, ask)) for space, key in held]
        for space in namespaces:
            for key, value in list(space.items()):
                if isinstance(value, functools.partial) and value.func is thing:
                    made = functools.partial(StandIn(thing, name, ask), *value.args, **value.keywords)
                    placed.append((space, key, made))
    before = [(space, key, space[key]) for space, key, _ in placed]
    for space, key, other in placed:
        space[key] = other
    try:
        yield
    finally:
        for (space, key, other), (_, _, own) in zip(placed, before, strict=True):
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
