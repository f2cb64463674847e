"""A question that a person grades: what it is worth, and for what. Used from lesson 02 (ngrams) on.

    which = OpenQuestion("02.6", title="Which one is better?", difficulty=2, minutes=10, rubric=(
        (2, "says what both numbers count, and per what"),
        (2, "says what would have to be known to compare them"),
    ))

Some things cannot be checked by running them. The question stands in the notebook under its heading, the model answer
in the cell below it; students and graders read the same rubric, and points are given in nbgrader's Formgrader.
"""

from dataclasses import dataclass

from course_lib.doors.settings import settle

STUB = "*Your answer: double-click here and write.*"


@dataclass(frozen=True)
class OpenQuestion:
    """One question with a free text as its answer.

    Args:
        number: "02.6": lesson, dot, place in the lesson; shared with the exercises.
        title: as in the notebook's heading.
        difficulty: 1 to 5. minutes: how long it takes.
        rubric: (points, what they are given for), in the order in which one grades.
    """

    number: str
    title: str = ""
    difficulty: int = 1
    minutes: int = 10
    rubric: tuple[tuple[float, str], ...] = ()

    __post_init__ = settle

    @property
    def points(self) -> float:
        """The sum of the rubric's points."""
        return float(sum(points for points, _ in self.rubric))

    @property
    def rubric_text(self) -> str:
        """The rubric in Markdown, as it stands below the question."""
        lines = [f"- {points:g} {'point' if points == 1 else 'points'}: {what}" for points, what in self.rubric]
        return "\n".join([f"**Graded by a person, {self.points:g} points:**", "", *lines])
