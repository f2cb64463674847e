"""Step through a computation graph: values forwards, then gradients backwards, edge by edge. Lesson 04 (backprop)."""

from html import escape
from typing import Any

import numpy as np

from course_lib.lab.plots import graph
from course_lib.lab.widgets.graph_layout import layered
from course_lib.lab.widgets.graph_steps import GraphStep, disagreements, graph_steps, read_graph
from course_lib.lab.widgets.markup import element
from course_lib.lab.widgets.picture import Picture, picture_of
from course_lib.lab.widgets.stepper import Stepper

WIDE, HIGH = 100, 60  # of a node, in pixels
ACROSS, DOWN = 150, 78  # from one node to the next
INFIX = ("+", "−", "×", "/", "**", "@")


class GraphStepper(Stepper):
    """A graph of nodes that is walked forwards and backwards; each step back says which local derivative it used.

    >>> GraphStepper(loss)                                          # the last node of an autograd    # doctest: +SKIP
    >>> GraphStepper([{"label": "x", "value": 3.0},
    ...               {"label": "y", "op": "×", "value": 9.0, "parents": ["x", "x"]}])               # doctest: +SKIP

    Args:
        graph: what `read_graph` reads: a node with `value` or `data`, `grad`, `parents`, `op`, `label`, or such dicts.
            Where nodes have a `grad` that is not what the chain rule gives, the end says so.
        step: where it begins; by default at the end, as a page shows it.
    """

    name, label = "graph_stepper", "Computation graph, forwards and backwards"

    def __init__(self, graph: Any, *, step: int | None = None):
        self.nodes = read_graph(graph)
        self.steps = graph_steps(self.nodes)
        self.layout = layered([node.parents for node in self.nodes])
        super().__init__(state={"step": self.last if step is None else step})

    @property
    def last(self) -> int:
        """Forwards a step for each node, backwards one for each edge."""
        return len(self.steps) - 1

    def still(self, state: dict[str, Any]) -> Picture:
        """The same moment as a figure."""
        step, nodes = self.steps[state["step"]], self.nodes
        names = [node.label + (f" {_short(node.value)}" if node.value.ndim else "") for node in nodes]
        values = [_plain(node.value) if i in step.known else None for i, node in enumerate(nodes)]
        grads = [_plain(step.grads.get(i)) for i in range(len(nodes))] if step.grads else None
        active = [step.edge[1]] if step.edge else [step.node] if step.known and nodes[step.node].parents else []
        figure = graph([node.parents for node in nodes], values=values, names=names, gradients=grads, active=active,
                       operators=[node.op for node in nodes], alt=self._words_for(state["step"]),
                       caption="Each value, and below it the gradient of the last node by it.")
        return picture_of(figure, words=self._words_for(state["step"]))

    def draw(self, state: dict[str, Any]) -> Picture:
        """The graph at this step, each node a button that leads to its own step."""
        step = self.steps[state["step"]]
        wrong = disagreements(self.nodes, step.grads) if state["step"] == self.last else []
        width, height = (self.layout.columns - 1) * ACROSS + WIDE + 8, (self.layout.rows - 1) * DOWN + HIGH + 8
        edges = [self._edge(edge, step) for edge in self.layout.paths]
        nodes = [self._node(i, step, i in wrong) for i in range(len(self.nodes))]
        label = f"computation graph, {'backwards' if step.grads else 'forwards'}"
        drawing = element("svg", ARROWS, *edges, *nodes, self._edge_label(step) if step.edge else "", data_arrows="",
                          viewBox=f"-4 -4 {width} {height:.0f}", role="group", aria_label=label)
        key = element("p", element("span", "value", class_="value"),
                      element("span", f"∂{escape(self.nodes[-1].label)}/∂node", class_="grad"), class_="key")
        return Picture(self._words_for(state["step"], wrong),
                       markup=element("div", drawing, class_="graph", style=f"--wide:{width}px") + key)

    def _at(self, i: int) -> tuple[float, float]:
        column, row = self.layout.places[i]
        return column * ACROSS, row * DOWN

    def _node(self, i: int, step: GraphStep, wrong: bool) -> str:
        node, (x, y) = self.nodes[i], self._at(i)
        value = _short(node.value) if i in step.known else "?"
        grad = _short(step.grads[i]) if i in step.grads else ""
        kinds = ["node", "leaf" if not node.parents else "", "now" if i == step.node else "", "wrong" if wrong else "",
                 "to" if step.edge and i == step.edge[0] else "", "" if i in step.known else "later"]
        said = f"{node.label}, {node.op or 'leaf'}, value {value}{', gradient ' + grad if grad else ''}"
        texts = (("name", 9, 17, _cut(node.label)), ("op", WIDE - 9, 17, node.op), ("value", 9, 35, value),
                 ("grad", 9, 52, grad))
        texts = texts if value != node.label else (texts[2], texts[3])  # a constant is its own name
        drawn = (element("text", escape(text), x=left, y=top, class_=kind) for kind, left, top, text in texts)
        box = element("rect", width=WIDE, height=HIGH, rx=7)
        return element("g", box, *drawn, class_=" ".join(filter(None, kinds)),
                       transform=f"translate({x:.1f} {y:.1f})", role="button", aria_label=said, data_key=i,
                       tabindex=0 if i == step.node else -1, data_set={"step": self._when(i, bool(step.grads))})

    def _when(self, i: int, backwards: bool) -> int:
        """The step at which node i gets its value, or the last at which something is added to its gradient."""
        found = [k for k, step in enumerate(self.steps) if bool(step.grads) == backwards and
                 (step.edge[0] == i if step.edge else step.node == i)]
        return found[-1] if found else 0 if not backwards else self.last

    def _edge(self, edge: tuple[int, int], step: GraphStep) -> str:
        points = [(column * ACROSS, row * DOWN + HIGH / 2) for column, row in self.layout.paths[edge]]
        x, y = points[0][0] + WIDE, points[0][1]
        path = f"M{x:.1f} {y:.1f}"
        for number, (next_x, next_y) in enumerate(points[1:], start=2):
            middle = (x + next_x) / 2
            path += f"C{middle:.1f} {y:.1f} {middle:.1f} {next_y:.1f} {next_x:.1f} {next_y:.1f}"
            x, y = next_x + (WIDE if number < len(points) else 0), next_y
            path += f"H{x:.1f}" if number < len(points) else ""
        forward = not step.grads and edge[1] == step.node and self.nodes[step.node].parents
        kind = "back" if edge == step.edge else "forth" if forward else ""
        end = "marker_start" if kind == "back" else "marker_end"
        return element("path", class_=f"edge {kind}", d=path, **{end: f"url(#course-arrow-{kind or 'plain'})"})

    def _edge_label(self, step: GraphStep) -> str:
        """The local derivative, on the edge that is walked."""
        (x, y), (to_x, to_y) = self.layout.paths[step.edge][-2:]
        x, y = (x * ACROSS + WIDE + to_x * ACROSS) / 2, ((y + to_y) * DOWN + HIGH) / 2
        text = "× " + _short(step.local)
        half = 4.2 * len(text) + 5
        pill = element("rect", x=f"{x - half:.1f}", y=f"{y - 11:.1f}", width=f"{2 * half:.1f}", height=22, rx=11)
        return element("g", pill, element("text", escape(text), x=f"{x:.1f}", y=f"{y + 5:.1f}"), class_="local")

    def _words_for(self, k: int, wrong: list[int] | None = None) -> str:
        step, root = self.steps[k], self.nodes[-1].label
        node = self.nodes[step.node]
        if step.edge:
            parent = self.nodes[step.edge[0]].label
            told = (f"back along {node.label} → {parent}: ∂{root}/∂{parent} += ∂{root}/∂{node.label} · "
                    f"∂{node.label}/∂{parent} = {_product(step, step.grads[step.node])}")
            total = step.grads[step.edge[0]]
            told += f", in all {_short(total)}" if not np.array_equal(total, step.passed) else ""
        elif step.grads:
            told = f"the way back begins: ∂{root}/∂{root} = 1"
        elif k == 0:
            told = f"forwards: {len(step.known)} leaves have their values"
        else:
            told = f"forwards: {self._formula(step.node)} = {_short(node.value)}"
        names = ", ".join(f"{self.nodes[i].label} ({_short(self.nodes[i].claimed)})" for i in wrong or ())
        return told + (f". But .grad says otherwise for {names}" if names else "")

    def _formula(self, i: int) -> str:
        node = self.nodes[i]
        parents = [self.nodes[p] for p in node.parents]
        sides = [[parent.label for parent in parents], [_signed(parent.value) for parent in parents]]
        infix = node.op in INFIX and len(parents) > 1
        names, values = (f" {node.op} ".join(side) if infix else f"{node.op}({', '.join(side)})" for side in sides)
        return f"{node.label} = {names}" + (f" = {values}" if names != values else "")


