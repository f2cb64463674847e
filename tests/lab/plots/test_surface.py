import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_lib.lab.plots.surface import BANDS, decision_surface, ground
from course_lib.lab.plots.theme import contrast, theme

WORDS = {"caption": "A caption.", "alt": "A picture."}
X, LABELS = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0], [1.0, 2.0]]), np.array([0, 1, 0, 1])


def left_to_right(points):
    """Class 1 where x₁ > 0.6."""
    return 1 / (1 + np.exp(-20 * (points[:, 0] - 0.6)))


def colour_at(figure, place):
    """Red, green and blue, 0 to 1, of the drawn picture at a place of the plane."""
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())
    x, y = figure.axes[0].transData.transform(place)
    return pixels[pixels.shape[0] - 1 - int(y), int(x), :3] / 255


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_every_place_is_coloured_by_what_the_classifier_says():
    figure = decision_surface(left_to_right, X, LABELS, margin=0.5, **WORDS)
    for at in ((-0.4, 1.0), (0.55, -0.3), (0.66, 0.5), (1.3, -0.3)):
        band = np.floor(left_to_right(np.array([at]))[0] * BANDS)
        wanted = ground()((band + 0.5) / BANDS)[:3]
        assert np.abs(colour_at(figure, at) - wanted).max() < 0.02, at
    assert figure.summary == "4 of 4 points on the right side"


def test_the_line_is_where_the_probability_is_one_half():
    ax = decision_surface(left_to_right, X, LABELS, **WORDS).axes[0]
    (contour,) = [c for c in ax.collections if hasattr(c, "levels") and len(c.levels) == 1]
    assert np.allclose(contour.get_paths()[0].vertices[:, 0], 0.6, atol=1e-4)


def test_points_stand_out_from_the_ground():
    for end, point in ((0.0, theme().signed[0]), (1.0, theme().signed[-1])):
        assert contrast(ground()(end), point) > 2


def test_up_is_up():
    figure = decision_surface(lambda points: (points[:, 1] > 1.2) * 1.0, X, LABELS, **WORDS)
    low, high = colour_at(figure, (0.5, 0.5)), colour_at(figure, (0.5, 1.7))
    assert low[2] > low[0] and high[0] > high[2], "blue below, orange above"


def test_points_by_class_and_those_on_the_wrong_side():
    figure = decision_surface(lambda points: 1 - left_to_right(points), X, np.array([0, 0, 0, 1]), **WORDS)
    zeros, ones, wrong = figure.axes[0].lines
    assert zeros.get_xydata().tolist() == X[:3].tolist() and ones.get_xydata().tolist() == X[3:].tolist()
    assert wrong.get_xydata().tolist() == [[0, 0], [0, 2], [1, 2]]
    assert figure.summary == "1 of 4 points on the right side"


def test_a_classifier_without_an_opinion_has_no_line():
    ax = decision_surface(lambda points: np.full(len(points), 0.5), X, LABELS, **WORDS).axes[0]
    assert not [c for c in ax.collections if hasattr(c, "levels") and len(c.levels) == 1]


@pytest.mark.parametrize(("x", "labels", "p", "message"), [
    (X, LABELS[:3], left_to_right, "3 labels"),
    (X[:, :1], LABELS, left_to_right, r"shape \(4, 1\)"),
    (X, LABELS + 1, left_to_right, "0 or 1"),
    (X, LABELS, lambda points: np.ones(2), "2 probabilities"),
    (X, LABELS, lambda points: np.full(len(points), np.nan), "NaN"),
])
def test_doors(x, labels, p, message):
    with pytest.raises(ValueError, match=message):
        decision_surface(p, x, labels, **WORDS)
