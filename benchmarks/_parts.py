"""Where a training step's time goes: each part alone, forwards and backwards, on tensors of the real shapes."""

import statistics
import time
from collections.abc import Callable

import torch

from course_lib.training.device import autocast
from course_lib.training.loss import next_token_loss

ROUNDS = 15


def milliseconds(work: Callable[[], object]) -> float:
    """The median time of ROUNDS calls, after two to warm up."""
    took = []
    for _ in range(ROUNDS + 2):
        start = time.perf_counter()
        work()
        took.append(1e3 * (time.perf_counter() - start))
    return statistics.median(took[2:])


def parts_of_a_step(trainer) -> dict[str, float]:
    """Milliseconds a step of each part; what is missing from the whole is residual additions and bookkeeping."""
    model, config = trainer.model.train(), trainer.config
    B, T, C = config.batch_size, trainer.dataset.context_length, model.config.n_embd
    dtype = getattr(torch, config.dtype)
    idx, targets = (torch.from_numpy(side) for side in next(trainer.batches))
    rotation = model.position.rotation(torch.arange(T))
    block, L = model.blocks[0], model.config.n_layer

    def both_ways(part: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[], None]:
        x = torch.randn(B, T, C, dtype=dtype, requires_grad=True)

        def work():
            with autocast(trainer.device, config.dtype):
                y = part(x)
            y.backward(torch.ones_like(y))
        return work

    def head(x):
        return next_token_loss(torch.nn.functional.linear(x, model.head_weight), targets)

    def step_optimizers():
        for optimizer in trainer.optimizers:
            optimizer.step()

    def whole_step():
        with autocast(trainer.device, config.dtype):
            logits = model(idx)
        next_token_loss(logits, targets).backward()
        step_optimizers()

    found = {
        "attention": L * milliseconds(both_ways(lambda x: block.attention(x, rotation=rotation))),
        "feed-forward": L * milliseconds(both_ways(block.feedforward)),
        "norms": (2 * L + 1) * milliseconds(both_ways(block.attention_norm)),
        "head and loss": milliseconds(both_ways(head)),
        "optimizer": milliseconds(step_optimizers),
        "data": milliseconds(lambda: next(trainer.batches)),
    }
    return found | {"whole step": milliseconds(whole_step)}


def seconds_by_part(trainers: dict) -> str:
    """The table: one row for each model, one column for each part, milliseconds a step."""
    found = {name: parts_of_a_step(trainer) for name, trainer in trainers.items()}
    columns = list(next(iter(found.values())))
    lines = [f"| milliseconds a step | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for name, parts in found.items():
        lines.append(f"| `{name}` | {' | '.join(f'{parts[column]:.2f}' for column in columns)} |")
    return "\n".join(lines)
