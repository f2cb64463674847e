"""Scores in nbgrader's gradebook: manual points, late work, a release that was rebuilt."""

from datetime import UTC, datetime, timedelta

import nbformat

from course_lib.classroom.grading.assignment import load_assignment
from course_lib.classroom.grading.gradebook import Book
from course_lib.classroom.grading.rows import Part

NAME = "90_toy"
SOFTMAX = """def softmax(scores):
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)"""
RUNNING = "def running_mean(x):\n    return np.cumsum(x) / np.arange(1, len(x) + 1)"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_points_by_hand_stay_through_regrading_and_ask_for_review_when_the_answer_changed(classroom, toy):
    classroom.hand_in("ann", toy(SOFTMAX, RUNNING, "First thoughts."))
    _, rows = classroom.grade_all()
    assert rows["ann"].parts["90.3"] == Part(0, 4, waits=True) and rows["ann"].parts["90.1"] == Part(3, 3)
    assert "to be graded by hand, 4 points" in classroom.page("ann") and classroom.table()["ann"]["90.3"] == ""
    with classroom.by_hand("ann") as (grade, comment):
        grade.manual_score, comment.manual_comment = 3.5, "Good <b>point</b>"
    _, rows = classroom.grade_all(again=True)
    assert rows["ann"].score == 8.5 and rows["ann"].waiting == []
    assert rows["ann"].parts["90.3"] == Part(3.5, 4, by_hand=True, comment="Good <b>point</b>")
    page = classroom.page("ann")
    assert "90.3 Which axis?" in page and "3.5 of 4, given by hand" in page and "Good &lt;b&gt;point&lt;/b&gt;" in page
    assert classroom.table()["ann"]["90.3"] == "3.5"
    classroom.hand_in("ann", toy(SOFTMAX, RUNNING, "Second thoughts."))
    _, rows = classroom.grade_all()
    assert rows["ann"].score == 8.5 and rows["ann"].waiting == ["90.3"]
    assert "3.5 of 4, given by hand, to be looked at again" in classroom.page("ann")
    assert classroom.table()["ann"]["waits_for"] == "90.3"


def test_a_score_by_hand_for_what_a_machine_graded_counts_and_stays(classroom, toy):
    classroom.hand_in("ann", toy(None, RUNNING))
    classroom.grade_all()
    with classroom.by_hand("ann", "90.1") as (grade, comment):
        grade.manual_score, comment.manual_comment = 2, "Told me in the office."
    _, rows = classroom.grade_all(again=True)
    assert rows["ann"].score == 4 and rows["ann"].waiting == []
    assert "2 of 3, given by hand" in classroom.page("ann") and "Told me in the office." in classroom.page("ann")
    assert classroom.table()["ann"]["90.1"] == "2"


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
    release.cells[-1].metadata.nbgrader.update(grade_id="answer-90-4", points=7)
    nbformat.write(release, path)
    _, rows = classroom.grade_all()
    assert rows["ann"].max_score == 12 and rows["ann"].score == 5
    assert list(rows["ann"].parts) == ["90.1", "90.2", "90.4"]


def test_the_due_date_stays_until_another_is_given(classroom):
    with Book(classroom.course, load_assignment(classroom.course, NAME)) as book:
        book.prepare(due=NOON, late=0.2)
        book.prepare()
        assert book.late == 0.2 and book.book.find_assignment(NAME).duedate == NOON.replace(tzinfo=None)
