"""The bar: what it says about speed, and about a run that had to adapt."""

import numpy as np
import pytest
import torch

from course_lib.cli.drain import Speed, drain
from course_lib.cli.samples import keep_sample
from course_lib.model.config import GPTConfig
from course_lib.model.gpt import GPT
from course_lib.text.dataset import TokenDataset
from course_lib.text.tokenizer import CharTokenizer
from course_lib.training.config import TrainConfig
from course_lib.training.trainer import Trainer

TEXT = "the cat sat on the mat. " * 20


@pytest.fixture
def start(tmp_path):
    """A run of a few steps in tmp_path/run."""
    def start(**changes):
        torch.manual_seed(1)
        tokenizer = CharTokenizer.train(TEXT)
        model = GPT(GPTConfig(vocab_size=tokenizer.vocab_size, context_length=16, n_layer=1, n_head=2, n_embd=8,
                              tied_head=False))
        ids = np.array(tokenizer.encode(TEXT))
        config = TrainConfig(**{"max_steps": 4, "batch_size": 4, "dtype": "float32", "device": "cpu", "threads": 1,
                                "eval_every": 2, **changes})
        return Trainer(model, TokenDataset(ids, batch_size=4, context_length=16), config, out=tmp_path / "run",
                       tokenizer=tokenizer, held_out=ids[:40])
    return start


def said(speed, seconds):
    """What is said after steps of 100 tokens that end at these seconds."""
    return [speed.after({"tokens": 100 * number, "seconds": end}) for number, end in enumerate(seconds, 1)]


def test_the_first_steps_in_which_a_compiler_works_do_not_count():
    assert said(Speed(), [60, 90, 91, 92, 93]) == ["", ""] + [", 100 tokens/s"] * 3


def test_it_is_the_speed_of_now_and_a_resumed_run_begins_anew():
    times = [*range(1, 61), *(60 + k / 10 for k in range(1, 62))]
    assert said(Speed(steps=20), times)[-1] == ", 1,000 tokens/s"
    assert said(Speed(), [5000, 5001, 5001.5]) == ["", "", ", 200 tokens/s"]


def test_a_clock_that_stands_still_is_no_error():
    assert said(Speed(), [1, 1, 1])[-1].endswith("tokens/s")


def test_what_was_changed_is_written_beside_the_bar(start, capsys):
    trainer = start()
    forward = trainer.model.forward

    def narrow(idx, **options):
        if len(idx) > 1 and torch.is_grad_enabled():
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return forward(idx, **options)

    trainer.model.forward = narrow
    drain(trainer, [])
    out = capsys.readouterr().out
    assert "4 windows at once do not fit the memory of this cpu; going on with 2 at once" in out
    assert "2 windows at once do not fit" in out and "step      4" in out and trainer.step == 4


def test_samples_of_a_compiled_run_are_written_uncompiled(start, monkeypatch):
    """Each length of the cache would be compiled again, up to torch's limit of eight."""
    compiled = []

    def backend(graph, inputs):
        compiled.append(inputs)
        return graph.forward

    plain = torch.compile
    monkeypatch.setattr(torch, "compile", lambda model=None, **options: plain(model, **options | {"backend": backend}))
    trainer = start(compile=True, max_steps=1)
    trainer.train_step()
    with torch.no_grad():  # so that it does not end at once
        trainer.model.head.weight *= 1000
        trainer.model.head.weight[trainer.tokenizer.end_of_text] = 0
    before, tokens = len(compiled), []
    trainer.model.blocks[0].register_forward_hook(lambda module, inputs, out: tokens.append(out))
    keep_sample(trainer, max_new_tokens=20)
    assert before > 0 and len(tokens) > 3 and len(compiled) == before
