"""What an exercise asks one to write cannot be called, under whatever name; the probe itself may."""

import functools
import importlib
import math
import operator
import sys
import threading

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from course_lib.classroom.checking.forbid import Forbidden, Watch, forbidding, resolve

x = torch.randn(2, 3)
alias, method = F.softmax, torch.Tensor.softmax
NAMES = ("torch.nn.functional.softmax", "torch.softmax", "torch.Tensor.softmax", "torch.nn.LayerNorm",
         "numpy.logaddexp", "numpy.dot", "math.exp")
row, sum_of_exps, exp = np.ones(3), np.logaddexp, math.exp
kept, scaled = functools.partial(torch.softmax, dim=-1), functools.partial(np.dot, row)


def swallowed():
    try:
        return F.softmax(x, -1)
    except Exception:
        return x


def in_a_thread():
    thread = threading.Thread(target=lambda: F.softmax(x, -1))
    hook, threading.excepthook = threading.excepthook, lambda what: None
    thread.start()
    thread.join()
    threading.excepthook = hook


def unwatched():
    sys.setprofile(None)
    return F.softmax(x, -1)


WAYS = {
    "by its name": lambda: F.softmax(x, -1),
    "by an alias": lambda: alias(x, -1),
    "by importlib": lambda: importlib.import_module("torch.nn.functional").softmax(x, -1),
    "by getattr": lambda: getattr(F, "soft" + "max")(x, -1),
    "by map": lambda: list(map(lambda row: alias(row, -1), [x])),
    "a builtin": lambda: torch.softmax(x, -1),
    "a method": lambda: x.softmax(-1),
    "an unbound method": lambda: method(x, -1),
    "a class": lambda: torch.nn.LayerNorm(3),
    "a builtin by map": lambda: list(map(torch.softmax, [x], [-1])),
    "a builtin's alias by map": lambda: list(map(importlib.import_module("torch").softmax, [x], [-1])),
    "a partial by map": lambda: list(map(kept, [x])),
    "a partial made just now": lambda: functools.partial(torch.softmax, dim=-1)(x),
    "a method by map": lambda: list(map(method, [x], [-1])),
    "a method by its name": lambda: operator.methodcaller("softmax", -1)(x),
    "by reduce": lambda: functools.reduce(torch.softmax, [-1], x),
    "a builtin of Python by map": lambda: list(map(math.exp, row)),
    "its alias by map": lambda: list(map(exp, row)),
    "a ufunc": lambda: np.logaddexp(row, row),
    "a ufunc's alias": lambda: sum_of_exps(row, row),
    "a ufunc by reduce": lambda: functools.reduce(np.logaddexp, row),
    "a ufunc's method": lambda: np.logaddexp.reduce(row),
    "a ufunc's method by map": lambda: list(map(sum_of_exps.reduce, [row])),
    "numpy's C code": lambda: np.dot(row, row),
    "numpy's C code in a partial": lambda: scaled(row),
    "inside a library": lambda: torch.nn.Softmax(-1)(x),
    "and swallowed": swallowed,
    "in a thread": in_a_thread,
    "without the watch": unwatched,
    "without the watch, by map": lambda: list(map(sys.setprofile, [None])),
}


@pytest.mark.parametrize("way", WAYS)
def test_caught(way):
    watch = Watch(NAMES)
    try:
        with forbidding(watch, [globals()]):
            WAYS[way]()
    except Forbidden as refusal:
        assert "this exercise asks you to write it" in str(refusal)
    assert watch.caught


def test_what_the_probe_calls_is_its_own_business():
    watch = Watch(NAMES)
    somebody_else = {"F": F, "x": x}
    exec("def f(): return F.softmax(x, -1)", somebody_else)
    with forbidding(watch, [{}]):
        somebody_else["f"]()
        torch.nn.Softmax(-1)(x)
    assert watch.caught == []


def test_other_calls_are_free_and_the_watch_ends():
    watch = Watch(NAMES)
    with forbidding(watch, [globals()]):
        x.exp() / x.exp().sum(-1, keepdim=True)
        torch.nn.Linear(3, 3)(x)
    F.softmax(x, -1)
    assert watch.caught == []


