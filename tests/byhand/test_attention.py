"""Attention by hand against torch's own kernel in float64: values and gradients, every kind of mask."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from course_lib.byhand import attention as ours
from course_lib.byhand.functional import softmax_backward
from course_lib.byhand.gradcheck import numerical_gradient, relative_error
from course_lib.model import attention as model

TOLERANCE = {"rtol": 1e-10, "atol": 1e-12}
quickly = settings(max_examples=25, deadline=None)
sizes = st.integers(1, 5)
leading = st.sampled_from([(), (2,), (2, 3)])


def made(seed, lead, T, S, D, width):
    """q, k, v and dout, normal numbers."""
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(*lead, *tail)) for tail in ((T, D), (S, D), (S, width), (T, width))]


def a_mask(kind, seed, lead, T, S):
    rng = np.random.default_rng(seed + 1)
    if kind == "none":
        return None
    if kind == "causal":
        return np.tril(np.ones((T, S), dtype=bool), S - T)
    if kind == "bool":
        return rng.random((*lead, T, S)) < 0.6
    return rng.normal(size=(*lead, T, S)) if kind == "float" else np.where(rng.random((T, S)) < 0.6, 0.3, -np.inf)


def theirs(q, k, v, dout, mask, **options):
    """Values and gradients of F.scaled_dot_product_attention; the gradient of a float mask as well."""
    leaves = [torch.tensor(x, requires_grad=True) for x in (q, k, v)]
    mask = None if mask is None else torch.tensor(mask)
    out = F.scaled_dot_product_attention(*leaves, attn_mask=mask, **options)
    return out.detach().numpy(), [g.numpy() for g in torch.autograd.grad(out, leaves, torch.tensor(dout))]


@pytest.mark.parametrize("kind", ["none", "causal", "bool", "float", "float with -inf"])
@quickly
@given(seed=st.integers(0, 999), lead=leading, T=sizes, S=sizes, D=sizes, width=sizes)
def test_equals_torch_values_and_gradients(kind, seed, lead, T, S, D, width):
    q, k, v, dout = made(seed, lead, T, S, D, width)
    mask = a_mask(kind, seed, lead, T, S)
    out, weights = ours.attention(q, k, v, mask)
    expected, grads = theirs(q, k, v, dout, mask)
    np.testing.assert_allclose(out, expected, **TOLERANCE)
    for mine, wanted in zip(ours.attention_backward(dout, q, k, v, weights), grads, strict=True):
        assert mine.shape == wanted.shape
        np.testing.assert_allclose(mine, wanted, **TOLERANCE)


def test_the_scale_can_be_chosen():
    q, k, v, dout = made(3, (2,), 3, 4, 5, 2)
    expected, grads = theirs(q, k, v, dout, None, scale=0.7)
    out, weights = ours.attention(q, k, v, scale=0.7)
    np.testing.assert_allclose(out, expected, **TOLERANCE)
    for mine, wanted in zip(ours.attention_backward(dout, q, k, v, weights, scale=0.7), grads, strict=True):
        np.testing.assert_allclose(mine, wanted, **TOLERANCE)
    assert abs(out - ours.attention(q, k, v)[0]).max() > 0.01


def test_the_gradient_of_a_float_mask_is_that_of_the_scores():
    q, k, v, dout = made(4, (), 3, 4, 5, 2)
    bias = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    out = F.scaled_dot_product_attention(*(torch.tensor(x) for x in (q, k, v)), attn_mask=bias)
    wanted = torch.autograd.grad(out, bias, torch.tensor(dout))[0].numpy()
    weights = ours.attention_weights(q, k, bias.detach().numpy())
    dscores = softmax_backward(ours.gather_backward(dout, weights, v)[0], weights)
    np.testing.assert_allclose(dscores, wanted, **TOLERANCE)


@pytest.mark.parametrize("which", [0, 1, 2])
def test_the_loss_itself_confirms_the_gradients(which):
    *inputs, dout = made(5, (2,), 3, 4, 5, 2)
    mask = ours.causal_mask(3, 4)

    def loss(x):
        return (ours.attention(*inputs[:which], x, *inputs[which + 1:], mask)[0] * dout).sum()

    grads = ours.attention_backward(dout, *inputs, ours.attention_weights(*inputs[:2], mask))
    assert relative_error(grads[which], numerical_gradient(loss, inputs[which])) < 1e-8


def test_same_names_same_numbers_as_the_model():
    q, k, v, _ = made(6, (2, 3), 4, 6, 5, 2)
    mask = ours.causal_mask(4, 6)
    np.testing.assert_array_equal(mask, model.causal_mask(4, 6).numpy())
    np.testing.assert_array_equal(ours.causal_mask(5), model.causal_mask(5).numpy())
    np.testing.assert_array_equal(ours.mask_to_bias(mask), model.mask_to_bias(torch.tensor(mask), torch.float64))
    leaves = [torch.tensor(x) for x in (q, k, v)]
    for mine, other in zip(ours.attention(q, k, v, mask), model.attention(*leaves, torch.tensor(mask)), strict=True):
        np.testing.assert_allclose(mine, other.numpy(), **TOLERANCE)


@quickly
@given(seed=st.integers(0, 999), T=sizes, S=sizes, D=sizes)
def test_outputs_lie_between_the_values(seed, T, S, D):
    q, k, v, _ = made(seed, (), T, S, D, 3)
    out, weights = ours.attention(3 * q, 3 * k, v)
    np.testing.assert_allclose(weights.sum(axis=-1), 1.0, **TOLERANCE)
    assert (out >= v.min(axis=0) - 1e-12).all() and (out <= v.max(axis=0) + 1e-12).all()


def test_a_query_that_may_read_nothing_gets_nothing_and_never_nan():
    q, k, v, dout = made(7, (), 3, 4, 5, 2)
    mask = np.array([[True, False, True, True], [False] * 4, [True] * 4])
    with np.errstate(all="raise"):
        out, weights = ours.attention(q, k, v, mask)
        grads = ours.attention_backward(dout, q, k, v, weights)
    assert (weights[1] == 0).all() and (out[1] == 0).all() and (grads[0][1] == 0).all()
    assert all(np.isfinite(grad).all() for grad in grads)
    np.testing.assert_allclose(weights.sum(axis=-1), [1, 0, 1])
    assert weights[0, 1] == 0


def test_hidden_keys_and_values_may_hold_anything_and_get_no_gradient():
    q, k, v, dout = made(8, (), 3, 4, 5, 2)
    mask = np.array([True, True, True, False])
    out, weights = ours.attention(q, k, v, mask)
    k[3], v[3] = 1e3, -1e6
    again, weights = ours.attention(q, k, v, mask)
    np.testing.assert_array_equal(out, again)
    _, dk, dv = ours.attention_backward(dout, q, k, v, weights)
    assert (dk[3] == 0).all() and (dv[3] == 0).all() and abs(dk[:3]).min() > 0


def test_a_mask_of_whole_numbers_is_refused():
    with pytest.raises(ValueError, match=r"not int64; for a mask of 0 and 1 give mask == 1"):
        ours.mask_to_bias(np.array([1, 0]))
