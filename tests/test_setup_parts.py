"""The parts of set-up: which Python is taken on which system, what they may use, and once the real pip and venv."""

import ast
import json
import os
import sys
import zipfile
from pathlib import Path

import pytest

from tools import environment, installing, pythons, surroundings
from tools.pythons import Stop, find_python
from tools.run_tests import NOT_FOR_STUDENTS, commands

BEFORE_INSTALLING = ("environment", "installing", "pythons", "surroundings")


def told(version, path, **changes):
    """What a Python says of itself."""
    numbers = [int(number) for number in version.split(".")]
    return {"version": numbers, "bits": 64, "complete": True, "system": "linux x86_64", "path": path} | changes


@pytest.fixture
def machine(monkeypatch):
    """machine({command: what it says}): only these Pythons are here, and none runs this."""

    def only(pretended):
        def ask(command, environ):
            words = " ".join(word for word in command if word not in ("-I", "-c", pythons.PROBE))
            answer = pretended.get(words)
            return json.dumps(answer) if isinstance(answer, dict) else answer

        monkeypatch.setattr(pythons, "ask", ask)
        monkeypatch.setattr(pythons.sys, "executable", "")

    return only


def test_the_first_python_that_will_do(machine, capsys):
    machine({
        "python3.11": None,  # a name without a Python behind it
        "python3.12": "pyenv: python3.12: command not found",
        "python3.13": told("3.13", "/usr/bin/python3.13", complete=False),
        "python3": told("3.8", "/usr/bin/python3"),
        "python": told("3.12", "/opt/python"),
    })
    assert find_python({}, "posix") == ("/opt/python", "3.12") and capsys.readouterr().err == ""


def test_the_python_that_was_asked_for_comes_first(machine, capsys):
    here = {"python3.11": told("3.11", "/a"), "mine": told("3.14", "/b"), "old": told("2.7", "/c")}
    machine(here)
    assert find_python({"PYTHON": "mine"}, "posix") == ("/b", "3.14")
    assert find_python({"PYTHON": "old"}, "posix") == ("/a", "3.11")
    assert capsys.readouterr().err == "course: PYTHON=old will not do: /c is 2.7. Looking for another.\n"
    assert find_python({"PYTHON": "gone"}, "posix") == ("/a", "3.11") and "does not start" in capsys.readouterr().err


def test_the_python_that_runs_this_comes_before_others(machine, monkeypatch):
    machine({"/this": told("3.13", "/this"), "python3.11": told("3.11", "/a")})
    monkeypatch.setattr(pythons.sys, "executable", "/this")
    assert find_python({}, "posix") == ("/this", "3.13")


def test_a_python_newer_than_tested_is_the_last_resort(machine):
    machine({"python3": told("3.19", "/new"), "python": told("3.12", "/tested")})
    assert find_python({}, "posix") == ("/tested", "3.12")
    machine({"python3": told("3.19", "/new")})
    assert find_python({}, "posix") == ("/new", "3.19")


def test_windows_has_a_launcher(machine):
    """Its python and python3 may be links to the store, which do not start."""
    launcher = {"py -3.12": told("3.12", r"C:\Python312\python.exe", system="win32 AMD64")}
    machine(launcher)
    assert find_python({}, "nt") == (r"C:\Python312\python.exe", "3.12")
    with pytest.raises(Stop, match="none was found"):
        find_python({}, "posix")


