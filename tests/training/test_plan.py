import dataclasses
import math

import pytest
import torch

from course_lib.model.config import GPTConfig, gpt2_124m
from course_lib.model.gpt import GPT
from course_lib.training.config import TrainConfig
from course_lib.training.cost import activation_bytes, measure_activations, memory_by_component
from course_lib.training.hardware import HARDWARE
from course_lib.training.plan import (
    FACTOR,
    divisors,
    largest_batch,
    llama_1b,
    llama_13b,
    memory_a_device,
    parameters,
    plan_run,
    preset_and_recipe,
    published_runs,
)

H100 = HARDWARE["H100"]


@pytest.mark.parametrize("run", published_runs(), ids=lambda run: run.name)
def test_predicted_hours_are_near_the_published_ones(run):
    assert 1 / FACTOR < run.predicted / run.hours < FACTOR


def test_the_published_runs_would_miss_a_narrow_factor():
    ratios = [run.predicted / run.hours for run in published_runs()]
    assert min(ratios) < 1 / 1.5 and max(ratios) > 1.4, "FACTOR says no more than it must"


def test_sizes_are_the_published_ones():
    for config, millions in ((llama_1b(), 1100.0), (llama_13b(), 13_016)):
        with torch.device("meta"):
            assert sum(p.numel() for p in GPT(config).parameters()) / 1e6 == pytest.approx(millions, rel=1e-3)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("parts", [
    {"position": "learned", "feedforward": "gelu", "bias": True}, {"feedforward": "swiglu"},
    {"n_kv_head": 1}, {"tied_head": False, "n_hidden": 100},
])
def test_activations_on_paper_are_those_that_are_kept(parts, dtype, device):
    config = GPTConfig(**{"vocab_size": 90, "context_length": 64, "n_layer": 3, "n_head": 4, "n_embd": 64,
                          "norm": "layernorm", "attention": "fused", **parts})
    torch.manual_seed(0)
    model, idx = GPT(config), torch.randint(90, (3, 64))
    kept = [measure_activations(model, rows, dtype, device=device) for rows in (idx, idx[:1])]
    kept = kept[0] - kept[1]  # weights drop out
    assert activation_bytes(config, 2 * 64, dtype) == pytest.approx(kept, rel=0.03)


def test_weights_gradients_and_optimizer_are_those_counted_from_a_model(small):
    config = small.config(optimizer="muon")
    model = small.model()
    counted = memory_by_component(model, config, torch.zeros(1, 16, dtype=torch.long))
    planned = plan_run(model.config, config, H100, 1, 1e6)
    for part in ("weights", "gradients", "optimizer"):
        assert planned.memory[part] == counted[part]
    assert planned.memory["borrowed"] == 0 and planned.steps == round(1e6 / 64)
    assert planned.memory["total"] == sum(size for part, size in planned.memory.items() if part != "total")


def test_fsdp_divides_what_ddp_copies():
    ddp, fsdp = (plan_run(*preset_and_recipe("llama_1b", kind), H100, 8, 1e12) for kind in ("ddp", "fsdp"))
    for part in ("weights", "gradients", "optimizer"):
        assert fsdp.memory[part] == ddp.memory[part] / 8
    assert fsdp.batch_size >= ddp.batch_size and fsdp.memory["borrowed"] > 0


def test_each_limit_is_found():
    config, recipe = preset_and_recipe("llama_1b", "ddp")
    alone = plan_run(config, recipe, H100, 1, 1e12)
    assert (alone.limit, alone.batch_size > 0) == ("compute", True)
    flops = 1e12 * 6 * 1.1e9  # without attention
    assert flops / (H100.peak * 0.45) / 3600 < alone.hours < 1.3 * flops / (H100.peak * 0.45) / 3600
    small = plan_run(config, recipe, HARDWARE["T4"], 8, 1e12)
    assert (small.limit, small.batch_size, small.hours) == ("memory", 0, math.inf)
    slow = dataclasses.replace(H100, network=1e9)
    many = plan_run(config, recipe, slow, 64, 1e12)
    assert many.limit == "communication"
    one_update = 2 * 4 * many.parameters * 63 / 64 / 1e9
    assert many.hours == pytest.approx(many.steps * one_update / 3600)


def test_more_devices_take_less_time_and_the_same_steps():
    runs = [plan_run(gpt2_124m(), TrainConfig(max_steps=1, batch_size=64, accumulation_steps=8), H100, n, 10e9)
            for n in (1, 2, 4, 8)]
    assert {run.steps for run in runs} == {19073}
    assert [runs[0].hours / run.hours for run in runs] == pytest.approx([1, 2, 4, 8])


def test_a_t4_is_counted_in_what_it_trains_in():
    t4, card = HARDWARE["T4"], dataclasses.replace(HARDWARE["T4"], dtype="float32")
    config, recipe = preset_and_recipe("gpt2_124m", "ddp")
    half, full = (plan_run(config, recipe, hardware, 1, 1e9) for hardware in (t4, card))
    assert half.memory["activations"] == activation_bytes(config, half.batch_size * 1024, "float16")
    assert full.memory["activations"] == activation_bytes(config, full.batch_size * 1024, "float32")
    assert full.batch_size <= half.batch_size and t4.dtype == "float16"
    named = dataclasses.replace(recipe, dtype="float32")
    assert plan_run(config, named, t4, 1, 1e9).memory == full.memory, "what the recipe says, stands"


@pytest.mark.parametrize("memory", [4e9, 16e9, 24e9, 80e9])
def test_the_largest_batch_fits_and_the_next_one_does_not(memory):
    config, recipe = preset_and_recipe("gpt2_124m", "ddp")
    batch_size, needed = largest_batch(config, recipe, memory)
    windows = recipe.batch_size * recipe.accumulation_steps
    assert needed["total"] <= memory and windows % batch_size == 0
    next_one = min(n for n in divisors(windows) if n > batch_size)
    assert memory_a_device(config, recipe, parameters(config, recipe), 1, next_one, windows)["total"] > memory
    assert list(divisors(12)) == [12, 6, 4, 3, 2, 1]


def test_an_unknown_preset_is_refused():
    with pytest.raises(ValueError, match="preset 'gpt5' is unknown; choose one of .*llama_1b"):
        preset_and_recipe("gpt5", "ddp")
