"""The attention viewer, the microscope and the two steppers under a real mouse and a real keyboard."""

import json

import pytest

ATTENTION = """
import numpy as np
from course_lib.lab.widgets import AttentionViewer

tokens = ["The", " cat", " sat", " because", " it", " was", " tired", "."]
rng = np.random.default_rng(3)
scores = rng.normal(size=(4, 8, 8)) * np.array([0.4, 1.0, 1.6, 2.2])[:, None, None]
scores[2, 4, 1], scores[1, :, 0] = 5.0, 2.5
scores[:, ~np.tril(np.ones((8, 8), dtype=bool))] = -np.inf
weights = np.exp(scores - scores.max(-1, keepdims=True))
AttentionViewer(weights / weights.sum(-1, keepdims=True), tokens)
"""

MICROSCOPE = """
import numpy as np
from course_lib.lab.widgets import Microscope, Step

def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)

def softmax_backward(dp, p):
    return p * (dp - (dp * p).sum(axis=-1, keepdims=True))

full = np.random.default_rng(1).normal(size=(3, 3, 4)).round(1)
fill = lambda number: lambda D: full[number][:, :D]
hidden = lambda causal: np.tril(np.ones((3, 3), dtype=bool)) | (not causal)
attention = [
    Step("scores", "Q Kᵀ / √D", lambda Q, K, D: Q @ K.T / np.sqrt(D)),
    Step("heated", "scores / temperature", lambda scores, temperature: scores / temperature),
    Step("masked", "−∞ where hidden", lambda heated, causal: np.where(hidden(causal), heated, -np.inf)),
    Step("weights", "softmax over keys", lambda masked: softmax(masked),
         lambda dweights, weights: softmax_backward(dweights, weights)),
    Step("out", "weights V", lambda weights, V: weights @ V, lambda dout, weights, V: (dout @ V.T, weights.T @ dout)),
]
words = ["the", "cat", "sat"]
Microscope(attention, {name: fill(i) for i, name in enumerate("QKV")},
           axes={"Q": "TD", "K": "SD", "V": "SD", "scores": "TS", "heated": "TS", "masked": "TS", "weights": "TS",
                 "out": "TD"},
           ranges={"D": (1, 4), "temperature": (0.1, 4.0, 0.1), "causal": True}, start={"D": 2, "temperature": 1.0},
           labels={"T": words, "S": words})
"""

MERGES = """
from course_lib.lab.widgets import MergeStepper

MergeStepper("the slow, slower, slowest owl: 低低, low lower lowest", step=3)
"""

GRAPH = """
from course_lib.lab.widgets import GraphStepper
from course_lib.byhand.autograd import Tensor

x, w, b = Tensor(2.0, label="x"), Tensor(-0.75, label="w"), Tensor(1.0, label="b")
h = (x * w + b).tanh()
loss = (h + x * 0.5 - 1.0) ** 2
h.label, loss.label = "h", "loss"
loss.backward()
GraphStepper(loss)
"""

NOTEBOOK = (ATTENTION, MICROSCOPE, MERGES, GRAPH)
LABELS = ("Attention: which token reads from which", "Array microscope", "Byte pair encoding, merge by merge",
          "Computation graph, forwards and backwards")




@pytest.fixture
def show(tab, lab):
    """Runs a notebook of one widget and returns its bench."""

    def shown(number):
        lab.write("stepper.ipynb", NOTEBOOK[number].strip())
        tab.open_notebook("stepper.ipynb")
        tab.run_all()
        return tab.bench(LABELS[number])

    return shown


def focused(locator):
    return locator.evaluate("node => node === document.activeElement")


