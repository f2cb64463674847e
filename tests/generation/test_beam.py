"""Beam search: all texts tried by brute force, transformers' beams on the same weights, greedy decoding as one beam."""

import itertools
import math

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from course_lib.generation.beam import beam_search, best_possible, gnmt_norm, next_log_probs, power_norm
from course_lib.generation.generate import generate
from course_lib.model.config import GPTConfig
from course_lib.model.gpt import GPT
from course_lib.model.pretrained import gpt2_config, gpt2_weights, load_weights


def table(seed, vocab_size=4, sharpness=2.0):
    """A stand-in model: log-probabilities drawn anew, but always the same, for every text."""
    def log_probs(idx):
        rows = [torch.randn(vocab_size, dtype=torch.float64, generator=torch.Generator().manual_seed(
            hash((seed, *row)) % 2**31)) for row in idx.tolist()]
        return (sharpness * torch.stack(rows)).log_softmax(-1)
    return log_probs


def all_texts(log_probs, prompt, longest, stop, vocab_size=4):
    """Every text that ends with the stop id or is `longest` long, with its log-probability."""
    for length in range(1, longest + 1):
        for ids in itertools.product(range(vocab_size), repeat=length):
            if stop in ids[:-1] or (length < longest and ids[-1] != stop):
                continue
            yield list(ids), sum(log_probs(torch.tensor([prompt + list(ids[:t])]))[0, ids[t]].item()
                                 for t in range(length))


@pytest.mark.parametrize("norm, alpha", [(power_norm, 0.0), (power_norm, 1.0), (power_norm, -1.0), (gnmt_norm, 0.7)])
def test_many_beams_find_the_best_of_all_texts(norm, alpha):
    log_probs, prompt = table(1), [2, 3]
    texts = all_texts(log_probs, prompt, 4, stop=0)
    expected = sorted(((log_prob / norm(len(ids), alpha), ids) for ids, log_prob in texts), reverse=True)
    found, _ = beam_search(log_probs, prompt, n_beam=64, max_new_tokens=4, stop_ids=[0], alpha=alpha, norm=norm)
    assert [hypothesis.ids for hypothesis in found] == [ids for _, ids in expected[:64]]
    for hypothesis, (score, _) in zip(found, expected, strict=False):
        assert hypothesis.score == pytest.approx(score, abs=1e-12)
        assert hypothesis.score == pytest.approx(hypothesis.log_prob / norm(len(hypothesis.ids), alpha), abs=1e-12)


def test_few_beams_may_miss_the_best_and_more_find_it():
    """Of 40 random models, greedy decoding misses the most probable text most often, two beams less, eight rarely."""
    missed = dict.fromkeys((1, 2, 8), 0)
    for seed in range(40):
        best = max(lp for _, lp in all_texts(table(seed), [1], 4, 0))
        for n_beam in missed:
            found, _ = beam_search(table(seed), [1], n_beam=n_beam, max_new_tokens=4, stop_ids=[0])
            assert found[0].log_prob <= best + 1e-12
            missed[n_beam] += found[0].log_prob < best - 1e-12
    assert missed[1] > missed[2] > missed[8]


@pytest.fixture(scope="module")
def pair():
    torch.manual_seed(0)
    theirs = GPT2LMHeadModel(GPT2Config(vocab_size=13, n_positions=32, n_layer=2, n_head=4, n_embd=32,
                                        bos_token_id=None, eos_token_id=None))
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(0.25 * torch.randn_like(parameter))
    ours = GPT(gpt2_config(theirs.config.to_dict()))
    load_weights(ours, gpt2_weights(theirs.state_dict()))
    return ours.double().eval(), theirs.double().eval()


@pytest.mark.parametrize("alpha", [-0.5, 0.0, 0.7, 1.0, 2.0])
@pytest.mark.parametrize("n_beam, stop_ids", [(2, [5]), (3, [5]), (6, [5]), (4, [5, 7]), (3, [])])
def test_beams_are_transformers(pair, n_beam, stop_ids, alpha):
    ours, theirs = pair
    for prompt in ([1, 2, 3], [4], [8, 8, 11, 0, 12]):
        out = theirs.generate(torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt)), do_sample=False,
                              num_beams=n_beam, num_return_sequences=n_beam, length_penalty=alpha,
                              early_stopping="never", eos_token_id=stop_ids or None, pad_token_id=12,
                              max_new_tokens=9, return_dict_in_generate=True, output_scores=True)
        found, tree = beam_search(next_log_probs(ours), prompt, n_beam=n_beam, max_new_tokens=9,
                                  stop_ids=stop_ids, alpha=alpha)
        for hypothesis, ids, score in zip(found, out.sequences.tolist(), out.sequences_scores.tolist(), strict=True):
            assert hypothesis.ids == ids[len(prompt):][:len(hypothesis.ids)] == tree.path(hypothesis.node)
            assert set(ids[len(prompt):][len(hypothesis.ids):]) <= {12}
            assert hypothesis.score == pytest.approx(score, abs=2e-5)  # theirs adds up in float32


def test_beams_end_early_somewhere(pair):
    """Otherwise the test above would not see the rule for stopping."""
    found, tree = beam_search(next_log_probs(pair[0]), [1, 2, 3], n_beam=4, max_new_tokens=9, stop_ids=[5, 7])
    assert min(len(hypothesis.ids) for hypothesis in found) < 9


