"""Ways to do one thing by two measures that pull apart: quality and diversity, size and loss. Lesson 13."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import Bbox

from course_lib.lab.plots.figure import CourseFigure, course_figure, new_figure, numbers
from course_lib.lab.plots.fonts import drawable
from course_lib.lab.plots.rounding import significant
from course_lib.lab.plots.theme import theme

Point = tuple[float, float]
SIDES = ((1, 1), (1, 0), (1, -1), (0, 1), (0, -1), (-1, 1), (-1, 0), (-1, -1))  # the first one is liked best


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
    ax.set(title=title, xlabel=xlabel, ylabel=ylabel)
    ax.margins(x=0.14, y=0.12)
    name_all(figure, ax, named, [[points[name] for name in path] for path in paths])
    figure.summary = " · ".join(f"{name} ({significant(x, 2)}, {significant(y, 2)})" for name, (x, y) in named.items())
    return figure


def name_all(figure: CourseFigure, ax: Axes, named: Mapping[str, Point], lines: Sequence[Sequence[Point]]) -> None:
    """Write each name beside its dot, on the side where it covers least of the lines, the other dots and names."""
    figure.draw_without_rendering()  # the layout: from here on, places on the paper are known
    dots = [Bbox.from_bounds(x - 6, y - 6, 12, 12) for x, y in ax.transData.transform(list(named.values()))]
    taken = [*dots]
    for line in lines:
        x, y = ax.transData.transform(line).T
        along = np.linspace(0, len(line) - 1, 50 * len(line))
        for px, py in zip(*(np.interp(along, range(len(line)), values) for values in (x, y)), strict=True):
            taken.append(Bbox.from_bounds(px - 1, py - 1, 2, 2))
    for (name, place), own in zip(named.items(), dots, strict=True):
        tries = []
        for dx, dy in SIDES:
            text = ax.annotate(drawable(name), place, xytext=(8 * dx, 9 * dy), textcoords="offset points", fontsize=9,
                               ha={1: "left", 0: "center", -1: "right"}[dx], va="center")
            box = text.get_window_extent()
            covered = sum(area(Bbox.intersection(box, other)) for other in taken if other is not own)
            tries.append((round(covered, 3), len(tries), text, box))  # equally good: the side liked best
        _, _, kept, box = min(tries)
        for _, _, text, _ in tries:
            if text is not kept:
                text.remove()
        taken.append(box)


def area(box: Bbox | None) -> float:
    """Of a box, in pixels; none has none."""
    return 0.0 if box is None else box.width * box.height
