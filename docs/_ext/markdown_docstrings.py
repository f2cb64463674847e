"""Docstrings are Markdown with formulas, as lessons are: let autodoc read them with the lessons' own parser.

autodoc writes reStructuredText. Here each docstring becomes the content of one directive, `markdown`, which hands it
to MyST. So `code`, $x$ and $$…$$ mean the same in a docstring and in a lesson.
"""

import re

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.utils import new_document
from myst_parser.parsers.sphinx_ import MystParser

FIELD = re.compile(r"^(\s*)(\*{0,2}\w+): (.+)")
DOCTEST = re.compile(r"^(\s*)>>> ")


class Markdown(Directive):
    """Content in MyST Markdown inside a page of reStructuredText."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        document = new_document(self.state.document["source"], self.state.document.settings)
        MystParser().parse("\n".join(self.content), document)
        for parsed in document.findall(nodes.Element):
            parsed.document = self.state.document
        return document.children


def as_markdown(lines: list[str]) -> list[str]:
    """A docstring's lines with its `Args:` as a list and its doctests fenced; all else is Markdown already."""
    return _fenced(_listed(lines))


def _listed(lines):
    """`Args:` and the like, each argument indented below, become a list with the names as code."""
    out, inside = [], False
    for line in lines:
        if line.strip() in ("Args:", "Raises:", "Returns:"):
            inside = True
            out += [f"**{ {'Args': 'Arguments'}.get(line.strip()[:-1], line.strip()[:-1]) }**", ""]
        elif inside and line and not line.startswith(" "):
            inside = False
            out += ["", line]
        elif inside and (field := FIELD.match(line)) and len(field[1]) <= 4:
            out.append(f"- `{field[2]}`: {field[3]}")
        elif inside and line.strip():
            out.append(f"  {line.strip()}")
        else:
            out.append(line)
    return out


def _fenced(lines):
    """Doctests (`>>>` to the next empty line) become code; Markdown would take them for quotations."""
    out, open_fence = [], False
    for line in [*lines, ""]:
        if not open_fence and DOCTEST.match(line):
            indent = DOCTEST.match(line)[1]
            out += ["", f"{indent}```pycon"]
            open_fence = True
        elif open_fence and not line.strip():
            out.append(f"{indent}```")
            open_fence = False
        out.append(line.replace("  # doctest: +SKIP", "").rstrip() if open_fence else line)
    return out


def wrap(app, what, name, obj, options, lines: list[str]) -> None:
    """Turn a docstring, in place, into one `markdown` directive that holds it."""
    if any(line.strip() for line in lines):
        lines[:] = [".. markdown::", "", *(f"   {line}" for line in as_markdown(lines)), ""]


def setup(app) -> dict:
    """Called by Sphinx."""
    app.add_directive("markdown", Markdown)
    app.connect("autodoc-process-docstring", wrap)
    return {"parallel_read_safe": True}
