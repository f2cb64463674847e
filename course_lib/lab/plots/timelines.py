"""Time across, ranks below each other: who computes what and when, and in how much memory. Lessons 14, 15."""

from collections.abc import Mapping, Sequence

import numpy as np

from course_lib.lab.plots.figure import WIDTH, CourseFigure, course_figure, new_figure, numbers
from course_lib.lab.plots.rounding import percent, significant, steady
from course_lib.lab.plots.theme import HATCHES, below, text_on, theme

Span = tuple[int, float, float, str, str]
SAME = 1e-6  # of the whole time: moments nearer to each other are one


@course_figure
def timeline(spans: Sequence[Span], *, unit: str, lanes: Sequence[str] | None = None, title: str = "") -> CourseFigure:
    """A row for each rank, a box for each piece of work; what stays empty is a bubble: a rank that waits.

    Args:
        spans: (lane, start, end, kind, label): kinds have a colour each, labels stand in the boxes.
        unit: of the times.
        lanes: names of the rows; default rank 0, rank 1 ...

    The summary says which share of ranks × time is a bubble. Raises ValueError for a piece that ends before it
    starts, or that overlaps another one on its lane.
    """
    if not spans:
        raise ValueError("no spans; give (lane, start, end, kind, label) for each piece of work")
    n_lanes = 1 + max(lane for lane, *_ in spans)
    lanes = list(lanes) if lanes else [f"rank {i}" for i in range(n_lanes)]
    if len(lanes) < n_lanes:
        raise ValueError(f"a piece is on lane {n_lanes - 1}, but only {len(lanes)} lanes have names; count from 0")
    first, last = min(start for _, start, *_ in spans), max(end for _, _, end, *_ in spans)
    _check(spans, near=SAME * (last - first))
    kinds = list(dict.fromkeys(kind for *_, kind, _ in spans))
    figure, ax = new_figure(height=1.35 + 0.42 * len(lanes))
    for n, kind in enumerate(kinds):
        color, mine = theme().series[n % 6], [span for span in spans if span[3] == kind]
        ax.barh([lane for lane, *_ in mine], [end - start for _, start, end, *_ in mine], color=color, height=0.78,
                left=[start for _, start, *_ in mine], edgecolor=theme().background, linewidth=1, label=kind)
        for lane, start, end, _, label in mine:
            if steady((end - start) / (last - first) * (WIDTH - 1.4) - 0.075 * len(label), 2) > 0:
                ax.text((start + end) / 2, lane, label, ha="center", va="center_baseline", fontsize=8.5,
                        color=text_on(color))
    ax.set_yticks(range(len(lanes)), lanes)
    ax.set(title=title, xlabel=f"time ({unit})", xlim=(first, last), ylim=(len(lanes) - 0.5, -0.5))
    ax.grid(axis="y", visible=False)
    ax.tick_params(axis="y", length=0)
    below(figure, ax)
    bubble = sum(_waits(spans, len(lanes), first, last)) / (len(lanes) * (last - first))
    figure.summary = f"{len(lanes)} ranks, {significant(last - first, 6)} {unit}, of which {percent(bubble)} bubble"
    return figure


def _waits(spans, n_lanes, first, last):
    """How long each wait lasts. Where one piece ends and the next one starts there is none, not even a tiny one."""
    for n in range(n_lanes):
        mine = sorted((start, end) for lane, start, end, *_ in spans if lane == n)
        for end, start in zip([first, *(end for _, end in mine)], [*(start for start, _ in mine), last], strict=True):
            if start - end > SAME * (last - first):
                yield start - end


def _check(spans, near):
    free = {}
    for span in sorted(spans, key=lambda span: (span[0], span[1])):
        lane, start, end, _, label = span
        if end < start:
            raise ValueError(f"the piece {label!r} on lane {lane} ends at {end:g}, before it starts at {start:g}")
        if start < free.get(lane, start) - near:
            raise ValueError(f"the piece {label!r} on lane {lane} starts at {start:g}, when the lane is busy until "
                             f"{free[lane]:g}; one lane does one thing at a time")
        free[lane] = end


@course_figure
def memory_timeline(times: Sequence[float], memory: Mapping[str, Sequence[float]], *, time_unit: str, unit: str,
                    phases: Mapping[str, tuple[float, float]] | None = None, limit: tuple[str, float] | None = None,
                    title: str = "") -> CourseFigure:
    """How much memory each rank holds while time passes: a lane a rank, all on one scale.

    Args:
        times: (N,) moments, in `time_unit`.
        memory: rank → (N,) amounts, in `unit`; each value holds until the next moment.
        phases: name → (start, end), in colours below the line: forward, backward, update.
        limit: (name, amount), drawn as a ceiling.

    Raises ValueError if a rank has not one amount for each moment.
    """
    times = numbers(times, "times", dims=1)
    phases = phases or {"": (times[0], times[-1])}
    figure, axes = new_figure(len(memory), 1, height=1.2 + 0.85 * len(memory), sharex=True, sharey=True, squeeze=False)
    said, look, near = [], theme(), SAME * (times[-1] - times[0])
    for ax, (rank, amounts) in zip(axes[:, 0], memory.items(), strict=True):
        amounts = numbers(amounts, rank, dims=1)
        if len(amounts) != len(times):
            raise ValueError(f"{rank} has {len(amounts)} amounts for {len(times)} moments; give one for each")
        for n, (name, (start, end)) in enumerate(phases.items()):
            inside = (times >= start - near) & (times <= end + near)
            ax.fill_between(times[inside], amounts[inside], step="post", color=look.series[n % 6], alpha=0.75,
                            label=name, hatch=HATCHES[n % 6], edgecolor=look.background, linewidth=0)
        ax.step(times, amounts, where="post", color=look.ink, linewidth=1.2, linestyle="-")
        if limit:
            ax.axhline(limit[1], color=look.ink, linestyle="--", linewidth=1.2)
        ax.set_ylabel(rank, rotation=0, ha="right", va="center")
        ax.set_ylim(0, 1.18 * max(*(max(a) for a in memory.values()), limit[1] if limit else 0))
        said.append(f"{rank} up to {significant(np.max(amounts), 3)} {unit}")
    if limit:
        axes[0, 0].annotate(f"{limit[0]} {limit[1]:g}", (1, limit[1]), xycoords=("axes fraction", "data"), ha="right",
                            xytext=(0, 2), textcoords="offset points", fontsize=8.5, va="bottom", annotation_clip=False)
    axes[0, 0].set_title(title)
    axes[-1, 0].set_xlabel(f"time ({time_unit})")
    figure.supylabel(unit, fontsize=10)
    if "" not in phases:
        below(figure, axes[0, 0])
    figure.summary = " · ".join(said)
    return figure
