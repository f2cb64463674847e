"""Nothing of the grader's reaches a student: what is planted on the host is looked for in the box and on all pages."""

import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

import course_lib
from course_lib.classroom.grading.report import feedback_page
from course_lib.classroom.grading.sandbox import bubblewrap, watch
from course_lib.classroom.grading.sandbox.limits import Limits
from course_lib.classroom.grading.sandbox.rounds import ASIDE, run_submission

NAME = "90_toy"
PATIENT = Limits(seconds=60, cell_seconds=20, grace=3, memory=900 << 20)
WHERE = ("variable", "name of a variable", "argument", "folder that is shown", "working folder", "temporary folder",
         "open file", "name of an open file", "pipe")  # fmt: skip

# Reads whatever can be read, and tells in which of it one of the words stands. The words come reversed, so that this
# cell does not find itself.
SEARCH = """
import ctypes, gc, os, select, socket, stat, sys
words = [word[::-1].encode() for word in WORDS]
found = []
def look(where, data):
    data = data if isinstance(data, bytes) else os.fsencode(str(data))
    found.extend((where, word.decode()) for word in words if word in data)
def read(path):
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try: look(path, os.read(file, 1 << 20))
        finally: os.close(file)
    except OSError: pass
seen = 0
for top in '/proc /sys /dev /run /etc /var /home /root /tmp /grade / /usr/local /usr'.split():
    for folder, folders, files in os.walk(top):
        for name in folders + files:
            path = os.path.join(folder, name)
            look('a name below ' + top, path)
            if os.path.islink(path):
                look('a link', os.readlink(path))
            elif top in ('/proc', '/sys', '/run', '/etc') or 'pyvenv' in name:
                seen += 1
                read(path)
        if top in ('/', '/usr') or top == '/grade' and folder.count('/') > 3: folders.clear()
        if folder.endswith('/task'): folders[:] = folders[:1]
for number in range(3, 256):
    try: mode = os.fstat(number).st_mode
    except OSError: continue
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode): found.append((number, 'an open file'))
    elif select.select([number], [], [], 0)[0]: found.extend((number, 'a pipe') for _ in os.read(number, 1))
modules = [getattr(module, '__file__', '') for module in sys.modules.values()]
for what in (sys.orig_argv, os.environ, sys.path, os.uname(), os.getcwd(), sys.prefix, sys.base_prefix):
    look('what Python knows', what)
look('a module', modules)
libc = ctypes.CDLL(None)
libc.getauxval.restype = ctypes.c_char_p
look('how the kernel names the program', libc.getauxval(31))
for process in range(1, 9):
    for file in 'environ cmdline mountinfo mounts maps stat status cgroup uid_map comm auxv limits io'.split():
        for way in (f'/proc/{process}/{file}', f'/proc/1/root/proc/{process}/{file}', f'/dev/fd/../{file}'): read(way)
print('searched', seen, 'called', (socket.gethostname(), os.uname().nodename))
for word in sorted({word for _, word in found}, key=str):
    print('FOUND', word, 'in', sorted({str(where) for where, one in found if one == word})[:9])
"""


def search(words):
    return SEARCH.replace("WORDS", repr([word[::-1] for word in words]))


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """({where: its secret}, what a cell found that looked everywhere), of a grader that holds secrets everywhere."""
    secrets = {where: f"swordfish{number}x" for number, where in enumerate(WHERE)}
    with pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as stack:
        patch.setenv("GRADEBOOK_TOKEN", secrets["variable"])
        patch.setenv(secrets["name of a variable"], "1")
        patch.setattr(sys, "argv", [*sys.argv, secrets["argument"]])
        home = tmp_path_factory.mktemp("home")
        shown = home / secrets["folder that is shown"]
        shutil.copytree(Path(course_lib.__file__).parent, shown / "course_lib")
        patch.setattr(bubblewrap.course_lib, "__file__", str(shown / "course_lib" / "__init__.py"))
        for where in ("working folder", "temporary folder"):
            (home / secrets[where]).mkdir()
        patch.chdir(home / secrets["working folder"])
        patch.setattr(tempfile, "tempdir", str(home / secrets["temporary folder"]))
        kept = home / secrets["name of an open file"]
        kept.write_text(secrets["open file"])
        file = stack.enter_context(kept.open())
        read, write = os.pipe()
        os.write(write, secrets["pipe"].encode())
        for one in (file.fileno(), read, write):
            os.set_inheritable(one, True)
        words = [*secrets.values(), os.path.expanduser("~"), str(home.parent), sys.prefix]
        done = run_submission([{"id": "c", "source": search(words)}], [], PATIENT)
        os.close(read)
        os.close(write)
    text = "".join(output.get("text", str(output)) for output in done.cells["c"])
    assert "searched" in text and not done.notes, (text, done.notes)
    return secrets, text


@pytest.mark.parametrize("where", WHERE)
def test_no_secret_of_the_grader_is_in_the_box(planted, where):
    secrets, text = planted
    assert secrets[where] not in text, text


@pytest.mark.parametrize("word", [os.path.expanduser("~"), sys.prefix, "an open file", "a pipe"])
def test_the_box_does_not_tell_whose_it_is(planted, word):
    """Neither the account's folder, nor where the course lies; nor does it have what the grader has open."""
    assert word not in planted[1], planted[1]


