"""Grades as tables: our own CSV, and the one that Canvas imports. Part of grading; no lesson derives it.

Cells that begin like a formula are written as text, for a table program would run them; what would steer a terminal
or turn a line around is left out.
"""

import csv
import io
import re
import unicodedata
from pathlib import Path

from course_lib.classroom.grading.folders import Folders
from course_lib.classroom.grading.records import Result
from course_lib.classroom.grading.rows import Row
from course_lib.classroom.grading.student_text import reason
from course_lib.doors.files import move

# A formula's first sign in any width, at the beginning or behind what some country's table program splits at.
SIGNS = "".join(sign for sign in map(chr, range(0x10000)) if unicodedata.normalize("NFKC", sign)[0] in "=+-@\u2212")
FORMULA = re.compile(rf"(^|[;,|\"'])(\s*)(?=[{re.escape(SIGNS)}])")
CANVAS_ID = re.compile(r"_(\d+)$")


def write_csv(path: Path, rows: list[Row], results: dict[str, Result]) -> None:
    """One line a student: score, late penalty, points by part (none yet where a human has to give them), notes.

    Whoever has a result and no row, or a line that cannot be made, gets a line that says so.
    """
    numbers = list(dict.fromkeys(number for row in rows for number in row.parts))
    head = ["student", "score", "max_score", "late_penalty", "received", *numbers, "waits_for", "status", "notes"]
    by_student = {row.student: row for row in rows}
    lines = []
    for student in [*by_student, *sorted(results.keys() - by_student.keys())]:
        try:
            lines.append(_line(student, by_student.get(student), results.get(student), numbers))
        except Exception as error:
            status = f"UNGRADED: no line can be made ({reason(error)})"
            lines.append([f"'{student}", *[""] * (len(head) - 3), status, ""])
    _write(path, head, lines)


def _line(student, row, result, numbers):
    status = row.trouble if row and row.trouble else result.status.partition(": ")[2] if result and not row else ""
    status = f"UNGRADED: {status}" if status else result.status if result else "UNGRADED: there is no record of it"
    notes = as_text(" | ".join(result.notes if result else []))
    if row is None or row.trouble:
        return [as_text(student), *[""] * (len(numbers) + 5), as_text(status), notes]
    given = {number: part for number, part in row.parts.items() if part.by_hand or not part.waits}
    return [
        as_text(student),
        f"{row.score:g}",
        f"{row.max_score:g}",
        f"{row.penalty:g}",
        f"{row.received:%Y-%m-%d %H:%M:%S} UTC" if row.received else "",
        *(f"{given[number].points:g}" if number in given else "" for number in numbers),
        " ".join(row.waiting),
        as_text(status),
        notes,
    ]


def write_canvas(path: Path, column: str, rows: list[Row]) -> list[str]:
    """The file for *Import Grades* in Canvas; returns the students it cannot name (collected from elsewhere).

    Canvas knows a student by the number in the names of downloaded submissions, the column ID, and an assignment by
    its title, best with its number behind it: `Attention (8123)`. Another name makes a new assignment there.
    """
    unknown, lines = [], []
    for row in rows:
        try:
            number = None if row.trouble else CANVAS_ID.search(row.student)
            if number:
                called = as_text(row.student[: number.start()])
                lines.append([called, number[1], "", "", f"{row.score:g}"])
                continue
        except Exception:  # of one student: the others get their grades
            pass
        unknown.append(row.student)
    most = f"{max((row.max_score for row in rows), default=0):g}" if rows else ""
    head = ["Student", "ID", "SIS Login ID", "Section", as_text(column)]
    _write(path, head, [["Points Possible", "", "", "", most], *lines])
    return unknown


def _write(path, head, lines):
    """All of the table, or none of it."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([head, *lines])
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(text.getvalue().encode("utf-8", "backslashreplace"))
    move(part, path)


def as_text(value: str) -> str:
    """A value that no table program takes for a formula and no terminal for a command, on one line."""
    value = " ".join(value.split())
    value = "".join(sign for sign in value if unicodedata.category(sign)[0] != "C")
    return FORMULA.sub(r"\1\2'", value)


def csv_path(folders: Folders, name: str, kind: str = "") -> Path:
    """Where the table of an assignment is written."""
    return folders.private / f"{name}{kind}.csv"
