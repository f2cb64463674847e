"""Question 04.7: a wrong gradient of the last layer that learned nevertheless."""

from course_lib.classroom.checking.open_question import OpenQuestion

learned = OpenQuestion(
    "04.7", title="The wrong gradient that learned", difficulty=2, minutes=10,
    rubric=(
        (1, "names the factor that is missing, and where in the code it is missing"),
        (1, "says why the steps still go downhill, or nearly so"),
        (1, "says why it is faster: how the squared error behaves where an answer is badly wrong"),
        (1, "recognises which other loss the last layer follows, and that the first layer follows a different one"),
        (1, "decides what to change, and says how one would know that it is right afterwards"),
    ),
)
