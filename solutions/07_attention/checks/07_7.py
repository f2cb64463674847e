"""Question 07.7: a loss that is too good, by attention that sees what it should not."""

from course_lib.classroom.checking.open_question import OpenQuestion

too_good = OpenQuestion(
    "07.7", title="Too good", difficulty=2, minutes=10,
    rubric=(
        (1, "says that the model sees the token that it has to predict, and so learned to peek"),
        (2, "names two different mistakes, and says for each how the future gets in"),
        (1, "gives a short experiment that decides it: change a later token, and look whether earlier outputs move"),
        (1, "explains why held-out text has the same leak, and writing has not"),
    ),
)
