import numpy as np
import pytest
from matplotlib.colors import to_hex

from course_lib.lab.plots import next_token_bars, theme, token_strip
from course_lib.lab.plots.tokens import wrapped

WORDS = dict(caption="Words.", alt="Words.")


def written(ax):
    return [text.get_text() for text in ax.texts]


def test_every_token_is_written_and_long_text_wraps():
    tokens = ["Once", " upon", " a", "\n", "你好"] * 4
    figure = token_strip(tokens, list(range(20)), unit="bits", columns=30, **WORDS)
    ax = figure.axes[0]
    assert written(ax)[:4] == ["Once", "␣upon", "␣a", "⏎"] and len(written(ax)) == 20
    assert max(patch.get_x() + patch.get_width() for patch in ax.patches) <= 30
    assert figure.summary == "20 tokens, mean 9.5 bits, most at '你好'"


def test_the_darkest_token_is_the_greatest():
    ax = token_strip(["a", "b", "c"], [1.0, 3.0, 2.0], unit="bits", **WORDS).axes[0]
    more = theme().more()
    assert [to_hex(patch.get_facecolor()) for patch in ax.patches] == [to_hex(more(v)) for v in (0.0, 1.0, 0.5)]


def test_lines_hold_what_fits():
    assert wrapped(["aaa", "bb", "c", "dddd"], 7) == [[(0.0, "aaa"), (3.5, "bb")], [(0.0, "c"), (1.5, "dddd")]]
    assert wrapped(["a" * 20, "b"], 7) == [[(0.0, "a" * 20)], [(0.0, "b")]]


@pytest.mark.parametrize(("tokens", "values", "message"), [
    (["a", "b"], [1.0], "2 tokens but 1 values"), ([], [], "values is empty"), (["a"], [np.nan], "NaN"),
])
def test_doors_of_the_strip(tokens, values, message):
    with pytest.raises(ValueError, match=message):
        token_strip(tokens, values, unit="bits", **WORDS)


def test_the_best_come_first_and_the_rest_share_a_bar():
    figure = next_token_bars(["a", "b", "c", "d"], [0.1, 0.4, 0.2, 0.3], top=2, chosen=3, **WORDS)
    ax = figure.axes[0]
    assert [bar.get_width() for bar in ax.patches] == pytest.approx([0.4, 0.3, 0.3])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["b", "d ◀", "(2 others)"]
    assert written(ax) == ["40%", "30%", "30%"] and figure.summary == "most probable: b with 40%"


def test_panels_keep_the_order_of_the_first():
    figure = next_token_bars(["a", "b"], {"T = 1": [0.3, 0.7], "T = 9": [0.6, 0.4]}, **WORDS)
    first, second = figure.axes
    assert [bar.get_width() for bar in first.patches] == [0.7, 0.3]
    assert [bar.get_width() for bar in second.patches] == [0.4, 0.6]
    assert figure.summary == "T = 1: b with 70% · T = 9: a with 60%"


@pytest.mark.parametrize(("probs", "message"), [
    ([0.5, 0.6], r"that sum to 1.1; give a softmax"), ([1.2, -0.2], "from -0.2"), ([1.0], "2 tokens but 1 prob"),
])
def test_probabilities_must_be_some(probs, message):
    with pytest.raises(ValueError, match=message):
        next_token_bars(["a", "b"], probs, **WORDS)
