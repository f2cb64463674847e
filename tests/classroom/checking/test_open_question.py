"""Open questions: points and rubric."""

from course_lib.classroom.checking.open_question import OpenQuestion


def test_points_and_rubric():
    question = OpenQuestion("01.3", rubric=((1, "names the unit"), (2.5, "gives a reason")))
    assert question.points == 3.5
    assert question.rubric_text.splitlines() == [
        "**Graded by a person, 3.5 points:**", "", "- 1 point: names the unit", "- 2.5 points: gives a reason",
    ]
