r"""Which cell of a computation reaches which, found by trying. Lesson 07.

A cell reaches another one if changing it changes the other. This is tried, not declared, so that it is true for any
steps a student writes. Two traps are avoided. At the student's own numbers a product with a 0 would hide a
dependency, so the float inputs are first moved a little, at random, from where they are; what a mask or a setting
cuts off stays cut off. And a cell that no input can change, such as a weight that the mask holds at 0, is a constant:
nothing flows through it, so it is never on the way. (Reading dependencies off the shapes, or sending a NaN through,
would light up what a mask hides, since 0 · NaN = NaN.)
"""

from collections.abc import Mapping, Sequence

import numpy as np

from course_lib.lab.widgets.computation import Step, changed, is_variable, run

Cell = tuple[str, tuple[int, ...]]
POINTS = 2  # a coincidence at one random point is not one at the other


class Reach:
    """For every pair of cells of `known`, whether the first reaches the second.

    One run of the steps after it for each cell and point: about 20 ms for attention with three tokens.
    """

    def __init__(self, steps: Sequence[Step], known: Mapping[str, object]):
        inputs = {name: value for name, value in known.items() if name not in {step.name for step in steps}}
        self.shapes = {name: value.shape for name, value in known.items() if is_variable(value)}
        ends = np.cumsum([0, *(int(np.prod(shape)) for shape in self.shapes.values())])
        self.starts = dict(zip(self.shapes, ends, strict=False))
        self.matrix = np.zeros((ends[-1], ends[-1]), dtype=bool)  # [source, target]
        rng = np.random.default_rng(0)
        for _ in range(POINTS):
            self._try(steps, run(steps, {name: _moved(value, rng) for name, value in inputs.items()}), rng)
        sources = sum((self._numbers(name) for name in inputs if name in self.shapes), [])
        constant = ~self.matrix[sources].any(axis=0)
        self.matrix[constant] = self.matrix[:, constant] = False

    def into(self, cell: Cell) -> dict[str, np.ndarray]:
        """Name → booleans in the shape of that array: the cells that reach `cell`, itself left out."""
        return self._by_name(self.matrix[:, self._number(cell)], cell)

    def out_of(self, cell: Cell) -> dict[str, np.ndarray]:
        """Name → booleans in the shape of that array: the cells that `cell` reaches, itself left out."""
        return self._by_name(self.matrix[self._number(cell)], cell)

    def _try(self, steps, known, rng):
        rest = list(steps)
        for name in self.shapes:
            if any(step.name == name for step in rest):  # only later steps can feel a change in this one
                rest = rest[[step.name for step in rest].index(name) + 1 :]
            before = self._flat(known)
            for cell, number in zip(np.ndindex(self.shapes[name]), self._numbers(name), strict=True):
                value = known[name][cell]
                if not np.isfinite(value):
                    continue
                other = value + (0.1 + abs(value)) * rng.uniform(0.1, 0.2)
                after = self._flat(run(rest, {**known, name: changed(known[name], cell, other)}))
                self.matrix[number] |= _differ(before, after)

    def _flat(self, known):
        return np.concatenate([known[name].ravel() for name in self.shapes])

    def _numbers(self, name):
        return list(range(self.starts[name], self.starts[name] + int(np.prod(self.shapes[name]))))

    def _number(self, cell):
        name, index = cell
        return self.starts[name] + int(np.ravel_multi_index(index, self.shapes[name])) if index else self.starts[name]

    def _by_name(self, row, cell):
        row = row.copy()
        row[self._number(cell)] = False
        return {name: row[self._numbers(name)].reshape(shape) for name, shape in self.shapes.items()}


def _moved(value: object, rng: np.random.Generator) -> object:
    """A float array a little away from where it was, so that no entry is exactly 0 or equal to another."""
    if not is_variable(value):
        return value
    size = 0.1 * (float(np.sqrt(np.mean(value**2))) or 1.0)
    return value + size * rng.uniform(0.2, 1.0, value.shape) * rng.choice([-1.0, 1.0], value.shape)


def _differ(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Where two arrays differ by more than rounding; −∞ is equal to itself."""
    scale = np.maximum(1.0, np.nan_to_num(abs(before), posinf=1.0))
    difference = np.subtract(after, before, out=np.zeros_like(before), where=after != before)
    return ~(abs(difference) <= 1e-13 * scale)
