"""The test suite's own rules: which skips are allowed, which differences between two runs of a notebook."""

import base64
import re

import numpy as np
import pytest

from course_lib.lab import plots
from course_lib.lab.plots import gallery
from tools.nbval_tolerance import TolerantText, compare_pictures, picture_difference
from tools.skip_policy import forbid_skip

pytest_plugins = ["pytester"]


class Report:
    skipped = True

    def __init__(self, reason):
        self.outcome, self.longrepr = "skipped", ("test_x.py", 3, f"Skipped: {reason}")


@pytest.mark.parametrize(
    ("environ", "reason", "outcome"),
    [
        ({}, "no Chromium: install it", "skipped"),
        ({"CI": "true"}, "no Chromium: install it", "failed"),
        ({"CI": "true"}, "no GPU", "skipped"),
        ({"CI": "false"}, "could not import 'nltk'", "skipped"),
        ({"CI": "true"}, "could not import 'nltk'", "failed"),
    ],
)
def test_skips(environ, reason, outcome):
    report = Report(reason)
    forbid_skip(report, environ)
    assert report.outcome == outcome


@pytest.mark.parametrize(("ci", "counts"), [("true", {"failed": 1, "skipped": 1}), ("", {"skipped": 2})])
def test_skips_in_a_real_run(pytester, monkeypatch, ci, counts):
    monkeypatch.setenv("CI", ci)
    pytester.makepyfile(
        "import pytest\n"
        "def test_font(): pytest.skip('no font')\n"
        "def test_gpu(): pytest.skip('no GPU')\n"
        "def test_fine(): pass\n"
        "@pytest.mark.xfail\n"
        "def test_known(): assert 0\n"
    )
    result = pytester.runpytest_inprocess("-p", "tools.skip_policy", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, xfailed=1, **counts)
    assert result.ret == (1 if ci else 0)


@pytest.mark.parametrize(
    ("stored", "computed"),
    [
        ("loss 1.234", "loss 1.235"),
        ("[ 0.000, 2.5e-04]", "[-0.000, 2.6e-04]"),
        ("same", "same"),
        ("9.99 nats", "10.00 nats"),
    ],
)
def test_numbers_that_count_as_equal(stored, computed):
    assert TolerantText(stored) == computed and not TolerantText(stored) != computed


@pytest.mark.parametrize(
    ("stored", "computed"),
    [
        ("loss 1.234", "loss 1.236"),
        ("3 steps", "4 steps"),
        ("loss 1.234", "cost 1.234"),
        ("1.5 2.5", "1.5"),
        ("1.5", "1.5 "[:3] + "!"),
        ("2.5e-04", "2.5e-03"),
    ],
)
def test_numbers_that_differ(stored, computed):
    assert TolerantText(stored) != computed and not TolerantText(stored) == computed


def base64_of(drawn):
    """A figure of the course as a notebook stores it."""
    return base64.b64encode(drawn.png()).decode()


WORDS = dict(caption="A figure.", alt="A figure.")
PLACES = np.linspace(0, 5, 60)


def curve(up=0.0, title="Loss 1.24"):
    lines = {"loss": np.exp(-PLACES) + up, "bar": 0 * PLACES, "start": 0 * PLACES + 1.2}
    return plots.curves(PLACES, lines, xlabel="step", ylabel="loss", title=title, **WORDS)


def bars(last=3.0, **text):
    return plots.grouped_bars({"a": [1, 2, last], "b": [2, 1, 4]}, ["x", "y", "z"], ylabel="bits", **text, **WORDS)


def dots(up=0.0):
    ways = {"one": (0.2, 0.2), "two": (0.8, 0.5 + up), "three": (0.5, 0.9), "four": (0.1, 0.1)}
    return plots.trade_off(ways, xlabel="x", ylabel="y", **WORDS)


def grid(more=0.0, decimals=1):
    values = np.linspace(0, 1, 24).reshape(4, 6)
    values[1, 1] += more
    return plots.labelled_grid(values, rows="T", columns="D", decimals=decimals, **WORDS)


def maps(more=0.0):
    weights = np.tri(6) / np.arange(1, 7)[:, None]
    weights[5, :2] += more, -more
    return plots.attention_maps(np.stack([weights] * 4), list("abcdef"), **WORDS)


def surface(wider=0.0):
    def probability(x):
        return 1 / (1 + np.exp(-4 * ((x**2).sum(axis=1) - 1 - wider)))

    return plots.decision_surface(probability, np.array([[0.0, 0.1], [1.5, 1.4]]), np.array([0, 1]), **WORDS)


SEEN = {  # what a reader sees
    "a curve 2 % higher": (curve, {"up": 0.025}),
    "a bar 2 % higher": (bars, {"last": 3.09}),
    "a dot 3 % higher": (dots, {"up": 0.03}),
    "a cell of another tint": (grid, {"more": 0.3}),
    "attention that moved by a tenth": (maps, {"more": 0.1}),
    "a border that moved": (surface, {"wider": 0.12}),
    "another title": (curve, {"title": "Accuracy over time"}),
}


@pytest.mark.parametrize(("draw", "changed"), SEEN.values(), ids=SEEN)
def test_a_changed_curve_is_a_failure(draw, changed):
    assert picture_difference(base64_of(draw()), base64_of(draw())) is None
    assert "pixels that the other has not nearby" in picture_difference(base64_of(draw()), base64_of(draw(**changed)))


def with_other_digits(drawn, every):
    """The figure with another last digit in one of the texts written into it, or in all of them."""
    numbers = [text for ax in drawn.axes for text in (*ax.texts, ax.title) if re.search(r"\d\D*$", text.get_text())]
    assert numbers
    for text in numbers if every else numbers[:1]:
        words = text.get_text()
        place = max(place for place, letter in enumerate(words) if letter.isdigit())
        text.set_text(f"{words[:place]}{(int(words[place]) + 1) % 10}{words[place + 1:]}")
    return drawn


EXAMPLES = [draw for module in (gallery.text, gallery.computations, gallery.training) for draw in module.EXAMPLES]
WITH_NUMBERS = ("tree", "labelled_grid", "labelled_grids", "graph", "ladder", "grouped_bars", "speed_ladder",
                "stacked_bars", "next_token_bars", "next_token_panels", "attention_map", "layer_histograms", "timeline")


@pytest.mark.parametrize("name", WITH_NUMBERS)
@pytest.mark.parametrize("every", [False, True], ids=["one", "all"])
def test_a_changed_digit_is_none(name, every):
    draw = next(draw for draw in EXAMPLES if draw.__name__ == f"_{name}")
    before, now = base64_of(draw()), base64_of(with_other_digits(draw(), every))
    assert before != now and picture_difference(before, now) is None


def test_a_number_may_become_one_digit_longer():
    figures = (base64_of(plots.ladder({"a": bits, "b": 3.0}, floor=("e", 1.0), **WORDS)) for bits in (9.99, 10.0))
    assert picture_difference(*figures) is None


def test_figures_of_another_size_or_number():
    shown = {"data": {"image/png": base64_of(curve())}}
    assert "pixels stored" in picture_difference(base64_of(curve()), base64_of(maps()))
    assert compare_pictures([shown], []) == ["1 figures stored, 0 computed"]
    assert compare_pictures([shown], [shown]) == []
    (line,) = compare_pictures([shown], [{"data": {"image/png": base64_of(curve(up=0.5))}}])
    assert line.startswith("figure 1: ")
