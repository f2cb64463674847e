"""What moves a widget: sliders, choices, switches, buttons, text fields. Used by all lessons with widgets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

KINDS = ("slider", "choice", "toggle", "button", "text")
MOST = 2000  # positions of a slider


@dataclass(frozen=True)
class Control:
    """One control. `values` are what a slider or a choice can be set to, `texts` how a person reads them.

    The browser knows positions in `values` and texts only, so a value may be any Python object.
    """

    kind: str
    name: str
    label: str
    values: Sequence[Any] = ()
    texts: Sequence[str] = ()
    enabled: bool = True
    plays: bool = False

    def read(self, sent: Any) -> Any:
        """The value that the browser means; raises ValueError for what this control cannot be set to."""
        if self.kind in ("slider", "choice"):
            if not (isinstance(sent, int) and 0 <= sent < len(self.values)):
                raise ValueError(f"{self.name} has positions 0 to {len(self.values) - 1}, not {sent!r}")
            return self.values[sent]
        return {"toggle": bool, "text": str, "button": bool}[self.kind](sent)

    def described(self, value: Any) -> dict:
        """What the browser needs to draw the control at `value`, in plain JSON."""
        plain = {"kind": self.kind, "name": self.name, "label": self.label, "enabled": self.enabled}
        if self.kind not in ("slider", "choice"):
            return plain | {"value": value if self.kind != "button" else None}
        position = nearest(self.values, value)
        if self.kind == "choice":
            return plain | {"value": position, "texts": list(self.texts)}
        shown = self.texts[position] if self.texts else readable(self.values[position])
        return plain | {"value": position, "last": len(self.values) - 1, "shown": shown, "plays": self.plays}


def slider(name: str, values: Sequence, label: str = "", *, texts: Sequence[str] = (), enabled: bool = True,
           plays: bool = False) -> Control:
    """A slider over `values` in order; `texts` says how each is read, else the value itself is written.

    One that `plays` has a button beside it that moves it on by itself, to the end.
    """
    if not 0 < len(values) <= MOST:
        raise ValueError(f"a slider has 1 to {MOST} positions, {name} would have {len(values)}; take a larger step")
    return Control("slider", name, label or name.replace("_", " "), values, texts, enabled, plays)


def choice(name: str, options: Sequence | dict, label: str = "", *, enabled: bool = True) -> Control:
    """A drop-down list of `options`: values, or text → value."""
    if not options:
        raise ValueError(f"{name} has nothing to choose from; give at least one option")
    pairs = options.items() if isinstance(options, dict) else [(readable(value), value) for value in options]
    texts, values = zip(*pairs, strict=True)
    return Control("choice", name, label or name.replace("_", " "), values, tuple(map(str, texts)), enabled)


def toggle(name: str, label: str = "", *, enabled: bool = True) -> Control:
    """A check box: True or False."""
    return Control("toggle", name, label or name.replace("_", " "), enabled=enabled)


def button(name: str, label: str = "", *, enabled: bool = True) -> Control:
    """A push button: the widget's `act` is called with its name and True."""
    return Control("button", name, label or name.replace("_", " "), enabled=enabled)


def text(name: str, label: str = "", *, enabled: bool = True) -> Control:
    """A line of text, sent when Enter is pressed or the field is left."""
    return Control("text", name, label or name.replace("_", " "), enabled=enabled)


def control_of(name: str, given: Any) -> Control:
    """The control for a range as people write it.

    (low, high) or (low, high, step) and `range` give a slider, True or False a switch, a list or a dict a choice, a
    string a text field. Whole numbers stay whole; (0.0, 1.0) has 100 steps. Raises ValueError for anything else.
    """
    if isinstance(given, Control):
        return given
    if isinstance(given, bool):
        return toggle(name)
    if isinstance(given, str):
        return text(name)
    if isinstance(given, range):
        return slider(name, given)
    if isinstance(given, tuple) and len(given) in (2, 3) and all(_is_number(v) for v in given):
        return slider(name, steps(*given))
    if isinstance(given, (list, dict)):
        return choice(name, given)
    raise ValueError(f"{name}={given!r} is no range; give (low, high[, step]), a list of choices, "
                     "True or False for a switch, or a string for a text field")


def steps(low: float, high: float, step: float | None = None) -> Sequence:
    """low, low + step, … up to high, each rounded so that 0.1 + 0.2 reads 0.3."""
    whole = all(isinstance(v, int) for v in (low, high, 1 if step is None else step))
    step = step if step is not None else 1 if whole else (high - low) / 100
    if not (step > 0 and high >= low):
        raise ValueError(f"from {low} to {high} in steps of {step} there is nothing; give low ≤ high and a step > 0")
    if whole:
        return range(low, high + 1, step)
    return [float(f"{low + i * step:.12g}") for i in range(int((high - low) / step + 1e-9) + 1)]


def nearest(values: Sequence, value: Any) -> int:
    """The position of `value` in `values`, or of the number closest to it; 0 where nothing compares."""
    if value in values:
        return list(values).index(value)
    if _is_number(value) and all(map(_is_number, values)):
        return min(range(len(values)), key=lambda i: abs(values[i] - value))
    return 0


def readable(value: Any) -> str:
    """A value as one reads it beside a slider: at most four digits of a float, functions by their names."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return getattr(value, "__name__", None) or str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
