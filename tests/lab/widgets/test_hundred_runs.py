"""A cell with a widget, run a hundred times: one widget stays, no figure does, and the still picture comes along."""

import gc
import weakref

import matplotlib.pyplot as plt
import numpy as np
import pytest
from ipywidgets.widgets.widget import _instances

from course_lib.lab.widgets import AttentionViewer, GraphStepper, MergeStepper, Microscope, Step, cells
from course_lib.lab.widgets.picture import Picture

GRAPH = [{"label": "x", "value": 3.0}, {"label": "y", "op": "×", "value": 9.0, "parents": ["x", "x"]}]


def microscope():
    return Microscope([Step("y", "x²", lambda x: x * x)], {"x": np.array([1.0, 2.0])}, axes={"x": "T", "y": "T"})


@pytest.mark.parametrize("make, action", [
    (lambda: AttentionViewer(np.eye(3), "abc"), ["token", 0]),
    (microscope, ["picked", ["y", 1]]),
    (lambda: MergeStepper("low low low"), ["step", 1]),
    (lambda: GraphStepper(GRAPH), ["step", 0]),
], ids=["attention", "microscope", "merges", "graph"])
def test_a_hundred_runs_leave_one_widget(make, action, monkeypatch):
    monkeypatch.setenv("COURSE_HEADLESS", "0")
    monkeypatch.setattr(cells, "_shown", {})
    opened, made = [], []
    for execution in range(100):
        monkeypatch.setattr(cells, "this_cell", lambda now=str(execution): ("cell", now))
        widget = make()
        if execution % 33:  # drawing a figure takes most of the time; four times show that none stays open
            widget.still = lambda state: Picture("still", png=b"\x89PNG")
        bundle = widget._repr_mimebundle_()
        before = widget._front.words
        widget._receive(None, {"actions": [action]}, [])
        assert widget._front.words != before, "it answers"
        opened.append(len(_instances))
        made.append(weakref.ref(widget))
    assert "image/png" in bundle and bundle["text/plain"]
    assert opened[-1] == opened[0] and plt.get_fignums() == []
    del widget
    gc.collect()
    assert sum(ref() is not None for ref in made) <= 1, "closed widgets are freed, with their arrays"
