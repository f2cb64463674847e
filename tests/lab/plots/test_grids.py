import numpy as np
import pytest

from course_lib.lab.plots import attention_maps, labelled_grid


def test_every_value_is_written():
    figure = labelled_grid(np.array([[0.5, -1.25], [2.0, 0.0]]), rows="T", columns="S",
                           row_labels=["a", " b"])
    ax = figure.axes[0]
    assert [text.get_text() for text in ax.texts] == ["0.50", "-1.25", "2.00", "0.00"]
    assert (ax.get_ylabel(), ax.get_xlabel()) == ("T", "S")
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "␣b"]
    assert figure.summary == "2 × 2 values from -1.25 to 2.00"


def test_one_map_a_head_on_one_scale():
    weights = np.stack([np.eye(3), np.full((3, 3), 1 / 3)])
    figure = attention_maps(weights, ["a", "b", "c"])
    images = [ax.images[0] for ax in figure.axes if ax.images]
    assert np.array_equal(images[0].get_array(), np.eye(3)) and images[1].get_clim() == (0, 1)
    assert figure.summary.startswith("the last token: head 0 reads 'c'")


def test_weights_must_fit_the_tokens():
    with pytest.raises(ValueError, match=r"\(1, 3, 3\) do not fit 2 tokens"):
        attention_maps(np.zeros((1, 3, 3)), ["a", "b"])
