"""Folded layers compute what the layers compute."""

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.generation.folding import affine, centred, fold, unit
from course_lib.model.norm import LayerNorm, RMSNorm


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("kind", ["layernorm", "rmsnorm"])
def test_a_norm_folds_into_the_matrix_behind_it(kind, bias):
    torch.manual_seed(0)
    norm = LayerNorm(6, eps=0.3, bias=bias) if kind == "layernorm" else RMSNorm(6, eps=0.3)
    linear, x = nn.Linear(6, 5, bias=bias).double(), torch.randn(4, 6, dtype=torch.float64)
    norm = norm.double()
    with torch.no_grad():
        for parameter in norm.parameters():
            parameter.add_(torch.randn_like(parameter))
        expected = linear(norm(x))
    stream = centred(x.numpy()) if kind == "layernorm" else x.numpy()
    found = affine(unit(stream, 0.3), fold(linear.weight, linear.bias, norm=norm))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)


def test_a_centred_layer_writes_what_it_wrote_without_its_mean():
    torch.manual_seed(0)
    linear, x = nn.Linear(3, 7).double(), torch.randn(4, 3, dtype=torch.float64)
    expected = linear(x).detach().numpy()
    found = affine(x.numpy(), fold(linear.weight, linear.bias, centre=True))
    np.testing.assert_allclose(found, expected - expected.mean(axis=-1, keepdims=True), rtol=0, atol=1e-14)


@pytest.mark.parametrize("norm", [None, LayerNorm(3)])
def test_folding_leaves_the_model_alone(norm):
    linear = nn.Linear(3, 7)
    before = linear.weight.clone()
    W, b = fold(linear.weight, linear.bias, norm=norm)
    W[:], b[:] = 9, 9
    assert torch.equal(linear.weight, before) and not (linear.bias == 9).any()
