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


TRAINING = """
import time
from course_lib.lab.widgets import Dashboard

def slow_run():
    for step in range(1, 401):
        time.sleep(0.02)
        yield {"step": step, "loss": 5 / step ** 0.3, "lr": 1e-3}

dashboard = Dashboard(total=400, refresh_seconds=0.2)
for record in dashboard.watch(slow_run()):
    if record["step"] % 10 == 0:
        dashboard.sample(record["step"], f"the text of step {record['step']}")
print("last step", dashboard.records[-1]["step"])
"""


def test_training_is_paused_stopped_and_scrubbed(tab, lab):
    """The cell is still running when *pause* is pressed: JupyterLab hands it over on another thread."""
    lab.write("training.ipynb", TRAINING.strip())
    tab.open_notebook("training.ipynb")
    tab.start_all()
    bench = tab.bench("Training dashboard")
    bench.wait_for_words("loss")
    bench.control("pause").click()
    bench.wait_for_words("paused")
    paused = bench.words
    tab.page.wait_for_timeout(600)
    assert bench.words == paused, "it went on training"
    tab.keep("widget-training-paused", bench.root)
    bench.control("go on").press("Enter")
    bench.wait_for_words("paused", gone=True)
    tab.page.wait_for_timeout(600)
    assert bench.words != paused
    bench.control("stop").click()
    tab.wait_until_run()
    output = tab.page.locator("pre").get_by_text("last step")
    assert output.count() == 1 and int(output.inner_text().split()[-1]) < 400
    bench = tab.bench("Training dashboard")
    whole = bench.picture
    bench.control("step").press("Home")
    assert bench.words.startswith("step 1 of 400") and bench.picture != whole
    for _ in range(10):
        bench.control("step").press("ArrowRight")
    assert "step 10" in bench.picture and "the text of step 10" in bench.picture
    bench.control("Play step").click()
    bench.wait_for_words(f"step {output.inner_text().split()[-1]} of 400")
    tab.keep("widget-training", bench.root)
    assert tab.clean()


NEXT = """
import numpy as np
from course_lib.lab.widgets import NextToken

text = "a rose is a rose is a rose"
words = sorted(set(text.split()))

def counted(ids, temperature=1.0):
    here = text.split()
    counts = np.full(len(words), 0.1)
    for now, then in zip(here, here[1:]):
        if words.index(now) == ids[-1]:
            counts[words.index(then)] += 1
    counts **= 1 / temperature
    return counts / counts.sum()

NextToken(counted, lambda ids: " ".join(words[i] for i in ids), [0, 2],
          encode=lambda text: [words.index(w) for w in text.split()], temperature=(0.5, 2.0, 0.5))
"""


def test_next_token_is_chosen_with_mouse_and_keyboard(tab, lab):
    lab.write("next.ipynb", NEXT.strip())
    tab.open_notebook("next.ipynb")
    tab.run_all()
    bench = tab.bench("What comes next?")
    strip, candidates = bench.root.locator(".strip button"), bench.root.locator(".candidates button")
    assert strip.all_text_contents() == ["a", "rose"] and "is 91%" in bench.words
    candidates.first.click()
    assert bench.settle() and strip.all_text_contents() == ["a", "rose", "is"] and "a 91%" in bench.words
    strip.nth(2).focus()
    tab.page.keyboard.press("ArrowLeft")
    tab.page.keyboard.press("Enter")
    assert "is 91%" in bench.words and "← came" in bench.picture
    assert strip.nth(1).evaluate("node => node === document.activeElement"), "the keyboard lost its place"
    sharper = bench.words
    bench.control("temperature").press("End")
    assert bench.words != sharper
    bench.control("take the most probable").press("Space")
    assert bench.settle() and strip.count() == 3
    bench.control("back").click()
    assert bench.settle() and strip.count() == 2
    bench.control("begin with").fill("is a")
    bench.control("begin with").press("Enter")
    assert bench.settle() and strip.all_text_contents() == ["is", "a"]
    tab.keep("widget-next-token", bench.root)
    bench.control("begin with").fill("tulip")
    bench.control("begin with").press("Enter")
    assert "'tulip' is not in list" in bench.words
    assert tab.clean()


def test_running_cells_again_leaves_nothing_behind(tab, lab):
    count = "from ipywidgets.widgets.widget import _instances\nprint('open:', len(_instances))"
    lab.write("again.ipynb", EXPLORE.strip(), count)
    tab.open_notebook("again.ipynb")
    tab.run_all()
    printed = tab.page.locator("pre").get_by_text("open:")
    before = printed.inner_text()
    for _ in range(3):
        tab.run_all()
    assert printed.inner_text() == before
    explored = tab.bench("Bars")
    was = explored.picture
    explored.control("flat").click()
    assert explored.picture != was
    assert tab.clean()
