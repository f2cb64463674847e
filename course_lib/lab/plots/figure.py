"""What every figure shares: the style, a caption, words in its place, a summary in numbers. Used by all lessons."""

import functools
import inspect
import io
from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from course_lib.lab.plots.fonts import drawable, sans_fonts
from course_lib.lab.plots.theme import STEPS, theme

WIDTH = 7.2  # inches: a notebook's column, and the width of a printed page's text
SMALLEST = 7.5  # points: nothing in a figure is written smaller


class CourseFigure(Figure):
    """A matplotlib figure that can also be read: what it shows, in words and in numbers.

    caption: what to see in it, one or two sentences; stands below the picture in a notebook (Markdown, formulas too).
    alt: what a reader who cannot see the picture needs instead.
    summary: its numbers in one line, which is what a test compares (pictures differ by a pixel between machines).

    In a notebook, `plt.show()` shows the picture and its caption; then `print(figure.summary)`.
    """

    caption: str = ""
    alt: str = ""
    summary: str = ""
    look: dict = {}  # matplotlib's settings while it was drawn; some are read again when it is saved

    def __str__(self) -> str:
        return self.summary

    def savefig(self, *args, **options) -> None:
        """Matplotlib's `savefig`, in the theme that the figure was drawn in."""
        with plt.rc_context(self.look):
            super().savefig(*args, **options)

    def png(self) -> bytes:
        """The picture as a PNG file; the figure is closed, so that nothing stays behind. For widgets and pages."""
        buffer = io.BytesIO()
        with plt.rc_context(self.look):
            canvas = FigureCanvasAgg(self)
            canvas.draw()  # once; `savefig` draws twice, and a slider waits for it
        opaque = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
        opaque.save(buffer, format="png", compress_level=3)  # as small as with 6 for RGBA, in two thirds of the time
        plt.close(self)
        return buffer.getvalue()

    def _ipython_display_(self) -> None:
        """Show the picture, its words in place of the text that only says how large it is, and the caption."""
        from IPython.display import display

        picture = {"image/png": self.png(), "text/plain": self.alt or repr(self)}
        display(picture, raw=True, metadata={"image/png": {"alt": self.alt}})
        if self.caption:
            display({"text/markdown": f"*{self.caption}*", "text/plain": self.caption}, raw=True)


def course_figure(draw: Callable[..., CourseFigure]) -> Callable[..., CourseFigure]:
    """Decorator for functions that draw: adds `caption` and `alt`, which callers must give, and the course's look.

    All that `draw` creates takes the current theme; the caller's settings stay untouched. No character is left that
    no font can draw; nothing stays open if `draw` fails. Raises ValueError for an empty caption or alternative text.
    """

    @functools.wraps(draw)
    def drawn(*args, caption: str, alt: str, **options) -> CourseFigure:
        require_words(draw.__name__, caption=caption, alt=alt)
        look = {**theme().settings(), "font.family": list(sans_fonts())}
        open_before = set(plt.get_fignums())
        try:
            with plt.rc_context(look):
                figure = draw(*args, **options)
        except BaseException:
            for number in set(plt.get_fignums()) - open_before:
                plt.close(number)
            raise
        figure.caption, figure.alt, figure.look = caption, alt, look
        for text in figure.findobj(Text):
            if (shown := drawable(text.get_text())) != text.get_text():
                text.set_text(shown)
        return figure

    signature = inspect.signature(draw)
    words = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=str) for name in ("caption", "alt")]
    drawn.__signature__ = signature.replace(parameters=[*signature.parameters.values(), *words])
    return drawn


def require_words(function: str, **words: str) -> None:
    """Raise ValueError if the caption or the alternative text that `function` was given is empty."""
    for name, text in words.items():
        if not text.strip():
            raise ValueError(f"{function}: {name} is empty; say in a sentence what it shows")


def new_figure(rows: int = 1, columns: int = 1, *, width: float = WIDTH, height: float = 3.6, **subplots):
    """A figure with its axes: `(figure, axes)`, sizes in inches. For `course_figure` functions."""
    figure = plt.figure(FigureClass=CourseFigure, figsize=(width, height))
    axes = figure.subplots(rows, columns, **subplots)
    for ax in figure.axes:
        ax.locator_params(nbins=STEPS)
    return figure, axes


def new_canvas(width: float, height: float, *, title: str = ""):
    """A figure to draw on freely: `(figure, ax)`, where one unit of `ax` is an inch, y points down, and the title
    (0.4 inches) comes on top. For `course_figure` functions."""
    top = 0.4 if title else 0.0
    figure = plt.figure(FigureClass=CourseFigure, figsize=(width, height + top), layout="none")
    ax = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, -top))
    ax.set_axis_off()
    ax.text(0.08, -0.14, title, fontsize=12, fontweight="bold", va="center")
    return figure, ax


def axes_at(canvas, x: float, y: float, width: float, height: float):
    """New axes on a canvas of `new_canvas`: their upper left corner and their size in its inches."""
    (left, low), (right, high) = canvas.transData.transform([(x, y + height), (x + width, y)])
    box = canvas.transAxes.inverted().transform([(left, low), (right, high)])
    return canvas.figure.add_axes((*box[0], *(box[1] - box[0])))


def numbers(values, name: str, *, dims: int | tuple[int, ...] | None = None, gaps: bool = False) -> np.ndarray:
    """`values` as an array of floats that can be drawn. With `gaps`, NaN may stand for "not measured".

    Raises ValueError, with the shape and a way out, for no values at all, a wrong number of axes, infinities and NaN.
    """
    if hasattr(values, "detach"):
        values = values.detach().cpu().double()
    array = np.asarray(values, dtype=float)
    allowed = (dims,) if isinstance(dims, int) else dims
    if allowed and array.ndim not in allowed:
        raise ValueError(f"{name} has shape {array.shape}; give an array with {' or '.join(map(str, allowed))} axes")
    if array.size == 0:
        raise ValueError(f"{name} is empty, shape {array.shape}; there is nothing to draw")
    bad = ~np.isfinite(array)
    if gaps:
        if bad.all():
            raise ValueError(f"none of the {array.size} values of {name} is finite; there is nothing to draw")
        bad = np.isinf(array)
    if bad.any():
        first = np.argwhere(bad)[0].tolist()
        raise ValueError(f"{name} has {bad.sum()} of {array.size} values that are NaN or infinite, the first at "
                         f"{first}; find out why, or leave them out")
    return array