def test_the_box_does_not_tell_the_name_of_the_machine(planted):
    assert "called ('box', 'box')" in planted[1]


def test_proc_tells_of_the_processor_only(planted):
    done = run_submission([{"id": "c", "source": "import os; print(os.listdir('/proc'))"}], [], PATIENT)
    assert done.cells["c"][0]["text"] == "['cpuinfo']\n"


def test_bubblewrap_itself_has_no_environment(monkeypatch):
    started = []
    popen = watch.subprocess.Popen
    monkeypatch.setattr(watch.subprocess, "Popen", lambda *a, **k: started.append(k) or popen(*a, **k))
    run_submission([{"id": "c", "source": "1"}], [], PATIENT)
    assert [one["env"] for one in started] == [{}]


# ---- what the grader's own system complains of --------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["bubblewrap", "python", "module"])
def test_a_box_that_cannot_start_says_why_to_the_instructor_only(monkeypatch, classroom, toy, kind):
    """The complaint holds paths of this machine; the student's page says that nothing was answered, and no more."""
    whole = watch.box_command

    def broken(*given):
        command = whole(*given)
        at = command.index("--remount-ro")
        if kind == "bubblewrap":
            return [*command[:at], "--ro-bind", "/nowhere/swordfish", "/x", *command[at:]]
        return [*command[:-1], "swordfish"] if kind == "module" else [*command[:-3], "-c", "raise OSError('swordfish')"]

    monkeypatch.setattr(watch, "box_command", broken)
    classroom.hand_in("ann", toy("def softmax(x): return x"))
    results, _ = classroom.grade_all()
    assert "swordfish" in results["ann"].notes[0] and results["ann"].notes[0].startswith(ASIDE)
    assert "swordfish" not in classroom.page("ann")
    assert "swordfish" not in classroom.course.autograded("ann", NAME).read_text()
    assert "swordfish" in classroom.table()["ann"]["notes"]


TELLS = """
import os
print(dict(os.environ))
def softmax(scores):
    told = []
    for folder, _, files in os.walk('/proc'):
        for name in files:
            try:
                file = os.open(os.path.join(folder, name), os.O_RDONLY | os.O_NONBLOCK)
                text = os.read(file, 1 << 16)
                os.close(file)
            except OSError: continue
            if b'sword' b'fish' in text: told.append(text.decode(errors='replace'))
    raise ValueError(str(told) + str(dict(os.environ)))
"""


def test_an_error_message_carries_no_secret(monkeypatch, classroom, toy, capfd):
    """Onto no page, no table, no result, no notebook and no log."""
    monkeypatch.setenv("GRADEBOOK_TOKEN", "swordfish")
    classroom.hand_in("ann", toy(TELLS))
    classroom.grade_all()
    assert "ValueError" in classroom.page("ann")
    files = [path for path in classroom.course.private.rglob("*") if path.is_file()]
    assert {".html", ".csv", ".json", ".ipynb"} <= {path.suffix for path in files}
    assert [path for path in files if b"swordfish" in path.read_bytes()] == []
    assert "swordfish" not in "".join(capfd.readouterr())


# ---- how code ends when it sees secret numbers --------------------------------------------------------------------
ENDS = {
    "kills the box": "os.kill(os.getppid(), 9)",
    "kills everything": "os.kill(-1, 9)",
    "stops the box": "os.kill(os.getppid(), 19)",
    "fills the memory": "a = [bytearray(os.urandom(1 << 20)) * 100 for _ in range(19)]; time.sleep(9)",
    "floods": "[os.write(n, b'x' * 65536) for n in range(3, 20) for _ in range(99999) if os.path.exists('/')]",
}
JOB = {"function": "f", "source": "def ask(ns, rng):\n    return ns['f'](rng.integers(9))", "probes": [{"id": "ask"}],
       "forbidden": [], "seconds": 5.0, "seed": 1}  # fmt: skip
QUICK = Limits(seconds=20, cell_seconds=2, probe_seconds=1, grace=1.5, memory=500 << 20, output=4 << 20, restarts=1)


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("stage", [1, 3])
def test_how_code_ends_in_the_secret_stage_is_told_to_no_student(how, stage):
    """It can choose by the secret numbers. In earlier stages it knows none, and is told what went wrong."""
    source = "import os, time\ndef f(x):\n    with open('/tmp/n', 'a') as n: n.write('x')\n"
    now = 2 * stage - 1  # every probe is asked twice
    source += f"    if os.path.getsize('/tmp/n') == {now}:\n        try: {ENDS[how]}\n        except OSError: pass\n"
    source += "    return x"
    done = run_submission([{"id": "c", "source": source}], [{"jobs": [JOB]}] * 3, QUICK)
    assert [bool(one) for one in done.evidence[: stage - 1]] == [True] * (stage - 1)
    for note in done.notes:
        assert note.startswith(ASIDE) == (stage == 3), note
    assert done.notes or how in ("floods", "fills the memory")


def test_notes_for_the_instructor_stand_on_no_page(classroom, toy):
    classroom.hand_in("ann", toy())
    results, rows = classroom.grade_all()
    for note, shown in ((f"{ASIDE}the sandbox: died", False), ("cell c1: died", True)):
        results["ann"].notes[:] = [note]
        page = feedback_page(NAME, results["ann"], rows["ann"], None, {})
        assert ("died" in page) == shown and ("Notes" in page) == shown
