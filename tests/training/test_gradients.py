"""Memory that does not suffice, numbers beyond float16, compilers that fail: the run goes on, and is the same run."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.training import device as machine
from course_lib.training import loss_scale, ranks
from course_lib.training.fitting import DoesNotFit
from course_lib.training.loss import NonFiniteLoss
from course_lib.training.trainer import Trainer


class Narrow(nn.Module):
    """A model on a device with memory for some windows only, in the forward pass or on the way back."""

    def __init__(self, model, fits, where="forward"):
        super().__init__()
        self.inside, self.fits, self.where, self.asked, self.steps_before = model, fits, where, [], 0

    def forward(self, idx):
        self.asked.append(len(idx))
        if len(idx) > self.fits and self.steps_before == 0:
            if self.where == "forward":
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB.")
            out = self.inside(idx)
            out.register_hook(self.full)
            return out
        self.steps_before = max(0, self.steps_before - 1)
        return self.inside(idx)

    def full(self, gradient):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB.")


def no_time(records):
    return [{key: value for key, value in record.items() if key != "seconds"} for record in records]


@pytest.fixture
def runs(small):
    """A run with room enough and one without, both in float64: (trainers, what the second one said)."""
    def start(fits, *, batch_size=8, where="forward", steps_before=0, **settings):
        said, trainers = [], []
        for narrow in (False, True):
            model = Narrow(small.model().double(), fits if narrow else 10**9, where)
            model.steps_before = steps_before
            settings = {"batch_size": batch_size, "max_steps": 4, "optimizer": "muon", **settings}
            trainers.append(Trainer(model, small.dataset(batch_size=batch_size), small.config(**settings),
                                    held_out=small.ids[:600], say=said.append))
        return *trainers, said
    return start


@pytest.mark.parametrize(("batch_size", "fits", "left"), [(8, 4, 4), (8, 1, 1), (5, 3, 3), (5, 2, 2), (7, 3, 2)])
@pytest.mark.parametrize("accumulation", [1, 3])
@pytest.mark.parametrize("where", ["forward", "backward"])
def test_a_batch_that_does_not_fit_is_cut_and_the_run_is_the_same(runs, batch_size, fits, left, accumulation, where):
    wide, narrow, said = runs(fits, batch_size=batch_size, where=where, accumulation_steps=accumulation, eval_every=2,
                              eval_batches=2)
    ours, theirs = list(narrow), list(wide)
    assert narrow.passes.windows_at_once == left and len(said) == math.ceil(math.log2(batch_size / left))
    assert said[0].startswith(f"{batch_size} windows at once do not fit the memory of this cpu; going on with")
    for key in ("loss", "grad_norm", "held_out_loss"):
        np.testing.assert_allclose([r[key] for r in ours if key in r], [r[key] for r in theirs if key in r], rtol=1e-9)
    assert [r["tokens"] for r in ours] == [r["tokens"] for r in theirs], "no window was skipped or read twice"
    for p, q in zip(narrow.model.parameters(), wide.model.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=0, atol=1e-9)


def test_memory_may_run_out_later_and_in_the_middle_of_an_update(runs):
    """The optimizer takes its share in the first step only; and one of several passes may be the one too many."""
    wide, narrow, said = runs(4, accumulation_steps=3, steps_before=4)
    ours, theirs = no_time(narrow), no_time(wide)
    assert len(said) == 1 and narrow.model.asked[:5] == [8] * 5 and set(narrow.model.asked[5:17]) == {4}
    for one, other in zip(ours, theirs, strict=True):
        assert one == pytest.approx(other, rel=1e-9)


def test_a_resumed_run_keeps_what_it_found(small, tmp_path):
    common = dict(held_out=small.ids[:90], say=lambda text: None)
    settings = dict(max_steps=6, save_every=3, device="cpu")
    straight = Narrow(small.model(), 2)
    list(Trainer(straight, small.dataset(), small.config(**settings), **common))
    begun = Trainer(Narrow(small.model(), 2), small.dataset(), small.config(**settings), out=tmp_path / "run", **common)
    for _ in range(3):
        begun.train_step()
    resumed = Trainer.resume(tmp_path / "run", small.dataset(), config=small.config(**settings),
                             model=Narrow(small.model(), 2), **common)
    list(resumed)
    assert set(resumed.model.asked) == {2}, "four were not tried again"
    assert all(torch.equal(p, q) for p, q in zip(straight.parameters(), resumed.model.parameters(), strict=True))


def test_one_window_too_many_is_said_with_what_it_takes(small):
    model = small.model()
    model.forward = Narrow(small.model(), 0).forward
    trainer = Trainer(model, small.dataset(), small.config(), say=lambda text: None)
    with pytest.raises(DoesNotFit, match="one window of 16 tokens does not fit .* the count of `course plan` 0.0 GB"):
        trainer.train_step()
    assert trainer.step == 0 and all(p.grad is None for p in model.parameters())


def test_several_processes_do_not_change_alone(small, monkeypatch):
    trainer = Trainer(Narrow(small.model(), 2), small.dataset(), small.config())
    monkeypatch.setattr(ranks, "world_size", lambda: 2)
    monkeypatch.setattr(ranks, "rank", lambda: 1)
    monkeypatch.setattr(ranks, "total", lambda number: number)
    with pytest.raises(DoesNotFit, match=r"rank 1: 4 windows .* a new run with .* batch_size=2 \(--batch-size 2\)"):
        trainer.train_step()


def test_where_it_may_not_adapt_the_error_stands(small):
    trainer = Trainer(Narrow(small.model(), 2), small.dataset(), small.config(), adapt=False)
    with pytest.raises(torch.OutOfMemoryError, match="Tried to allocate"):
        trainer.train_step()


def test_an_optimizer_that_does_not_fit_is_said(small):
    def full():
        raise torch.OutOfMemoryError("CUDA out of memory.")

    trainer = Trainer(small.model(), small.dataset(), small.config())
    trainer.optimizers[0].step = full
    with pytest.raises(DoesNotFit, match="the optimizer does not fit the memory of this cpu: .*weights, gradients and"):
        trainer.train_step()


# float16: a CPU computes it, slowly, and its rules are those of a GPU without bf16

@pytest.fixture
def in_float16(monkeypatch):
    monkeypatch.setattr(machine, "has_fast_float16", lambda device: True)


def test_float16_stays_close_to_float32(small, in_float16):
    losses = {dtype: [record["loss"] for record in Trainer(small.model(), small.dataset(), small.config(
        dtype=dtype, optimizer="muon", max_steps=20))] for dtype in ("float32", "float16")}
    np.testing.assert_allclose(losses["float16"], losses["float32"], rtol=0.01)
    assert losses["float16"] != losses["float32"]


def test_too_large_a_scale_is_halved_and_nothing_is_skipped(small, in_float16, monkeypatch):
    fitting = Trainer(small.model(), small.dataset(), small.config(dtype="float16"))
    monkeypatch.setattr(loss_scale, "FIRST", 2.0**40)
    large = Trainer(small.model(), small.dataset(), small.config(dtype="float16"))
    ours, theirs = no_time(large), no_time(fitting)
    assert 1 < large.passes.loss_scale.scale < 2.0**40
    assert [r["tokens"] for r in ours] == [r["tokens"] for r in theirs]
    np.testing.assert_allclose([r["loss"] for r in ours], [r["loss"] for r in theirs], rtol=1e-3)
    assert all(math.isfinite(r["grad_norm"]) for r in ours)


def test_a_float16_run_resumes_bit_for_bit_with_its_scale(small, in_float16, monkeypatch, tmp_path):
    monkeypatch.setattr(loss_scale, "FIRST", 2.0**40)
    monkeypatch.setattr(loss_scale, "GROWS_EVERY", 4)

    def parts():
        return small.model(dropout=0.2), small.dataset(), small.config(dtype="float16", save_every=3, max_steps=11)

    straight = Trainer(*parts(), out=tmp_path / "a")
    list(straight)
    for record in Trainer(*parts(), out=tmp_path / "b"):
        if record["step"] == 7:
            break
    resumed = Trainer.resume(tmp_path / "b", small.dataset(), config=parts()[2])
    found = resumed.passes.loss_scale.state()
    assert found["scale"] < 2.0**40 and found["good_steps"] in (0, 1, 2, 3)
    list(resumed)
    assert resumed.passes.state() == straight.passes.state()
    assert all(torch.equal(p, q) for p, q in zip(straight.model.parameters(), resumed.model.parameters(), strict=True))


class Steep(nn.Module):
    """Its gradient is infinite at any scale, or its loss is not a number."""

    def __init__(self, factor):
        super().__init__()
        self.table, self.factor = nn.Embedding(30, 30), factor

    def forward(self, idx):
        x = self.table(idx)
        if math.isnan(self.factor):
            return x * self.factor
        x.register_hook(lambda gradient: gradient * self.factor)
        return x


@pytest.mark.parametrize(("factor", "scale"), [(math.nan, loss_scale.FIRST), (math.inf, 1.0)])
def test_a_breakdown_is_still_noticed(small, in_float16, factor, scale):
    trainer = Trainer(Steep(factor), small.dataset(), small.config(dtype="float16"))
    before = trainer.model.table.weight.detach().clone()
    with pytest.raises(NonFiniteLoss, match="step 1: .* dtype='float32'"):
        trainer.train_step()
    assert torch.equal(trainer.model.table.weight, before) and trainer.passes.loss_scale.scale == scale


# compilers

def broken(graph, inputs):
    raise OSError("g++: fatal error: no input files\nand more")


@pytest.fixture
def compilers(monkeypatch):
    """A compiler that only traces, or one that fails."""
    plain = torch.compile

    def use(backend):
        monkeypatch.setattr(torch, "compile", partial(plain, backend=backend))
    return use


def test_where_compiling_fails_the_run_says_so_and_goes_on(small, compilers):
    compilers(broken)
    said = []
    compiled = Trainer(small.model(), small.dataset(), small.config(compile=True), say=said.append)
    assert no_time(compiled) == no_time(Trainer(small.model(), small.dataset(), small.config()))
    assert len(said) == 1 and "goes on uncompiled" in said[0] and "g++: fatal error" in said[0] and "\n" not in said[0]
    with pytest.raises(RuntimeError, match="fatal error"):
        Trainer(small.model(), small.dataset(), small.config(compile=True), adapt=False).train_step()


def test_an_error_of_the_model_is_not_taken_for_the_compilers(small, compilers):
    compilers("eager")

    class Wrong(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.Embedding(30, 30)

        def forward(self, idx):
            raise RuntimeError("shapes do not fit")

    trainer = Trainer(Wrong(), small.dataset(), small.config(compile=True), say=lambda text: pytest.fail(text))
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        trainer.train_step()