@pytest.mark.parametrize(
    ("python", "line"),
    [
        (None, "Python 3.11 or newer is needed, and none was found"),
        (told("3.10", "/p"), "what is here will not do: /p is 3.10"),
        (told("3.12", "/p", bits=32), "/p has 32 bits, and PyTorch needs 64"),
        (told("3.12", "/p", system="darwin x86_64"), "is made for Intel, and PyTorch is made for Apple silicon only"),
        (told("3.12", "/p", complete=False), "no venv module (Debian, Ubuntu: sudo apt-get install python3.12-venv)"),
    ],
)
def test_no_python_that_will_do(machine, python, line):
    machine({"python3": python})
    with pytest.raises(Stop) as caught:
        find_python({}, "posix")
    assert line in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("os_name", "platform", "advice"),
    [("nt", "win32", "winget install"), ("posix", "darwin", "brew install"), ("posix", "linux", "apt-get install")],
)
def test_advice_is_for_this_system(os_name, platform, advice):
    text = pythons.how_to_get_one(os_name, platform)
    assert advice in text and text.endswith("run this again.")
    assert platform != "win32" or "sudo" not in text


def test_what_a_python_says_of_itself():
    answer = json.loads(pythons.ask([sys.executable, "-I", "-c", pythons.PROBE], os.environ))
    assert answer["version"] == list(sys.version_info[:2]) and answer["complete"] and answer["bits"] == 64
    base = pythons.ask([answer["path"], "-c", "import sys; print(sys.prefix == sys.base_prefix)"], os.environ)
    assert base == "True", "an environment names the Python that it was made from: it may be replaced itself"
    assert pythons.ask([str(Path("/no/python"))], os.environ) is None
    assert pythons.ask([sys.executable, "-c", "print(1); exit(9)"], os.environ) is None


@pytest.mark.parametrize("name", BEFORE_INSTALLING)
def test_what_runs_before_anything_is_installed(repository, name):
    """Standard library only, and readable for Python 3.8, which has to say that it is too old."""
    tree = ast.parse((repository / "tools" / f"{name}.py").read_text(encoding="utf-8"), feature_version=(3, 8))
    roots = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            roots |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            roots.add(node.module)
    known = {"tools." + other for other in BEFORE_INSTALLING} | sys.stdlib_module_names
    assert roots - {f"{root}" for root in known} - {"collections.abc", "importlib.metadata"} == set()
    newer = {"removeprefix", "removesuffix", "batched", "pairwise", "with_stem", "tomllib", "StrEnum", "bit_count"}
    assert {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & newer == set()
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "strict"]
    future = [n.names[0].name for n in tree.body if isinstance(n, ast.ImportFrom) and n.module == "__future__"]
    assert future == ["annotations"], "X | None in a signature is newer than 3.8"


