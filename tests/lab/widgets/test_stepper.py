"""Back, slider, next: never before the first step, never behind the last."""

from course_lib.lab.widgets.stepper import Stepper


class Count(Stepper):
    last = 3

    def draw(self, state):
        return str(state["step"])


def enabled(widget):
    return {control.name: control.enabled for control in widget.controls()}


def test_steps_stay_within_their_bounds():
    count = Count(state={"step": 0})
    seen = []
    for name, value in [("back", True), ("next", True), ("step", 3), ("next", True), ("step", 99), ("back", True)]:
        count.set(**{name: value})
        seen.append(count.state["step"])
    assert seen == [0, 1, 3, 3, 3, 2]


def test_buttons_that_lead_nowhere_are_off():
    assert enabled(Count(state={"step": 0})) == {"back": False, "step": True, "next": True}
    assert enabled(Count(state={"step": 3})) == {"back": True, "step": True, "next": False}
    texts = Count(state={"step": 1}).controls()[1].described(1)
    assert (texts["value"], texts["last"], texts["shown"]) == (1, 3, "1 of 3")


def test_other_names_are_settings():
    count = Count(state={"step": 0})
    count.set(heat=2.0)
    assert count.state == {"step": 0, "heat": 2.0}
