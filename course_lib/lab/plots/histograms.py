"""Histograms, one layer below the other: activations, gradients, weights. Lessons 05, 06, 09."""

from collections.abc import Mapping

import numpy as np

from course_lib.lab.plots.figure import CourseFigure, course_figure, new_figure
from course_lib.lab.plots.rounding import fixed, percent, same
from course_lib.lab.plots.theme import theme

EDGE = 1e-6  # of a bin: nearer to an edge is on it


@course_figure
def layer_histograms(layers: Mapping[str, np.ndarray], *, xlabel: str, title: str = "", bins: int = 60,
                     beyond: float | None = None) -> CourseFigure:
    """How the numbers of each layer are spread, all on one axis; at the right their mean and standard deviation.

    Args:
        layers: name → array of any shape. NaN and infinities are left out and counted beside the histogram.
        beyond: the bound b of the share with |x| > b, which is written and coloured: tanh's saturated units (0.97),
            ReLU's dead ones by their complement.

    Raises ValueError if there are no layers, or a layer has not one finite number.
    """
    if not layers:
        raise ValueError("no layers; give name → array for each")
    kept, lost = {}, {}
    for name, values in layers.items():
        values = values.detach().cpu().double() if hasattr(values, "detach") else values
        flat = np.asarray(values, dtype=float).ravel()
        kept[name], lost[name] = flat[np.isfinite(flat)], int((~np.isfinite(flat)).sum())
        if not len(kept[name]):
            raise ValueError(f"{name} has no finite number among its {flat.size}; look where the first NaN comes from")
    low, high = _range(np.concatenate(list(kept.values())))
    figure, axes = new_figure(len(kept), 1, height=0.85 + 0.58 * len(kept), sharex=True, squeeze=False)
    said, near = [], EDGE * (high - low)
    for ax, (name, values) in zip(axes[:, 0], kept.items(), strict=True):
        share, edges = _shares(values, low, high, bins), np.linspace(low, high, bins + 1)
        middle = (edges[:-1] + edges[1:]) / 2
        out = np.abs(middle) > beyond + near if beyond is not None else np.zeros(bins, dtype=bool)
        colors = [theme().series[1] if b else theme().series[0] for b in out]
        ax.bar(edges[:-1], share, width=np.diff(edges), align="edge", color=colors)
        ax.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9.5)
        ax.set(yticks=[], xlim=(low, high), ylim=(0, 1.15 * share.max()))
        ax.spines["left"].set_visible(False)
        words = f"mean {fixed(values.mean(), 2, sign='+')}, std {fixed(values.std(), 2)}".replace("-", "−")
        if beyond is not None:
            words += f"\n{percent(np.mean(np.abs(values) > beyond + near))} beyond ±{beyond:g}"
        if lost[name]:
            words += f"\n{lost[name]} not finite"
        ax.annotate(words, (1.01, 0.5), xycoords="axes fraction", va="center", fontsize=8.5)
        said.append(f"{name} std {fixed(values.std(), 2)}" + (f", {lost[name]} not finite" if lost[name] else ""))
    axes[0, 0].set_title(title)
    axes[-1, 0].set_xlabel(xlabel)
    figure.summary = " · ".join(said)
    return figure


def _shares(values, low, high, bins):
    """The share of each bin. What lies on an edge, as all zeros of a ReLU may do, is in the upper one."""
    place = np.floor((values - low) / (high - low) * bins + EDGE).clip(0, bins - 1).astype(int)
    return np.bincount(place, minlength=bins) / len(values)


def _range(values):
    """The axis: what holds nearly all values; the few beyond are counted in the outermost bins."""
    low, high = np.quantile(values, [0.001, 0.999])
    if same(low, high):
        return low - 0.5, low + 0.5
    return float(low - 0.03 * (high - low)), float(high + 0.03 * (high - low))
