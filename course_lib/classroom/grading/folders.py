"""Where the instructor's files live, beside the course. Part of grading; no lesson derives it.

    solutions/NN_name/    exercises/NN_name/            the course's own
    .nbgrader/inbox/STUDENT/NN_name/                    as collected, with receipt.json
    .nbgrader/aside/STUDENT/NN_name/1 …                 versions that are not graded: nothing handed in is deleted
    .nbgrader/evidence/NN_name/STUDENT.run              what the sandbox said, and a fingerprint of what ran in it
    .nbgrader/results/NN_name/STUDENT.json              the marks made of it
    .nbgrader/autograded/STUDENT/NN_name/NN_name.ipynb  what Formgrader shows
    .nbgrader/feedback/STUDENT/NN_name/NN_name.html     what the student gets
    .nbgrader/settings/NN_name/                         the secret seed, the late penalty
    .nbgrader/gradebook.db  .nbgrader/NN_name.csv

There is no submitted/: nothing must tempt nbgrader to run a submission outside the sandbox.
"""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from course_lib.classroom.authoring.checks_files import checks_files
from course_lib.doors import json_file
from course_lib.doors.files import replace_text
from course_lib.doors.folders import make_folder

WAY_OUT = "grading keeps what it knows there: name a course that is yours with --course, or make a clone of your own"


@dataclass(frozen=True)
class Folders:
    """The places of one course, by name. root: the folder with `solutions/` and `exercises/`."""

    root: Path

    @property
    def private(self) -> Path:
        """`.nbgrader`, which nobody else may read; made when missing."""
        folder = self.root / ".nbgrader"
        if not os.path.isdir(folder):
            with contextlib.suppress(OSError):  # make_folder says what is wrong
                folder.mkdir(mode=0o700)
        return make_folder(folder, way_out=WAY_OUT)

    @property
    def gradebook(self) -> Path:
        """The gradebook's file; absolute, for nbgrader would read a relative one from the current folder."""
        return self.private.resolve() / "gradebook.db"

    @property
    def database(self) -> str:
        """The gradebook's address."""
        return f"sqlite:///{self.gradebook}"

    def inbox(self, student: str, name: str) -> Path:
        """What a student handed in."""
        return self.private / "inbox" / student / name

    def aside(self, student: str, name: str) -> Path:
        """Where versions are kept that are not graded."""
        return _made(self.private / "aside" / student / name)

    def students(self, name: str) -> list[str]:
        """Who handed in an assignment, sorted; also whoever's files could not be stored."""
        return sorted(path.parent.name for path in (self.private / "inbox").glob(f"*/{name}"))

    def evidence(self, name: str) -> Path:
        """The folder of what the sandbox said about an assignment."""
        return _made(self.private / "evidence" / name)

    def results(self, name: str) -> Path:
        """The folder of the marks of an assignment."""
        return _made(self.private / "results" / name)

    def settings(self, name: str) -> Path:
        """The folder of an assignment's seed and late penalty: apart from files that are called after students."""
        return _made(self.private / "settings" / name)

    def autograded(self, student: str, name: str) -> Path:
        """The notebook that Formgrader shows."""
        return _made(self.private / "autograded" / student / name) / f"{name}.ipynb"

    def feedback(self, student: str, name: str) -> Path:
        """The page that the student gets."""
        return _made(self.private / "feedback" / student / name) / f"{name}.html"

    def lesson(self, name: str) -> str:
        """`name` checked: raises ValueError, with the names there are, unless it has a solution and an exercise."""
        known = sorted(path.name for path in (self.root / "exercises").glob("[0-9]*_*") if os.path.isdir(path))
        matching = [one for one in known if one == name or one.partition("_")[0] == name]
        if not matching:
            raise ValueError(f"no exercises {name!r} in {self.root / 'exercises'}; there are {known or 'none'}")
        if not checks_files(self.root / "solutions" / matching[0]):
            raise ValueError(f"solutions/{matching[0]} holds no checks: grading needs a clone, not a release")
        return matching[0]


def write_safely(path: Path, text: str) -> None:
    """Write under another name, then rename: a kill leaves the old file or the new one."""
    replace_text(path, text)


def read_json(path: Path, **keys: type) -> dict | None:
    """The object in a JSON file; None when there is none that can be read, or not with these keys of these types."""
    try:
        return json_file.read_json(path, "a record of grading", keys=keys)
    except (OSError, ValueError):
        return None


def _made(folder):
    return make_folder(folder, way_out=WAY_OUT)
