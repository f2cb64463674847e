"""course.py as a user meets it: refusals of one line that help, one installation, and nothing that leads past .venv.

The Python that is asked to install here only writes down what it is asked; tests/test_setup_parts.py tests the parts,
for other systems, too, and once with the real venv and pip.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest

import course
from tools.other_pythons import files_without_torch, imports, others, starts

posix = pytest.mark.skipif(os.name == "nt", reason="its pretended programs are shell scripts")
PARTS = ("course.py", "Makefile", "pyproject.toml", "constraints.txt")
PRETEND = """#!/bin/sh
case "$*" in
  *ensurepip*) printf '{"version": [3, 11], "bits": 64, "complete": true, "system": "linux x86", "path": "%s"}' "$0";;
  "-m venv --clear "*) mkdir -p "$4/bin"; cp "$0" "$4/bin/python"; echo "$4" >> made.txt;;
  "-m pip config list") cat pip-says.txt 2>/dev/null;;
  "-m pip install"*) sleep "${SECONDS_TO_INSTALL:-0}"; echo "$@" >> installs.txt; env > environment.txt
    exit ${INSTALL_ENDS:-0};;
  "-m ipykernel"*) echo "$@" >> kernels.txt;;
  *version_info*) echo 3.11;;
  *distributions*) cat broken.txt 2>/dev/null;;
  *) echo "$@" >> calls.txt; env > environment-of-calls.txt;;
