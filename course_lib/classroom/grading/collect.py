"""From a folder of downloads to one inbox folder a student. Part of grading; no lesson derives it.

Only regular files are copied, up to a sensible size in all; links are named and left. The receipt time is the
collector's, never the submission's. Nothing that was handed in is deleted: an earlier version goes aside, a later one
without a notebook never takes its place, and whoever cannot be told from another student is kept apart from them.
"""

import contextlib
import hashlib
import json
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from course_lib.classroom.grading.downloads import SPARE, entries_of
from course_lib.classroom.grading.folders import Folders, read_json
from course_lib.classroom.grading.intake.archive import holds_a_notebook
from course_lib.classroom.grading.intake.reading import LARGEST
from course_lib.classroom.grading.naming import attempt
from course_lib.classroom.grading.sorting import ENDINGS, by_owner, by_student, kind
from course_lib.classroom.grading.student_text import few, file_name, one_line, reason
from course_lib.doors.files import replace_text, write_text

MOST_FILES = 100
NAMED = 5


def collect(folders: Folders, name: str, downloads: Path, *, received: datetime) -> dict[str, str]:
    """Copy what is in `downloads` (a folder or a zip archive) to the inbox; student → new, unchanged or a refusal.

    A student's earlier submission goes aside; one that is the same byte for byte keeps its receipt time.
    """
    with entries_of(downloads) as entries:
        told = {}
        for student, mine in by_student(folders, name, by_owner(entries, name)).items():
            try:
                told[student] = _store(folders, student, name, mine, received)
            except Exception as error:  # of one student, whatever it is: the others are collected
                told[student] = _refuse(folders, student, name, mine, received, reason(error))
    return dict(sorted(told.items()))


def in_words(folders: Folders, name: str, told: dict[str, str]) -> Iterator[str]:
    """What `collect` did, a line for whoever there is something to say about, and one for all."""
    for student, what in told.items():
        try:
            receipt = read_json(folders.inbox(student, name) / "receipt.json", notes=list) or {}
            notes = [note for note in few(receipt.get("notes", [])) if note != what]
        except Exception as error:
            notes = [f"its notes cannot be read ({reason(error)})"]
        if notes or what not in ("new", "unchanged"):
            yield f"{student}: {' | '.join([what, *notes])}"
    new, same = (sum(what == kind for what in told.values()) for kind in ("new", "unchanged"))
    yield f"{len(told)} students: {new} new, {same} unchanged, {len(told) - new - same} with nothing to grade"


def _store(folders, student, name, found, received):
    target = folders.inbox(student, name)
    earlier = read_json(target / "receipt.json", received=str, sha256=str) or {}
    part = target.with_name(target.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    files, digest, refused, has_notebook = _copy(found, part)
    same = bool(files) and earlier.get("sha256") == digest
    receipt = {
        "owner": found.owner.key, "received": earlier["received"] if same else received.isoformat(),
        "sha256": digest, "refused": "" if files else refused, "notes": found.notes + _lack(found, files),
        "files": files, "notebook": has_notebook,
    }
    if same:
        replace_text(target / "receipt.json", json.dumps(receipt))
        shutil.rmtree(part)
        return "unchanged"
    if earlier.get("files") and not files or earlier.get("notebook") and not has_notebook:
        if files:
            _put_aside(folders, student, name, part)
        shutil.rmtree(part, ignore_errors=True)
        why = refused or "; ".join(_lack(found, files)) or "no notebook"
        note = f"a later download held nothing to grade ({why}): the earlier submission stays"
        earlier["notes"] = list(dict.fromkeys([*earlier.get("notes", []), *found.notes, note]))
        replace_text(target / "receipt.json", json.dumps(earlier))
        return note
    write_text(part / "receipt.json", json.dumps(receipt))
    if target.exists():
        _put_aside(folders, student, name, target)
    part.rename(target)
    return receipt["refused"] or ("new" if files else "no notebook")


def _copy(found, part):
    """(what was copied, digest of it all, why something was not, whether a notebook is there); best files first."""
    wanted = sorted(found.files, key=lambda one: (SPARE in one[1].parts[:-1], one[0].file.startswith("._"),
                                                  ENDINGS.index(kind(one[0].file))))
    if len(wanted) > MOST_FILES:
        found.notes.append(f"{len(wanted) - MOST_FILES} of {len(wanted)} files were left out")
    files, digest, refusals, room, has_notebook = [], hashlib.sha256(), [], LARGEST, False
    for owner, entry in wanted[:MOST_FILES]:
        spare = SPARE in entry.parts[:-1] or owner.file.startswith("._")
        if spare and has_notebook:
            break
        called, ending = one_line("/".join(entry.parts[1:]) or owner.file, 200), kind(owner.file)
        try:
            with entry.opener() as source:
                raw = source.read(room + 1)
        except Exception as error:  # a damaged archive raises whatever its reader does
            refusals.append(f"{called} cannot be read ({reason(error)})")
            continue
        if len(raw) > room:
            more = "" if room == LARGEST else ", with the files before it"
            refusals.append(f"{called} is larger than {LARGEST // 1_000_000} MB{more}: hand it in without outputs")
            continue
        room -= len(raw)
        path = _free(part, owner.file, ending)
        path.write_bytes(raw)
        digest.update(called.encode() + b"\0")
        digest.update(raw)
        number = [owner.attachment, attempt(owner.file)[1]]
        files.append({"file": path.name, "called": called, "attempt": number, "spare": spare})
        has_notebook = has_notebook or ending == ".ipynb" or ending == ".zip" and holds_a_notebook(raw)
    found.notes += refusals if files else refusals[1:]
    return files, digest.hexdigest(), "".join(refusals[:1]), has_notebook


def _free(folder, file, ending):
    """A path that no other file has."""
    stem = file_name(file[: file.lower().rindex(ending)])
    path, number = folder / f"{stem}{ending}", 1
    while path.exists():
        number += 1
        path = folder / f"{stem}~{number}{ending}"
    return path


def _lack(found, files):
    """What there was in the place of a notebook."""
    if files or found.notes and not found.others:
        return []
    if not found.others:
        return ["the folder is empty"]
    more = f" and {len(found.others) - NAMED} more" if len(found.others) > NAMED else ""
    return [f"there was only {', '.join(found.others[:NAMED])}{more}"]


def _put_aside(folders, student, name, folder):
    """Keep a version that is not graded."""
    kept = folders.aside(student, name)
    number = 1 + max((int(path.name) for path in kept.iterdir() if path.name.isdecimal()), default=0)
    folder.rename(kept / str(number))


def _refuse(folders, student, name, found, received, why):
    """What could not be stored gets a row with the reason, and what was stored before stays."""
    with contextlib.suppress(Exception):  # what is told is all that can be done then
        target = folders.inbox(student, name)
        shutil.rmtree(target.with_name(target.name + ".part"), ignore_errors=True)
        if not (target / "receipt.json").exists():
            target.mkdir(parents=True, exist_ok=True)
            write_text(target / "receipt.json", json.dumps({
                "owner": found.owner.key, "received": received.isoformat(), "sha256": "", "notes": found.notes,
                "refused": f"it could not be collected ({why})", "files": []}))
    called = "" if student == found.owner.student else f"{found.owner.student}: "
    return f"{called}it could not be collected ({why})"
