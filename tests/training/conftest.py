"""A model, a tokenizer and ids, small enough that a whole run takes a fraction of a second."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.model.config import GPTConfig
from course_lib.model.gpt import GPT
from course_lib.text.dataset import TokenDataset
from course_lib.text.tokenizer import CharTokenizer
from course_lib.training.config import TrainConfig


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def small():
    """Makers of the parts of a run; each call makes equal new ones."""
    tokenizer = CharTokenizer.train("abcdefghijklmnopqrstuvwxyz .")
    ids = np.random.default_rng(0).integers(0, tokenizer.vocab_size - 1, 3000)

    def model(**changes):
        torch.manual_seed(0)
        shape = dict(vocab_size=tokenizer.vocab_size, context_length=16, n_layer=2, n_head=2, n_embd=16)
        return GPT(GPTConfig(**{**shape, **changes}))

    def dataset(**changes):
        return TokenDataset(ids, **{"batch_size": 4, "context_length": 16, "seed": 3, **changes})

    def config(**changes):
        return TrainConfig(**{"max_steps": 6, "batch_size": 4, "dtype": "float32", "device": "cpu", "threads": 1,
                              **changes})

    return SimpleNamespace(tokenizer=tokenizer, ids=ids, model=model, dataset=dataset, config=config)


@pytest.fixture
def problem():
    """A small net in float64, and a function that fills its gradients from fresh data."""
    torch.manual_seed(2)
    net = nn.Sequential(nn.Linear(6, 10), nn.Tanh(), nn.Linear(10, 10), nn.Tanh(), nn.Linear(10, 3)).double()

    def fill(model, step):
        x = torch.randn(8, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(step))
        model.zero_grad()
        y = model(x)
        (y.square().mean() + y.sum() / 50).backward()

    return net, fill


@pytest.fixture
def race(problem):
    """Trains two copies of the net: (largest distance between their parameters in the end, how far they went)."""
    net, fill = problem

    def run(ours, theirs, steps, *, matrices_only=False):
        copies = [copy.deepcopy(net) for _ in range(2)]
        chosen = [[p for p in each.parameters() if p.ndim == 2 or not matrices_only] for each in copies]
        optimizers = [build(params) for build, params in zip((ours, theirs), chosen, strict=True)]
        for step in range(steps):
            for optimizer, each in zip(optimizers, copies, strict=True):
                optimizer.param_groups[0]["lr"] = 0.01 / (1 + step / 50)
                fill(each, step)
                optimizer.step()
        far = max((p - q).abs().max().item() for p, q in zip(*chosen, strict=True))
        went = max((p - q).abs().max().item() for p, q in zip(copies[0].parameters(), net.parameters(), strict=True))
        return far, went

    return run
