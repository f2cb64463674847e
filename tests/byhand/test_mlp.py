"""Every step and every parameter of the MLPs against torch's autograd in float64."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from course_lib.byhand import functional as ours
from course_lib.byhand.gradcheck import compare, numerical_gradient, relative_error
from course_lib.byhand.mlp import ACTIVATIONS, MLP, MLPLanguageModel, context_windows

V, T, C, WIDTH, B = 7, 3, 4, 5, 6


def leaf(x):
    return torch.tensor(x, requires_grad=True)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@settings(max_examples=20, deadline=None)
@given(widths=st.lists(st.integers(1, 5), min_size=2, max_size=5), n=st.integers(1, 6), seed=st.integers(0, 2**32 - 1))
def test_mlp_and_all_its_steps(activation, widths, n, seed):
    rng = np.random.default_rng(seed)
    model = MLP(widths, activation, generator=rng)
    for name in model.params:
        model.params[name] += rng.normal(size=model.params[name].shape)
    x, dout = rng.normal(size=(n, widths[0])), rng.normal(size=(n, widths[-1]))
    out, steps = model.forward(x)
    grads = model.backward(dout, steps)

    theirs = {name: leaf(p) for name, p in model.params.items()} | {"a0": leaf(x)}
    for l in range(1, len(widths)):
        theirs[f"z{l}"] = theirs[f"a{l - 1}"] @ theirs[f"W{l}"] + theirs[f"b{l}"]
        if l < len(widths) - 1:
            theirs[f"a{l}"] = getattr(torch, activation)(theirs[f"z{l}"])
    for tensor in theirs.values():
        tensor.retain_grad()
    last = theirs[f"z{len(widths) - 1}"]
    last.backward(torch.tensor(dout))
    np.testing.assert_allclose(out, last.detach().numpy(), rtol=1e-12)
    assert set(grads) == set(theirs), "every step and every parameter has a gradient"
    for name, gradient in grads.items():
        np.testing.assert_allclose(gradient, theirs[name].grad.numpy(), rtol=1e-10, atol=1e-10, err_msg=name)


def torch_language_model(p, idx, targets):
    """The same model written with torch's own functions; -> loss, steps."""
    s = {"e": F.embedding(torch.tensor(idx), p["table"])}
    s["x"] = s["e"].flatten(1)
    s["z"] = F.linear(s["x"], p["W1"].T, p["b1"])
    s["n"] = F.layer_norm(s["z"], (WIDTH,), p["gain"], p["shift"])
    s["h"] = torch.tanh(s["n"])
    s["logits"] = F.linear(s["h"], p["W2"].T, p["b2"])
    return F.cross_entropy(s["logits"], torch.tensor(targets)), s


@pytest.fixture
def language_model():
    rng = np.random.default_rng(1)
    model = MLPLanguageModel(V, T, C, WIDTH, generator=rng)
    for p in model.params.values():
        p += 0.5 * rng.normal(size=p.shape)
    return model, rng.integers(0, V, (B, T)), rng.integers(0, V, B)


def test_every_gradient_of_the_language_model_is_exact(language_model):
    model, idx, targets = language_model
    logits, steps = model.forward(idx)
    grads = model.backward(ours.cross_entropy_backward(1.0, logits, targets), steps)
    p = {name: leaf(value) for name, value in model.params.items()}
    loss, s = torch_language_model(p, idx, targets)
    for tensor in s.values():
        tensor.retain_grad()
    loss.backward()
    theirs = {name: tensor.grad.numpy() for name, tensor in (p | s).items()}
    assert set(grads) == set(theirs)
    assert set(compare(grads, theirs).values()) == {"exact"}
    np.testing.assert_allclose(ours.cross_entropy(logits, targets), loss.item(), rtol=1e-12)


def test_and_confirmed_by_nudging(language_model):
    model, idx, targets = language_model
    logits, steps = model.forward(idx)
    grads = model.backward(ours.cross_entropy_backward(1.0, logits, targets), steps)
    for name, kept in list(model.params.items()):
        def loss(value, name=name):
            model.params[name] = value
            return ours.cross_entropy(model.forward(idx)[0], targets)
        assert relative_error(grads[name], numerical_gradient(loss, kept)) < 1e-7, name
        model.params[name] = kept


def test_nats_are_the_loss_of_each_target(language_model):
    model, idx, targets = language_model
    nats = model.nats(idx, targets)
    assert nats.shape == (B,)
    assert nats.mean() == pytest.approx(ours.cross_entropy(model.forward(idx)[0], targets), rel=1e-12)


def test_it_is_born_nearly_without_opinion():
    model = MLPLanguageModel(27, 3, 8, 64, generator=np.random.default_rng(0))
    idx = np.random.default_rng(1).integers(0, 27, (200, 3))
    assert model.nats(idx, idx[:, 0]).mean() == pytest.approx(np.log(27), abs=0.02)


def test_weights_begin_at_variance_one_over_inputs():
    W = MLP([400, 300], generator=np.random.default_rng(0)).params["W1"]
    assert W.var() * 400 == pytest.approx(1, abs=0.02)


def test_windows_of_two_words():
    idx, targets = context_windows([[1, 2], [3]], 2, end=0)
    assert idx.tolist() == [[0, 0], [0, 1], [1, 2], [0, 0], [0, 3]]
    assert targets.tolist() == [1, 2, 0, 3, 0]


@settings(max_examples=40, deadline=None)
@given(words=st.lists(st.lists(st.integers(1, 5), max_size=5), max_size=6), T=st.integers(1, 4))
def test_windows_hold_what_came_before(words, T):
    idx, targets = context_windows(words, T, end=0)
    assert idx.shape == (len(targets), T) and idx.dtype == targets.dtype == np.int64
    asked = [w for word in words for w in (*word, 0)]
    assert targets.tolist() == asked
    rows = iter(idx.tolist())
    for word in words:
        for i in range(len(word) + 1):
            assert next(rows) == ([0] * T + word[:i])[-T:]


@pytest.mark.parametrize(("widths", "activation", "message"), [([2], "tanh", "no layer"), ([2, 1], "gelu", "sigmoid")])
def test_doors(widths, activation, message):
    with pytest.raises(ValueError, match=message):
        MLP(widths, activation, generator=np.random.default_rng(0))


@settings(max_examples=20, deadline=None)
@given(x=hnp.arrays(np.float64, (3, 2), elements=st.floats(-3, 3)))
def test_without_a_hidden_layer_it_is_one_linear_map(x):
    model = MLP([2, 2], generator=np.random.default_rng(0))
    np.testing.assert_array_equal(model.forward(x)[0], x @ model.params["W1"] + model.params["b1"])
