"""The sampling rules, against their definitions and against transformers' logits processors."""

import math
import re

import numpy as np
import pytest
import torch
from transformers import (
    MinPLogitsWarper,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
    TypicalLogitsWarper,
)

from course_lib.generation.sampling import min_p, next_probs, sample_next, temperature, top_k, top_p, typical_p


@pytest.fixture
def logits():
    return 3 * torch.randn(50, 40, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("ours, theirs, values", [
    (temperature, TemperatureLogitsWarper, (0.5, 1.7)),
    (top_k, TopKLogitsWarper, (1, 7, 100)),
    (top_p, TopPLogitsWarper, (0.1, 0.5, 0.9, 0.99)),
    (min_p, MinPLogitsWarper, (0.01, 0.2, 1.0)),
    (typical_p, TypicalLogitsWarper, (0.05, 0.3, 0.7, 0.95)),
])
def test_each_rule_is_transformers(logits, ours, theirs, values):
    for value in values:
        torch.testing.assert_close(ours(logits, value), theirs(value)(None, logits), rtol=1e-12, atol=0)


def test_rules_are_applied_in_transformers_order(logits):
    expected = logits
    for warper in (TemperatureLogitsWarper(0.7), TopKLogitsWarper(20), TopPLogitsWarper(0.9), MinPLogitsWarper(0.05),
                   TypicalLogitsWarper(0.6)):
        expected = warper(None, expected)
    probs = next_probs(logits, typical_p=0.6, min_p=0.05, top_p=0.9, top_k=20, temperature=0.7)
    torch.testing.assert_close(probs, expected.softmax(-1), rtol=1e-12, atol=0)


@pytest.mark.parametrize("p", [0.05, 0.3, 0.8, 0.95, 1.0])
def test_top_p_is_the_smallest_set_that_reaches_p(p):
    """Among all 2^6 subsets, the smallest with probability at least p; of these the most probable."""
    generator = torch.Generator().manual_seed(0)
    for logits in 2 * torch.randn(20, 6, dtype=torch.float64, generator=generator):
        probs = logits.softmax(-1)
        subsets = [[i for i in range(6) if code >> i & 1] for code in range(1, 64)]
        enough = [subset for subset in subsets if probs[subset].sum() >= p - 1e-12]
        best = min(enough, key=lambda subset: (len(subset), -probs[subset].sum()))
        assert top_p(logits[None], p)[0].isfinite().nonzero()[:, 0].tolist() == best


def test_top_p_takes_the_smaller_id_of_equals():
    assert top_p(torch.zeros(1, 4), 0.5)[0].isfinite().tolist() == [True, True, False, False]


@pytest.mark.parametrize("ulps", [-2, -1, 0, 1, 2])
def test_bounds_that_are_met_but_for_rounding_are_met(ulps):
    probs = torch.tensor([[0.45, 0.25, 0.15, 0.1, 0.05]])
    probs = torch.tensor(probs.numpy() + ulps * np.spacing(probs.numpy()))
    assert top_p(probs.log(), 0.7).isfinite().tolist() == [[True, True, False, False, False]]
    assert top_p(probs.log(), 0.85).isfinite().tolist() == [[True, True, True, False, False]]
    assert min_p(probs.log(), 1 / 3).isfinite().tolist() == [[True, True, True, False, False]]
    assert typical_p(probs.log(), 0.25).isfinite().sum() == 1, "the most typical, 0.25, is enough"


def test_at_one_no_token_is_dropped_however_small():
    logits = torch.cat([torch.zeros(1, 500), torch.full((1, 9), -30.0)], dim=1)
    assert top_p(logits, 1.0).isfinite().all() and typical_p(logits, 1.0).isfinite().all()


def test_top_k_keeps_all_equals_of_the_last():
    assert top_k(torch.tensor([[3.0, 1.0, 1.0, 0.0]]), 2)[0].isfinite().tolist() == [True, True, True, False]


def test_min_p_by_hand():
    logits = torch.tensor([[0.6, 0.25, 0.1, 0.05]]).log()
    assert min_p(logits, 0.2)[0].isfinite().tolist() == [True, True, False, False]


def test_the_most_probable_token_need_not_be_typical():
    """It goes where the others' surprise is nearer to the entropy."""
    probs = torch.tensor([[0.6, 0.1, 0.1, 0.1, 0.1]], dtype=torch.float64)  # 0.74 bits, 3.32 bits; entropy 1.77
    assert typical_p(probs.log(), 0.5)[0].isfinite().tolist() == [True, False, False, False, False]
    probs = torch.tensor([[0.4, 0.2, 0.2, 0.1, 0.1]], dtype=torch.float64)  # 1.32, 2.32, 3.32 bits; entropy 2.12
    assert typical_p(probs.log(), 0.3)[0].isfinite().tolist() == [False, True, True, False, False]


def test_all_is_typical_at_one(logits):
    assert torch.equal(typical_p(logits, 1.0), logits)


def test_temperature_by_hand():
    logits = torch.tensor([[math.log(4.0), 0.0]], dtype=torch.float64)
    torch.testing.assert_close(next_probs(logits, temperature=0.5), torch.tensor([[16 / 17, 1 / 17]]).double())


def test_temperature_zero_is_argmax(logits):
    expected = logits.argmax(dim=-1)
    assert torch.equal(sample_next(logits, temperature=0), expected)
    assert torch.equal(next_probs(logits, temperature=0), torch.nn.functional.one_hot(expected, 40).double())
    assert sample_next(torch.tensor([[0.0, 1.0, 1.0]]), temperature=0).tolist() == [1]


@pytest.mark.parametrize("sampling", [
    {}, dict(temperature=0.5), dict(top_k=3), dict(top_p=0.7), dict(min_p=0.3), dict(typical_p=0.5),
    dict(temperature=2.0, top_k=5, top_p=0.9)])
def test_frequencies_are_the_probabilities(sampling):
    """Chi-squared of 40 000 draws; a correct sampler exceeds the limit (p = 0.001) once in a thousand seeds."""
    logits = torch.tensor([0.0, 1.0, 2.0, 0.5, -1.0, 1.5, 0.0, -3.0])
    n, generator = 40_000, torch.Generator().manual_seed(3)
    counts = sample_next(logits.expand(n, 8), generator=generator, **sampling).bincount(minlength=8)
    probs = next_probs(logits[None], **sampling)[0]
    assert not counts[probs == 0].any()
    possible = probs > 0
    chi_squared = ((counts - n * probs)[possible] ** 2 / (n * probs[possible])).sum().item()
    limit = {1: 10.83, 2: 13.82, 3: 16.27, 4: 18.47, 5: 20.52, 6: 22.46, 7: 24.32}[int(possible.sum()) - 1]
    assert chi_squared < limit


def test_a_generator_makes_draws_repeatable(logits):
    draws = [sample_next(logits, generator=torch.Generator().manual_seed(seed)) for seed in (5, 5, 6)]
    assert torch.equal(draws[0], draws[1]) and not torch.equal(draws[0], draws[2])


@pytest.mark.parametrize("sampling, message", [
    (dict(temperature=-1), "temperature=-1 must be above 0"),
    (dict(top_k=0), "top_k=0 must keep at least 1 token"),
    (dict(top_p=0.0), "top_p=0.0 must be above 0 and at most 1"),
    (dict(top_p=1.5), "top_p=1.5 must be above 0 and at most 1"),
    (dict(min_p=2), "min_p=2 must be above 0 and at most 1"),
    (dict(typical_p=0), "typical_p=0 must be above 0 and at most 1"),
])
def test_settings_out_of_range_are_refused(logits, sampling, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        sample_next(logits, **sampling)
    with pytest.raises(ValueError):
        next_probs(logits, **{"temperature": 0, **sampling})
