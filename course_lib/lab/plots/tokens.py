"""Tokens as people see them: strips coloured by a number, and what may come next. Lessons 00, 01, 12, 13."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.patches import FancyBboxPatch

from course_lib.generation.ranking import largest, ranked
from course_lib.lab.plots.figure import CourseFigure, course_figure, new_figure, numbers
from course_lib.lab.plots.fonts import columns_of, mono_fonts, printable
from course_lib.lab.plots.rounding import fixed, percent, same, steady
from course_lib.lab.plots.theme import add_scale, text_on, theme


@course_figure
def token_strip(tokens: Sequence[str], values: Sequence[float], *, unit: str, title: str = "",
                columns: int = 88) -> CourseFigure:
    """Text, token by token, each coloured by a number (its surprise, its gradient, ...).

    Args:
        tokens: pieces of text in order.
        values: one finite number for each token, in `unit`.
        columns: characters a line before it wraps; a token longer than a line is cut in its middle.

    Raises ValueError if there are no tokens, or not one finite number for each.
    """
    values = numbers(values, "values", dims=1)
    if len(tokens) != len(values):
        raise ValueError(f"{len(tokens)} tokens but {len(values)} values; give one value for each token")
    lines = wrapped([printable(token, longest=columns - 2) for token in tokens], columns)
    colors, norm = theme().more(), Normalize(*span(values))
    figure, ax = new_figure(height=0.62 + 0.29 * len(lines) + 0.3 * bool(title))
    at = 0
    for y, line in enumerate(lines):
        for x, token in line:
            color, wide = colors(steady(norm(values[at]), 2)), columns_of(token)
            box = dict(boxstyle="round,pad=0,rounding_size=0.18", mutation_aspect=0.5, linewidth=0)
            ax.add_patch(FancyBboxPatch((x + 0.07, y - 0.42), wide + 0.36, 0.84, facecolor=color, **box))
            ax.text(x + wide / 2 + 0.25, y, token, ha="center", va="center_baseline", fontsize=8.4,
                    color=text_on(color), family=mono_fonts())
            at += 1
    ax.set(xlim=(0, columns), ylim=(len(lines) - 0.45, -0.55), title=title)
    ax.axis("off")
    add_scale(figure, ax, norm, colors, unit, pad=0.02, aspect=60, shrink=0.45, location="bottom", anchor=(0.0, 1.0))
    most = printable(tokens[largest(values)], longest=24)
    figure.summary = f"{len(tokens)} tokens, mean {fixed(np.mean(values), 1)} {unit}, most at {most!r}"
    return figure


def wrapped(tokens: Sequence[str], columns: int) -> list[list[tuple[float, str]]]:
    """Lines of (column, token); each token takes half a column beside its own width."""
    lines, width = [[]], 0.0
    for token in tokens:
        if width + columns_of(token) + 0.5 > columns and lines[-1]:
            lines.append([])
            width = 0.0
        lines[-1].append((width, token))
        width += columns_of(token) + 0.5
    return lines


def span(values: np.ndarray) -> tuple[float, float]:
    """The least and the greatest value that is not NaN, apart where all are the same but for rounding."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    return (low - 0.5, low + 0.5) if same(low, high) else (low, high)


@course_figure
def next_token_bars(tokens: Sequence[str], probs: Sequence[float] | Mapping[str, Sequence[float]], *, top: int = 12,
                    title: str = "What comes next?", chosen: int | None = None) -> CourseFigure:
    """The `top` most probable next tokens as bars; all others share the last one.

    Args:
        tokens: what each position of `probs` stands for.
        probs: (V,) probabilities, summing to one; or name → (V,), drawn side by side in the first one's order
            (before and after top-k, at several temperatures). Equal ones stand in the order of their ids.
        chosen: id of the token that was taken, marked with ◀ if it is among the `top`.

    Raises ValueError if the probabilities do not fit the tokens or do not sum to one.
    """
    panels = probs if isinstance(probs, Mapping) else {"": probs}
    arrays = [_distribution(values, name, len(tokens)) for name, values in panels.items()]
    best = ranked(arrays[0], top)
    names = [printable(tokens[i], longest=18) + (" ◀" if i == chosen else "") for i in best]
    if others := len(tokens) - len(best):
        names.append(f"({others} {'others' if others > 1 else 'other'})")
    figure, axes = new_figure(1, len(panels), height=0.95 + 0.25 * len(names), sharey=True, squeeze=False)
    widest = 0.0
    for ax, name, p in zip(axes[0], panels, arrays, strict=True):
        rest = np.delete(p, best).sum()  # added up: what is left of 1 would be rounding where nothing is left
        values = [*p[best].tolist(), *([rest] if others else [])]
        colors = [theme().series[1 if i == chosen else 0] for i in best] + [theme().rest]
        bars = ax.barh(range(len(values)), values, color=colors[: len(values)], height=0.74)
        ax.bar_label(bars, labels=[percent(v) for v in values], padding=3, fontsize=9)
        ax.grid(axis="y", visible=False)
        ax.tick_params(axis="y", length=0)
        ax.set_xlabel("probability")
        ax.set_title(name, fontsize=10, fontweight="normal")
        widest = max(widest, *values)
    for ax in axes[0]:
        ax.set_xlim(0, min(1.0, widest) * (1.1 + 0.08 * len(panels)))
    axes[0, 0].set_yticks(range(len(names)), names, family=mono_fonts())
    axes[0, 0].invert_yaxis()
    if len(panels) == 1:
        axes[0, 0].set_title(title)
    else:
        figure.suptitle(title, fontsize=12, fontweight="bold", x=0.01, ha="left")
    said = [f"{name}: " if name else "most probable: " for name in panels]
    figure.summary = " · ".join(f"{name}{printable(tokens[i], longest=24)} with {percent(p[i])}"
                                for name, p, i in zip(said, arrays, map(largest, arrays), strict=True))
    return figure


def _distribution(values, name, size):
    p = numbers(values, name or "probs", dims=1)
    if len(p) != size:
        raise ValueError(f"{size} tokens but {len(p)} probabilities; give one probability for each token")
    if p.min() < 0 or abs(p.sum() - 1) > 1e-3:
        raise ValueError(f"probabilities from {p.min():.3g} that sum to {p.sum():.4g}; give a softmax's output")
    return p