ARROWS = "".join(
    element("marker", element("path", d="M0 0L8 4L0 8z"), id=f"course-arrow-{kind}", class_=kind, viewBox="0 0 8 8",
            refX=7, refY=4, markerWidth=7, markerHeight=7, markerUnits="userSpaceOnUse", orient="auto-start-reverse")
    for kind in ("plain", "forth", "back"))


def _product(step: GraphStep, arriving: np.ndarray) -> str:
    return f"{_short(arriving)} · {_signed(step.local)} = {_short(step.passed)}"


def _short(value: np.ndarray) -> str:
    """A number with four digits; a few numbers in brackets; of more, the shape."""
    value = np.asarray(value)
    if not value.ndim:
        return f"{float(value):.4g}".replace("-", "−")
    if value.size <= 2:
        return "[" + " ".join(_short(v) for v in value.ravel()) + "]"
    return " × ".join(map(str, value.shape))


def _plain(value: np.ndarray | None) -> float | None:
    """A number for the figure; None where there is none yet, or more than one."""
    return float(value) if value is not None and not np.ndim(value) else None


def _signed(value: np.ndarray) -> str:
    text = _short(value)
    return f"({text})" if text.startswith("−") else text


def _cut(text: str) -> str:
    return text if len(text) <= 10 else text[:9] + "…"
