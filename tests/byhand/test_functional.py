"""Every function and every gradient of byhand.functional against torch in float64, on shapes that hypothesis draws."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from course_lib.byhand import functional as ours

TOLERANCE = {"rtol": 1e-10, "atol": 1e-12}
numbers = st.floats(-6, 6, allow_subnormal=False)
shapes = hnp.array_shapes(min_dims=1, max_dims=3, max_side=4)
seeds = st.integers(0, 2**32 - 1)
quickly = settings(max_examples=30, deadline=None)


def leaf(x):
    return torch.tensor(x, dtype=torch.float64, requires_grad=True)


def grads_of(y, dy, *leaves):
    return [g.numpy() for g in torch.autograd.grad(y, leaves, torch.as_tensor(dy, dtype=torch.float64))]


def equal(mine, theirs):
    theirs = theirs.detach().numpy() if isinstance(theirs, torch.Tensor) else theirs
    assert np.shape(mine) == np.shape(theirs)
    np.testing.assert_allclose(mine, theirs, **TOLERANCE)


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize(("name", "needs"), [("sigmoid", "y"), ("tanh", "y"), ("relu", "x")])
@quickly
@given(x=hnp.arrays(np.float64, shapes, elements=numbers), seed=seeds)
def test_activations(name, needs, x, seed):
    y, dy, theirs = getattr(ours, name)(x), normal(seed, *x.shape), leaf(x)
    out = getattr(torch, name)(theirs)
    equal(y, out)
    dx = getattr(ours, f"{name}_backward")(dy, y if needs == "y" else x)
    equal(dx, grads_of(out, dy, theirs)[0])


def test_relu_at_zero_has_gradient_zero_as_torchs():
    theirs = leaf([0.0])
    equal(ours.relu_backward(np.ones(1), np.zeros(1)), grads_of(torch.relu(theirs), [1.0], theirs)[0])


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softmax", "log_softmax"])
def test_nothing_overflows(name):
    x = np.array([-1e4, -800.0, 0.0, 800.0, 1e4])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        y = getattr(ours, name)(x)
        dx = getattr(ours, f"{name}_backward")(np.ones(5), y)
    extra = {"dim": -1} if "softmax" in name else {}
    equal(y, getattr(torch, name)(leaf(x), **extra))
    assert np.isfinite(dx).all()


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@quickly
@given(x=hnp.arrays(np.float64, shapes, elements=numbers), seed=seeds, data=st.data())
def test_softmax_along_any_axis(name, x, seed, data):
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    y, dy, theirs = getattr(ours, name)(x, axis), normal(seed, *x.shape), leaf(x)
    out = getattr(torch, name)(theirs, dim=axis)
    equal(y, out)
    equal(getattr(ours, f"{name}_backward")(dy, y, axis), grads_of(out, dy, theirs)[0])


def test_softmax_of_a_hidden_key_is_zero_and_sends_nothing_back():
    x = np.array([[0.3, -np.inf, 1.2]])
    y = ours.softmax(x)
    assert y[0, 1] == 0 and ours.softmax_backward(normal(0, 1, 3), y)[0, 1] == 0
    equal(y, torch.softmax(leaf(x), -1))


@quickly
@given(shape=shapes, V=st.integers(1, 7), seed=seeds, some_ignored=st.booleans())
def test_cross_entropy(shape, V, seed, some_ignored):
    rng = np.random.default_rng(seed)
    logits, targets = 3 * rng.normal(size=(*shape, V)), rng.integers(0, V, shape)
    if some_ignored:
        targets = np.where(rng.random(shape) < 0.3, -1, targets)
        targets.flat[0] = 0  # torch says nan when nothing is asked
    theirs = leaf(logits)
    out = F.cross_entropy(theirs.flatten(0, -2), torch.tensor(targets).flatten(), ignore_index=-1)
    equal(ours.cross_entropy(logits, targets), out)
    equal(ours.cross_entropy_backward(0.7, logits, targets), grads_of(out, 0.7, theirs)[0])


def test_cross_entropy_of_nothing_asked_is_zero():
    logits, targets = normal(0, 2, 3), np.array([-1, -1])
    assert ours.cross_entropy(logits, targets) == 0
    assert not ours.cross_entropy_backward(1.0, logits, targets).any()


def test_cross_entropy_survives_certainty():
    logits = np.array([[0.0, 2000.0]])
    assert ours.cross_entropy(logits, np.array([0])) == 2000
    equal(ours.cross_entropy_backward(1.0, logits, np.array([0])), np.array([[-1.0, 1.0]]))


@quickly
@given(shape=shapes, seed=seeds)
def test_binary_cross_entropy_and_mse(shape, seed):
    z, t = 4 * normal(seed, *shape), np.random.default_rng(seed).random(shape)
    for name in ("binary_cross_entropy_with_logits", "mse_loss"):
        theirs = leaf(z)
        out = getattr(F, name)(theirs, torch.tensor(t))
        equal(getattr(ours, name)(z, t), out)
        equal(getattr(ours, f"{name}_backward")(0.7, z, t), grads_of(out, 0.7, theirs)[0])


@quickly
@given(lead=shapes, C=st.integers(1, 5), width=st.integers(1, 5), seed=seeds)
def test_linear(lead, C, width, seed):
    sizes = (*lead, C), (C, width), (width,), (*lead, width)
    x, weight, bias, dy = (normal(seed + i, *size) for i, size in enumerate(sizes))
    leaves = [leaf(x), leaf(weight), leaf(bias)]
    out = F.linear(leaves[0], leaves[1].T, leaves[2])
    equal(ours.linear(x, weight, bias), out)
    equal(ours.linear(x, weight), out - leaves[2])
    for mine, theirs in zip(ours.linear_backward(dy, x, weight), grads_of(out, dy, *leaves), strict=True):
        equal(mine, theirs)


@quickly
@given(shape=shapes, V=st.integers(1, 4), C=st.integers(1, 4), seed=seeds)
def test_embedding_adds_up_rows_that_are_read_twice(shape, V, C, seed):
    idx, weight, dy = np.random.default_rng(seed).integers(0, V, shape), normal(seed, V, C), normal(seed + 1, *shape, C)
    theirs = leaf(weight)
    out = F.embedding(torch.tensor(idx), theirs)
    equal(ours.embedding(idx, weight), out)
    equal(ours.embedding_backward(dy, idx, weight), grads_of(out, dy, theirs)[0])


@pytest.mark.parametrize("affine", [True, False])
@quickly
@given(lead=shapes, C=st.integers(2, 6), seed=seeds)
def test_layer_norm(affine, lead, C, seed):
    x, dy, weight, bias = (normal(seed + i, *s) for i, s in enumerate(((*lead, C), (*lead, C), (C,), (C,))))
    leaves = [leaf(x), leaf(weight), leaf(bias)]
    out = F.layer_norm(leaves[0], (C,), *(leaves[1:] if affine else ()))
    equal(ours.layer_norm(x, *((weight, bias) if affine else ())), out)
    mine = ours.layer_norm_backward(dy, x, *((weight,) if affine else ()))
    used = leaves if affine else leaves[:1]
    for m, t in zip(mine, grads_of(out, dy, *used), strict=False):
        equal(m, t)
