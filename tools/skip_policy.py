"""A pytest plugin: which skips are allowed, and how long each lesson took.

With CI=true the machine is ours, so a skip means that something was not set up: every skip but "no GPU"
counts as a failure. Elsewhere a skip stays a skip, and its one line says what to install.
"""

import os
from collections import defaultdict

import pytest

ALLOWED = "no GPU"


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
    """Sums what the cells of each notebook took."""

    def __init__(self):
        self.seconds = defaultdict(float)

    def pytest_runtest_logreport(self, report):
        file = report.nodeid.split("::")[0]
        if file.endswith(".ipynb"):
            self.seconds[file] += report.duration

    def pytest_terminal_summary(self, terminalreporter):
        if self.seconds:
            terminalreporter.section("seconds for each notebook (one thread, this machine as busy as it is)")
        for file, seconds in sorted(self.seconds.items()):
            terminalreporter.write_line(f"{seconds:6.1f} s  {file}")
