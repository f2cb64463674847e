import dataclasses
import json

import pytest

from course_lib.model.config import PRESETS
from course_lib.training.config import RECIPES, TrainConfig


@pytest.mark.parametrize(("changes", "says"), [
    ({"max_steps": 0}, "max_steps=0 must be at least 1"),
    ({"threads": 0}, "threads=0 must be at least 1, or None"),
    ({"schedule": "linear"}, "schedule='linear' is unknown; choose from cosine, wsd"),
    ({"optimizer": "sgd"}, "optimizer='sgd' is unknown; choose from adamw, muon"),
    ({"dtype": "float8"}, "dtype='float8' is unknown; choose from auto, float32, bfloat16, float16"),
    ({"max_lr": 1e-3, "min_lr": 1e-2}, "min_lr=0.01 must lie between 0 and max_lr=0.001"),
    ({"warmup_steps": 50}, "warmup_steps=50 does not fit into max_steps=40; try warmup_steps=2"),
    ({"decay_fraction": 0.0}, "decay_fraction=0.0 must be in"),
    ({"betas": (0.9, 1.0)}, r"betas=\(0.9, 1.0\) and momentum=0.95 must be in"),
    ({"weight_decay": -0.1}, "weight_decay=-0.1 must not be negative"),
    ({"grad_clip": 0.0}, "grad_clip=0.0 would stop all learning; use None"),
])
def test_a_bad_value_is_named_with_a_way_out(changes, says):
    with pytest.raises(ValueError, match=says):
        TrainConfig(**{"max_steps": 40, "batch_size": 4, **changes})


def test_a_config_survives_json():
    config = TrainConfig(max_steps=7, batch_size=3, betas=(0.8, 0.9), optimizer="muon", save_every=2)
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_an_unknown_setting_is_refused():
    with pytest.raises(ValueError, match=r"unknown training settings \['max_iters'\]"):
        TrainConfig.from_dict({"max_steps": 1, "batch_size": 1, "max_iters": 5})


def test_there_is_a_recipe_for_every_preset():
    assert set(RECIPES) == set(PRESETS)
    for recipe in RECIPES.values():
        assert isinstance(recipe(), TrainConfig)


@pytest.mark.parametrize("make", [RECIPES["tiny"], RECIPES["small_cpu"]])
def test_four_times_as_long_is_half_the_rate(make):
    one, four = make(2000), make(8000)
    assert four.muon_lr == pytest.approx(one.muon_lr / 2) and four.max_lr == pytest.approx(one.max_lr / 2)
    assert make(20).muon_lr == make(360).muon_lr == 0.035, "but no shorter run gets more than the minute's"
    with pytest.raises(ValueError, match="max_steps"):
        make(0)


def test_the_baseline_is_the_published_one():
    published = dict(max_steps=2000, batch_size=12, max_lr=1e-3, min_lr=1e-4, warmup_steps=100, schedule="cosine",
                     optimizer="adamw", betas=(0.9, 0.99), weight_decay=0.1, grad_clip=1.0, dtype="float32")
    assert published.items() <= dataclasses.asdict(RECIPES["baseline_tiny"]()).items()


@pytest.mark.parametrize("name", [name for name in PRESETS if name.startswith("gpt2")])
def test_gpt2_updates_see_half_a_million_tokens(name):
    config = RECIPES[name]()
    tokens = config.batch_size * config.accumulation_steps * PRESETS[name]().context_length
    assert tokens == 524_288
    assert config.max_steps * tokens == pytest.approx(10e9, rel=1e-3)