def test_one_beam_is_greedy(pair):
    for prompt in ([1, 2, 3], [6], [9, 0]):
        found, _ = beam_search(next_log_probs(pair[0]), prompt, n_beam=1, max_new_tokens=20, stop_ids=[5])
        expected = generate(pair[0], torch.tensor([prompt]), max_new_tokens=20, temperature=0, stop_ids=[5])
        assert prompt + found[0].ids == expected[0].tolist()


def test_the_cache_changes_nothing(pair):
    """Rows in another order, twice, fewer, a text anew, a text longer than the context: as if read from the start."""
    log_probs, generator = next_log_probs(pair[0]), torch.Generator().manual_seed(0)
    idx = torch.randint(13, (3, 28), generator=generator)
    for rows in ([0, 1, 2], [2, 0, 0, 1], [3], [0, 0], [1, 0, 1], [0], [0], [0]):
        idx = torch.cat([idx[rows], torch.randint(13, (len(rows), 1), generator=generator)], dim=1)
        torch.testing.assert_close(log_probs(idx), pair[0](idx[:, -32:])[:, -1].log_softmax(-1))
    assert idx.shape[1] > 32
    torch.testing.assert_close(log_probs(idx[:, :5]), pair[0](idx[:, :5])[:, -1].log_softmax(-1))


def test_the_cache_is_used(pair):
    read = []
    handle = pair[0].register_forward_pre_hook(lambda module, arguments: read.append(arguments[0].shape[1]))
    try:
        beam_search(next_log_probs(pair[0]), [1, 2, 3, 4], n_beam=3, max_new_tokens=6)
    finally:
        handle.remove()
    assert read == [4, 1, 1, 1, 1, 1]


def test_the_tree_holds_what_was_looked_at():
    log_probs = table(3)
    found, tree = beam_search(log_probs, [1], n_beam=2, max_new_tokens=3, stop_ids=[0])
    assert all(parent < node for node, parent in enumerate(tree.parents))
    for node, log_prob in enumerate(tree.log_probs):
        ids = tree.path(node)
        expected = sum(log_probs(torch.tensor([[1, *ids[:t]]]))[0, token].item() for t, token in enumerate(ids))
        assert log_prob == pytest.approx(expected, abs=1e-12)
    assert {parent for parent in tree.parents if parent >= 0} <= {n for n, kept in enumerate(tree.kept) if kept}
    assert all(tree.kept[hypothesis.node] for hypothesis in found) and not all(tree.kept)
    assert sum(tree.kept[n] for n, parent in enumerate(tree.parents) if parent < 0) >= 2


@pytest.mark.parametrize("by", [0.0, 1e-15, -1e-15, 1e-7, -1e-7])
def test_equally_probable_texts_come_in_one_order_however_they_round(by):
    """Each place takes 1 or 2, with the same chances whatever stands before: 1 2 2, 2 1 2 and 2 2 1 are equal."""
    def log_probs(idx):
        away = 1 + by * (idx.sum(dim=1, keepdim=True) % 3 - 1)  # each text rounds in its own way
        return torch.tensor([[0.0, 0.6, 0.4]], dtype=torch.float64).log() * away

    found, tree = beam_search(log_probs, [1], n_beam=8, max_new_tokens=3)
    assert ["".join(map(str, text.ids)) for text in found] == ["111", "112", "121", "211", "122", "212", "221", "222"]
    assert [tree.path(text.node) for text in found] == [text.ids for text in found]
    few, _ = beam_search(log_probs, [1], n_beam=3, max_new_tokens=3)
    assert ["".join(map(str, text.ids)) for text in few] == ["111", "112", "121"]


def test_impossible_tokens_are_never_taken():
    def only_two(idx):
        return torch.tensor([[-math.inf, math.log(0.4), math.log(0.6)]]).expand(len(idx), 3)

    found, _ = beam_search(only_two, [1], n_beam=5, max_new_tokens=2)
    assert sorted(hypothesis.ids for hypothesis in found) == [[1, 1], [1, 2], [2, 1], [2, 2]]
    assert found[0].ids == [2, 2] and found[0].log_prob == pytest.approx(2 * math.log(0.6), abs=1e-6)


def test_norms_by_hand():
    assert power_norm(9, 0.5) == 3 and gnmt_norm(7, 2.0) == 4 and gnmt_norm(1, 0.6) == 1
    assert best_possible(-6.0, 2, 3, 1.0) == -2 and best_possible(-6.0, 2, 3, -1.0) == -12


@pytest.mark.parametrize("changes", [dict(n_beam=0), dict(max_new_tokens=0), dict(prompt=[])])
def test_doors(changes):
    with pytest.raises(ValueError, match="must all be at least 1"):
        beam_search(table(0), **dict(prompt=[1], n_beam=2, max_new_tokens=3) | changes)


def test_nothing_possible_is_an_error():
    with pytest.raises(ValueError, match="after 1 tokens every continuation has probability 0; .* n_beam=2"):
        beam_search(lambda idx: torch.full((len(idx), 4), -torch.inf), [1], n_beam=2, max_new_tokens=3)


def test_the_mode_and_gradients_are_left_alone():
    torch.manual_seed(0)
    model = GPT(GPTConfig(vocab_size=7, context_length=8, n_layer=1, n_head=2, n_embd=8, dropout=0.5)).train()
    first, second = (beam_search(next_log_probs(model), [1], n_beam=2, max_new_tokens=4)[0] for _ in range(2))
    assert first == second and model.training and model.blocks[0].training
