"""What this machine offers the course, and what to do about what is missing. Used by lesson 00 (start_here).

`doctor()` finds, `report` makes one table of it; the command `course doctor` does both. Nothing is downloaded, none of
the course's folders is written, and a missing package is a finding, not an error. Everything is tried as it will be
used: a product is computed, the notebooks' kernel is started, the folders are those that will be written.
"""

from course_lib.doctor import kernel, machine, software
from course_lib.doctor.finding import Finding, report
from course_lib.doctor.software import cjk_font

__all__ = ["Finding", "cjk_font", "doctor", "report"]


def doctor() -> list[Finding]:
    """Look at everything the course needs; most important first. Takes some seconds, for torch and for a kernel."""
    return [
        software.python(),
        software.torch(),
        software.gpu(),
        machine.cores(),
        machine.memory(),
        machine.disk(),
        *kernel.kernel(),
        software.widgets(),
        *machine.places(),
        software.font(),
        *software.for_contributors(),
    ]
