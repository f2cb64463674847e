"""Histograms, one layer below the other: activations, gradients, weights. Lessons 05, 06, 09."""

from collections.abc import Mapping

import numpy as np

from course_lib.lab.plots.figure import CourseFigure, course_figure, new_figure
from course_lib.lab.plots.theme import theme


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
    said = []
    for ax, (name, values) in zip(axes[:, 0], kept.items(), strict=True):
        counts, edges = np.histogram(np.clip(values, low, high), bins=bins, range=(low, high))
        share, middle = counts / len(values), (edges[:-1] + edges[1:]) / 2
        out = np.abs(middle) > beyond if beyond is not None else np.zeros(bins, dtype=bool)
        colors = [theme().series[1] if b else theme().series[0] for b in out]
        ax.bar(edges[:-1], share, width=np.diff(edges), align="edge", color=colors)
        ax.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9.5)
        ax.set(yticks=[], xlim=(low, high), ylim=(0, 1.15 * share.max()))
        ax.spines["left"].set_visible(False)
        words = f"mean {values.mean():+.2f}, std {values.std():.2f}".replace("-", "−")
        if beyond is not None:
            words += f"\n{np.mean(np.abs(values) > beyond):.0%} beyond ±{beyond:g}"
        if lost[name]:
            words += f"\n{lost[name]} not finite"
        ax.annotate(words, (1.01, 0.5), xycoords="axes fraction", va="center", fontsize=8.5)
        said.append(f"{name} std {values.std():.2f}" + (f", {lost[name]} not finite" if lost[name] else ""))
    axes[0, 0].set_title(title)
    axes[-1, 0].set_xlabel(xlabel)
    figure.summary = " · ".join(said)
    return figure


def _range(values):
    """The axis: what holds nearly all values; the few beyond are counted in the outermost bins."""
    low, high = np.quantile(values, [0.001, 0.999])
    if high <= low:
        return low - 0.5, low + 0.5
    return float(low - 0.03 * (high - low)), float(high + 0.03 * (high - low))
