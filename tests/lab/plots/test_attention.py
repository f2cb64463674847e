import numpy as np
import pytest

from course_lib.lab.plots import attention_map, attention_maps

WORDS = dict(caption="Weights.", alt="Weights.")


def labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def test_one_head_with_its_values():
    figure = attention_map(np.array([[1.0, 0.0], [0.25, 0.75]]), ["a", " b"], query=1, **WORDS)
    ax = figure.axes[0]
    assert [text.get_text() for text in ax.texts] == ["1.00", "0.25", "0.75"]      # what the mask hides is empty
    assert labels(ax.xaxis) == labels(ax.yaxis) == ["a", "␣b"] and ax.images[0].get_clim() == (0, 1)
    assert ax.patches[0].get_xy() == (-0.5, 0.5) and ax.patches[0].get_width() == 2
    assert figure.summary == "2 × 2 weights; the largest, 1.00: 'a' reads 'a'"


def test_other_keys_than_queries():
    figure = attention_map(np.array([[0.1, 0.2, 0.7]]), ["猫"], keys=["the", "black", "cat"], **WORDS)
    assert labels(figure.axes[0].xaxis) == ["the", "black", "cat"] and labels(figure.axes[0].yaxis) == ["猫"]
    assert figure.summary.endswith("'猫' reads 'cat'")


def test_one_map_a_head_on_one_scale():
    weights = np.stack([np.eye(3), np.full((3, 3), 1 / 3)])
    figure = attention_maps(weights, ["a", "b", "c"], names=["self", "even"], **WORDS)
    maps = [ax for ax in figure.axes if ax.images]
    assert np.array_equal(np.ma.filled(maps[0].images[0].get_array(), 0), np.eye(3))
    assert np.allclose(maps[1].images[0].get_array(), 1 / 3) and {m.images[0].get_clim() for m in maps} == {(0, 1)}
    assert [ax.get_title(loc="left") for ax in maps] == ["self", "even"]
    assert figure.summary == "the last token: self reads 'c', even reads 'a'"


def test_more_heads_than_columns_go_below():
    figure = attention_maps(np.stack([np.eye(2)] * 5), ["a", "b"], columns=3, **WORDS)
    maps = [ax for ax in figure.axes if ax.images]
    assert [round(m.get_position().y0, 2) for m in maps[:3]] == [round(maps[0].get_position().y0, 2)] * 3
    assert len(maps) == 5 and maps[3].get_position().y0 < maps[0].get_position().y0


def test_forty_tokens_are_labelled_where_there_is_room():
    figure = attention_maps(np.stack([np.eye(40)] * 4), [f"t{t}" for t in range(40)], **WORDS)
    shown = labels(figure.axes[0].yaxis)
    assert shown[0] == "t0" and 8 <= len(shown) <= 20


def test_weights_must_fit_the_tokens():
    with pytest.raises(ValueError, match=r"\(1, 3, 3\) do not fit 2 tokens and 2 keys; give \(H, 2, 2\)"):
        attention_maps(np.zeros((1, 3, 3)), ["a", "b"], **WORDS)
    with pytest.raises(ValueError, match=r"\(2, 3\) do not fit 2 tokens and 2 keys; give \(2, 2\)"):
        attention_map(np.zeros((2, 3)), ["a", "b"], **WORDS)
