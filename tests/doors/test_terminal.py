"""Narrow output: signs are substituted and nothing stops, for every command and for what students print."""

import ast
import io
import os
import subprocess
import sys
import unicodedata

import pytest

from course_lib.cli import course
from course_lib.doors.terminal import Substituting, any_sign, readable, say

NARROW = ["ascii", "latin-1", "cp1252", "cp437"]
SLOW = {"doctor", "train", "generate", "plan", "release", "build", "grade", "export", "feedback", "similar", "stats"}
COMMANDS = {  # each command of the program, with something that makes it print
    "data": [["data", "list"], ["data", "show", "place_names", "--chars", "3000"], ["data", "fetch", "nothing"]],
    "doctor": [["doctor"]],
    "train": [["train", "tiny", "--steps", "2", "--out", "run", "--data", "place_names", "--min-chars", "9"],
              ["train", "tiny", "--steps", "2", "--out", "run", "--min-chars", "60000", "--vocab-size", "300"],
              ["train", "tiny", "--out", "run"]],
    "generate": [["generate", "run", "--prompt", "Zoë – “中文” →", "--seed", "1", "--max-new-tokens", "40"],
                 ["generate", "nowhere"]],
    "plan": [["plan", "small_cpu"], ["plan", "nothing"]],
    "start": [["start", "12"], ["start", "é–→"]],
    "progress": [["progress"]],
    "build": [["build", "77_–"]],
    "new-exercise": [["new-exercise", "7.1", "ƒ"]],
    "release": [["release", "77_–"]],
    "collect": [["collect", "77", "."]],
    "grade": [["grade", "77"]],
    "export": [["export", "77"]],
    "feedback": [["feedback", "77"]],
    "similar": [["similar", "77"]],
    "stats": [["stats", "77"]],
}
RUN = """
import sys
from course_lib.cli import main
for arguments in LINES:
    print("$$", *(part.encode("ascii", "replace").decode() for part in arguments), flush=True)
    try:
        main(arguments)
    except SystemExit as end:
        print("$= ended with", end.code, flush=True)
    sys.stderr.flush()
    assert type(sys.stdout).__name__ == "TextIOWrapper", "put back"
from course_lib.classroom import check, hint, solution
from course_lib.lab.expect import expect
from course_lib.lab.widgets import Dashboard
for number in ("02.3", "07.2", "12.2"):
    check(number, lambda *a, **k: 0)
    for which in (1, 2, 3):
        hint(number, which)
    solution(number)
expect(1.0, about=1, within=.1, name="π – “x”")
dashboard = Dashboard([{"step": 1, "loss": 2.0}])
dashboard.sample(1, "中文 – →")
dashboard.show_samples()
print("$$ the end")
"""


@pytest.fixture(scope="module", params=NARROW)
def printed(request, tmp_path_factory):
    """Everything that the commands and the checks print, on a console of one encoding: (encoding, bytes)."""
    folder = tmp_path_factory.mktemp(request.param)
    environment = os.environ | {"PYTHONIOENCODING": request.param, "COURSE_WORK": str(folder / "work"),
                                "COURSE_CACHE": str(folder / "cache"), "COURSE_SOLUTIONS": "always",
                                "COURSE_HEADLESS": "0"}
    names = COMMANDS if request.param == "ascii" else set(COMMANDS) - SLOW  # the slow ones on the narrowest console
    lines = [line for name in sorted(names) if name != "generate" for line in COMMANDS[name]]
    lines += COMMANDS["generate"] if "generate" in names else []  # after train
    command = [sys.executable, "-c", f"LINES = {lines!r}\n{RUN}"]
    done = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=900)
    return request.param, done.stdout


def test_the_list_of_commands_is_complete():
    assert set(COMMANDS) == set(course.commands)


def test_every_command_and_every_check_prints_to_its_end(printed):
    encoding, data = printed
    text = data.decode(encoding)  # raises where a byte is none of this encoding's, or none of what was meant
    assert "Traceback" not in text and "codec can't encode" not in text, text[-3000:]
    assert text.rstrip().endswith("$$ the end")
    assert "hint 3 of 3" in text and "open questions, which" in text
    if encoding == "ascii":
        assert text.count("$$") == sum(map(len, COMMANDS.values())) + 1
        assert "bits per byte" in text and "ok    Python" in text and 'Zoe - "??" ->' in text


def test_what_is_printed_can_be_read(printed):
    encoding, data = printed
    text = data.decode(encoding)
    told = {"ascii": "pi - \"x\": 1 +- 0.1", "latin-1": "pi - \"x\": 1 ± 0.1", "cp1252": "pi – “x”: 1 ± 0.1",
            "cp437": "π - \"x\": 1 ± 0.1"}
    assert told[encoding] in text
    assert "step     1 | " in text or "step     1 │ " in text


def test_every_sign_that_the_package_prints_has_a_likeness(repository):
    """In messages, tables and captions, docstrings left out; letters of other alphabets and faces have none."""
    missing = set()
    for path in sorted((repository / "course_lib").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docs = {id(node.body[0].value) for node in ast.walk(tree)
                if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
                missing |= {sign for sign in node.value if readable(sign, "ascii") == "?" != sign
                            and unicodedata.category(sign) not in ("Lo", "Cs") and sign < "\U00010000"}
    assert missing == set(), "give it a likeness in course_lib.doors.terminal"


@pytest.mark.parametrize(("encoding", "text", "becomes"), [
    ("ascii", "π ≈ 3.14 … é 中 ½", "pi ~= 3.14 ... e ? 1/2"),
    ("latin-1", "é – “x” √2 →", "é - \"x\" sqrt 2 ->"),
    ("cp1252", "– “x” → │ ✓", "– “x” -> | +"),
    ("utf-8", "é 中 \ud800", "é 中 ?"),
    ("ascii", "plain", "plain"),
    (None, "中", "中"),
])
def test_readable(encoding, text, becomes):
    assert readable(text, encoding) == becomes


def test_say_and_streams(monkeypatch):
    for encoding in (*NARROW, "utf-8"):
        raw = io.BytesIO()
        stream = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
        monkeypatch.setattr(sys, "stdout", stream)
        say("a → b")
        with any_sign():
            print("c → d", end="", flush=True)
            sys.stdout.writelines(["\n", "é中\ud800"])
            assert isinstance(sys.stdout, Substituting) and sys.stdout.isatty() is False and sys.stdout.buffer is raw
        assert sys.stdout is stream
        stream.flush()
        lines = raw.getvalue().decode(encoding).splitlines()
        arrow = "→" if encoding == "utf-8" else "->"
        assert lines[:2] == [f"a {arrow} b", f"c {arrow} d"] and lines[2].endswith("?")


def test_a_program_without_a_console_prints_nothing(monkeypatch):
    """As pythonw on Windows, which has no standard output at all."""
    monkeypatch.setattr(sys, "stdout", None)
    say("a → b")
    with any_sign():
        assert sys.stdout is None
