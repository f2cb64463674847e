"""Graphs that can be read: parents to the left, nothing on top of anything else, edges between the nodes."""

import random

import pytest

from course_lib.lab.widgets.graph_layout import layered


def random_graph(size, seed):
    rng = random.Random(seed)
    parents = [[] if i < 2 else rng.sample(range(i), k=min(i, rng.choice([1, 2, 2, 3]))) for i in range(size)]
    used = {p for row in parents for p in row}
    parents[-1] = sorted({*parents[-1], *(i for i in range(size - 1) if i not in used)})
    return parents


@pytest.mark.parametrize("seed", range(6))
def test_any_graph_is_drawn_without_collisions(seed):
    parents = random_graph(14, seed)
    layout = layered(parents)
    for node, row in enumerate(parents):
        assert all(layout.places[parent][0] < layout.places[node][0] for parent in row)
        for parent in row:
            path = layout.paths[parent, node]
            assert path[0] == layout.places[parent] and path[-1] == layout.places[node]
            columns = [column for column, _ in path]
            assert columns == [path[0][0] + k for k in range(len(path))]
    nodes = set(layout.places)
    assert len(nodes) == len(parents)
    for (a, b), (x, y) in ((p, q) for p in layout.places for q in layout.places if p != q):
        assert a != x or abs(b - y) >= 1 - 1e-9
    for path in layout.paths.values():
        for column, row in path[1:-1]:
            assert all(column != c or abs(row - r) >= 1 - 1e-9 for c, r in nodes), "an edge runs through a node"
    assert max(layout.places)[0] == layout.columns - 1 and layout.places[-1][0] == layout.columns - 1


def test_a_chain_is_a_straight_line_and_a_sum_is_balanced():
    assert layered([[], [0], [1]]).places == [(0, 0), (1, 0), (2, 0)]
    assert layered([[], [], [0, 1]]).places == [(0, 0), (0, 1), (1, 0.5)]


def test_a_leaf_stands_beside_what_uses_it():
    places = layered([[], [], [0, 1], [], [2, 3]]).places
    assert [column for column, _ in places] == [0, 0, 1, 1, 2]


def test_the_same_parent_twice_is_one_edge():
    assert list(layered([[], [0, 0]]).paths) == [(0, 1)]
