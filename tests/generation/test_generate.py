"""Generation: the cache changes nothing but the time; prompts, stops, sliding and modes behave as they say."""

import re

import pytest
import torch
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel

from course_lib.generation.generate import generate, left_pad, stream
from course_lib.generation.numpy_decoder import can_decode, pays
from course_lib.generation.penalties import adjust_with, penalize
from course_lib.model.config import GPTConfig
from course_lib.model.gpt import GPT
from course_lib.model.pretrained import gpt2_config, gpt2_weights, load_weights

KINDS = {
    "rotary": dict(n_kv_head=2, qk_norm=True),
    "learned": dict(position="learned", norm="layernorm", feedforward="gelu", bias=True),
    "none": dict(position="none", feedforward="swiglu"),
}


def make_model(**changes) -> GPT:
    torch.manual_seed(0)
    model = GPT(GPTConfig(**{**dict(vocab_size=31, context_length=16, n_layer=2, n_head=4, n_embd=32), **changes}))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.4 * torch.randn_like(parameter))
    return model.double().eval()


@pytest.fixture(params=KINDS)
def model(request):
    return make_model(**KINDS[request.param])


@pytest.fixture
def idx():
    return torch.tensor([[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]])


def greedy_by_hand(model, idx, new):
    """One full forward pass for each token, cutting as the docstring of `stream` says."""
    start = 0
    for _ in range(new):
        if idx.shape[1] - start > 16:
            start = idx.shape[1] - 8
        ids = model(idx[:, start:])[:, -1].argmax(-1)
        idx = torch.cat([idx, ids[:, None]], dim=1)
    return idx


@pytest.mark.parametrize("use_cache", [True, False])
def test_greedy_ids_are_those_of_full_forward_passes(model, idx, use_cache):
    """60 new tokens in a context of 16: the text slides several times."""
    expected = greedy_by_hand(model, idx, 60)
    assert torch.equal(generate(model, idx, max_new_tokens=60, temperature=0, use_cache=use_cache), expected)
    assert len(expected[:, 4:].unique()) > 5


def test_greedy_ids_are_transformers(idx):
    theirs = GPT2LMHeadModel(GPT2Config(vocab_size=31, n_positions=32, n_layer=2, n_head=4, n_embd=32,
                                        bos_token_id=None, eos_token_id=None))
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(0.4 * torch.randn_like(parameter))
    ours = GPT(gpt2_config(theirs.config.to_dict()))
    load_weights(ours, gpt2_weights(theirs.state_dict()))
    ours, theirs = ours.double(), theirs.double().eval()
    options = dict(do_sample=False, attention_mask=torch.ones_like(idx), pad_token_id=0)
    expected = theirs.generate(idx, max_new_tokens=25, **options)
    assert torch.equal(generate(ours, idx, max_new_tokens=25, temperature=0), expected)


@pytest.mark.parametrize("use_cache", [True, False])
def test_ragged_prompts_are_continued_as_if_alone(model, use_cache):
    prompts = [[1, 2, 3, 4, 5], [6], [7, 8, 9]]
    idx, padding_mask = left_pad(prompts, pad_id=30)
    together = generate(model, idx, padding_mask=padding_mask, max_new_tokens=11, temperature=0, use_cache=use_cache)
    for row, prompt in enumerate(prompts):
        alone = generate(model, torch.tensor([prompt]), max_new_tokens=11, temperature=0)
        assert together[row, 5 - len(prompt):].tolist() == alone[0].tolist()


def test_ragged_prompts_slide_alike_with_and_without_cache(model):
    idx, padding_mask = left_pad([[1, 2, 3, 4, 5], [6], [7, 8, 9]])
    ids = [generate(model, idx, padding_mask=padding_mask, max_new_tokens=50, temperature=0, use_cache=use_cache)
           for use_cache in (True, False)]
    assert torch.equal(*ids)


def test_after_sliding_the_padding_is_forgotten(model):
    """From the first slide on the model reads real tokens only: each id follows from them without a mask."""
    idx, padding_mask = left_pad([[1, 2, 3, 4, 5], [6], [7, 8, 9]])
    out, start = generate(model, idx, padding_mask=padding_mask, max_new_tokens=40, temperature=0), 9
    for end in range(17, 45):
        start = end - 8 if end - start > 16 else start
        assert torch.equal(out[:, end], model(out[:, start:end])[:, -1].argmax(-1))


def test_left_pad_by_hand():
    idx, padding_mask = left_pad([[4, 5], [6]], pad_id=9)
    assert idx.tolist() == [[4, 5], [9, 6]] and idx.dtype == torch.int64
    assert padding_mask.tolist() == [[True, True], [False, True]]


def test_a_prompt_longer_than_the_context_is_cut(model):
    idx = torch.randint(0, 31, (2, 40), generator=torch.Generator().manual_seed(1))
    out = generate(model, idx, max_new_tokens=1, temperature=0)
    assert torch.equal(out[:, :40], idx)
    assert torch.equal(out[:, 40], model(idx[:, -16:])[:, -1].argmax(-1))


def test_the_smallest_context_works():
    model = make_model(context_length=1)
    idx = torch.tensor([[1, 2]])
    ids = [generate(model, idx, max_new_tokens=5, temperature=0, use_cache=use_cache) for use_cache in (True, False)]
    assert torch.equal(*ids)