def test_stand_ins_leave_no_trace():
    before = np.logaddexp, np.dot, math.exp, sum_of_exps, exp, scaled
    watch = Watch(NAMES)
    with pytest.raises(Forbidden), forbidding(watch, [globals()]):
        WAYS["a ufunc's method"]()
    assert before == (np.logaddexp, np.dot, math.exp, sum_of_exps, exp, scaled)
    assert np.logaddexp.reduce(row) > 0 and watch.caught == ["numpy.logaddexp"]


def test_a_name_given_a_new_meaning_keeps_it():
    names = {"exp": math.exp, "math": math}
    exec("def f():\n    global exp\n    exp = 3", names)
    with forbidding(Watch(NAMES), [names]):
        names["f"]()
    assert names["exp"] == 3


def test_a_library_may_use_what_stands_in():
    elsewhere = {"np": np}
    exec("def f(row): return np.logaddexp.reduce(row), repr(np.logaddexp), np.logaddexp.nin", elsewhere)
    watch = Watch(NAMES)
    with forbidding(watch, [{}]):
        value, shown, inputs = elsewhere["f"](row)
    assert (value, shown, inputs) == (np.logaddexp.reduce(row), "<ufunc 'logaddexp'>", 2) and watch.caught == []


def test_resolve():
    assert resolve("torch.nn.functional.softmax") is F.softmax
    with pytest.raises(ValueError, match="nothing called torch.no_such"):
        resolve("torch.no_such")


def softmax(rows):
    """torch.softmax in a docstring."""
    F_softmax = np.exp(rows - rows.max())  # F.softmax(x, -1) in a comment
    text = "torch.softmax(x)"
    return F_softmax / F_softmax.sum() if text else None


class Own(torch.nn.Module):
    def forward(self, rows):
        return softmax(rows.numpy())


MINE = {  # the student's own lines call something else, whatever that calls in its turn
    "a name in a text, a comment, a variable": lambda: softmax(row),
    "a module of one's own": lambda: Own()(x),
    "a distribution, which takes a logsumexp inside": lambda: torch.distributions.Categorical(logits=x).log_prob(
        torch.zeros(2)),
    "a transformer's layer with norms inside": lambda: torch.nn.TransformerEncoderLayer(4, 2)(torch.ones(1, 2, 4)),
    "an average, which multiplies inside": lambda: np.average(row, weights=row),
    "a gradient's penalty": lambda: torch.autograd.functional.hessian(lambda v: (v**2).sum(), torch.ones(2)),
}


@pytest.mark.parametrize("way", MINE)
def test_what_a_library_calls_inside_is_its_own_business(way):
    watch = Watch(["torch.softmax", "torch.logsumexp", "torch.nn.LayerNorm", "numpy.multiply", "numpy.exp2",
                   "torch.autograd.grad"])
    with forbidding(watch, [globals()]):
        MINE[way]()
    assert watch.caught == []


class Inside(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = torch.nn.Softmax(-1)

    def forward(self, rows):
        return self.norm(rows)


inside = Inside()
PASSED = {  # through what only passes calls on
    "numpy.vectorize": lambda: np.vectorize(math.exp)(row),
    "numpy.apply_along_axis": lambda: np.apply_along_axis(np.dot, 0, row, row),
    "a torch module of one's own": lambda: inside(x),
    "a decorator of torch": torch.no_grad()(lambda: torch.softmax(x, -1)),
    "torch.vmap": lambda: torch.vmap(lambda rows: torch.softmax(rows, -1))(x),
    "functools.singledispatch": lambda: functools.singledispatch(lambda rows: torch.softmax(rows, -1))(x),
}


@pytest.mark.parametrize("way", PASSED)
def test_what_only_passes_calls_on_hides_nothing(way):
    watch = Watch(NAMES)
    with pytest.raises(Forbidden), forbidding(watch, [globals()]):
        PASSED[way]()
    assert watch.caught
