"""Values, gradients and reach of a list of steps, against torch and against what is plain to see."""

import numpy as np
import pytest
import torch

from course_lib.lab.widgets.computation import Step, backpropagate, is_variable, run


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def softmax_backward(dp, p):
    return p * (dp - (dp * p).sum(-1, keepdims=True))


MASK = np.tril(np.ones((3, 3), dtype=bool))
ATTENTION = [
    Step("scores", "Q Kᵀ / √D", lambda Q, K, D: Q @ K.T / np.sqrt(D),
         lambda dscores, Q, K, D: (dscores @ K / np.sqrt(D), dscores.T @ Q / np.sqrt(D))),
    Step("masked", "−∞ where hidden", lambda scores, mask: np.where(mask, scores, -np.inf),
         lambda dmasked, mask: np.where(mask, dmasked, 0)),
    Step("weights", "softmax over keys", lambda masked: softmax(masked),
         lambda dweights, weights: softmax_backward(dweights, weights)),
    Step("out", "weights · V", lambda weights, V: weights @ V,
         lambda dout, weights, V: {"V": weights.T @ dout, "weights": dout @ V.T}),
]


@pytest.fixture
def known(rng):
    arrays = {name: rng.normal(size=(3, 4)) for name in "QKV"}
    return run(ATTENTION, {**arrays, "mask": MASK, "D": 4})


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def torch_says(known, seed):
    q, k, v = (torch.tensor(known[name], requires_grad=True) for name in "QKV")
    out = torch.nn.functional.scaled_dot_product_attention(q[None], k[None], v[None], attn_mask=torch.tensor(MASK))[0]
    out.backward(torch.tensor(seed))
    return out.detach().numpy(), {"Q": q.grad.numpy(), "K": k.grad.numpy(), "V": v.grad.numpy()}


def test_values_and_gradients_are_torchs(known, rng):
    seed = rng.normal(size=(3, 4))
    out, wanted = torch_says(known, seed)
    moments, wrong = backpropagate(ATTENTION, known, seed)
    grads = moments[-1]
    np.testing.assert_allclose(known["out"], out, atol=1e-12)
    assert wrong == []
    for name, gradient in wanted.items():
        np.testing.assert_allclose(grads[name], gradient, atol=1e-12)


def test_without_backwards_finite_differences_do_it(known, rng):
    seed = rng.normal(size=(3, 4))
    _, wanted = torch_says(known, seed)
    moments, _ = backpropagate([Step(s.name, s.formula, s.forward) for s in ATTENTION], known, seed)
    grads = moments[-1]
    for name, gradient in wanted.items():
        np.testing.assert_allclose(grads[name], gradient, atol=1e-8)


@pytest.mark.parametrize("broken", [
    lambda dweights, weights: weights * dweights,  # the usual mistake: the sum is missing
    lambda dweights, weights: softmax_backward(dweights, weights)[:2],
])
def test_a_wrong_backward_is_named(known, broken):
    steps = [Step(s.name, s.formula, s.forward, broken if s.name == "weights" else None) for s in ATTENTION]
    grads = steps[2].gradients(known, np.ones((3, 3)))
    if grads["masked"].shape == (3, 3):
        assert backpropagate(steps, known, known["V"])[1] == ["weights"]
    else:
        with pytest.raises(ValueError):
            backpropagate(steps, known, known["V"])


def test_what_comes_back_from_two_uses_adds_up():
    steps = [Step("y", "x²", lambda x: x * x), Step("z", "y x", lambda y, x: y * x, lambda dz, y, x: (dz * x, dz * y))]
    known = run(steps, {"x": np.array([2.0, -1.0])})
    (first, grads), _ = backpropagate(steps, known, 1.0)
    np.testing.assert_allclose(first["x"], [4.0, 1.0], atol=1e-8)  # y alone, so far
    np.testing.assert_allclose(grads["x"], [12.0, 3.0], atol=1e-8)
    np.testing.assert_allclose(grads["z"], [1.0, 1.0])


def test_settings_are_not_variables():
    assert [is_variable(v) for v in (np.ones(2), np.ones(2, dtype=int), MASK, 2.0, True)] == [True] + [False] * 4


def test_a_step_that_needs_what_is_not_there_says_so():
    with pytest.raises(ValueError, match="'y' needs q.*only Q, D"):
        run([Step("y", "?", lambda q: q)], {"Q": np.ones(2), "D": 2})


def test_parameters_with_a_default_are_left_alone():
    assert Step("y", "", lambda x, axis=-1: x.sum(axis)).needs == ("x",)
