"""What every figure shares: the style, a summary in words, tokens that can be read. Used by all lessons."""

import functools
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font, get_font_names

P = ParamSpec("P")

STYLE = Path(__file__).resolve().parents[1] / "course.mplstyle"
BLUE, ORANGE, GREEN, PINK, AMBER, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
GREY = "#777777"
CJK_MONO = ("Noto Sans Mono CJK SC", "Noto Sans Mono CJK JP", "Noto Sans CJK SC", "Noto Sans CJK JP")


class CourseFigure(Figure):
    """A matplotlib figure that can also say in one line what it shows: `print(figure.summary)`.

    The printed line is what a test compares (pictures differ by a pixel between machines) and what a reader
    who cannot see the picture reads.
    """

    summary: str = ""


def in_course_style(draw: Callable[P, CourseFigure]) -> Callable[P, CourseFigure]:
    """Decorator: all that `draw` creates takes the course's style; the caller's settings stay untouched."""

    @functools.wraps(draw)
    def styled(*args: P.args, **kwargs: P.kwargs) -> CourseFigure:
        with plt.style.context(STYLE):
            return draw(*args, **kwargs)

    return styled


def new_figure(rows: int = 1, columns: int = 1, *, width: float = 7.2, height: float = 3.6, **subplots):
    """A figure with its axes: `(figure, axes)`, sizes in inches. For `in_course_style` functions."""
    figure = plt.figure(FigureClass=CourseFigure, figsize=(width, height))
    return figure, figure.subplots(rows, columns, **subplots)


@functools.cache
def mono_fonts() -> tuple[str, ...]:
    """The monospaced families to write tokens in: matplotlib's own, then a Chinese one if it is installed."""
    installed = set(get_font_names())
    return ("DejaVu Sans Mono", *(name for name in CJK_MONO if name in installed))


@functools.cache
def _glyphs() -> frozenset[int]:
    """Every code point that one of `mono_fonts` can draw."""
    faces = (get_font(findfont(FontProperties(family=[name]))) for name in mono_fonts())
    return frozenset().union(*(face.get_charmap() for face in faces))


def printable(token: str) -> str:
    """A token as a figure shows it: white space visible, `U+1F642` for what no installed font can draw.

    >>> printable(" the"), printable("\\n"), printable("\\x07")
    ('␣the', '⏎', 'U+0007')
    """
    shown = token.replace("\r", "␍").replace("\n", "⏎").replace("\t", "⇥").replace(" ", "␣")
    return "".join(c if c.isprintable() and ord(c) in _glyphs() else f"U+{ord(c):04X}" for c in shown)


def columns_of(text: str) -> int:
    """Columns that `text` takes in a monospaced font: a Chinese, Japanese or Korean character takes two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
