"""One thing under several names: all exist, none stands in two groups, and each is forbidden with any other."""

import importlib.util

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from course_lib.byhand.autograd import Tensor
from course_lib.classroom.checking.forbid import Forbidden, Watch, forbidding, resolve
from course_lib.classroom.checking.twins import GROUPS, with_twins

ALL = [name for group in GROUPS.values() for name in group.split()]
NAMES = [name for name in ALL if importlib.util.find_spec(name.partition(".")[0]) is not None]  # of what is installed
rows = torch.randn(2, 3, requires_grad=True)
USES = {
    "torch.nn.functional.softmax": ("torch.softmax", lambda: torch.nn.Softmax(-1)(rows)),
    "torch.Tensor.softmax": ("torch.softmax", lambda: rows.softmax(-1)),
    "torch.special.softmax": ("torch.softmax", lambda: torch.special.softmax(rows, -1)),
    "torch.nn.LogSoftmax": ("torch.softmax", lambda: torch.nn.LogSoftmax(-1)),
    "torch.Tensor.backward": ("torch.autograd.grad", lambda: rows.sum().backward()),
    "the course's": ("torch.autograd.grad", lambda: Tensor(2.0).backward()),
    "torch.autograd.backward": ("torch.autograd.grad", lambda: torch.autograd.backward(rows.sum())),
    "torch.func.grad": ("torch.autograd.grad", lambda: torch.func.grad(torch.sum)(torch.ones(2))),
    "torch.func.jacrev": ("torch.autograd.grad", lambda: torch.func.jacrev(torch.sum)(torch.ones(2))),
    "torch.autograd.grad": ("torch.Tensor.backward", lambda: torch.autograd.grad(rows.sum(), rows)),
    "sdpa": ("torch.nn.MultiheadAttention", lambda: F.scaled_dot_product_attention(*[torch.ones(1, 2, 2)] * 3)),
    "multi-head": ("torch.nn.functional.scaled_dot_product_attention", lambda: torch.nn.MultiheadAttention(2, 1)),
    "cross entropy": ("torch.nn.functional.cross_entropy", lambda: torch.nn.CrossEntropyLoss()),
    "a layer norm": ("torch.nn.functional.layer_norm", lambda: torch.nn.LayerNorm(3)),
    "tanh": ("numpy.tanh", lambda: torch.tanh(rows)),
    "svd": ("numpy.linalg.svd", lambda: torch.linalg.svd(rows)),
    "svdvals": ("torch.linalg.svd", lambda: np.linalg.svdvals(np.ones((2, 2)))),
}


@pytest.mark.parametrize("name", NAMES)
def test_it_exists(name):
    assert callable(resolve(name)) and ALL.count(name) == 1


@pytest.mark.parametrize("what", USES)
def test_caught_as_the_other(what):
    name, use = USES[what]
    watch = Watch([name])
    with pytest.raises(Forbidden), forbidding(watch, [globals()]):
        use()
    assert watch.caught


def test_names_without_twins_stay_alone():
    assert with_twins(["course_lib.byhand.functional.softmax", "operator.mul"]) == [
        "course_lib.byhand.functional.softmax", "operator.mul"]
    assert with_twins(["torch.nn.NLLLoss"])[0] == "torch.nn.NLLLoss"
    assert "torch.nn.functional.cross_entropy" in with_twins(["torch.nn.NLLLoss"])
