import dataclasses

import numpy as np
import pytest
import torch

from course_lib.model.config import gpt2_124m
from course_lib.model.gpt import GPT
from course_lib.training.ladder import RUNGS, climb, float32_products, measure_step, zipf_ids
from course_lib.training.loss import next_token_loss

TOY = gpt2_124m(vocab_size=61, context_length=8, n_layer=1, n_head=2, n_embd=8)


def test_each_rung_keeps_what_the_ones_below_it_changed():
    steps = list(climb(gpt2_124m()))
    assert [step.name for step in steps] == [rung.name for rung in RUNGS]
    first, last = steps[0], steps[-1]
    assert (first.model.attention, first.train.dtype, first.tf32, first.fused_adamw) == (
        "explicit", "float32", False, False)
    assert (last.model.attention, last.model.vocab_size, last.train.dtype, last.train.batch_size) == (
        "fused", 50_304, "bfloat16", 64)
    assert last.tf32 and last.fused_adamw and last.train.compile
    for below, above in zip(steps, steps[1:], strict=False):
        changed = [field for step in ("model", "train")
                   for field in dataclasses.asdict(getattr(below, step))
                   if getattr(getattr(below, step), field) != getattr(getattr(above, step), field)]
        changed += [name for name in ("tf32", "fused_adamw") if getattr(below, name) != getattr(above, name)]
        assert len(changed) == 1, f"{above.name} changes {changed}"
        assert len(above.prediction) > 40


def test_settings_given_win_over_every_rung():
    assert {step.train.batch_size for step in climb(TOY, batch_size=3, dtype="float32")} == {3}


def test_explicit_and_fused_rungs_compute_the_same_loss():
    losses = []
    idx = torch.arange(16).view(2, 8)
    for step in list(climb(TOY))[:4]:
        torch.manual_seed(0)
        losses.append(next_token_loss(GPT(step.model)(idx), idx).item())
    assert losses == pytest.approx([losses[0]] * 4, rel=1e-5)


def test_ids_have_zipfs_frequencies():
    ids = zipf_ids(200_000, 50)
    counts = np.sort(np.bincount(ids, minlength=50))[::-1]
    expected = 200_000 / np.arange(1, 51) / np.sum(1 / np.arange(1, 51))
    np.testing.assert_allclose(counts, expected, rtol=0.1)
    assert ids.dtype == np.int64 and np.array_equal(ids, zipf_ids(200_000, 50))
    assert not np.array_equal(ids, zipf_ids(200_000, 50, seed=1))


def test_a_rung_is_measured_with_its_own_optimizer_and_precision(monkeypatch):
    seen = []
    monkeypatch.setattr("course_lib.training.optim.adamw_update",
                        lambda *a, **k: seen.append(torch.get_float32_matmul_precision()))
    naive, tf32, *_ = climb(TOY, threads=1, batch_size=2)
    for step in (naive, tf32):
        found = measure_step(step, seconds=0.001, warm_up=1)
        assert found["tokens_per_second"] == pytest.approx(2 * 8 * 1e3 / found["ms_per_step"])
        assert found["memory"] is None and found["loss"] > 3
    assert "highest" in seen and "high" in seen
    seen.clear()
    measure_step(dataclasses.replace(tf32, fused_adamw=True), seconds=0.001, warm_up=1)
    assert seen == []


def test_too_little_memory_is_a_finding(monkeypatch):
    def full(*arguments):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB.\nmore")

    monkeypatch.setattr("course_lib.training.ladder._measure_step", full)
    assert measure_step(next(climb(TOY))) == {"error": "CUDA out of memory. Tried to allocate 9 GiB."}


def test_the_precision_of_products_is_put_back():
    before = torch.get_float32_matmul_precision()
    with pytest.raises(KeyError), float32_products(True):
        assert torch.get_float32_matmul_precision() == "high"
        raise KeyError
    assert torch.get_float32_matmul_precision() == before
