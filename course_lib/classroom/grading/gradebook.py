"""Scores in nbgrader's gradebook, so that Formgrader shows and edits them. Part of grading; no lesson derives it.

nbgrader (nbgrader.readthedocs.io) keeps the automatic and the manual score of every cell in SQLite. It is asked to keep
books only: it never runs a submission. A manual score stays through every regrade; when the answer that it was
given for has changed since, the cell is marked as needing review.
"""

import json
import warnings
from datetime import UTC, datetime

from nbformat import NotebookNode
from sqlalchemy.exc import SAWarning

from course_lib.classroom.grading.assignment import Assignment
from course_lib.classroom.grading.display import clean_markdown
from course_lib.classroom.grading.folders import Folders, read_json, write_safely
from course_lib.classroom.grading.marking import Mark
from course_lib.classroom.grading.rows import Part, Row
from course_lib.classroom.grading.student_text import reason

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from nbgrader.api import Comment, Grade, Gradebook
    from nbgrader.utils import compute_checksum


class Book:
    """The gradebook of one assignment; a context manager. `prepare` once, `record` each submission, read `rows`."""

    def __init__(self, folders: Folders, assignment: Assignment):
        self.assignment, self.name = assignment, assignment.name
        self.settings = folders.settings(self.name) / "late.json"
        self.book = Gradebook(folders.database)

    def __enter__(self) -> "Book":
        return self

    def __exit__(self, *error: object) -> None:
        self.book.close()

    def prepare(self, *, due: datetime | None = None, late: float | None = None) -> None:
        """Write the assignment's cells, and its due date (UTC) and late penalty (share of the score a day) if given."""
        extra = {"duedate": due.astimezone(UTC).replace(tzinfo=None)} if due else {}
        self.book.update_or_create_assignment(self.name, **extra)
        self.book.update_or_create_notebook(self.name, self.name)
        for cell in self.assignment.release.cells:
            marks = cell.metadata.get("nbgrader", {})
            place = (marks.get("grade_id"), self.name, self.name)
            if not marks:
                continue
            kind = {"cell_type": cell.cell_type}
            if marks.get("grade"):
                self.book.update_or_create_grade_cell(*place, max_score=float(marks["points"]), **kind)
            if marks.get("solution"):
                self.book.update_or_create_solution_cell(*place)
            source = {"source": cell.source, "checksum": compute_checksum(cell), "locked": bool(marks.get("locked"))}
            self.book.update_or_create_source_cell(*place, **source, **kind)
        self._forget_old_cells()
        if late is not None:
            write_safely(self.settings, json.dumps({"late": late}))

    def record(self, student: str, marks: list[Mark], notebook: NotebookNode, before: NotebookNode | None,
               received: datetime) -> None:
        """Enter one submission. notebook: as graded; before: as it was graded last time, if it was."""
        self.book.update_or_create_student(student)
        stamp = received.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f UTC")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)  # nbgrader links a submission before it is in the session
            submission = self.book.update_or_create_submission(self.name, student, timestamp=stamp)
        self._complete(submission)
        by_number = {mark.number: mark for mark in marks}
        for cell in notebook.cells:
            own = cell.metadata.get("nbgrader", {})
            if not own.get("grade"):
                continue
            grade = self.book.find_grade(own["grade_id"], self.name, self.name, student)
            if number := self.assignment.cells.get(own["grade_id"]):
                mark = by_number[number]
                grade.auto_score = own["points"] * mark.points / mark.out_of if mark.out_of else 0.0
                changed = before is not None and _answers(before) != _answers(notebook)
                grade.needs_manual_grade = grade.manual_score is not None and (changed or grade.needs_manual_grade)
            elif own.get("solution"):
                self._enter_essay(grade, cell, before)
        self.book.db.commit()
        self.apply_late_penalty(student)

    def apply_late_penalty(self, student: str) -> None:
        """Take off what is due for late work, from the score as it is now, manual points included."""
        self.book.db.expire_all()  # scores are computed by the database
        submission = self.book.find_submission(self.name, student)
        days = max(submission.total_seconds_late, 0) / 86400
        for notebook in submission.notebooks:
            score = sum(float(grade.score or 0.0) for grade in notebook.grades)
            notebook.late_submission_penalty = min(1.0, days * self.late) * score
        self.book.db.commit()

    @property
    def late(self) -> float:
        """The share of the score that is lost for each day, 0.1 is ten per cent."""
        return float((read_json(self.settings, late=float) or {}).get("late", 0.0))

    def undo(self) -> None:
        """Take back what was begun and not committed: after an error the next student finds a book that works."""
        self.book.db.rollback()

    def rows(self) -> list[Row]:
        """One row for each student who has a submission, sorted by student; one that fails says so in `trouble`."""
        rows = []
        for submission in self.book.assignment_submissions(self.name):
            student = submission.student_id
            try:
                rows.append(self._row(submission))
            except Exception as error:
                self.undo()
                trouble = f"the gradebook cannot be read ({reason(error)})"
                rows.append(Row(student, 0.0, 0.0, 0.0, None, 0.0, {}, trouble))
        return sorted(rows, key=lambda row: row.student)

    def _row(self, submission):
        self.apply_late_penalty(submission.student_id)
        penalty = float(sum(notebook.late_submission_penalty or 0.0 for notebook in submission.notebooks))
        return Row(
            student=submission.student_id,
            score=max(0.0, float(submission.score or 0.0) - penalty),
            max_score=float(submission.max_score),
            penalty=penalty,
            received=submission.timestamp,
            seconds_late=float(submission.total_seconds_late),
            parts=self._parts(submission),
        )

    def _parts(self, submission):
        grades = {grade.name: grade for notebook in submission.notebooks for grade in notebook.grades}
        notes = {note.name: note.manual_comment for notebook in submission.notebooks for note in notebook.comments}
        said: dict[str, list[str]] = {}
        for name, number in self.assignment.parts.items():
            said.setdefault(number, []).extend([notes[name]] if notes.get(name) else [])
        return {
            number: Part(
                points=float(grades[name].score or 0.0),
                out_of=float(grades[name].max_score),
                waits=bool(grades[name].needs_manual_grade),
                by_hand=grades[name].manual_score is not None,
                comment="\n\n".join(said[number]),
            )
            for name, number in self.assignment.parts.items()
            if name in grades
        }

    def _enter_essay(self, grade, cell, before):
        answer = _find(before, cell.metadata.nbgrader["grade_id"])
        original = _find(self.assignment.release, cell.metadata.nbgrader["grade_id"]).source
        original = clean_markdown(original) if cell.cell_type == "markdown" else original
        if cell.source.strip() == original.strip():
            grade.auto_score, grade.needs_manual_grade = 0.0, grade.manual_score is not None
            return
        grade.auto_score = None
        changed = answer is None or answer.source != cell.source
        grade.needs_manual_grade = grade.manual_score is None or changed

    def _complete(self, submission):
        """Give a submission from before a rebuilt release the cells that it does not know yet."""
        for notebook in submission.notebooks:
            graded, noted = {g.cell_id for g in notebook.grades}, {c.cell_id for c in notebook.comments}
            for cell in notebook.notebook.grade_cells:
                if cell.id not in graded:
                    self.book.db.add(Grade(cell_id=cell.id, notebook=notebook))
            for cell in notebook.notebook.solution_cells:
                if cell.id not in noted:
                    self.book.db.add(Comment(cell_id=cell.id, notebook=notebook))
        self.book.db.commit()

    def _forget_old_cells(self):
        wanted = {cell.metadata.get("nbgrader", {}).get("grade_id") for cell in self.assignment.release.cells}
        notebook = self.book.find_notebook(self.name, self.name)
        for cell in [*notebook.grade_cells, *notebook.solution_cells, *notebook.source_cells]:
            if cell.name not in wanted:
                for kind in (Grade, Comment):
                    self.book.db.query(kind).filter(kind.cell_id == cell.id).delete()
                self.book.db.delete(cell)
        self.book.db.commit()


def _find(notebook, grade_id):
    cells = notebook.cells if notebook else []
    return next((c for c in cells if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id), None)


def _answers(notebook):
    return [c.source for c in notebook.cells if c.metadata.get("nbgrader", {}).get("solution")]
