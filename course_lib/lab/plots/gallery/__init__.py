"""Every figure of the course once, small enough to copy: the gallery page is made of these. Used by all lessons."""

import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from course_lib.lab.plots.figure import CourseFigure
from course_lib.lab.plots.gallery import computations, text, training
from course_lib.lab.plots.html import TokenHTML
from course_lib.lab.plots.theme import use_theme


@dataclass(frozen=True)
class Example:
    """One figure of the gallery.

    name: what it is an example of, mostly the function's name in `course_lib.lab.plots`.
    source: the code that drew it, complete but for imports of `numpy as np` and `plots`.
    drawn: what came out; `drawn.png()` or `drawn.html`, with `caption`, `alt` and `summary`.
    """

    name: str
    source: str
    drawn: CourseFigure | TokenHTML


def gallery(theme: str = "light") -> Iterator[Example]:
    """Every example in turn, drawn as it is asked for; ask for its `png()`, which closes it, before the next."""
    for module in (text, computations, training):
        for draw in module.EXAMPLES:
            with use_theme(theme):
                drawn = draw()
            yield Example(draw.__name__.removeprefix("_"), _body(draw), drawn)


def _body(draw):
    """The lines of a function without its `def`, as one would write them in a cell."""
    lines = textwrap.dedent("".join(inspect.getsourcelines(draw)[0][1:]))
    return lines.replace("return ", "figure = ", 1).rstrip()
