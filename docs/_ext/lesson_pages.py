"""A lesson as a page: how to run it, still pictures that say so, links that lead to pages instead of notebooks.

Only what is shown changes. The file that a page offers for download is the notebook as it is committed.
"""

import ast
import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WIDGETS = ROOT / "course_lib" / "lab" / "widgets" / "__init__.py"
TO_NOTEBOOK = re.compile(r"""(href=["'](?!https?:)[\w./-]+)\.ipynb\b""")

HOW = """:::{{container}} run-this
**Run it:** `python course.py lab` in the course's folder, then open `{path}`. [What you need](/run.md) ·
{{download}}`This notebook <{name}>`
:::"""
STILL = """:::{{container}} still
A still picture of something that moves. [Run the {kind}](/run.md) to move it yourself.
:::"""


def exported(init: Path) -> frozenset[str]:
    """The names in a package's `__all__`; none where it is missing."""
    tree = ast.parse(init.read_text(encoding="utf-8")) if init.exists() else ast.parse("")
    lists = [n.value for n in tree.body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "__all__"]
    return frozenset(name for value in lists for name in ast.literal_eval(value))


def shows_widget(source: str, widgets: frozenset[str]) -> bool:
    """Whether a cell's code calls one of the course's widgets: Name(…) or module.Name(…)."""
    try:
        calls = [n.func for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Call)]
    except SyntaxError:
        return False
    return any(getattr(f, "id", getattr(f, "attr", None)) in widgets for f in calls)


def as_page(nb: dict, docname: str, widgets: frozenset[str]) -> dict:
    """The notebook as its page shows it. `docname` is its path without .ipynb."""
    kind = "exercises" if docname.startswith("exercises/") else "lesson"
    path = f"{docname}.ipynb"
    cells = []
    for cell in nb["cells"]:
        cells.append(cell)
        for output in cell.get("outputs", []):
            _for_a_page(output, cell["metadata"])
        if cell["cell_type"] == "code" and cell["outputs"] and shows_widget("".join(cell["source"]), widgets):
            cells.append(_markdown(f"still-{len(cells)}", STILL.format(kind=kind)))
    cells.insert(1, _markdown("how-to-run", HOW.format(path=path, name=path.rpartition("/")[2])))
    return nb | {"cells": cells}


def _for_a_page(output, cell_metadata):
    """Links of HTML lead to pages; a picture's alternative text is where the page's builder looks for it."""
    data = output.get("data", {})
    if "text/html" in data:
        data["text/html"] = TO_NOTEBOOK.sub(r"\1.html", "".join(data["text/html"]))
    if "image/png" in data:
        in_words = "".join(data.get("text/plain", ""))
        words = cell_metadata.get("mystnb", {}).get("image", {}).get("alt") or in_words
        output["metadata"].setdefault("image/png", {}).setdefault("alt", words)


def _markdown(name, text):
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": text}


def read(app, docname: str, source: list[str]) -> None:
    """Change, in place, what is about to be parsed."""
    if source[0].startswith("{") and app.env.doc2path(docname).suffix == ".ipynb":
        source[0] = json.dumps(as_page(json.loads(source[0]), docname, exported(WIDGETS)))


def setup(app) -> dict:
    """Called by Sphinx."""
    app.connect("source-read", read)
    return {"parallel_read_safe": True}
