"""Makes shape comments executable:   scores = q @ k.transpose(-2, -1)  # (B, H, T, S)

Inside `with checked("course_lib", root) as log:` the package is imported afresh, with a check after every
assignment and before every return that ends in such a comment. A letter stands for the local int of that
name; without one, for the size it was first seen with, until the call returns. Dimensions may be numbers,
letters or arithmetic on them: (B, T + 1), (2*F, C); `...` first stands for any number of leading axes, and
`(T, D) or (B, T, D)` allows either. `log.ran` holds what ran, `comments_in(source)` what there is to run.
"""

import ast
import contextlib
import importlib.machinery
import io
import operator
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

ONE = r"\((?:\.\.\.|[\w\s,+*/-])*\)"
SHAPE = re.compile(rf"#\s*({ONE}(?:\s+or\s+{ONE})*)\s*$")
ARITHMETIC = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul}
ARITHMETIC[ast.FloorDiv] = operator.floordiv


class ShapeError(AssertionError):
    """A value whose shape is not what the comment beside it says; the message names file, line and both."""


def comments_in(source: str) -> dict[int, str]:
    """Line number → shape comment, for every shape comment that stands behind code."""
    found = {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        behind_code = token.type == tokenize.COMMENT and token.line[: token.start[1]].strip()
        match = SHAPE.match(token.string) if behind_code else None
        if match and all(map(_is_shape, re.findall(ONE, match[1]))):
            found[token.start[0]] = match[1]
    return found


def _is_shape(text):
    """(B, T), (L, H_kv), (7,) and () are shapes; (B), (see the paper) and (relation, subject) are not."""
    return text == "()" or "," in text and re.search(r"\b(?:[A-Za-z](?:_\w+)?|\d+)\b", text) is not None


class _AddChecks(ast.NodeTransformer):
    """Puts a call of `_check_shape_` beside each statement that ends on a line with a shape comment."""

    def __init__(self, comments):
        self.comments, self.attached = comments, set()

    def visit_FunctionDef(self, node):
        self.generic_visit(node)
        # After the docstring, which would no longer be one otherwise.
        node.body.insert(int(ast.get_docstring(node) is not None), ast.parse("_sizes_ = {}").body[0])
        return node

    def _check(self, node, expression):
        self.attached.add(node.end_lineno)
        text = repr(self.comments[node.end_lineno])
        call = f"_check_shape_({node.end_lineno}, {expression!r}, {expression}, {text}, _sizes_, locals())"
        return [ast.copy_location(statement, node) for statement in ast.parse(call).body]

    def _assignment(self, node, targets):
        if node.end_lineno not in self.comments:
            return node
        flat = [leaf for target in targets for leaf in getattr(target, "elts", [target])]
        leaves = [leaf for leaf in flat if isinstance(leaf, (ast.Name, ast.Attribute))]
        return [node, *(check for leaf in leaves for check in self._check(node, ast.unparse(leaf)))]

    def visit_Assign(self, node):
        return self._assignment(node, node.targets)

    def visit_AnnAssign(self, node):
        return self._assignment(node, [node.target] if node.value else [])

    def visit_AugAssign(self, node):
        return self._assignment(node, [node.target])

    def visit_Return(self, node):
        if node.end_lineno not in self.comments or node.value is None:
            return node
        keep = ast.Assign([ast.Name("_result_", ast.Store())], node.value)
        give = ast.Return(ast.Name("_result_", ast.Load()))
        checks = self._check(node, "_result_")
        return [ast.copy_location(keep, node), *checks, ast.copy_location(give, node)]


def instrument(source: str, filename: str) -> tuple:
    """Code with checks added, and the lines of comments behind which there is nothing to check."""
    comments = comments_in(source)
    adder = _AddChecks(comments)
    tree = adder.visit(ast.parse(source, filename))
    return compile(ast.fix_missing_locations(tree), filename, "exec"), set(comments) - adder.attached


def _size(expression, sizes, local, seen):
    """The value of one dimension, None if unknown; a lone letter without a value takes the size seen."""

    def value(node):
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name):
            is_int = isinstance(local.get(node.id), int)
            return local[node.id] if is_int else sizes.get(node.id)
        parts = value(node.left), value(node.right)
        return None if None in parts else ARITHMETIC[type(node.op)](*parts)

    node = ast.parse(expression.strip(), mode="eval").body
    known = value(node)
    return sizes.setdefault(node.id, seen) if known is None and isinstance(node, ast.Name) else known


def mismatch(shape: tuple, comment: str, sizes: dict, local: dict) -> str | None:
    """What one shape comment says otherwise than `shape`, or None; `sizes` learns letters when it agrees."""
    dims = [dim.strip() for dim in comment.strip()[1:-1].split(",") if dim.strip()]
    if dims and dims[0] == "...":
        dims = dims[1:]
        shape = shape[len(shape) - len(dims) :] if len(shape) >= len(dims) else shape
    if len(shape) != len(dims):
        return f"{len(shape)} axes instead of {len(dims)}"
    learnt = dict(sizes)
    for seen, dim in zip(shape, dims, strict=True):
        wanted = _size(dim, learnt, local, seen)
        if wanted is None:
            return f"nothing says what {dim} is"
        if wanted != seen:
            return f"{dim} is {wanted}, not {seen}"
    sizes.update(learnt)
    return None


class Log:
    """What `checked` saw: `ran`, a set of (module, line); `unattached`, comments that nothing can check."""

    def __init__(self):
        self.ran, self.unattached = set(), set()

    def checker(self, module: str):
        """The function that instrumented code of `module` calls."""

        def check(line, name, value, comment, sizes, local):
            self.ran.add((module, line))
            where, shape = f"{module}, line {line}: {name}", getattr(value, "shape", None)
            if shape is None:
                raise ShapeError(f"{where} is a {type(value).__name__}, which has no shape")
            wrong = [mismatch(tuple(shape), one, sizes, local) for one in re.findall(ONE, comment)]
            if all(wrong):
                raise ShapeError(f"{where} is {tuple(shape)}, the comment says {comment}: {'; '.join(wrong)}")

        return check


class _Loader(importlib.machinery.SourceFileLoader):
    log: Log

    def get_code(self, fullname):  # never from, or into, the cache of compiled files
        code, unattached = instrument(Path(self.path).read_text(encoding="utf-8"), self.path)
        self.log.unattached |= {(fullname, line) for line in unattached}
        return code

    def exec_module(self, module):
        module._check_shape_, module._sizes_ = self.log.checker(module.__name__), {}
        super().exec_module(module)


@contextlib.contextmanager
def checked(package: str, root: Path) -> Iterator[Log]:
    """Import `package` (from the folder `root`) with checks for as long as the block lasts."""
    log = Log()

    class Finder:
        @staticmethod
        def find_spec(fullname, path=None, target=None):
            if fullname.partition(".")[0] != package:
                return None
            spec = importlib.machinery.PathFinder.find_spec(fullname, path or [str(root)])
            if spec and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
                spec.loader = _Loader(fullname, spec.origin)
                spec.loader.log = log
            return spec

    ours = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == package}
    sys.meta_path.insert(0, Finder)
    try:
        yield log
    finally:
        sys.meta_path.remove(Finder)
        for name in [name for name in sys.modules if name.partition(".")[0] == package]:
            del sys.modules[name]
        sys.modules.update(ours)
