"""Ways to do one thing by two measures that pull apart: quality and diversity, size and loss. Lesson 13."""

from collections.abc import Mapping, Sequence

import numpy as np

from course_lib.lab.plots.figure import CourseFigure, course_figure, new_figure, numbers
from course_lib.lab.plots.fonts import drawable
from course_lib.lab.plots.theme import theme

Point = tuple[float, float]


@course_figure
def trade_off(points: Mapping[str, Point], *, xlabel: str, ylabel: str, paths: Sequence[Sequence[str]] = (),
              goal: tuple[str, Point] | None = None, title: str = "") -> CourseFigure:
    """A dot for each way to do it, named beside it; those that differ in one setting lie on a line.

    Args:
        points: name → (x, y).
        paths: names to join, in order: the same rule at several temperatures.
        goal: (name, (x, y)) of what they are measured against, drawn as a star: real text.

    Raises ValueError if a path names a point that is not there.
    """
    places = numbers(list(points.values()), "points", dims=2)
    if missing := [name for path in paths for name in path if name not in points]:
        raise ValueError(f"the paths name {missing}, but there are only {list(points)}")
    figure, ax, look = *new_figure(height=4.2), theme()
    for path in paths:
        ax.plot(*zip(*(points[name] for name in path), strict=True), color=look.series[0], linestyle="-", alpha=0.5)
    on_path = np.array([any(name in path for path in paths) for name in points])
    for mine, color, marker in ((on_path, look.series[0], "o"), (~on_path, look.series[1], "s")):
        ax.scatter(*places[mine].T, s=34, color=color, marker=marker, zorder=3)
    named = dict(points)
    if goal is not None:
        named[goal[0]] = goal[1]
        ax.scatter(*goal[1], s=150, color=look.series[2], marker="*", zorder=3)
    for name, place in named.items():
        ax.annotate(drawable(name), place, xytext=(7, 4), textcoords="offset points", fontsize=9)
    ax.set(title=title, xlabel=xlabel, ylabel=ylabel)
    ax.margins(x=0.14, y=0.1)
    figure.summary = " · ".join(f"{name} ({x:.2g}, {y:.2g})" for name, (x, y) in named.items())
    return figure
