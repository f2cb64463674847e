"""From a file of checks, the source of some of its probes and of what they need; nothing else. Used for all lessons.

What a student receives, and what goes into the sandbox, is cut out of the author's file by name: a probe, the
imports, helpers and constants that it uses, theirs in turn; no hidden probe, no wrong answer, no decorator.
"""

import ast
import symtable
from collections.abc import Iterable


def probe_source(text: str, wanted: Iterable[str]) -> str:
    """Python source that defines the functions `wanted` of a file of checks with all they use, in the file's order.

    Raises ValueError for a name that the file does not define at its top level.
    """
    tree = ast.parse(text)
    makers = {name: node for node in tree.body for name in _defined(node)}
    if unknown := sorted(set(wanted) - set(makers)):
        raise ValueError(f"the file of the checks defines no {', '.join(unknown)} at its top level")
    waiting, kept = list(wanted), set()
    while waiting:
        node = makers[waiting.pop()]
        if node in kept:
            continue
        kept.add(node)
        waiting += [name for name in _used(node) if name in makers]
    return "\n\n".join(_text(node) for node in tree.body if node in kept) + "\n"


def _defined(node):
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names)
    elif isinstance(node, (ast.Assign, ast.AnnAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from (name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name))


def _used(node):
    """The names of the file that a piece of it needs: a local variable of the same name is none of them."""
    waiting = [symtable.symtable(_text(node), "a piece of the checks", "exec")]
    while waiting:
        scope = waiting.pop()
        waiting += scope.get_children()
        for name in scope.get_symbols():
            if name.is_referenced() if scope.get_type() == "module" else name.is_global():
                yield name.get_name()


def _text(node):
    if isinstance(node, ast.FunctionDef):
        node.decorator_list = _kept_decorators(node)
    return ast.unparse(node)


def _kept_decorators(node):
    """All but those that hang a function on its exercise, as in `@softmax.probe(points=1)`."""
    hung = ("probe", "property", "mistake", "forbid")

    def hangs(one):
        return isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and one.func.attr in hung

    return [one for one in node.decorator_list if not hangs(one)]
