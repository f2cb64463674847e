import numpy as np
import pytest

from course_lib.lab.plots import layer_histograms, theme

WORDS = dict(caption="Layers.", alt="Layers.")


def test_shares_add_up_on_one_axis():
    rng = np.random.default_rng(0)
    layers = {"a": rng.normal(size=500), "b": rng.normal(size=(10, 20)) * 3}
    figure = layer_histograms(layers, xlabel="activation", bins=30, **WORDS)
    for ax in figure.axes:
        assert sum(bar.get_height() for bar in ax.patches) == pytest.approx(1) and len(ax.patches) == 30
    assert figure.axes[0].get_xlim() == figure.axes[1].get_xlim()
    assert figure.summary == f"a std {layers['a'].std():.2f} · b std {layers['b'].std():.2f}"


def test_what_is_beyond_is_counted_and_coloured():
    figure = layer_histograms({"a": [-1.0, -0.5, 0.0, 0.99]}, xlabel="x", beyond=0.97, bins=80, **WORDS)
    (words,) = [text.get_text() for text in figure.axes[0].texts]
    colors = [bar.get_facecolor() for bar in figure.axes[0].patches]
    assert words.endswith("50% beyond ±0.97") and colors[0] == colors[-1] != colors[5]
    assert theme().series[1] != theme().series[0]


def test_what_is_not_finite_is_left_out_and_said():
    figure = layer_histograms({"a": [1.0, np.nan, 2.0, np.inf]}, xlabel="x", **WORDS)
    assert figure.summary == "a std 0.50, 2 not finite" and "2 not finite" in figure.axes[0].texts[0].get_text()
    assert layer_histograms({"all the same": np.ones(5)}, xlabel="x", **WORDS).summary == "all the same std 0.00"
    with pytest.raises(ValueError, match="a has no finite number among its 1"):
        layer_histograms({"a": [np.nan]}, xlabel="x", **WORDS)
    with pytest.raises(ValueError, match="no layers"):
        layer_histograms({}, xlabel="x", **WORDS)
