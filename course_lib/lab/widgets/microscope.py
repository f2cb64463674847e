"""An array microscope: step through a computation, change its inputs, see what reaches what. Lessons 04, 07.

Each array is a grid of cells. Forwards every step fills one; backwards every step sends gradients into those it used.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from course_lib.lab.plots import labelled_grids
from course_lib.lab.widgets.axes import cell_name, check_axes
from course_lib.lab.widgets.computation import Arrays, Step, backpropagate, changed
from course_lib.lab.widgets.control import Control, control_of
from course_lib.lab.widgets.microscope_cards import Card, cards_html, number_typed
from course_lib.lab.widgets.picture import Picture, picture_of
from course_lib.lab.widgets.reach import Reach
from course_lib.lab.widgets.stepper import Stepper

TAKEN = ("step", "back", "next", "picked", "edit")


class Microscope(Stepper):
    """A computation, cell by cell, with inputs and settings to change.

    >>> Microscope([Step("scores", "Q Kᵀ / √D", lambda Q, K, D: Q @ K.T / D**0.5),
    ...             Step("weights", "softmax over keys", lambda scores: softmax(scores), softmax_rule)],
    ...            {"Q": Q, "K": K}, axes={"Q": "TD", "K": "SD", "scores": "TS", "weights": "TS"},
    ...            ranges={"D": (1, 8)}, labels={"T": tokens, "S": tokens})                       # doctest: +SKIP

    A click on a cell (Enter, on the keyboard) lights up every cell that reaches it, and those that it reaches.
    Cells of inputs are fields: type a number, or press the arrow keys up and down.

    Args:
        steps: in order; each names what it needs by its parameters (see `Step`).
        inputs: name → array of at most 2 axes, or a function of settings, which fills the input anew when they move.
        axes: name → the letters of its axes, for inputs and steps, as in `{"scores": "TS"}`; "" for a single number.
        ranges: name → range, as `explore` takes them; the settings that steps may need.
        start: name → value that a setting begins with; otherwise the middle of a slider, the first choice.
        labels: letter → names along that axis (tokens).
        seed: the gradient that arrives at the last step; 1 for each cell by default, so of its sum.
        step: where it begins; by default after the last step forwards.

    Raises ValueError for a step that needs what is not there, an array with other axes than `axes` says, an axis of
    two lengths, and more than 16 cells along one.
    """

    name, label = "microscope", "Array microscope"

    def __init__(self, steps: Sequence[Step], inputs: Mapping[str, np.ndarray | Callable], *, axes: Mapping[str, str],
                 ranges: Mapping[str, Any] | None = None, start: Mapping[str, Any] | None = None,
                 labels: Mapping[str, Sequence[str]] | None = None, seed: float | np.ndarray = 1.0,
                 step: int | None = None):
        self.steps, self.inputs, self.axes, self.seed = list(steps), dict(inputs), dict(axes), seed
        self.labels = {letter: list(map(str, names)) for letter, names in (labels or {}).items()}
        self._settings = [control_of(name, given) for name, given in (ranges or {}).items()]
        bad = [name for name in (*self.inputs, *(c.name for c in self._settings), *(s.name for s in steps))
               if name in TAKEN]
        if bad:
            raise ValueError(f"{', '.join(bad)} means something else in a microscope; choose another name")
        super().__init__(state={"step": len(self.steps) if step is None else step, "picked": None})
        for control in self._settings:
            self.state[control.name] = (start or {}).get(control.name, _start(control, ranges[control.name]))
        for name in self.inputs:
            self._fill(name)
        self._note, self._reach = "", (None, None)
        values, error = self._values(self.state)
        if error:
            raise error[1]
        check_axes({n: values[n] for n in (*self.inputs, *(s.name for s in steps))}, self.axes, self.labels)

    @property
    def last(self) -> int:
        """Every step forwards, every step backwards."""
        return 2 * len(self.steps)

    def controls(self) -> list[Control]:
        """The way through the steps, and the settings."""
        return [*super().controls(), *self._settings]

    def act(self, name: str, value: Any) -> None:
        """Go to a step, pick a cell, edit an input, or move a setting, and with it the inputs made from it."""
        self._note = ""
        if name == "edit":
            self._edit(*value)
        elif name == "picked":
            again = value == self.state["picked"] and value[0] not in self.inputs if value else True  # fields stay
            self.state["picked"] = None if again else [value[0], *map(int, value[1:])]
        else:
            super().act(name, value)
            for filled, given in self.inputs.items():
                if callable(given) and name in inspect.signature(given).parameters:
                    self._fill(filled)
                    self.state["picked"] = None

    def still(self, state: dict[str, Any]) -> Picture:
        """All arrays as grids, with the gradients that have arrived."""
        cards = self._cards(state)
        words = self._words(state, cards)
        arrays = {card.name: card.values for card in cards if card.values is not None}
        arrays |= {f"d{card.name}": card.grads for card in cards if card.grads is not None}
        shown = {name: np.where(np.isfinite(a), a, np.nan).reshape(a.shape or (1,)) for name, a in arrays.items()}
        shown = {name: array for name, array in shown.items() if not np.isnan(array).all()}
        figure = labelled_grids(shown, axes={n: self.axes[n.removeprefix("d") if n not in self.axes else n] or " "
                                             for n in shown}, signed=True,
                                caption="Every array of the computation, one after the other.", alt=words)
        return picture_of(figure, words=words)

    def draw(self, state: dict[str, Any]) -> Picture:
        """A card for each array."""
        cards = self._cards(state)
        return Picture(self._words(state, cards), markup=cards_html(cards, self.labels))

    def _edit(self, name, row, column, typed) -> None:
        array = self.state[name]
        cell = (int(row), int(column))[2 - array.ndim:] if array.ndim else ()
        number = number_typed(typed)
        if number is None:
            self._note = f"“{typed}” is no number; {cell_name(name, cell, self.axes, self.labels)} stays as it was"
        else:
            self.state[name] = changed(array, cell, number if array.dtype.kind == "f" else round(number))

    def _fill(self, name: str) -> None:
        given = self.inputs[name]
        if callable(given):
            given = given(*(self.state[p] for p in inspect.signature(given).parameters))
        array = np.asarray(given.detach() if hasattr(given, "detach") else given)
        self.state[name] = array.copy() if array.dtype.kind in "iub" else array.astype(float)

    def _values(self, state: dict) -> tuple[dict, tuple[str, Exception] | None]:
        """Everything that could be computed, and (step, error) where it could not go on."""
        known = {name: state[name] for name in (*self.inputs, *(c.name for c in self._settings))}
        for step in self.steps:
            try:
                known[step.name] = step(known)
            except Exception as error:
                return known, (step.name, error)
        return known, None

    def _cards(self, state: dict) -> list[Card]:
        values, error = self._values(state)
        n, k = len(self.steps), state["step"]
        grads, wrong = self._gradients(values, k - n) if k > n and not error else ({}, [])
        lit_in, lit_out = self._lit(state, values, error)
        picked = (state["picked"][0], tuple(state["picked"][1:])) if state["picked"] else None
        cards = [Card(name, "", self.axes[name], values[name], grads.get(name), editable=True) for name in self.inputs]
        for number, step in enumerate(self.steps, start=1):
            seen = values.get(step.name) if number <= k else None
            failed = error and error[0] == step.name
            cards.append(Card(step.name, step.formula, self.axes[step.name], seen, grads.get(step.name),
                              now=k in (number, 2 * n + 1 - number), wrong=step.name in wrong,
                              error=f"{type(error[1]).__name__}: {error[1]}" if failed else ""))
        for card in cards:
            card.lit_in, card.lit_out = lit_in.get(card.name), lit_out.get(card.name)
            card.picked = picked[1] if picked and picked[0] == card.name else None
        return cards

    def _gradients(self, values: dict, back: int) -> tuple[Arrays, list[str]]:
        moments, wrong = backpropagate(self.steps, values, self.seed)
        walked = [step.name for step in self.steps[len(self.steps) - back:]]
        return moments[back - 1], [name for name in wrong if name in walked]

    def _lit(self, state: dict, values: dict, error) -> tuple[dict, dict]:
        """What reaches the picked cell, and what it reaches: name → booleans."""
        if not state["picked"] or error:
            return {}, {}
        key = str([(name, np.asarray(value).tobytes(), np.shape(value)) for name, value in values.items()])
        if self._reach[0] != key:
            self._reach = (key, Reach(self.steps, values))
        name, *cell = state["picked"]
        if name not in self._reach[1].shapes:
            return {}, {}
        return self._reach[1].into((name, tuple(cell))), self._reach[1].out_of((name, tuple(cell)))

    def _words(self, state: dict, cards: list[Card]) -> str:
        if self._note:
            return self._note
        n, k = len(self.steps), state["step"]
        trouble = next((f"{card.name} cannot be computed: {card.error}" for card in cards if card.error), "")
        picked = next((card for card in cards if card.picked is not None and card.values is not None), None)
        if trouble or picked:
            return trouble or picked.told(cards, self.axes, self.labels)
        if k == 0:
            return f"the inputs: {', '.join(self.inputs)}"
        if k <= n:
            step = cards[len(self.inputs) + k - 1]
            return f"forwards, {k} of {n}: {step.name} = {step.formula}"
        step = self.steps[2 * n - k]
        into = " and ".join(f"d{name}" for name in step.needs if name in self.axes)
        wrong = next((f"; finite differences disagree with the backward of {card.name}"
                      for card in cards if card.wrong), "")
        return f"backwards, {k - n} of {n}: through {step.name} into {into}{wrong}"


def _start(control: Control, given: Any) -> Any:
    """Where a setting begins: the middle of a slider, the first choice, the switch or text as given."""
    if control.kind == "slider":
        return control.values[(len(control.values) - 1) // 2]
    return control.values[0] if control.kind == "choice" else given
