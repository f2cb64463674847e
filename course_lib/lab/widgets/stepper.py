"""A widget that goes through moments one by one: two buttons and a slider. Lessons 01, 04, 07 use it."""

from collections.abc import Sequence
from typing import Any

from course_lib.lab.widgets.base import Widget
from course_lib.lab.widgets.control import Control, button, slider


class Stepper(Widget):
    """A widget whose state has a `step` from 0 to `last`; a subclass says `last`, `draw`, and what a step is called."""

    step_label: str = "step"

    @property
    def last(self) -> int:
        """The number of the last step, by now: it may depend on the rest of the state."""
        raise NotImplementedError(f"{type(self).__name__} needs a property last")

    def controls(self) -> Sequence[Control]:
        """Back, a slider, next."""
        step, last = self.state["step"], self.last
        return [button("back", "◀ back", enabled=step > 0),
                slider("step", range(last + 1), self.step_label, texts=[f"{i} of {last}" for i in range(last + 1)]),
                button("next", "next ▶", enabled=step < last)]

    def act(self, name: str, value: Any) -> None:
        """Go to a step that is there; everything else as in any widget."""
        moved = {"back": self.state["step"] - 1, "next": self.state["step"] + 1}
        if name in moved or name == "step":
            self.state["step"] = min(max(int(moved.get(name, value)), 0), self.last)
        else:
            super().act(name, value)
