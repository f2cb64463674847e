"""Two looks, light and dark, that differ in their colours alone: colours, scales, contrast. Used by all lessons."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from matplotlib import rc_params_from_file
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.rcsetup import cycler
from matplotlib.ticker import MaxNLocator

STEPS = 5  # between the numbers along an axis, at most: more is not read, and each costs a slider two milliseconds
STYLE = Path(__file__).resolve().parents[1] / "course.mplstyle"
# Each colour of a series has its own line, so that colour never carries a meaning alone.
LINES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)))
HATCHES = ("", "///", "...", "xx", "\\\\", "++")


@dataclass(frozen=True, kw_only=True)
class Theme:
    """The colours of a look. Text has a contrast of at least 4.5 with its background, marks of at least 3.

    Both bounds are WCAG 2.1's (1.4.3 and 1.4.11). The series stays apart for readers without red or green cones.
    """

    name: str
    background: str
    ink: str  # text
    muted: str  # text that steps back: axes, notes
    rest: str  # marks that step back: "all others"
    faint: str  # grids and empty cells
    gradient: str  # text that stands for a gradient
    series: tuple[str, ...]  # blue, orange, green, pink, brown or yellow, sky
    ramp: tuple[str, ...]  # none → much: the more ink (on dark: the more light), the more there is
    signed: tuple[str, ...]  # minus → nothing → plus

    def more(self) -> LinearSegmentedColormap:
        """The scale for amounts; its low end is nearly the background, and what is missing (NaN) is just that."""
        return LinearSegmentedColormap.from_list("more", self.ramp).with_extremes(bad=self.background)

    def plus_minus(self) -> LinearSegmentedColormap:
        """The scale for signed numbers, blue below nothing and orange above it."""
        return LinearSegmentedColormap.from_list("plus_minus", self.signed).with_extremes(bad=self.background)

    def settings(self) -> dict:
        """What matplotlib calls rcParams: `course.mplstyle` in these colours."""
        shared = {name: self.background for name in ("figure.facecolor", "savefig.facecolor", "axes.facecolor")}
        texts = dict.fromkeys(("text.color", "axes.labelcolor", "axes.titlecolor"), self.ink)
        edges = dict.fromkeys(("axes.edgecolor", "xtick.color", "ytick.color"), self.muted)
        cycle = cycler("color", self.series) + cycler("linestyle", LINES)
        return {**rc_params_from_file(STYLE, use_default_template=False), **shared, **texts, **edges,
                "grid.color": self.faint, "axes.prop_cycle": cycle}


LIGHT = Theme(
    name="light", background="#ffffff", ink="#1d2128", muted="#59606b", rest="#8b929c", faint="#e3e6ea",
    gradient="#a84300",
    series=("#0060a8", "#e0600a", "#0e9a78", "#c2589f", "#6e4a12", "#4699d2"),
    ramp=("#f4f7fa", "#c3dbee", "#6daed6", "#2374b2", "#0a3d73", "#06203f"),
    signed=("#0f4f8a", "#5ba4d6", "#f6f6f4", "#f3a45c", "#b04a05"),
)
DARK = Theme(
    name="dark", background="#14171c", ink="#eceff3", muted="#a8b0bb", rest="#7c8592", faint="#2b313a",
    gradient="#ffa26b",
    series=("#4fa3f0", "#ff8b4a", "#1fbf8f", "#eba4d0", "#f2d855", "#a5dcff"),
    ramp=("#20262e", "#1c456b", "#2b7fb8", "#6cb8e6", "#bfe2f8", "#f8fcff"),
    signed=("#9fd3fb", "#2f7fbd", "#252a31", "#c7661c", "#ffc08a"),
)
THEMES = {"light": LIGHT, "dark": DARK}
_current = LIGHT


def theme() -> Theme:
    """The theme that figures are drawn in at the moment."""
    return _current


@contextlib.contextmanager
def use_theme(name: str) -> Iterator[Theme]:
    """`with use_theme("dark"):` figures drawn inside are dark; afterwards everything is as before."""
    global _current
    if name not in THEMES:
        raise ValueError(f"there is no theme {name!r}; try one of {', '.join(THEMES)}")
    before, _current = _current, THEMES[name]
    try:
        yield _current
    finally:
        _current = before


def luminance(color) -> float:
    """How bright a colour is, 0 to 1 (WCAG 2.1's relative luminance of sRGB)."""
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one, other) -> float:
    """Contrast of two colours, from 1 (the same) to 21 (black and white), as WCAG 2.1 counts it."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def text_on(color) -> str:
    """Black or white, whichever is easier to read on `color`; its contrast is never below 4.5."""
    return max(("#000000", "#ffffff"), key=lambda ink: contrast(ink, color))


def add_scale(figure, ax, norm, colors, label: str, **options):
    """The bar beside a picture that says which colour means which number."""
    numbered = MaxNLocator(STEPS, steps=(1, 2, 2.5, 5, 10))
    bar = figure.colorbar(ScalarMappable(norm, colors), ax=ax, label=label, ticks=numbered, **options)
    bar.outline.set_visible(False)
    return bar


def below(figure, ax, columns: int = 5) -> None:
    """The legend of `ax` below the whole figure, where it covers nothing."""
    handles, labels = ax.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(columns, len(labels)))
