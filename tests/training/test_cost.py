import dataclasses

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from course_lib.model.config import PRESETS, GPTConfig, gpt2_124m
from course_lib.model.gpt import GPT
from course_lib.training.cost import (
    cost_table,
    count_parameters,
    flops_per_token,
    measure_activations,
    measure_peak,
    memory_by_component,
    mfu,
)
from course_lib.training.loss import next_token_loss
from course_lib.training.muon import build_optimizers


@pytest.mark.parametrize("parts", [
    {}, {"n_kv_head": 1}, {"feedforward": "swiglu"}, {"tied_head": False, "n_layer": 3},
    {"norm": "layernorm", "position": "learned", "feedforward": "gelu", "bias": True, "n_hidden": 40},
])
@pytest.mark.parametrize("T", [8, 16])
def test_flops_are_those_torch_counts(parts, T):
    config = GPTConfig(**{"vocab_size": 50, "context_length": 16, "n_layer": 2, "n_head": 4, "n_embd": 32,
                          "attention": "explicit", **parts})
    model, idx = GPT(config), torch.randint(50, (3, T))
    with FlopCounterMode(display=False) as counted:
        next_token_loss(model(idx), idx).backward()
    assert counted.get_total_flops() == flops_per_token(config, T) * idx.numel()


def test_gpt2_124m_costs_what_nanogpt_counts():
    assert flops_per_token(gpt2_124m()) == pytest.approx(854.4e6, rel=0.001)


def test_parameters_of_gpt2_124m():
    with torch.device("meta"):
        counts = count_parameters(GPT(gpt2_124m()))
    assert counts == {"total": 124_439_808, "embeddings": (50_257 + 1024) * 768, "rest": 85_056_000}


def test_activations_of_a_net_that_can_be_counted_by_hand():
    model = nn.Sequential(nn.Embedding(10, 8), nn.Linear(8, 6), nn.Tanh(), nn.Linear(6, 10))
    idx = torch.randint(10, (2, 5))
    rows = 2 * 5
    kept = [rows * 8,                   # idx in 64 bits: for the embedding, and again as targets of the loss
            rows * 8 * 4,               # what enters the first linear layer
            rows * 6 * 4,               # what leaves tanh: its own gradient and the next layer's both need it
            rows * 10 * 4,              # log-probabilities
            4]                          # the sum of the loss's weights
    assert measure_activations(model, idx) == pytest.approx(sum(kept), abs=8)
    assert measure_activations(model, idx.repeat(4, 1)) > 3.9 * measure_activations(model, idx)


@pytest.mark.parametrize("parts", [{"norm": "layernorm", "feedforward": "gelu"}, {"qk_norm": True}])
def test_explicit_attention_in_bf16_keeps_its_weights_in_bf16_on_both_devices(parts):
    config = GPTConfig(**{"vocab_size": 50, "context_length": 128, "n_layer": 2, "n_head": 4, "n_embd": 16, **parts})
    idx = torch.randint(50, (2, 128))
    for device in ("cpu", "cuda"):
        kept = {path: measure_activations(GPT(dataclasses.replace(config, attention=path)), idx, "bfloat16",
                                          device=device) for path in ("explicit", "fused")}
        weights = 2 * config.n_layer * config.n_head * 2 * 128 * 128  # bytes: 2 windows of T × T numbers
        assert kept["explicit"] - kept["fused"] == pytest.approx(weights, rel=0.2)


@pytest.mark.parametrize("preset", PRESETS)
def test_no_preset_keeps_more_on_a_gpu_than_on_a_cpu(preset):
    model = GPT(PRESETS[preset](vocab_size=50, context_length=16, n_layer=2, n_head=2, n_kv_head=2, n_embd=16))
    idx = torch.randint(50, (2, 16))
    cpu, gpu = (measure_activations(model, idx, "bfloat16", device=device) for device in ("cpu", "cuda"))
    assert cpu == gpu < measure_activations(model, idx, "float32", device="cuda")


def test_a_count_follows_the_device_that_is_asked_about():
    class Plain(nn.Module):
        """Softmax as one writes it: float32 on a GPU, bf16 on a CPU."""

        def forward(self, idx):
            return (torch.ones(*idx.shape, 8, requires_grad=True) @ torch.ones(8, 8)).softmax(-1)

    idx = torch.randint(8, (1, 1000))
    cpu, gpu = (measure_activations(Plain(), idx, "bfloat16", device=device) for device in ("cpu", "cuda"))
    assert gpu - cpu == pytest.approx(8 * 1000 * 2, abs=100)
    with pytest.raises(ValueError, match="with model and idx on the CPU, and idx is on meta"):
        measure_activations(Plain(), idx.to("meta"), device="cuda")


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_memory_is_what_a_step_really_allocates(small, optimizer):
    model, config, idx = small.model(), small.config(optimizer=optimizer), torch.randint(20, (4, 16))
    parts = memory_by_component(model, config, idx)
    optimizers = build_optimizers(model, config)
    next_token_loss(model(idx), idx).backward()
    for each in optimizers:
        each.step()
    kept = [t for each in optimizers for state in each.state.values() for t in state.values() if t.ndim]
    assert parts["optimizer"] == sum(t.nbytes for t in kept)
    assert parts["gradients"] == sum(p.grad.nbytes for p in model.parameters())
    assert parts["weights"] == sum(p.nbytes for p in model.parameters())
    assert parts["activations"] == pytest.approx(measure_activations(model, idx), rel=0.1)
    assert parts["total"] == sum(parts[name] for name in ("weights", "gradients", "optimizer", "activations"))
    assert len(cost_table(parts).splitlines()) == 5 and "100.0%" in cost_table(parts)


def test_peak_is_a_speed_and_mfu_its_share():
    assert 1e8 < measure_peak(size=64, seconds=0.01) < 1e15
    assert mfu(1000, 854.4e6, 8.544e12) == pytest.approx(0.1)