esac
"""


def command(path, script):
    """Write an executable script."""
    path.write_text(script if script.startswith("#!") else f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


class Bench:
    """A copy of what set-up consists of in a folder with a space, and a PATH with a Python that only takes notes."""

    def __init__(self, folder, repository):
        self.root, self.bin = folder / "a course", folder / "bin"
        (self.root / "tools").mkdir(parents=True)
        self.bin.mkdir()
        for path in [*(repository / name for name in PARTS), *repository.glob("tools/*.py")]:
            shutil.copy(path, self.root / path.relative_to(repository))
        for tool in ("sh", "cat", "cp", "mkdir", "env", "sleep", "dirname"):
            (self.bin / tool).symlink_to(shutil.which(tool))
        self.python = command(self.bin / "some python", PRETEND)

    def start(self, *arguments, at=None, **environ):
        """Start course.py; the Python that runs it stands for whatever Python is on the machine."""
        environ = {"PATH": str(self.bin), "PYTHON": str(self.python)} | environ
        call = [sys.executable, "-E", (at or self.root) / "course.py", *arguments]
        return subprocess.Popen(call, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/",
                                start_new_session=True)

    def __call__(self, *arguments, **options):
        process = self.start(*arguments, **options)
        process.stdout_text, process.stderr_text = process.communicate(timeout=60)
        return process

    def lines(self, name):
        path = self.root / name
        return path.read_text().splitlines() if path.exists() else []

    @property
    def installs(self):
        """What was installed, without the options that never change."""
        return [line.removeprefix("-m pip install -c constraints.txt ") for line in self.lines("installs.txt")]


@pytest.fixture
def bench(tmp_path, repository):
    return Bench(tmp_path, repository)


def refusal(done, status=1):
    assert done.returncode == status and "Traceback" not in done.stderr_text
    assert done.stderr_text.startswith("course: ") and done.stderr_text.count("\n") == 1, done.stderr_text
    return done.stderr_text


@posix
def test_installs_once_with_the_constraints_and_a_kernel(bench):
    assert bench("setup").returncode == 0
    assert bench.lines("installs.txt") == ["-m pip install -c constraints.txt -e ."]
    assert bench.lines("kernels.txt") == ["-m ipykernel install --sys-prefix"]
    second = bench("setup")
    assert second.returncode == 0 and second.stdout_text == "" and len(bench.installs) == 1
    assert bench("setup", "dev").returncode == 0 and bench.installs[1:] == ["-e .[dev]"]
    bench("setup"), bench("setup", "dev"), bench("setup", "grade")
    assert len(bench.installs) == 2, "what has the dev extra has all"


@posix
def test_each_extra_is_installed_once_and_forgotten_by_none(bench):
    for extra in ("grade", "grade", "site", "site", "grade", "dev", "grade", "site"):
        assert bench("setup", extra).returncode == 0
    assert bench.installs == ["-e .[grade]", "-e .[site]", "-e .[dev]"]


@posix
def test_a_link_to_the_course_is_the_course(bench, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(bench.root)
    for place in (bench.root, link, bench.root, link):
        assert bench("setup", at=place).returncode == 0
    assert len(bench.lines("made.txt")) == 1 and len(bench.installs) == 1
    environ = {"PWD": str(link), "PATH": str(bench.bin)}
    inside = subprocess.run([sys.executable, "course.py", "setup"], cwd=link, env=environ)
    assert inside.returncode == 0 and len(bench.lines("made.txt")) == 1


@posix
def test_installs_again_after_a_change_and_after_a_move(bench):
    bench("setup")
    (bench.root / "constraints.txt").write_text("numpy==2.4.6\n")
    bench("setup")
    assert len(bench.installs) == 2 and len(bench.lines("made.txt")) == 1
    text = (bench.root / "pyproject.toml").read_bytes()
    (bench.root / "pyproject.toml").write_bytes(text.replace(b"\n", b"\r\n"))
    bench("setup")
    assert len(bench.installs) == 2, "git may change line ends"
    bench.root = bench.root.rename(bench.root.with_name("moved course"))
    bench("setup")
    assert len(bench.lines("made.txt")) == 2, "a moved environment is broken: its scripts hold the old path"


@posix
def test_another_python_behind_the_same_name_makes_it_anew(bench):
    """A distribution that goes from 3.11 to 3.12 leaves a .venv that starts and is empty."""
    bench("setup")
    python = bench.root / ".venv" / "bin" / "python"
    python.write_text(PRETEND.replace("echo 3.11", "echo 3.12"))
    bench("setup")
    assert len(bench.lines("made.txt")) == 2
    python.unlink()
    bench("setup")
    assert len(bench.lines("made.txt")) == 3


@posix
def test_a_failed_installation_is_tried_again_and_looked_through(bench):
    line = bench("setup", INSTALL_ENDS="1").stderr_text
    assert line.startswith("course: the installation failed: see pip's lines") and line.count("\n") == 1
    (bench.root / "broken.txt").write_text("half-there\n")
    done = bench("setup")
    assert done.returncode == 0 and "left half there: half-there" in done.stdout_text
    assert bench.installs[1:] == ["-e .", "--force-reinstall --no-deps half-there"]
    assert len(bench.lines("made.txt")) == 1, "what was installed before is kept"
    assert bench("setup").stdout_text == ""


@posix
def test_interrupted_by_ctrl_c(bench):
    process = bench.start("setup", SECONDS_TO_INSTALL="30")
    while "Installing" not in (line := process.stdout.readline()):
        assert line, process.stderr.read()
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    errors = process.communicate(timeout=20)[1]
    assert process.returncode == 130 and errors == "course: interrupted. Run it again: it goes on where it stopped.\n"
    assert bench("setup").returncode == 0 and bench.installs[-1] == "-e ."


@posix
def test_two_at_once_install_once(bench):
    both = [bench.start("setup", SECONDS_TO_INSTALL="2") for _ in range(2)]
    texts = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert len(bench.installs) == 1 and len(bench.lines("made.txt")) == 1
    assert sum("waiting" in text for text in texts) == 1


HOSTILE = {
    "PIP_USER": "1", "PIP_TARGET": "/elsewhere", "PIP_PREFIX": "/elsewhere", "PIP_ROOT": "/elsewhere",
    "PIP_REQUIRE_VIRTUALENV": "1", "PIP_CONSTRAINT": "/elsewhere/constraints.txt", "PIP_NO_DEPS": "1",
    "PIP_DRY_RUN": "1", "PIP_PYTHON": "/elsewhere/python", "pip_user": "1", "PYTHONPATH": "/elsewhere",
    "PYTHONHOME": "/elsewhere", "PYTHONUSERBASE": "/elsewhere", "PYTHONSTARTUP": "/elsewhere/x.py",
    "PYTHONWARNINGS": "error", "PYTHONPLATLIBDIR": "lib64", "VIRTUAL_ENV": "/elsewhere",
    "__PYVENV_LAUNCHER__": "/elsewhere/python", "UV_PYTHON": "3.8", "UV_SYSTEM_PYTHON": "1",
}  # fmt: skip
FRIENDLY = {
    "PIP_EXTRA_INDEX_URL": "file:///here", "PIP_FIND_LINKS": "/here", "PIP_CERT": "/here.pem", "PIP_PROXY": "proxy:1",
    "PIP_DEFAULT_TIMEOUT": "99", "PIP_CACHE_DIR": "/here", "PYTHONUNBUFFERED": "1", "CONDA_PREFIX": "/conda",
    "COURSE_WORK": "/work of mine", "UV_CACHE_DIR": "/here",
}  # fmt: skip


@posix
@pytest.mark.parametrize("name", HOSTILE)
def test_a_variable_that_leads_past_the_environment_is_not_handed_on(bench, name):
    done = bench("doctor", **{name: HOSTILE[name]})
    assert done.returncode == 0, done.stderr_text
    for seen in ("environment.txt", "environment-of-calls.txt"):
        assert [line for line in bench.lines(seen) if line.startswith(f"{name}=")] == []


@posix
def test_variables_that_say_where_from_are_handed_on(bench):
    assert bench("doctor", **FRIENDLY).returncode == 0
    wanted = {f"{name}={value}" for name, value in FRIENDLY.items()}
    assert wanted <= set(bench.lines("environment.txt")) and wanted <= set(bench.lines("environment-of-calls.txt"))


@posix
def test_a_file_of_pip_is_read_like_the_variables(bench):
    (bench.root / "pip-says.txt").write_text(
        "global.extra-index-url='file:///a file:///b'\nglobal.user='true'\nglobal.timeout='5'\ninstall.target='/else'\n"
        "install.timeout='7'\ndownload.timeout='1'\nglobal.cert=oops'\n:env:.config-file='/my/pip.conf'\n"
    )
    bench("setup")
    told = {line for line in bench.lines("environment.txt") if line.startswith("PIP_")}
    assert told == {"PIP_EXTRA_INDEX_URL=file:///a file:///b", "PIP_TIMEOUT=7", f"PIP_CONFIG_FILE={os.devnull}"}


@posix
def test_uv_is_used_where_it_is(bench):
    command(bench.bin / "uv", 'case "$1" in pip) echo "$@" >> uv.txt;; esac')
    assert bench("setup", "dev").returncode == 0
    python = bench.root / ".venv" / "bin" / "python"
    assert bench.lines("uv.txt") == [f"pip install --python {python} -c constraints.txt -e .[dev]"]
    assert bench.installs == [] and len(bench.lines("kernels.txt")) == 1
    assert bench("setup", "dev").stdout_text == ""


@posix
def test_pip_does_what_uv_cannot(bench):
    command(bench.bin / "uv", 'case "$1" in pip) echo "no such thing" >&2; exit 2;; esac')
    done = bench("setup")
    assert done.returncode == 0 and bench.installs == ["-e ."] and "trying pip" in done.stdout_text


@posix
@pytest.mark.parametrize("name", ["PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX", "a file"])
def test_pip_is_used_where_it_was_told_where_to_look(bench, name):
    """uv reads none of pip's settings: it would fetch another build of PyTorch than the one that was asked for."""
    command(bench.bin / "uv", 'case "$1" in pip) echo "$@" >> uv.txt;; esac')
    if name == "a file":
        (bench.root / "pip-says.txt").write_text("global.index-url='file:///here'\n")
    done = bench("setup", **({} if name == "a file" else {name: "1"}))
    assert done.returncode == 0 and bench.installs == ["-e ."] and bench.lines("uv.txt") == []
    assert "With pip, not uv" in done.stdout_text


