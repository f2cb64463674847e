"""From a folder of downloads to one inbox folder a student. Part of grading; no lesson derives it.

Knows how Canvas (name_[LATE_]user_attachment_file), Moodle (Name_user_assignsubmission_file_…) and plain folders
(STUDENT/file, STUDENT.ipynb) name things, in a folder or in the archive that was downloaded. Only regular files
are copied, up to a sensible size in all; links are named and left. The receipt time is the collector's, never the
submission's.
"""

import hashlib
import json
import os
import re
import shutil
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO

from course_lib.classroom.grading.folders import Folders, read_json
from course_lib.classroom.grading.intake.reading import LARGEST
from course_lib.doors.files import write_text

CANVAS = re.compile(r"^(?P<name>[^_/]+)_(?:LATE_)?(?P<user>\d+)_(?P<attachment>\d+)_(?P<file>.+)$")
MOODLE = re.compile(r"^(?P<name>[^/]+?)_(?P<user>\d+)_assignsubmission_(?:file|onlinetext)_?(?P<file>.*)$")
ENDINGS = (".ipynb", ".zip", ".py")
MOST_FILES = 100
DEPTH = 6


@dataclass
class Found:
    """A student's files as they were downloaded: (name, opener); notes on what was left."""

    files: list[tuple[str, Callable[[], IO[bytes]]]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def collect(folders: Folders, name: str, downloads: Path, *, received: datetime) -> dict[str, str]:
    """Copy what is in `downloads` (a folder or a zip archive) to the inbox; student → new, unchanged or a refusal.

    A student's earlier submission is replaced; one that is the same byte for byte keeps its receipt time.
    """
    found: dict[str, Found] = {}
    for parts, opener, problem in (_from_archive if downloads.is_file() else _from_folder)(downloads):
        student, file = whose(parts, name)
        mine = found.setdefault(student, Found())
        if problem:
            mine.notes.append(f"{file or parts[-1]} was left out: {problem}")
        elif file.lower().endswith(ENDINGS) and len(mine.files) < MOST_FILES:
            mine.files.append((file, opener))
    return {student: _store(folders.inbox(student, name), mine, received) for student, mine in sorted(found.items())}


def whose(parts: tuple[str, ...], name: str) -> tuple[str, str]:
    """(student, file name) of a downloaded file, from its path below the downloads folder."""
    first = parts[0]
    for form in (MOODLE, CANVAS):
        if hit := form.match(first):
            file = parts[-1] if len(parts) > 1 else hit["file"]
            return safe_name(f"{hit['name']}_{hit['user']}"), file or parts[-1]
    if len(parts) > 1:
        return safe_name(first), parts[-1]
    stem = re.sub(rf"[-_. ]*{re.escape(name)}$", "", Path(first).stem) or Path(first).stem
    return safe_name(stem), f"{name}{Path(first).suffix}"


def safe_name(text: str) -> str:
    """A student's name as a folder's: letters, digits, - _ . @ +; never empty, never a way out of the folder."""
    text = unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode())
    text = re.sub(r"[^\w.@+-]+", "-", text).strip("-.")[:100]
    return text or "unnamed"


def _store(target, found, received):
    part = target.with_name(target.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    digest, refused, saved, room = hashlib.sha256(), "", 0, LARGEST
    for number, (file, opener) in enumerate(found.files):
        try:
            with opener() as source:
                raw = source.read(room + 1)
        except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, ValueError) as error:
            refused = f"{file} cannot be read ({error})"
            continue
        if len(raw) > room:
            refused = f"{file} is larger than {LARGEST // 1_000_000} MB: hand it in without outputs"
            continue
        room -= len(raw)
        stem, ending = os.path.splitext(file)
        path = part / f"{safe_name(stem)}{ending.lower()}"
        (path if not path.exists() else part / f"{number}-{path.name}").write_bytes(raw)
        digest.update(file.encode("utf-8", "replace") + b"\0")
        digest.update(raw)
        saved += 1
    earlier = read_json(target / "receipt.json", received=str, sha256=str) or {}
    same = saved and earlier.get("sha256") == digest.hexdigest()
    when = earlier["received"] if same else received.isoformat()
    refused = "" if saved else refused
    receipt = {"received": when, "sha256": digest.hexdigest(), "refused": refused, "notes": found.notes}
    write_text(part / "receipt.json", json.dumps(receipt))
    shutil.rmtree(target, ignore_errors=True)
    part.rename(target)
    return "unchanged" if same else refused or ("new" if saved else "no notebook")


def _from_folder(downloads) -> Iterator[tuple]:
    """(parts, opener, problem) of every file; parts are text, whatever bytes the names hold."""
    waiting = [(os.fsencode(downloads), ())]
    while waiting:
        folder, above = waiting.pop()
        for entry in sorted(os.scandir(folder), key=lambda one: one.name):
            parts = (*above, entry.name.decode("utf-8", "replace"))
            if entry.is_symlink():
                yield parts, None, "a link to another file"
            elif entry.is_dir(follow_symlinks=False):
                if len(parts) < DEPTH and parts[-1] not in (".ipynb_checkpoints", "__MACOSX"):
                    waiting.append((entry.path, parts))
            elif entry.is_file(follow_symlinks=False):
                yield parts, lambda path=entry.path: _open(path), ""
            else:
                yield parts, None, "not a regular file"


def _open(path):
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb", 0)


def _from_archive(downloads) -> Iterator[tuple]:
    try:
        archive = zipfile.ZipFile(downloads)
    except (zipfile.BadZipFile, OSError) as error:
        raise ValueError(f"{downloads} is neither a folder nor a zip archive ({error})") from None
    with archive:
        for member in archive.infolist():
            parts = tuple(p for p in PurePosixPath(member.filename).parts if p not in ("/", "..", "__MACOSX"))
            if member.is_dir() or not parts:
                continue
            if (member.external_attr >> 16) & 0o170000 == 0o120000:
                yield parts, None, "a link to another file"
                continue
            yield parts, lambda member=member: zipfile.ZipFile(downloads).open(member), ""
