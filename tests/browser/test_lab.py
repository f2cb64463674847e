"""JupyterLab in a real browser: notebooks run, widgets answer, errors are seen, nothing asks the network."""

import shutil

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
SLIDER = """
import ipywidgets
def show(head):
    print("you see head", head)
ipywidgets.interact(show, head=ipywidgets.IntSlider(min=0, max=3, value=0))
"""


def write(folder, name, *sources):
    cells = [new_markdown_cell("# A notebook of the tests"), *map(new_code_cell, sources)]
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": KERNEL}), folder / name)


def test_cells_run_and_a_slider_answers(tab, lab):
    write(lab.folder, "slider.ipynb", SLIDER.strip(), "print('the', 'end')")
    tab.open_notebook("slider.ipynb")
    tab.run_all()
    tab.page.get_by_text("the end", exact=True).wait_for()
    tab.clear_outputs()
    assert tab.page.get_by_text("the end", exact=True).count() == 0
    tab.run_all()
    handle = tab.page.locator(".widget-interact .noUi-handle").first
    handle.focus()
    handle.press("ArrowRight")
    handle.press("ArrowRight")
    tab.page.get_by_text("you see head 2").wait_for()
    assert tab.errors() == [] and tab.refused == [] and tab.console == []


def test_what_goes_wrong_is_seen(tab, lab):
    show = "from IPython.display import HTML, display\n"
    picture = show + "display(HTML('<img src=\"https://example.org/picture.png\">'))"
    write(lab.folder, "wrong.ipynb", picture, "import sys; print('careful', file=sys.stderr)", "1 / 0")
    tab.open_notebook("wrong.ipynb")
    tab.run_all()
    errors = "\n".join(tab.errors())
    assert "careful" in errors and "ZeroDivisionError" in errors
    assert tab.refused == ["https://example.org/picture.png"]


@pytest.mark.parametrize("lesson", ["00_start_here"])
def test_lesson(tab, lab, repository, tmp_path, lesson):
    """All of a lesson, as a student sees it: run from top to bottom, without an error, offline."""
    shutil.copy(repository / "notebooks" / f"{lesson}.ipynb", lab.folder)
    tab.open_notebook(f"{lesson}.ipynb")
    tab.clear_outputs()
    tab.run_all(seconds=300)
    tab.page.screenshot(path=tmp_path / f"{lesson}.png", full_page=True)
    print("picture:", tmp_path / f"{lesson}.png")
    assert tab.errors() == []
    assert tab.refused == []
    assert tab.console == []
    numbers = tab.page.locator(".jp-NotebookPanel .jp-CodeCell .jp-InputPrompt").all_text_contents()
    assert numbers == [f"[{n}]:" for n in range(1, len(numbers) + 1)]
