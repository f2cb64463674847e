"""The reference answers of a lesson's exercises, as names one can call; stubs too.

Part of the authors' tools; no lesson derives it. A solution's source is run
without its check cells; with `stubs`, as a student receives it.
"""

import contextlib
import os
from pathlib import Path

import jupytext

from course_lib.classroom.authoring.exercise import cut_answers, has_answer, is_check


def answer_namespace(source: Path, *, stubs: bool = False) -> dict[str, object]:
    """The names that NN_name.nb.py defines, checks left out; with `stubs`, answers are replaced by "your turn"."""
    namespace: dict[str, object] = {"__name__": "answers"}
    with _no_windows():
        _run(source, stubs, namespace)
    return namespace


def _run(source, stubs, namespace):
    for number, cell in enumerate(jupytext.read(source, fmt="py:percent").cells, start=1):
        if cell.cell_type != "code" or is_check(cell):
            continue
        text = cut_answers(cell.source) if stubs and has_answer(cell.source) else cell.source
        exec(compile(text, f"{source.name}, cell {number}", "exec"), namespace)


@contextlib.contextmanager
def _no_windows():
    """Figures open no window in the body; a kernel that is started later still shows its own."""
    before = os.environ.get("MPLBACKEND")
    os.environ["MPLBACKEND"] = "agg"
    try:
        yield
    finally:
        del os.environ["MPLBACKEND"]
        if before is not None:
            os.environ["MPLBACKEND"] = before