def test_any_python_can_read_the_script_itself(repository):
    tree = ast.parse((repository / "course.py").read_text(encoding="utf-8"), feature_version=(3, 4))
    newer = (ast.JoinedStr, ast.AnnAssign, ast.Starred, ast.NamedExpr, ast.Nonlocal)
    assert [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, newer)] == []
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert [f.name for f in functions if f.returns or f.args.kwonlyargs or any(a.annotation for a in f.args.args)] == []
    at_once = {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    assert at_once == {"os", "subprocess", "sys"}, "the rest is imported once the version is known"


@pytest.mark.parametrize("said", ["abc", "2,5", "nan", "inf", "-1", "6 GB", "1e999"])
def test_a_number_of_gigabytes_that_is_none(said):
    with pytest.raises(Stop, match="is no number of gigabytes: say for example 2.5, or leave it out") as caught:
        installing.require_room({"COURSE_MIN_DISK_GB": said})
    assert said in str(caught.value)


def test_room_on_the_disk(monkeypatch, tmp_path):
    monkeypatch.setattr(installing, "ROOT", tmp_path)
    free = {"GB": 2.6}

    class Usage:
        @property
        def free(self):
            return free["GB"] * installing.GB

    monkeypatch.setattr(installing.shutil, "disk_usage", lambda path: Usage())
    for enough in ("2.5", "0", " 2 ", "2.6"):
        installing.require_room({"COURSE_MIN_DISK_GB": enough})
    with pytest.raises(Stop, match="2.7 GB of free disk space are needed here and 2.6 are left"):
        installing.require_room({"COURSE_MIN_DISK_GB": "2.7"})
    free["GB"] = 1.0
    for nothing_said in ({}, {"COURSE_MIN_DISK_GB": ""}):
        with pytest.raises(Stop, match="COURSE_MIN_DISK_GB=2 is enough"):
            installing.require_room(nothing_said)
    for layout in ("lib/python3.12", "Lib"):  # PyTorch, which is most of it, is there
        folder = tmp_path / ".venv" / layout / "site-packages" / "torch"
        folder.mkdir(parents=True)
        installing.require_room({})
        folder.rmdir()


def test_downloads_go_where_there_is_room(monkeypatch, tmp_path):
    small, large = tmp_path / "small", tmp_path / "large"
    small.mkdir(), large.mkdir()
    monkeypatch.setattr(installing.tempfile, "gettempdir", lambda: str(small))
    for free, other in ((1, True), (4, False)):

        class Usage:
            def __init__(self, path, free=free):
                self.free = (free if path == str(small) else 50) * installing.GB

        monkeypatch.setattr(installing.shutil, "disk_usage", Usage)
        with installing.room_for_downloads(large, {"TMPDIR": str(small), "A": "1"}) as environ:
            assert (environ["TMPDIR"] == str(large / "tmp")) == other and environ["A"] == "1"
            assert (large / "tmp").is_dir() == other
        assert not (large / "tmp").exists()


def test_names_count_in_any_case():
    """Windows' variables have no case; pip reads pip_user as well as PIP_USER."""
    environ = {"Path": "z", "PIP_No_Cache_Dir": "1", "PYTHON": "p"}
    assert surroundings.clean({**environ, "Pip_User": "1", "pythonpath": "x", "Virtual_Env": "y"}) == environ


def test_windows_layout(monkeypatch, tmp_path):
    """The same steps, with the Python of .venv where Windows keeps it."""
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_text("x")
    installed = []

    class Ended:
        returncode = 0

    def venv(command, **options):
        assert command[1:] == ["-m", "venv", "--clear", str(tmp_path / ".venv")]
        (tmp_path / ".venv" / "Scripts").mkdir(parents=True, exist_ok=True)
        (tmp_path / ".venv" / "Scripts" / "python.exe").touch()
        return Ended

    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "find_python", lambda environ, os_name: (r"C:\Python312\python.exe", "3.12"))
    monkeypatch.setattr(environment.subprocess, "run", venv)
    monkeypatch.setattr(environment, "ask", lambda command, environ: "3.12" if Path(command[0]).exists() else None)
    monkeypatch.setattr(environment, "require_room", lambda environ: None)
    monkeypatch.setattr(environment, "install", lambda python, extra, *_, verify: installed.append((python, extra)))
    wanted = tmp_path / ".venv" / "Scripts" / "python.exe"
    for _ in range(2):
        python, environ = environment.set_up("dev", {"PATH": "p", "PYTHONHOME": "q"}, "nt")
        assert python == wanted and installed == [(wanted, "dev")]
        assert environ == {"PATH": "p", "JUPYTER_PREFER_ENV_PATH": "1"}


