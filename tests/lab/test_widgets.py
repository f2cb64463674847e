"""The parts that every widget is made of: pictures, controls, cells, the base, and `explore` on top of them."""

import base64
import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
from ipywidgets.widgets.widget import _instances
from PIL import Image

from course_lib.lab import plots
from course_lib.lab.widgets import Widget, cells, explore
from course_lib.lab.widgets.control import control_of, nearest, slider, steps
from course_lib.lab.widgets.front import HERE, front_class
from course_lib.lab.widgets.picture import picture_of

VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture
def alive(monkeypatch):
    """As in a student's Jupyter."""
    monkeypatch.setenv("COURSE_HEADLESS", "0")


@pytest.fixture
def headless(monkeypatch):
    monkeypatch.setenv("COURSE_HEADLESS", "1")


@pytest.fixture
def run_cell(monkeypatch):
    """Show widgets as the cell that is named would, each call a new execution of it."""
    executions = iter(range(1000))

    def run(cell, *widgets):
        execution = str(next(executions))
        monkeypatch.setattr(cells, "this_cell", lambda: (cell, execution))
        return [widget._repr_mimebundle_() for widget in widgets]

    monkeypatch.setattr(cells, "_shown", {})
    return run


def bars(top=2, flat=False):
    probs = np.full(6, 1 / 6) if flat else 2.0 ** -np.array([1, 2, 3, 4, 5, 5])
    return plots.next_token_bars(list("abcdef"), probs, top=top, caption="The caption.", alt="Bars.")


def press(widget, *actions):
    """What the browser sends."""
    widget._receive(None, {"actions": list(actions)}, [])


def picture_size(bundle):
    return Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))).size


# ---- pictures


def test_a_figure_is_rendered_closed_and_described():
    picture = picture_of(bars())
    assert plt.get_fignums() == []
    assert picture.words == "most probable: a with 50%"
    html = picture.as_html()
    assert 'alt="Bars. most probable: a with 50%"' in html and "<figcaption>The caption.</figcaption>" in html


def test_what_students_return_becomes_a_picture():
    figure, ax = plt.subplots()
    ax.set_title("sine")
    assert picture_of(ax).words == "sine" and picture_of(ax).png[:4] == b"\x89PNG"
    plt.plot([1, 2])
    assert picture_of(None).png and plt.get_fignums() == []
    assert picture_of(3.5).markup == "<pre>3.5</pre>"
    assert picture_of("<b>").bundle() == {"text/html": "<pre>&lt;b&gt;</pre>", "text/plain": "<b>"}


# ---- controls


@pytest.mark.parametrize("given, kind, values", [
    ((1, 4), "slider", [1, 2, 3, 4]),
    ((0, 10, 5), "slider", [0, 5, 10]),
    ((0.0, 0.3, 0.1), "slider", [0.0, 0.1, 0.2, 0.3]),
    (range(2, 5), "slider", [2, 3, 4]),
    (["x", "y"], "choice", ["x", "y"]),
    ({"none": None, "one": 1}, "choice", [None, 1]),
    (True, "toggle", []),
    ("hello", "text", []),
])
def test_ranges_as_people_write_them(given, kind, values):
    control = control_of("k", given)
    assert (control.kind, list(control.values)) == (kind, values)


@pytest.mark.parametrize("given", [3, None, (1, 2, 3, 4), ("a", "b"), (5, 1), (0.0, 1.0, 0.0), []])
def test_a_range_that_is_none_is_refused(given):
    with pytest.raises(ValueError, match="give|nothing"):
        control_of("k", given)


def test_too_many_positions_are_refused():
    with pytest.raises(ValueError, match="would have 1000001"):
        control_of("k", (0, 1_000_000))


def test_positions_are_values():
    control = slider("k", [0.1, 1.0, 10.0])
    assert control.read(2) == 10.0
    assert control.described(1.0) | {"value": 1, "last": 2, "shown": "1"} == control.described(1.0)
    for wrong in (3, -1, "1", None):
        with pytest.raises(ValueError, match="positions 0 to 2"):
            control.read(wrong)


def test_steps_are_round_and_end_where_they_should():
    assert steps(0.0, 1.0)[-1] == 1.0 and len(steps(0.0, 1.0)) == 101
    assert steps(0.1, 0.9, 0.2) == [0.1, 0.3, 0.5, 0.7, 0.9]
    assert nearest([0.1, 0.3, 0.5], 0.33) == 1 and nearest(["a"], "b") == 0


# ---- explore


