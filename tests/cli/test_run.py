import pytest

from course_lib.cli.run import recipe


def test_a_longer_run_of_tiny_gets_lower_rates():
    assert recipe("tiny", {"max_steps": None}).muon_lr == 0.035
    longer = recipe("tiny", {"max_steps": 1440, "batch_size": None})
    assert (longer.max_steps, longer.muon_lr, longer.batch_size) == (1440, 0.0175, 8)


def test_a_rate_that_was_asked_for_stands():
    assert recipe("tiny", {"max_steps": 1440, "max_lr": 0.02}).max_lr == 0.02


@pytest.mark.parametrize("steps", [1, 20, 100])
def test_a_short_run_gets_a_short_warm_up(steps):
    for preset in ("tiny", "small_cpu", "baseline_tiny", "gpt2_124m"):
        assert recipe(preset, {"max_steps": steps}).warmup_steps <= steps // 10


def test_other_recipes_keep_their_published_rates():
    assert recipe("gpt2_124m", {"max_steps": 50_000}).max_lr == recipe("gpt2_124m", {}).max_lr


def test_another_batch_makes_the_same_update():
    whole = recipe("gpt2_124m", {})
    cut = recipe("gpt2_124m", {"batch_size": 16})
    assert (cut.batch_size, cut.accumulation_steps) == (16, 32) and whole.batch_size * whole.accumulation_steps == 512
    assert recipe("tiny", {"batch_size": 2, "max_steps": 1440}).max_lr == recipe("tiny", {"max_steps": 1440}).max_lr
    with pytest.raises(ValueError, match="batch_size=5 does not divide an update of 8 windows; take one of 1, 2, 4, 8"):
        recipe("tiny", {"batch_size": 5})


def test_no_steps_are_refused_in_words():
    with pytest.raises(ValueError, match="max_steps"):
        recipe("tiny", {"max_steps": 0})
