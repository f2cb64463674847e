"""Write every student's page. Part of grading; no lesson derives it."""

from dataclasses import replace

import nbformat

from course_lib.classroom.grading.assignment import Assignment
from course_lib.classroom.grading.folders import Folders, write_safely
from course_lib.classroom.grading.records import Result, results
from course_lib.classroom.grading.report import feedback_page, page_without_points
from course_lib.classroom.grading.rows import Row
from course_lib.classroom.grading.troubles import Troubles


def write_feedback(folders: Folders, assignment: Assignment, rows: list[Row]) -> dict[str, Result]:
    """One page for each student who handed in; returns the results by student, with what went wrong among the notes."""
    found, troubles = results(folders, assignment.name), Troubles()
    by_student = {row.student: row for row in rows}
    for student, result in found.items():
        with troubles.of(student, "writing the page with points"):
            page = _page(folders, assignment, result, by_student.get(student))
            write_safely(folders.feedback(student, assignment.name), page)
            continue
        with troubles.of(student, "writing a page without points"):
            page = page_without_points(assignment.name, student, "; ".join(troubles[student]))
            write_safely(folders.feedback(student, assignment.name), page)
    return {student: replace(one, notes=[*one.notes, *troubles.get(student, [])]) for student, one in found.items()}


def _page(folders, assignment, result, row):
    if row is None or row.trouble:
        why = row.trouble if row else result.status.removeprefix("UNGRADED: ")
        return page_without_points(assignment.name, result.student, why)
    path = folders.autograded(row.student, assignment.name)
    notebook = nbformat.read(path, as_version=4) if path.exists() else None
    return feedback_page(assignment.name, result, row, notebook, assignment.by_hand)
