"""Penalties, against transformers' processors, against counting by hand, and with padding that must not count."""

import re
from collections import Counter

import pytest
import torch
from transformers import NoRepeatNGramLogitsProcessor, RepetitionPenaltyLogitsProcessor

from course_lib.generation.penalties import (
    PENALTIES,
    adjust_with,
    count_tokens,
    frequency_penalty,
    no_repeat_ngram,
    penalize,
    presence_penalty,
    repetition_penalty,
)

SETTINGS = {"repetition_penalty": 1.3, "frequency_penalty": 0.4, "presence_penalty": 0.7, "no_repeat_ngram": 2}


@pytest.fixture
def logits():
    return 3 * torch.randn(20, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def idx():
    return torch.randint(6, (20, 9), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("penalty", [0.5, 1.0, 1.2, 3.0])
def test_repetition_penalty_is_transformers(logits, idx, penalty):
    expected = RepetitionPenaltyLogitsProcessor(penalty)(idx, logits)
    torch.testing.assert_close(repetition_penalty(logits, idx, penalty), expected, rtol=1e-14, atol=0)
    assert (penalty == 1) == torch.equal(expected, logits)


@pytest.mark.parametrize("order", [1, 2, 3, 9, 10])
def test_no_repeat_ngram_is_transformers(logits, idx, order):
    idx = idx % 4
    ours, theirs = no_repeat_ngram(logits, idx, order), NoRepeatNGramLogitsProcessor(order)(idx, logits)
    assert torch.equal(ours, theirs)
    assert ours.isneginf().any() == (order < 9)


def test_frequency_and_presence_by_counting(logits, idx):
    frequency, presence = frequency_penalty(logits, idx, 0.4), presence_penalty(logits, idx, -0.7)
    for row in range(20):
        counts = Counter(idx[row].tolist())
        for token in range(6):
            before = logits[row, token].item()
            assert frequency[row, token].item() == pytest.approx(before - 0.4 * counts[token], abs=1e-14)
            assert presence[row, token].item() == pytest.approx(before + 0.7 * (token in counts), abs=1e-14)


def test_counts_are_bincounts(idx):
    assert torch.equal(count_tokens(idx, 6), torch.stack([row.bincount(minlength=6) for row in idx]))


@pytest.mark.parametrize("name", PENALTIES)
def test_padding_does_not_count(logits, idx, name):
    """Whatever stands in the padding, each row is as if alone."""
    starts = torch.arange(20) % 9
    padding_mask = torch.arange(9) >= starts[:, None]
    together = PENALTIES[name](logits, idx, SETTINGS[name], padding_mask)
    for row, start in enumerate(starts):
        alone = PENALTIES[name](logits[row:row + 1], idx[row:row + 1, start:], SETTINGS[name])
        assert torch.equal(together[row:row + 1], alone)


def test_a_token_for_padding_may_be_a_real_one():
    """Padding 0, then 5, then a real 0: no pair (0, 5) was said, so 5 may follow."""
    idx, padding_mask = torch.tensor([[0, 5, 0]]), torch.tensor([[False, True, True]])
    assert no_repeat_ngram(torch.zeros(1, 8), idx, 2, padding_mask).isfinite().all()
    assert no_repeat_ngram(torch.zeros(1, 8), idx, 2)[0].isneginf().nonzero().tolist() == [[5]]


def test_where_all_is_forbidden_nothing_is():
    logits = torch.tensor([[1.0, 2.0], [1.0, 2.0]])
    assert no_repeat_ngram(logits, torch.tensor([[0, 1], [0, 0]]), 1).tolist() == [[1, 2], [-torch.inf, 2]]


def test_penalize_is_one_after_the_other(logits, idx):
    expected = logits
    for name in ("repetition_penalty", "frequency_penalty", "presence_penalty", "no_repeat_ngram"):
        expected = PENALTIES[name](expected, idx, SETTINGS[name])
    assert torch.equal(penalize(logits, idx, **dict(reversed(SETTINGS.items()))), expected)
    assert penalize(logits, idx, repetition_penalty=None) is logits


@pytest.mark.parametrize("written", [0, 3])
def test_adjust_with_counts_all_that_follows_the_prompts(logits, idx, written):
    padding_mask = torch.arange(9 - written) >= (torch.arange(20) % (9 - written))[:, None]
    counted = torch.cat([padding_mask, torch.ones(20, written, dtype=torch.bool)], dim=1)
    adjusted = adjust_with(padding_mask, **SETTINGS)(logits, idx)
    assert torch.equal(adjusted, penalize(logits, idx, padding_mask=counted, **SETTINGS))
    assert torch.equal(adjust_with(**SETTINGS)(logits, idx), penalize(logits, idx, **SETTINGS))
    assert not torch.equal(adjusted, penalize(logits, idx, **SETTINGS))


def test_adjust_with_refuses_at_once():
    with pytest.raises(ValueError, match="repetition_penalty=0 must be above 0"):
        adjust_with(repetition_penalty=0)


def test_only_the_repetition_penalty_depends_on_where_zero_is(logits, idx):
    for name, rule in PENALTIES.items():
        probs = [rule(logits + shift, idx, SETTINGS[name]).softmax(-1) for shift in (0, 5)]
        assert torch.allclose(*probs, atol=1e-12) == (name != "repetition_penalty")


def test_arguments_are_left_alone(logits, idx):
    before = logits.clone(), idx.clone()
    penalize(logits, idx, padding_mask=idx > 0, **SETTINGS)
    assert torch.equal(logits, before[0]) and torch.equal(idx, before[1])


@pytest.mark.parametrize("penalties, error, message", [
    (dict(repetition_penalty=0), ValueError, "repetition_penalty=0 must be above 0"),
    (dict(no_repeat_ngram=0), ValueError, "no_repeat_ngram=0 must be at least 1 token"),
    (dict(repetition=1.2), TypeError, "unknown penalties ['repetition']; there are ['repetition_penalty', "),
])
def test_doors(logits, idx, penalties, error, message):
    with pytest.raises(error, match=re.escape(message)):
        penalize(logits, idx, **penalties)
