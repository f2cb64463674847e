import pytest
import torch

from course_lib.generation.generate import generate
from course_lib.generation.static_cache import GreedyDecoder
from course_lib.model.config import GPTConfig
from course_lib.model.gpt import GPT


@pytest.fixture(params=[{}, {"position": "learned", "norm": "layernorm"}, {"n_kv_head": 1, "qk_norm": True}],
                ids=["rotary", "learned", "one key-value head"])
def model(request):
    torch.manual_seed(0)
    shape = dict(vocab_size=40, context_length=24, n_layer=2, n_head=2, n_embd=16, init="gpt2")
    model = GPT(GPTConfig(**shape, **request.param)).double()
    for p in model.parameters():  # far from uniform, so that greedy ids change from token to token
        p.data.mul_(6)
    return model


def test_the_ids_are_those_of_generate(model):
    idx = torch.randint(40, (3, 5), generator=torch.Generator().manual_seed(1))
    decoder = GreedyDecoder(model, 3, max_length=24)
    expected = generate(model, idx, max_new_tokens=19, temperature=0)
    assert torch.equal(decoder(idx, max_new_tokens=19), expected)
    assert len(set(expected[:, 5:].flatten().tolist())) > 4
    other = torch.randint(40, (3, 9), generator=torch.Generator().manual_seed(2))
    assert torch.equal(decoder(other, max_new_tokens=4), generate(model, other, max_new_tokens=4, temperature=0))


def test_the_logits_are_those_of_the_whole_text(model):
    idx = torch.randint(40, (2, 8), generator=torch.Generator().manual_seed(3))
    decoder = GreedyDecoder(model, 2, max_length=8)
    with torch.no_grad():
        for t in range(8):
            logits = model(idx[:, t:t + 1], padding_mask=decoder.cache.real, cache=decoder.cache)
            torch.testing.assert_close(logits[:, 0], model(idx[:, :t + 1])[:, -1], rtol=0, atol=1e-10)


def test_doors(model):
    with pytest.raises(ValueError, match="max_length=30 does not fit context_length=24"):
        GreedyDecoder(model, 1, max_length=30)
    with pytest.raises(ValueError, match=r"idx \(1, 5\) and 9 new tokens do not fit a decoder of 1 rows and 12"):
        GreedyDecoder(model, 1, max_length=12)(torch.zeros(1, 5, dtype=torch.long), max_new_tokens=9)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_recorded_step_gives_the_same_ids(model):
    model, idx = model.cuda(), torch.randint(40, (3, 5), device="cuda")
    expected = generate(model, idx, max_new_tokens=15, temperature=0)
    assert torch.equal(GreedyDecoder(model, 3)(idx, max_new_tokens=15), expected)
