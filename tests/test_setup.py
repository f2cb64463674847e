"""The set-up script refuses in one line that says what to do and installs once; interpreters are tried, not trusted."""

import os
import shutil
import stat
import subprocess
import sys

import pytest

from tools.other_pythons import files_without_torch, imports, others, starts

POSIX_TOOLS = ("sh", "cat", "cksum", "df", "awk", "dirname", "rm", "uname", "id")


@pytest.fixture
def bench(tmp_path, repository):
    """A copy of what the script needs in a folder with a space, and a PATH that holds no Python."""
    root, bin_folder = tmp_path / "a course", tmp_path / "bin"
    (root / "tools").mkdir(parents=True)
    bin_folder.mkdir()
    for name in ("pyproject.toml", "constraints.txt", "tools/setup.sh", "tools/lab.sh"):
        shutil.copy(repository / name, root / name)
    for tool in POSIX_TOOLS:
        (bin_folder / tool).symlink_to(shutil.which(tool))
    return root, bin_folder


def command(folder, name, script):
    """Put an executable shell script into a folder."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IEXEC)


def setup(bench, *arguments, **environ):
    root, bin_folder = bench
    call = [shutil.which("sh"), root / "tools" / "setup.sh", *arguments]
    environ = {"PATH": str(bin_folder)} | environ
    return subprocess.run(call, env=environ, capture_output=True, text=True, timeout=60)


def refusal(done):
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.count("\n") == 1, f"one line, not: {done.stderr}"
    return done.stderr


def test_no_python(bench):
    assert "Python 3.11 or newer is needed" in refusal(setup(bench)) and "apt-get" in setup(bench).stderr


def test_a_python_that_does_not_start_or_is_too_old_is_no_python(bench):
    command(bench[1], "python3.11", "echo 'pyenv: python3.11: command not found' >&2; exit 127")
    command(bench[1], "python3", f"exec '{sys.executable}' -c 'import sys; sys.exit(1)'")
    assert "Python 3.11 or newer is needed" in refusal(setup(bench))


def test_no_venv_module(bench):
    command(bench[1], "python3", f'case "$2" in *ensurepip*) exit 1;; esac; exec "{sys.executable}" "$@"')
    line = refusal(setup(bench))
    assert "no venv module" in line and f"python3.{sys.version_info.minor}-venv" in line


def test_no_disk_space(bench):
    (bench[1] / "python3").symlink_to(sys.executable)
    line = refusal(setup(bench, COURSE_MIN_DISK_GB="123456789"))
    assert "123456789 GB of free disk space are needed" in line and "COURSE_MIN_DISK_GB=2" in line


PRETEND = f"""
case "$*" in
  "-m venv --clear .venv") mkdir -p .venv/bin; cp "$0" .venv/bin/python;;
  "-m pip install"*) echo "$@" >> installs.txt;;
  "-m ipykernel"*) echo "$@" >> kernels.txt;;
  *) exec '{sys.executable}' "$@";;
esac
"""


@pytest.fixture
def pretend(bench):
    """A Python that only writes down what it is asked to install."""
    for tool in ("mkdir", "cp"):
        (bench[1] / tool).symlink_to(shutil.which(tool))
    command(bench[1], "python3", PRETEND)
    return bench


def installs(bench):
    path = bench[0] / "installs.txt"
    return path.read_text().splitlines() if path.exists() else []


def test_installs_once_with_the_constraints(pretend):
    root = pretend[0]
    assert setup(pretend).returncode == 0
    assert installs(pretend) == ["-m pip install -c constraints.txt -e ."]
    assert (root / "kernels.txt").read_text() == "-m ipykernel install --sys-prefix\n"
    second = setup(pretend)
    assert second.returncode == 0 and second.stdout == "" and len(installs(pretend)) == 1
    setup(pretend, "dev")
    assert installs(pretend)[1:] == ["-m pip install -c constraints.txt -e .[dev]"]
    setup(pretend), setup(pretend, "dev")
    assert len(installs(pretend)) == 2, "what has the dev extra has all"


def test_each_extra_is_installed_once_and_dev_holds_them_all(pretend):
    for extra in ("grade", "grade", "site", "site", "dev", "grade", "site"):
        assert setup(pretend, extra).returncode == 0
    assert [line.rsplit(" ", 1)[1] for line in installs(pretend)] == [".[grade]", ".[site]", ".[dev]"]


def test_installs_again_after_a_change_and_after_a_move(pretend):
    root, bin_folder = pretend
    setup(pretend)
    (root / "constraints.txt").write_text("numpy==2.4.6\n")
    setup(pretend)
    assert len(installs(pretend)) == 2
    moved = root.rename(root.with_name("moved course"))
    setup((moved, bin_folder))
    assert len(installs((moved, bin_folder))) == 3, "a moved environment is broken: scripts hold its old path"


def test_a_failed_installation_is_tried_again(pretend):
    command(pretend[1], "python3", PRETEND.replace("echo \"$@\" >> installs.txt", "exit 1"))
    assert "installation failed" in setup(pretend).stderr
    assert not (pretend[0] / ".venv" / "installed-with").exists()


@pytest.mark.parametrize(
    ("uid", "environ", "expected"),
    [
        ("0", {}, ["--no-browser", "--allow-root"]),
        ("1000", {"DISPLAY": ":0"}, []),
        ("0", {"WAYLAND_DISPLAY": "wayland-0"}, ["--allow-root"]),
    ],
)
def test_lab_as_root_and_without_a_display(pretend, uid, environ, expected):
    root, bin_folder = pretend
    (bin_folder / "id").unlink()
    (bin_folder / "uname").unlink()
    command(bin_folder, "id", f"echo {uid}")
    command(bin_folder, "uname", "echo Linux")
    (root / ".venv" / "bin").mkdir(parents=True)
    command(root / ".venv" / "bin", "python", 'echo "$@"')
    (root / "notebooks").mkdir()
    (root / "notebooks" / "00_start_here.ipynb").touch()
    call = [shutil.which("sh"), root / "tools" / "lab.sh", "--port=9"]
    done = subprocess.run(call, env={"PATH": str(bin_folder)} | environ, capture_output=True, text=True)
    started = done.stdout.splitlines()[-1].split()
    assert started[:2] == ["-m", "jupyterlab"] and started[-1] == "--port=9"
    assert "--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb" in started
    assert [option for option in started if option in ("--no-browser", "--allow-root")] == expected
    assert ("No display" in done.stdout) == ("--no-browser" in expected)


def test_interpreters_are_tried(tmp_path, monkeypatch):
    command(tmp_path, "python3.12", "exit 127")
    command(tmp_path, "python3.13", "exit 0")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert str(tmp_path / "python3.13") in others() and str(tmp_path / "python3.12") not in others()
    assert not starts(str(tmp_path / "missing"))


def test_files_that_need_torch_are_left_out(tmp_path, repository):
    (tmp_path / "test_x.py").write_text("def test_it():\n    from course_lib.model.gpt import GPT\n")
    assert "torch" in imports(tmp_path / "test_x.py")
    chosen = files_without_torch()
    assert all((repository / path).exists() for path in chosen) and any("tests/text/" in path for path in chosen)