def test_it_starts_where_the_function_does():
    assert explore(bars, top=(1, 5), flat=True).state == {"top": 2, "flat": False}
    assert explore(lambda k: k, k=(0, 8)).state == {"k": 4}
    assert explore(lambda **any: any, a=["x", "y"], b="text").state == {"a": "x", "b": "text"}


def test_an_argument_that_the_function_lacks_is_named():
    with pytest.raises(ValueError, match="bars has no argument topp; it has top, flat"):
        explore(bars, topp=(1, 5))


def test_the_browser_moves_it(alive, run_cell):
    widget = explore(bars, top=(1, 5), flat=False)
    run_cell("cell", widget)
    front = widget._front
    before = front.picture
    press(widget, ["top", 3], ["flat", True])
    assert widget.state == {"top": 4, "flat": True}
    assert front.count == 1, "many moves, one picture"
    assert front.words == "most probable: a with 17%" and front.picture != before
    assert [c["value"] for c in front.controls] == [3, True] and front.controls[0]["shown"] == "4"


def test_what_goes_wrong_is_said_and_the_next_move_works(alive, run_cell):
    widget = explore(lambda k: 1 / k, k=(0, 2))
    run_cell("cell", widget)
    press(widget, ["k", 0])
    assert "ZeroDivisionError" in widget._front.words and 'role="alert"' in widget._front.picture
    press(widget, ["k", 99])
    assert "positions 0 to 2" in widget._front.words
    press(widget, ["k", 2])
    assert widget._front.words == "0.5"


def test_headless_it_is_a_still_picture_and_an_error_is_an_error(headless):
    widget = explore(bars, top=(1, 5))
    bundle = widget._repr_mimebundle_()
    assert set(bundle) == {"image/png", "text/plain"} and widget._front is None
    assert bundle["text/plain"] == repr(widget) == "most probable: a with 50%"
    assert picture_size(bundle)[0] > 500
    with pytest.raises(ZeroDivisionError):
        explore(lambda k: 1 / k, k=(0, 0))._repr_mimebundle_()


def test_alive_it_carries_its_still_picture(alive, run_cell):
    (bundle,) = run_cell("cell", explore(bars, top=(1, 5)))
    assert set(bundle) == {VIEW, "image/png", "text/plain"} and bundle["text/plain"].startswith("most probable")


# ---- life and death


def test_a_hundred_runs_leave_one_widget_and_no_figure(alive, run_cell):
    def small(top):
        return plt.figure(figsize=(1, 1), dpi=20)

    run_cell("cell", explore(small, top=(1, 5)))
    before = len(_instances)
    for _ in range(100):
        run_cell("cell", explore(small, top=(1, 5)))
    assert len(_instances) == before and plt.get_fignums() == []


def test_a_widget_shown_in_two_cells_outlives_one_of_them(alive, run_cell):
    shared, mine = explore(bars, top=(1, 5)), explore(bars, top=(1, 5))
    run_cell("first", shared, mine)
    run_cell("second", shared)
    run_cell("first")  # shows nothing: nothing is known to have changed
    run_cell("first", explore(bars, top=(1, 5)))
    assert shared._front is not None and mine._front is None


def test_the_same_widget_shown_again_stays_as_it_was_moved(alive, run_cell):
    widget = explore(bars, top=(1, 5))
    run_cell("cell", widget)
    widget.set(top=5)
    front = widget._front
    run_cell("cell", widget)
    assert widget._front is front and widget.state["top"] == 5


def test_a_closed_widget_opens_again(alive, run_cell):
    widget = explore(bars, top=(1, 5))
    run_cell("cell", widget)
    widget.close()
    widget.close()
    widget.set(top=4)
    run_cell("cell", widget)
    assert widget._front.controls[0]["shown"] == "4"


def test_a_widget_without_draw_says_what_is_missing(headless):
    with pytest.raises(NotImplementedError, match="Bare needs a method draw"):
        type("Bare", (Widget,), {})()._repr_mimebundle_()


# ---- the browser's half


def test_nothing_is_fetched():
    for path in [*HERE.glob("*.js"), *HERE.glob("*.css")]:
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")  # a name, not an address
        assert not any(word in text for word in ("http:", "https:", "import(", "@import", "fetch(", "url(")), path.name


def test_a_widgets_own_script_stands_behind_the_panel():
    panel, own = front_class("explore")._esm, front_class("live_map")._esm
    assert own.startswith(panel) and "hooks.push" in own.removeprefix(panel)
    assert front_class("explore") is front_class("explore")