def test_each_row_repeats_its_stop_id_until_all_have_stopped(model, idx):
    free = generate(model, idx, max_new_tokens=30, temperature=0)[:, 4:]
    stop_ids = {free[0, 2].item(), free[1, 5].item()}
    out = generate(model, idx, max_new_tokens=30, temperature=0, stop_ids=stop_ids)[:, 4:]
    firsts = []
    for row, row_free in zip(out.tolist(), free.tolist(), strict=True):
        first = next((i for i, token in enumerate(row_free) if token in stop_ids), 30)
        firsts.append(first + 1)
        expected = row_free[:first + 1] + [row_free[min(first, 29)]] * 30
        assert row == expected[:len(row)]
    assert out.shape[1] == min(30, max(firsts))


def test_a_stop_id_in_the_prompt_does_not_stop(model, idx):
    assert generate(model, idx, max_new_tokens=3, stop_ids={4, 8, 12}, temperature=0).shape[1] >= 5


class Planned(nn.Module):
    """A stand-in model: after token t it is certain of t + 1 (mod V)."""

    def __init__(self):
        super().__init__()
        self.config = GPTConfig(vocab_size=10, context_length=4)

    def forward(self, idx, *, padding_mask=None, cache=None):
        return 100.0 * nn.functional.one_hot((idx + 1) % 10, 10)


def test_the_stream_yields_each_id_in_turn():
    ids = stream(Planned(), torch.tensor([[3], [8]]), max_new_tokens=100, use_cache=False, stop_ids=[6, 1])
    assert torch.stack(list(ids)).tolist() == [[4, 9], [5, 0], [6, 1]]


def test_sampling_settings_reach_the_sampler(model, idx):
    runs = [generate(model, idx, max_new_tokens=20, temperature=1.5, generator=torch.Generator().manual_seed(seed))
            for seed in (1, 1, 2)]
    assert torch.equal(runs[0], runs[1]) and not torch.equal(runs[0], runs[2])
    greedy = generate(model, idx, max_new_tokens=20, temperature=0)
    assert torch.equal(generate(model, idx, max_new_tokens=20, top_k=1), greedy)


@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("penalties", [dict(repetition_penalty=1.5), dict(frequency_penalty=2.0, no_repeat_ngram=3)])
def test_adjusted_ids_are_those_of_adjusting_by_hand(model, ragged, penalties):
    """Cached (in numpy where it is not ragged), uncached, and one full pass for each token: the same ids."""
    idx, padding_mask = left_pad([[1, 2, 3, 4], [5], [6, 6]] if ragged else [[1, 2, 3, 4], [5, 6, 5, 6]])
    mask = padding_mask if ragged else None
    assert pays(model.config, len(idx), 11) and can_decode(model)
    options = dict(max_new_tokens=11, temperature=0, padding_mask=mask)
    adjust = adjust_with(mask, **penalties)
    cached, uncached = (generate(model, idx, use_cache=use_cache, adjust=adjust, **options)
                        for use_cache in (True, False))
    for row, real in enumerate(padding_mask):
        ids = idx[row, real][None]
        for _ in range(11):
            logits = penalize(model(ids)[:, -1], ids, **penalties)
            ids = torch.cat([ids, logits.argmax(-1)[:, None]], dim=1)
        assert cached[row, (~real).sum():].tolist() == ids[0].tolist()
    assert torch.equal(cached, uncached) and not torch.equal(cached, generate(model, idx, **options))


@pytest.mark.parametrize("use_cache", [True, False])
def test_adjust_sees_all_that_was_written_even_after_sliding(model, idx, use_cache):
    seen = []

    def forbid_the_last(logits, so_far):
        seen.append(so_far.clone())
        return logits.scatter(-1, so_far[:, -1:], -torch.inf)

    out = generate(model, idx, max_new_tokens=40, use_cache=use_cache, adjust=forbid_the_last, temperature=0)
    assert [so_far.shape[1] for so_far in seen] == list(range(4, 44))
    assert all(torch.equal(so_far, out[:, :so_far.shape[1]]) for so_far in seen)
    assert not (out[:, 4:] == out[:, 3:-1]).any()


def test_mode_and_gradients_are_left_as_they_were(idx):
    model = make_model(dropout=0.5)
    quiet = generate(model, idx, max_new_tokens=12, temperature=0)
    model.train()
    model.blocks[0].eval()
    modes = [module.training for module in model.modules()]
    new = []
    for ids in stream(model, idx, max_new_tokens=12, temperature=0):
        new.append(ids)
        assert [module.training for module in model.modules()] == modes and torch.is_grad_enabled()
    assert torch.equal(torch.stack(new, dim=1), quiet[:, 4:])


def test_nothing_new_is_the_prompt(model, idx):
    assert torch.equal(generate(model, idx, max_new_tokens=0), idx)


@pytest.mark.parametrize("arguments, message", [
    (dict(idx=torch.zeros(1, 0, dtype=torch.long)), "idx has shape (1, 0), but must be (B, T) with at least one token"),
    (dict(idx=torch.tensor([1, 2])), "idx has shape (2,), but must be (B, T)"),
    (dict(padding_mask=torch.ones(1, 3, dtype=torch.bool)), "padding_mask (1, 3) must have the shape of idx (1, 2)"),
    (dict(max_new_tokens=-1), "max_new_tokens=-1 must be at least 0"),
    (dict(top_k=0), "top_k=0 must keep at least 1 token"),
])
def test_bad_arguments_are_refused_before_the_first_token(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        stream(Planned(), **{"idx": torch.tensor([[1, 2]]), "max_new_tokens": 5, **arguments})


def test_an_empty_prompt_is_refused():
    with pytest.raises(ValueError, match="2 prompts, each needs at least one token"):
        left_pad([[1], []])
