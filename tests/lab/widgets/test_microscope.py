"""The microscope: values and gradients appear step by step, inputs and settings change them, cells light up."""

import re

import numpy as np
import pytest
import torch

from course_lib.lab.widgets.computation import Step
from course_lib.lab.widgets.microscope import Microscope

RNG = np.random.default_rng(5)
FULL = RNG.normal(size=(3, 3, 4))
AXES = {"Q": "TD", "K": "SD", "V": "SD", "scores": "TS", "weights": "TS", "out": "TD", "loss": ""}
WORDS = ["the", "cat", "sat"]


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def softmax_backward(dp, p):
    return p * (dp - (dp * p).sum(-1, keepdims=True))


def hidden(scores, causal):
    return np.where(np.tril(np.ones_like(scores, dtype=bool)) | (not causal), scores, -np.inf)


STEPS = [
    Step("scores", "Q Kᵀ / (τ √D)", lambda Q, K, D, heat, causal: hidden(Q @ K.T / np.sqrt(D) / heat, causal)),
    Step("weights", "softmax over keys", lambda scores: softmax(scores),
         lambda dweights, weights: softmax_backward(dweights, weights)),
    Step("out", "weights V", lambda weights, V: weights @ V),
    Step("loss", "Σ out²", lambda out: (out**2).sum()),
]


@pytest.fixture
def scope():
    inputs = {"Q": lambda D: FULL[0][:, :D], "K": lambda D: FULL[1][:, :D], "V": FULL[2][:, :2]}
    axes = {**AXES, "V": "SE", "out": "TE"}
    return Microscope(STEPS, inputs, axes=axes, ranges={"D": (1, 4), "heat": (0.5, 2.0, 0.5), "causal": True},
                      start={"heat": 1.0}, labels={"T": WORDS, "S": WORDS})


def cells(scope, name):
    """Cell → (classes, what a screen reader says), of one card, as in the picture."""
    card = re.search(rf'<section [^>]*aria-label="{name}">(.*?)</section>', scope.picture().markup)[1]
    found = re.findall(r'<td class="(cell[^"]*)".*?data-cell="(\d,\d)" aria-label="([^"]*)"', card)
    return {tuple(map(int, cell.split(","))): (kinds.split(), said) for kinds, cell, said in found}


def said(scope, name, cell):
    return cells(scope, name)[cell][1]


def oracle(scope):
    q, k, v = (torch.tensor(scope.state[name], requires_grad=True) for name in "QKV")
    out = torch.nn.functional.scaled_dot_product_attention(q[None] / scope.state["heat"], k[None], v[None],
                                                           is_causal=scope.state["causal"])[0]
    (out**2).sum().backward()
    return out.detach().numpy(), {"Q": q.grad.numpy(), "K": k.grad.numpy(), "V": v.grad.numpy()}


def written(value):
    return re.sub(r"^-", "−", f"{value:.2f}") if round(value, 2) else "0.00"


def agrees(scope):
    """All that is written in the picture is what torch says."""
    out, grads = oracle(scope)
    for (r, c), value in np.ndenumerate(out):
        assert said(scope, "out", (r, c)).startswith(f"out[{WORDS[r]}, {c}]: {written(value)}")
    for name, gradient in grads.items():
        for cell, value in np.ndenumerate(gradient):
            assert said(scope, name, cell).endswith(f", gradient {written(value)}")


def test_the_picture_is_what_torch_computes_whatever_is_moved(scope):
    assert scope.state == {**scope.state, "D": 2, "heat": 1.0, "causal": True, "step": 4}
    scope.set(step=scope.last)
    agrees(scope)
    scope.set(causal=False, heat=0.5)
    agrees(scope)
    scope.set(D=4)
    assert scope.state["Q"].shape == (3, 4)
    agrees(scope)
    scope.set(edit=["V", 1, 0, "−2,5"])
    assert scope.state["V"][1, 0] == -2.5
    agrees(scope)


def test_values_come_forwards_and_gradients_backwards(scope):
    scope.set(step=0)
    assert scope.picture().words == "the inputs: Q, K, V" and scope.picture().markup.count("not yet") == 4
    scope.set(next=True)
    assert scope.picture().words == "forwards, 1 of 4: scores = Q Kᵀ / (τ √D)"
    assert scope.picture().markup.count("not yet") == 3
    scope.set(step=5)
    assert scope.picture().words == "backwards, 1 of 4: through loss into dout"
    assert ", gradient 1.00" in said(scope, "loss", (0, 0)) and ", gradient" in said(scope, "out", (0, 0))
    assert "gradient" not in said(scope, "weights", (0, 0))
    scope.set(next=True)
    assert scope.picture().words == "backwards, 2 of 4: through out into dweights and dV"
    assert "gradient" in said(scope, "V", (0, 0)) and "gradient" not in said(scope, "Q", (0, 0))


