"""Curves over training, and the ladder of bits per byte on which all models meet. Lessons 00, 12, 14."""

from collections.abc import Mapping, Sequence

import numpy as np

from course_lib.lab.plots.figure import (
    AMBER,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PINK,
    SKY,
    CourseFigure,
    in_course_style,
    new_figure,
)

LINES = ((ORANGE, "--"), (GREEN, "-."), (PINK, ":"), (AMBER, (0, (5, 1))), (SKY, (0, (3, 1, 1, 1))))


def smooth(values: Sequence[float], half_life: float) -> np.ndarray:
    """Moving average whose weights halve every `half_life` steps, corrected for its start."""
    keep, total, weight, out = 0.5 ** (1 / half_life), 0.0, 0.0, []
    for value in values:
        total, weight = keep * total + (1 - keep) * value, keep * weight + (1 - keep)
        out.append(total / weight)
    return np.array(out)


@in_course_style
def training_curve(records: Sequence[Mapping], *, references: Mapping[str, float] | None = None,
                   unit: str = "nats a token", title: str = "Loss while training") -> CourseFigure:
    """Training loss (thin: every step, thick: smoothed), held-out loss (dots), and levels to beat (dashed).

    Args:
        records: the trainer's records: `step` and `loss`, and `held_out_loss` where it was measured.
        references: name → level in the same unit, drawn as horizontal lines with their names at the right.
    """
    figure, ax = new_figure()
    steps, losses = [r["step"] for r in records], [r["loss"] for r in records]
    ax.plot(steps, losses, color=BLUE, alpha=0.25, linewidth=0.8, linestyle="-")
    smoothed = smooth(losses, half_life=max(1.0, len(losses) / 60))
    ax.plot(steps, smoothed, color=BLUE, linestyle="-", label="training")
    held_out = [(r["step"], r["held_out_loss"]) for r in records if r.get("held_out_loss") is not None]
    if held_out:
        ax.plot(*zip(*held_out, strict=True), color="black", marker="o", markersize=5, linestyle="none",
                label="held out")
    for (name, level), (color, style) in zip((references or {}).items(), LINES, strict=False):
        ax.axhline(level, color=color, linestyle=style, linewidth=1.6, label=f"{name}  {level:.2f}")
    ax.set(title=title, xlabel="step (optimizer updates)", ylabel=f"loss ({unit})")
    # The first steps fall from ln V and would flatten all that follows: let them leave through the top.
    levels = [*smoothed, *(v for _, v in held_out), *(references or {}).values()]
    low, high = min(levels), float(np.quantile(smoothed, 0.97)) if len(smoothed) > 20 else max(levels)
    high = max(high, *(references or {}).values()) if references else high
    ax.set_ylim(low - 0.08 * (high - low) - 1e-6, high + 0.12 * (high - low) + 1e-6)
    ax.legend(loc="upper right")
    last = f", held out {held_out[-1][1]:.2f}" if held_out else ""
    figure.summary = f"training loss {losses[0]:.1f} → {smoothed[-1]:.1f} {unit} in {steps[-1]} steps{last}"
    return figure


@in_course_style
def ladder(rows: Mapping[str, float], *, floor: tuple[str, float] | None = None,
           title: str = "Held-out bits per byte: lower is better") -> CourseFigure:
    """One bar a model, best at the bottom, with the known entropy of the source (if there is one) as a wall.

    Args:
        rows: model name → bits per byte, in the order to be drawn from the top.
        floor: (name, bits per byte) that no model can go below.
    """
    figure, ax = new_figure(height=0.9 + 0.48 * len(rows))
    names, values = list(rows), list(rows.values())
    colors = [GREY] * (len(rows) - 1) + [BLUE]
    bars = ax.barh(names, values, color=colors, height=0.62)
    ax.bar_label(bars, labels=[f"{v:.2f}" for v in values], padding=4)
    ax.invert_yaxis()
    ax.set(title=title, xlabel="bits per byte")
    ax.grid(axis="y", visible=False)
    ax.set_xlim(0, 1.12 * max(values))
    if floor:
        ax.axvline(floor[1], color=ORANGE, linestyle="--")
        ax.annotate(f"{floor[0]} {floor[1]:.2f}", (floor[1], 0), xytext=(6, 0), textcoords="offset points",
                    color="white", fontsize=9.5, va="center", fontweight="bold")
    figure.summary = " · ".join(f"{name} {value:.2f}" for name, value in rows.items())
    if floor:
        figure.summary += f" · {floor[0]} {floor[1]:.2f}"
    return figure


@in_course_style
def schedule_curve(lrs: Mapping[str, Sequence[float]], *,
                   title: str = "Learning-rate schedules") -> CourseFigure:
    """Learning rate against step, one line a schedule: name → one value a step."""
    figure, ax = new_figure(height=2.8)
    for (name, values), (color, style) in zip(lrs.items(), ((BLUE, "-"), *LINES), strict=False):
        ax.plot(values, color=color, linestyle=style, label=name)
    ax.set(title=title, xlabel="step (optimizer updates)", ylabel="learning rate")
    ax.set_ylim(bottom=0)
    ax.legend()
    figure.summary = " · ".join(f"{name}: peak {max(v):g}, end {v[-1]:g}" for name, v in lrs.items())
    return figure
