"""The decoder in numpy gives the logits of the torch model, in every variant, and steps aside where it cannot."""

import itertools

import pytest
import torch
from torch import nn

from course_lib.generation import generate as generation
from course_lib.generation.numpy_decoder import NumpyDecoder, can_decode, pays
from course_lib.model.config import GPTConfig, gpt2_124m, small_cpu, tiny
from course_lib.model.gpt import GPT
from course_lib.model.kv_cache import KVCache

VARIANTS = list(itertools.product(["rmsnorm", "layernorm"], ["rotary", "learned", "none"]))
SHAPE = dict(vocab_size=31, context_length=16, n_layer=2, n_head=4, n_embd=32)


def make_model(**changes) -> GPT:
    torch.manual_seed(0)
    model = GPT(GPTConfig(**SHAPE | changes)).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.4 * torch.randn_like(parameter))
    return model


@pytest.fixture
def idx():
    return torch.randint(31, (3, 9), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("norm, position", VARIANTS)
def test_logits_are_the_models_in_every_variant(norm, position, idx):
    rest = itertools.product(["gelu", "relu2", "swiglu"], [False, True], [False, True], [4, 2], [None, 3.0])
    for feedforward, qk_norm, bias, n_kv_head, cap in rest:
        model = make_model(norm=norm, position=position, feedforward=feedforward, qk_norm=qk_norm, bias=bias,
                           n_kv_head=n_kv_head, logit_soft_cap=cap, tied_head=not bias, norm_eps=0.1)
        cache = KVCache(model.config, 3)
        with torch.no_grad():
            expected = model(idx)
            model(idx[:, :4], cache=cache)
            decoder = NumpyDecoder(model, cache)
            for t in range(4, 8):
                logits = torch.from_numpy(decoder.step(idx[:, t].numpy()))
                torch.testing.assert_close(logits, expected[:, t], rtol=0, atol=1e-11)
            # and the model goes on where the decoder stopped
            torch.testing.assert_close(model(idx[:, 8:], cache=cache)[:, 0], expected[:, 8], rtol=0, atol=1e-11)


def test_float32_stays_float32(idx):
    model = make_model(position="learned", norm="layernorm", feedforward="gelu", bias=True).float()
    cache = KVCache(model.config, 3)
    with torch.no_grad():
        model(idx[:, :8], cache=cache)
        logits = NumpyDecoder(model, cache).step(idx[:, 8].numpy())
        assert logits.dtype == "float32"
        torch.testing.assert_close(torch.from_numpy(logits), model(idx)[:, 8], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("changes", [{}, dict(position="learned", norm="layernorm", feedforward="gelu", bias=True)])
def test_generate_gives_the_same_ids_without_it(changes, idx, monkeypatch):
    """Three slides; the decoder is seen at work, and drawing at random takes the same ids, too."""
    model, steps = make_model(**changes), []
    step = NumpyDecoder.step
    monkeypatch.setattr(NumpyDecoder, "step", lambda self, ids: steps.append(len(ids)) or step(self, ids))
    for sampling in (dict(temperature=0), dict(temperature=0.8, top_k=9)):
        runs = []
        for numpy_pays in (True, False):
            monkeypatch.setattr(generation, "pays", lambda *_, answer=numpy_pays: answer)
            generator = torch.Generator().manual_seed(5)
            runs.append(generation.generate(model, idx, max_new_tokens=30, generator=generator, **sampling))
        assert torch.equal(*runs)
    assert steps == 2 * 26 * [3]  # of thirty: one reads the prompt, and three a half context after a slide


def test_it_steps_aside():
    assert can_decode(make_model())
    assert not can_decode(make_model().bfloat16())
    assert not can_decode(make_model().to("meta"))
    hooked, patched, other = make_model(), make_model(), make_model()
    hooked.blocks[0].register_forward_hook(lambda *_: None)
    patched.blocks[1].feedforward.forward = lambda x: x
    other.blocks[0].attention.proj = nn.Sequential(other.blocks[0].attention.proj)
    assert not any(map(can_decode, (hooked, patched, other)))
    with torch.autocast("cpu", torch.bfloat16):
        assert not can_decode(make_model())


def test_it_is_used_where_it_pays():
    assert pays(tiny(65), 1, 8) and pays(tiny(65), 64, 100) and pays(gpt2_124m(), 1, 64)
    assert not pays(tiny(65), 1, 7) and not pays(gpt2_124m(), 1, 63) and not pays(gpt2_124m(), 2, 100)
    assert pays(small_cpu(65), 1, 64) and not pays(small_cpu(65), 8, 100)


def test_an_empty_and_a_full_cache_are_refused(idx):
    model = make_model()
    cache = KVCache(model.config, 3, max_length=9)
    with pytest.raises(ValueError, match="the cache is empty; let the model read the prompt first"):
        NumpyDecoder(model, cache)
    with torch.no_grad():
        model(idx, cache=cache)
    with pytest.raises(ValueError, match="the cache holds 9 tokens and no more fit"):
        NumpyDecoder(model, cache).step(idx[:, 0].numpy())
