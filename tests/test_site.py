"""The course as a site, without a browser: every link, picture and script is there, and nothing is fetched."""

import ast
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tools import mathjax, site_pages
from tools.build_site import gather

LOADS = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src", "object": "data"}
NOT_LOADED = {"canonical", "author", "license", "prev", "next", "index", "search", "genindex"}  # rel of links
OUTSIDE = re.compile(r"(?i)url\(\s*['\"]?(?:https?:)?//|@import\s+['\"](?:https?:)?//")


class Page(HTMLParser):
    """What a page holds that a test asks for: ids, links, what it loads, pictures, equations."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.loads, self.images, self.math, self.path = set(), [], [], [], 0, path
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        self.ids |= {a[name] for name in ("id", "name") if a.get(name)}
        if tag == "a" and a.get("href"):
            self.links.append(a["href"])
        if tag in LOADS and a.get(LOADS[tag]) and not (tag == "link" and set(a.get("rel", "").split()) & NOT_LOADED):
            self.loads.append(a[LOADS[tag]])
        if tag == "img":
            self.images.append(a)
        self.math += "math" in (a.get("class") or "").split()


@pytest.fixture(scope="session")
def pages(site):
    """Path from the site's root → page."""
    found = {path.relative_to(site).as_posix(): path for path in sorted(site.rglob("*.html"))}
    return {name: Page(path) for name, path in found.items() if not name.startswith("_static/")}  # a theme's templates


def local(page, address):
    """The file that an address on a page means, and the anchor in it."""
    parts = urlsplit(address)
    path = (page.path.parent / unquote(parts.path)).resolve() if parts.path else page.path
    return path, unquote(parts.fragment)


