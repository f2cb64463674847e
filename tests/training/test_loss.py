import math

import numpy as np
import pytest
import torch

from course_lib.training.loss import NonFiniteLoss, bits_per_byte, next_token_loss


@pytest.fixture
def batch():
    rng = np.random.default_rng(1)
    logits, targets = rng.normal(size=(3, 5, 11)) * 3, rng.integers(0, 11, (3, 5))
    targets[0, 2:] = targets[2, 4] = -1
    return logits, targets


def test_it_is_the_mean_log_probability_of_the_asked_targets(batch):
    logits, targets = batch
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    nats = [-math.log(p[b, t, targets[b, t]]) for b in range(3) for t in range(5) if targets[b, t] != -1]
    loss = next_token_loss(torch.tensor(logits), torch.tensor(targets))
    assert loss.dtype == torch.float64 and loss.item() == pytest.approx(np.mean(nats), rel=1e-12)


def test_parts_add_up_to_the_whole(batch):
    logits, targets = map(torch.tensor, batch)
    n = int((targets != -1).sum())
    parts = sum(next_token_loss(logits[b:b + 1], targets[b:b + 1], n_targets=n) for b in range(3))
    torch.testing.assert_close(parts, next_token_loss(logits, targets), rtol=1e-12, atol=0)


def test_half_precision_logits_are_summed_in_full(batch):
    logits, targets = map(torch.tensor, batch)
    half = logits.bfloat16()
    loss = next_token_loss(half, targets)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss.double(), next_token_loss(half.double(), targets), rtol=1e-6, atol=0)


def test_without_targets_it_is_zero_and_pulls_nowhere(batch):
    logits = torch.tensor(batch[0], requires_grad=True)
    loss = next_token_loss(logits, torch.full((3, 5), -1))
    loss.backward()
    assert loss.item() == 0 and not logits.grad.any()


def test_a_uniform_guess_among_bytes_costs_eight_bits():
    assert bits_per_byte(1000 * math.log(256), 1000) == pytest.approx(8)
    with pytest.raises(ValueError, match="n_bytes=0"):
        bits_per_byte(1.0, 0)


def test_a_breakdown_says_where_and_what_to_try():
    error = NonFiniteLoss(step=12, loss=math.nan, grad_norm=math.inf, last_checkpoint="runs/a/step-000010",
                          dtype="bfloat16")
    for part in ("step 12", "nan", "inf", "runs/a/step-000010", "lower max_lr", "dtype='float32'"):
        assert part in str(error)
