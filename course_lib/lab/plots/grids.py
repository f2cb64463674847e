"""Matrices one can read: grids with their values, attention as small multiples. Lessons 07, 08, 12."""

from collections.abc import Sequence

import numpy as np

from course_lib.lab.plots.figure import CourseFigure, in_course_style, mono_fonts, new_figure, printable


@in_course_style
def labelled_grid(values: np.ndarray, *, rows: str, columns: str, title: str = "",
                  row_labels: Sequence[str] | None = None, column_labels: Sequence[str] | None = None,
                  decimals: int = 2) -> CourseFigure:
    """A matrix with every value written into its cell and both axes named (`rows="T (queries)"`)."""
    values = np.asarray(values, dtype=float)
    n, m = values.shape
    figure, ax = new_figure(width=min(7.2, 1.6 + 0.62 * m), height=min(7.0, 1.2 + 0.42 * n))
    _cells(ax, values, decimals)
    ax.set(title=title, xlabel=columns, ylabel=rows)
    _tick(ax.xaxis, m, column_labels)
    _tick(ax.yaxis, n, row_labels)
    low, high = np.nanmin(values), np.nanmax(values)
    figure.summary = f"{n} × {m} values from {low:.{decimals}f} to {high:.{decimals}f}"
    return figure


def _cells(ax, values: np.ndarray, decimals: int) -> None:
    low, high = np.nanmin(values), np.nanmax(values)
    ax.imshow(values, cmap="cividis", vmin=low, vmax=high, aspect="auto")
    ax.grid(visible=False)
    for (y, x), value in np.ndenumerate(values):
        dark = value < low + 0.55 * (high - low)
        ax.text(x, y, f"{value:.{decimals}f}", ha="center", va="center", fontsize=9,
                color="white" if dark else "black")


def _tick(axis, n: int, labels: Sequence[str] | None) -> None:
    axis.set_ticks(range(n), [printable(label) for label in labels] if labels is not None else range(n))


@in_course_style
def attention_maps(weights: np.ndarray, tokens: Sequence[str], *, title: str = "",
                   names: Sequence[str] | None = None) -> CourseFigure:
    """One small map for each head: which earlier token (column) each token (row) reads from.

    Args:
        weights: (H, T, T), rows summing to one.
        tokens: the T tokens, written along both sides of the first map.
    """
    weights = np.asarray(weights, dtype=float)
    H, T, S = weights.shape
    if not T == S == len(tokens):
        raise ValueError(f"weights of shape {weights.shape} do not fit {len(tokens)} tokens; give (H, T, T)")
    figure, axes = new_figure(1, H, width=7.6, height=7.6 / H + 1.2, squeeze=False, sharey=True)
    for h, ax in enumerate(axes[0]):
        image = ax.imshow(weights[h], cmap="cividis", vmin=0, vmax=1)
        ax.grid(visible=False)
        ax.set_title(names[h] if names else f"head {h}", fontsize=10)
        ax.set_xticks(range(T), map(printable, tokens), rotation=90, fontsize=6.5, family=mono_fonts())
    axes[0, 0].set_yticks(range(T), map(printable, tokens), fontsize=6.5, family=mono_fonts())
    axes[0, 0].set_ylabel("query: the token that reads")
    figure.supxlabel("key: the token that is read", fontsize=10.5)
    figure.colorbar(image, ax=axes, label="weight", shrink=0.7, aspect=18)
    figure.suptitle(title, fontsize=12, fontweight="bold", x=0.02, ha="left")
    names = names or [f"head {h}" for h in range(H)]
    sharp = weights[:, -1].argmax(-1)
    reads = ", ".join(f"{name} reads {printable(tokens[s])!r}" for name, s in zip(names, sharp, strict=True))
    figure.summary = f"the last token: {reads}"
    return figure
