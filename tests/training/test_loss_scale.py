import pytest
import torch
from torch import nn

from course_lib.training.loss_scale import FIRST, GROWS_EVERY, LossScale


def gradient(scale, loss_of, x=1.0):
    p = nn.Parameter(torch.tensor(x))
    scale.multiply(loss_of(p)).backward()
    scale.divide([p])
    return p.grad


def test_a_gradient_too_small_for_float16_survives():
    def loss(p):
        return (p.half() * 1e-4).float() * 1e-5  # on its way back the gradient is 1e-9 in float16

    assert gradient(LossScale("bfloat16"), loss).item() == 0
    assert gradient(LossScale("float16"), loss).item() == pytest.approx(1e-9, rel=0.01)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_where_none_is_needed_nothing_is_touched(dtype):
    scale, loss = LossScale(dtype), torch.tensor(3.0)
    assert scale.multiply(loss) is loss and not scale.shrink()
    for _ in range(2 * GROWS_EVERY):
        scale.count()
    assert scale.scale == 1


def test_powers_of_two_change_no_bit():
    x = torch.randn(()).item()
    grads = [gradient(LossScale(dtype), lambda p: (p * 1.7).sin(), x) for dtype in ("float32", "float16")]
    assert torch.equal(*grads)


def test_it_follows_the_model():
    """The rule of torch.amp.GradScaler, whose scale goes through the same numbers."""
    ours, theirs = LossScale("float16"), torch.amp.GradScaler("cpu", growth_interval=GROWS_EVERY)
    theirs.scale(torch.ones(()))  # it makes its tensors when it is first used
    assert theirs.get_scale() == ours.scale == FIRST
    optimizer = torch.optim.SGD([nn.Parameter(torch.ones(()))], lr=0.0)
    for bad in [True, True, False, True] + [False] * (2 * GROWS_EVERY + 3) + [True]:
        p = optimizer.param_groups[0]["params"][0]
        p.grad = torch.tensor(torch.inf if bad else 1.0)
        theirs.step(optimizer)
        theirs.update()
        ours.shrink() if bad else ours.count()
        assert ours.scale == theirs.get_scale()
    assert ours.scale == FIRST / 8 * 4 / 2


def test_it_ends_at_one():
    scale = LossScale("float16")
    halvings = 0
    while scale.shrink():
        halvings += 1
    assert (halvings, scale.scale) == (16, 1.0)


def test_the_state_goes_on():
    one, two = LossScale("float16"), LossScale("float16")
    one.shrink()
    one.count()
    two.restore(one.state())
    assert two.state() == one.state() == {"scale": FIRST / 2, "good_steps": 1}
