import numpy as np
import pytest

from course_lib.lab.plots import curves, schedule_curve, training_curve
from course_lib.lab.plots.curves import smooth

WORDS = dict(caption="Lines.", alt="Lines.")


def test_smoothing_is_a_weighted_mean():
    values = [3.0, 1.0, 2.0]
    weights = 0.5 ** np.array([2, 1, 0])                      # half-life of one step
    assert smooth(values, 1.0)[-1] == pytest.approx(np.average(values, weights=weights))
    assert smooth([5.0] * 10, 3.0) == pytest.approx([5.0] * 10)
    assert smooth([np.nan, 4.0, np.nan], 2.0)[1:] == pytest.approx([4.0, 4.0])


def test_training_curve_draws_what_was_measured():
    records = [{"step": s, "loss": 5.0 - 0.1 * s} for s in range(1, 31)]
    records[9]["held_out_loss"] = 4.4
    figure = training_curve(records, references={"6-gram": 2.5}, **WORDS)
    raw, _, dots, level = figure.axes[0].lines
    assert list(raw.get_xdata()) == list(range(1, 31)) and raw.get_ydata()[-1] == pytest.approx(2.0)
    assert (list(dots.get_xdata()), list(dots.get_ydata())) == ([10], [4.4])
    assert list(level.get_ydata()) == [2.5, 2.5] and "held out 4.40" in figure.summary


def test_a_run_that_breaks_has_a_gap_and_says_so():
    records = [{"step": s, "loss": float("nan") if s in (4, 5) else 3.0} for s in range(1, 9)]
    figure = training_curve(records, **WORDS)
    assert np.isnan(figure.axes[0].lines[1].get_ydata()).sum() == 2
    assert figure.summary.endswith("in 8 steps; 2 not finite, first at step 4")
    for wrong, message in (([], "no records"), ([{"step": 1, "loss": float("inf")}], "none of the 1 values of loss")):
        with pytest.raises(ValueError, match=message):
            training_curve(wrong, **WORDS)


def test_runs_are_a_median_in_a_band():
    runs = np.array([[1.0, 4.0], [2.0, 5.0], [9.0, 9.0]])
    figure = curves([0, 1], {"one": [3.0, 3.0], "three": runs}, xlabel="step", ylabel="loss (nats)", log="y",
                    levels={"floor": 0.5}, **WORDS)
    ax = figure.axes[0]
    assert [line.get_ydata().tolist() for line in ax.lines[:2]] == [[3.0, 3.0], [2.0, 5.0]]
    (band,) = ax.collections
    corners = {tuple(point) for point in band.get_paths()[0].vertices.tolist()}
    assert {(0, 1), (1, 4), (0, 9), (1, 9)} <= corners and ax.get_yscale() == "log"
    assert ax.lines[0].get_linestyle() != ax.lines[1].get_linestyle()
    assert figure.summary == "one ends at 3 · three ends at 5 (3 runs)"


@pytest.mark.parametrize(("x", "log", "written"), [
    ([1, 2, 3, 4, 5, 6], "", True), ([1, 2, 3, 4, 5, 6.5], "", False), (range(20), "", False),
    ([1, 10, 100], "x", False),
])
def test_a_few_measured_places_have_their_numbers(x, log, written):
    figure = curves(x, {"one": np.ones(len(x))}, xlabel="order", ylabel="bits", marks=True, log=log, **WORDS)
    assert (figure.axes[0].get_xticks().tolist() == list(x)) == written


@pytest.mark.parametrize(("values", "log", "message"), [
    ([1.0], "", "one has shape .1,., but x has 2 places"), ([1.0, 0.0], "y", "falls to 0, which has no logarithm"),
    ([np.nan, np.nan], "", "none of the 2 values of one"),
])
def test_doors_of_curves(values, log, message):
    with pytest.raises(ValueError, match=message):
        curves([0, 1], {"one": values}, xlabel="x", ylabel="y", log=log, **WORDS)


def test_schedules():
    figure = schedule_curve({"cosine": [0.0, 1.0, 0.1], "wsd": [0.0, 1.0, 0.0]}, **WORDS)
    assert [list(line.get_ydata()) for line in figure.axes[0].lines] == [[0.0, 1.0, 0.1], [0.0, 1.0, 0.0]]
    assert figure.summary == "cosine: peak 1, end 0.1 · wsd: peak 1, end 0"
