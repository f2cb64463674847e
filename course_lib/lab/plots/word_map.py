"""Words in a plane, near those they resemble. Lessons 03 (word_vectors), 25."""

from collections.abc import Sequence

import numpy as np

from course_lib.generation.ranking import largest
from course_lib.lab.plots.figure import CourseFigure, course_figure, new_figure, numbers
from course_lib.lab.plots.fonts import drawable
from course_lib.lab.plots.theme import below, theme

MARKERS = "osD^vP"


@course_figure
def word_map(points: np.ndarray, words: Sequence[str], *, groups: Sequence[str] | None = None,
             xlabel: str = "first direction", ylabel: str = "second direction", title: str = "") -> CourseFigure:
    """Words at their places in a plane, two directions of an embedding; groups have a colour and a marker each.

    Args:
        points: (N, 2), say the first two principal components.
        words: the N words.
        groups: the group of each word, named in the legend.

    Raises ValueError if the lists differ in length.
    """
    points = numbers(points, "points", dims=2)
    groups = list(groups) if groups is not None else [""] * len(words)
    if not points.shape == (len(words), 2) or len(groups) != len(words):
        raise ValueError(f"points {points.shape}, {len(words)} words, {len(groups)} groups; give a place for each word")
    figure, ax = new_figure(height=4.6)
    for n, group in enumerate(dict.fromkeys(groups)):
        mine = np.array([g == group for g in groups])
        ax.scatter(*points[mine].T, s=26, marker=MARKERS[n % 6], color=theme().series[n % 6], label=group)
    for (px, py), word in zip(points, words, strict=True):
        ax.annotate(drawable(word), (px, py), xytext=(4, 3), textcoords="offset points", fontsize=8.5)
    ax.set(title=title, xlabel=xlabel, ylabel=ylabel)
    ax.margins(x=0.1, y=0.08)
    if any(groups):
        below(figure, ax)
    gaps = np.linalg.norm(points[:, None] - points[None], axis=-1) + np.diag(np.full(len(words), np.inf))
    i, j = np.unravel_index(largest(-gaps), gaps.shape)
    figure.summary = f"{len(words)} words; nearest: {drawable(words[i])} and {drawable(words[j])}"
    return figure