@posix
def test_refusals(bench):
    assert "123456789 GB of free disk space" in (line := refusal(bench("lab", COURSE_MIN_DISK_GB="123456789")))
    assert "COURSE_MIN_DISK_GB=2 is enough" in line and not (bench.root / ".venv").exists()
    assert "COURSE_MIN_DISK_GB=2,5 is no number" in refusal(bench("lab", COURSE_MIN_DISK_GB="2,5"))
    assert refusal(bench("lba"), 2).startswith("course: there is no command 'lba'; there are setup, lab, gpt")
    assert "one of dev, grade, site" in refusal(bench("setup", "everything"), 2)
    assert bench.installs == []


@posix
def test_what_stands_in_the_way(bench):
    """Where .venv cannot be written into, as in a course that is somebody else's: one line, and where to go."""
    (bench.root / ".venv.lock").mkdir()
    line = refusal(bench("setup"))
    assert ".venv.lock" in line and "copy the course into a folder of yours" in line


@posix
def test_venv_that_fails(bench):
    bench.python = command(bench.bin / "broken", PRETEND.replace('mkdir -p "$4/bin"', "exit 1"))
    line = refusal(bench("setup"))
    assert "-m venv --clear .venv` failed" in line and "delete the folder .venv" in line


@posix
def test_commands_run_one_after_the_other_until_one_fails(bench):
    assert bench("gpt", "--data", "pydoc").returncode == 0
    assert bench.lines("calls.txt") == [
        "-m course_lib train tiny --data storyworld --out runs/gpt --fresh --data pydoc",
        "-m course_lib generate runs/gpt small",
    ]
    python = bench.root / ".venv" / "bin" / "python"
    python.write_text(PRETEND.replace('*) echo "$@" >> calls', '*train*) exit 7;; *) echo "$@" >> calls'))
    assert bench("gpt").returncode == 7 and len(bench.lines("calls.txt")) == 2


