r"""A computation graph, walked forwards and then backwards, one edge at a time. Lesson 04 (backprop).

Forwards, each node gets its value from its parents. Backwards, each edge passes on the gradient of its node times
the local derivative: $\partial L/\partial p \mathrel{+}= \partial L/\partial n \cdot \partial n/\partial p$.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from course_lib.byhand.autograd import unbroadcast

# Operator → the derivatives by each parent, from the value y and the parents' values.
LOCAL: dict[str, Callable[..., tuple]] = {
    "+": lambda y, *x: (1.0,) * len(x), "−": lambda y, a, b: (1.0, -1.0), "neg": lambda y, x: (-1.0,),
    "×": lambda y, a, b: (b, a), "/": lambda y, a, b: (1 / b, -a / b**2),
    "**": lambda y, a, b: (b * a ** (b - 1), y * np.log(a) if np.all(a > 0) else 0.0),
    "exp": lambda y, x: (y,), "log": lambda y, x: (1 / x,), "sigmoid": lambda y, x: (y * (1 - y),),
    "tanh": lambda y, x: (1 - y**2,), "relu": lambda y, x: ((x > 0) * 1.0,), "sqrt": lambda y, x: (0.5 / y,),
}
SAME = {"*": "×", "-": "−", "mul": "×", "add": "+", "sub": "−", "div": "/", "pow": "**", "ReLU": "relu"}


@dataclass(frozen=True)
class Node:
    """One value of the graph. `pass_back` turns the gradient of this node into one for each parent.

    `claimed` is the gradient that the caller's own code has found, None where it has not run.
    """

    label: str
    op: str
    value: np.ndarray
    parents: tuple[int, ...]
    pass_back: Callable[[np.ndarray], tuple] | None = field(repr=False)
    claimed: np.ndarray | None


@dataclass(frozen=True)
class GraphStep:
    """What happens at one moment. `edge` is (parent, node), on the way back; `known` and `grads` are what stands."""

    node: int
    edge: tuple[int, int] | None
    local: np.ndarray | None
    passed: np.ndarray | None
    known: tuple[int, ...]
    grads: dict[int, np.ndarray]


def read_graph(graph: Any) -> list[Node]:
    """The nodes below `graph` in an order in which each stands after its parents; the last one is the root.

    `graph` is the last node of a computation (any object with `value` or `data`, `grad`, `parents`, `op`, `label`),
    or a list of dicts with these keys, whose parents are labels or places in the list. The local derivative is found
    from `local` (one number for each parent), from `rule` (gradient → one for each parent) or from the operator.
    Raises ValueError for an operator that is not known and has neither, and for a graph with a circle.
    """
    found = _ordered(_linked(graph) if isinstance(graph, (list, tuple)) else graph)
    place = {id(node): number for number, node in enumerate(found)}
    return [_read(node, number, [place[id(p)] for p in _of(node, "parents", default=())], found)
            for number, node in enumerate(found)]


def graph_steps(nodes: Sequence[Node]) -> list[GraphStep]:
    """Each node's value, leaves first; then the root's gradient 1, and each edge backwards."""
    steps, known = [], [i for i, node in enumerate(nodes) if not node.parents]
    steps.append(GraphStep(known[-1], None, None, None, tuple(known), {}))
    for i, node in enumerate(nodes):
        if node.parents:
            known.append(i)
            steps.append(GraphStep(i, None, None, None, tuple(known), {}))
    everything, root = tuple(range(len(nodes))), len(nodes) - 1
    grads = {root: np.ones_like(nodes[root].value)}
    steps.append(GraphStep(root, None, None, None, everything, dict(grads)))
    for i in range(root, -1, -1):
        if not nodes[i].parents or i not in grads:
            continue
        ones = nodes[i].pass_back(np.ones_like(nodes[i].value))
        for parent, local, sent in zip(nodes[i].parents, ones, nodes[i].pass_back(grads[i]), strict=True):
            shape = nodes[parent].value.shape
            sent, local = (unbroadcast(np.asarray(v, dtype=float), shape) for v in (sent, local))
            sent = np.broadcast_to(sent, shape)
            grads = {**grads, parent: grads.get(parent, 0.0) + sent}
            steps.append(GraphStep(i, (parent, i), local, sent, everything, dict(grads)))
    return steps


def disagreements(nodes: Sequence[Node], grads: Mapping[int, np.ndarray]) -> list[int]:
    """The nodes whose own `grad` is not what the chain rule gives; none while all of them are still 0 or None."""
    claimed = {i: node.claimed for i, node in enumerate(nodes) if node.claimed is not None}
    if not any(np.any(value) for value in claimed.values()):
        return []
    return [i for i, value in claimed.items() if i in grads and not np.allclose(value, grads[i], rtol=1e-6, atol=1e-9)]


def _of(node: Any, *names: str, default: Any = None) -> Any:
    for name in names:
        value = node.get(name) if isinstance(node, Mapping) else getattr(node, name, None)
        if value is not None:
            return value
    return default


def _linked(rows: Sequence[Mapping]) -> Mapping:
    """The last of `rows`, with the parents of each replaced by the rows themselves."""
    rows = [dict(row) for row in rows]
    by_label = {row.get("label"): row for row in rows}
    for row in rows:
        try:
            row["parents"] = [rows[p] if isinstance(p, int) else by_label[p] for p in row.get("parents") or ()]
        except (KeyError, IndexError) as missing:
            raise ValueError(f"node {row.get('label')!r} has a parent {missing} that is not in the list; "
                             f"there are {', '.join(map(str, by_label))}") from None
    return rows[-1]


def _ordered(root: Any) -> list[Any]:
    order, done, open_, stack = [], set(), set(), [(root, False)]
    while stack:
        node, parents_done = stack.pop()
        if parents_done:
            done.add(id(node))
            order.append(node)
        elif id(node) in open_ - done:
            raise ValueError(f"node {_of(node, 'label', default='?')!r} depends on itself; a graph has no circles")
        elif id(node) not in done:
            open_.add(id(node))
            stack.append((node, True))
            stack.extend((parent, False) for parent in reversed(list(_of(node, "parents", default=())))
                         if id(parent) not in done)
    return order


def _read(node: Any, number: int, parents: list[int], found: list[Any]) -> Node:
    value = np.asarray(_of(node, "value", "data"), dtype=float)
    op = str(_of(node, "op", default=""))
    constant = not parents and not value.ndim  # is called by its value
    unnamed = f"{value:.4g}".replace("-", "−") if constant else f"n{number}"
    label, claimed = _of(node, "label", default="") or unnamed, _of(node, "grad")
    claimed = None if claimed is None else np.asarray(claimed, dtype=float)
    plain = Node(str(label), SAME.get(op, op), value, tuple(parents), None, claimed)
    values = [np.asarray(_of(found[p], "value", "data"), dtype=float) for p in parents]
    return replace(plain, pass_back=_pass_back(node, plain, values)) if parents else plain


def _pass_back(node: Any, plain: Node, values: list[np.ndarray]) -> Callable[[np.ndarray], tuple]:
    local, rule = _of(node, "local"), _of(node, "rule")
    if local is None and rule is not None:
        return rule
    if local is None and plain.op.startswith("^"):
        power = float(plain.op[1:])
        local = (power * values[0] ** (power - 1),)
    if local is None and plain.op in LOCAL:
        local = LOCAL[plain.op](plain.value, *values)
    if local is None:
        raise ValueError(f"node {plain.label!r} has the operator {plain.op!r}, whose derivative is not known here; "
                         f"give the node `local`, one number for each of its {len(values)} parents")
    return lambda grad: tuple(grad * derivative for derivative in local)
