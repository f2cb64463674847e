"""Samples by step: one a step, reproducible, and no trace in the training that they interrupt."""

import copy
import json

import numpy as np
import pytest

from course_lib.cli import samples
from course_lib.model.config import GPTConfig
from course_lib.model.gpt import GPT
from course_lib.text.dataset import TokenDataset
from course_lib.text.tokenizer import CharTokenizer
from course_lib.training.config import TrainConfig
from course_lib.training.device import seed_everything
from course_lib.training.trainer import Trainer

TEXT = "the cat sat on the mat. " * 20


@pytest.fixture
def trainer(tmp_path):
    tokenizer = CharTokenizer.train(TEXT)
    seed_everything(0)
    shape = dict(context_length=16, n_layer=1, n_head=2, n_embd=8, dropout=0.2)
    model = GPT(GPTConfig(vocab_size=tokenizer.vocab_size, **shape))
    dataset = TokenDataset(np.array(tokenizer.encode(TEXT)), batch_size=2, context_length=16)
    config = TrainConfig(max_steps=6, batch_size=2, dtype="float32", threads=1)
    return Trainer(model, dataset, config, out=tmp_path / "run", tokenizer=tokenizer)


def losses(trainer, *, sampling):
    found = []
    for record in trainer:
        found.append(record["loss"])
        if sampling:
            samples.keep_sample(trainer, max_new_tokens=20)
    return found


def test_sampling_leaves_training_as_it_would_have_been(trainer, tmp_path):
    next(iter(trainer))  # so that the data has a position to come back to
    state, weights = copy.deepcopy(trainer.state()), {k: v.clone() for k, v in trainer.model.state_dict().items()}
    undisturbed = losses(trainer, sampling=False)
    trainer.model.load_state_dict(weights)
    trainer.restore(state)
    assert losses(trainer, sampling=True) == undisturbed


def test_samples_are_kept_in_order_and_cut_like_the_metrics(trainer):
    for step in (2, 4, 6):
        trainer.step = step
        samples.keep_sample(trainer, max_new_tokens=5)
    samples.cut_samples(trainer.out, 4)
    assert [sample["step"] for sample in samples.read_samples(trainer.out)] == [2, 4]
    again = samples.keep_sample(trainer, max_new_tokens=5)
    kept = samples.read_samples(trainer.out)
    assert kept[0]["text"] == kept[-1]["text"] == again  # the same weights write the same text
    assert json.loads((trainer.out / samples.FILE).read_text().splitlines()[-1]) == {"step": 6, "text": again}


def test_a_folder_without_samples_and_a_model_without_an_end_of_text(trainer, tmp_path):
    assert samples.read_samples(tmp_path) == []
    samples.cut_samples(tmp_path, 3)
    assert list(tmp_path.glob(samples.FILE)) == []
    trainer.tokenizer = None
    assert samples.keep_sample(trainer) == "" and not (trainer.out / samples.FILE).exists()
