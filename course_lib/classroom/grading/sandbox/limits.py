"""How much one submission may use. Part of grading; no lesson derives it."""

from dataclasses import asdict, dataclass

from course_lib.doors.settings import settle


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Seconds and bytes for one submission; every limit is enforced from outside the box or by the kernel.

    A cell that needs longer than `cell_seconds` is interrupted (one of the course's own, which imports what the lesson
    needs, longer than `start_seconds`), a probe that needs longer than `probe_seconds` is killed, and so is the whole
    box after `seconds`, with more than `memory` or `output` bytes, or after `silence` seconds in which a cell or a
    probe should have ended. A box that dies is started again without the cell that killed it, `restarts` times.
    """

    seconds: float = 60
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
    def silence(self) -> float:
        """Longest time without a word from a box that is at work."""
        return max(self.cell_seconds, self.probe_seconds) + self.grace
