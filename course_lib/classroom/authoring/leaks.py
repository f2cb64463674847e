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


def leaks(notebook: str, exercises: list[Exercise], released: list[str]) -> list[str]:
    """The secret lines that stand in the released texts.

    Args:
        notebook: the text of NN_name.nb.py.
        exercises: all of the lesson, each with the text of its file.
        released: every string of what students receive: cells, probe sources, hints.
    """
    answers, around = _split(notebook)
    known, everything = {_plain(line) for line in around}, set(answers)
    for exercise in exercises:
        hidden = {probe.id for probe in exercise.probes if probe.hidden}
        ids = [one.id for one in (*exercise.probes, *exercise.properties) if one.id not in hidden]
        at_home = hidden | {one.fn.__name__ for one in (*exercise.mistakes, *exercise.forbids)}
        known |= {_plain(line) for line in _unparsed(probe_source(exercise.text, ids), without=at_home)}
        everything |= set(_unparsed(exercise.text))
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


def _unparsed(source, without=()):
    """The lines of all functions and classes of a Python text, without docstrings and decorators, as written anew."""
    lines = []
    for node in ast.parse(source).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name not in without:
            for inner in ast.walk(node):
                if isinstance(inner, (ast.FunctionDef, ast.ClassDef)):
                    inner.decorator_list = []
                    if ast.get_docstring(inner) is not None:
                        inner.body = inner.body[1:] or [ast.Pass()]
            lines += [line for line in ast.unparse(node).splitlines() if not line.startswith("def _(")]
    return lines


def _plain(line):
    return "".join(line.split()).replace('"', "'")
