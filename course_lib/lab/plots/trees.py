"""Trees that grow to the right: what a beam search kept and what it dropped. Lessons 10, 13."""

from collections.abc import Sequence

from matplotlib.patches import FancyBboxPatch

from course_lib.lab.plots.figure import SMALLEST, CourseFigure, course_figure, new_canvas, numbers
from course_lib.lab.plots.fonts import columns_of, mono_fonts, printable
from course_lib.lab.plots.rounding import fixed
from course_lib.lab.plots.theme import text_on, theme

ROW, LETTER, GAP = 0.36, 0.083, 0.42  # inches; a letter is one column of a token at 9 points


@course_figure
def tree(tokens: Sequence[str], parents: Sequence[int], values: Sequence[float], *, unit: str = "log P",
         kept: Sequence[bool] | None = None, best: int | None = None, decimals: int = 1,
         title: str = "") -> CourseFigure:
    """Every node a token, on its way from the root; below it, its number.

    Args:
        tokens: one for each node.
        parents: the number of each node's parent, −1 for a root; parents come before their children.
        values: one number a node, what the search compares (the sum of log probabilities up to here).
        kept: False for nodes that the search dropped: dashed and pale.
        best: the node where the winner ends; the way to it is thick.

    Raises ValueError if the lists differ in length or a parent comes after its child.
    """
    values, n = numbers(values, "values", dims=1), len(tokens)
    kept = [True] * n if kept is None else list(kept)
    if not n == len(parents) == len(values) == len(kept):
        raise ValueError(f"{n} tokens, {len(parents)} parents, {len(values)} values, {len(kept)} kept; give one each")
    depth, row = layout(parents)
    words = [printable(token, longest=14) for token in tokens]
    wide = [max(columns_of(word), 5) * LETTER + 0.12 for word in words]
    levels = [max((wide[i] for i in range(n) if depth[i] == d), default=0) for d in range(max(depth) + 1)]
    left = [0.12 + sum(levels[:d]) + GAP * d for d in range(len(levels))]
    figure, ax = new_canvas(left[-1] + levels[-1] + 0.2, (max(row) + 1) * ROW * 1.25 + 0.1, title=title)
    look, way = theme(), set()
    while best is not None and best >= 0:
        way.add(best)
        best = parents[best]
    for i in range(n):
        x, y = left[depth[i]], (row[i] + 0.5) * ROW * 1.25
        on_way = i in way
        color = look.series[0] if on_way else look.rest if kept[i] else look.muted
        if (p := parents[i]) >= 0:
            x0, y0 = left[depth[p]] + levels[depth[p]], (row[p] + 0.5) * ROW * 1.25
            ax.plot([left[depth[p]] + wide[p], x0, x0 + GAP * 0.25, x - GAP * 0.25, x], [y0, y0, y0, y, y], color=color,
                    linewidth=2.6 if on_way else 1.2, linestyle="-" if kept[i] else (0, (3, 2)), zorder=1)
        face = look.series[0] if on_way else look.faint if kept[i] else look.background
        ink = text_on(face) if on_way else look.ink if kept[i] else look.muted
        ax.text(x + wide[i] / 2, y - 0.06, words[i], ha="center", va="center_baseline", fontsize=9, color=ink,
                family=mono_fonts(), zorder=3)
        ax.text(x + wide[i] / 2, y + 0.105, fixed(values[i], decimals).replace("-", "−"), ha="center",
                va="center_baseline", fontsize=SMALLEST, color=ink, zorder=3)
        _chip(ax, x, y, wide[i], face, color, kept[i])
    figure.summary = f"{n} nodes, {sum(kept)} kept"
    if way:
        text = "".join(tokens[i] for i in sorted(way))
        figure.summary += f"; the best: {printable(text)!r}, {unit} {fixed(values[max(way)], decimals)}"
    return figure


def layout(parents: Sequence[int]) -> tuple[list[int], list[float]]:
    """(depths, rows): leaves in rows of their own, every parent in the middle of its children."""
    n, depth = len(parents), []
    children = [[] for _ in range(n)]
    for i, p in enumerate(parents):
        if p >= i:
            raise ValueError(f"node {i} has the parent {p}, which comes after it; list parents first, -1 for a root")
        depth.append(depth[p] + 1 if p >= 0 else 0)
        if p >= 0:
            children[p].append(i)
    row, free = [0.0] * n, 0

    def place(i):
        nonlocal free
        for child in children[i]:
            place(child)
        if children[i]:
            row[i] = (row[children[i][0]] + row[children[i][-1]]) / 2
        else:
            row[i], free = float(free), free + 1

    for i in range(n):
        if parents[i] < 0:
            place(i)
    return depth, row


def _chip(ax, x, y, wide, face, edge, kept):
    ax.add_patch(FancyBboxPatch((x, y - 0.19), wide, 0.38, boxstyle="round,pad=0,rounding_size=0.06", facecolor=face,
                                edgecolor=edge, linewidth=1, linestyle="-" if kept else (0, (3, 2)), zorder=2))