def wheel(folder, name, files):
    """A package that pip can install without a network."""
    info = f"{name}-1.0.dist-info"
    files = files | {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        for path, text in (files | {f"{info}/RECORD": lines}).items():
            archive.writestr(path, text)


@pytest.fixture
def real(tmp_path, monkeypatch):
    """A course of two packages for the real venv and pip to install, in surroundings that lead them elsewhere."""
    root, elsewhere = tmp_path / "a course", tmp_path / "elsewhere"
    root.mkdir(), elsewhere.mkdir()
    for name in ("pyproject.toml", "constraints.txt"):
        (root / name).write_text("")
    wheel(tmp_path / "wheels", "ipykernel", {"ipykernel/__init__.py": "", "ipykernel/__main__.py": ""})
    wheel(tmp_path / "wheels", "lesson", {"lesson/__init__.py": "X = 1\n", "lesson/part.py": "Y = 2\n"})
    (elsewhere / "json.py").write_text("raise SystemExit('the wrong json')")
    (elsewhere / "pip.conf").write_text(
        f"[global]\nuser = true\nno-index = true\nfind-links = {tmp_path}/wheels\n"
        f"[install]\ntarget = {elsewhere}/target\n"
    )
    for module in (environment, installing, pythons):
        monkeypatch.setattr(module, "ROOT", root)
    monkeypatch.setattr(installing, "what_to_install", lambda extra: ["-c", "constraints.txt", "ipykernel", "lesson"])
    hostile = {
        "PIP_CONFIG_FILE": str(elsewhere / "pip.conf"), "PIP_USER": "1", "PIP_TARGET": str(elsewhere / "target"),
        "PIP_PREFIX": str(elsewhere), "PIP_REQUIRE_VIRTUALENV": "1", "PYTHONPATH": str(elsewhere),
        "PYTHONHOME": str(elsewhere), "VIRTUAL_ENV": str(elsewhere), "CONDA_PREFIX": str(elsewhere),
        "HOME": str(elsewhere), "PATH": os.defpath, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "COURSE_MIN_DISK_GB": "0.01",
    }  # fmt: skip
    plain = {name: os.environ[name] for name in ("SYSTEMROOT", "TEMP") if name in os.environ}
    return root, elsewhere, lambda: environment.set_up("", plain | hostile)


def test_the_real_pip_in_hostile_surroundings_and_after_an_interruption(real, capfd):
    root, elsewhere, set_up = real
    python, environ = set_up()
    assert pythons.ask([str(python), "-c", "import lesson.part; print(lesson.part.Y)"], environ) == "2"
    where = pythons.ask([str(python), "-c", "import lesson; print(lesson.__file__)"], environ)
    assert Path(where).is_relative_to(root / ".venv")
    assert sorted(path.name for path in elsewhere.iterdir()) == ["json.py", "pip.conf"]
    capfd.readouterr()
    assert set_up() == (python, environ) and capfd.readouterr().out == ""

    stamp = environment.read_stamp(root / ".venv")
    environment.write_stamp(root / ".venv", stamp | {"installed": "begun"})
    part = Path(pythons.ask([str(python), "-c", "import lesson.part; print(lesson.part.__file__)"], environ))
    part.unlink()
    set_up()
    assert part.exists() and "left half there: lesson\n" in capfd.readouterr().out
    assert environment.read_stamp(root / ".venv") == stamp


def test_a_stamp_that_cannot_be_read_counts_as_none(tmp_path):
    for text in ("", "{", "[]", "null", '{"extras": 3}', '{"extras": null}'):
        (tmp_path / environment.STAMP).write_text(text)
        assert environment.read_stamp(tmp_path) == {}


@pytest.mark.parametrize("student", [False, True])
@pytest.mark.parametrize("root", [False, True])
def test_what_is_tested(repository, student, root):
    options = ["-k", "x", *(["--student"] if student else [])]
    steps = commands(options, root=root, environ={"COURSE_TEST_JOBS": "0"})
    pytests = next(step for step in steps if "--nbval" in step)
    assert {"-n", "0", "-k", "x", "tests", "notebooks", "solutions"} <= set(pytests) and "--student" not in pytests
    ignored = [word.partition("=")[2] for word in pytests if word.startswith("--ignore=")]
    assert ignored == (list(NOT_FOR_STUDENTS) if student else [])
    assert ("tools/ordinary_account.sh" in " ".join(steps[-1])) == (root and not student)
    assert (steps[0][1:3] == ["-m", "ruff"]) == (not student)


def test_what_is_left_out_for_students_is_there(repository):
    assert [name for name in NOT_FOR_STUDENTS if not (repository / name).exists()] == []
