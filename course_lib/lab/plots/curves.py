"""Curves: loss over training, several runs as a line in a band, schedules. Lessons 00, 05, 09, 12, 14, 16."""

from collections.abc import Mapping, Sequence

import numpy as np

from course_lib.lab.plots.figure import CourseFigure, course_figure, new_figure, numbers
from course_lib.lab.plots.rounding import fixed, significant
from course_lib.lab.plots.theme import LINES, below, theme

FEW = 8  # whole numbers along an axis, each of which is written


def smooth(values: Sequence[float], half_life: float) -> np.ndarray:
    """Moving average whose weights halve every `half_life` steps, corrected for its start; NaN is passed over."""
    keep, total, weight, out = 0.5 ** (1 / half_life), 0.0, 0.0, []
    for value in values:
        if not np.isnan(value):
            total, weight = keep * total + (1 - keep) * value, keep * weight + (1 - keep)
        out.append(total / weight if weight else np.nan)
    return np.array(out)


@course_figure
def training_curve(records: Sequence[Mapping], *, references: Mapping[str, float] | None = None,
                   unit: str = "nats a token", title: str = "Loss while training") -> CourseFigure:
    """Training loss (thin: every step, thick: smoothed), held-out loss (dots), and levels to beat (dashed).

    Args:
        records: the trainer's records: `step` and `loss`, and `held_out_loss` where it was measured. A loss that is
            NaN or infinite leaves a gap, and the summary says where the first was.
        references: name → level in the same unit, drawn as horizontal lines named in the legend.

    Raises ValueError if there are no records, or no loss that is finite.
    """
    if not records:
        raise ValueError("no records; give a list of what the trainer yields, one record a step")
    references, look = references or {}, theme()
    steps, losses = [r["step"] for r in records], np.array([r["loss"] for r in records], dtype=float)
    broken = np.flatnonzero(~np.isfinite(losses))
    losses = numbers(np.where(np.isfinite(losses), losses, np.nan), "loss", gaps=True)
    figure, ax = new_figure()
    ax.plot(steps, losses, color=look.series[0], alpha=0.35, linewidth=0.8, linestyle="-")
    smoothed = smooth(losses, half_life=max(1.0, len(losses) / 60))
    ax.plot(steps, np.where(np.isnan(losses), np.nan, smoothed), color=look.series[0], linestyle="-", label="training")
    held_out = [(r["step"], r["held_out_loss"]) for r in records if r.get("held_out_loss") is not None]
    if held_out:
        ax.plot(*zip(*held_out, strict=True), color=look.ink, marker="o", markersize=5, linestyle="none",
                label="held out")
    for n, (name, level) in enumerate(references.items()):
        ax.axhline(level, color=look.series[1 + n % 5], linestyle=LINES[1 + n % 5], linewidth=1.6,
                   label=f"{name}  {fixed(level, 2)}")
    ax.set(title=title, xlabel="step (optimizer updates)", ylabel=f"loss ({unit})")
    # The first steps fall from ln V and would flatten all that follows: let them leave through the top.
    levels = [*smoothed, *(v for _, v in held_out), *references.values()]
    low, high = np.nanmin(levels), np.nanquantile(smoothed, 0.97) if len(smoothed) > 20 else np.nanmax(levels)
    high = max(high, *references.values(), *(v for _, v in held_out[1:]), low)
    ax.set_ylim(low - 0.08 * (high - low) - 1e-6, high + 0.12 * (high - low) + 1e-6)
    ax.legend(loc="upper right")
    last = f", held out {fixed(held_out[-1][1], 2)}" if held_out else ""
    gap = f"; {len(broken)} not finite, first at step {steps[broken[0]]}" if len(broken) else ""
    fell = f"{fixed(losses[np.isfinite(losses)][0], 1)} → {fixed(smoothed[-1], 1)}"
    figure.summary = f"training loss {fell} {unit} in {steps[-1]} steps{last}{gap}"
    return figure


@course_figure
def curves(x: Sequence[float], lines: Mapping[str, np.ndarray], *, xlabel: str, ylabel: str, title: str = "",
           log: str = "", levels: Mapping[str, float] | None = None, marks: bool = False) -> CourseFigure:
    """Lines to compare, named in a legend: optimizers, gradient norms by depth, shots against accuracy.

    Args:
        x: (N,) places, in the unit that `xlabel` says.
        lines: name → (N,) values; or (R, N), R runs with different seeds, drawn as their median in a band from the
            lowest to the highest. NaN leaves a gap.
        log: the axes to draw logarithmically: "", "x", "y" or "xy".
        levels: name → value to compare with, drawn as a thin horizontal line.

    Raises ValueError if lines and places do not fit, or a logarithm would meet a value that is not positive.
    """
    x = numbers(x, "x", dims=1)
    figure, ax = new_figure()
    said = []
    for n, (name, values) in enumerate(lines.items()):
        runs = np.atleast_2d(numbers(values, name, dims=(1, 2), gaps=True))
        if runs.shape[-1] != len(x):
            raise ValueError(f"{name} has shape {np.shape(values)}, but x has {len(x)} places; give one value for each")
        if "y" in log and np.nanmin(runs) <= 0:
            raise ValueError(f"{name} falls to {np.nanmin(runs):g}, which has no logarithm; leave out log or the value")
        middle, color = np.nanmedian(runs, axis=0), theme().series[n % 6]
        if len(runs) > 1:
            ax.fill_between(x, np.nanmin(runs, axis=0), np.nanmax(runs, axis=0), color=color, alpha=0.2, linewidth=0)
        marker = "osD^vP"[n % 6] if marks or len(x) == 1 else None
        ax.plot(x, middle, color=color, linestyle=LINES[n % 6], label=name, marker=marker, markersize=4.5)
        last = middle[np.isfinite(middle)][-1]
        said.append(f"{name} ends at {significant(last, 3)}" + (f" ({len(runs)} runs)" if len(runs) > 1 else ""))
    for n, (name, level) in enumerate((levels or {}).items()):
        ax.axhline(level, color=theme().ink, linewidth=1.2, linestyle=LINES[1 + n % 5],
                   label=f"{name}  {significant(level, 3)}")
    ax.set(title=title, xlabel=xlabel, ylabel=ylabel, **{f"{axis}scale": "log" for axis in log})
    if marks and "x" not in log and len(x) <= FEW and np.allclose(x, np.rint(x), rtol=0, atol=1e-6):
        ax.set_xticks(x)  # orders 1 to 6: each has its number
    if len(lines) + len(levels or {}) > 3:
        below(figure, ax)
    elif len(lines) > 1 or levels:
        ax.legend()
    figure.summary = " · ".join(said)
    return figure


@course_figure
def schedule_curve(lrs: Mapping[str, Sequence[float]], *, title: str = "Learning-rate schedules") -> CourseFigure:
    """Learning rate against step, one line a schedule: name → one value a step."""
    figure, ax = new_figure(height=2.8)
    for n, (name, values) in enumerate(lrs.items()):
        ax.plot(numbers(values, name, dims=1), color=theme().series[n % 6], linestyle=LINES[n % 6], label=name)
    ax.set(title=title, xlabel="step (optimizer updates)", ylabel="learning rate")
    ax.set_ylim(bottom=0)
    ax.legend()
    figure.summary = " · ".join(f"{name}: peak {significant(max(v), 6)}, end {significant(v[-1], 6)}"
                                for name, v in lrs.items())
    return figure
