"""Question 14.7: three changes at once, one run of each, and a loss that is ten per cent higher."""

from course_lib.classroom.checking.open_question import OpenQuestion

worse = OpenQuestion(
    "14.7", title="Ten per cent worse?", difficulty=2, minutes=10,
    rubric=(
        (1, "says why the two losses cannot be compared, and what could be"),
        (1, "says what equal updates hide, and in whose favour"),
        (1, "says what is wrong with the learning rate, and in whose favour"),
        (1, "says what one run of each, and three changes at once, leave open"),
        (2, "plans a comparison that repairs all of it within the computing that there is, and says when a difference counts"),
    ),
)
