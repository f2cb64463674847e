"""Sliders for any function that draws: `explore(fn, **ranges)`. Used by all lessons with sliders."""

import inspect
from collections.abc import Callable
from typing import Any

from matplotlib.figure import Figure

from course_lib.lab.widgets.base import Widget
from course_lib.lab.widgets.control import Control, control_of
from course_lib.lab.widgets.frame import Frame


class Explore(Widget):
    """A function and its arguments under controls; made by `explore`."""

    name = "explore"

    def __init__(self, fn: Callable[..., object], ranges: dict[str, Any], *, label: str = ""):
        defaults = _defaults(fn, ranges)
        self.fn, self._controls = fn, [control_of(name, given) for name, given in ranges.items()]
        self._frame = Frame()
        self.label = label or f"Explore {_called(fn).replace('_', ' ')}"
        super().__init__(state={c.name: _start(c, ranges[c.name], defaults) for c in self._controls})

    def controls(self) -> list[Control]:
        """One for each argument that was named."""
        return self._controls

    def draw(self, state: dict[str, Any]) -> object:
        """What the function returns; a figure stands where the last one stood."""
        shown = self.fn(**state)
        if isinstance(shown, Figure):
            self._frame.put(shown)
        return shown


def explore(fn: Callable[..., object], /, *, label: str = "", **ranges: Any) -> Explore:
    """`fn` under controls, one for each of its arguments that you name: move them and it is drawn again.

    >>> explore(draw, k=(1, 9), sharp=(0.0, 2.0, 0.1), mask=True, init=["zeros", "normal"])      # doctest: +SKIP

    Args:
        fn: any function of those arguments that returns a figure, an object with HTML, or something to print.
        label: what a screen reader calls the whole.
        ranges: (low, high) or (low, high, step) or `range` → slider, True or False → switch, list or dict
            (text → value) → choice, string → text field. It starts at the function's own default, else in the middle
            of a slider, at the first choice, at the given switch or string.

    Other people's name for it: `interact` of ipywidgets, which leaves nothing to see on GitHub or in print.
    Raises ValueError for a range that is none, and for an argument that `fn` does not have.
    """
    return Explore(fn, ranges, label=label)


def _called(fn: Callable[..., object]) -> str:
    return getattr(fn, "__name__", "the function")


def _defaults(fn: Callable[..., object], ranges: dict[str, Any]) -> dict[str, Any]:
    parameters = inspect.signature(fn).parameters
    takes_all = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    unknown = [name for name in ranges if name not in parameters and not takes_all]
    if unknown:
        raise ValueError(f"{_called(fn)} has no argument {', '.join(unknown)}; it has {', '.join(parameters)}")
    return {name: p.default for name, p in parameters.items() if p.default is not p.empty}


def _start(control: Control, given: Any, defaults: dict[str, Any]) -> Any:
    values = control.values
    if control.name in defaults and (not values or defaults[control.name] in values):
        return defaults[control.name]
    if control.kind == "slider":
        return values[(len(values) - 1) // 2]
    return values[0] if control.kind == "choice" else given
