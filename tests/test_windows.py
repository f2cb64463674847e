"""What students run needs nothing that only POSIX has: tried without it, and looked for in every line."""

import ast
import os
import subprocess
import sys

import pytest

ROBBED = "windows_like.py"
# Where such a name stands behind a question whether it is there, or in what runs on Linux only.
GUARDED = {
    "classroom/checking/time_limit.py": {"SIGALRM", "setitimer", "ITIMER_REAL"},
    "doctor/machine.py": {"sched_getaffinity"},
    "doors/folders.py": {"fchdir"},
}


@pytest.fixture(scope="module")
def robbed(repository):
    """The names of tests/windows_like.py, which is a program and no module."""
    names = {"__name__": "windows_like"}
    exec((repository / "tests" / ROBBED).read_text(encoding="utf-8"), names)
    return names


@pytest.mark.skipif(sys.platform != "linux", reason="the robbery is done on Linux; Windows itself needs none")
def test_a_students_day_without_posix(repository, tmp_path):
    command = [sys.executable, repository / "tests" / ROBBED, tmp_path]
    environment = os.environ | {"PYTHONPATH": str(repository), "COURSE_HEADLESS": "0", "COURSE_SOLUTIONS": "always",
                                "PYTHONIOENCODING": "cp1252", "MPLBACKEND": "agg"}
    done = subprocess.run(command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=900)
    said = done.stdout.decode("cp1252")
    assert done.returncode == 0 and said.rstrip().endswith("done"), said[-6000:]
    assert "no answer after" in said and "stopped" in said and said.count("grading needs Linux, and this is ") == 2


def test_no_line_of_the_students_side_names_what_only_posix_has(repository, robbed):
    lacking = {name for names in robbed["NOT_THERE"].values() for name in names.split()}
    modules, wrong, guards = set(robbed["MODULES"]), [], set()
    for path in sorted((repository / "course_lib").rglob("*.py")):
        name = path.relative_to(repository / "course_lib").as_posix()
        if name.startswith("classroom/grading/"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            found = set()
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("os", "signal", "time", "socket"):
                found = {node.attr} & lacking
            elif isinstance(node, ast.Import):
                found = {alias.name for alias in node.names} & modules
            elif isinstance(node, ast.ImportFrom):
                found = ({node.module} & modules) | ({alias.name for alias in node.names} & lacking)
            elif isinstance(node, ast.keyword) and node.arg in ("preexec_fn", "start_new_session", "shell"):
                found = {node.arg}
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found = {node.value} & {"sh", "/bin/sh", "bash", "/dev/null", "/proc"}
            guards |= {(name, one) for one in found if one in GUARDED.get(name, ())}
            wrong += [f"{name}:{node.lineno} {one}" for one in found if one not in GUARDED.get(name, ())]
    assert wrong == []
    assert guards == {(name, one) for name, ones in GUARDED.items() for one in ones}, "a guard that guards nothing"
