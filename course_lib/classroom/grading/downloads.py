"""What lies in a downloads folder, or in the archive as it was downloaded. Part of grading; no lesson derives it.

Every student's folder is named, whether it is empty, cannot be opened or holds only links: silence would be a student
without a row. Nothing is read here; names are told as they are, and no name leads anywhere.
"""

import contextlib
import os
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from course_lib.classroom.grading import student_text
from course_lib.doors.folders import reason

NOBODY = ("__MACOSX", ".ipynb_checkpoints", ".DS_Store", "Thumbs.db", "desktop.ini")  # at the top: no student's
SPARE = ".ipynb_checkpoints"  # what JupyterLab keeps of the last save
MOST_ENTRIES = 20_000  # of one student
DEPTH = 50


@dataclass(frozen=True)
class Entry:
    """Something below the downloads folder.

    parts: its path, names as they are written; opener: opens it for reading, None for what is only named; problem:
    why it was left out, else empty; folder: whether it is one; above: what an archive put before the path, such as
    "../" or "/", else empty.
    """

    parts: tuple[str, ...]
    opener: Callable[[], IO[bytes]] | None = None
    problem: str = ""
    above: str = ""
    folder: bool = False

    @property
    def path(self) -> tuple[str, ...]:
        """The parts, with an empty name of a file behind those of a folder."""
        return (*self.parts, "") if self.folder else self.parts


@contextlib.contextmanager
def entries_of(downloads: Path) -> Iterator[Iterator[Entry]]:
    """Within the body: what is in a folder or a zip archive, and can be opened.

    Raises ValueError where `downloads` itself cannot be opened, with what to do.
    """
    if not downloads.is_file():
        yield _from_folder(downloads)
        return
    try:
        archive = zipfile.ZipFile(downloads)
    except (zipfile.BadZipFile, OSError) as error:
        raise ValueError(f"{downloads} is neither a folder nor a zip archive ({error})") from None
    except ValueError as error:
        raise ValueError(f"{downloads} is a zip archive whose names cannot be read ({error}): unpack it, and collect "
                         "the folder") from None
    with archive:
        yield _from_archive(archive)


def _from_folder(downloads) -> Iterator[Entry]:
    try:
        top = sorted(os.scandir(os.fsencode(downloads)), key=lambda one: one.name)
    except OSError as error:
        raise ValueError(f"{downloads} cannot be opened: {reason(error)}") from None
    for entry in top:
        parts = (repr(entry.name),)
        try:
            parts = (name_of(entry.name),)
            if parts[0] not in NOBODY:
                yield from _below(entry, parts)
        except Exception as error:  # of one student: the next one is looked at
            yield Entry(parts, problem=f"cannot be read: {student_text.reason(error)}", folder=True)


def _below(first, parts) -> Iterator[Entry]:
    """Everything of one student, up to MOST_ENTRIES."""
    waiting, seen = [(first, parts)], 0
    while waiting:
        entry, parts = waiting.pop()
        seen, is_folder = seen + 1, False
        if seen > MOST_ENTRIES:
            yield Entry(parts, problem=f"only the first {MOST_ENTRIES:,} files and folders were looked at")
            return
        try:
            if entry.is_symlink():
                yield Entry(parts, problem="a link to another file")
            elif entry.is_dir(follow_symlinks=False):
                is_folder = True
                if len(parts) == 1:
                    yield Entry(parts, folder=True)
                if parts[-1] == "__MACOSX":
                    continue
                if len(parts) > DEPTH:
                    yield Entry(parts, problem=f"more than {DEPTH} folders deep")
                    continue
                inside = sorted(os.scandir(entry.path), key=lambda one: one.name, reverse=True)
                waiting += [(one, (*parts, name_of(one.name))) for one in inside]
            elif entry.is_file(follow_symlinks=False):
                yield Entry(parts, lambda path=entry.path: _open(path))
            else:
                yield Entry(parts, problem="not a regular file")
        except OSError as error:
            yield Entry(parts, problem=f"cannot be opened: {reason(error)}", folder=is_folder)


def _open(path):
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb", 0)


def _from_archive(archive) -> Iterator[Entry]:
    seen: dict[str, int] = {}
    for member in archive.infolist():
        try:
            parts, above = path_parts(member_name(member))
        except Exception as error:
            yield Entry((ascii(member.filename),), problem=f"cannot be read: {student_text.reason(error)}")
            continue
        if not parts or parts[0] in NOBODY or "__MACOSX" in parts:
            continue
        seen[parts[0]] = seen.get(parts[0], 0) + 1
        if seen[parts[0]] > MOST_ENTRIES:
            if seen[parts[0]] == MOST_ENTRIES + 1:
                yield Entry(parts, None, f"only the first {MOST_ENTRIES:,} files and folders were looked at", above)
            continue
        if member.is_dir() or len(parts) > 1:
            yield Entry(parts[:1], above=above, folder=True)
        if (member.external_attr >> 16) & 0o170000 == 0o120000:
            yield Entry(parts, None, "a link to another file", above)
        elif not member.is_dir():
            yield Entry(parts, lambda member=member: archive.open(member), "", above)


def path_parts(path: str) -> tuple[tuple[str, ...], str]:
    """(parts, what stood before them) of a path in an archive: no "..", no drive and no root among the parts."""
    steps = path.replace("\\", "/").split("/")
    parts = tuple(step for step in steps if step not in ("", ".", ".."))
    out = steps[0] == "" or ".." in steps
    return parts, path[: path.find(parts[0])] + ("../" if ".." in steps else "") if out and parts else ""


def member_name(member: zipfile.ZipInfo) -> str:
    """A member's name; of an archive that does not say how names are encoded, UTF-8 where that fits."""
    if member.flag_bits & 0x800:
        return member.filename
    try:
        return member.filename.encode("cp437").decode()
    except UnicodeError:
        return member.filename


def name_of(raw: bytes) -> str:
    """A file's name as text, whatever its bytes: other bytes are other text."""
    return raw.decode("utf-8", "surrogateescape")
