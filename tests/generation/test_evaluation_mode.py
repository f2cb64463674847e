import pytest
import torch
from torch import nn

from course_lib.generation.evaluation_mode import evaluation_mode, is_plain
from course_lib.model.config import tiny
from course_lib.model.gpt import GPT


def make_model():
    return GPT(tiny(11, context_length=8, n_layer=2, n_head=2, n_embd=8, dropout=0.1))


def test_modes_return_even_after_an_error():
    model = make_model().train()
    model.blocks[0].eval()
    modes = [module.training for module in model.modules()]
    with pytest.raises(RuntimeError), evaluation_mode(model):
        assert not any(module.training for module in model.modules())
        raise RuntimeError
    assert [module.training for module in model.modules()] == modes and True in modes and False in modes


def other_part(model):
    model.blocks[0].attention.proj = nn.Sequential(model.blocks[0].attention.proj)


def hook(model):
    model.blocks[0].register_forward_hook(lambda *_: None)


def hook_before(model):
    model.register_forward_pre_hook(lambda *_: None)


def replaced_forward(model):
    model.blocks[1].feedforward.forward = lambda x: x


def compiled_block(model):
    model.blocks[1].compile()


def two_devices(model):
    model.norm.to("meta")


@pytest.mark.parametrize("change", [other_part, hook, hook_before, replaced_forward, compiled_block, two_devices])
def test_what_a_shortcut_would_miss_is_not_plain(change):
    model = make_model()
    assert is_plain(model, "cpu") and not is_plain(model, "cuda")
    change(model)
    assert not is_plain(model, "cpu")


def test_under_autocast_no_model_is_plain():
    with torch.autocast("cpu", torch.bfloat16):
        assert not is_plain(make_model(), "cpu")
