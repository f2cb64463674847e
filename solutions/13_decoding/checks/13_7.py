"""Question 13.7: a thousand stories without a mistake, and all of them the same."""

from course_lib.classroom.checking.open_question import OpenQuestion

flawless = OpenQuestion(
    "13.7", title="A thousand stories without a mistake", difficulty=2, minutes=10,
    rubric=(
        (1, "explains how fewer wrong statements are possible without a better model: what low temperature and beams leave, and what repetition does to the count"),
        (1, "names a measure of diversity, says how it is computed, and over how much text"),
        (1, "says what its value must be compared with, and why more is not simply better"),
        (1, "describes the picture: both measures for each setting; and chooses from it, naming something else to try"),
        (1, "says why the most probable text is not the best: length, repetition, or how much surprise real text carries"),
    ),
)
