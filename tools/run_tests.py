"""Everything that `make test` runs, in the order of what fails fastest.

    python course.py test [--student] [arguments for pytest]

Two files at a time: each file stays with one process, for the cells of a notebook share a kernel, and the tests of the
browser share one JupyterLab. In the order of the folders, for the slow ones come early. COURSE_TEST_JOBS=0 runs all in
one process, as a debugger wants it.

--student leaves out what needs Linux or is not for students: all that must pass on every system is then left.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Grading and what shows it, the browser (Chromium), the site (npm).
NOT_FOR_STUDENTS = ("tests/browser", "tests/classroom/grading", "tests/cli/test_classroom.py", "tests/test_site.py")


def commands(arguments: list[str], *, root: bool, environ: dict[str, str]) -> list[list[str]]:
    """What is run, one after the other; root: whether this account is root, whom grading refuses."""
    more = [argument for argument in arguments if argument != "--student"]
    student = len(more) < len(arguments)
    options = ["-n", environ.get("COURSE_TEST_JOBS", "2"), "--dist", "loadfile", "--no-loadscope-reorder", *more]
    folders = [name for name in ("tests", "notebooks", "solutions") if (ROOT / name).is_dir()]
    pytest = [sys.executable, "-m", "pytest", "--nbval", *options, *folders]
    if student:
        return [[*pytest, *(f"--ignore={name}" for name in NOT_FOR_STUDENTS)]]
    first = [[sys.executable, "-m", "ruff", "check", "."], [sys.executable, "tools/other_pythons.py"]]
    # As root the tests of grading run as an ordinary account. Otherwise they are among those above.
    last = [["sh", "tools/ordinary_account.sh", *options, "tests/classroom/grading"]] if root else []
    return [*first, pytest, *last]


def main(arguments: list[str]) -> int:
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    for command in commands(arguments, root=root, environ=dict(os.environ)):
        if status := subprocess.run(command, cwd=ROOT).returncode:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
