"""What the course starts is found: programs of its environment through that Python, never by a name on the PATH."""

import ast
import subprocess
import sysconfig
from pathlib import Path

import pytest

STARTS = {"run", "Popen", "call", "check_call", "check_output", "which", "create_subprocess_exec", "execvp", "execlp"}


def own_programs():
    """Names of what pip put beside Python: on the PATH of those who activated the environment, and of nobody else."""
    found = {path.name.removesuffix(".exe") for path in Path(sysconfig.get_path("scripts")).iterdir() if path.is_file()}
    return {name for name in found if not name.lower().startswith(("python", "activate"))}


def started_by_name(text, programs):
    """(line, name) of each command, or search for one, that begins with a name of these."""
    found = []
    for node in ast.walk(ast.parse(text)):
        first = None
        if isinstance(node, ast.List) and len(node.elts) > 1:
            first = node.elts[0]
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in STARTS:
            first = node.args[0] if node.args else None
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            name = first.value.partition(" ")[0]
            found += [(node.lineno, name)] if name in programs else []
    return found


@pytest.fixture(scope="module")
def programs():
    return own_programs()


def test_there_are_such_programs(programs):
    assert {"alembic", "jupyter", "nbgrader", "jupytext", "course"} <= programs


@pytest.mark.parametrize("code", ['run(["alembic", "heads"])', 'x = ["jupyter", "lab"]\nPopen(x)', 'which("nbgrader")',
                                  "os.execvp('course', [])", 'subprocess.run("jupytext --sync a", shell=True)'])
def test_one_would_be_seen(code, programs):
    assert started_by_name(code, programs)


def test_none_is_started_by_its_name(repository, programs):
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.py"]
    listed = subprocess.run(command, cwd=repository, capture_output=True, encoding="utf-8", check=True).stdout
    found = {}
    for name in filter(None, listed.split("\0")):
        if (repository / name).is_file() and name != "tests/test_programs.py":
            found[name] = started_by_name((repository / name).read_text(encoding="utf-8"), programs)
    assert {name: places for name, places in found.items() if places} == {}
