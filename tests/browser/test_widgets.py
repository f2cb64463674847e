"""Widgets under a real mouse and a real keyboard: the picture changes as it should, and nothing complains."""

import pytest

EXPLORE = """
from course_lib.lab import plots
from course_lib.lab.widgets import explore

def bars(top=3, flat=False, letters="abc"):
    n = 9
    probs = [1 / n] * n if flat else [2.0 ** -k for k in range(n - 1)] + [2.0 ** -(n - 2)]
    probs = [p / sum(probs) for p in probs]
    names = [letters[i % len(letters)] + str(i) for i in range(n)]
    return plots.next_token_bars(names, probs, top=top, title=f"top {top}",
                                 caption="Bars.", alt="Some bars.")

explore(bars, label="Bars", top=(1, 8), flat=False, letters=["abc", "xyz"])
"""


@pytest.fixture
def explored(tab, lab):
    lab.write("explore.ipynb", EXPLORE.strip())
    tab.open_notebook("explore.ipynb")
    tab.run_all()
    return tab.bench("Bars")


def test_explore_by_keyboard_and_mouse(tab, explored):
    seen = [explored.picture]
    assert "alt=\"Some bars. most probable: a0 with 50%\"" in seen[0]
    top = explored.control("top")
    top.focus()
    top.press("ArrowRight")
    seen.append(explored.picture)
    assert top.get_attribute("aria-valuetext") == "4"
    box = top.bounding_box()
    tab.page.mouse.click(box["x"] + box["width"] - 4, box["y"] + box["height"] / 2)
    seen.append(explored.picture)
    assert top.get_attribute("aria-valuetext") == "8"
    explored.control("flat").press("Space")
    seen.append(explored.picture)
    assert explored.words == "most probable: a0 with 11%"
    explored.control("letters").select_option("xyz")
    seen.append(explored.picture)
    assert explored.words == "most probable: x0 with 11%"
    assert len(set(seen)) == 5
    tab.keep("widget-explore", explored.root)
    assert tab.clean()


def test_keys_in_a_widget_do_not_reach_the_notebook(tab, explored):
    cells = tab.page.locator(".jp-Notebook .jp-Cell").count()
    explored.control("flat").focus()
    for key in ("a", "b", "ArrowDown"):
        tab.page.keyboard.press(key)
    assert tab.page.locator(".jp-Notebook .jp-Cell").count() == cells
    assert explored.control("flat").evaluate("node => node === document.activeElement")
