"""Notebooks in a zip archive, or in one inside it. Part of grading; no lesson derives it.

Names in an archive are only shown and compared: nothing is written under them, so "../" and "/" lead nowhere. What is
unpacked has one limit for all of it, whatever the archive says of its own size.
"""

import io
import zipfile
from collections.abc import Iterator

from course_lib.classroom.grading.downloads import member_name
from course_lib.classroom.grading.intake.reading import LARGEST, Unreadable, too_large
from course_lib.classroom.grading.student_text import one_line, reason

DEPTH = 3  # an archive in an archive in an archive
MOST_MEMBERS = 10_000
MOST_NOTEBOOKS = 50


def holds_a_notebook(raw: bytes) -> bool:
    """Whether an archive seems to hold one; nothing in it is unpacked but other archives."""
    try:
        return any(True for _ in _members(raw, [LARGEST], DEPTH, "", []))
    except Unreadable:
        return False


def notebooks(raw: bytes, problems: list[str]) -> Iterator[tuple[str, bytes]]:
    """(name, content) of each notebook in an archive, checkpoints only where there is no other; what is wrong, to
    `problems`.

    Raises Unreadable where the archive cannot be opened, or holds none.
    """
    room = [LARGEST]
    found = list(_members(raw, room, DEPTH, "", problems))
    wanted = [one for one in found if not is_spare(one[0])] or found
    if not wanted:
        raise Unreadable("there is no notebook in the archive")
    if len(wanted) > MOST_NOTEBOOKS:
        problems.append(f"only {MOST_NOTEBOOKS} of its {len(wanted)} notebooks were looked at")
    for name, archive, member in wanted[:MOST_NOTEBOOKS]:
        try:
            yield one_line(name, 200), _unpacked(archive, member, room)
        except Unreadable as error:
            problems.append(f"{one_line(name, 100)}: {error}")


def is_spare(name: str) -> bool:
    """Whether a name is of a checkpoint, or of what macOS puts beside a file."""
    *folders, last = name.split("/")
    return ".ipynb_checkpoints" in folders or "__MACOSX" in folders or last.startswith("._")


def _members(raw, room, depth, above, problems):
    """(name, archive, member) of notebooks, in archives inside as well."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(raw))
        members = archive.infolist()
    except Exception as error:  # whatever a damaged file makes of its reader
        raise Unreadable(f"the archive cannot be opened ({reason(error, 150)})") from None
    if len(members) > MOST_MEMBERS:
        problems.append(f"only {MOST_MEMBERS:,} of its {len(members):,} files were looked at")
    for member in members[:MOST_MEMBERS]:
        name = above + member_name(member).replace("\\", "/")
        if member.is_dir():
            continue
        if ".ipynb" in name.rpartition("/")[2].lower():
            yield name, archive, member
        elif name.lower().endswith(".zip"):
            if depth <= 1:
                problems.append(f"{one_line(name, 100)}: more than {DEPTH} archives in one another")
                continue
            try:
                yield from _members(_unpacked(archive, member, room), room, depth - 1, f"{name}/", problems)
            except Unreadable as error:
                problems.append(f"{one_line(name, 100)}: {error}")


def _unpacked(archive, member, room):
    try:
        with archive.open(member) as file:
            raw = file.read(room[0] + 1)
    except Exception as error:  # encrypted, damaged, a method that nobody knows
        raise Unreadable(f"the archive cannot be opened ({reason(error, 150)})") from None
    if len(raw) > room[0]:
        raise too_large()
    room[0] -= len(raw)
    return raw
