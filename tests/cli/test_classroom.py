"""The instructor's commands where they refuse: as root, without submissions, for lessons that are not there."""

import os
import shutil
import subprocess
import sys

import pytest


def course(*arguments, before=()):
    command = [*before, sys.executable, "-m", "course_lib", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_grading_refuses_to_run_as_root(bubblewrap):
    """Really as root; where this is not root, in a namespace of its own where it is."""
    namespace = [bubblewrap, "--unshare-user", "--uid", "0", "--gid", "0", "--dev-bind", "/", "/"]
    as_root = [] if os.geteuid() == 0 else namespace
    done = course("grade", "12_gpt", before=as_root)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("course: grading refuses to run as root") and done.stderr.count("\n") == 1


@pytest.mark.parametrize("system", ["darwin", "win32"])
@pytest.mark.parametrize("options", [[], ["--no-sandbox"]])
def test_grading_needs_linux_and_says_so(system, options):
    """In one line, whatever is installed; also for trusted work, whose limits are Linux' own."""
    pretend = (
        f"import sys; from course_lib.cli import main; import platform; sys.platform = {system!r}; "
        "platform.system = lambda: 'Elsewhere'; sys.modules['nbgrader'] = sys.modules['sqlalchemy'] = None; "
        f"main(['grade', '12_gpt', *{options!r}])"
    )
    done = subprocess.run([sys.executable, "-c", pretend], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1
    assert done.stderr.startswith("course: grading needs Linux, and this is Elsewhere") and "WSL" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["release", "99_nothing"], "no exercises '99_nothing'"),
        (["collect", "99", "."], "no exercises '99'"),
        (["stats", "12_gpt"], "nothing is graded yet"),
        (["grade", "12_gpt", "--no-sandbox"], "nothing was collected for 12_gpt"),
    ],
)
def test_refusals_are_one_line(arguments, line, repository, tmp_path):
    for kind in ("solutions", "exercises"):
        shutil.copytree(repository / kind / "12_gpt", tmp_path / kind / "12_gpt")
    done = course(*arguments, "--course", str(tmp_path))
    assert done.returncode == 2 and line in done.stderr.splitlines()[-1]
    assert ("WITHOUT a sandbox" in done.stderr) == ("--no-sandbox" in arguments)
