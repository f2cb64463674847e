"""The walk through a graph: values in order, one edge at a time backwards, the gradients of torch at the end."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from course_lib.byhand.autograd import Tensor
from course_lib.lab.widgets.graph_steps import disagreements, graph_steps, read_graph

ROWS = [
    {"label": "a", "value": 2.0}, {"label": "b", "value": -3.0}, {"label": "c", "value": 10.0},
    {"label": "e", "op": "*", "value": -6.0, "parents": ["a", "b"]},
    {"label": "d", "op": "+", "value": 4.0, "parents": ["e", 2]},
    {"label": "L", "op": "*", "value": 8.0, "parents": ["d", "a"]},
]


@dataclass
class Plain:
    value: float
    label: str = ""
    op: str = ""
    parents: tuple = ()
    grad: float = 0.0


def last_grads(nodes):
    return {nodes[i].label: float(g) for i, g in graph_steps(nodes)[-1].grads.items()}


def test_a_list_of_dicts_gives_torchs_gradients():
    a, b, c = (torch.tensor(v, requires_grad=True) for v in (2.0, -3.0, 10.0))
    ((a * b + c) * a).backward()
    grads = last_grads(read_graph(ROWS))
    assert (grads["a"], grads["b"], grads["c"]) == (a.grad.item(), b.grad.item(), c.grad.item()) == (-2.0, 4.0, 2.0)


def test_forwards_each_node_comes_after_its_parents():
    nodes = read_graph(ROWS)
    assert [node.label for node in nodes][-1] == "L"
    for i, node in enumerate(nodes):
        assert all(parent < i for parent in node.parents)
    forward = [step for step in graph_steps(nodes) if not step.grads]
    assert [nodes[s.node].label for s in forward[1:]] == ["e", "d", "L"]
    assert [len(s.known) for s in forward] == [3, 4, 5, 6]


def test_backwards_each_step_is_one_edge_with_its_local_derivative():
    nodes = read_graph(ROWS)
    told = [(nodes[s.edge[1]].label, nodes[s.edge[0]].label, float(s.local), float(s.passed))
            for s in graph_steps(nodes) if s.edge]
    assert told == [("L", "d", 2.0, 2.0), ("L", "a", 4.0, 4.0), ("d", "e", 1.0, 2.0), ("d", "c", 1.0, 2.0),
                    ("e", "a", -3.0, -6.0), ("e", "b", 2.0, 4.0)]


@pytest.mark.parametrize("op, inputs", [
    ("+", (0.3, 0.7)), ("-", (0.3, 0.7)), ("*", (0.3, 0.7)), ("/", (0.3, 0.7)), ("**", (0.3, 0.7)), ("exp", (0.3,)),
    ("log", (0.3,)), ("tanh", (0.3,)), ("sigmoid", (0.3,)), ("relu", (0.3,)), ("relu", (-0.3,)), ("sqrt", (0.3,)),
    ("neg", (0.3,)), ("^3", (0.3,)),
])
def test_local_derivatives_are_torchs(op, inputs):
    parents = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in inputs]
    function = {"+": torch.add, "-": torch.sub, "*": torch.mul, "/": torch.div, "**": torch.pow,
                "^3": lambda x: x**3}.get(op) or getattr(torch, op)
    y = function(*parents)
    y.backward()
    leaves = [Plain(x, f"x{i}") for i, x in enumerate(inputs)]
    steps = graph_steps(read_graph(Plain(y.item(), "y", op, tuple(leaves))))
    assert [float(s.local) for s in steps if s.edge] == pytest.approx([p.grad.item() for p in parents], abs=1e-12)


def test_a_graph_of_the_courses_autograd():
    x, w = Tensor(np.ones((2, 3)), label="x"), Tensor(np.arange(3.0)[:, None], label="w")
    loss = ((x @ w + 1.0).tanh() ** 2).mean()
    loss.backward()
    nodes = read_graph(loss)
    grads = graph_steps(nodes)[-1].grads
    for i, node in enumerate(nodes):
        if node.label in ("x", "w"):
            np.testing.assert_allclose(grads[i], {"x": x, "w": w}[node.label].grad, atol=1e-12)
    assert disagreements(nodes, grads) == []


def test_a_wrong_gradient_is_found_and_an_untouched_graph_is_left_alone():
    a = Plain(3.0, "a")
    square = Plain(9.0, "y", "*", (a, a))
    nodes = read_graph(square)
    grads = graph_steps(nodes)[-1].grads
    assert float(grads[0]) == 6.0
    assert disagreements(nodes, grads) == []
    a.grad, square.grad = 3.0, 1.0  # the usual mistake: = where it should be +=
    assert disagreements(read_graph(square), grads) == [0]


def test_what_cannot_be_read_says_what_to_do():
    with pytest.raises(ValueError, match="operator 'gelu'.*`local`, one number for each of its 1 parents"):
        read_graph(Plain(1.0, "y", "gelu", (Plain(2.0),)))
    with pytest.raises(ValueError, match="parent 'q' that is not in the list; there are a, y"):
        read_graph([{"label": "a", "value": 1}, {"label": "y", "op": "exp", "value": 1, "parents": ["q"]}])
    circle = Plain(1.0, "y", "exp")
    circle.parents = (Plain(1.0, "z", "exp", (circle,)),)
    with pytest.raises(ValueError, match="no circles"):
        read_graph(circle)
    ok = Plain(1.0, "y", "gelu", (Plain(2.0),))
    ok.local = (0.5,)
    assert float(graph_steps(read_graph(ok))[-1].passed) == 0.5
