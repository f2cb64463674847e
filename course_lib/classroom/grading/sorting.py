"""Downloaded files by the student who owns them, and a name for each. Part of grading; no lesson derives it.

Two owners never get one name, neither within a download nor with one of an earlier download: where both want it, one
of them is kept apart under a name with a digest, and both are told.
"""

import contextlib
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from course_lib.classroom.grading.downloads import Entry
from course_lib.classroom.grading.folders import Folders, read_json
from course_lib.classroom.grading.naming import Owner, likeness, whose
from course_lib.classroom.grading.student_text import file_name, one_line, reason

ENDINGS = (".ipynb", ".zip", ".py")  # in the order in which they are wanted
ALIKE = "another student's name differs from this one in case, accents, spaces or signs only, or not at all: see that "\
        "the right one gets these points"
TAKEN = "another student has this name already: this one is kept apart as {}"


@dataclass
class Found:
    """A student's files as they were downloaded, with whoever owns them; notes on what was left out."""

    owner: Owner
    files: list[tuple[Owner, Entry]] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def by_owner(entries: Iterable[Entry], name: str) -> list[Found]:
    """Everything that was found, by owner; `name` is the assignment's."""
    found: dict[str, Found] = {}
    uploads: dict[tuple[str, int], str] = {}
    for entry in entries:
        try:
            owner = whose(entry.path, name)
            first = uploads.setdefault((owner.key, owner.attachment), entry.parts[0]) if owner.attachment else ""
            if first not in ("", entry.parts[0]):  # Canvas gives each upload a number of its own
                owner = _whole(entry.parts, "its name has the number of another upload")
        except Exception as error:  # a name that nobody thought of
            owner = _whole(entry.parts, f"its name cannot be read ({reason(error)})")
        mine = found.setdefault(f"{entry.above}{owner.key}", Found(owner))
        try:
            _add(mine, owner, entry)
        except Exception as error:
            mine.notes.append(f"a file was left out: {reason(error)}")
    return list(found.values())


def _whole(parts, doubt):
    """The owner of what cannot be read any other way: nobody else."""
    return Owner(f"whole {parts[0]}", _apart(parts[0]), parts[-1], f"{doubt}: {ascii(parts[0][:100])}")


def _apart(key):
    return f"unnamed~{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()[:10]}"


def _add(mine, owner, entry):
    if owner.doubt and owner.doubt not in mine.notes:
        mine.notes.append(owner.doubt)
    file = "/".join(entry.parts[1:]) or owner.file
    if entry.problem:
        mine.notes.append(f"{one_line(file or entry.parts[-1], 100)} was left out: {entry.problem}")
    elif entry.opener and kind(owner.file) in ENDINGS:
        mine.files.append((owner, entry))
    elif entry.opener:
        mine.others.append(one_line(file, 60))


def kind(file: str) -> str:
    """The ending by which a file is known; a notebook stays one where a browser has put something behind its name."""
    lower = file.lower()
    return ".ipynb" if ".ipynb" in lower else next((one for one in ENDINGS if lower.endswith(one)), "")


def by_student(folders: Folders, name: str, found: list[Found]) -> dict[str, Found]:
    """Student → what was found; no two owners under one name, not even with one of an earlier download."""
    named: dict[str, Found] = {}
    for mine in _in_order(folders, name, found):
        student = mine.owner.student
        try:
            if student in named or _holder(folders, name, student) not in ("", mine.owner.key):
                student = file_name(student, key=mine.owner.key)
                mine.notes.append(TAKEN.format(student))
        except Exception as error:
            student = _apart(mine.owner.key)
            why = f"the name {mine.owner.student} cannot be compared ({reason(error)})"
            mine.notes.append(f"{why}: this one is kept apart as {student}")
        named[student] = mine
    alike: dict[str, set[str]] = {}
    for student in {*named, *folders.students(name)}:
        with contextlib.suppress(Exception):  # this is a hint only, and costs nobody's being collected
            alike.setdefault(likeness(student) or student, set()).add(student)
    for student in set().union(*(students for students in alike.values() if len(students) > 1)) & named.keys():
        named[student].notes.append(ALIKE)
    return named


def _in_order(folders, name, found):
    """First whoever has had the name, then whoever is called just so."""
    claims = []
    for mine in found:
        key = mine.owner.key
        try:
            claims.append((_holder(folders, name, mine.owner.student) != key, mine.owner.student != key, key, mine))
        except Exception:
            claims.append((True, True, key, mine))
    return [mine for *_, mine in sorted(claims, key=lambda claim: claim[:3])]


def _holder(folders, name, student):
    """Whose name it is by what was collected before; empty where it is nobody's."""
    return (read_json(folders.inbox(student, name) / "receipt.json", owner=str) or {}).get("owner", "")
