import contextlib
import re
from types import SimpleNamespace
from unittest.mock import patch

import pytest
import torch
from torch._inductor.graph import GraphLowering

from course_lib.generation.generate import generate, left_pad, stream
from course_lib.generation.static_cache import GreedyDecoder, StaticCache, can_record, record, recording_pays
from course_lib.model.config import GPTConfig, gpt2_124m
from course_lib.model.gpt import GPT
from course_lib.model.kv_cache import KVCache
from tools.pretend_device import pretend


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


def test_it_goes_on_where_a_cache_ends_also_after_padding(model):
    """Two prompts of unequal length, read at once, then one token at a time, to the last slot."""
    idx, padding_mask = left_pad([[1, 2, 3, 4, 5], [6, 7]])
    following = torch.randint(40, (2, 3), generator=torch.Generator().manual_seed(4))
    with torch.no_grad():
        read = KVCache(model.config, 2)
        model(idx, padding_mask=padding_mask, cache=read)
        cache = StaticCache(model.config, 2, max_length=8, like=read.keys)
        cache.fill(read, padding_mask)
        for t in range(3):
            logits = model(following[:, t:t + 1], padding_mask=cache.real, cache=cache)[:, 0]
            for row, length in ((0, 5), (1, 2)):
                alone = torch.cat([idx[row, 5 - length:], following[row, :t + 1]])[None]
                torch.testing.assert_close(logits[row], model(alone)[0, -1], rtol=0, atol=1e-10)
    with pytest.raises(ValueError, match="5 tokens leave no room for another in 5 slots; take max_length=6 or more"):
        StaticCache(model.config, 2, max_length=5, like=read.keys).fill(read)


def test_more_steps_than_slots_write_nothing_beside_them(model):
    """As the steps do with which recording begins, where there are but two slots."""
    decoder = GreedyDecoder(model, 1, max_length=2)
    for _ in range(4):
        decoder.step()
    idx = torch.tensor([[7]])
    assert torch.equal(decoder(idx, max_new_tokens=1), generate(model, idx, max_new_tokens=1, temperature=0))


def test_a_compiled_step_copies_no_cache():
    """A cache of another shape than everything else, looked for among the memory that the compiled code asks for."""
    torch.manual_seed(0)
    model = GPT(gpt2_124m(61, context_length=64, n_layer=2, n_head=2, n_embd=16)).eval()
    decoder, codes = GreedyDecoder(model, 5, max_length=24, use_graph=False, compile=True), []

    def enough(code):
        codes.append(code)
        raise NotImplementedError("written, and that is all this test wants")

    with patch.object(GraphLowering, "save_output_code", enough), contextlib.suppress(Exception):
        decoder.step()
    torch.compiler.reset()
    [code] = codes  # one graph for all layers
    shapes = re.findall(r"empty_strided_cpu\(\(([^)]*)\)", code)
    assert "5, 48" in shapes and [shape for shape in shapes if shape.endswith("24, 8")] == []


def test_recording_is_for_plain_models_on_cuda_and_enough_steps(model):
    assert not can_record(model) and not recording_pays(4) and recording_pays(16)
    with pretend():
        model.to("cuda")
        assert can_record(model)
        with torch.autocast("cuda", torch.bfloat16):
            assert not can_record(model)
        model.blocks[0].register_forward_hook(lambda *_: None)
        assert not can_record(model)


def test_the_second_gpu_records_on_the_second_gpu(model):
    """Every call to CUDA is made while the model's device is the current one."""
    current, calls = [0], []

    @contextlib.contextmanager
    def device(place):
        current.append(torch.device(place).index)
        yield
        current.pop()

    def note(name, result=None):
        return lambda *_, **__: calls.append((name, current[-1])) or result

    graph = SimpleNamespace(replay=note("replay"))
    context = contextlib.nullcontext
    with patch.multiple(torch.cuda, device=device, CUDAGraph=note("CUDAGraph", graph), graph=note("graph", context()),
                        Stream=note("Stream", SimpleNamespace(wait_stream=note("wait"))),
                        current_stream=note("current", SimpleNamespace(wait_stream=note("wait"))),
                        stream=note("stream", context())):
        replay = record(note("step"), torch.device("cuda:1"))
        replay()
    assert {place for _, place in calls} == {1} and current == [0]
    names = [name for name, _ in calls]
    assert names.count("step") == 4 and names[-2:] == ["step", "replay"] and "graph" in names


def test_doors(model):
    with pytest.raises(ValueError, match="max_length=30 does not fit context_length=24"):
        GreedyDecoder(model, 1, max_length=30)
    with pytest.raises(ValueError, match=r"idx \(1, 5\) and 9 new tokens do not fit a decoder of 1 rows and 12"):
        GreedyDecoder(model, 1, max_length=12)(torch.zeros(1, 5, dtype=torch.long), max_new_tokens=9)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_a_recorded_step_gives_the_same_ids(model, dtype):
    model, idx = model.to("cuda", dtype), torch.randint(40, (3, 5), device="cuda")
    plain = GreedyDecoder(model, 3, use_graph=False)(idx, max_new_tokens=15)
    assert torch.equal(GreedyDecoder(model, 3)(idx, max_new_tokens=15), plain)
    if dtype == torch.float64:
        assert torch.equal(plain, generate(model, idx, max_new_tokens=15, temperature=0, use_cache=False))
        small = GreedyDecoder(model, 3, max_length=6)
        assert torch.equal(small(idx, max_new_tokens=1), plain[:, :6])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("options", [dict(temperature=0), dict(top_k=5), dict(stop_ids=[1, 2, 3])], ids=", ".join)
def test_a_stream_on_a_gpu_is_recorded_and_says_the_same(model, options):
    idx, padding_mask = (side.cuda() for side in left_pad([[1, 2, 3, 4, 5], [6, 7]]))
    model.cuda()
    texts = []
    for use_cache in (True, False):
        generator = torch.Generator("cuda").manual_seed(1)
        texts.append(torch.stack(list(stream(model, idx, max_new_tokens=50, padding_mask=padding_mask,
                                             use_cache=use_cache, generator=generator, **options))))
    assert can_record(model) and torch.equal(*texts)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_compiled_step_gives_the_same_ids():
    torch.manual_seed(0)
    model = GPT(gpt2_124m(61, context_length=32, n_layer=2, n_head=2, n_embd=64)).cuda().eval()
    idx = torch.randint(61, (2, 4), device="cuda")
    expected = GreedyDecoder(model, 2, use_graph=False)(idx, max_new_tokens=20)
    assert torch.equal(GreedyDecoder(model, 2, compile=True)(idx, max_new_tokens=20), expected)
    torch.compiler.reset()
