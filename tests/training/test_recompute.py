import copy

import pytest
import torch

from course_lib.model.config import GPTConfig
from course_lib.model.gpt import GPT
from course_lib.training.cost import measure_activations
from course_lib.training.counting import Counter
from course_lib.training.loss import next_token_loss
from course_lib.training.recompute import recompute_blocks

CONFIG = GPTConfig(vocab_size=20, context_length=32, n_layer=6, n_head=2, n_embd=16, dropout=0.2, init="gpt2")


@pytest.fixture
def twins():
    torch.manual_seed(0)
    model = GPT(CONFIG)
    again = copy.deepcopy(model)
    recompute_blocks(again)
    return model, again, torch.randint(20, (3, 32))


def gradients(model, idx):
    torch.manual_seed(1)  # the same dropout
    loss = next_token_loss(model(idx), idx)
    loss.backward()
    return loss, {name: p.grad for name, p in model.named_parameters()}


def test_the_gradients_are_the_same_numbers_dropout_included(twins):
    (loss, kept), (loss_again, made_again) = (gradients(model, twins[2]) for model in twins[:2])
    assert torch.equal(loss, loss_again) and kept.keys() == made_again.keys()
    for name, gradient in kept.items():
        assert gradient.abs().max() > 0 and torch.equal(gradient, made_again[name]), name


def test_less_is_kept(twins):
    idx = twins[2]
    kept = [measure_activations(model, idx) for model in twins[:2]]
    inputs = idx.numel() * CONFIG.n_embd * 4 * CONFIG.n_layer
    assert inputs < kept[1] < 0.4 * kept[0]


def test_one_more_forward_pass_is_computed(twins):
    model, again, idx = twins
    counted = []
    for each in (model, again):
        with Counter() as counter:
            next_token_loss(each(idx), idx).backward()
        counted.append(counter.flops)
    with torch.no_grad(), Counter() as forward:
        model.blocks[0](torch.zeros(3, 32, 16), rotation=model.position.rotation(torch.arange(32)))
    assert counted[1] - counted[0] == pytest.approx(CONFIG.n_layer * forward.flops, rel=1e-6)


def test_names_of_weights_stay(twins):
    assert list(twins[0].state_dict()) == list(twins[1].state_dict())