def test_every_lesson_and_exercise_has_its_page_with_outputs(repository, pages, site):
    for path in (*repository.glob("notebooks/[0-9]*.ipynb"), *repository.glob("exercises/*/[0-9]*.ipynb")):
        name = path.relative_to(repository).with_suffix(".html").as_posix()
        assert name in pages, f"{path} has no page"
    for path in repository.glob("notebooks/[0-9]*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        pictures = sum("image/png" in o.get("data", {}) for c in cells for o in c.get("outputs", []))
        shown = pages[f"notebooks/{path.stem}.html"].images
        assert sum("_images/" in image["src"] for image in shown) == pictures
        assert f'href="notebooks/{path.stem}.html"' in (site / "index.html").read_text(encoding="utf-8")


def test_the_map_of_the_readme_is_the_home_page(repository, site):
    readme = (repository / "README.md").read_text(encoding="utf-8")
    home = (site / "index.html").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[(\d\d \w+)\]", readme, re.MULTILINE)
    assert rows and all(f">{row}</a>" in home or f"{row}</span></a>" in home for row in rows)


def test_links_lead_somewhere(pages, site):
    wrong = []
    by_file = {page.path.resolve(): page for page in pages.values()}
    for name, page in pages.items():
        for address in page.links:
            if urlsplit(address).scheme or address.startswith("//"):
                continue  # another site: not checked here, and never loaded
            path, anchor = local(page, address)
            if not path.is_file():
                wrong.append(f"{name} links to {address}: no such file")
            elif anchor and anchor not in by_file[path].ids:
                wrong.append(f"{name} links to {address}: no such place")
            elif path.suffix == ".ipynb" and "_downloads" not in path.parts and "_sources" not in path.parts:
                wrong.append(f"{name} links to a notebook, {address}, where a page was meant")
    assert wrong == []


def test_pages_load_files_of_the_site_only(pages, site):
    wrong = []
    for name, page in pages.items():
        for address in page.loads:
            if address.startswith("data:"):
                continue
            if urlsplit(address).scheme or address.startswith("//") or not local(page, address)[0].is_file():
                wrong.append(f"{name} loads {address}")
        wrong += [f"{name}: {found}" for found in OUTSIDE.findall(page.path.read_text(encoding="utf-8"))]
    for path in site.rglob("*.css"):
        wrong += [f"{path.name}: {found}" for found in OUTSIDE.findall(path.read_text(encoding="utf-8"))]
    assert wrong == []


def test_every_picture_can_be_read_aloud(pages):
    """Alternative text says what a figure shows; only the logo, beside its own words, may be silent."""
    wrong = [
        f"{name}: {image.get('src')}"
        for name, page in pages.items()
        for image in page.images
        if "logo" not in image["src"] and len(image.get("alt") or "") < 20
    ]
    assert wrong == []


def test_pages_with_formulas_draw_them_from_this_folder(pages, site):
    with_math = [page for page in pages.values() if page.math]
    assert len(with_math) > 5
    assert [page.path.name for page in with_math if not any(mathjax.FILE.name in a for a in page.loads)] == []


def test_names_lead_to_the_reference(site):
    """In the map, a module's file; in a docstring, a function's name; numbers of lessons, everywhere."""
    home = (site / "index.html").read_text(encoding="utf-8")
    assert re.search(r'class="implied[^>]*href="reference/model\.html#module-course_lib\.model\.gpt"', home)
    model = (site / "reference" / "model.html").read_text(encoding="utf-8")
    assert 'href="#course_lib.model.attention.split_heads"' in model
    assert re.search(r'class="implied[^>]*href="\.\./notebooks/12_gpt\.html">lesson 12 \(gpt\)', model)


def test_the_reference_holds_every_module_in_reading_order(repository, pages):
    order = site_pages.reading_order(repository)
    for package in dict.fromkeys(module.partition(".")[0] for module in order[:-1]):
        text = pages[f"reference/{package}.html"].path.read_text(encoding="utf-8")
        found = re.findall(r'id="module-course_lib\.([\w.]+)"', text)
        assert found == [module for module in order[:-1] if module.partition(".")[0] == package]


def table(markdown, heading):
    """The rows of the table under a heading, cells stripped."""
    below = markdown.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in below.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


@pytest.fixture(scope="module")
def glossary(repository):
    return (repository / "docs" / "glossary.md").read_text(encoding="utf-8")


def names(cell):
    return re.findall(r"`([^`]+)`", cell)


def test_the_glossary_and_the_banned_names_agree(repository, glossary):
    elsewhere = {}
    for row in table(glossary, "Letters and names"):
        for ours in names(row[3]):
            elsewhere.setdefault(ours, set()).update(names(row[4]))
    for line in (repository / "tools" / "synonyms.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            banned, ours = line.split()
            assert banned in elsewhere.get(ours, ()), f"the glossary does not say that others call {ours} {banned}"
    assert not {name for names in elsewhere.values() for name in names} & set(elsewhere) - {"x"}


def test_the_glossarys_names_are_those_of_the_code(repository, glossary):
    used = set()
    for path in (repository / "course_lib").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            used |= {getattr(node, kind, None) for kind in ("id", "arg", "attr")}
    ours = [name for row in table(glossary, "Letters and names") for name in names(row[3])]
    assert len(ours) == len(set(ours)) > 25 and set(ours) - used == set()


def test_every_term_has_its_chinese_and_its_lesson(glossary):
    from course_lib.lab.course_map import LESSONS

    numbers = {lesson.number for lesson in LESSONS}
    quantities, words = table(glossary, "Letters and names"), table(glossary, "Words")
    for row in (*quantities, *words):
        assert re.search(r"[\u4e00-\u9fff]", row[1]), row
        assert row[-2].endswith(".") and set(re.findall(r"\d\d", row[-1])) <= numbers and "lesson" in row[-1], row
    terms = [row[0].lower() for row in words]
    assert terms == sorted(terms), "words stand in alphabetical order"


def test_a_second_build_reads_only_what_changed(tmp_path, repository, monkeypatch):
    def gather_these(**texts):
        pages = [(f"{name}.md", text.encode()) for name, text in texts.items()]
        monkeypatch.setattr("tools.build_site.contents", lambda root: pages)
        return gather(repository, tmp_path)

    assert gather_these(index="list", a="one") and not gather_these(index="list", a="one")
    before = (tmp_path / "a.md").stat().st_mtime_ns
    assert not gather_these(index="list", a="one")
    assert (tmp_path / "a.md").stat().st_mtime_ns == before
    assert not gather_these(index="list", a="two") and (tmp_path / "a.md").read_text() == "two"
    assert gather_these(index="list", b="two") and not (tmp_path / "a.md").exists(), "every page lists all pages"
    assert gather_these(index="another list", b="two")


def test_widgets_say_that_they_are_still_and_how_to_move_them(monkeypatch, repository):
    monkeypatch.syspath_prepend(str(repository / "docs" / "_ext"))
    import lesson_pages

    assert "explore" in lesson_pages.exported(lesson_pages.WIDGETS)
    png = {"output_type": "display_data", "data": {"image/png": "", "text/plain": "a wave"}, "metadata": {}}
    link = {"output_type": "display_data", "data": {"text/html": '<a href="12_gpt.ipynb">'}, "metadata": {}}
    cell = {"cell_type": "code", "metadata": {}, "source": "widgets.explore(f, k=(1, 9))", "outputs": [png, link]}
    plain = cell | {"source": "plt.show()"}
    page = lesson_pages.as_page({"cells": [cell, plain]}, "notebooks/12_gpt", frozenset({"explore"}))
    sources = [one["source"] for one in page["cells"]]
    assert sum("still picture" in text and "(/run.md)" in text for text in sources) == 1
    assert "still picture" in sources[sources.index(cell["source"]) + 1] or "still picture" in sources[2]
    assert link["data"]["text/html"] == '<a href="12_gpt.html">' and png["metadata"]["image/png"]["alt"] == "a wave"


def test_only_the_archive_we_know_is_unpacked(tmp_path):
    archive = tmp_path / "mathjax.tgz"
    archive.write_bytes(b"something else")
    with pytest.raises(mathjax.NoMathJax, match="is not mathjax@3.2.2"):
        mathjax.unpack(archive, tmp_path / "out" / "file.js")
    assert not (tmp_path / "out").exists()


def test_without_npm_the_rest_of_the_course_works(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(mathjax, "FILE", tmp_path / "nothing.js")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert mathjax.main(["--if-possible"]) == 0 and "npm is needed" in capsys.readouterr().err
    assert mathjax.main([]) == 1


def test_nothing_of_mathjax_is_committed(repository):
    assert not Path(mathjax.FILE).is_relative_to(repository) or "build" in mathjax.FILE.relative_to(repository).parts
    assert "build/" in (repository / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert not list(repository.glob("package*.json"))
