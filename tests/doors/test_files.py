"""Files come out the same on every system: encoding, ends of lines, names, and a name that is taken over."""

import ast
import errno
import os
import subprocess
from pathlib import PurePosixPath
from types import SimpleNamespace

import pytest

from course_lib.doors import files
from course_lib.doors.files import move, write_text

RESERVED = {"con", "prn", "aux", "nul", *(f"{name}{digit}" for name in ("com", "lpt") for digit in "0123456789")}


def test_the_same_bytes_everywhere(tmp_path):
    write_text(tmp_path / "a.txt", "é\n中\n")
    assert (tmp_path / "a.txt").read_bytes() == "é\n中\n".encode()


def test_moving_takes_over_a_name(tmp_path):
    (tmp_path / "a").write_text("new")
    (tmp_path / "b").write_text("old")
    move(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_text() == "new" and not (tmp_path / "a").exists()


@pytest.fixture
def windows(monkeypatch):
    """`os.replace` as Windows has it: refused with a PermissionError as long as `opened` holds anything."""
    opened = []
    real = os.replace

    def replace(part, path):
        if opened:
            opened.pop()
            raise PermissionError(errno.EACCES, "Access is denied", str(part))
        real(part, path)

    monkeypatch.setattr(files, "PATIENCE", 0.3)
    monkeypatch.setattr(files, "os", SimpleNamespace(name="nt", replace=replace))
    return opened


def test_a_file_that_is_open_for_a_moment_is_waited_for(tmp_path, windows):
    (tmp_path / "a").write_text("new")
    windows += [1, 1]
    move(str(tmp_path / "a"), str(tmp_path / "b"))
    assert os.path.exists(tmp_path / "b")


def test_a_file_that_stays_open_is_spoken_about(tmp_path, windows):
    windows += [1] * 1000
    with pytest.raises(PermissionError, match="open elsewhere: close what reads it"):
        move(str(tmp_path / "a"), str(tmp_path / "b"))


def test_elsewhere_nobody_waits(tmp_path, monkeypatch):
    def replace(part, path):
        raise PermissionError(errno.EACCES, "Permission denied", str(part))

    monkeypatch.setattr("os.replace", replace)
    monkeypatch.setattr("time.sleep", lambda seconds: pytest.fail("it will not get better"))
    with pytest.raises(PermissionError, match="Permission denied"):
        move(tmp_path / "a", tmp_path / "b")


def openings(tree):
    """Each call that opens a text file: (line, what it does, its keywords)."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        owner = ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""
        words = {word.arg: word.value for word in node.keywords}
        if name in ("read_text", "write_text") and owner != "files":
            if ast.unparse(node.func) == "write_text":
                continue  # ours
            yield node.lineno, "w" if name == "write_text" else "r", words
        elif name in ("open", "fdopen") and owner in ("", "io", "Path", "path", "os") or name.endswith("TemporaryFile"):
            place = 1 if owner in ("", "io", "os") and name != "NamedTemporaryFile" else 0
            given = [words["mode"]] if "mode" in words else node.args[place:place + 1]
            mode = given[0].value if given and isinstance(given[0], ast.Constant) else "".join(map(ast.unparse, given))
            binary = "b" in mode or ast.unparse(node.func) == "os.open"
            if not binary:
                yield node.lineno, mode or "r", words
        elif owner == "subprocess" and {"text", "universal_newlines", "encoding"} & set(words):
            yield node.lineno, "r", words


def test_texts_are_opened_with_their_encoding_and_written_with_their_ends_of_lines(repository):
    """What Python takes otherwise is the system's habit: cp1252 and "\\r\\n" on many a Windows."""
    wrong, seen = [], 0
    for path in sorted(repository.joinpath("course_lib").rglob("*.py")):
        for line, mode, words in openings(ast.parse(path.read_text(encoding="utf-8"))):
            seen += 1
            where = f"{path.relative_to(repository).as_posix()}:{line}"
            if "encoding" not in words:
                wrong.append(f"{where}: say encoding=\"utf-8\"")
            if set(mode) & set("wax") and "newline" not in words:
                wrong.append(f"{where}: say newline=\"\\n\", or use course_lib.doors.files.write_text")
    assert wrong == [] and seen > 20


@pytest.mark.parametrize("line", [
    "open(p)", "open(p, 'w', encoding='utf-8')", "io.open(p, 'a', newline='')", "p.read_text()",
    "p.write_text(t, encoding='utf-8')", "path.open('w', encoding='utf-8')", "subprocess.run(c, text=True)",
    "tempfile.NamedTemporaryFile('w')", "os.fdopen(3, 'w')"])
def test_the_rule_sees_each_way(line):
    [(_, mode, words)] = openings(ast.parse(line))
    assert "encoding" not in words or (set(mode) & set("wax") and "newline" not in words)


def test_every_file_of_the_course_has_a_name_that_every_system_can_hold(repository):
    """A clone on Windows or macOS: no reserved name, no sign such as ":", no two names that differ in case alone."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=repository,
                            capture_output=True, encoding="utf-8", check=True).stdout.split("\0")
    names = [name for name in listed if name]
    assert len(names) > 100
    parts = {part for name in names for part in PurePosixPath(name).parts}
    assert [part for part in parts if part.partition(".")[0].lower() in RESERVED] == []
    assert [part for part in parts if set(part) & set('<>:"\\|?*') or part[-1] in ". " or not part.isascii()] == []
    assert len({name.lower() for name in names}) == len(names)
    assert [name for name in names if len(name) > 150] == [], "Windows counts 260 with the folder of the clone"
