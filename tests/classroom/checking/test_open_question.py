"""Open questions: read from a checks.py beside its exercises; points and rubric."""

import textwrap

from course_lib.classroom.checking.exercise import load_exercises
from course_lib.classroom.checking.open_question import OpenQuestion, load_questions

CHECKS = '''
    from course_lib.classroom.checking.exercise import Exercise
    from course_lib.classroom.checking.open_question import OpenQuestion

    double = Exercise("01.2", "double", hints=("a", "b", "c"))
    later = OpenQuestion("01.10", title="Later", rubric=((1, "a reason"),))
    why = OpenQuestion("01.3", title="Why?", difficulty=2, minutes=7, rubric=((1, "one"), (2.5, "two")))
'''


def test_points_and_rubric():
    question = OpenQuestion("01.3", rubric=((1, "names the unit"), (2.5, "gives a reason")))
    assert question.points == 3.5
    assert question.rubric_text.splitlines() == [
        "**Graded by a person, 3.5 points:**", "", "- 1 point: names the unit", "- 2.5 points: gives a reason",
    ]


def test_questions_and_exercises_stand_in_one_file(tmp_path):
    path = tmp_path / "checks.py"
    path.write_text(textwrap.dedent(CHECKS))
    found = [(question.number, question.title, question.minutes) for question in load_questions(path)]
    assert found == [("01.3", "Why?", 7), ("01.10", "Later", 10)]
    assert [exercise.number for exercise in load_exercises(path)] == ["01.2"]
