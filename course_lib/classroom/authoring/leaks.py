"""What must not reach students: lines of solutions, hidden probes and wrong answers.

Part of the authors' tools; no lesson derives it. A line counts from 20 characters on, and only when it stands
nowhere in what is public anyway.
"""

import ast

import jupytext

from course_lib.classroom.authoring.exercise import BEGIN, END, is_free_text
from course_lib.classroom.authoring.probe_source import probe_source
from course_lib.classroom.checking.exercise import Exercise

LENGTH = 20


def leaks(notebook: str, checks: str, exercises: list[Exercise], released: list[str]) -> list[str]:
    """The secret lines that stand in the released texts.

    Args:
        notebook: the text of NN_name.nb.py.
        checks: the text of checks.py.
        released: every string of what students receive: cells, probe sources, hints.
    """
    answers, around = _split(notebook)
    ids = [p.id for e in exercises for p in (*e.probes, *e.properties) if not getattr(p, "hidden", False)]
    public = _unparsed(probe_source(checks, ids)) + around
    everything = _unparsed(checks) + answers
    known = {_plain(line) for line in public}
    text = "\n".join(_plain(line) for string in released for line in string.splitlines())
    secret = {line.strip() for line in everything if len(line.strip()) >= LENGTH and _plain(line) not in known}
    return sorted(line for line in secret if _plain(line) in text)


def _split(notebook):
    """Lines inside and outside the answers of a solution's source."""
    inside, outside = [], []
    for cell in jupytext.reads(notebook, fmt="py:percent").cells:
        open_ = is_free_text(cell)
        for line in cell.source.splitlines():
            if line.strip() in (BEGIN, END):
                open_ = line.strip() == BEGIN
            else:
                (inside if open_ else outside).append(line)
    return inside, outside


def _unparsed(source):
    """The lines of all functions and classes of a Python text, without docstrings and decorators, as written anew."""
    lines = []
    for node in ast.parse(source).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            for inner in ast.walk(node):
                if isinstance(inner, (ast.FunctionDef, ast.ClassDef)):
                    inner.decorator_list = []
                    if ast.get_docstring(inner) is not None:
                        inner.body = inner.body[1:] or [ast.Pass()]
            lines += [line for line in ast.unparse(node).splitlines() if not line.startswith("def _(")]
    return lines


def _plain(line):
    return "".join(line.split()).replace('"', "'")
