"""Values drawn from the ranges of a rule, and the example in a docstring, as probes. Used by all lessons.

The grader tries every rule on values of its own. An example is what a student reads first and tries first: it is asked
as it stands there.
"""

import ast
import builtins
import doctest
from collections.abc import Callable

import numpy as np

from course_lib.classroom.checking.students_code import student_globals

EXAMPLES = 25


class NotHere(Exception):
    """The example needs a name that the notebook does not have yet."""


def draw_examples(rng: np.random.Generator, ranges: dict, n: int = EXAMPLES) -> list[dict]:
    """n examples, argument → value: the lowest of all ranges, the highest of all, then values drawn evenly.

    ranges: argument → (lowest, highest), both whole numbers or both floats; both ends may be drawn.
    """
    corners = [{name: ends[side] for name, ends in ranges.items()} for side in (0, 1)]
    drawn = [{name: _draw(rng, *ends) for name, ends in ranges.items()} for _ in range(n - len(corners))]
    return corners + drawn


def at_examples(rule: Callable, ranges: dict) -> Callable:
    """A rule as a probe: `fn(ns, rng)` returns the pairs that must agree, one for each example."""

    def tried(ns, rng):
        return [list(rule(ns, **example)) for example in draw_examples(rng, ranges)]

    return tried


def docstring_examples(docstring: str | None) -> list[list[str]]:
    """What stands behind `>>>` in a docstring, one list of statements for each value that is shown; [] where nothing.

    Statements without a value belong to the next one that has one.
    """
    found, waiting = [], []
    for example in doctest.DocTestParser().get_examples(docstring or ""):
        waiting.append(example.source.strip())
        if example.want.strip():
            found.append(waiting)
            waiting = []
    return found


def at_docstring(function: str, statements: list[str]) -> Callable:
    """An example as a probe: the value of its last statement, after the others, with the names of the notebook."""
    *before, last = statements

    def tried(ns, rng):
        names = {**_notebook(ns[function].__wrapped__), **ns}
        if missing := sorted(_used("\n".join(statements)) - names.keys() - set(dir(builtins))):
            raise NotHere(f"the notebook has no {', '.join(missing)}; run its cells from the top")
        for one in before:
            exec(compile(one, "<example>", "exec"), names)
        return eval(compile(last, "<example>", "eval"), names)

    return tried


def _notebook(answer):
    """The names that a cell sees: those of the answer's own code, and of the kernel."""
    shell = getattr(builtins, "get_ipython", lambda: None)()
    names = {"np": np} | (dict(shell.user_ns) if shell is not None else {})
    for one in student_globals(answer):
        names |= one
    return names


def _used(text):
    """The names that some statements read and do not make themselves."""
    names = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)]
    made = {node.id for node in names if not isinstance(node.ctx, ast.Load)}
    made |= {node.arg for node in ast.walk(ast.parse(text)) if isinstance(node, ast.arg)}
    return {node.id for node in names} - made


def _draw(rng, low, high):
    return int(rng.integers(low, high + 1)) if isinstance(low, int) else float(rng.uniform(low, high))
