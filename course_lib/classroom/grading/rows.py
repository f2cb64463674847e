"""How a student stands, part by part, as the gradebook has it. Part of grading; no lesson derives it."""

from dataclasses import dataclass
from datetime import datetime

from course_lib.classroom.grading.troubles import Troubles

NAMED = 10


@dataclass(frozen=True)
class Part:
    """One exercise or question of one student, as it stands in the gradebook.

    waits: for a human, who has not looked at it, or not since the answer changed; by_hand: a human gave the points.
    """

    points: float
    out_of: float
    waits: bool = False
    by_hand: bool = False
    comment: str = ""


@dataclass(frozen=True)
class Row:
    """One student's line: score with late penalty taken off, and parts by number, in the order of the notebook.

    trouble: why all of that is not known, else empty.
    """

    student: str
    score: float
    max_score: float
    penalty: float
    received: datetime | None
    seconds_late: float
    parts: dict[str, Part]
    trouble: str = ""

    @property
    def waiting(self) -> list[str]:
        """Numbers of the parts that wait for a human."""
        return [number for number, part in self.parts.items() if part.waits]


def waiting_line(rows: list[Row]) -> str:
    """Whose answers a human has yet to look at, for which questions; empty when all is done."""
    troubles, waiting = Troubles(), []
    for row in rows:
        with troubles.of(row.student, "counting what waits"):
            waiting += [f"{row.student} ({', '.join(row.waiting)})"] if row.waiting else []
    waiting += troubles.lines()
    if not waiting:
        return ""
    names = ", ".join(waiting[:NAMED]) + (f" and {len(waiting) - NAMED} more" if len(waiting) > NAMED else "")
    return f"{len(waiting)} of {len(rows)} wait for a score by hand (JupyterLab, Nbgrader → Formgrader): {names}"
