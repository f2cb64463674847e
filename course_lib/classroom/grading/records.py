"""What is kept of each grading, beside the gradebook. Part of grading; no lesson derives it."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from course_lib.classroom.grading.folders import Folders
from course_lib.classroom.grading.marking import Mark
from course_lib.classroom.grading.student_text import reason
from course_lib.doors.json_file import read_json

UNTRUSTED = "graded WITHOUT a sandbox"
NEVER = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True)
class Result:
    """One graded submission.

    unreadable: why nothing could be graded, else empty; notes: for humans; attempts: how many versions were graded.
    marks: none where not even that could be entered.
    """

    student: str
    marks: list[Mark]
    notes: list[str]
    unreadable: str
    received: datetime
    seconds: float
    attempts: int = 1

    def to_dict(self) -> dict:
        """Plain data."""
        return asdict(self) | {"received": self.received.isoformat()}

    @property
    def status(self) -> str:
        """For tables: graded, or why not."""
        if not self.unreadable:
            return "graded"
        return f"{'UNREADABLE' if self.marks else 'UNGRADED'}: {self.unreadable}"


def results(folders: Folders, name: str) -> dict[str, Result]:
    """Student → the last result, as kept on disk; whoever was collected and has none is told so."""
    found = {}
    graded = {path.stem for path in folders.results(name).glob("*.json")}
    for student in sorted(graded.union(folders.students(name))):
        why, path = f"it is not graded yet: course grade {name} comes first", folders.results(name) / f"{student}.json"
        try:
            if path.exists():
                found[student] = _kept_result(path)
                continue
        except Exception as error:
            why = f"the record of its grading cannot be read ({reason(error)}): course grade {name} makes it anew"
        found[student] = Result(student, [], [], why, NEVER, 0.0)
    return found


def _kept_result(path: Path):
    kept = read_json(path, "a record of grading", keys={"result": dict})["result"]
    marks = [Mark(**mark) for mark in kept["marks"]]
    return Result(**kept | {"marks": marks, "received": datetime.fromisoformat(kept["received"])})
