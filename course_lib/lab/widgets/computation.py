r"""A computation as a list of named steps: its values, its gradients, and which cell reaches which. Lessons 04, 07.

A step names what it needs by its parameters, as in `Step("scores", "Q Kᵀ / √D", lambda Q, K, D: Q @ K.T / D**0.5)`.
Gradients come from the step's own `backward`, or from finite differences; an own one is checked against them.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

Arrays = dict[str, np.ndarray]
AGREES = 1e-5  # a backward further than this from finite differences, on the scale of its values, is called wrong


@dataclass(frozen=True)
class Step:
    """One line of a derivation: `name = formula`, computed by `forward` from earlier arrays and settings.

    The parameters of `forward` are their names. Those of `backward` may also be the step's own name, and that name
    with a `d` before it, the gradient that arrives: `lambda dweights, weights: softmax_backward(dweights, weights)`.
    It returns the gradients of forward's arrays (not of settings) in the order of its parameters, or {name: gradient}.
    """

    name: str
    formula: str
    forward: Callable[..., np.ndarray]
    backward: Callable[..., np.ndarray | Sequence[np.ndarray] | Mapping[str, np.ndarray]] | None = None

    @cached_property
    def needs(self) -> tuple[str, ...]:
        """The names that `forward` takes."""
        return _parameters(self.forward)

    @cached_property
    def _backward_needs(self) -> tuple[str, ...]:
        return _parameters(self.backward)

    def __call__(self, known: Mapping[str, object]) -> np.ndarray:
        """The value of this step. Raises ValueError when it needs a name that is not known yet."""
        missing = [name for name in self.needs if name not in known]
        if missing:
            raise ValueError(f"step {self.name!r} needs {', '.join(missing)}, but before it there is only "
                             f"{', '.join(known)}; name its parameters after those")
        return np.asarray(self.forward(*(known[name] for name in self.needs)), dtype=float)

    def gradients(self, known: Mapping[str, object], arriving: np.ndarray) -> Arrays:
        """Name → what this step passes back, by its own `backward` if it has one."""
        wanted = [name for name in self.needs if is_variable(known[name])]
        if self.backward is None:
            return self.differences(known, arriving)
        everything = {**known, f"d{self.name}": arriving}
        got = self.backward(*(everything[name] for name in self._backward_needs))
        if not isinstance(got, Mapping):
            got = dict(zip(wanted, got if isinstance(got, (tuple, list)) else (got,), strict=True))
        return {name: np.asarray(got[name], dtype=float) for name in wanted}

    def differences(self, known: Mapping[str, object], arriving: np.ndarray) -> Arrays:
        r"""The same by central differences: $dx_i = \sum_j dy_j \, (y_j(x_i + h) - y_j(x_i - h)) / 2h$."""
        passed = {}
        for name in self.needs:
            if not is_variable(known[name]):
                continue
            passed[name] = np.zeros_like(known[name])
            for cell, value in np.ndenumerate(known[name]):
                if not np.isfinite(value):
                    continue
                h = 1e-5 * max(1.0, abs(value))
                high, low = (self({**known, name: changed(known[name], cell, value + move)}) for move in (h, -h))
                moved = np.subtract(high, low, out=np.zeros_like(high), where=high != low)  # −∞ that stays moves by 0
                passed[name][cell] = (arriving * moved).sum() / (2 * h)
        return passed


def _parameters(function: Callable) -> tuple[str, ...]:
    parameters = inspect.signature(function).parameters.values()
    return tuple(p.name for p in parameters if p.default is p.empty)


def is_variable(value: object) -> bool:
    """Whether gradients belong to it: an array of floats. Numbers, booleans and arrays of whole ones are settings."""
    return isinstance(value, np.ndarray) and np.issubdtype(value.dtype, np.floating)


def changed(array: np.ndarray, cell: tuple[int, ...], value: float) -> np.ndarray:
    """A copy of `array` with another value in one cell."""
    copy = array.copy()
    copy[cell] = value
    return copy


def run(steps: Sequence[Step], known: Mapping[str, object]) -> dict[str, object]:
    """`known` (inputs and settings) with the value of each step added, in order."""
    known = dict(known)
    for step in steps:
        known[step.name] = step(known)
    return known


def backpropagate(steps: Sequence[Step], known: Mapping[str, object], seed: float | np.ndarray
                  ) -> tuple[list[Arrays], list[str]]:
    """Gradients of sum(seed · last step), and the names of steps whose `backward` is wrong.

    Item k of the list holds what has arrived after k + 1 steps back: name → gradient. An array that is used twice
    adds up what comes back from both. Wrong means further than 1e-5 from central differences, on the scale of the
    largest value.
    """
    last = steps[-1].name
    grads = {last: np.broadcast_to(np.asarray(seed, dtype=float), known[last].shape).copy()}
    moments, wrong = [], []
    for step in reversed(steps):
        arriving = grads.get(step.name, np.zeros_like(known[step.name]))
        passed = step.gradients(known, arriving)
        if step.backward and not _agree(passed, step.differences(known, arriving)):
            wrong.append(step.name)
        grads = {**grads, **{name: grads.get(name, 0.0) + gradient for name, gradient in passed.items()}}
        moments.append(grads)
    return moments, wrong


def _agree(passed: Arrays, measured: Arrays) -> bool:
    same_shape = all(passed[name].shape == values.shape for name, values in measured.items())
    largest = max((abs(values).max(initial=1.0) for values in measured.values()), default=1.0)
    return same_shape and all(abs(passed[name] - v).max(initial=0) <= AGREES * largest for name, v in measured.items())
