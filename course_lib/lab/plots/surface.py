"""What a classifier says about every point of the plane, with the points it has to tell apart. Lesson 04 (backprop)."""

from collections.abc import Callable

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, Normalize

from course_lib.lab.plots.figure import CourseFigure, course_figure, new_figure, numbers
from course_lib.lab.plots.theme import add_scale, theme

FINE = 121  # places along each side at which the classifier is asked
BANDS = 10  # colours: steps of 10 %


@course_figure
def decision_surface(probability: Callable[[np.ndarray], np.ndarray], x: np.ndarray, labels: np.ndarray, *,
                     title: str = "", xlabel: str = "x₁", ylabel: str = "x₂", margin: float = 0.4) -> CourseFigure:
    """Colour: how probable class 1 is, in steps of 10 %. Line: where it is one half. Marks: the points, by their class.

    Args:
        probability: points (N, 2) -> the probability of class 1 at each, (N,).
        x: the points to tell apart, (N, 2).
        labels: their classes, (N,), 0 or 1.
        margin: how far the picture reaches beyond the points, in units of x.

    Points of class 0 are blue circles, those of class 1 orange squares, those on the wrong side have a cross.
    Raises ValueError if there is not one label, 0 or 1, and one probability for each point.
    """
    x, labels = numbers(x, "x", dims=2), numbers(labels, "labels", dims=1)
    if x.shape != (len(labels), 2) or not np.isin(labels, (0, 1)).all():
        raise ValueError(f"x has shape {x.shape} and there are {len(labels)} labels; give points (N, 2) and a label, "
                         "0 or 1, for each")
    said = _asked(probability, x)
    (left, low), (right, high) = (x.min(axis=0) - margin).round(6), (x.max(axis=0) + margin).round(6)  # 2 has its tick
    across, up = np.linspace(left, right, FINE), np.linspace(low, high, FINE)
    plane = np.stack(np.meshgrid(across, up), axis=-1)
    p = _asked(probability, plane.reshape(-1, 2)).reshape(FINE, FINE)
    figure, ax = new_figure(width=5.6, height=4.0)
    look, colors, norm = theme(), ground(), Normalize(0, 1)
    ax.contourf(across, up, p, levels=np.linspace(0, 1, BANDS + 1), cmap=colors, norm=norm)
    if p.min() < 0.5 < p.max():
        ax.contour(across, up, p, levels=[0.5], colors=[look.ink], linewidths=1.4)
    wrong = (said > 0.5) != labels
    for label, marker, color in ((0, "o", look.signed[0]), (1, "s", look.signed[-1])):
        ax.plot(*x[labels == label].T, linestyle="none", marker=marker, color=color, markersize=7,
                markeredgecolor=look.background, markeredgewidth=0.9, label=f"class {label}")
    if wrong.any():
        ax.plot(*x[wrong].T, linestyle="none", marker="x", color=look.ink, markersize=11, markeredgewidth=1.8,
                label="wrong side")
    ax.grid(visible=False)
    ax.set(title=title, xlabel=xlabel, ylabel=ylabel, xlim=(left, right), ylim=(low, high))
    add_scale(figure, ax, norm, colors, "probability of class 1")
    ax.legend(loc="upper right", frameon=True, framealpha=0.9)
    figure.summary = f"{(~wrong).sum()} of {len(x)} points on the right side"
    return figure


def ground() -> LinearSegmentedColormap:
    """The scale for signed numbers without its darkest ends, so that points stand out from it."""
    return LinearSegmentedColormap.from_list("ground", theme().plus_minus()(np.linspace(0.2, 0.8, 9)))


def _asked(probability, points):
    p = numbers(probability(points), "probability", dims=1)
    if len(p) != len(points):
        raise ValueError(f"{len(points)} points but {len(p)} probabilities; return one number for each row")
    return p.round(6)  # one half is one half, on every processor
