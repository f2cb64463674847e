"""A pytest plugin: which skips are allowed, and how long each part and each lesson took.

With CI=true the machine is ours, so a skip means that something was not set up: every skip but "no GPU"
counts as a failure. Elsewhere a skip stays a skip, and its one line says what to install.
"""

import os
from collections import defaultdict

import pytest

ALLOWED = "no GPU"
SLOWEST = 15  # files that are named


def pytest_configure(config):
    config.pluginmanager.register(_Seconds(), "course-lesson-seconds")


def forbid_skip(report, environ=os.environ) -> None:
    """Turn a skipped report into a failed one, in place, where skipping is not allowed."""
    if environ.get("CI") != "true" or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[-1] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if reason.removeprefix("Skipped: ").startswith(ALLOWED):
        return
    report.outcome = "failed"
    report.longrepr = f"CI=true allows no skip but '{ALLOWED}', and this test skipped itself: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    forbid_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    report = yield
    forbid_skip(report)
    return report


class _Seconds:
    """Sums what the tests of each file took."""

    def __init__(self):
        self.seconds = defaultdict(float)

    def pytest_runtest_logreport(self, report):
        self.seconds[report.nodeid.split("::")[0]] += report.duration

    def pytest_terminal_summary(self, terminalreporter):
        parts, files = defaultdict(float), sorted(self.seconds.items(), key=lambda item: -item[1])
        for file, seconds in files:
            parts[part_of(file)] += seconds
        slow = {file: seconds for file, seconds in files[:SLOWEST] if seconds >= 1}
        notebooks = {file: seconds for file, seconds in sorted(self.seconds.items()) if file.endswith(".ipynb")}
        for title, rows in (("part", parts), ("notebook", notebooks), ("of the slowest files", slow)):
            if rows and (len(files) > SLOWEST or title == "notebook"):
                terminalreporter.section(f"seconds for each {title} (one thread, this machine as busy as it is)")
                for name, seconds in rows.items():
                    terminalreporter.write_line(f"{seconds:6.1f} s  {name}")


def part_of(file: str) -> str:
    """The folder that a test file counts for: `tests/lab`, `notebooks`, and `tests` for those beside the folders."""
    return "/".join(file.split("/")[: 2 if file.startswith("tests/") and file.count("/") > 1 else 1])
