"""A model, a tokenizer and ids, small enough that a whole run takes a fraction of a second."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

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
        return TrainConfig(**{"max_steps": 6, "batch_size": 4, "dtype": "float32", "threads": 1, **changes})

    return SimpleNamespace(tokenizer=tokenizer, ids=ids, model=model, dataset=dataset, config=config)
