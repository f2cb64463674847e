"""Batches that are cut, and messages about memory; a whole run that adapts is in test_gradients.py."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.model.config import gpt2_124m
from course_lib.model.gpt import GPT
from course_lib.training import ranks
from course_lib.training.config import gpt2_124m as recipe
from course_lib.training.fitting import DoesNotFit, cut, in_passes_of, smaller
from course_lib.training.plan import memory_a_device, parameters

CPU = torch.device("cpu")


@pytest.mark.parametrize("at_once", [1, 2, 3, 4, 5, 9])
def test_cutting_loses_and_reorders_nothing(at_once):
    batches = [(np.arange(10).reshape(5, 2), np.arange(10, 20).reshape(5, 2)), (np.zeros((4, 2)), np.ones((4, 2)))]
    parts = list(cut(batches, at_once))
    assert all(len(idx) == len(targets) <= at_once for idx, targets in parts)
    for side in (0, 1):
        joined = np.concatenate([part[side] for part in parts])
        assert np.array_equal(joined, np.concatenate([batch[side] for batch in batches]))


def test_half_of_it_down_to_one():
    tried, model = [64], nn.Linear(2, 2)
    while tried[-1] > 1:
        tried.append(smaller(tried[-1], model, recipe(), CPU, 8))
    assert tried == [64, 32, 16, 8, 4, 2, 1]
    with pytest.raises(DoesNotFit, match="one window of 8 tokens .* and optimizer alone take 0.0 GB"):
        smaller(1, model, recipe(), CPU, 8)


def test_the_message_has_the_numbers_of_the_plan():
    config = dataclasses.replace(recipe(), dtype="bfloat16")
    with torch.device("meta"):
        model = GPT(gpt2_124m())
    with pytest.raises(DoesNotFit) as caught:
        smaller(1, model, config, CPU, 1024)
    parts = memory_a_device(gpt2_124m(), config, parameters(gpt2_124m(), config), 1, 1, 512, "bfloat16")
    fixed = sum(parts[name] for name in ("weights", "gradients", "optimizer"))
    moving = parts["activations"] + parts["head"]
    assert f"{fixed / 1e9:.1f} GB for weights" in str(caught.value) and fixed == 16 * 124_439_808
    assert f"{moving / 1e9:.1f} GB for 1 window in bfloat16" in str(caught.value)


def test_the_card_is_named_with_its_memory(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (3_000_000_000, 15_800_000_000))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Tesla T4")
    with pytest.raises(DoesNotFit, match=r"cuda:0 \(Tesla T4, 15.8 GB, 3.0 GB not taken by others\)"):
        smaller(1, nn.Linear(2, 2), recipe(), torch.device("cuda:0"), 8)


def test_of_several_ranks_none_changes_alone(monkeypatch):
    monkeypatch.setattr(ranks, "world_size", lambda: 8)
    monkeypatch.setattr(ranks, "rank", lambda: 5)
    with pytest.raises(DoesNotFit, match="rank 5: 64 windows .* batch_size=32"):
        smaller(64, nn.Linear(2, 2), recipe(), CPU, 8)


@pytest.mark.parametrize("batch_size", [1, 2, 64, 512])
def test_the_update_stays_whatever_the_batch(batch_size):
    made = in_passes_of(recipe(), batch_size)
    assert made.batch_size == batch_size and made.batch_size * made.accumulation_steps == 512
    assert dataclasses.replace(made, batch_size=64, accumulation_steps=8) == recipe()


@pytest.mark.parametrize("batch_size", [0, 3, 1024])
def test_a_batch_that_makes_no_update_is_refused(batch_size):
    with pytest.raises(ValueError, match=f"batch_size={batch_size} .* 512 windows; take one of 1, 2, 4, .*256, 512$"):
        in_passes_of(recipe(), batch_size)
