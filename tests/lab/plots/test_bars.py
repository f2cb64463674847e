import numpy as np
import pytest

from course_lib.lab.plots import grouped_bars, ladder, speed_ladder, stacked_bars

WORDS = dict(caption="Bars.", alt="Bars.")


def widths(ax):
    return [bar.get_width() for bar in ax.patches]


def test_ladder_bars_are_the_values():
    figure = ladder({"unigram": 4.4, "GPT": 0.8}, floor=("entropy", 0.6), **WORDS)
    ax = figure.axes[0]
    assert widths(ax) == [4.4, 0.8] and ax.lines[0].get_xdata()[0] == 0.6 and ax.yaxis_inverted()
    assert figure.summary == "unigram 4.40 · GPT 0.80 · entropy 0.60"


def test_groups_stand_side_by_side():
    figure = grouped_bars({"add-one": [3.0, 2.0], "KN": [2.5, np.nan]}, ["1", "2"], ylabel="bits", levels={"h": 1.0},
                          **WORDS)
    ax = figure.axes[0]
    assert [bar.get_height() for bar in ax.patches][:3] == [3.0, 2.0, 2.5]
    centres = [bar.get_x() + bar.get_width() / 2 for bar in ax.patches]
    assert centres == pytest.approx([-0.2, 0.8, 0.2, 1.2]) and ax.lines[0].get_ydata()[0] == 1.0
    assert ax.patches[0].get_hatch() != ax.patches[2].get_hatch()
    assert figure.summary == "add-one from 2.00 (2) to 3.00 (1) · KN from 2.50 (1) to 2.50 (1)"
    with pytest.raises(ValueError, match="KN has 1 values for 2 names"):
        grouped_bars({"KN": [1.0]}, ["1", "2"], ylabel="bits", **WORDS)


def test_each_step_of_the_speed_ladder_says_its_factor():
    figure = speed_ladder({"float32": 40_000, "bf16": 100_000, "slower": 50_000}, **WORDS)
    ax = figure.axes[0]
    assert widths(ax) == [40_000, 100_000, 50_000, 40_000, 50_000]
    assert [text.get_text() for text in ax.texts] == ["40k", "100k   × 2.50", "50k   × 0.50"]
    assert figure.summary == "40k → 50k tokens a second, × 1.2 in all"


def test_parts_add_up():
    figure = stacked_bars({"weights": [1.0, 1.0], "activations": [8.0, 2.0]}, ["a", "b"], unit="GiB", limit=("GPU", 5),
                          **WORDS)
    ax = figure.axes[0]
    assert [bar.get_x() for bar in ax.patches] == [0, 0, 1, 1] and widths(ax) == [1, 1, 8, 2]
    assert ax.lines[0].get_xdata()[0] == 5 and figure.summary == "a 9 GiB · b 3 GiB"
    with pytest.raises(ValueError, match="give one amount ≥ 0 for each"):
        stacked_bars({"weights": [1.0, -1.0]}, ["a", "b"], unit="GiB", **WORDS)
