"""The box: what it shows, what it allows, how it ends; evidence comes out as plain data."""

import os
import subprocess
import time
from dataclasses import replace

import pytest

from course_lib.classroom.checking.plain import encode
from course_lib.classroom.grading.assignment import imports_of
from course_lib.classroom.grading.sandbox import bubblewrap
from course_lib.classroom.grading.sandbox.bubblewrap import NoSandbox, require_sandbox
from course_lib.classroom.grading.sandbox.limits import Limits
from course_lib.classroom.grading.sandbox.rounds import run_submission
from course_lib.classroom.grading.sandbox.seccomp import filter_program

QUICK = Limits(seconds=20, cell_seconds=2, probe_seconds=1, grace=1.5, memory=600 << 20, output=4 << 20, restarts=2)
JOB = {
    "function": "double",
    "source": """
def twice(ns, rng):
    return ns['double'](rng.integers(9, size=3))
def still(ns, rng):
    return 1
""",
    "probes": [{"id": "twice"}, {"id": "still"}],
    "forbidden": [],
    "seconds": 5.0,
    "seed": 7,
}
RIGHT = "def double(x):\n    return 2 * x"


def run(*sources, stages=2, limits=QUICK, **options):
    cells = [{"id": f"c{number}", "source": source} for number, source in enumerate(sources)]
    return run_submission(cells, [{"jobs": [JOB]}] * stages, limits, **options)


def printed(run):
    return "".join(o.get("text", "") for outputs in run.cells.values() for o in outputs)


def test_an_honest_answer():
    done = run("print('hello')\n1 + 1", RIGHT)
    assert done.notes == [] and len(done.evidence) == 2
    assert done.evidence[0]["twice"] == done.evidence[1]["twice"] and done.evidence[0]["still"] == {"value": 1}
    assert [v % 2 for v in done.evidence[0]["twice"]["value"]["array"]] == [0, 0, 0]
    assert [o["output_type"] for o in done.cells["c0"]] == ["stream", "execute_result"]


def test_the_same_without_a_sandbox():
    inside, outside = run(RIGHT), run(RIGHT, sandboxed=False)
    assert inside.evidence == outside.evidence and outside.notes == []


LOOK = """
import ctypes, os, pathlib, socket
print(sorted(os.listdir('/')))
print('env', sorted(os.environ))
print('home', pathlib.Path.home())
for path in {paths!r}:
    print(path, os.path.exists(path))
libc, who, may = ctypes.CDLL(None), (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
print('capabilities', libc.capget(who, may), sum(may))
print('no new privileges', libc.prctl(39, 0, 0, 0, 0), 'filter', libc.prctl(21, 0, 0, 0, 0))
def is_there(process):
    try: os.kill(process, 0); return True
    except ProcessLookupError: return False
    except PermissionError: return True
print('processes', sum(map(is_there, range(1, 5000))))
for path in ('/', '/usr/x', '/grade/x', os.__file__):
    try: open(path if path[-1] != '/' else '/x', 'a'); print('WROTE', path)
    except OSError as error: print('refused', error.errno)
try: socket.create_connection(('1.1.1.1', 80), 1); print('CONNECTED')
except OSError as error: print('network:', error)
try: os.unshare(0x10000000); print('NAMESPACE')
except (OSError, AttributeError) as error: print('unshare', error)
import subprocess
print(subprocess.run(['unshare', '-U', 'true'], capture_output=True, text=True).stderr)
"""


def test_what_the_box_shows(repository, tmp_path):
    secret = tmp_path / "gradebook.db"
    secret.write_text("x")
    paths = [str(repository / "solutions"), str(repository), str(secret), os.path.expanduser("~"), "/etc/passwd"]
    text = printed(run(LOOK.format(paths=paths), stages=0))
    assert all(f"{path} False" in text for path in paths), text
    assert "capabilities 0 0\nno new privileges 1 filter 2\n" in text
    assert "WROTE" not in text and "CONNECTED" not in text and "unreachable" in text
    assert "NAMESPACE" not in text and "not permitted" in text
    assert "processes 2" in text
    assert "HOME" in text and not {"TMPDIR", "CI"} & set(text.split("'"))


DEAF = "import time\nwhile True:\n    try:\n        while True: time.sleep(0.1)\n    except BaseException: print(0)"


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import os; os._exit(0)", "died"),
        ("import ctypes; ctypes.string_at(0)", "died"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSTOP)", "no answer"),
        ("sum(range(10**12))", "no answer"),
        (DEAF, "no answer"),
    ],
)
def test_a_cell_that_kills_its_box_is_left_out_of_the_next(source, why):
    done = run("first = 1", source, RIGHT)
    assert "cell c1" in done.notes[0] and why in done.notes[0]
    assert done.evidence[1]["still"] == {"value": 1} and "value" in done.evidence[1]["twice"]
    assert "not run" in str(done.cells["c1"])


@pytest.mark.parametrize(
    "source",
    ["while True: pass", "import re; re.match('(a+)+$', 'a' * 60 + 'b')", "import sys; sys.exit()", "input()"]
    + ["raise KeyboardInterrupt", "1 / 0", "def f(:", "x = [0] * 10**9"],
)
def test_a_cell_that_fails_costs_itself_only(source):
    done = run(source, RIGHT)
    assert done.notes == [] and done.cells["c0"][-1]["output_type"] == "error"
    assert "value" in done.evidence[1]["twice"]


