"""Write every student's page. Part of grading; no lesson derives it."""

import nbformat

from course_lib.classroom.grading.assignment import Assignment
from course_lib.classroom.grading.batch import Result, results
from course_lib.classroom.grading.folders import Folders, write_safely
from course_lib.classroom.grading.report import feedback_page
from course_lib.classroom.grading.rows import Row


def write_feedback(folders: Folders, assignment: Assignment, rows: list[Row]) -> dict[str, Result]:
    """One page for each row that has a result; returns the results by student."""
    found = results(folders, assignment.name)
    for row in rows:
        if result := found.get(row.student):
            path = folders.autograded(row.student, assignment.name)
            notebook = nbformat.read(path, as_version=4) if path.exists() else None
            page = feedback_page(assignment.name, result, row, notebook, assignment.by_hand)
            write_safely(folders.feedback(row.student, assignment.name), page)
    return found
