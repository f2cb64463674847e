import numpy as np
import pytest
import torch

from course_lib.training.config import TrainConfig
from course_lib.training.schedule import lr_at


def test_cosine_is_torchs():
    config = TrainConfig(max_steps=50, batch_size=1, max_lr=0.3, min_lr=0.02, warmup_steps=8)
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.3)
    rise = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: step / 8)
    fall = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=50 - 8, eta_min=0.02)
    both = torch.optim.lr_scheduler.SequentialLR(optimizer, [rise, fall], milestones=[8])
    theirs = []
    for _ in range(50):
        theirs.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        both.step()
    theirs.append(optimizer.param_groups[0]["lr"])
    np.testing.assert_allclose([lr_at(step, config) for step in range(51)], theirs, rtol=1e-12, atol=1e-15)


def test_wsd_is_three_straight_lines():
    config = TrainConfig(max_steps=100, batch_size=1, max_lr=0.3, min_lr=0.03, warmup_steps=10, schedule="wsd",
                         decay_fraction=0.25)
    steps = np.arange(101)
    lines = np.interp(steps, [0, 10, 75, 100], [0, 0.3, 0.3, 0.03])
    np.testing.assert_allclose([lr_at(step, config) for step in steps], lines, rtol=1e-12)


@pytest.mark.parametrize("schedule", ["cosine", "wsd"])
@pytest.mark.parametrize("warmup_steps", [0, 5, 20])
def test_it_starts_high_without_warmup_and_ends_with_min_lr(schedule, warmup_steps):
    config = TrainConfig(max_steps=20, batch_size=1, max_lr=0.3, min_lr=0.01, warmup_steps=warmup_steps,
                         schedule=schedule, decay_fraction=1.0)
    assert lr_at(0, config) == (0.3 if warmup_steps == 0 else 0.0)
    assert lr_at(warmup_steps, config) == 0.3
    if warmup_steps < 20:
        assert lr_at(20, config) == pytest.approx(0.01)