def test_attention_follows_the_mouse_and_the_keyboard(tab, show):
    bench = show(0)
    token, head = bench.root.locator(".token"), bench.root.locator(".head")

    def arcs():
        drawn = "paths => paths.map(path => path.getAttribute('d') + path.style.strokeWidth)"
        return bench.root.locator(".arcs path").evaluate_all(drawn)

    def percentages():
        return token.locator("small").all_text_contents()

    said, seen = bench.words, [arcs()]
    assert said.startswith("“.” reads from") and len(seen[0]) == 8
    token.nth(4).hover()
    seen.append(arcs())
    assert len(seen[1]) == 5, "before it stand four tokens"
    assert bench.words == said, "hovering only shows"
    hovered = percentages()
    token.nth(4).click()
    assert bench.words.startswith("“␣it” reads from") and percentages() == hovered
    bench.root.locator(".words").hover()
    assert percentages() == hovered, "a click keeps it"
    head.nth(3).click()
    assert "“␣cat” " in bench.words and bench.words.endswith("(head 2)")
    seen.append(arcs())
    tab.keep("widget-attention", bench.root)
    head.nth(3).focus()
    tab.page.keyboard.press("ArrowRight")
    assert bench.words.endswith("(head 3)") and focused(head.nth(4))
    token.nth(4).focus()
    tab.page.keyboard.press("ArrowLeft")
    assert bench.words.startswith("“␣because” reads from") and focused(token.nth(3))
    bench.control("the token").select_option("is read by")
    assert bench.words.startswith("“␣because” is read by")
    seen.append(arcs())
    assert len(seen[3]) <= 5 and len(set(map(str, seen))) == 4
    head.nth(1).locator("canvas").hover(position={"x": 4, "y": 4})
    assert percentages() != hovered, "a map can be hovered, too"
    tab.keep("widget-attention-read-by", bench.root)
    assert tab.clean()


def test_attention_between_two_sentences(tab, lab):
    shown = "weights / weights.sum(-1, keepdims=True)"
    assert f"{shown}, tokens)" in ATTENTION
    two_rows = ATTENTION.replace(f"{shown}, tokens)", f"({shown})[:, 3:], tokens[3:], keys=list('他很累因为没睡好'))")
    lab.write("stepper.ipynb", two_rows.strip())
    tab.open_notebook("stepper.ipynb")
    tab.run_all()
    bench = tab.bench(LABELS[0])
    rows = bench.root.locator(".tokens")
    assert rows.count() == 2 and rows.nth(0).bounding_box()["y"] < rows.nth(1).bounding_box()["y"]
    rows.nth(0).locator(".token").nth(2).click()
    assert bench.words.startswith("“累” is read by")
    rows.nth(1).locator(".token").nth(1).click()
    assert bench.words.startswith("“␣it” reads from")
    tab.keep("widget-attention-two-rows", bench.root)
    assert tab.clean()


def test_microscope_by_mouse_and_keyboard(tab, show):
    bench = show(1)
    cell = lambda name, place: bench.root.get_by_label(name, exact=True).locator(f'[data-cell="{place}"]')  # noqa: E731
    assert bench.words == "forwards, 5 of 5: out = weights V"
    seen = [bench.picture]

    cell("out", "1,0").click()
    assert bench.words.startswith("out[cat, 0] = ") and "reached by 2 of Q, 4 of K, 2 of V" in bench.words
    assert bench.root.locator(".cell.in").count() == 16
    tab.keep("widget-microscope-reach", bench.root)
    tab.page.keyboard.press("ArrowDown")
    assert focused(cell("out", "2,0"))
    tab.page.keyboard.press("Enter")
    assert bench.words.startswith("out[sat, 0] = ") and "6 of K" in bench.words and focused(cell("out", "2,0"))
    tab.page.keyboard.press("Escape")
    assert bench.words == "forwards, 5 of 5: out = weights V"

    cell("V", "0,0").click()
    assert bench.words.startswith("V[the, 0] = ") and "reaches 3 of out" in bench.words
    tab.page.keyboard.type("9.5")
    tab.page.keyboard.press("Enter")
    assert bench.settle() and cell("V", "0,0").input_value() == "9.5" and focused(cell("V", "0,0"))
    assert cell("out", "0,0").inner_text() == "9.50", "the first token reads only itself"
    tab.page.keyboard.press("ArrowUp")
    assert bench.settle() and cell("V", "0,0").input_value() == "9.6"
    tab.page.keyboard.type("cat")
    tab.page.keyboard.press("Tab")
    assert "is no number; V[the, 0] stays as it was" in bench.words
    seen.append(bench.picture)

    bench.control("temperature").press("ArrowRight")
    seen.append(bench.picture)
    bench.control("causal").press("Space")
    seen.append(bench.picture)
    assert ": −∞" in seen[-2] and ": −∞" not in seen[-1]
    bench.control("D").press("ArrowRight")
    seen.append(bench.picture)
    assert bench.root.get_by_label("Q", exact=True).locator("input").count() == 9
    bench.control("next ▶").click()
    assert bench.words == "backwards, 1 of 5: through out into dweights and dV"
    seen.append(bench.picture)
    bench.control("step").press("End")
    assert bench.words == "backwards, 5 of 5: through scores into dQ and dK"
    tab.keep("widget-microscope-gradients", bench.root)
    bench.control("◀ back").press("Enter")
    assert "4 of 5: through heated" in bench.words
    bench.control("step").press("Home")
    assert bench.words == "the inputs: Q, K, V" and bench.picture.count("not yet") == 5
    seen.append(bench.picture)
    assert len(set(seen)) == len(seen)
    assert tab.clean()


