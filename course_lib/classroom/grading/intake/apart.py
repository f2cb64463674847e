"""A large submission is read in a process of its own. Part of grading; no lesson derives it.

To read a notebook of 50 MB takes ten times as much memory, which a process keeps for good: so what may be large is read
by a helper that has a limit and ends, and only the texts of the cells come back. A small one is read here, for to start
a helper takes longer than to read it.

Run as `python -m course_lib.classroom.grading.intake.apart FOLDER NAME`.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from nbformat import NotebookNode, from_dict

from course_lib.classroom.grading.intake.choosing import read_submission
from course_lib.classroom.grading.intake.reading import Cell, Unreadable

SMALL = 1_500_000  # bytes of all files of a submission
MOST_TEXT = 1_000_000  # characters of all cells
MEMORY = 2 << 30
SECONDS = 120.0


def read_safely(folder: Path, name: str, release: NotebookNode | None = None) -> tuple[list[Cell], list[str]]:
    """`read_submission`, in little memory whatever the folder holds, and no more than MOST_TEXT of it."""
    if _is_small(folder):
        return _not_too_much(*read_submission(folder, name, release))
    with tempfile.TemporaryFile("w+b") as out:
        command = [sys.executable, "-m", __spec__.name, os.fspath(folder), name]
        try:
            done = subprocess.run(command, input=json.dumps(release).encode(), stdout=out, stderr=subprocess.DEVNULL,
                                  env=_environment(), timeout=SECONDS)
        except subprocess.TimeoutExpired:
            raise Unreadable(f"it takes longer than {SECONDS:g} s to read: hand it in without outputs") from None
        out.seek(0)
        if done.returncode:
            raise Unreadable("it takes too much memory to read: hand it in without outputs")
        said = json.load(out)
    if said["unreadable"]:
        raise Unreadable(said["unreadable"])
    return [Cell(*cell) for cell in said["cells"]], said["notes"]


def _is_small(folder):
    files = [one for one in os.scandir(os.fsencode(folder)) if one.is_file(follow_symlinks=False)]
    packed = any(one.name.lower().endswith(b".zip") for one in files)  # a small archive may hold a large file
    return not packed and sum(one.stat(follow_symlinks=False).st_size for one in files) <= SMALL


def _not_too_much(cells, notes):
    if sum(len(cell.source) for cell in cells) > MOST_TEXT:
        raise Unreadable(f"its cells hold more than {MOST_TEXT // 1_000_000} MB of text: hand in the answers only")
    return cells, notes


def _environment():
    """That of this process, with the folder that holds course_lib first in the path."""
    root = str(Path(__file__).resolve().parents[4])
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))}


def main(folder: str, name: str) -> None:
    """Print what is in a folder, as JSON."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    said = {"cells": [], "notes": [], "unreadable": ""}
    try:
        release = json.load(sys.stdin)
        cells, said["notes"] = _not_too_much(*read_submission(Path(folder), name, release and from_dict(release)))
        said["cells"] = [[cell.kind, cell.source, cell.grade_id, cell.id] for cell in cells]
    except Unreadable as error:
        said["unreadable"] = str(error)
    json.dump(said, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
