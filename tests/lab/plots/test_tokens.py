import pytest

from course_lib.lab.plots import next_token_bars, token_strip


def test_every_token_is_written_and_long_text_wraps():
    tokens = ["Once", " upon", " a", "\n", "你好"] * 4
    figure = token_strip(tokens, list(range(20)), unit="bits", columns=30)
    written = [text.get_text() for text in figure.axes[0].texts]
    assert written[:4] == ["Once", "␣upon", "␣a", "⏎"] and len(written) == 20
    assert max(text.get_position()[0] for text in figure.axes[0].texts) < 30
    assert figure.summary.startswith("20 tokens, mean 9.5 bits")


def test_values_and_tokens_must_match():
    with pytest.raises(ValueError, match="2 tokens but 1 values"):
        token_strip(["a", "b"], [1.0], unit="bits")


def test_the_best_come_first_and_the_rest_share_a_bar():
    figure = next_token_bars(["a", "b", "c", "d"], [0.1, 0.4, 0.2, 0.3], top=2)
    ax = figure.axes[0]
    assert [bar.get_width() for bar in ax.patches] == pytest.approx([0.4, 0.3, 0.3])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["b", "d", "(2 others)"]
    assert figure.summary == "most probable: b with 40%"
