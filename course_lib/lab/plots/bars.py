"""Bars: the ladder of bits per byte on which all models meet, other ladders, parts. Lessons 00, 02, 12, 14."""

from collections.abc import Mapping, Sequence

import numpy as np

from course_lib.generation.ranking import largest
from course_lib.lab.plots.figure import CourseFigure, course_figure, new_figure, numbers
from course_lib.lab.plots.rounding import SPARE, fixed, significant, steady
from course_lib.lab.plots.theme import HATCHES, LINES, below, text_on, theme


@course_figure
def ladder(rows: Mapping[str, float], *, floor: tuple[str, float] | None = None,
           title: str = "Held-out bits per byte: lower is better") -> CourseFigure:
    """One bar a model, best at the bottom, with the known entropy of the source (if there is one) as a wall.

    Args:
        rows: model name → bits per byte, in the order to be drawn from the top.
        floor: (name, bits per byte) that no model can go below.
    """
    values = numbers(list(rows.values()), "rows", dims=1)
    figure, ax = new_figure(height=0.95 + 0.4 * len(rows) + 0.2 * bool(floor))
    colors = [theme().rest] * (len(rows) - 1) + [theme().series[0]]
    bars = ax.barh(list(rows), values, color=colors, height=0.62)
    ax.bar_label(bars, labels=[fixed(v, 2) for v in values], padding=4)
    ax.set(xlabel="bits per byte", xlim=(0, 1.12 * max(values)), ylim=(len(rows) - 0.5, -0.5))
    ax.set_title(title, pad=22 if floor else None)
    ax.grid(axis="y", visible=False)
    ax.tick_params(axis="y", length=0)
    figure.summary = " · ".join(f"{name} {fixed(value, 2)}" for name, value in rows.items())
    if floor:
        ax.axvline(floor[1], color=theme().series[1], linestyle="--")
        words = f"{floor[0]} {fixed(floor[1], 2)}"
        ax.annotate(words, (floor[1], 1), xycoords=("data", "axes fraction"), xytext=(5, 2),
                    textcoords="offset points", fontsize=9.5, va="bottom", annotation_clip=False)
        figure.summary += f" · {words}"
    return figure


@course_figure
def grouped_bars(values: Mapping[str, Sequence[float]], names: Sequence[str], *, ylabel: str, xlabel: str = "",
                 title: str = "", decimals: int = 2, levels: Mapping[str, float] | None = None) -> CourseFigure:
    """Columns side by side: bits per byte by n-gram order, accuracy by task, before and after.

    Args:
        values: series → one number for each name. NaN leaves a column out.
        names: what stands below the columns.
        levels: name → value to compare with, drawn as a thin line.

    Raises ValueError if a series has not one value for each name.
    """
    figure, ax = new_figure()
    wide, said, place = 0.8 / len(values), [], np.arange(len(names))
    for n, (series, heights) in enumerate(values.items()):
        heights = numbers(heights, series, dims=1, gaps=True)
        if len(heights) != len(names):
            raise ValueError(f"{series} has {len(heights)} values for {len(names)} names; give one for each")
        bars = ax.bar(place + (n - (len(values) - 1) / 2) * wide, heights, width=wide * 0.92, label=series,
                      color=theme().series[n % 6], hatch=HATCHES[n % 6], edgecolor=theme().background, linewidth=0)
        if len(values) * len(names) <= 16:
            labels = [fixed(h, decimals) if np.isfinite(h) else "" for h in heights]
            ax.bar_label(bars, labels=labels, padding=2, fontsize=8.5)
        low, high = (f"{fixed(heights[i], decimals)} ({names[i]})" for i in (largest(-heights), largest(heights)))
        said.append(f"{series} from {low} to {high}")
    for n, (name, level) in enumerate((levels or {}).items()):
        ax.axhline(level, color=theme().ink, linewidth=1.4, linestyle=LINES[1 + n % 5],
                   label=f"{name}  {fixed(level, decimals)}")
    ax.set_xticks(place, names)
    ax.set(title=title, xlabel=xlabel, ylabel=ylabel)
    ax.margins(y=0.12)
    ax.grid(axis="x", visible=False)
    if len(values) > 1 or levels:
        below(figure, ax)
    figure.summary = " · ".join(said)
    return figure


