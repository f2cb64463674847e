"""Question 02.7: can perplexities of different tokenizers be compared?"""

from course_lib.classroom.checking.open_question import OpenQuestion

lower = OpenQuestion(
    "02.7", title="The lower perplexity", difficulty=2, minutes=10,
    rubric=(
        (1, "says whether the two numbers can be compared, and why, naming what a perplexity is a mean over"),
        (1, "explains what <unk> does to A's perplexity, and in which direction"),
        (1, "notices what A's model cannot do with the true text"),
        (1, "names a measurement that settles it, and how it is computed from what the groups have"),
        (1, "says what A has to change before it can be measured"),
    ),
)
