"""Pages for everybody who has a result, rewritten with what was given by hand."""

from course_lib.classroom.grading.assignment import load_assignment
from course_lib.classroom.grading.feedback import write_feedback
from course_lib.classroom.grading.gradebook import Book

NAME = "90_toy"


def test_pages_follow_the_gradebook(classroom, toy):
    classroom.hand_in("ann", toy(None, None, "<b>My</b> essay & more."))
    classroom.grade_all()
    assert "&lt;b&gt;My&lt;/b&gt; essay &amp; more." in classroom.page("ann")
    with classroom.by_hand("ann") as (grade, comment):
        grade.manual_score, comment.manual_comment = 3, "Well argued."
    assignment = load_assignment(classroom.course, NAME)
    with Book(classroom.course, assignment) as book:
        found = write_feedback(classroom.course, assignment, book.rows())
    page = classroom.page("ann")
    assert list(found) == ["ann"] and "3 of 9 points" in page and "Well argued." in page
