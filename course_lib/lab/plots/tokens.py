"""Tokens as people see them: strips coloured by a number, and what may come next. Lessons 00, 01, 12, 13."""

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from course_lib.lab.plots.figure import (
    BLUE,
    CourseFigure,
    columns_of,
    in_course_style,
    mono_fonts,
    new_figure,
    printable,
)


@in_course_style
def token_strip(tokens: Sequence[str], values: Sequence[float], *, unit: str, title: str = "",
                columns: int = 88) -> CourseFigure:
    """Text, token by token, each coloured by a number (its surprise, its gradient, ...).

    Args:
        tokens: pieces of text in order.
        values: one finite number for each token, in `unit`.
        columns: characters a line before it wraps.
    """
    if len(tokens) != len(values):
        raise ValueError(f"{len(tokens)} tokens but {len(values)} values; give one value for each token")
    lines, width = [[]], 0
    for token, value in zip(map(printable, tokens), values, strict=True):
        if width + columns_of(token) > columns and lines[-1]:
            lines.append([])
            width = 0
        lines[-1].append((width, token, value))
        width += columns_of(token)
    figure, ax = new_figure(height=0.9 + 0.32 * len(lines))
    norm, cmap = Normalize(min(values), max(values)), colormaps["cividis"]
    for y, line in enumerate(lines):
        for x, token, value in line:
            wide = columns_of(token)
            ax.barh(y, wide - 0.08, left=x, height=0.86, color=cmap(norm(value)))
            shade = "white" if norm(value) < 0.55 else "black"
            ax.text(x + wide / 2, y, token, ha="center", va="center", color=shade, fontsize=8.6,
                    family=mono_fonts())
    ax.set(xlim=(0, columns), ylim=(len(lines) - 0.4, -0.6), title=title)
    ax.axis("off")
    figure.colorbar(ScalarMappable(norm, "cividis"), ax=ax, label=unit, pad=0.01, aspect=12)
    most = int(np.argmax(values))
    figure.summary = (f"{len(tokens)} tokens, mean {np.mean(values):.1f} {unit}, "
                      f"most at {printable(tokens[most])!r}")
    return figure


@in_course_style
def next_token_bars(tokens: Sequence[str], probs: Sequence[float], *, top: int = 12,
                    title: str = "What comes next?") -> CourseFigure:
    """The `top` most probable next tokens as bars; all others share the last one.

    Args:
        tokens: what each position of `probs` stands for.
        probs: (V,) probabilities, summing to one.
    """
    probs = np.asarray(probs, dtype=float)
    best = np.argsort(-probs, kind="stable")[:top]
    names, values = [f"{printable(tokens[i])}" for i in best], probs[best].tolist()
    if len(probs) > top:
        names.append(f"({len(probs) - top} others)")
        values.append(1.0 - sum(values))
    figure, ax = new_figure(height=0.9 + 0.26 * len(values))
    bars = ax.barh(range(len(values)), values, color=[BLUE] * top + ["#bbbbbb"], height=0.74)
    ax.set_yticks(range(len(values)), names, family=mono_fonts())
    ax.bar_label(bars, labels=[f"{v:.0%}" if v >= 0.005 else "<1%" for v in values], padding=3, fontsize=9)
    ax.invert_yaxis()
    ax.set(title=title, xlabel="probability", xlim=(0, min(1.0, 1.15 * max(values)) or 1.0))
    ax.grid(axis="y", visible=False)
    figure.summary = f"most probable: {names[0]} with {values[0]:.0%}"
    return figure
