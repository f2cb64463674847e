"""A control group for one box, where the machine lends one. Part of grading; no lesson derives it.

There the kernel counts all that a box holds, its own tables and buffers included, and limits it between two looks of
`usage`, too. Who is logged in at a desktop with systemd may make groups beside their own, and so may whatever is
started by `systemd-run --user --scope`. Elsewhere, and where anything about it fails, `usage` looks alone.
"""

import contextlib
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

from course_lib.classroom.grading.sandbox.limits import Limits
from course_lib.doors.files import write_text

ROOT = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")
STARTERS = 8  # processes that bubblewrap and its start need
PATIENCE = 2.0  # seconds until a group of killed processes is empty


@contextlib.contextmanager
def control_group(limits: Limits) -> Iterator[Path | None]:
    """A group with the limits of one box, removed in the end with all that is still in it; None where none can be had.

    See cgroups(7), version 2.
    """
    group = _made(limits)
    try:
        yield group
    finally:
        if group:
            _remove(group)


def in_group(group: Path | None, command: list[str]) -> list[str]:
    """A command that joins the group before it begins; where that is refused, it begins all the same."""
    join = 'echo 0 > "$0"; exec "$@"'
    return command if group is None else ["/bin/sh", "-c", join, str(group / "cgroup.procs"), *command]


def _made(limits):
    with contextlib.suppress(OSError):
        beside = _beside()
        if beside is None:
            return None
        handed_down = (beside / "cgroup.subtree_control").read_text(encoding="utf-8").split()
        if not {"memory", "pids"} <= set(handed_down):
            return None
        group = beside / f"course-box-{secrets.token_hex(8)}"
        group.mkdir()
        try:
            write_text(group / "memory.max", str(limits.memory))
            write_text(group / "pids.max", str(limits.processes + STARTERS))
            for name, value in (("memory.swap.max", "0"), ("memory.oom.group", "1")):  # not every kernel has them
                with contextlib.suppress(OSError):
                    write_text(group / name, value)
            return group
        except OSError:
            _remove(group)
    return None


def _beside():
    """Where a group beside that of this process would lie, in the hierarchy of version 2."""
    for line in OWN.read_text(encoding="utf-8").splitlines():
        number, _, path = line.split(":", 2)
        if number == "0" and path.strip("/"):
            return ROOT / Path(path.strip("/")).parent
    return None


def _remove(group):
    with contextlib.suppress(OSError):
        write_text(group / "cgroup.kill", "1")
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            group.rmdir()
            return
        if not group.exists():
            return
        time.sleep(0.02)
