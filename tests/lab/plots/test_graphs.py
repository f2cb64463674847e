import pytest

from course_lib.lab.plots import graph, theme
from course_lib.lab.plots.graphs import layout

WORDS = dict(caption="A graph.", alt="A graph.")
NEURON = [[], [], [0, 1], [], [2, 3], [4]]


def test_inputs_stand_before_what_uses_them():
    places = layout(NEURON)
    for i, sources in enumerate(NEURON):
        assert all(places[j][0] < places[i][0] for j in sources)
    assert [places[i] for i in (0, 1, 2)] == [(0, 0.0), (0, 1.0), (1, 0.5)] and len(set(places)) == 6


def test_a_node_may_be_used_twice():
    places = layout([[], [0, 0], [1, 0]])
    assert [x for x, _ in places] == [0, 1, 2]


def test_no_two_boxes_meet():
    wide = [[], [], [], [0, 1], [1, 2], [0, 2], [3, 4], [4, 5], [6, 7]]
    rows = {}
    for x, y in layout(wide):
        rows.setdefault(x, []).append(y)
    assert all(b - a >= 1 for ys in rows.values() for a, b in zip(sorted(ys), sorted(ys)[1:], strict=False))


def test_values_gradients_and_operators_are_written():
    figure = graph(NEURON, names=["w", "x", "w·x", "b", "z", "y"], values=[0.5, 2, 1, -0.4, 0.6, None],
                   gradients=[None, None, 0.7, 0.7, 0.7, 1], operators=["", "", "×", "", "+", "tanh"], active=[4],
                   **WORDS)
    ax = figure.axes[0]
    written = [text.get_text() for text in ax.texts]
    for text in ("w", "0.50", "∂ ·", "−0.40", "∂ 0.70", "×", "+", "tanh", "·"):
        assert text in written
    framed = [p for p in ax.patches if p.get_linewidth() == 2.4]
    assert len(framed) == 1 and figure.summary == "6 nodes, the last is not known yet, 4 of 6 gradients known"
    orange = [line for line in ax.lines if line.get_color() == theme().series[1]]
    assert len(orange) == 3                                    # from both inputs to the operator, and on to the box


@pytest.mark.parametrize(("inputs", "values", "message"), [
    ([[1], [0]], [1, 1], "2 nodes are computed from each other in a circle"),
    ([[], [2]], [1, 1], "computed from node 2, but there are 2 nodes"),
    ([[], [0]], [1], "1 values for 2 nodes"),
])
def test_doors(inputs, values, message):
    with pytest.raises(ValueError, match=message):
        graph(inputs, values=values, **WORDS)
