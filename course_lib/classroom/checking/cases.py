"""What was expected and what came, in several cases at once, and whether they agree.

Used by the checks of all lessons.
"""

from dataclasses import dataclass, field

import numpy as np

from course_lib.classroom.checking.nearness import wrong_places
from course_lib.classroom.checking.surprise import ENOUGH, told_bits

EXACT = 1e-9


@dataclass(frozen=True)
class Case:
    """One value that was expected, the one that came, and the sizes of the arguments there."""

    expected: np.ndarray
    got: np.ndarray
    sizes: dict[str, float] = field(default_factory=dict)


class Cases:
    """All cases of one question.

    Args:
        cases: at least one.
        tolerance: of numbers that are not whole ones; these must agree to the last.
    """

    def __init__(self, cases: list[Case], tolerance: float):
        self.cases, self.tolerance = cases, tolerance
        self.exact = all(array.dtype.kind in "biu" for case in cases for array in (case.expected, case.got))
        self.one_shape = all(case.expected.shape == case.got.shape for case in cases)
        self.boolean = all(case.expected.dtype.kind == "b" for case in cases)
        expected, got = ({len(shape) for shape in shapes} for shapes in (
            [case.expected.shape for case in cases], [case.got.shape for case in cases]))
        self.n_axes = expected.pop() if len(expected) == 1 else None  # of what is expected, None where they differ
        self.n_axes_got = got.pop() if len(got) == 1 else None

    def turned(self) -> "Cases":
        """What came in place of what was expected."""
        return Cases([Case(case.got, case.expected, case.sizes) for case in self.cases], self.tolerance)

    def agree(self, wanted: np.ndarray, got: np.ndarray) -> bool:
        """Whether two arrays are one."""
        if wanted.shape != got.shape or (wanted.dtype.kind == "b") != (got.dtype.kind == "b"):
            return False
        return not wrong_places(wanted, got, EXACT if self.exact else self.tolerance).any()

    def all_agree(self, wanted: list[np.ndarray | None]) -> bool:
        """Whether these are what came, case by case; None agrees with nothing."""
        pairs = zip(wanted, self.cases, strict=True)
        return all(value is not None and self.agree(value, case.got) for value, case in pairs)


def is_telling(*sides: list[np.ndarray], spent: float = 0.0) -> bool:
    """Whether the agreement of all sides says enough, after `spent` bits went into fitting them."""
    return all(told_bits(*values) - spent >= ENOUGH for values in sides)
