"""The graph as it is drawn and told: which nodes are known, which edge is walked, with which local derivative."""

import re

import pytest

from course_lib.byhand.autograd import Tensor
from course_lib.lab.widgets.graph_stepper import GraphStepper

ROWS = [{"label": "a", "value": 2.0}, {"label": "b", "value": -3.0},
        {"label": "e", "op": "×", "value": -6.0, "parents": ["a", "b"]},
        {"label": "L", "op": "×", "value": 36.0, "parents": ["e", "e"]}]


@pytest.fixture
def stepper():
    return GraphStepper(ROWS, step=0)


def told(stepper):
    return [stepper._words_for(k) for k in range(stepper.last + 1)]


def test_every_step_is_told(stepper):
    assert told(stepper) == [
        "forwards: 2 leaves have their values",
        "forwards: e = a × b = 2 × (−3) = −6",
        "forwards: L = e × e = (−6) × (−6) = 36",
        "the way back begins: ∂L/∂L = 1",
        "back along L → e: ∂L/∂e += ∂L/∂L · ∂L/∂e = 1 · (−6) = −6",
        "back along L → e: ∂L/∂e += ∂L/∂L · ∂L/∂e = 1 · (−6) = −6, in all −12",
        "back along e → a: ∂L/∂a += ∂L/∂e · ∂e/∂a = −12 · (−3) = 36",
        "back along e → b: ∂L/∂b += ∂L/∂e · ∂e/∂b = −12 · 2 = −24",
    ]


def node(markup, label):
    """(classes, what a screen reader says, where a click leads) of a node."""
    found = re.search(rf'<g class="(node[^"]*)"[^>]*aria-label="({label},[^"]*)"[^>]*data-set="([^"]*)"', markup)
    return found[1], found[2], int(re.search(r"\d+", found[3])[0])


def test_values_appear_forwards_and_gradients_backwards(stepper):
    assert node(stepper.picture().markup, "e")[:2] == ("node later", "e, ×, value ?")
    stepper.set(next=True)
    assert node(stepper.picture().markup, "e")[:2] == ("node now", "e, ×, value −6")
    stepper.set(step=4)
    assert node(stepper.picture().markup, "e")[:2] == ("node to", "e, ×, value −6, gradient −6")
    stepper.set(step=stepper.last)
    assert node(stepper.picture().markup, "a")[:2] == ("node leaf", "a, leaf, value 2, gradient 36")


def test_the_walked_edge_is_marked_with_its_local_derivative(stepper):
    assert "edge back" not in stepper.picture().markup
    stepper.set(step=7)
    markup = stepper.picture().markup
    assert markup.count("edge back") == 1 and ">× 2</text>" in markup
    stepper.set(step=1)
    assert stepper.picture().markup.count("edge forth") == 2


def test_a_node_leads_to_its_own_step(stepper):
    assert node(stepper.picture().markup, "e")[2] == 1
    stepper.set(step=stepper.last)
    assert node(stepper.picture().markup, "e")[2] == 5, "the last time that something is added"


def test_the_courses_autograd_drives_it():
    x, w = Tensor(2.0, label="x"), Tensor(-0.5, label="w")
    loss = (x * w + 1.0).tanh()
    loss.label = "loss"
    loss.backward()
    stepper = GraphStepper(loss)
    assert stepper.picture().words.startswith("back along n2 → w: ∂loss/∂w")
    assert ".grad says otherwise" not in stepper.picture().words
    w.grad = w.grad * 0 + 0.25
    assert GraphStepper(loss).picture().words.endswith(". But .grad says otherwise for w (0.25)")
    assert "node leaf wrong to" in GraphStepper(loss).picture().markup


def test_the_still_picture_is_a_figure():
    bundle = GraphStepper(ROWS)._repr_mimebundle_()
    assert set(bundle) == {"image/png", "text/plain"} and bundle["text/plain"].startswith("back along e → b")