def test_a_picked_cell_lights_what_reaches_it(scope):
    scope.set(picked=["out", 1, 0])
    kinds = {name: {cell for cell, (k, _) in cells(scope, name).items() if "in" in k} for name in "QKV"}
    assert kinds == {"Q": {(1, 0), (1, 1)}, "K": {(r, c) for r in (0, 1) for c in (0, 1)}, "V": {(0, 0), (1, 0)}}
    assert "here" in cells(scope, "out")[1, 0][0] and "out" in cells(scope, "loss")[0, 0][0]
    assert "reached by 2 of Q, 4 of K, 2 of V, 2 of scores, 2 of weights; reaches 1 of loss" in scope.picture().words
    scope.set(causal=False)
    assert len([1 for k, _ in cells(scope, "V").values() if "in" in k]) == 3
    scope.set(picked=["out", 1, 0])
    assert "microscope lit" not in scope.picture().markup, "picked again: let go"


def test_from_an_input_it_lights_what_it_reaches(scope):
    scope.set(picked=["V", 2, 1])
    assert {cell for cell, (k, _) in cells(scope, "out").items() if "out" in k} == {(2, 1)}


def test_what_is_no_number_changes_nothing(scope):
    before = scope.state["Q"].copy()
    for typed in ("cat", "", "inf", "nan"):
        scope.set(edit=["Q", 1, 1, typed])
        assert scope.picture().words == f"“{typed}” is no number; Q[cat, 1] stays as it was"
    np.testing.assert_array_equal(scope.state["Q"], before)


def test_the_arrays_one_gave_are_left_alone():
    given = np.ones((2, 2))
    scope = Microscope([Step("y", "2 x", lambda x: 2 * x)], {"x": given}, axes={"x": "TD", "y": "TD"})
    scope.set(edit=["x", 0, 0, "7"])
    assert given[0, 0] == 1 and said(scope, "y", (0, 0)) == "y[0, 0]: 14.00"


def test_masks_can_be_edited_and_have_no_gradient():
    steps = [Step("y", "x where m", lambda x, m: np.where(m, x, 0.0)), Step("z", "Σ y", lambda y: y.sum())]
    scope = Microscope(steps, {"x": np.array([1.0, 2.0]), "m": np.array([True, False])},
                       axes={"x": "T", "m": "T", "y": "T", "z": ""}, step=4)
    assert said(scope, "z", (0, 0)).startswith("z: 1.00") and "gradient" not in said(scope, "m", (0, 0))
    scope.set(edit=["m", 0, 1, "1"])
    assert scope.state["m"].dtype == bool and said(scope, "z", (0, 0)).startswith("z: 3.00")
    scope.set(picked=["m", 0])
    assert scope.picture().words == "m[0] = 1.00"


def test_a_wrong_backward_is_called_so(scope):
    wrong = Step("weights", "softmax", STEPS[1].forward, lambda dweights, weights: dweights * weights)
    scope = Microscope([STEPS[0], wrong, *STEPS[2:]], {name: FULL[i][:, :2] for i, name in enumerate("QKV")}, axes=AXES,
                       ranges={"D": (1, 4), "heat": (0.5, 2.0), "causal": True}, step=6)
    assert "disagree" not in scope.picture().words
    scope.set(next=True)
    assert scope.picture().words.endswith("; finite differences disagree with the backward of weights")


def test_a_step_that_fails_later_says_so_in_its_card():
    def picky(x):
        if x[0] < 0:
            raise ValueError("x is negative")
        return np.sqrt(x)

    scope = Microscope([Step("y", "√x", picky), Step("z", "y²", lambda y: y * y)], {"x": np.array([4.0])},
                       axes={"x": "T", "y": "T", "z": "T"})
    scope.set(edit=["x", 0, 0, "-1"])
    assert scope.picture().words == "y cannot be computed: ValueError: x is negative"
    scope.set(step=4, picked=["x", 0])
    assert "not yet" in scope.picture().markup and 'role="alert"' in scope.picture().markup
    scope.set(edit=["x", 0, 0, "9"])
    assert said(scope, "z", (0, 0)).startswith("z[0]: 9.00")


def test_what_cannot_be_built_says_why():
    x = {"x": np.ones(2)}
    with pytest.raises(ValueError, match="step means something else in a microscope"):
        Microscope([Step("y", "", lambda x: x)], x, axes={"x": "T", "y": "T"}, ranges={"step": (0, 3)})
    with pytest.raises(ValueError, match="'y' needs w"):
        Microscope([Step("y", "", lambda w: w)], x, axes={"x": "T", "y": "T"})
    with pytest.raises(ValueError, match="y has shape"):
        Microscope([Step("y", "", lambda x: x.sum())], x, axes={"x": "T", "y": "T"})


def test_the_still_picture_holds_values_and_gradients(scope):
    scope.set(step=scope.last)
    bundle = scope._repr_mimebundle_()
    assert set(bundle) == {"image/png", "text/plain"}
    assert bundle["text/plain"] == "backwards, 4 of 4: through scores into dQ and dK"