@posix
def test_make_calls_course(bench):
    make = shutil.which("make") or pytest.skip("no make: install it (Debian, Ubuntu: sudo apt-get install make)")
    bench("setup")
    environ = {"PATH": str(bench.bin), "PYTHON": str(bench.python), "PYTHONHOME": "/elsewhere"}
    command(bench.bin / "python", f'exec "{sys.executable}" "$@"')
    (bench.root / ".venv" / "bin" / "python").unlink()
    (bench.root / "notebooks").mkdir()  # a folder of a target's name makes nothing up to date
    call = [make, "notebooks", "ARGS=--all 'a b'"]
    done = subprocess.run(call, cwd=bench.root, env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert bench.lines("calls.txt")[-1] == "tools/build_notebooks.py --all a b"


@posix
def test_make_without_any_python(bench):
    make = shutil.which("make") or pytest.skip("no make: install it (Debian, Ubuntu: sudo apt-get install make)")
    command(bench.bin / "python3", "echo 'pyenv: python3: command not found' >&2; exit 127")
    environ = {"PATH": str(bench.bin)}
    done = subprocess.run([make, "-s", "lab"], cwd=bench.root, env=environ, capture_output=True, text=True)
    first, *_ = done.stderr.splitlines()
    assert done.returncode and "Python 3.11 or newer is needed" in first and "apt-get install python3" in first


def test_targets_of_make_are_the_commands(repository):
    text = (repository / "Makefile").read_text(encoding="utf-8")
    listed = re.search(r"^COMMANDS := (.*)$", text, re.MULTILINE)[1].split()
    assert sorted(listed) == sorted(course.COMMANDS)


def test_documents_name_commands_that_exist(repository):
    """In backticks, quotes and the blocks of a shell: what they tell the reader to type is there."""
    files = ("*.md", "docs/**/*.md", "docs/_ext/*.py", "benchmarks/README.md", ".ci/run", ".github/workflows/*.yml",
             "notebooks/*.py", "course_lib/*.py", "course_lib/[!w]*/**/*.py", "tools/*.py", "tests/*.py")  # fmt: skip
    quoted = r"[`\"](?:make|python3? course\.py) ([a-z][\w-]*)"
    alone = r"^(?:.*exec |.*run: )?(?:make|python course\.py) (\S+)"
    named = {}
    for path in [path for pattern in files for path in repository.glob(pattern)]:
        text = path.read_text(encoding="utf-8")
        shell = re.findall(r"(?ms)^```sh$(.*?)^```", text) if path.suffix == ".md" else [text] * (path.suffix != ".py")
        found = re.findall(quoted, text) + re.findall(alone, "\n".join(shell), re.MULTILINE)
        named |= dict.fromkeys(found, path.name)
    assert {name: file for name, file in named.items() if name not in course.COMMANDS} == {}
    assert {"lab", "test", "gpt", "doctor", "grade", "site"} <= set(named), "the pattern sees what they say"


@pytest.mark.parametrize(
    ("uid", "platform", "environ", "expected"),
    [
        (0, "linux", {}, ["--allow-root", "--no-browser"]),
        (1000, "linux", {"DISPLAY": ":0"}, []),
        (0, "linux", {"WAYLAND_DISPLAY": "wayland-0"}, ["--allow-root"]),
        (501, "darwin", {}, []),
        (None, "win32", {}, []),
    ],
)
def test_lab_as_root_and_without_a_display(monkeypatch, capsys, tmp_path, uid, platform, environ, expected):
    monkeypatch.setattr(course, "ROOT", str(tmp_path))
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(course.sys, "platform", platform)
    monkeypatch.delattr(os, "geteuid", raising=False)
    if uid is not None:
        monkeypatch.setattr(os, "geteuid", lambda: uid, raising=False)
    assert course.lab(["--port=9"]) == [["-m", "jupyterlab", *expected, "--port=9"]]
    assert ("No display" in capsys.readouterr().out) == ("--no-browser" in expected)
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "00_start_here.ipynb").touch()
    assert "--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb" in course.lab([])[0]


