"""Random graphs, drawn by hypothesis: every gradient of byhand.autograd equals torch's in float64."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.byhand.autograd import Tensor, as_tensor, topological_order, unbroadcast

UNARY = ("tanh", "sigmoid", "relu", "exp_of_tanh", "log_of_square", "square", "reciprocal", "log_softmax", "mean",
         "sum_keep", "sum", "swap", "flat", "row", "negative")
BINARY = ("+", "-", "*", "/", "@", "from 2", "over 2")


def unary(name, x, torch_side):
    """The operation as each side writes it; both inputs are kept in a range where it is smooth and finite."""
    axis = {"dim": -1} if torch_side else {"axis": -1}
    keep = {"dim": 0, "keepdim": True} if torch_side else {"axis": 0, "keepdims": True}
    return {
        "exp_of_tanh": lambda: x.tanh().exp(),
        "log_of_square": lambda: (x**2 + 0.5).log(),
        "square": lambda: x.tanh() ** 2,
        "reciprocal": lambda: (x**2 + 1) ** -0.5,
        "log_softmax": lambda: x.log_softmax(**axis),
        "mean": lambda: x.mean(**axis),
        "sum_keep": lambda: x.sum(**keep),
        "sum": lambda: x.sum(),
        "swap": lambda: x.swapaxes(0, -1),
        "flat": lambda: x.reshape(-1),
        "row": lambda: x[np.array([0, 0, -1])],
        "negative": lambda: -x,
    }.get(name, lambda: getattr(x, name)())()


def binary(name, x, y):
    return {"+": lambda: x + y, "-": lambda: x - y, "*": lambda: x * y, "/": lambda: x / (y**2 + 1),
            "@": lambda: x @ y, "from 2": lambda: 2 - x, "over 2": lambda: 2 / (x**2 + 1)}[name]()


def fits(name, *shapes):
    """Whether an operation is defined for these shapes (numpy's own verdict)."""
    arrays = [np.ones(shape) for shape in shapes]
    needs_axes = {"log_softmax": 1, "mean": 1, "sum_keep": 1, "swap": 1, "row": 1}
    if name in UNARY:
        return arrays[0].ndim >= needs_axes.get(name, 0)
    try:
        result = arrays[0] @ arrays[1] if name == "@" else arrays[0] + arrays[1]
    except ValueError:
        return False
    return result.size <= 200 and (name != "@" or min(a.ndim for a in arrays) >= 2)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_random_graphs(data, seed):
    """Leaves of any broadcastable shapes, up to ten operations, nodes used again and again."""
    rng = np.random.default_rng(seed)
    drawn = data.draw(hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=3, max_side=3))
    leaves = [rng.uniform(-2, 2, shape) for shape in drawn.input_shapes]
    mine = [Tensor(x) for x in leaves]
    theirs = [torch.tensor(x, requires_grad=True) for x in leaves]
    for _ in range(data.draw(st.integers(1, 10))):
        i, j = data.draw(st.integers(0, len(mine) - 1)), data.draw(st.integers(0, len(mine) - 1))
        shapes = mine[i].shape, mine[j].shape
        name = data.draw(st.sampled_from([n for n in UNARY + BINARY if fits(n, *shapes)]))
        if name in UNARY:
            mine.append(unary(name, mine[i], False))
            theirs.append(unary(name, theirs[i], True))
        else:
            mine.append(binary(name, mine[i], mine[j]))
            theirs.append(binary(name, theirs[i], theirs[j]))
    loss = sum((m.tanh().sum() for m in mine[3:]), start=Tensor(0.0))
    sum((t.tanh().sum() for t in theirs[3:]), start=torch.zeros((), dtype=torch.float64)).backward()
    loss.backward()
    for m, t in zip(mine[:3], theirs[:3], strict=True):
        if m.grad is None:
            assert t.grad is None
            continue
        np.testing.assert_allclose(m.grad, t.grad.numpy(), rtol=1e-10, atol=1e-10)


@settings(max_examples=60, deadline=None)
@given(shapes=hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=3))
def test_unbroadcast_undoes_broadcasting(shapes):
    x = torch.zeros(shapes.input_shapes[0], dtype=torch.float64, requires_grad=True)
    dy = np.random.default_rng(0).normal(size=shapes.result_shape)
    (torch.broadcast_to(x, shapes.result_shape) * torch.tensor(dy)).sum().backward()
    mine = unbroadcast(dy, shapes.input_shapes[0])
    assert mine.shape == x.shape
    np.testing.assert_allclose(mine, x.grad.numpy(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("use", [lambda a, x: a * x, lambda a, x: x @ a, lambda a, x: a + x, lambda a, x: a - x,
                                 lambda a, x: a / x, lambda a, x: a @ x])
def test_arrays_and_numbers_beside_tensors(use):
    a, x = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[2.0, 0.5], [1.0, 3.0]])
    mine, theirs = Tensor(x), torch.tensor(x, requires_grad=True)
    use(a, mine).sum().backward()
    use(torch.tensor(a), theirs).sum().backward()
    np.testing.assert_allclose(mine.grad, theirs.grad.numpy(), rtol=1e-12)


def test_a_node_used_twice_gets_both_gradients():
    x = Tensor(3.0)
    y = x * x + x
    y.backward()
    assert x.grad == 7


def test_leaves_add_up_over_calls_and_inner_nodes_do_not():
    x = Tensor(3.0)
    y = x * 2
    z = y * y
    z.backward()
    z.backward()
    assert x.grad == 2 * 24 and y.grad == 12


def test_backward_from_many_numbers_needs_a_gradient():
    x = Tensor([1.0, 2.0])
    with pytest.raises(ValueError, match=r"shape \(2,\)"):
        (x * x).backward()
    (x * x).backward(np.array([1.0, 10.0]))
    np.testing.assert_array_equal(x.grad, [2.0, 40.0])


def test_each_node_once_and_after_its_parents():
    a = Tensor(1.0)
    b = a + a
    root = b * a + b.tanh()
    order = topological_order(root)
    place = {id(node): i for i, node in enumerate(order)}
    assert len(place) == len(order) == 5 and order[-1] is root
    assert all(place[id(parent)] < place[id(node)] for node in order for parent in node.parents)


def test_a_graph_deeper_than_pythons_stack():
    x = y = Tensor(1.0)
    for _ in range(5000):
        y = y * 1.0
    y.backward()
    assert x.grad == 1


def test_whole_numbers_become_floats_and_tensors_stay_what_they_are():
    x = as_tensor([1, 2])
    assert x.data.dtype == np.float64 and as_tensor(x) is x
    assert "tanh" in repr(x.tanh())
