"""What went wrong with one student, while the class goes on. Part of grading; no lesson derives it.

Every step that handles one student stands in `of`: whatever it raises is written down beside the student's name, and
the next student is looked at. Only what concerns everybody, such as a course that is not there, ends a command.
"""

import contextlib
from collections.abc import Iterator

from course_lib.classroom.grading.student_text import reason


class Troubles(dict[str, list[str]]):
    """Student → what failed for them, in words."""

    @contextlib.contextmanager
    def of(self, student: str, step: str) -> Iterator[None]:
        """Within the body an exception is kept, not raised: "`step` failed (ValueError: …)"."""
        try:
            yield
        except Exception as error:  # MemoryError and RecursionError among them
            self.setdefault(student, []).append(f"{step} failed ({reason(error)})")

    def lines(self) -> list[str]:
        """One line a student, for a terminal."""
        return [f"{student}: {'; '.join(what)}" for student, what in sorted(self.items())]
