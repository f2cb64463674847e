"""Read the cells of a notebook, whatever state it is in. Part of grading; no lesson derives it.

Nothing a student hands in is trusted: only regular files are opened, only so many bytes are read, and the result is
a list of texts. What cannot be read at all becomes Unreadable, with the reason that goes to the student.

A notebook is taken as the JSON that it is, whatever its format's version: nbformat would convert and validate all of
it, which for a file that is made to be slow takes minutes and gigabytes.
"""

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from course_lib.classroom.grading.student_text import reason, stored
from course_lib.doors.json_file import text_of

LARGEST = 50_000_000
MOST_PARTS = 1_000_000  # lists and dicts: each takes many times the room that it takes in the file
LONGEST_NAME = 200  # of a cell
MOST_CELLS = 1000
KINDS = ("code", "markdown", "raw")


class Unreadable(Exception):
    """A submission of which nothing can be graded; the message says why."""


@dataclass
class Cell:
    """One cell as it was handed in, its text `stored`. grade_id: nbgrader's name of the cell, where it still is."""

    kind: str
    source: str
    grade_id: str = ""
    id: str = ""


def too_large() -> Unreadable:
    """What is said of a file, or of all that an archive holds, that is larger than LARGEST."""
    return Unreadable(f"the file is larger than {LARGEST // 1_000_000} MB: hand it in without outputs")


def read_file(path: str | bytes | Path) -> bytes:
    """The bytes of a regular file, never of a link. Raises Unreadable, and OSError where it cannot be opened."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Unreadable("it is not a regular file")
        raw = file.read(LARGEST + 1)
    if len(raw) > LARGEST:
        raise too_large()
    return raw


def read_cells(raw: bytes, notes: list[str]) -> list[Cell]:
    """The cells of a notebook of any format and encoding, line ends made \\n. Raises Unreadable."""
    if not raw.strip(b"\0 \r\n\t"):
        raise Unreadable("the file is empty")
    if raw.count(b"{") + raw.count(b"[") > MOST_PARTS:
        raise Unreadable(f"the notebook has more than {MOST_PARTS:,} parts: hand it in without outputs")
    try:
        cells = _cells_of(json.loads(_text(raw, notes)))
    except RecursionError:
        raise Unreadable("the notebook is nested too deeply") from None
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise Unreadable(f"it is not a notebook ({reason(error, 100)})") from None
    if len(cells) > MOST_CELLS:
        notes.append(f"only the first {MOST_CELLS} of {len(cells)} cells were read")
    found = [_cell(one) for one in cells[:MOST_CELLS] if isinstance(one, dict)]
    if not found:
        raise Unreadable("the notebook has no cells")
    return found


def _cells_of(data) -> list:
    """The cells of a notebook: of format 4, or of all the worksheets that formats 2 and 3 had."""
    if "worksheets" in data and "cells" not in data:
        return [cell for sheet in data["worksheets"] for cell in sheet["cells"]]
    if not isinstance(data["cells"], list):
        raise ValueError("its cells are no list")
    return data["cells"]


def _cell(one):
    kind = one.get("cell_type")
    source = one.get("source", one.get("input", ""))
    source = "".join(map(str, source)) if isinstance(source, list) else str(source)
    metadata = one.get("metadata")
    own = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    name = own.get("grade_id") if isinstance(own, dict) else ""
    kind = kind if kind in KINDS else "markdown"  # format 3 had headings
    name = stored(name, LONGEST_NAME) if isinstance(name, str) else ""
    return Cell(kind, stored(source), name, stored(one.get("id", ""), LONGEST_NAME))


def read_script(raw: bytes, notes: list[str]) -> list[Cell]:
    """A Python file as one cell."""
    return [Cell("code", stored(_text(raw, notes)))]


def _text(raw, notes):
    try:
        return text_of(raw)
    except ValueError:
        notes.append("the file is not UTF-8; it was read as Latin-1")
        return raw.decode("latin-1")
