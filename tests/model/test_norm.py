"""The norms, against PyTorch's own in float64."""

import pytest
import torch
from torch.nn import functional as F

from course_lib.model.config import GPTConfig
from course_lib.model.norm import LayerNorm, RMSNorm, build_norm, layer_norm, rms_norm


@pytest.fixture
def arrays():
    torch.manual_seed(0)
    x = torch.randn(2, 5, 8, dtype=torch.float64) * 3 + 1
    return x.requires_grad_(), torch.randn(8, dtype=torch.float64), torch.randn(8, dtype=torch.float64)


def assert_same_with_gradient(x, mine, theirs):
    torch.testing.assert_close(mine, theirs, rtol=1e-12, atol=1e-12)
    dy = torch.randn_like(mine)
    torch.testing.assert_close(*(torch.autograd.grad(y, x, dy)[0] for y in (mine, theirs)), rtol=1e-12, atol=1e-12)


def test_layer_norm_is_pytorchs(arrays):
    x, weight, bias = arrays
    assert_same_with_gradient(x, layer_norm(x, weight, bias, 1e-3), F.layer_norm(x, (8,), weight, bias, 1e-3))
    assert_same_with_gradient(x, layer_norm(x), F.layer_norm(x, (8,)))


def test_rms_norm_is_pytorchs(arrays):
    x, weight, _ = arrays
    assert_same_with_gradient(x, rms_norm(x, weight, 1e-3), F.rms_norm(x, (8,), weight, 1e-3))
    assert_same_with_gradient(x, rms_norm(x), F.rms_norm(x, (8,), eps=1e-5))


def test_rms_norm_is_layer_norm_of_centred_numbers(arrays):
    x = arrays[0] - arrays[0].mean(dim=-1, keepdim=True)
    torch.testing.assert_close(rms_norm(x), layer_norm(x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("norm, kind", [("layernorm", LayerNorm), ("rmsnorm", RMSNorm)])
def test_modules_apply_their_function(arrays, norm, kind):
    x, weight, bias = arrays
    module = build_norm(GPTConfig(vocab_size=5, n_embd=8, n_head=2, norm=norm, bias=True, norm_eps=0.1)).double()
    assert type(module) is kind
    with torch.no_grad():
        module.weight.copy_(weight)
        if kind is LayerNorm:
            module.bias.copy_(bias)
    expected = layer_norm(x, weight, bias, 0.1) if kind is LayerNorm else rms_norm(x, weight, 0.1)
    assert_same_with_gradient(x, module(x), expected)
    with torch.no_grad():
        torch.testing.assert_close(module(x), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("module, function", [(RMSNorm(8), rms_norm), (LayerNorm(8), layer_norm)])
def test_half_precision_in_half_precision_out(arrays, module, function):
    for dtype in (torch.bfloat16, torch.float16):
        x = arrays[0].detach().to(dtype)
        for y in (module(x), function(x, module.weight), function(x)):
            assert y.dtype == dtype
            torch.testing.assert_close(y.double(), function(x.double()), rtol=2e-2, atol=1e-2)


def test_in_float32_every_bit_is_pytorchs(arrays):
    x, weight, bias = (tensor.detach().float() for tensor in arrays)
    module = LayerNorm(8, eps=1e-3)
    module.load_state_dict({"weight": weight, "bias": bias})
    assert torch.equal(module(x), F.layer_norm(x, (8,), weight, bias, 1e-3))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(module(x), F.layer_norm(x, (8,), weight, bias, 1e-3))
        assert torch.equal(RMSNorm(8)(x), rms_norm(x))


def test_no_bias_means_no_bias():
    assert build_norm(GPTConfig(vocab_size=5, norm="layernorm", bias=False)).bias is None
