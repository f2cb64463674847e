"""Find the notebook in a folder and read its cells, whatever state it is in. Part of grading; no lesson derives it.

Nothing a student hands in is trusted: only regular files are opened, only so many bytes are read, and the result is
a list of texts. What cannot be read at all becomes Unreadable, with the reason that goes to the student.

A notebook is taken as the JSON that it is, whatever its format's version: nbformat would convert and validate all of
it, which for a file that is made to be slow takes minutes and gigabytes.
"""

import difflib
import io
import json
import os
import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path

from course_lib.doors.json_file import text_of

LARGEST = 50_000_000
MOST_PARTS = 1_000_000  # lists and dicts: each takes many times the room that it takes in the file
LONGEST_CELL = 200_000
MOST_CELLS = 1000
KINDS = ("code", "markdown", "raw")


class Unreadable(Exception):
    """A submission of which nothing can be graded; the message says why."""


@dataclass
class Cell:
    """One cell as it was handed in. grade_id: nbgrader's name of the cell, where it is still there."""

    kind: str
    source: str
    grade_id: str = ""
    id: str = ""


def read_submission(folder: Path, name: str) -> tuple[list[Cell], list[str]]:
    """The cells of the notebook in `folder` that is, or most resembles, `name`.ipynb; and notes for humans.

    A zip archive is looked into, a Python file counts as one cell. Raises Unreadable.
    """
    files = [one for one in os.scandir(os.fsencode(folder)) if one.is_file(follow_symlinks=False)]
    for ending in (".ipynb", ".zip", ".py"):
        fitting = [one for one in files if os.fsdecode(one.name).lower().endswith(ending)]
        if not fitting:
            continue
        best = max(fitting, key=lambda one: _resemblance(_shown(one.name), name))
        raw, called = _bytes_of(best.path), _shown(best.name)
        notes = [] if called == f"{name}.ipynb" else [f"the file was called {called}"]
        notes += [f"{len(fitting)} files could have been it"] if len(fitting) > 1 and called != f"{name}.ipynb" else []
        if ending == ".py":
            return [Cell("code", _clean(_text(raw, notes)))], notes
        return read_cells(_from_archive(raw, name) if ending == ".zip" else raw, notes), notes
    links = [one for one in os.scandir(os.fsencode(folder)) if one.is_symlink()]
    raise Unreadable("there is no notebook in it" + (", only links to other files" if links else ""))


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
        reason = " ".join(str(error).split())[:100]
        raise Unreadable(f"it is not a notebook ({type(error).__name__}: {reason})") from None
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
    return Cell(kind, _clean(source), name if isinstance(name, str) else "", str(one.get("id", "")))


def _clean(source):
    source = source[:LONGEST_CELL].replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return source.encode("utf-8", "replace").decode()  # lone surrogates cannot be written to a file


def _text(raw, notes):
    try:
        return text_of(raw)
    except ValueError:
        notes.append("the file is not UTF-8; it was read as Latin-1")
        return raw.decode("latin-1")


def _bytes_of(path):
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Unreadable("it is not a regular file")
        return _capped(file)


def _capped(file):
    raw = file.read(LARGEST + 1)
    if len(raw) > LARGEST:
        raise Unreadable(f"the file is larger than {LARGEST // 1_000_000} MB: hand it in without outputs")
    return raw


def _from_archive(raw, name):
    """The bytes of the best notebook in a zip archive; never more than LARGEST, whatever its header says."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            names = [one for one in archive.namelist()[:MOST_CELLS] if one.lower().endswith(".ipynb")]
            names = [one for one in names if not one.startswith("__MACOSX") and ".ipynb_checkpoints" not in one]
            if not names:
                raise Unreadable("there is no notebook in the archive")
            with archive.open(max(names, key=lambda one: _resemblance(one.rpartition("/")[2], name))) as file:
                return _capped(file)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, OSError, ValueError) as error:
        raise Unreadable(f"the archive cannot be opened ({error})") from None


def _resemblance(called, name):
    return called == f"{name}.ipynb", difflib.SequenceMatcher(None, called[:200], name).ratio()


def _shown(raw):
    return raw.decode("utf-8", "replace")
