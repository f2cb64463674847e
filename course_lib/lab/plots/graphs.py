"""A computation as a graph: nodes with value and gradient, operators between them. Lesson 04 (backprop)."""

from collections.abc import Collection, Sequence

import numpy as np
from matplotlib.patches import Circle, FancyBboxPatch

from course_lib.lab.plots.figure import WIDTH, CourseFigure, course_figure, new_canvas
from course_lib.lab.plots.fonts import drawable
from course_lib.lab.plots.rounding import fixed
from course_lib.lab.plots.theme import theme

ROW, BOX_HEIGHT, RADIUS = 0.82, 0.6, 0.16  # inches


@course_figure
def graph(inputs: Sequence[Sequence[int]], *, values: Sequence[float | None], names: Sequence[str] | None = None,
          gradients: Sequence[float | None] | None = None, operators: Sequence[str] | None = None,
          active: Collection[int] = (), decimals: int = 2, title: str = "") -> CourseFigure:
    """Nodes from left (what goes in) to right (what comes out), each with its value and its gradient.

    Args:
        inputs: for each node, the numbers of the nodes that it is computed from; none for a leaf.
        values: one number a node; None where it is not computed yet.
        names: what each node is called; "" for none.
        gradients: ∂output/∂node, None where it is not computed yet. Left out: only values are written.
        operators: `×`, `+`, `tanh`: what computes the node, drawn in a circle before it.
        active: nodes to frame, with the edges that lead to them: the step that is just being taken.

    Raises ValueError if the lists differ in length, name a node that is not there, or go round in a circle.
    """
    n = len(inputs)
    given = {"values": values, "names": names, "gradients": gradients, "operators": operators}
    lists = {name: list(given[name]) if given[name] is not None else [None] * n for name in given}
    for name, items in lists.items():
        if len(items) != n:
            raise ValueError(f"{len(items)} {name} for {n} nodes; give one for each, None where there is none")
    places = layout(inputs)
    columns = 1 + max(x for x, _ in places)
    wide = float(np.clip((WIDTH - 0.2) / columns - 0.62, 0.66, 1.1))
    step = wide + 0.62
    lowest = max(y for _, y in places)
    figure, ax = new_canvas(columns * step - 0.62 + 0.44, (lowest + 1) * ROW + 0.1, title=title)
    centres = [(0.22 + x * step + wide / 2, 0.05 + (y + 0.5) * ROW) for x, y in places]
    for i, sources in enumerate(inputs):
        _edges(ax, [centres[j] for j in sources], centres[i], wide, lists["operators"][i] or "", i in active)
        _box(ax, centres[i], wide, _words(i, lists, gradients is not None, decimals), i in active)
    done = [g for g in lists["gradients"] if g is not None]
    last = "not known yet" if values[-1] is None else fixed(values[-1], decimals)
    figure.summary = f"{n} nodes, the last is {last}"
    if gradients is not None:
        figure.summary += f", {len(done)} of {n} gradients known"
    return figure


def layout(inputs: Sequence[Sequence[int]]) -> list[tuple[int, float]]:
    """(column, row) for each node: a column before all that use it, rows so that lines cross little.

    Raises ValueError for a node that is not there and for a circle.
    """
    n, column = len(inputs), columns_before_the_end(inputs)
    row, rows_used = {}, 0

    def place(i):
        nonlocal rows_used
        if i in row:
            return
        row[i] = 0.0
        for j in inputs[i]:
            place(j)
        if inputs[i]:
            row[i] = float(np.mean([row[j] for j in inputs[i]]))
        else:
            row[i], rows_used = float(rows_used), rows_used + 1

    for i in sorted(range(n), key=column.__getitem__):  # the outputs first, and what leads to them with them
        place(i)
    for c in set(column):  # no two boxes of a column nearer than one row
        members = sorted((i for i in range(n) if column[i] == c), key=lambda i: row[i])
        for before, i in zip(members, members[1:], strict=False):
            row[i] = max(row[i], row[before] + 1)
    return [(max(column) - column[i], row[i]) for i in range(n)]


def columns_before_the_end(inputs: Sequence[Sequence[int]]) -> list[int]:
    """For each node, the number of edges on the longest way from it to an output.

    Raises ValueError for a node that is not there and for a circle.
    """
    n, users = len(inputs), [0] * len(inputs)
    for i, sources in enumerate(inputs):
        for j in sources:
            if not 0 <= j < n:
                raise ValueError(f"node {i} is computed from node {j}, but there are {n} nodes; count from 0")
            users[j] += 1
    column, ready, done = [0] * n, [i for i in range(n) if not users[i]], 0
    while ready:  # from the outputs backwards
        i, done = ready.pop(0), done + 1
        for j in inputs[i]:
            column[j], users[j] = max(column[j], column[i] + 1), users[j] - 1
            if not users[j]:
                ready.append(j)
    if done < n:
        raise ValueError(f"{n - done} nodes are computed from each other in a circle; each needs earlier ones")
    return column


def _words(i, lists, with_gradient, decimals):
    """The lines of a box: name, value, gradient; an empty place is a dot."""
    def number(value):
        return "·" if value is None else fixed(value, decimals).replace("-", "−")

    lines = [(drawable(lists["names"][i] or ""), "ink", "bold"), (number(lists["values"][i]), "ink", "normal")]
    if with_gradient:
        gradient = lists["gradients"][i]
        lines.append((f"∂ {number(gradient)}", "gradient" if gradient is not None else "muted", "normal"))
    return [line for line in lines if line[0]]


def _box(ax, centre, wide, lines, active):
    x, y = centre
    look = theme()
    edge, width = (look.series[1], 2.4) if active else (look.rest, 1.0)
    ax.add_patch(FancyBboxPatch((x - wide / 2, y - BOX_HEIGHT / 2), wide, BOX_HEIGHT, facecolor=look.background,
                                boxstyle="round,pad=0,rounding_size=0.08", edgecolor=edge, linewidth=width, zorder=3))
    for k, (text, role, weight) in enumerate(lines):
        at = y + (k - (len(lines) - 1) / 2) * 0.175
        color = {"ink": look.ink, "muted": look.muted, "gradient": look.gradient}[role]
        ax.text(x, at, text, ha="center", va="center_baseline", fontsize=9, fontweight=weight, color=color, zorder=4)


def _edges(ax, starts, end, wide, operator, active):
    """Lines from each input's right edge to the operator's circle, and from there to the box."""
    look = theme()
    color, width = (look.series[1], 2.2) if active else (look.rest, 1.2)
    x, y = end[0] - wide / 2 - 0.1 - RADIUS, end[1]
    for start in starts:
        x0, t = start[0] + wide / 2, np.linspace(0, 1, 24)
        bend = start[1] + (y - start[1]) * t * t * (3 - 2 * t)
        ax.plot(x0 + (x - x0) * t, bend, color=color, linewidth=width, linestyle="-", zorder=1)
    if starts:
        ax.plot([x, end[0] - wide / 2], [y, y], color=color, linewidth=width, linestyle="-", zorder=1)
        ax.add_patch(Circle((x, y), RADIUS, facecolor=look.faint, edgecolor=color, linewidth=1.2, zorder=2))
        ax.text(x, y, operator, ha="center", va="center_baseline", fontsize=8 if len(operator) > 2 else 11, zorder=4)
