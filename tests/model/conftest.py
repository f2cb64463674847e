"""Small models for the tests: every kind of part, in float64, with weights that make each of them matter."""

import pytest
import torch

from course_lib.model.config import GPTConfig
from course_lib.model.gpt import GPT

SMALL = dict(vocab_size=29, context_length=16, n_layer=2, n_head=4, n_embd=32)
KINDS = {
    "gpt2": dict(norm="layernorm", position="learned", feedforward="gelu", bias=True, init="gpt2"),
    "llama": dict(feedforward="swiglu", n_kv_head=2, tied_head=False),
    "modern": dict(qk_norm=True, n_kv_head=1, logit_soft_cap=15.0),
    "nope": dict(position="none", norm="layernorm"),
}


def make_model(**changes) -> GPT:
    """A small float64 model with all weights drawn at random: no zeros, no ones, no accidental symmetry."""
    torch.manual_seed(0)
    model = GPT(GPTConfig(**{**SMALL, **changes})).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            centre = 1.0 if parameter.ndim == 1 else 0.0
            parameter.copy_(centre + 0.3 * torch.randn_like(parameter))
    return model


@pytest.fixture
def build():
    return make_model


@pytest.fixture(params=KINDS)
def model(request) -> GPT:
    return make_model(**KINDS[request.param])


@pytest.fixture
def idx() -> torch.Tensor:
    return torch.randint(0, SMALL["vocab_size"], (3, 12), generator=torch.Generator().manual_seed(1))