@course_figure
def speed_ladder(rows: Mapping[str, float], *, unit: str = "tokens a second",
                 title: str = "What each change brings") -> CourseFigure:
    """One bar for each change, on top of those above it, with the factor that it brought.

    Args:
        rows: change → speed in `unit`, from the first state (top) to the last.
    """
    values = numbers(list(rows.values()), "rows", dims=1)
    figure, ax = new_figure(height=0.95 + 0.4 * len(rows))
    ax.barh(list(rows), values, color=theme().series[0], height=0.62)
    ax.barh(list(rows)[1:], np.minimum(values[:-1], values[1:]), color=theme().rest, height=0.62)
    gains = ["", *(f"   × {fixed(now / before, 2)}" for before, now in zip(values, values[1:], strict=False))]
    for y, (value, gain) in enumerate(zip(values, gains, strict=True)):
        ax.annotate(f"{short(value)}{gain}", (value, y), xytext=(4, 0), textcoords="offset points", va="center")
    ax.set(title=title, xlabel=unit, xlim=(0, 1.22 * max(values)), ylim=(len(rows) - 0.5, -0.5))
    ax.xaxis.set_major_formatter(lambda value, _: short(value))
    ax.grid(axis="y", visible=False)
    ax.tick_params(axis="y", length=0)
    figure.summary = f"{short(values[0])} → {short(values[-1])} {unit}, × {fixed(values[-1] / values[0], 1)} in all"
    return figure


@course_figure
def stacked_bars(parts: Mapping[str, Sequence[float]], names: Sequence[str], *, unit: str, title: str = "",
                 limit: tuple[str, float] | None = None) -> CourseFigure:
    """One bar a configuration, made of its parts: memory by component, time by phase.

    Args:
        parts: component → one amount for each configuration, in `unit`.
        names: the configurations, from the top.
        limit: (name, amount) that must not be passed, drawn as a wall: the memory of the GPU.
    """
    figure, ax = new_figure(height=1.3 + 0.42 * len(names) + 0.2 * bool(limit))
    left = np.zeros(len(names))
    for n, (component, amounts) in enumerate(parts.items()):
        amounts, color = numbers(amounts, component, dims=1), theme().series[n % 6]
        if len(amounts) != len(names) or amounts.min() < 0:
            raise ValueError(f"{component}: {amounts.tolist()} for {len(names)} bars; give one amount ≥ 0 for each")
        ax.barh(names, amounts, left=left, color=color, height=0.62, label=component, edgecolor=theme().background)
        whole = max(*np.sum(list(parts.values()), axis=0), limit[1] if limit else 0)
        for y, (start, amount) in enumerate(zip(left, amounts, strict=True)):
            if steady(amount / whole, 2) > 0.07:
                ax.text(start + amount / 2, y, short(amount), ha="center", va="center_baseline", color=text_on(color),
                        fontsize=9)
        left = left + amounts
    for y, total in enumerate(left):
        ax.annotate(short(total), (total, y), xytext=(4, 0), textcoords="offset points", va="center", fontweight="bold")
    ax.set(xlabel=unit, xlim=(0, 1.12 * max(*left, limit[1] if limit else 0)), ylim=(len(names) - 0.5, -0.5))
    ax.set_title(title, pad=22 if limit else None)
    if limit:
        ax.axvline(limit[1], color=theme().ink, linestyle="--", linewidth=1.6)
        ax.annotate(f"{limit[0]} {short(limit[1])}", (limit[1], 1), xycoords=("data", "axes fraction"), xytext=(-4, 2),
                    textcoords="offset points", ha="right", va="bottom", fontsize=9.5, annotation_clip=False)
    ax.grid(axis="y", visible=False)
    ax.tick_params(axis="y", length=0)
    below(figure, ax)
    figure.summary = " · ".join(f"{name} {short(total)} {unit}" for name, total in zip(names, left, strict=True))
    return figure


def short(value: float) -> str:
    """A number in few signs: 12.3, 4.5k, 6.7M.

    >>> short(0.5), short(1234), short(45_000_000)
    ('0.5', '1.23k', '45M')
    """
    value = float(significant(value, 3 + SPARE))  # what is 1000 but for rounding is 1k
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"
