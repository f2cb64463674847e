import numpy as np
import pytest

from course_lib.lab.plots import ladder, schedule_curve, training_curve
from course_lib.lab.plots.curves import smooth


def test_smoothing_is_a_weighted_mean():
    values = [3.0, 1.0, 2.0]
    weights = 0.5 ** np.array([2, 1, 0])                      # half-life of one step
    assert smooth(values, 1.0)[-1] == pytest.approx(np.average(values, weights=weights))
    assert smooth([5.0] * 10, 3.0) == pytest.approx([5.0] * 10)


def test_training_curve_draws_what_was_measured():
    records = [{"step": s, "loss": 5.0 - 0.1 * s} for s in range(1, 31)]
    records[9]["held_out_loss"] = 4.4
    figure = training_curve(records, references={"6-gram": 2.5})
    raw, _, dots, level = figure.axes[0].lines
    assert list(raw.get_xdata()) == list(range(1, 31)) and raw.get_ydata()[-1] == pytest.approx(2.0)
    assert (list(dots.get_xdata()), list(dots.get_ydata())) == ([10], [4.4])
    assert list(level.get_ydata()) == [2.5, 2.5] and "held out 4.40" in figure.summary


def test_ladder_bars_are_the_values():
    figure = ladder({"unigram": 4.4, "GPT": 0.8}, floor=("entropy", 0.6))
    ax = figure.axes[0]
    assert [bar.get_width() for bar in ax.patches] == [4.4, 0.8]
    assert ax.lines[0].get_xdata()[0] == 0.6
    assert figure.summary == "unigram 4.40 · GPT 0.80 · entropy 0.60"


def test_schedules():
    figure = schedule_curve({"cosine": [0.0, 1.0, 0.1], "wsd": [0.0, 1.0, 0.0]})
    assert [list(line.get_ydata()) for line in figure.axes[0].lines] == [[0.0, 1.0, 0.1], [0.0, 1.0, 0.0]]
    assert figure.summary == "cosine: peak 1, end 0.1 · wsd: peak 1, end 0"