def test_merges_by_mouse_and_keyboard(tab, show):
    bench = show(2)
    assert bench.words.startswith("merge 3 of 9: low + e → lowe")
    seen = [bench.picture]
    tab.keep("widget-merges", bench.root)
    bench.control("next ▶").click()
    assert bench.words.startswith("merge 4 of 9")
    seen.append(bench.picture)
    bench.control("merge").press("Home")
    assert bench.words.startswith("no merge yet: 55 bytes")
    bar = bench.root.locator(".curve button")
    bar.nth(7).click()
    assert bench.words.startswith("merge 7 of 9")
    seen.append(bench.picture)
    tab.page.keyboard.press("ArrowRight")
    tab.page.keyboard.press("Enter")
    assert bench.words.startswith("merge 8 of 9") and focused(bar.nth(8))
    bench.control("sentence").fill("ab ab ab")
    bench.control("sentence").press("Enter")
    assert bench.words == "no merge yet: 8 bytes, 2 merges to come"
    bench.control("◀ back").wait_for()
    assert bench.control("◀ back").is_disabled()
    seen.append(bench.picture)
    assert len(set(seen)) == 4
    assert tab.clean()


def test_graph_by_mouse_and_keyboard(tab, show):
    bench = show(3)
    now = bench.root.locator(".node.now")
    assert bench.words.startswith("back along n2 → w")
    tab.keep("widget-graph", bench.root)
    seen = [bench.picture]
    bench.control("step").press("Home")
    assert bench.words == "forwards: 6 leaves have their values" and bench.root.locator(".node.later").count() == 8
    bench.control("next ▶").click()
    assert bench.words == "forwards: n2 = x × w = 2 × (−0.75) = −1.5" and now.count() == 1
    assert bench.root.locator(".edge.forth").count() == 2
    seen.append(bench.picture)
    bench.root.locator(".node", has_text="tanh").click()
    assert bench.words.startswith("forwards: h = tanh(n4)")
    now.focus()
    tab.page.keyboard.press("ArrowRight")
    tab.page.keyboard.press("Enter")
    seen.append(bench.picture)
    bench.control("step").press("End")
    assert bench.words.startswith("back along n2 → w")  # until then there is no step back
    bench.control("◀ back").press("Enter")
    assert "∂n2/∂x" in bench.words and bench.root.locator(".edge.back").count() == 1
    seen.append(bench.picture)
    assert len(set(seen)) == 4
    assert tab.clean()


@pytest.fixture
def dark(tab, lab):
    """JupyterLab in its dark theme, for one test."""
    address = f"{lab.url}/lab/api/settings/@jupyterlab/apputils-extension:themes?token=course-tests"

    def choose(theme):
        answer = tab.page.request.put(address, data={"raw": json.dumps({"theme": theme})})
        assert answer.ok, answer.text()

    choose("JupyterLab Dark")
    yield
    choose("JupyterLab Light")


def test_all_of_them_in_the_dark_and_after_a_restart(tab, lab, dark):
    lab.write("steppers.ipynb", *(source.strip() for source in NOTEBOOK))
    tab.open_notebook("steppers.ipynb")
    tab.page.wait_for_function("document.body.dataset.jpThemeLight === 'false'")
    tab.run_all()
    for label in LABELS:
        tab.bench(label)
    tab.page.evaluate("document.querySelectorAll('.course-widget').forEach(node => { node.dataset.before = 1; })")
    tab.page.get_by_role("menuitem", name="Kernel", exact=True).click()
    tab.page.get_by_role("menuitem", name="Restart Kernel and Run All Cells…", exact=True).click()
    tab.page.get_by_role("button", name="Confirm Kernel Restart").click()
    tab.page.wait_for_function("document.querySelectorAll('.course-widget:not([data-before])').length === 4")
    for number, label in enumerate(LABELS):
        bench = tab.bench(label)
        bench.root.scroll_into_view_if_needed()
        if number == 1:
            bench.control("step").press("End")
            bench.root.locator('[data-key="out-1-0"]').click()
        tab.keep(f"dark-{number}", bench.settle().root)
        assert bench.root.locator("img").count() == 0 and bench.words
    assert tab.clean()
