"""An exercise as its author writes it: probes, hints, and the wrong answers that people give. Used by all lessons.

A file `solutions/NN_name/checks/NN_2.py` makes an Exercise and hangs functions on it:

    softmax = Exercise("07.2", "softmax", title=..., difficulty=2, minutes=10, hints=(first, second, third))

    @softmax.probe(points=1)
    def three_rows(ns, rng):
        "three rows"                                    # what the student reads: "wrong for three rows"
        return ns["softmax"](rng.normal(size=(3, 4)))   # data, never a verdict

    @softmax.mistake(hint="Which axis holds the values that should sum to one?")
    def columns(scores):
        "the softmax over columns"                      # "this is the softmax over columns"
        ...
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field

from course_lib.doors.settings import settle

HINTS = 3


@dataclass(frozen=True)
class Probe:
    """One question to a student's code: `fn(ns, rng)` calls `ns[function]` and returns plain data."""

    id: str  # the function's name, unique in its file
    name: str  # what the student reads
    fn: Callable
    points: float = 1.0
    hidden: bool = False
    axes: str = ""

    __post_init__ = settle


@dataclass(frozen=True)
class Property:
    """Something true of every right answer: `fn(ns, **drawn)` returns two values that must agree.

    ranges: argument → (lowest, highest); whole numbers or floats, from which values are drawn and shrunk.
    points: given for a rule that is kept by an answer that is right for all public probes, for zeros keep many a rule.
    """

    id: str
    name: str
    fn: Callable
    ranges: dict[str, tuple]
    points: float = 1.0

    __post_init__ = settle


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that people give: recognised by what it returns. Its code never leaves `solutions/`.

    memorised: it knows the public probes' answers; only hidden probes can see through it.
    """

    id: str
    name: str
    hint: str
    fn: Callable
    memorised: bool = False


@dataclass(frozen=True)
class Forbid:
    """A dotted name that the exercise asks to write oneself. `fn(call, *args)` answers with it, were it allowed.

    exact: answered so, the exercise would be right: an oracle for the solution.
    """

    name: str
    fn: Callable
    exact: bool = True


@dataclass
class Exercise:
    """One exercise: what it asks for, how it is checked, and how a student is helped.

    Args:
        number: "07.2": lesson, dot, place in the lesson.
        function: the name that the student defines. title: as in the notebook's heading.
        difficulty: 1 to 5. minutes: how long it takes.
        hints: three, each saying more than the one before.
        tolerance, integers: see course_lib.classroom.checking.compare. seconds: after how long a probe is stopped.
        seed: of the public probes; hidden ones get a secret seed from the grader.
        changes: names of the arguments that the answer is to change in place; all others must stay as they came.
        solution: when students may see the worked answer: "after three tries", "always" or "never".
        text: of the file that defines it; course_lib.classroom.authoring.checks_files puts it there.
    """

    number: str
    function: str
    title: str = ""
    difficulty: int = 1
    minutes: int = 10
    hints: tuple[str, ...] = ()
    tolerance: float = 1e-4
    integers: bool = False
    seed: int = 0
    seconds: float = 5.0
    changes: tuple[str, ...] = ()
    solution: str = "after three tries"
    probes: list[Probe] = field(default_factory=list)
    properties: list[Property] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)
    forbids: list[Forbid] = field(default_factory=list)
    text: str = field(default="", repr=False)

    __post_init__ = settle  # all of it lands in checks.json

    @property
    def forbidden(self) -> list[str]:
        """The dotted names that raise while the student's code runs."""
        return [forbid.name for forbid in self.forbids]

    @property
    def points(self) -> float:
        """The sum of the points of all probes and rules."""
        return sum(one.points for one in (*self.probes, *self.properties))

    def probe(self, *, points: float = 1.0, hidden: bool = False, axes: str = "") -> Callable:
        """Decorator: `fn(ns, rng)` asks the student's code something and returns what it says."""

        def add(fn):
            self.probes.append(Probe(fn.__name__, _said(fn), fn, points, hidden, axes))
            return fn

        return add

    def property(self, *, points: float = 1.0, **ranges: tuple) -> Callable:
        """Decorator: `fn(ns, **drawn)` returns two values that agree for every right answer."""

        def add(fn):
            self.properties.append(Property(fn.__name__, _said(fn), fn, ranges, points))
            return fn

        return add

    def mistake(self, *, hint: str, memorised: bool = False) -> Callable:
        """Decorator: a wrong answer with the signature of the right one; its docstring names it."""

        def add(fn):
            self.mistakes.append(Mistake(fn.__name__, _said(fn), hint, fn, memorised))
            return fn

        return add

    def forbid(self, name: str, *, exact: bool = True) -> Callable:
        """Decorator: `fn(call, *args)` solves the exercise with `name` as `call`; the build proves it fails."""

        def add(fn):
            self.forbids.append(Forbid(name, fn, exact))
            return fn

        return add


def _said(fn):
    return inspect.getdoc(fn).splitlines()[0].rstrip(".") if fn.__doc__ else fn.__name__.replace("_", " ")

