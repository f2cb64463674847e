"""What a widget shows at one moment, as pixels or as HTML, and the same in words. Used by all lessons with widgets."""

import base64
import html
import io
from dataclasses import dataclass

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from course_lib.lab.plots.figure import CourseFigure


@dataclass(frozen=True)
class Picture:
    """One moment of a widget: either `png` or `markup`, and in words what is to be seen.

    words: its numbers in one line, read aloud when they change, compared when a notebook is tested.
    alt: what stands in the place of the pixels. caption: what to look at, one or two sentences.
    """

    words: str
    png: bytes = b""
    markup: str = ""
    alt: str = ""
    caption: str = ""

    def bundle(self) -> dict[str, str]:
        """As a notebook stores it: the picture and the words, no script, no kernel."""
        words = {"text/plain": self.words}
        if self.png:
            return {"image/png": base64.b64encode(self.png).decode()} | words
        return {"text/html": self.markup} | words

    def as_html(self, *, over: str = "") -> str:
        """As the browser shows it, with alternative text and caption; `over` is markup that lies over the pixels."""
        if not self.png:
            return self.markup
        alt, caption = html.escape(f"{self.alt} {self.words}".strip()), html.escape(self.caption)
        data = base64.b64encode(self.png).decode()
        below = f"<figcaption>{caption}</figcaption>" if caption else ""
        image = f'<img alt="{alt}" src="data:image/png;base64,{data}">'
        return f'<figure><div class="pixels">{image}{over}</div>{below}</figure>'


def picture_of(shown: object, *, words: str = "") -> Picture:
    """The picture of whatever a drawing function returned; `words` replaces what it says about itself.

    A figure is rendered and closed; its words are its `summary`, else its title. An object with `_repr_html_` is
    taken as it is. None means the current figure of pyplot. Anything else is printed.
    """
    if isinstance(shown, Picture):
        return shown
    if shown is None and plt.get_fignums():
        shown = plt.gcf()
    shown = getattr(shown, "figure", shown) if not isinstance(shown, Figure) else shown  # axes know their figure
    if isinstance(shown, Figure):
        alt, caption = (getattr(shown, name, "") for name in ("alt", "caption"))
        return Picture(words or _summary(shown), png=png_of(shown), alt=alt, caption=caption)
    if hasattr(shown, "_repr_html_"):
        return Picture(words or repr(shown), markup=shown._repr_html_())
    text = "" if shown is None else str(shown)
    return Picture(words or text.partition("\n")[0], markup=f"<pre>{html.escape(text)}</pre>")


def picture_of_error(error: BaseException) -> Picture:
    """A picture that says what went wrong: nobody sees the traceback of a callback."""
    words = f"{type(error).__name__}: {error}"
    return Picture(words, markup=f'<pre role="alert">{html.escape(words)}</pre>')


def png_of(figure: Figure) -> bytes:
    """The figure as PNG; it is closed, so that pyplot neither keeps it nor shows it a second time."""
    if isinstance(figure, CourseFigure):
        return figure.png()
    buffer = io.BytesIO()
    try:
        figure.savefig(buffer, format="png")
    finally:
        plt.close(figure)
    return buffer.getvalue()


def _summary(figure: Figure) -> str:
    titles = [ax.get_title(loc) for ax in figure.axes for loc in ("left", "center")]
    return getattr(figure, "summary", "") or next(filter(None, titles), "a figure")
