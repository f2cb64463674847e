"""The config: presets have the sizes they claim, and what does not fit is refused with a way out."""

import json
import re
from dataclasses import FrozenInstanceError

import pytest
import torch

from course_lib.model.config import PRESETS, GPTConfig, baseline_tiny, tiny
from course_lib.model.gpt import GPT


def size(config: GPTConfig) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in GPT(config).parameters())


# Hand count for GPT-2: V C + T C, a block of 12 C² + 13 C, a final norm of 2 C.
@pytest.mark.parametrize("name, n_layer, n_embd", [
    ("gpt2_124m", 12, 768), ("gpt2_355m", 24, 1024), ("gpt2_774m", 36, 1280), ("gpt2_1558m", 48, 1600)])
def test_gpt2_presets_have_the_published_size(name, n_layer, n_embd):
    counted = (50_257 + 1024) * n_embd + n_layer * (12 * n_embd**2 + 13 * n_embd) + 2 * n_embd
    assert size(PRESETS[name]()) == counted
    assert name == f"gpt2_{round(counted / 1e6 + (n_embd == 1600) * 0.4)}m"


@pytest.mark.parametrize("vocab_size", [65, 512, 1536])
def test_tiny_is_as_large_as_the_baseline(vocab_size):
    ours, theirs = size(tiny(vocab_size)), size(baseline_tiny(vocab_size))
    assert abs(ours / theirs - 1) < 0.05
    assert tiny(vocab_size).context_length == 4 * baseline_tiny(vocab_size).context_length


def test_other_presets_are_about_as_large_as_they_say():
    assert 3e6 < size(PRESETS["small_cpu"](1024)) < 5e6
    assert abs(size(PRESETS["modern_124m"]()) / size(PRESETS["gpt2_124m"]()) - 1) < 0.01


def test_a_preset_can_be_changed_and_derived_values_follow():
    config = tiny(100, n_embd=64, n_head=2, feedforward="swiglu")
    assert (config.n_hidden, config.n_kv_head, config.head_dim) == (176, 2, 32)
    assert tiny(100, n_embd=64).n_hidden == 256


@pytest.mark.parametrize("name", PRESETS)
def test_a_config_survives_json(name):
    config = PRESETS[name](vocab_size=300)
    assert GPTConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_a_config_cannot_be_changed_in_place():
    with pytest.raises(FrozenInstanceError):
        tiny(100).n_layer = 5


@pytest.mark.parametrize("changes, message", [
    (dict(n_embd=100, n_head=3), "n_embd=100 cannot be shared by n_head=3 heads; try 99 or 102"),
    (dict(n_embd=2, n_head=3), "n_embd=2 cannot be shared by n_head=3 heads; try 3"),
    (dict(n_embd=96, n_head=6, n_kv_head=4), "n_head=6 query heads cannot share n_kv_head=4 evenly; try 1 or 2 or 3"),
    (dict(n_embd=12, n_head=4), "a head has 12 / 4 = 3 of them (n_embd / n_head), which is odd; try n_embd=16"),
    (dict(norm="batchnorm"), "norm='batchnorm' is not known; choose rmsnorm or layernorm"),
    (dict(n_layer=0), "n_layer=0 must be at least 1"),
    (dict(vocab_size=1.5), "vocab_size=1.5 must be a whole number"),
    (dict(n_head=True), "n_head=True must be a whole number"),
    (dict(dropout=1.0), "dropout=1.0 must be at least 0 and below 1"),
    (dict(norm_eps=-1e-5), "norm_eps=-1e-05 must not be negative and rotary_base="),
    (dict(rotary_base=0.0), "rotary_base=0.0 above 0; leave them out"),
    (dict(logit_soft_cap=0.0), "logit_soft_cap=0.0 must be above 0; None turns it off"),
])
def test_what_does_not_fit_is_refused_with_a_way_out(changes, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        GPTConfig(**{"vocab_size": 100, **changes})


def test_the_ways_out_work():
    for n_embd in (99, 102):
        assert GPTConfig(vocab_size=10, n_embd=n_embd, n_head=3, position="none").head_dim == n_embd // 3
    for n_kv_head in (1, 2, 3, 6):
        assert GPTConfig(vocab_size=10, n_embd=96, n_head=6, n_kv_head=n_kv_head).n_kv_head == n_kv_head
    assert GPTConfig(vocab_size=10, n_embd=16, n_head=4).head_dim == 4


def test_unknown_and_missing_names_are_refused():
    with pytest.raises(ValueError, match="does not know block_len, heads; it knows vocab_size"):
        GPTConfig.from_dict({"vocab_size": 10, "heads": 4, "block_len": 8})
    with pytest.raises(ValueError, match="needs vocab_size"):
        GPTConfig.from_dict({"n_layer": 2})
