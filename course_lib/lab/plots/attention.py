"""Attention with its tokens: one head, and heads as small multiples. Lessons 07, 08, 10, 12, 25."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.colors import Normalize

from course_lib.generation.ranking import largest
from course_lib.lab.plots.figure import SMALLEST, WIDTH, CourseFigure, course_figure, new_figure, numbers
from course_lib.lab.plots.fonts import columns_of, printable
from course_lib.lab.plots.grids import draw_grid, frame, label_ticks
from course_lib.lab.plots.rounding import fixed
from course_lib.lab.plots.theme import add_scale, theme


@course_figure
def attention_map(weights: np.ndarray, tokens: Sequence[str], *, keys: Sequence[str] | None = None, title: str = "",
                  decimals: int = 2, query: int | None = None) -> CourseFigure:
    """One head: how much each token (row) reads from which token (column). Values are written while there is room.

    Args:
        weights: (T, S), rows summing to one; what a mask hides is 0 or NaN.
        tokens: the T tokens that read.
        keys: the S tokens that are read, where these are others (translation, a cache); default `tokens`.
        query: the row to frame.

    Raises ValueError if weights and tokens do not fit.
    """
    weights = numbers(weights, "weights", dims=2, gaps=True)
    keys = tokens if keys is None else keys
    T, S = _fits(weights, tokens, keys)
    cell = min(0.5, 5.2 / S)
    figure, ax = new_figure(width=min(WIDTH, cell * S + 2.3), height=min(8.0, max(cell * 0.8, 0.17) * T + 1.5))
    draw_grid(ax, np.where(weights == 0, np.nan, weights), decimals=decimals, limits=(0, 1))
    if query is not None:
        frame(ax, 0, range(T)[query], width=S)
    size = max(SMALLEST, min(9.5, 52 * cell))
    label_ticks(ax.xaxis, S, keys, every=_every(cell, size), rotation=_rotation(keys, cell), fontsize=size)
    label_ticks(ax.yaxis, T, tokens, fontsize=size)
    ax.set(title=title, xlabel="key: the token that is read", ylabel="query: the token that reads")
    add_scale(figure, ax, Normalize(0, 1), theme().more(), "weight", aspect=30, shrink=0.8, pad=0.02)
    t, s = np.unravel_index(largest(weights), weights.shape)
    figure.summary = (f"{T} × {S} weights; the largest, {fixed(weights[t, s], decimals)}: "
                      f"{printable(tokens[t])!r} reads {printable(keys[s])!r}")
    return figure


@course_figure
def attention_maps(weights: np.ndarray, tokens: Sequence[str], *, keys: Sequence[str] | None = None, title: str = "",
                   names: Sequence[str] | None = None, columns: int = 4) -> CourseFigure:
    """One small map for each head: which token (column) each token (row) reads from; all on one scale, 0 to 1.

    Args:
        weights: (H, T, S), rows summing to one.
        tokens: the T tokens that read, written at the left of each line of maps.
        keys: the S tokens that are read, where these are others; default `tokens`.
        names: of the heads; default head 0, head 1 ...
        columns: maps beside each other, before the next goes below.

    Raises ValueError if weights and tokens do not fit.
    """
    weights = numbers(weights, "weights", dims=3, gaps=True)
    keys = tokens if keys is None else keys
    T, S = _fits(weights, tokens, keys)
    H, names = len(weights), list(names) if names else [f"head {h}" for h in range(len(weights))]
    wide, lines = min(H, columns), math.ceil(H / columns)
    side = min(2.6, (WIDTH - 1.6) / wide)
    longest = max(columns_of(printable(token, longest=14)) for token in keys)
    height = lines * (side * min(T / S, 2.0) + 0.35) + 0.075 * longest + (0.85 if title else 0.45)
    figure, axes = new_figure(lines, wide, width=min(WIDTH, wide * side + 1.8), height=height, squeeze=False,
                              sharex=True, sharey=True)
    colors = theme().more()
    size = SMALLEST if side / S < 0.3 else 9
    step_x, step_y = _every(side / S, size), _every(side * min(T / S, 2.0) / T, size)
    for h, ax in enumerate(axes.flat):
        if h >= H:
            ax.set_axis_off()
            continue
        ax.imshow(np.where(weights[h] == 0, np.nan, weights[h]), cmap=colors, vmin=0, vmax=1, aspect="auto")
        ax.grid(visible=False)
        ax.set_title(names[h], fontsize=10, fontweight="normal", pad=4)
        ax.tick_params(length=0)
        ax.spines[:].set_color(theme().faint)
        ax.spines[:].set_visible(True)
        label_ticks(ax.xaxis, S, keys, every=step_x, rotation=_rotation(keys, side / S), fontsize=size)
        label_ticks(ax.yaxis, T, tokens, every=step_y, fontsize=size)
        ax.xaxis.set_tick_params(labelbottom=h + wide >= H)
    figure.supylabel("query: the token that reads", fontsize=10)
    figure.supxlabel("key: the token that is read", fontsize=10)
    add_scale(figure, axes, Normalize(0, 1), colors, "weight", aspect=30, shrink=0.8, pad=0.02)
    if title:
        figure.suptitle(title, fontsize=12, fontweight="bold", x=0.01, ha="left")
    reads = (f"{name} reads {printable(keys[s])!r}"
             for name, s in zip(names, map(largest, weights[:, -1]), strict=True))
    figure.summary = f"the last token: {', '.join(reads)}"
    return figure


def _fits(weights, tokens, keys):
    """(T, S), or a ValueError."""
    T, S = weights.shape[-2:]
    if (T, S) != (len(tokens), len(keys)):
        lead = "H, " if weights.ndim == 3 else ""
        raise ValueError(f"weights of shape {weights.shape} do not fit {len(tokens)} tokens and {len(keys)} keys; "
                         f"give ({lead}{len(tokens)}, {len(keys)})")
    return T, S


def _every(cell, size):
    """Every how many cells of `cell` inches there is room for a line of `size` points."""
    return max(1, math.ceil(size * 1.15 / 72 / cell))


def _rotation(labels, cell):
    return 0 if max(columns_of(printable(label, longest=14)) for label in labels) * 0.085 < cell else 90
