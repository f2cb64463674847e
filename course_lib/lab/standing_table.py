"""How far you are, exercise by exercise: for `course progress` and for the panel in lesson 00 (start_here)."""

import contextlib
import html
from collections.abc import Iterator
from dataclasses import dataclass

from course_lib.doors.folders import course_root
from course_lib.lab.attempts import Standing, standings
from course_lib.lab.progress import headless
from course_lib.lab.public_checks import NoChecks, read_checks, released

STYLE = """<style>
.course-standing { font: 14px/1.35 system-ui, sans-serif; border-collapse: collapse }
.course-standing td, .course-standing th { padding: .2em .8em; text-align: left;
                                           border-bottom: 1px solid rgb(128 128 128 / .4) }
</style>"""


@dataclass(frozen=True)
class Line:
    """One exercise of the course and where you stand with it."""

    number: str
    title: str
    minutes: int
    standing: Standing

    @property
    def state(self) -> str:
        """✓ once it was correct, else the number of tries."""
        tries = self.standing.attempts
        return "✓ correct" if self.standing.passed else f"{tries} tr{'y' if tries == 1 else 'ies'}" if tries else "open"

    @property
    def notes(self) -> str:
        """Hints taken and mistakes recognised, as one reads them."""
        hints = [f"{self.standing.hints} of 3 hints"] if self.standing.hints else []
        return "; ".join([*hints, *(f"{name} ({times}×)" for name, times in self.standing.mistakes.items())])


def lines() -> list[Line]:
    """Every exercise of the course in order, with your standing; headless, as of somebody who has just begun."""
    mine = {} if headless() else standings()
    return [
        Line(number, record["title"], record["minutes"], mine.get(number, Standing(number, 0, 0, False, {})))
        for number, record in _records("exercises")
    ]


def _records(kind: str) -> Iterator[tuple[str, dict]]:
    """Number and record of every exercise, or of every open question ("questions"), that is here."""
    for path in released(course_root()):
        with contextlib.suppress(NoChecks):
            yield from read_checks(path).get(kind, {}).items()


class StandingTable:
    """The table as a self-contained piece of HTML, as CourseMap is; as text elsewhere."""

    def __init__(self):
        self.lines = lines()
        self.by_hand = [(number, record["title"], record["minutes"]) for number, record in _records("questions")]

    @property
    def _rows(self):
        rows = [(x.number, x.title, x.minutes, x.state, x.notes) for x in self.lines]
        rows += [(*told, "open", "a person reads the answer") for told in self.by_hand]
        return sorted(rows, key=lambda row: [int(part) for part in row[0].split(".")])

    def __repr__(self) -> str:
        correct = f"Exercises: {sum(line.standing.passed for line in self.lines)} of {len(self.lines)} correct."
        if not self.by_hand:
            return correct
        questions = "question" if len(self.by_hand) == 1 else "questions"
        return f"{correct.rstrip('.')}, and {len(self.by_hand)} open {questions}, which a person reads."

    def __str__(self) -> str:
        width = max((len(title) for _, title, *_ in self._rows), default=0)
        rows = [f"{number:<6} {title:<{width}}  {minutes:>3} min  {state:<9}  {notes}".rstrip()
                for number, title, minutes, state, notes in self._rows]
        return "\n".join([*rows, repr(self)])

    def _repr_html_(self) -> str:
        head = "<tr><th>exercise</th><th>minutes</th><th>state</th><th>notes</th></tr>"
        cells = ((f"{number} · {title}", f"{minutes}", *more) for number, title, minutes, *more in self._rows)
        rows = "".join(f"<tr>{''.join(f'<td>{html.escape(text)}</td>' for text in row)}</tr>" for row in cells)
        return f'{STYLE}<table class="course-standing" aria-label="Your exercises">{head}{rows}</table>'
