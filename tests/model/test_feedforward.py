"""The feed-forwards and their nonlinearities, against PyTorch's and transformers'."""

import pytest
import torch
from torch.nn import functional as F
from transformers.activations import ACT2FN

from course_lib.model.config import GPTConfig
from course_lib.model.feedforward import FeedForward, build_feedforward, gelu, relu2, swiglu

X = torch.linspace(-6, 6, 101, dtype=torch.float64)


@pytest.mark.parametrize("ours, theirs", [
    (gelu, ACT2FN["gelu_new"]),
    (gelu, lambda x: F.gelu(x, approximate="tanh")),
    (relu2, ACT2FN["relu2"]),
    (lambda x: swiglu(x, x + 1), lambda x: F.silu(x) * (x + 1)),
])
def test_nonlinearities(ours, theirs):
    torch.testing.assert_close(ours(X), theirs(X), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", ["gelu", "relu2", "swiglu"])
def test_modules_are_matrix_products_around_the_function(kind, bias):
    torch.manual_seed(0)
    config = GPTConfig(vocab_size=5, n_embd=8, n_head=2, n_hidden=12, feedforward=kind, bias=bias)
    module = build_feedforward(config).double()
    x = torch.randn(2, 3, 8, dtype=torch.float64)

    def linear(part, x):
        return x @ part.weight.T + (part.bias if bias else 0)

    h = linear(module.up, x)
    h = {"gelu": gelu, "relu2": relu2, "swiglu": lambda h: swiglu(linear(module.gate, x), h)}[kind](h)
    torch.testing.assert_close(module(x), linear(module.proj, h), rtol=1e-12, atol=1e-12)


def test_all_kinds_have_the_same_size():
    sizes = {kind: sum(p.numel() for p in build_feedforward(GPTConfig(vocab_size=5, feedforward=kind)).parameters())
             for kind in ("gelu", "relu2", "swiglu")}
    assert sizes["gelu"] == sizes["relu2"] == 8 * 128**2
    assert sizes["swiglu"] == pytest.approx(8 * 128**2, rel=0.01)


def test_the_base_class_leaves_the_nonlinearity_open():
    with pytest.raises(NotImplementedError, match="leaves `bend` open"):
        FeedForward(GPTConfig(vocab_size=5))(torch.zeros(1, 1, 128))
