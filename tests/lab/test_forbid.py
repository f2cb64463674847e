"""What an exercise asks one to write cannot be called, under whatever name; the probe itself may."""

import importlib
import threading

import pytest
import torch
from torch.nn import functional as F

from course_lib.lab.forbid import Forbidden, Watch, forbidding, resolve

x = torch.randn(2, 3)
alias, method = F.softmax, torch.Tensor.softmax
NAMES = ("torch.nn.functional.softmax", "torch.softmax", "torch.Tensor.softmax", "torch.nn.LayerNorm")


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
    import sys

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
    "inside a library": lambda: torch.nn.Softmax(-1)(x),
    "and swallowed": swallowed,
    "in a thread": in_a_thread,
    "without the watch": unwatched,
}


@pytest.mark.parametrize("way", WAYS)
def test_caught(way):
    watch = Watch(NAMES)
    try:
        with forbidding(watch, {id(globals())}):
            WAYS[way]()
    except Forbidden as refusal:
        assert "this exercise asks you to write it" in str(refusal)
    assert watch.caught


def test_what_the_probe_calls_is_its_own_business():
    watch = Watch(NAMES)
    somebody_else = {"F": F, "x": x}
    exec("def f(): return F.softmax(x, -1)", somebody_else)
    with forbidding(watch, {12345}):
        somebody_else["f"]()
        torch.nn.Softmax(-1)(x)
    assert watch.caught == []


def test_other_calls_are_free_and_the_watch_ends():
    watch = Watch(NAMES)
    with forbidding(watch, {id(globals())}):
        x.exp() / x.exp().sum(-1, keepdim=True)
        torch.nn.Linear(3, 3)(x)
    F.softmax(x, -1)
    assert watch.caught == []


def test_resolve():
    assert resolve("torch.nn.functional.softmax") is F.softmax
    with pytest.raises(ValueError, match="nothing called torch.no_such"):
        resolve("torch.no_such")
