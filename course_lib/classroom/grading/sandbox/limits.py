"""How much one submission may use. Part of grading; no lesson derives it."""

from dataclasses import asdict, dataclass

from course_lib.doors.settings import settle


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Seconds and bytes for one submission; every limit is enforced from outside the box or by the kernel.

    A cell that needs longer than `cell_seconds` is interrupted (one of the course's own, which imports what the lesson
    needs, longer than `start_seconds`), a probe that needs longer than `probe_seconds` is killed. Slow ones share what
    there is (`Shared`): all cells of a student's together `of_cells`, the probes of one stage `of_stage`.

    The whole box is killed after `seconds`, with more than `memory` or `output` bytes, or after `silence` seconds in
    which a cell or a probe should have ended. A box that dies is started again without the cell that killed it,
    `restarts` times, and all boxes of one submission together have `total` seconds.
    """

    seconds: float = 90
    cell_seconds: float = 10
    probe_seconds: float = 5
    start_seconds: float = 30
    grace: float = 3
    memory: int = 2 << 30
    disk: int = 64 << 20
    output: int = 10 << 20
    shown: int = 50_000
    processes: int = 64
    restarts: int = 3

    def __post_init__(self):
        settle(self)  # with seconds=nan nothing would ever be too late

    def to_dict(self) -> dict:
        """Plain numbers, for the job that goes into the box."""
        return asdict(self)

    @property
    def total(self) -> float:
        """Seconds for one submission, however often its box is started again."""
        return 2 * self.seconds

    @property
    def of_cells(self) -> float:
        """Seconds for all cells that a student has written."""
        return 0.45 * self.seconds

    @property
    def of_stage(self) -> float:
        """Seconds for the probes of one stage; there are three, and the rest is for the start."""
        return self.seconds / 6

    @property
    def silence(self) -> float:
        """Longest time without a word from a box that is at work."""
        return max(self.cell_seconds, self.probe_seconds) + self.grace


class Shared:
    """Seconds that several pieces of work share, so that a slow one costs itself and not those after it.

    Each is sure of its part of one half. Of the other half, each that needs more may have half of what is left, so that
    something stays for the next; whoever was stopped once (`slow`) has only what it is sure of.
    """

    def __init__(self, seconds: float, count: int):
        self.sure, self.spare, self.slow = seconds / 2 / max(count, 1), seconds / 2, set()

    def allow(self, most: float, who: str) -> float:
        """How long a piece of work of `who` may take, which alone might take `most`."""
        return min(most, self.sure + (0 if who in self.slow else self.spare / 2))

    def spend(self, used: float, allowed: float, who: str) -> None:
        """Account for a piece of work that took `used` seconds of the `allowed` ones."""
        self.spare = max(0.0, self.spare - max(0.0, used - self.sure))
        if used >= allowed:
            self.slow.add(who)
