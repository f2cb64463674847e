"""Build the course as a site: every lesson with its outputs, exercises, glossary, gallery, reference, search.

    python tools/build_site.py [--out build/site] [--fresh]

Gathers committed files and a few generated pages in build/site-source and lets Sphinx make pages of them; nothing is
executed and nothing is fetched. The result needs no server: open build/site/index.html. A second build
reads only what has changed; `--fresh` forgets the first.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tools import mathjax, site_pages  # noqa: E402

COPIED = ("README.md", "docs/*.md", "notebooks/[0-9]*.ipynb", "exercises/*/[0-9]*.ipynb")
LISTS = "<!-- the lists of pages -->"


def contents(root: Path) -> Iterator[tuple[str, bytes]]:
    """(path, bytes) of everything that Sphinx will read. Paths are the repository's, so links in lessons hold."""
    for pattern in COPIED:
        for path in sorted(root.glob(pattern)):
            data = path.read_bytes()
            if path.name == "index.md":
                data = data.replace(LISTS.encode(), site_pages.lists_of_pages(root).encode())
            yield path.relative_to(root).as_posix().removeprefix("docs/"), data
    for path, content in (*site_pages.reference(root), *site_pages.gallery(root)):
        yield path, content if isinstance(content, bytes) else content.encode()


def gather(root: Path, folder: Path) -> bool:
    """Make `folder` hold `contents` and nothing else; whether the panel that every page has on its left is another.

    A file that is the same keeps its date, and is not read again.
    """
    wanted = dict(contents(root))
    before = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    other_panel = any(name.endswith((".md", ".ipynb")) for name in before ^ set(wanted))
    for name in before - set(wanted):
        (folder / name).unlink()
    for name, data in wanted.items():
        path = folder / name
        if name not in before or path.read_bytes() != data:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            other_panel |= name == "index.md"
    return other_panel


def build(root: Path, out: Path, *, quiet: bool = True) -> int:
    """Gather and build; returns Sphinx's exit status, 0 if there was not one warning."""
    from sphinx.cmd.build import build_main

    source, trees = out.with_name(f"{out.name}-source"), out.with_name(f"{out.name}-trees")
    if gather(root, source):
        shutil.rmtree(out, ignore_errors=True)  # else pages that are themselves the same would keep the old panel
    options = ["-W", "--keep-going", "-b", "html", "-c", root / "docs", "-d", trees, *(["-q"] if quiet else [])]
    return build_main([*map(str, options), str(source), str(out)])


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "site", help="where the pages go")
    parser.add_argument("--fresh", action="store_true", help="forget what an earlier build has read")
    chosen = parser.parse_args(arguments)
    if not mathjax.FILE.exists():
        print("course: MathJax is missing, which draws the formulas: run `make site`", file=sys.stderr)
        return 1
    out = Path(os.path.abspath(chosen.out))
    if chosen.fresh:
        for folder in (out, out.with_name(f"{out.name}-source"), out.with_name(f"{out.name}-trees")):
            shutil.rmtree(folder, ignore_errors=True)
    if status := build(ROOT, out):
        return status
    print(f"The site is built: open {os.path.relpath(out / 'index.html')} in a browser.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
