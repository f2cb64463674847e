"""Grade a class in a process that does nothing else: `python benchmarks/_class.py FOLDER NAME JOBS` prints JSON."""

import json
import re
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from course_lib.classroom.grading.assignment import load_assignment
from course_lib.classroom.grading.batch import grade
from course_lib.classroom.grading.cluster import workers
from course_lib.classroom.grading.collect import collect
from course_lib.classroom.grading.feedback import write_feedback
from course_lib.classroom.grading.folders import Folders
from course_lib.classroom.grading.gradebook import Book
from course_lib.classroom.grading.tables import csv_path, write_csv


def grade_class(folder: Path, name: str, jobs: int) -> dict:
    """From downloads to pages and table: wall seconds, the most memory in MB that this process took, scores."""
    folders, began = Folders(folder), time.perf_counter()
    collect(folders, name, folder / "downloads", received=datetime.now(UTC))
    assignment = load_assignment(folders, name)
    with Book(folders, assignment) as book:
        book.prepare()
    with workers(jobs) as executor:
        for _ in grade(folders, assignment, executor):
            pass
    with Book(folders, assignment) as book:
        rows = book.rows()
    write_csv(csv_path(folders, name), rows, write_feedback(folders, assignment, rows))
    seconds = time.perf_counter() - began
    # Not ru_maxrss, in which a process that was started by a larger one keeps the size of that one.
    peak = int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024
    return {"seconds": seconds, "peak": peak, "scores": {row.student: row.score for row in rows}}


if __name__ == "__main__":
    print(json.dumps(grade_class(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))))
