"""How the learning rate changes over a run. Derived in lesson 05 (training)."""

import math

from course_lib.training.config import TrainConfig


def lr_at(step: int, config: TrainConfig) -> float:
    r"""Learning rate of update number `step`, counted from 1 to `max_steps`; 0 is before the first.

    Both schedules rise in a straight line to `max_lr` at `warmup_steps` and end with `min_lr` at `max_steps`:

    - cosine (Loshchilov and Hutter 2017, arXiv 1608.03983, one period): half a cosine in between,
      $\text{min} + (\text{max} - \text{min}) (1 + \cos \pi p) / 2$ with p from 0 to 1;
    - wsd, warm-up–stable–decay (Hu et al. 2024, arXiv 2404.06395, §4): stay at `max_lr`, then fall in a
      straight line during the last `decay_fraction` of the run. Elsewhere: trapezoidal schedule.
    """
    if step < config.warmup_steps:
        return config.max_lr * step / config.warmup_steps
    if config.schedule == "cosine":
        start = config.warmup_steps
        height = (1 + math.cos(math.pi * _progress(step, start, config.max_steps))) / 2
    else:
        start = max(config.warmup_steps, round(config.max_steps * (1 - config.decay_fraction)))
        height = 1 - _progress(step, start, config.max_steps)
    return config.min_lr + (config.max_lr - config.min_lr) * height


def _progress(step: int, start: int, end: int) -> float:
    """0 up to `start`, 1 from `end` on, a straight line in between."""
    return min(max((step - start) / max(end - start, 1), 0.0), 1.0)
