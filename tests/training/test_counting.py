import pytest
import torch
from torch._subclasses import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from course_lib.model.config import GPTConfig, gpt2_124m
from course_lib.model.gpt import GPT
from course_lib.training.cost import flops_per_token
from course_lib.training.counting import Counter, Operation, roofline_seconds
from course_lib.training.loss import next_token_loss

SHAPE = dict(vocab_size=50, context_length=16, n_layer=2, n_head=2, n_embd=16)


def count(model, idx):
    with Counter() as counter:
        next_token_loss(model(idx), idx, n_targets=idx.numel()).backward()
    return counter


def test_a_product_by_hand():
    a, b = torch.randn(3, 4), torch.randn(4, 5)
    with Counter() as counter:
        c = a @ b
    assert counter.operations == [Operation("mm", 2 * 3 * 4 * 5, 4 * (12 + 20 + 15), 4 * 15)]
    assert c.shape == (3, 5)


def test_views_are_free_and_changes_in_place_are_not():
    a = torch.zeros(4, 6)
    with Counter() as counter:
        a.T.reshape(2, 12)[1:].detach()
        assert [operation.name for operation in counter.operations] == ["clone"]  # a transposed matrix has to be copied
        a.add_(1)
        torch._foreach_mul_([a, a], 2.0)
    copied, added, multiplied = counter.operations
    assert (copied.n_bytes, added.n_bytes, multiplied.n_bytes) == (2 * 96, 2 * 96, 4 * 96)


def test_what_is_held_is_what_lives():
    with Counter() as counter:
        a = torch.ones(100)
        b = a + 1
        c = b[:50]
        del a
        d = torch.ones(10)
        assert counter.held == 400 + 40
        del b
        assert counter.held == 400 + 40, "its storage lives on in c"
        del c, d
        assert counter.held == 0
    assert [operation.held for operation in counter.operations] == [400, 800, 440]


@pytest.mark.parametrize("attention", ["explicit", "fused"])
def test_flops_are_those_of_the_formula(attention):
    config = GPTConfig(**SHAPE, attention=attention)
    counter = count(GPT(config), idx := torch.randint(50, (3, 16)))
    exact = flops_per_token(config) * idx.numel()
    if attention == "explicit":
        with FlopCounterMode(display=False) as theirs:
            next_token_loss(GPT(config)(idx), idx).backward()
        assert counter.flops == exact == theirs.get_total_flops()
    else:  # its backward pass computes the scores again: 5 products of 2 T C where the formula has 4
        assert counter.flops == exact + 2 * 16 * 16 * 2 * idx.numel()


def test_after_a_step_only_gradients_are_held():
    model = GPT(GPTConfig(**SHAPE))
    counter = count(model, torch.randint(50, (3, 16)))
    gradients = sum(p.grad.nbytes for p in model.parameters())
    assert counter.held == gradients < max(operation.held for operation in counter.operations)


def test_shapes_are_enough():
    real = count(GPT(GPTConfig(**SHAPE)), torch.randint(50, (3, 16)))
    with FakeTensorMode():
        fake = count(GPT(GPTConfig(**SHAPE)), torch.zeros(3, 16, dtype=torch.long))
    assert [operation[:3] for operation in fake.operations] == [operation[:3] for operation in real.operations]


def test_gpt2_is_counted_without_computing_it():
    with FakeTensorMode():
        counter = count(GPT(gpt2_124m(attention="explicit")), torch.zeros(2, 1024, dtype=torch.long))
    assert counter.flops == flops_per_token(gpt2_124m()) * 2048
    assert counter.n_bytes > 2048 * 12 * 12 * 1024 * 4, "at least all attention weights, once"


def test_the_roofline_takes_the_longer_of_computing_and_moving():
    operations = [Operation("mm", 1000, 10, 0), Operation("add", 0, 400, 0)]
    assert roofline_seconds(operations, peak=100, bandwidth=20) == pytest.approx(10 + 20)
    assert roofline_seconds(operations[:1], peak=1e9, bandwidth=1) == pytest.approx(10)
