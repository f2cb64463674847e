"""Where the nodes of a computation graph stand: in layers, leaves beside what uses them. Lesson 04 (backprop)."""

from collections.abc import Sequence
from dataclasses import dataclass

from course_lib.lab.plots.graphs import columns_before_the_end

Point = tuple[float, float]
Edge = tuple[int, int]  # (parent, node)
SWEEPS = 8


@dataclass(frozen=True)
class Layout:
    """`places[i]` is the (column, row) of node i, the root in the last column; `paths` lead along each edge."""

    places: list[Point]
    paths: dict[Edge, list[Point]]
    columns: int
    rows: float


def layered(parents: Sequence[Sequence[int]]) -> Layout:
    """A layout for nodes that stand after their parents, the root last.

    A node's column is one before the first that uses it. An edge over several columns keeps a free place in each of
    them, so that it passes between the nodes. Then each column is ordered by the mean place of its neighbours, back
    and forth (Sugiyama, Tagawa and Toda 1981), and put as close to them as the distances allow.
    """
    height = columns_before_the_end(parents)
    last = max(height)
    chains, columns = {}, [[i for i in range(len(parents)) if last - height[i] == c] for c in range(last + 1)]
    neighbours: dict[object, list] = {i: [] for i in range(len(parents))}
    for node in range(len(parents)):
        for parent in dict.fromkeys(parents[node]):
            free = [(parent, node, c) for c in range(last - height[parent] + 1, last - height[node])]
            chains[parent, node] = chain = [parent, *free, node]
            for spot in free:
                columns[spot[2]].append(spot)
                neighbours[spot] = []
            for a, b in zip(chain, chain[1:], strict=False):
                neighbours[a].append(b)
                neighbours[b].append(a)
    row = _rows(columns, neighbours)
    lowest = min(row.values())
    at = {spot: (float(c), row[spot] - lowest) for c, column in enumerate(columns) for spot in column}
    paths = {edge: [at[spot] for spot in chain] for edge, chain in chains.items()}
    return Layout([at[i] for i in range(len(parents))], paths, last + 1, max(row.values()) - lowest + 1)


def _rows(columns, neighbours) -> dict[object, float]:
    place = {spot: c for c, column in enumerate(columns) for spot in column}
    row = {spot: float(r) for column in columns for r, spot in enumerate(column)}
    for sweep in range(SWEEPS):
        order = range(len(columns)) if sweep % 2 else reversed(range(len(columns)))
        for c in order:
            side = 1 if sweep % 2 == 0 else -1  # towards the column that was placed just before

            def wish(spot, c=c, side=side):
                near = [row[other] for other in neighbours[spot] if place[other] == c + side]
                return sum(near) / len(near) if near else row[spot]

            _spread(columns[c], row, wish)
    return row


def _spread(column, row, wish) -> None:
    """Order a column by its wishes, and give each spot the row nearest to its wish, one apart from the next."""
    wishes = {spot: wish(spot) for spot in column}
    column.sort(key=wishes.__getitem__)
    blocks: list[list] = []  # neighbours that push each other share a block: [sum of (wish − offset), size, spots]
    for spot in column:
        blocks.append([wishes[spot], 1, [spot]])
        while len(blocks) > 1 and _start(blocks[-2]) + blocks[-2][1] > _start(blocks[-1]):
            total, size, spots = blocks.pop()
            blocks[-1][0] += total - size * blocks[-1][1]
            blocks[-1][1] += size
            blocks[-1][2] += spots
    for block in blocks:
        for offset, spot in enumerate(block[2]):
            row[spot] = _start(block) + offset


def _start(block) -> float:
    return block[0] / block[1]
