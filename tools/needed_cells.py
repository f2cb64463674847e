"""Which cells of a lesson a cell needs: a walk back from the names that it reads to the cells that make them.

So a test can run the widgets of a lesson in a browser without the rest of the lesson, and nobody has to keep a list.
What a cell changes in place (a model that is trained on) is not followed: a widget that needs it names what it needs.
"""

import ast
import symtable
from collections.abc import Collection, Sequence

WIDGETS = "course_lib.lab.widgets"


def needed_cells(sources: Sequence[str], wanted: Collection[int]) -> list[int]:
    """The places of the cells `wanted` and of all that they need, in order. sources: of a notebook's code cells."""
    names = [made_and_needed(source) for source in sources]
    waiting, found = list(wanted), set()
    while waiting:
        place = waiting.pop()
        if place in found:
            continue
        found.add(place)
        for name in names[place][1]:
            waiting += [earlier for earlier in range(place) if name in names[earlier][0]][-1:]
    return sorted(found)


def made_and_needed(source: str) -> tuple[set[str], set[str]]:
    """The names that a cell makes for others, and those that it reads, also in functions, before it has made them."""
    made, needed = set(), set()
    for statement in ast.parse(source).body:
        table = symtable.symtable(ast.unparse(statement), "cell", "exec")
        new = {one.get_name() for one in table.get_symbols() if one.is_assigned() or one.is_imported()}
        read = {one.get_name() for one in table.get_symbols() if one.is_referenced()} | read_inside(table)
        if isinstance(statement, ast.AugAssign):
            read |= new
        elif not isinstance(statement, (ast.Assign, ast.AnnAssign)):  # a loop's own names, a function that calls itself
            read -= new
        needed |= read - made
        made |= new
    return made, needed


def read_inside(table: symtable.SymbolTable) -> set[str]:
    """The global names that the functions and classes in a piece of code read."""
    found, waiting = set(), table.get_children()
    while waiting:
        inner = waiting.pop()
        found |= {one.get_name() for one in inner.get_symbols() if one.is_global() and one.is_referenced()}
        waiting += inner.get_children()
    return found


def widget_cells(sources: Sequence[str]) -> list[int]:
    """The places of the cells that make a widget: they call what was imported from the widgets' package."""
    trees = [ast.parse(source) for source in sources]
    names = {alias.asname or alias.name for tree in trees for node in ast.walk(tree)
             if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(WIDGETS) for alias in node.names}
    return [place for place, tree in enumerate(trees)
            if any(isinstance(node, ast.Call) and getattr(node.func, "id", None) in names for node in ast.walk(tree))]
