"""Answers that are alike beyond what the exercise explains. Part of grading; no lesson derives it.

Names, numbers and layout are taken out of the syntax tree, its shape is cut into overlapping pieces, and a sample of
them is kept (winnowing: Schleimer, Wilkerson and Aiken, 2003). Pieces of the stub are left out and pieces that many
share count little. Short answers to one question look alike by nature: this is a hint for a human, never a proof.
"""

import ast
import hashlib
import math
from collections import Counter
from dataclasses import dataclass
from itertools import combinations

import nbformat

from course_lib.classroom.grading.folders import Folders
from course_lib.classroom.grading.troubles import Troubles

PIECE = 12  # tokens of the tree in one fingerprint
WINDOW = 4  # one fingerprint of so many is kept


@dataclass(frozen=True)
class Pair:
    """Two students, how alike they are (0 to 1, rare pieces weigh more), and how many pieces they share."""

    likeness: float
    first: str
    second: str
    shared: int


def similar_pairs(
    folders: Folders, name: str, *, above: float = 0.6, troubles: Troubles | None = None
) -> list[Pair]:
    """Pairs of graded submissions at least `above` alike, most alike first; who is left out, and why, to `troubles`."""
    troubles = Troubles() if troubles is None else troubles
    stub = nbformat.read(folders.root / "exercises" / name / f"{name}.ipynb", as_version=4)
    given = fingerprints(answers(stub), keep_all=True)
    prints = {}
    for path in sorted(folders.private.glob(f"autograded/*/{name}/{name}.ipynb")):
        with troubles.of(student := path.parent.parent.name, "comparing it with others"):
            prints[student] = fingerprints(answers(nbformat.read(path, as_version=4))) - given
    holders = Counter(piece for pieces in prints.values() for piece in pieces)
    # A piece that everybody has says nothing; one that two of a hundred have says much.
    weight = {piece: math.log((1 + len(prints)) / count) for piece, count in holders.items()}
    pairs = []
    for (first, a), (second, b) in combinations(prints.items(), 2):
        either = sum(weight[piece] for piece in a | b)
        likeness = sum(weight[piece] for piece in a & b) / either if either else 0.0
        if likeness >= above:
            pairs.append(Pair(likeness, first, second, len(a & b)))
    return sorted(pairs, key=lambda pair: (-pair.likeness, pair.first, pair.second))


def answers(notebook: nbformat.NotebookNode) -> str:
    """The code of a notebook that a student may have written."""
    own = [c for c in notebook.cells if c.cell_type == "code" and not c.metadata.get("nbgrader", {}).get("grade")]
    return "\n".join(cell.source for cell in own)


def fingerprints(source: str, *, keep_all: bool = False) -> set[int]:
    """Hashes of pieces of the renamed syntax tree; of text that does not parse, none."""
    tokens = []
    for block in _parsed(source):
        tokens += _tokens(block)
    hashes = [_hash(" ".join(tokens[i : i + PIECE])) for i in range(len(tokens) - PIECE + 1)]
    if keep_all:
        return set(hashes)
    return {min(hashes[i : i + WINDOW]) for i in range(max(len(hashes) - WINDOW + 1, min(len(hashes), 1)))}


def _parsed(source):
    """The statements that parse; cell magics and half-written functions are skipped."""
    try:
        return [ast.parse(source)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        blocks = ("\ndef " + part for part in source.split("\ndef ")[1:])
        found = []
        for block in blocks:
            try:
                found.append(ast.parse(block))
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                continue
        return found


def _tokens(tree):
    """The kinds of nodes in the order of the text, docstrings left out; attributes keep their names."""
    found, waiting = [], [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if not isinstance(node, ast.expr_context):
            found.append(f"{type(node).__name__}{f'.{node.attr}' if isinstance(node, ast.Attribute) else ''}")
        waiting += reversed(list(ast.iter_child_nodes(node)))
    return found


def _hash(text):
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "big")
