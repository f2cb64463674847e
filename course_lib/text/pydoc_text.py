"""Real prose that every Python brings along: docstrings and the help topics. Used by lesson 01 (tokens)."""

import ast
import os
import sysconfig
import warnings
from collections.abc import Iterator
from pathlib import Path

# Not everywhere installed, gone in later versions, or written for tests: without them the text is about the same
# in a slim container and on a desktop.
SKIPPED_FOLDERS = {"site-packages", "dist-packages", "test", "tests", "idle_test", "idlelib", "turtledemo", "tkinter",
                   "lib2to3", "distutils", "ensurepip", "__pycache__"}
STATEMENTS = (ast.stmt, ast.excepthandler, ast.match_case)
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def pydoc_documents(folder: str | Path | None = None) -> list[str]:
    """The help topics of `pydoc`, then every docstring of the standard library, each once, in a fixed order.

    Nearly 2 million characters: English with signatures and examples. The text belongs to the running Python
    and changes with its version. folder: where the .py files are (default: this Python's standard library).
    Raises ValueError where this Python has neither sources nor topics (some bundled and browser builds).
    """
    folder = Path(folder or sysconfig.get_paths()["stdlib"])
    found = dict.fromkeys([*_topics(), *(text for path in _sources(folder) for text in docstrings(path.read_bytes()))])
    if not found:
        raise ValueError(f"this Python has no help topics and no sources in {folder}; use the corpus storyworld")
    return list(found)


def docstrings(source: str | bytes) -> Iterator[str]:
    """The docstrings of a module, its classes and functions, in the order they stand, indentation removed.

    Read from the source with `ast`: nothing is imported, and Python's -OO option, which drops docstrings from the
    running program, changes nothing. A file that is not valid Python has none.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # e.g. an invalid escape sequence in somebody's source
            tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return
    for node in _definitions(tree):
        text = ast.get_docstring(node)
        if text and text.strip():
            yield text


def _definitions(node):
    if isinstance(node, DOCUMENTED):
        yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, STATEMENTS):  # expressions hold no definitions, and are most of the tree
            yield from _definitions(child)


def _topics():
    try:
        from pydoc_data.topics import topics
    except ImportError:
        return []
    return [topics[name].strip() for name in sorted(topics)]


def _sources(folder):
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS)
        yield from (Path(place, name) for name in sorted(files) if name.endswith(".py"))
