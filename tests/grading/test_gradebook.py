"""Scores in nbgrader's gradebook: manual points, late work, a release that was rebuilt."""

from datetime import UTC, datetime, timedelta

import nbformat
from nbgrader.api import Gradebook

from course_lib.grading.assignment import load_assignment
from course_lib.grading.gradebook import Book

NAME = "90_toy"
SOFTMAX = """def softmax(scores):
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)"""
RUNNING = "def running_mean(x):\n    return np.cumsum(x) / np.arange(1, len(x) + 1)"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_manual_points_stay_through_regrading_and_ask_for_review_when_the_answer_changed(classroom, toy):
    classroom.hand_in("ann", toy(SOFTMAX, RUNNING, "First thoughts."))
    classroom.grade_all()
    with Gradebook(classroom.course.database) as book:
        grade = book.find_grade("essay", NAME, NAME, "ann")
        grade.manual_score, grade.needs_manual_grade = 3.5, False
        book.find_comment("essay", NAME, NAME, "ann").manual_comment = "Good <b>point</b>"
        book.db.commit()
    _, rows = classroom.grade_all(again=True)
    assert rows["ann"].score == 8.5 and not rows["ann"].needs_manual
    assert "Good &lt;b&gt;point&lt;/b&gt;" in classroom.page("ann")
    classroom.hand_in("ann", toy(SOFTMAX, RUNNING, "Second thoughts."))
    _, rows = classroom.grade_all()
    assert rows["ann"].score == 8.5 and rows["ann"].needs_manual


def test_late_work_loses_a_share_of_the_score_a_day(classroom, toy):
    classroom.hand_in("seed", toy(SOFTMAX, RUNNING), received=NOON - timedelta(hours=1))
    classroom.hand_in("late", toy(SOFTMAX, RUNNING), received=NOON + timedelta(days=2))
    _, rows = classroom.grade_all(due=NOON, late=0.1)
    assert rows["seed"].score == 5
    assert abs(rows["late"].penalty - 1) < 1e-6 and abs(rows["late"].score - 4) < 1e-6


def test_a_rebuilt_release_gives_old_submissions_the_new_cells_and_forgets_old_ones(classroom, toy):
    classroom.hand_in("ann", toy(SOFTMAX, RUNNING))
    classroom.grade_all()
    path = classroom.course.root / "exercises" / NAME / f"{NAME}.ipynb"
    release = nbformat.read(path, as_version=4)
    release.cells[6].metadata.nbgrader.update(grade_id="essay-2", points=7)
    nbformat.write(release, path)
    _, rows = classroom.grade_all()
    assert rows["ann"].max_score == 12 and rows["ann"].score == 5
    assert set(rows["ann"].by_cell) == {"check-90-1", "check-90-2", "essay-2"}


def test_the_due_date_stays_until_another_is_given(classroom):
    with Book(classroom.course, load_assignment(classroom.course, NAME)) as book:
        book.prepare(due=NOON, late=0.2)
        book.prepare()
        assert book.late == 0.2 and book.book.find_assignment(NAME).duedate == NOON.replace(tzinfo=None)
