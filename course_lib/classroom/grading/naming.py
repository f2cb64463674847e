"""Whose file it is, by the names that learning platforms give. Part of grading; no lesson derives it.

    Canvas         NAME_[LATE_]USER_ATTACHMENT_FILE, and -1, -2 behind FILE for a second and third attempt;
                   NAME_[LATE_]USER_text.html for what was typed
    Moodle         Full name_USER_assignsubmission_file_/FILE, also without the folder, also onlinetext for file
    your own       STUDENT/FILE, or STUDENT.ipynb

The platform's number tells students apart; without one the name does, as it is written: letter case, accents in one
or two characters, wide letters, spaces and signs all count. Students choose names of files, and some choose their own:
a name that reads two ways is taken as a whole, so that its owner can be nobody else.
"""

import re
import unicodedata
from dataclasses import dataclass, field

from course_lib.classroom.grading.student_text import file_name, one_line

CANVAS = re.compile(r"(?P<name>[^_/]+)_(?:LATE_)?(?P<user>[0-9]{1,19})_(?P<attachment>[0-9]{1,19})_(?P<file>.+)", re.S)
TYPED = re.compile(r"(?P<name>[^_/]+)_(?:LATE_)?(?P<user>[0-9]{1,19})_(?P<file>text\.html)", re.S)
MOODLE = re.compile(r"(?P<name>[^/]+?)_(?P<user>[0-9]{1,19})_assignsubmission_(?:file|onlinetext)_?(?P<file>.*)", re.S)
MARK = "_assignsubmission_"
AGAIN = re.compile(r"-([0-9]{1,3})$")  # Canvas: the same file's second attempt is called FILE-1


@dataclass(frozen=True)
class Owner:
    """Who handed in a file.

    key: what tells one student from every other; student: the folder's name that this would like; doubt: why it may
    be wrong, else empty; attachment: Canvas's number of the upload, which grows with time, 0 where there is none.
    """

    key: str
    student: str
    file: str
    doubt: str = ""
    attachment: int = field(default=0, compare=False)


def whose(parts: tuple[str, ...], name: str) -> Owner:
    """The owner of a downloaded file, from its path below the downloads folder; `name` is the assignment's."""
    first, last = parts[0], parts[-1]
    forms = [hit for form in (MOODLE, CANVAS, TYPED) if (hit := form.fullmatch(first))]
    if len(forms) > 1 or forms and first.count(MARK) > 1:
        doubt = f"{one_line(first, 100)} could be the name of more than one student: it is taken for nobody else's"
        stem = first if len(parts) > 1 else first.rpartition(".")[0] or first
        return Owner(f"whole {first}", file_name(stem, key=first), last, doubt)
    if forms:
        hit = forms[0].groupdict()
        platform = "Moodle" if forms[0].re is MOODLE else "Canvas"
        key = f"{platform} {hit['user']} {unicodedata.normalize('NFC', hit['name'])}"
        file = last if len(parts) > 1 else hit["file"] or last
        return Owner(key, numbered(hit["name"], hit["user"]), file, attachment=int(hit.get("attachment") or 0))
    if len(parts) > 1:
        return Owner(first, file_name(first), last)
    stem, _, ending = first.rpartition(".") if "." in first.strip(".") else (first, "", "")
    bare = re.sub(rf"[-_. ]*{re.escape(name)}$", "", stem) or stem
    return Owner(f"file {stem}", file_name(bare), f"{name}.{ending}" if ending else first)


def numbered(name: str, number: str) -> str:
    """A folder's name for a platform's student; spaces may become "-" here, for the number tells who it is."""
    return f"{file_name(re.sub(r' +', '-', unicodedata.normalize('NFC', name)))}_{number}"


def attempt(file: str) -> tuple[str, int]:
    """(the file's name as it was chosen, which attempt it is): "12_gpt-2.ipynb" → ("12_gpt.ipynb", 2)."""
    stem, dot, ending = file.rpartition(".")
    hit = AGAIN.search(stem)
    return (f"{stem[: hit.start()]}{dot}{ending}", int(hit[1])) if hit and dot else (file, 0)


def likeness(student: str) -> str:
    """What is left of a name without case, accents, width, spaces and signs: students who share it are mistaken."""
    bare = unicodedata.normalize("NFKD", student.partition("~")[0]).casefold()
    return "".join(letter for letter in bare if letter.isalnum())
