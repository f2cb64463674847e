"""Every lesson as a student meets it: found in the file browser, opened as stored, its widgets run and moved, offline.

That every cell runs is seen once, under strict nbval. Two lessons run here from top to bottom as well; of the others
only what the widgets need, for what a browser alone can see is on the page: pictures, widgets, the console.
"""

import shutil

import nbformat
import pytest

from tools.needed_cells import needed_cells, widget_cells

WHOLE = ("00_start_here", "07_attention")
PANEL = ".jp-NotebookPanel:not(.lm-mod-hidden)"


def pytest_generate_tests(metafunc):
    if "lesson" in metafunc.fixturenames:
        folder = metafunc.config.rootpath / "notebooks"
        metafunc.parametrize("lesson", sorted(path.stem for path in folder.glob("[0-9]*.ipynb")))


@pytest.fixture
def opened(tab, lab, repository, lesson):
    """The lesson, opened by double clicks in a copy of its folder."""
    (lab.folder / "notebooks").mkdir(exist_ok=True)
    shutil.copy(repository / "notebooks" / f"{lesson}.ipynb", lab.folder / "notebooks")
    tab.open_from_file_browser("notebooks", f"{lesson}.ipynb")
    return tab


def places(repository, lesson):
    """Of the lesson's cells: the set-up and all that its widgets need; how many cells show a widget."""
    cells = nbformat.read(repository / "notebooks" / f"{lesson}.ipynb", as_version=4).cells
    code = [place for place, cell in enumerate(cells) if cell.cell_type == "code"]
    sources = [cells[place].source for place in code]
    shown = widget_cells(sources)
    setup = [place for place, at in enumerate(code) if "setup" in cells[at].metadata.get("tags", [])]
    return [code[place] for place in sorted({*setup, *needed_cells(sources, shown)})], len(shown)


def test_lesson(opened, repository, lesson):
    panel = opened.page.locator(PANEL)
    stored = panel.locator(".jp-RenderedImage img").count()
    assert stored > 0 and broken(panel) == [], "stored pictures"
    needed, n_widgets = places(repository, lesson)
    if lesson in WHOLE:
        opened.clear_outputs()
        opened.run_all(seconds=400)
        numbers = panel.locator(".jp-CodeCell .jp-InputPrompt").all_text_contents()
        assert numbers == [f"[{n}]:" for n in range(1, len(numbers) + 1)]
    else:
        opened.run_cells(needed)
    assert opened.errors() == []
    widgets = panel.locator(".course-widget")
    if n_widgets:
        widgets.first.wait_for()
    assert widgets.count() == n_widgets
    for n in range(n_widgets):
        opened.keep(f"{lesson}-widget-{n:02}", move_everything(opened.bench_of(widgets.nth(n))).root)
    shown = panel.locator(".jp-RenderedImage img")
    for n in range(shown.count()):
        shown.nth(n).scroll_into_view_if_needed()
        opened.keep(f"{lesson}-{n:02}", shown.nth(n))
    assert broken(panel) == [], "a picture that does not load"
    assert opened.clean(), (opened.errors(), opened.console, opened.refused)


def broken(panel):
    """The addresses of pictures that did not load."""
    return panel.locator("img").evaluate_all("all => all.filter(i => i.complete && !i.naturalWidth).map(i => i.src)")


def move_everything(bench):
    """Use each control of a widget, and two of the buttons in its picture, and see it answer without a complaint."""
    controls = bench.root.locator(".controls > [data-name]")
    for n in range(controls.count()):
        bench.use(controls.nth(n))
        answered(bench)
    buttons = bench.root.locator(".picture [data-set]:not([disabled])")
    for n in {0, buttons.count() - 1} if buttons.count() else ():
        buttons.nth(min(n, buttons.count() - 1)).click(force=True)
        answered(bench)
    return bench


def answered(bench):
    """The widget has answered, with a picture and a line in words, and not with an error."""
    assert bench.words.strip() and bench.picture.strip()
    assert bench.root.locator("[role=alert]").all_text_contents() == []
