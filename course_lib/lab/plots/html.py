"""A token strip for the browser: hover or walk with Tab, and each token says its number. Lessons 00, 01, 12, 13."""

from collections.abc import Sequence
from html import escape

import numpy as np
from matplotlib.colors import Normalize, to_hex

from course_lib.generation.ranking import largest
from course_lib.lab.plots.figure import numbers, require_words
from course_lib.lab.plots.fonts import printable, visible
from course_lib.lab.plots.rounding import fixed, steady
from course_lib.lab.plots.theme import text_on, theme
from course_lib.lab.plots.tokens import span

CSS = """
.course-strip {margin: 0.5em 0; color: inherit}
.course-strip p {line-height: 2.1; margin: 0; font-family: "DejaVu Sans Mono", "Noto Sans Mono CJK SC", monospace}
.course-strip figcaption {font-style: italic; margin-top: 0.4em}
.course-strip b {font-weight: normal; position: relative; padding: 0.15em 0.2em; margin: 0 1px; border-radius: 0.25em;
 white-space: pre; display: inline-block; line-height: 1.35}
.course-strip b:hover, .course-strip b:focus {outline: 2px solid currentColor; outline-offset: 1px; z-index: 2}
.course-strip b:hover::after, .course-strip b:focus::after {content: attr(data-tip); position: absolute; left: 0;
 top: 118%; background: #1d2128; color: #fff; padding: 0.2em 0.55em; border-radius: 0.3em;
 font-size: 0.85em; z-index: 3}
""".replace("\n", " ").strip()


class TokenHTML:
    """What `token_html` returns: a notebook shows it, with no script and nothing to load; `summary` is to print."""

    def __init__(self, html: str, *, caption: str, alt: str, summary: str):
        self.html, self.caption, self.alt, self.summary = html, caption, alt, summary

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return self.summary


def token_html(tokens: Sequence[str], values: Sequence[float], *, unit: str, caption: str, alt: str, title: str = "",
               decimals: int = 2, notes: Sequence[str] | None = None) -> TokenHTML:
    """`token_strip` as HTML: any character, emoji too, as the browser shows it; details under the mouse or by Tab.

    Args:
        tokens: pieces of text in order.
        values: one number for each, in `unit`; it colours the token and stands in its note.
        notes: more to say of each token ("rank 3 of 1536").

    Raises ValueError as `token_strip` does, and for an empty caption or alternative text.
    """
    values = numbers(values, "values", dims=1)
    notes = [""] * len(tokens) if notes is None else list(notes)
    if not len(tokens) == len(values) == len(notes):
        raise ValueError(f"{len(tokens)} tokens, {len(values)} values, {len(notes)} notes; give one for each token")
    require_words("token_html", caption=caption, alt=alt)
    norm, colors, pieces = Normalize(*span(values)), theme().more(), []
    for token, value, note in zip(tokens, values, notes, strict=True):
        color = to_hex(colors(steady(norm(value), 2)))
        tip = escape(" · ".join(filter(None, [f"{visible(token)}  {fixed(value, decimals)} {unit}", note])), quote=True)
        look = f"background:{color};color:{text_on(color)}"
        said = f'data-tip="{tip}" aria-label="{tip}"'
        pieces.append(f'<b tabindex="0" style="{look}" {said}>{escape(visible(token))}</b>')
        if token.endswith("\n"):
            pieces.append("<br>")
    most = printable(tokens[largest(values)])
    summary = f"{len(tokens)} tokens, mean {fixed(np.mean(values), 1)} {unit}, most at {most!r}"
    head = f"<strong>{escape(title)}</strong>" if title else ""
    html = (f'<figure class="course-strip" role="group" aria-label="{escape(alt, quote=True)}">'
            f'<style>{CSS}</style>{head}<p>{"".join(pieces)}</p><figcaption>{escape(caption)}</figcaption></figure>')
    return TokenHTML(html, caption=caption, alt=alt, summary=summary)