@posix
def test_ctrl_c_is_for_the_command_to_answer(repository, tmp_path):
    child = "import signal, time; signal.signal(2, lambda *_: exit(7)); print(1, flush=True); time.sleep(60)"
    parent = f"import os, sys, course; sys.exit(course.call([sys.executable, '-c', {child!r}], dict(os.environ)))"
    call = [sys.executable, "-c", parent]
    process = subprocess.Popen(call, cwd=repository, stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout.readline() == b"1\n"
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(timeout=30) == 7


def test_clean_leaves_work_and_notebooks(monkeypatch, tmp_path):
    monkeypatch.setattr(course, "ROOT", str(tmp_path))
    gone = (".venv/bin/python", ".venv-3.12/x", "build/site/x", "tools/a/__pycache__/x.pyc", "course_lib.egg-info/x")
    kept = ("work/12_gpt/x.ipynb", "notebooks/x.ipynb", "tools/a/x.py", "runs/gpt/x", "elsewhere/x")
    for name in (*gone, *kept):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "build" / "link").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert course.main(["clean"]) == 0
    assert [name for name in gone if (tmp_path / name).exists()] == [] and not (tmp_path / ".venv").exists()
    assert [name for name in kept if not (tmp_path / name).exists()] == []


def test_help_lists_every_command(capsys):
    for arguments in ([], ["help"], ["--help"]):
        assert course.main(arguments) == 0
        assert [line.split()[2] for line in capsys.readouterr().out.splitlines()] == list(course.COMMANDS)


@posix
def test_interpreters_are_tried(tmp_path, monkeypatch):
    command(tmp_path / "python3.12", "exit 127")
    command(tmp_path / "python3.13", "exit 0")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert str(tmp_path / "python3.13") in others() and str(tmp_path / "python3.12") not in others()
    assert not starts(str(tmp_path / "missing"))


def test_files_that_need_torch_are_left_out(tmp_path, repository):
    (tmp_path / "test_x.py").write_text("def test_it():\n    from course_lib.model.gpt import GPT\n")
    assert "torch" in imports(tmp_path / "test_x.py")
    chosen = files_without_torch()
    assert all((repository / path).exists() for path in chosen) and any("tests/text/" in path for path in chosen)


def test_the_stamp_is_json(bench):
    if os.name != "nt":
        bench("setup", "site")
        stamp = json.loads((bench.root / ".venv" / "course-setup.json").read_text())
        assert stamp["extras"] == ["site"] and stamp["place"] == os.path.realpath(bench.root)
