import numpy as np
import pytest

from course_lib.lab.plots import labelled_grid, labelled_grids

WORDS = dict(caption="Numbers.", alt="Numbers.")


def written(ax):
    return [text.get_text() for text in ax.texts]


def test_every_value_is_written():
    figure = labelled_grid(np.array([[0.5, -1.25], [2.0, np.nan]]), rows="T", columns="S", row_labels=["a", " b"],
                           marked=[(1, 0)], **WORDS)
    ax = figure.axes[0]
    assert written(ax) == ["0.50", "−1.25", "2.00"]
    assert (ax.get_ylabel(), ax.get_xlabel()) == ("T", "S")
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "␣b"]
    assert figure.summary == "2 × 2 values from -1.25 to 2.00"
    assert {patch.get_xy() for patch in ax.patches} == {(-0.5, 0.5)}


def test_a_zero_has_no_minus():
    figure = labelled_grid(np.array([[-0.004, -0.006, 0.0]]), rows="T", columns="S", **WORDS)
    assert written(figure.axes[0]) == ["0.00", "−0.01", "0.00"]


def test_signed_colours_have_nothing_in_the_middle():
    image = labelled_grid(np.array([[0.5, -1.25]]), rows="T", columns="S", signed=True, **WORDS).axes[0].images[0]
    assert image.get_clim() == (-1.25, 1.25)


def test_arrays_side_by_side_have_one_scale_and_one_size_of_cell():
    arrays = {"q": np.ones((2, 3)), "scores": np.arange(8.0).reshape(2, 2, 2), "bias": np.zeros(2)}
    axes = {"q": "TD", "scores": "HTS", "bias": "D"}
    figure = labelled_grids(arrays, axes=axes, marked={"scores": [(1, 0, 1)]}, **WORDS)
    canvas, *grids = figure.axes
    assert [ax.get_title(loc="left") for ax in grids] == ["q", "scores, H = 0", "scores, H = 1", "bias"]
    assert {ax.images[0].get_clim() for ax in grids} == {(0.0, 7.0)}
    assert written(grids[2]) == ["4.00", "5.00", "6.00", "7.00"] and grids[2].patches[0].get_xy() == (0.5, -0.5)
    assert not grids[1].patches and (grids[1].get_ylabel(), grids[1].get_xlabel()) == ("T", "S")
    cells = [ax.get_window_extent().size / np.flip(ax.images[0].get_array().shape) for ax in grids]
    np.testing.assert_allclose(cells, [cells[0]] * 4)
    assert figure.summary.startswith("q (2, 3) from 1.00 to 1.00 · scores (2, 2, 2) from 0.00 to 7.00")


def test_narrow_grids_with_long_titles_neither_meet_nor_leave_the_page():
    arrays = {name: np.ones((2, n)) for name, n in (("dmasked", 3), ("dweights", 3), ("dout", 4), ("a number", 1))}
    arrays |= {f"dweights {i}": np.ones((1, 1)) for i in range(7)}
    figure = labelled_grids(arrays, axes=dict.fromkeys(arrays, "TS"), **WORDS)
    figure.canvas.draw()
    boxes = [ax.get_tightbbox() for ax in figure.axes[1:]]
    assert max(box.x1 for box in boxes) < figure.bbox.width - 2 and min(box.x0 for box in boxes) >= 0
    assert not [(a, b) for i, a in enumerate(boxes) for b in boxes[:i] if a.overlaps(b)]


def test_a_row_without_an_axis_has_no_tick():
    figure = labelled_grids({"bias": np.zeros(2)}, axes={"bias": "D"}, **WORDS)
    assert [label.get_text() for label in figure.axes[1].get_yticklabels()] == []


@pytest.mark.parametrize(("options", "message"), [
    ({"row_labels": ["a"]}, "1 labels for 2 places"), ({"marked": [(2, 0)]}, r"the marked cell \(2, 0\) is outside"),
])
def test_doors(options, message):
    with pytest.raises(ValueError, match=message):
        labelled_grid(np.ones((2, 2)), rows="T", columns="S", **options, **WORDS)


def test_every_axis_needs_a_name():
    with pytest.raises(ValueError, match=r"q has shape \(2, 2\), but axes names \('T',\)"):
        labelled_grids({"q": np.ones((2, 2))}, axes={"q": "T"}, **WORDS)
    with pytest.raises(ValueError, match="2 axes"):
        labelled_grid(np.ones(3), rows="T", columns="S", **WORDS)
