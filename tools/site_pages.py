"""Pages of the site that nobody writes: lists of pages, the reference, the gallery. Each is MyST Markdown.

The sources are the map of the course, the reading order, docstrings, and the figures that lessons have stored.
"""

import ast
import base64
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat

ABOUT = """Everything that a lesson derives is in `course_lib`, a package to be read from top to bottom: a module uses
only what stands above it. Docstrings give the formula, shapes, units and the source; *[source]* shows the code."""
CAPTION = re.compile(r"\A\s*\*(?!\*)(.+?)(?<!\*)\*(?:\s*$|\s*\n\n)", re.DOTALL)


def reading_order(root: Path) -> list[str]:
    """The course's one list of modules, as tests/test_reading_order.py holds it."""
    tree = ast.parse((root / "tests" / "test_reading_order.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "READING_ORDER":
            return node.value.func.value.value.split()  # """…""".split()
    raise ValueError("tests/test_reading_order.py holds no READING_ORDER")


def toctree(entries: list[str], *, caption: str = "") -> str:
    """A list of pages for the panel on the left, invisible on the page itself."""
    head = ["```{toctree}", ":hidden:", *([f":caption: {caption}"] if caption else [])]
    return "\n".join([*head, "", *entries, "```", ""])


def lists_of_pages(root: Path) -> str:
    """What the panel on the left holds: the lessons by part, their exercises, and the rest."""
    from course_lib.lab.course_map import PARTS

    titles = {part: {one.stem: f"{one.number} {one.title}" for one in lessons} for part, lessons in PARTS.items()}
    lists = []
    for part, names in titles.items():
        here = [stem for stem in names if (root / "notebooks" / f"{stem}.ipynb").exists()]
        lists += [toctree([f"{names[stem]} <notebooks/{stem}>" for stem in here], caption=part)] if here else []
    every = {stem: title for names in titles.values() for stem, title in names.items()}
    exercises = sorted(path.stem for path in root.glob("exercises/*/[0-9]*.ipynb"))
    pages = [f"{every.get(stem, stem)} <exercises/{stem}/{stem}>" for stem in exercises]
    lists += [toctree(pages, caption="Exercises")] if pages else []
    rest = ["Run a lesson <run>", "Glossary 术语 <glossary>", "Gallery <gallery>", "Reference <reference/index>"]
    rest += sorted({path.stem for path in root.glob("docs/*.md")} - {"index", "run", "glossary"})  # by their headings
    return "\n".join([*lists, toctree(rest, caption="Beside the lessons")])


def docstring(path: Path) -> str:
    """A module's docstring, without importing it."""
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


def file_of(root: Path, module: str) -> Path:
    """model.gpt → course_lib/model/gpt.py; a package → its __init__.py."""
    path = root.joinpath("course_lib", *module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def reference(root: Path) -> Iterator[tuple[str, str]]:
    """(path, text) of one page for each package and of the first one, in reading order."""
    packages: dict[str, list[str]] = {}
    for module in reading_order(root)[:-1]:  # but for __main__, which only calls the command line
        packages.setdefault(module.partition(".")[0], []).append(module)
    for package, modules in packages.items():
        about = "" if package in modules else docstring(file_of(root, package))
        yield f"reference/{package}.md", "\n\n".join([f"# {package}", about, *map(_section, modules)])
    yield "reference/index.md", _first_page(root, packages)


def _section(module):
    """One module: its docstring and, in the order of the file, what it defines; of the command line its docstring."""
    options = "   :no-members:\n" if module.startswith("cli") else ""
    return f"## {module}\n\n```{{eval-rst}}\n.. automodule:: course_lib.{module}\n{options}```"


def _first_page(root, packages):
    parts = ["# Reference", ABOUT]
    for package, modules in packages.items():
        if (about := docstring(file_of(root, package)).partition("\n\n")[0]) and package not in modules:
            parts.append(f"## [{package}]({package}.md)\n\n{about}")
        else:
            parts.append(f"## [{package}]({package}.md)")
        rows = [f"| {{py:mod}}`{module} <course_lib.{module}>` | {_first_line(root, module)} |" for module in modules]
        parts.append("\n".join(["| module | what it adds |", "|---|---|", *rows]))
    return "\n\n".join([*parts, toctree([f"{package} <{package}>" for package in packages])])


def _first_line(root, module):
    return docstring(file_of(root, module)).splitlines()[0].replace("|", "\\|")


def lesson_figures(root: Path) -> Iterator[tuple[str, str, str, bytes]]:
    """(lesson, alternative text, caption, PNG) of every figure that lessons have stored."""
    for path in sorted(root.glob("notebooks/[0-9]*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        for cell, after in zip(cells, [*cells[1:], nbformat.v4.new_markdown_cell()], strict=True):
            data = [output.get("data", {}) for output in cell.get("outputs", [])]
            captions = [one["text/markdown"] for one in data if "text/markdown" in one]
            below = CAPTION.match(after.source) if after.cell_type == "markdown" else None
            captions += [f"*{below[1]}*"] if below else []
            for one in data:
                if "image/png" in one:
                    words = cell.metadata.get("mystnb", {}).get("image", {}).get("alt") or one["text/plain"]
                    yield path.stem, words, captions.pop(0) if captions else "", base64.b64decode(one["image/png"])


def figure(path: str, alternative: str, caption: str, kind: str = "") -> str:
    """One figure of a page; a line break would end its alternative text. `kind`: only-light, only-dark."""
    options = [f":alt: {_one_line(alternative)}", *([f":figclass: {kind}"] if kind else [])]
    return "\n".join([f"::::{{figure}} {path}", *options, "", _one_line(caption), "::::", ""])


def _one_line(text):
    return " ".join(text.split())


def gallery(root: Path) -> Iterator[tuple[str, str | bytes]]:
    """(path, content) of the gallery's page and its pictures: every kind of figure, light and dark, with its code."""
    page = ["# Gallery", "", "Every kind of figure, with the code that draws it, then every figure of the lessons. The "
            "functions are in `course_lib.lab.plots` and take plain arrays: use them on your own numbers.", ""]
    for light, dark in zip(_drawn("light"), _drawn("dark"), strict=True):
        name, source, words, caption, picture = light
        page += [f"## {name.replace('_', ' ')}", ""]
        if isinstance(picture, str):
            page += ["```{raw} html", picture, "```", ""]
        else:
            for theme, png in (("light", picture), ("dark", dark[-1])):
                page.append(figure(f"pictures/{name}-{theme}.png", words, caption, f"only-{theme}"))
                yield f"pictures/{name}-{theme}.png", png
        page += ["```python", source, "```", ""]
    page += ["## In the lessons", ""]
    for line, pictures in _of_lessons(root):
        page.append(line)
        yield from pictures
    yield "gallery.md", "\n".join(page)


def _drawn(theme):
    """(name, source, alternative text, caption, PNG or HTML) of every example; a picture is closed before the next."""
    from course_lib.lab.plots.gallery import gallery as examples

    for one in examples(theme):
        html = getattr(one.drawn, "html", None)
        yield one.name, one.source, one.drawn.alt, one.drawn.caption, html or one.drawn.png()


def _of_lessons(root):
    """(line, [(path, PNG)]) of headings and figures."""
    from course_lib.lab.course_map import LESSONS

    titles, before = {lesson.stem: f"{lesson.number} {lesson.title}" for lesson in LESSONS}, ""
    for stem, words, caption, png in lesson_figures(root):
        if stem != before:
            yield f"### [{titles.get(stem, stem)}](notebooks/{stem}.ipynb)\n", []
            before = stem
        name = f"pictures/{stem}-{hashlib.sha1(png).hexdigest()[:8]}.png"
        yield figure(name, words, caption or words), [(name, png)]
