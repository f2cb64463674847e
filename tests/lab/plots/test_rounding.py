"""Nothing that is drawn or said hangs on the last bit of a number: every figure, drawn from numbers that have ties and
stand on the borders of rounding, is the same to a reader when each of them is off by what processors differ in.
"""

import base64

import numpy as np
import pytest
import torch

from course_lib.lab import plots
from course_lib.lab.plots.gallery import computations, text, training
from course_lib.lab.plots.rounding import fixed, percent, same, significant, steady
from course_lib.lab.widgets.attention_viewer import AttentionViewer
from course_lib.lab.widgets.next_token import NextToken
from tools.nbval_tolerance import picture_difference

WORDS = dict(caption="Numbers.", alt="Numbers.")
GALLERY = [draw for module in (text, computations, training) for draw in module.EXAMPLES]
ABC, HALF = ["a", "b", "c", "d"], [[0.0, 0.5], [0.5, 0.0]]
STEPS = [{"step": s, "loss": 2.25, "held_out_loss": 2.125} for s in range(1, 9)]

# Ties, halves of the last place shown, thresholds met exactly, and rests of nothing.
CASES = {
    "attention_map": lambda: plots.attention_map([[0.125, 0.0, 0.875], [0.375, 0.375, 0.25]], ["x", "y"],
                                                 keys=ABC[:3], **WORDS),
    "attention_maps": lambda: plots.attention_maps([HALF, [[0.5, 0.5], [0.5, 0.5]]], ["x", "y"], **WORDS),
    "curves": lambda: plots.curves([1.0, 2.0, 3.0], {"flat": [0.3, 0.3, 0.3], "same": [0.3, 0.3, 0.3]}, xlabel="x",
                                   ylabel="y", marks=True, levels={"level": 0.1125}, **WORDS),
    "decision_surface": lambda: plots.decision_surface(lambda x: np.full(len(x), 0.5), np.array(HALF),
                                                       np.array([0, 1]), **WORDS),
    "graph": lambda: plots.graph([[], [0]], values=[0.125, -0.125], gradients=[0.375, 1.0], operators=["", "neg"],
                                 **WORDS),
    "grouped_bars": lambda: plots.grouped_bars({"one": [0.125, 0.375, 0.125], "two": [0.375, 0.125, 0.375]}, "abc",
                                               ylabel="y", levels={"level": 0.125}, **WORDS),
    "labelled_grid": lambda: plots.labelled_grid([[0.125, -0.375], [0.25, 0.5]], rows="T", columns="D", signed=True,
                                                 **WORDS),
    "labelled_grids": lambda: plots.labelled_grids({"q": [[0.125, 0.125]], "k": [0.125, 0.125]},
                                                   axes={"q": "TD", "k": "D"}, **WORDS),
    "ladder": lambda: plots.ladder({"one": 2.125, "two": 1.125}, floor=("entropy", 0.625), **WORDS),
    "layer_histograms": lambda: plots.layer_histograms(
        {"zeros": np.repeat([-1.0, 0.0, 1.0], [1, 8, 1]), "same": np.full(10, 0.5)}, xlabel="x", bins=4, beyond=0.5,
        **WORDS),
    "memory_timeline": lambda: plots.memory_timeline(
        [0.0, 0.3, 0.6, 0.9], {"rank 0": [1.0, 2.125, 2.125, 0.5]}, time_unit="ms", unit="GB",
        phases={"forward": (0.0, 0.3), "backward": (0.3, 0.9)}, limit=("wall", 2.125), **WORDS),
    "next_token_bars": lambda: plots.next_token_bars(
        [*ABC, "e"], {"ties": [0.125, 0.375, 0.125, 0.375, 0.0], "rest of nothing": [0.1, 0.2, 0.7, 0.0, 0.0]}, top=3,
        **WORDS),
    "schedule_curve": lambda: plots.schedule_curve({"flat": [0.1] * 5, "down": [0.3, 0.2, 0.1, 0.1, 0.0]}, **WORDS),
    "speed_ladder": lambda: plots.speed_ladder({"one": 1000.0, "same": 1000.0, "two": 1125.0}, **WORDS),
    "stacked_bars": lambda: plots.stacked_bars({"a": [0.07, 0.5], "b": [0.93, 0.5]}, ["x", "y"], unit="GB",
                                               limit=("wall", 1.0), **WORDS),
    "timeline": lambda: plots.timeline([(0, 0.0, 0.3, "f", "1"), (0, 0.3, 0.9, "b", "1"), (1, 0.0, 0.1, "f", "1"),
                                        (1, 0.1, 0.1 + 0.2, "f", "2"), (1, 0.3, 0.9, "b", "2")], unit="s", **WORDS),
    "token_html": lambda: plots.token_html(ABC, [0.25, 0.75, 0.75, 0.5], unit="bits", decimals=1, **WORDS),
    "token_strip": lambda: plots.token_strip(ABC, [0.25, 0.25, 0.25, 0.25], unit="bits", **WORDS),
    "trade_off": lambda: plots.trade_off({"one": (0.125, 0.125), "two": (0.375, 0.125), "three": (0.25, 0.375)},
                                         xlabel="x", ylabel="y", paths=[["one", "two"]], **WORDS),
    "training_curve": lambda: plots.training_curve(STEPS, references={"bar": 2.125}, **WORDS),
    "tree": lambda: plots.tree(ABC, [-1, 0, 0, 1], [-0.25, -0.75, -0.75, -1.25], best=3, **WORDS),
    "word_map": lambda: plots.word_map([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], ABC, **WORDS),
}
WIDGETS = {
    "next_token": lambda probs: NextToken(lambda ids: probs, lambda ids: "".join("abcde"[i] for i in ids), [0], top=3),
    "attention_viewer": lambda probs: AttentionViewer(np.stack([probs, probs]), ["x", "y"], keys=list("abcde"), head=0),
}