def test_the_courses_own_cells_may_take_their_time_to_import():
    slow = {"id": "c0", "source": "import time; time.sleep(2.5)"}  # longer than a cell may, and than silence
    done = run_submission([slow | {"given": True}], [], QUICK)
    assert done.notes == [] and done.cells["c0"] == []
    assert run_submission([slow], [], QUICK).cells["c0"][-1]["ename"] == "CellTooLong"


def test_a_probe_that_hangs_or_dies_costs_itself_only():
    for body in ("while True: pass", "import os; os._exit(0)", "import os, signal; os.kill(os.getpid(), 19)"):
        done = run(f"def double(x):\n    {body}")
        assert "error" in done.evidence[1]["twice"] and done.evidence[1]["still"] == {"value": 1}, body


def test_limits_on_memory_output_disk_and_processes():
    slow = replace(QUICK, cell_seconds=8, restarts=0)
    greedy = "import os, time\nfor _ in range(3): os.fork()\nx = b'x' * (200 << 20)\ntime.sleep(9)"
    assert "of memory" in str(run(greedy, limits=slow).notes)
    loud = "import os\nfor fd in range(3, 20):\n    try:\n        while True: os.write(fd, {} + b' ' * 100000)\n"
    loud += "    except OSError: pass"
    assert "not asked" in str(run(loud.format("b'x'"), limits=slow).notes)
    begun = b'{"is": "cell", "id": "c0", "outputs": ['
    assert "of output in one message" in str(run(loud.format(begun), limits=slow).notes)
    assert len(printed(run("print('x' * 10**8)"))) < 60_000
    full = "for name in 'ab': open(name, 'wb').write(bytes(60 << 20))"
    assert "No space" in str(run(full, limits=slow).cells)
    many = "import os, time\nfor _ in range(200):\n    if not os.fork(): time.sleep(60)"
    assert "BlockingIOError" in str(run(many, limits=slow).cells)


FORGED = """
import json, os
for fd in range(3, 20):
    try: os.write(fd, b'\\n' + json.dumps({'is': 'cell begins', 'id': 'SECRET'}).encode() + b'\\n')
    except OSError: pass
os._exit(0)
"""
WHISPERED = """
def double(x):
    import os
    for process in os.listdir('/proc'):
        try: open(f'/proc/{process}/fd/2', 'w').write('SECRET')
        except OSError: pass
    os.kill(os.getppid(), 9)
"""


@pytest.mark.parametrize("source", [FORGED, WHISPERED])
def test_what_a_box_says_of_itself_reaches_no_note(source):
    """No cell that nobody sent is blamed; and stderr, which the box's first process keeps open, is not repeated."""
    done = run(source)
    assert done.notes and "SECRET" not in str(done.notes)


def test_nothing_is_left_running():
    run("import subprocess; subprocess.Popen(['sleep', '4711'], start_new_session=True)", RIGHT)
    time.sleep(0.2)
    assert "4711" not in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout


def test_hidden_probes_come_after_cells_and_public_probes():
    """Code that looks at every object of its process finds the cells' stage and no later one."""
    look = "import gc\nkeys = [set(o) for o in gc.get_objects() if type(o) is dict]\n"
    look += "print(any('skip' in k for k in keys), any('jobs' in k for k in keys))"
    assert printed(run(look, RIGHT)) == "True False\n"


def test_refusals(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(NoSandbox, match="root"):
        require_sandbox()
    with pytest.raises(NoSandbox, match="root"):
        run(RIGHT)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NoSandbox, match="apt-get install bubblewrap"):
        require_sandbox()


@pytest.mark.parametrize("sandboxed", [True, False])
def test_refusal_on_another_system(monkeypatch, sandboxed):
    monkeypatch.setattr(bubblewrap.sys, "platform", "darwin")
    with pytest.raises(NoSandbox, match="grading needs Linux"):
        run(RIGHT, sandboxed=sandboxed)


def test_refusal_without_user_namespaces(monkeypatch, tmp_path):
    (tmp_path / "bwrap").write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2; exit 1\n")
    (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoSandbox, match="No permissions to create new namespace.*--no-sandbox"):
        bubblewrap.require_sandbox()


def test_the_filter_is_a_program_for_known_machines():
    assert len(filter_program("x86_64")) % 8 == 0 and filter_program("aarch64") != filter_program("x86_64")
    with pytest.raises(ValueError, match="riscv64"):
        filter_program("riscv64")


def test_what_probes_import_is_imported_once_before_any_cell():
    """Each probe has a process of its own: torch, imported anew in each of eighty, took more than their time."""
    source = "import json\nfrom colorsys import rgb_to_hsv\ndef there(ns, rng):\n    return ns['f']()\n"
    job = {"function": "f", "source": source, "probes": [{"id": "there"}], "seconds": 2.0, "seed": 0,
           "forbidden": ["sched.scheduler.run", "wave.open"]}
    answer = "import sys\nseen = [n in sys.modules for n in ('colorsys', 'sched', 'wave')]\ndef f():\n    return seen"
    assert imports_of([job]) == ["colorsys", "json", "sched.scheduler", "wave"]
    run = run_submission([{"id": "a", "source": answer}], [{"jobs": [job], "imports": imports_of([job])}], Limits())
    assert run.evidence[0]["there"]["value"] == encode([True, True, True]), run.notes
