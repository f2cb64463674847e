"""Writing files so that they come out the same on every system. Used by all lessons.

Text is UTF-8 with "\\n" at the ends of lines, whatever the system's own habits: then a checksum that was made on one
machine holds on another.
"""

import os
import time
from collections.abc import Iterable
from pathlib import Path

PATIENCE = 2.0  # seconds


def write_text(path: str | Path, text: str) -> None:
    """Write a text, the same bytes on every system."""
    Path(path).write_text(text, encoding="utf-8", newline="\n")


def move(part: str | Path, path: str | Path) -> None:
    """Give a finished file or folder its name, in one step, in the place of a file that has it.

    Windows refuses while anybody has the old file open: a virus scanner or a search index, for a moment, or a
    notebook. So it is tried again for about two seconds. Raises PermissionError, with what to do, where that does
    not help.
    """
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return os.replace(part, path)
        except PermissionError as error:
            if os.name != "nt":
                raise
            if time.monotonic() > until:
                advice = "it is open elsewhere: close what reads it (another notebook?), then try again"
                raise PermissionError(error.errno, advice, str(path)) from error
        time.sleep(0.05)


def replace_text(path: str | Path, text: str) -> None:
    """Write a text under another name, then move it: a kill leaves the old file or the new one."""
    part = Path(f"{path}.part")
    write_text(part, text)
    move(part, path)


def replace_bytes(path: str | Path, pieces: Iterable[bytes]) -> None:
    """`replace_text` for bytes, which come one piece at a time."""
    part = Path(f"{path}.part")
    with part.open("wb") as file:
        file.writelines(pieces)
    move(part, path)