def off(given, by, rng):
    """The same with every float off by `by` of itself, up or down; what is exactly zero stays so."""
    if isinstance(given, dict):
        return {name: off(value, by, rng) for name, value in given.items()}
    if isinstance(given, (list, tuple)):
        return type(given)(off(value, by, rng) for value in given)
    if callable(given):
        return lambda *arguments: off(given(*arguments), by, rng)
    if isinstance(given, torch.Tensor):
        return torch.as_tensor(off(given.numpy(), by, rng))
    if isinstance(given, np.ndarray) and given.dtype.kind == "f" or isinstance(given, float):
        moved = np.asarray(given) * (1 + by * rng.choice([-1, 1], size=np.shape(given)))
        return float(moved) if isinstance(given, float) else moved
    return given


@pytest.fixture
def all_off(monkeypatch):
    """A function that lets every figure be drawn from numbers that are off by `by`."""
    originals = {name: getattr(plots, name) for name in CASES}

    def start(by, seed):
        rng = np.random.default_rng(seed)
        for name, draw in originals.items():
            def jittered(*args, draw=draw, **options):
                return draw(*off(args, by, rng), **off(options, by, rng))
            monkeypatch.setattr(plots, name, jittered)

    return start


def seen(drawn):
    """(words, HTML or PNG)."""
    if not isinstance(drawn, plots.CourseFigure):
        return [drawn.summary], drawn.html
    words = [text.get_text() for ax in drawn.axes for text in (ax.title, *ax.texts)]
    return [drawn.summary, *words], base64.b64encode(drawn.png()).decode()


def alike(drawn, one, other):
    """The same HTML; or pictures between which strict nbval finds no difference."""
    return one == other or isinstance(drawn, plots.CourseFigure) and picture_difference(one, other) is None


def test_each_kind_of_figure_has_a_hard_case():
    drawing = {name for name in plots.__all__ if name.islower() and hasattr(getattr(plots, name), "__wrapped__")}
    assert drawing - {"use_theme"} | {"token_html"} == set(CASES)


@pytest.mark.parametrize("draw", [*CASES.values(), *GALLERY], ids=[*CASES, *(f"gallery{d.__name__}" for d in GALLERY)])
def test_the_same_words_and_the_same_picture_on_every_processor(draw, all_off):
    figure = draw()
    words, picture = seen(figure)
    for by, seed in ((2e-16, 0), (2e-16, 1), (6e-8, 2), (6e-8, 3)):  # half the last bit of float64, of float32
        all_off(by, seed)
        words_now, picture_now = seen(draw())
        assert words_now == words and alike(figure, picture, picture_now), (by, seed)


@pytest.mark.parametrize("make", WIDGETS.values(), ids=WIDGETS)
def test_widgets_say_and_show_the_same_as_well(make):
    probs = np.array([[0.125, 0.375, 0.125, 0.375, 0.0], [0.0625, 0.4375, 0.25, 0.25, 0.0]])
    given = probs[0] if make is WIDGETS["next_token"] else probs
    widget = make(given)
    before = widget.draw(widget.state)
    for by, seed in ((2e-16, 0), (2e-16, 1), (6e-8, 2), (6e-8, 3)):
        widget = make(off(given, by, np.random.default_rng(seed)))
        assert widget.draw(widget.state) == before


@pytest.mark.parametrize("ulps", [-2, -1, 0, 1, 2])
def test_borders_of_rounding(ulps):
    def near(value):
        return value + ulps * np.spacing(value)

    assert fixed(near(0.125), 2) == "0.12" and fixed(near(0.375), 2) == "0.38" and fixed(near(2.5), 0) == "2"
    assert percent(near(0.125)) == "12%" and percent(near(0.005)) == "<1%" and percent(near(1.0)) == "100%"
    assert significant(near(0.1125), 3) == "0.113" and significant(near(1000.0), 3) == "1e+03"
    assert steady(near(0.3), 2) == 0.3 and same(near(0.3), 0.3)


def test_numbers_in_words():
    assert [fixed(v, 1) for v in (-0.04, 1e9, float("inf"), float("nan"))] == ["0.0", "1000000000.0", "inf", "nan"]
    assert fixed(0.5, 2, sign="+") == "+0.50" and fixed(-0.5, 2, sign="+") == "-0.50"
    assert [percent(p) for p in (0, 1e-9, 0.0049, 0.006, 0.5, 1)] == ["0", "<1%", "<1%", "1%", "50%", "100%"]
    assert fixed(123456.785, 2) == "123456.79" or fixed(123456.785, 2) == "123456.78"
    assert not same(0.3, 0.30001) and same(0.0, 0.0) and not same(0.0, 1e-12)
