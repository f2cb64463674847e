"""Grades as tables: our own CSV, and the one that Canvas imports. Part of grading; no lesson derives it.

Cells that begin like a formula are written as text, for a table program would run them; what would steer a terminal
or turn a line around is left out.
"""

import csv
import re
import unicodedata
from pathlib import Path

from course_lib.classroom.grading.batch import Result
from course_lib.classroom.grading.folders import Folders
from course_lib.classroom.grading.rows import Row

# A formula's first sign in any width, at the beginning or behind what some country's table program splits at.
SIGNS = "".join(sign for sign in map(chr, range(0x10000)) if unicodedata.normalize("NFKC", sign)[0] in "=+-@\u2212")
FORMULA = re.compile(rf"(^|[;,|\"'])(\s*)(?=[{re.escape(SIGNS)}])")
CANVAS_ID = re.compile(r"_(\d+)$")


def write_csv(path: Path, rows: list[Row], results: dict[str, Result]) -> None:
    """One line a student: score, late penalty, points by part (none yet where a human has to give them), notes."""
    numbers = list(rows[0].parts) if rows else []
    head = ["student", "score", "max_score", "late_penalty", "received", *numbers, "waits_for", "status", "notes"]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        for row in rows:
            result = results.get(row.student)
            given = {number: part for number, part in row.parts.items() if part.by_hand or not part.waits}
            status = f"UNREADABLE: {result.unreadable}" if result and result.unreadable else "graded"
            writer.writerow(
                [
                    as_text(row.student),
                    f"{row.score:g}",
                    f"{row.max_score:g}",
                    f"{row.penalty:g}",
                    f"{row.received:%Y-%m-%d %H:%M:%S} UTC" if row.received else "",
                    *(f"{given[number].points:g}" if number in given else "" for number in numbers),
                    " ".join(row.waiting),
                    as_text(status),
                    as_text(" | ".join(result.notes if result else [])),
                ]
            )


def write_canvas(path: Path, column: str, rows: list[Row]) -> list[str]:
    """The file for *Import Grades* in Canvas; returns the students it cannot name (collected from elsewhere).

    Canvas knows a student by the number in the names of downloaded submissions, the column ID, and an assignment by
    its title, best with its number behind it: `Attention (8123)`. Another name makes a new assignment there.
    """
    unknown = []
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["Student", "ID", "SIS Login ID", "Section", as_text(column)])
        writer.writerow(["Points Possible", "", "", "", f"{rows[0].max_score:g}" if rows else ""])
        for row in rows:
            if not (number := CANVAS_ID.search(row.student)):
                unknown.append(row.student)
                continue
            writer.writerow([as_text(row.student[: number.start()]), number[1], "", "", f"{row.score:g}"])
    return unknown


def as_text(value: str) -> str:
    """A value that no table program takes for a formula and no terminal for a command, on one line."""
    value = " ".join(value.split())
    value = "".join(sign for sign in value if unicodedata.category(sign)[0] != "C")
    return FORMULA.sub(r"\1\2'", value)


def csv_path(folders: Folders, name: str, kind: str = "") -> Path:
    """Where the table of an assignment is written."""
    return folders.private / f"{name}{kind}.csv"
