"""Whatever an answer changes in its arguments is seen and named; what is only used is not."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from course_lib.classroom.checking.arguments import Seen, rounded, whole


def changed(value, change):
    seen = Seen("x", value)
    change(value)
    return seen.change()


def set_item(key, value):
    return lambda thing: thing.__setitem__(key, value)


CHANGES = {
    "an array": (np.ones((2, 3)), set_item((0, 1), 5.0), "(1 of 6 values; 1 at [0, 1] became 5)"),
    "an array with nan": (np.array([np.nan, 1.0]), set_item(1, 2.0), "1 of 2 values; 1 at [1] became 2"),
    "integers": (np.arange(3), lambda x: np.add(x, 1, out=x), "3 of 3 values; 0 at [0] became 1"),
    "a shape": (np.ones((2, 3)), lambda x: setattr(x, "shape", (6,)), "its shape was (2, 3), now (6,)"),
    "a tensor": (torch.zeros(2), lambda x: x.add_(1), "2 of 2 values; 0 at [0] became 1"),
    "a half tensor": (torch.zeros(2, dtype=torch.bfloat16), lambda x: x.add_(1), "0 at [0] became 1"),
    "a list": ([1, 2], lambda x: x.append(3), "it had 2 entries, now 3"),
    "an order": ([2, 1], lambda x: x.sort(), "`x[0]`: 2 became 1"),
    "a dict": ({"W": 1}, lambda x: x.update(b=2), "['b'] is new"),
    "an entry less": ({"W": 1}, lambda x: x.clear(), "'W'] is gone"),
    "a value of a dict": ({"W": np.zeros(2)}, lambda x: x["W"].fill(1), "`x['W']`: 2 of 2 values; 0 at [0] became 1"),
    "a record in a list": ([{"loss": 2.5}], lambda x: x[0].update(loss=3.0), "`x[0]['loss']`: 2.5 became 3"),
    "a set": ({1}, lambda x: x.add(2), "became"),
    "an attribute": (SimpleNamespace(grad=0.0), lambda x: setattr(x, "grad", 1.0), "`x.grad`: 0 became 1"),
    "deep in an object": (SimpleNamespace(at=[np.zeros(1)]), lambda x: x.at[0].fill(2), "`x.at[0]`: 0 at [0] became 2"),
    "a model": (torch.nn.Linear(1, 1), lambda x: x.weight.data.fill_(7), "`x['weight']`:"),
    "an array in a tuple": ((np.zeros(1),), lambda x: x[0].fill(1), "`x[0]`: 0 at [0] became 1"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_named(what):
    value, change, words = CHANGES[what]
    text = changed(value, change)
    assert text.startswith("your function changes its argument `x` in place (") and words in text
    assert text.endswith("leave it as it came, work on a copy")


def grown(x):
    x.reserve = x.sum()


@pytest.mark.parametrize(
    ("value", "use"),
    [
        (np.ones(3), lambda x: x + 1),
        (np.array([np.nan]), lambda x: x + 1),
        (np.random.default_rng(0), lambda x: x.random()),
        (iter([1, 2]), next),
        (itertools.count(), next),
        (torch.ones(2, requires_grad=True), lambda x: x.sum().backward()),
        (torch.nn.Linear(2, 1), lambda x: x(torch.ones(2)).sum().backward()),
        (lambda ids: ids, lambda x: setattr(x, "calls", 1)),
        ([float("nan")], len),
        ("text", len),
        (None, repr),
    ],
)
def test_use_is_no_change(value, use):
    assert changed(value, use) == ""


def test_things_that_hold_themselves_end():
    ring = [1]
    ring.append(ring)
    node = SimpleNamespace(grad=0.0)
    node.parents = (node, node)
    assert changed(ring, len) == changed(node, repr) == ""
    assert "`x.grad`" in changed(node, lambda x: setattr(x, "grad", 1.0))


def test_whole_numbers():
    given = {"z": np.array([0.4, 1.6]), "ids": np.arange(2), "list": [np.array([2.5]), 0.3], "open": np.array([np.inf])}
    found = whole(given)
    assert found["z"].tolist() == [0, 2] and found["z"].dtype == np.int64 and found["ids"] is given["ids"]
    assert found["list"][0].dtype == np.int64 and found["list"][1] == 0.3 and found["open"] is given["open"]
    assert rounded(given)["z"].tolist() == [0.0, 2.0] and rounded(given)["z"].dtype == float
    assert given["z"].tolist() == [0.4, 1.6]
    shares = np.array([0.2, 0.8])
    assert whole(shares) is rounded(shares) is shares, "there are no whole probabilities"
