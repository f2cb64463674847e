import inspect
import io
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from IPython.core.formatters import DisplayFormatter
from matplotlib.colors import to_hex

from course_lib.lab import plots
from course_lib.lab.plots.theme import DARK

WORDS = dict(caption="A line.", alt="It rises.")
NOT_DRAWING = {"course_figure", "new_canvas", "new_figure", "numbers", "printable", "theme", "use_theme"}
FIGURES = [name for name in plots.__all__ if name.islower() and name not in NOT_DRAWING]


@plots.course_figure
def line(*, title="", fail=False):
    """A line."""
    figure, ax = plots.new_figure()
    ax.plot([0, 1])
    ax.set(title=title)
    if fail:
        raise ValueError("no")
    figure.summary = "0 to 1"
    return figure


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_asks_for_words(name):
    parameters = inspect.signature(getattr(plots, name)).parameters
    for words in ("caption", "alt"):
        assert parameters[words].kind is inspect.Parameter.KEYWORD_ONLY
        assert parameters[words].default is inspect.Parameter.empty


def test_words_may_not_be_missing_or_empty():
    with pytest.raises(TypeError, match="alt"):
        line(caption="A line.")
    with pytest.raises(ValueError, match="line: alt is empty; say in a sentence"):
        line(caption="A line.", alt=" ")


def test_the_style_applies_inside_and_stays_inside():
    before = plt.rcParams["axes.grid"], plt.rcParams["figure.facecolor"]
    with plots.use_theme("dark"):
        figure = line(**WORDS)
    assert to_hex(figure.get_facecolor()) == DARK.background
    assert (plt.rcParams["axes.grid"], plt.rcParams["figure.facecolor"]) == before


def test_a_dark_figure_is_dark_when_it_is_saved_later():
    with plots.use_theme("dark"):
        figure = line(**WORDS)
    pixels = _pixels(figure.png())
    assert [round(255 * v) for v in pixels[0, 0, :3]] == [0x14, 0x17, 0x1C]


def _pixels(png):
    return plt.imread(io.BytesIO(png))


def test_a_notebook_gets_picture_words_and_caption(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw, metadata=None: shown.append((data, metadata)))
    figure = line(**WORDS)
    assert DisplayFormatter().format(figure) == ({}, {})                    # it shows itself
    (picture, metadata), (caption, _) = shown
    assert picture["text/plain"] == "It rises." == metadata["image/png"]["alt"]
    assert picture["image/png"].startswith(b"\x89PNG") and caption["text/markdown"] == "*A line.*"
    assert str(figure) == "0 to 1"


def test_nothing_stays_open():
    with pytest.raises(ValueError, match="no"):
        line(fail=True, **WORDS)
    assert plt.get_fignums() == []
    for _ in range(30):
        line(**WORDS).png()
    assert plt.get_fignums() == []


def test_no_warning_for_characters_without_glyphs():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = line(title="a \U0001F642 \x07", **WORDS)
        figure.png()
    assert figure.axes[0].get_title(loc="left") == "a U+1F642 U+0007"


def test_numbers_at_the_door():
    assert plots.numbers([1, 2], "x", dims=1).dtype == float
    assert np.isnan(plots.numbers([1.0, np.nan], "x", gaps=True)[1])
    for wrong, options, message in (
        ([], {}, "x is empty"),
        ([[1.0]], {"dims": 1}, r"x has shape \(1, 1\); give an array with 1 axes"),
        ([1.0, np.nan, np.inf], {}, r"x has 2 of 3 values that are NaN or infinite, the first at \[1\]"),
        ([np.nan], {"gaps": True}, "none of the 1 values of x is finite"),
        ([1.0, np.inf], {"gaps": True}, "1 of 2 values"),
    ):
        with pytest.raises(ValueError, match=message):
            plots.numbers(wrong, "x", **options)


def test_torch_arrays_are_taken_as_they_are():
    given = torch.tensor([1.0, 2.0], dtype=torch.bfloat16, requires_grad=True)
    assert plots.numbers(given, "x").tolist() == [1.0, 2.0]


def test_a_canvas_is_measured_in_inches():
    figure, canvas = plots.new_canvas(4, 2, title="A title")
    box = plots.figure.axes_at(canvas, 1, 0.5, 2, 1).get_position()
    inches = figure.get_size_inches()
    assert tuple(inches) == (4, 2.4)
    assert [box.x0 * 4, (1 - box.y1) * 2.4 - 0.4, box.width * 4, box.height * 2.4] == pytest.approx([1, 0.5, 2, 1])
