"""Limits hold: memory of every kind, system calls by every door, time of thirty slow cells."""

import contextlib
import platform
import shutil
import struct
import subprocess
import sys
import threading
import time
from dataclasses import replace

import psutil
import pytest

from course_lib.classroom.grading.sandbox import cgroup, seccomp, usage, watch
from course_lib.classroom.grading.sandbox.limits import Limits, Shared
from course_lib.classroom.grading.sandbox.rounds import run_submission

LIMITS = Limits(seconds=30, cell_seconds=12, probe_seconds=1, grace=1.5, memory=260 << 20, output=4 << 20, restarts=0)
JOB = {"function": "double", "source": "def twice(ns, rng):\n    return ns['double'](rng.integers(9, size=3))",
       "probes": [{"id": "twice"}], "forbidden": [], "seconds": 5.0, "seed": 7}  # fmt: skip
RIGHT = "def double(x):\n    return 2 * x"


def run(*sources, stages=0, limits=LIMITS):
    cells = [{"id": f"c{number}", "source": source} for number, source in enumerate(sources)]
    return run_submission(cells, [{"jobs": [JOB]}] * stages, limits)


def printed(run):
    return "".join(o.get("text", o.get("evalue", "")) for outputs in run.cells.values() for o in outputs)


# ---- memory -------------------------------------------------------------------------------------------------------
HOLD = """
import ctypes, mmap, os, socket, threading, time
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
libc.madvise.argtypes = libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
libc.shmat.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
libc.syscall.restype = libc.shmat.restype = ctypes.c_long
MB, WANTED, PART = 1 << 20, 800, 32  # a file may hold 64
PIECE = bytes(MB)
def must(value):
    if value in (-1, None, 2**64 - 1): raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return value
def fill(make):
    for n in range(WANTED // PART):
        file = make(n)
        for _ in range(PART): os.write(file, PIECE)
def shared(flags, make=lambda n: -1, leave=lambda at: must(libc.madvise(at, PART * MB, 4))):
    for n in range(WANTED // PART):
        at = must(libc.mmap(None, PART * MB, 3, flags, make(n), 0))
        ctypes.memset(at, 1, PART * MB)
        leave(at)
"""
# How to hold 800 MB; whoever gets so far, has it.
KINDS = {
    "memfd_create": "fill(lambda n: os.memfd_create('x'))",
    "memfd_create by number": "fill(lambda n: must(libc.syscall({memfd_create}, b'x', 0)))",
    "memfd mapped and let go": """
def make(n):
    os.ftruncate(file := os.memfd_create('x'), PART * MB)
    return file
shared(1, make)""",
    "memfd_secret": "fill(lambda n: must(libc.syscall({memfd_secret}, 0)))",
    "System V": """
for n in range(WANTED // PART):
    one = must(libc.shmget(0, ctypes.c_size_t(PART * MB), 0o1600))
    at = must(libc.shmat(one, None, 0))
    ctypes.memset(at, 1, PART * MB)
    libc.shmdt(ctypes.c_void_p(at))""",
    "a message queue": "queues = [must(libc.msgget(0, 0o1600)) for _ in range(9000)]",
    "a file in /dev": "fill(lambda n: os.open(f'/dev/{n}', os.O_CREAT | os.O_WRONLY))",
    "files in /dev/shm": "fill(lambda n: os.open(f'/dev/shm/{n}', os.O_CREAT | os.O_WRONLY))",
    "files that are small": "for n in range(99): os.write(os.open(f'/tmp/{n}', os.O_CREAT | os.O_WRONLY), PIECE * 8)",
    "files without a name": """
def make(n):
    file = os.open('x', os.O_CREAT | os.O_WRONLY)
    os.unlink('x')
    return file
fill(make)""",
    "shared, and let go": "shared(0x21)",
    "shared, and only a child has it": """
def leave(at):
    if not os.fork(): time.sleep(9)
    libc.munmap(at, PART * MB, 0)
shared(0x21, leave=leave)""",
    "of /dev/zero": "shared(1, lambda n: os.open('/dev/zero', os.O_RDWR))",
    "huge pages": "shared(0x40022)",
    "mmap of Python": """
for n in range(WANTED // PART):
    one = mmap.mmap(-1, PART * MB)
    one.write(PIECE * PART)
    one.madvise(4)
    globals()[f'kept{n}'] = one""",
    "read only, and its tables": """
for _ in range(400):
    at = must(libc.mmap(None, 1 << 30, 1, 0x4022, -1, 0))
    for n in range(0, 1 << 30, 1 << 21): ctypes.string_at(at + n, 1)""",
    "the first thread has ended": """
def on():
    kept = []
    for n in range(240): kept.append(os.urandom(MB))
    time.sleep(9)
for _ in range(4):
    if not os.fork():
        threading.Thread(target=on).start()
        time.sleep(0.3)
        libc.syscall({exit}, 0)
time.sleep(6)""",
    "handed from child to child": """
for _ in range(3):
    if not os.fork(): break
x = [os.urandom(MB) for _ in range(200)]
for _ in range(200):
    if os.fork(): os._exit(0)
    time.sleep(0.02)""",
    "many processes with a little": """
for _ in range(30):
    if not os.fork():
        x = os.urandom(MB) * 25
        time.sleep(9)
time.sleep(6)""",
    "in sockets": """
for _ in range(30):
    if not os.fork():
        pairs = [socket.socketpair() for _ in range(110)]
        for one in (one for pair in pairs for one in pair):
            one.setblocking(False)
            one.setsockopt(1, 7, 1 << 20)
            try:
                while True: one.send(PIECE[:4096])
            except OSError: pass
        time.sleep(9)
time.sleep(6)""",
    "in sockets of a network": "server = socket.create_server(('127.0.0.1', 0))",
    "names of files": "for n in range(900_000): os.close(os.open('/tmp/' + 'x' * 200 + str(n), os.O_CREAT))",
    "pages that a pipe holds": """
class Piece(ctypes.Structure):
    _fields_ = [('at', ctypes.c_void_p), ('length', ctypes.c_size_t)]
kept, page = [os.pipe() for _ in range(100)], ctypes.create_string_buffer(4096)
for _, end in kept: must(libc.syscall({vmsplice}, end, ctypes.byref(Piece(ctypes.addressof(page), 4096)), 1, 0))""",
    "what is not to be dumped": "must(libc.prctl(4, 0, 0, 0, 0))",
}
NUMBERS = {"memfd_create": (319, 279), "memfd_secret": (447, 447), "exit": (60, 93), "vmsplice": (278, 75)}


@pytest.mark.parametrize("kind", KINDS)
def test_memory_of_every_kind_is_denied_or_counted(kind):
    """Nobody holds three times what is allowed: either the kernel refuses, or the watch sees it."""
    number = {name: both[platform.machine() == "aarch64"] for name, both in NUMBERS.items()}
    source = KINDS[kind]
    for name, value in number.items():
        source = source.replace("{" + name + "}", str(value))
    available, lowest, over = psutil.virtual_memory().available, [], threading.Event()

    def watch():
        while not over.wait(0.05):
            lowest.append(psutil.virtual_memory().available)

    thread = threading.Thread(target=watch)
    thread.start()
    done = run(f"{HOLD}{source}\ntime.sleep(1.5)\nprint('HELD')")
    over.set()
    thread.join()
    assert "HELD" not in printed(done), printed(done)
    refused = [o.get("ename") for o in done.cells.get("c0", []) if o["output_type"] == "error"]
    assert refused in (["PermissionError"], ["OSError"]) or "of memory" in str(done.notes), (done.notes, done.cells)
    print(kind, refused, done.notes, (available - min(lowest, default=available)) >> 20, "MB")


def test_a_limit_holds_for_what_is_counted_together():
    """Files, processes and swap in one sum, and files not twice."""
    half = "import os, time\nx = os.urandom(1 << 20) * 120\nfor folder in ('/tmp', '/dev/shm'):\n"
    half += "    with open(f'{folder}/x', 'wb') as f: f.write(bytes(60 << 20))\ntime.sleep(1.5)\nprint('HELD')"
    assert "of memory" in str(run(half).notes)
    assert "HELD" in printed(run(half.replace("120", "20")))


def test_memory_is_counted_where_processes_hide_it():
    """Of this very process: what its child has, and what a thread has whose process has lost its first thread."""
    code = "import ctypes, threading, time\nx = bytes(1) + bytes(range(256)) * (1 << 19)\nprint(1, flush=True)\n"
    code += "threading.Thread(target=time.sleep, args=(20,)).start()\nctypes.CDLL(None).syscall(EXIT, 0)"
    exit = "60" if platform.machine() == "x86_64" else "93"
    before = usage.memory_of(psutil.Process().pid)
    with subprocess.Popen([sys.executable, "-c", code.replace("EXIT", exit)], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        time.sleep(0.3)
        assert usage.memory_of(psutil.Process().pid) - before > 100 << 20
        assert usage.memory_of(process.pid) > 128 << 20
        process.kill()


# ---- a control group ----------------------------------------------------------------------------------------------
@pytest.fixture
def lent(monkeypatch, tmp_path):
    """A hierarchy of groups that looks like one of systemd's, in which this process is."""
    (tmp_path / "proc").write_text("1:name=systemd:/x\n0::/user.slice/app.slice/shell.scope\n")
    beside = tmp_path / "root" / "user.slice" / "app.slice"
    (beside / "shell.scope").mkdir(parents=True)
    (beside / "cgroup.subtree_control").write_text("cpu memory pids\n")
    monkeypatch.setattr(cgroup, "OWN", tmp_path / "proc")
    monkeypatch.setattr(cgroup, "ROOT", tmp_path / "root")
    monkeypatch.setattr(cgroup, "PATIENCE", 0.1)
    return beside


def test_a_box_joins_a_group_where_one_may_be_had(lent):
    done = run("print('hello')")
    (group,) = lent.glob("course-box-*")
    held = {path.name: path.read_text().strip() for path in group.iterdir()}
    assert printed(done) == "hello\n" and done.notes == []
    assert held == {"memory.max": str(LIMITS.memory), "pids.max": str(LIMITS.processes + 8), "memory.swap.max": "0",
                    "memory.oom.group": "1", "cgroup.procs": "0", "cgroup.kill": "1"}  # fmt: skip


def test_a_group_is_removed_when_the_box_has_ended(lent, monkeypatch):
    """The kernel's own files do not keep a group from being removed; here they are taken away by hand."""
    monkeypatch.setattr(cgroup.Path, "rmdir", lambda path: shutil.rmtree(path))
    with cgroup.control_group(LIMITS) as group:
        assert group.parent == lent and group.is_dir()
    assert not group.exists() and lent.exists()


@pytest.mark.parametrize("what", ["no memory", "no version 2", "not ours", "no hierarchy", "at the root"])
def test_without_a_group_the_box_runs_all_the_same(lent, what, monkeypatch):
    if what == "no memory":
        (lent / "cgroup.subtree_control").write_text("cpu pids\n")
    elif what == "not ours":
        lent.chmod(0o555)
    elif what == "no hierarchy":
        monkeypatch.setattr(cgroup, "OWN", lent / "nothing")
    else:
        cgroup.OWN.write_text("4:memory:/x\n" if what == "no version 2" else "0::/\n")
    with cgroup.control_group(LIMITS) as group:
        assert group is None
    assert cgroup.in_group(None, ["a"]) == ["a"]


def test_a_group_that_cannot_be_joined_stops_no_box(lent, monkeypatch):
    monkeypatch.setattr(watch, "control_group", lambda limits: contextlib.nullcontext(lent / "gone"))
    assert printed(run("print('hello')")) == "hello\n"


# ---- system calls -------------------------------------------------------------------------------------------------
CALLS = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
for name, number in NUMBERS.items():
    got = libc.syscall(number, 0, 0, 0, 0, 0, 0)
    if got != -1 or ctypes.get_errno() not in (1, 38): print('ALLOWED', name, got, ctypes.get_errno())
print('tried', len(NUMBERS))
"""


def test_no_call_that_is_denied_gets_through():
    numbers = seccomp.denied(platform.machine()) | {"clone3": 435, "statmount": 457, "a call of tomorrow": 490}
    said = printed(run(CALLS.replace("NUMBERS", repr(numbers))))
    assert "ALLOWED" not in said and f"tried {len(numbers)}" in said


def decide(machine, architecture, number, *arguments):
    """What the filter says, by going through the program as the kernel does."""
    program, at, value = list(struct.iter_unpack("=HBBI", seccomp.filter_program(machine))), 0, 0
    data = struct.pack("=IIQ6Q", number, architecture, 0, *arguments, *[0] * (6 - len(arguments)))
    while True:
        code, yes, no, k = program[at]
        if code == seccomp.RETURN:
            return k
        if code == seccomp.LOAD:
            value, step = struct.unpack_from("=I", data, k)[0], 0
        else:
            met = {seccomp.JUMP_EQUAL: value == k, seccomp.JUMP_GREATER_EQUAL: value >= k, seccomp.JUMP_SET: value & k}
            step = yes if met[code] else no
        at += 1 + step


MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
REFUSED, UNREACHABLE = seccomp.ERRNO | seccomp.EPERM, seccomp.ERRNO | seccomp.ENETUNREACH
# name → (number on x86-64, on arm64, arguments that are refused, arguments that are not)
BY_ARGUMENT = {
    "clone": (56, 220, [(0x10000000,), (0x00020011,), (0x40000000,), (0x08000000,), (0x02000000,), (0x20000000,)],
              [(0x11,), (0x3D0F00,), (0x01200011,)]),
    "mmap": (9, 222, [(0, 4096, 3, 0x21), (0, 4096, 3, 0x23), (0, 4096, 3, 0x40022), (0, 4096, 3, 0x4021)],
             [(0, 4096, 3, 0x22), (0, 4096, 1, 0x1), (0, 4096, 3, 0x2), (0, 4096, 7, 0x4022), (0, 4096, 3, 0x20022)]),
    "socket": (41, 198, [(2, 1), (10, 1), (16, 3), (17, 3), (38, 5), (40, 1), (44, 3)], [(1, 1), (1, 2)]),
    "socketpair": (53, 199, [(2, 1), (40, 1)], [(1, 1)]),
    "prctl": (157, 167, [(4, 0), (4, 1)], [(15, 0), (36, 1), (21,), (1, 9)]),
}  # fmt: skip
NEEDED = {"read": (0, 63), "write": (1, 64), "futex": (202, 98), "execve": (59, 221), "exit_group": (231, 94),
          "openat": (257, 56), "munmap": (11, 215), "mprotect": (10, 226), "wait4": (61, 260), "getrandom": (318, 278),
          "pipe2": (293, 59), "dup3": (292, 24), "kill": (62, 129), "prlimit64": (302, 261)}  # fmt: skip


@pytest.mark.parametrize("machine", MACHINES)
def test_the_filter_decides_alike_on_both_machines(machine):
    own, column = MACHINES[machine], list(MACHINES).index(machine)
    for name, number in seccomp.denied(machine).items():
        assert decide(machine, own, number) == REFUSED, name
    for name, (*numbers, refused, allowed) in BY_ARGUMENT.items():
        for given in refused:
            refusal = UNREACHABLE if "socket" in name else REFUSED
            assert decide(machine, own, numbers[column], *given) == refusal, (name, given)
        for given in allowed:
            assert decide(machine, own, numbers[column], *given) == seccomp.ALLOW, (name, given)
    for name, numbers in NEEDED.items():
        assert decide(machine, own, numbers[column]) == seccomp.ALLOW, name
    for number in (seccomp.UNKNOWN, 470, 1000):
        assert decide(machine, own, number) == seccomp.ERRNO | seccomp.ENOSYS
    for other in (0x40000003, 0x40000028, *(set(MACHINES.values()) - {own})):  # i386, arm, the other of the two
        assert decide(machine, other, 1) == seccomp.KILL
    if machine == "x86_64":
        assert decide(machine, own, seccomp.X32 | 1) == decide(machine, own, seccomp.X32 | 520) == seccomp.KILL


def test_both_machines_deny_the_same_calls():
    names = [{name for name in seccomp.denied(machine) if not name.startswith("x86")} for machine in MACHINES]
    assert names[0] == names[1] and len(names[0]) > 75
    for machine in MACHINES:
        numbers = list(seccomp.denied(machine).values())
        assert len(set(numbers)) == len(numbers)


DOORS = """
import ctypes, mmap, os
def by(code):
    if not (child := os.fork()):
        memory = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, 7)
        memory.write(bytes.fromhex(code))
        ctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(memory)))()
        os._exit(0)
    return os.WTERMSIG(os.waitpid(child, 0)[1])
print('i386', by('b814000000cd80c3'), 'x32', by('b8270000400f05c3'), 'own', by('b8270000000f05c3'))
"""


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the doors of another machine")
def test_the_doors_of_older_machines_are_shut():
    """getpid by `int 0x80` and by x32's number ends the process (SIGSYS is 31); by its own number it does not."""
    assert printed(run(DOORS)) == "i386 31 x32 31 own 0\n"


WORKS = """
import asyncio, concurrent.futures, os, socket, sqlite3, subprocess, sys, tempfile, threading
import numpy as np
a, b = socket.socketpair()
a.send(b'x'); assert b.recv(1) == b'x'
async def four(): await asyncio.sleep(0.01); return 4
assert asyncio.run(four()) == 4
with concurrent.futures.ThreadPoolExecutor(2) as executor: assert list(executor.map(abs, (-1, 2))) == [1, 2]
with tempfile.NamedTemporaryFile() as f: np.save(f, np.arange(5)); f.flush(); np.memmap(f.name, mode='r+')[0]
assert subprocess.run([sys.executable, '-c', 'print(1)'], capture_output=True, text=True).stdout == '1\\n'
assert subprocess.run('echo a | tr a b | cat', shell=True, capture_output=True, text=True).stdout == 'b\\n'
sqlite3.connect('x.db').execute('create table t (a)')
assert open('/dev/zero', 'rb').read(3) == bytes(3) and len(os.urandom(4)) == 4
open('/dev/null', 'w').write('x')
import torch
layer = torch.nn.Linear(4, 4); layer(torch.ones(2, 4)).sum().backward()
torch.save(layer.state_dict(), 'x.pt'); torch.load('x.pt', weights_only=True)
assert len(list(torch.utils.data.DataLoader(torch.arange(8), batch_size=2))) == 4
import matplotlib.pyplot as plt
plt.plot([1, 2]); plt.savefig('x.png'); plt.close()
print('works')
"""


def test_what_exercises_use_works():
    assert "works" in printed(run(WORKS, limits=Limits(seconds=400, cell_seconds=120)))


# ---- time ---------------------------------------------------------------------------------------------------------
SLOW = {
    "sleeps": "import time; time.sleep(9.5)",
    "computes": "import time\nuntil = time.time() + 9.5\nwhile time.time() < until: pass",
    "will not be stopped": """
import time
until = time.time() + 9.5
while time.time() < until:
    try: time.sleep(9)
    except BaseException: pass""",
    "in C": "sum(range(10**11))",
    "stops the process": "import os; os.kill(os.getpid(), 19)",
    "ends the process": "import os; os._exit(0)",
    "kills the process": "import os; os.kill(os.getpid(), 9)",
}  # fmt: skip
SHORT = Limits(seconds=30, cell_seconds=2.5, probe_seconds=1, grace=1.5, memory=600 << 20, restarts=3)


@pytest.mark.parametrize("how", SLOW)
def test_thirty_slow_cells_cost_themselves_only(how):
    """What is right below them is graded, and the submission ends in time, whatever each of them does."""
    done = run("first = 2", *[SLOW[how]] * 30, "def double(x):\n    return first * x", stages=3, limits=SHORT)
    assert [list(stage) for stage in done.evidence] == [["twice"]] * 3, done.notes
    assert all("value" in stage["twice"] for stage in done.evidence)
    assert len(done.notes) <= 1 and done.seconds <= SHORT.total + SHORT.grace
    assert all(done.cells[f"c{number}"][-1]["output_type"] == "error" for number in range(1, 31))


def test_slow_cells_leave_something_for_the_next():
    shared = Shared(20, 4)
    used = []
    for number in range(4):
        used.append(shared.allow(10, str(number)))
        shared.spend(used[-1], used[-1], str(number))
    assert used == [7.5, 5, 3.75, 3.125] and sum(used) < 20
    quick = Shared(20, 4)
    for _ in range(99):
        quick.spend(0.01, quick.allow(10, "a"), "a")
    assert quick.allow(7, "a") == 7
    quick.spend(7, 7, "a")
    assert quick.allow(10, "a") == quick.sure == 2.5, "who was stopped once is only sure of its part"


def test_an_answer_that_never_ends_costs_its_own_exercise_only():
    """Five questions to one that hangs would use up the time of all; the others are asked all the same."""
    names = [f"q{number}" for number in range(5)]
    source = "".join(f"def {name}(ns, rng):\n    return ns['NAME'](int(rng.integers(9)))\n" for name in names)
    probes = [{"id": name} for name in names]
    jobs = [
        JOB | {"function": f, "probes": [{"id": f"{f}_{one['id']}"} for one in probes],
               "source": source.replace("NAME", f).replace("def q", f"def {f}_q")}
        for f in ("hangs", "also", "right")
    ]  # fmt: skip
    cell = "def hangs(x):\n    while True: pass\nalso = hangs\ndef right(x): return x"
    limits = replace(SHORT, seconds=60, probe_seconds=5)
    done = run_submission([{"id": "c", "source": cell}], [{"jobs": jobs}] * 2, limits)
    assert done.notes == [] and done.seconds < limits.seconds
    for stage in done.evidence:
        assert sum("value" in said for said in stage.values()) == 5 and len(stage) == 15
        assert {said["error"] for name, said in stage.items() if not name.startswith("right")} == {"timeout"}


def test_what_a_cell_does_stays_where_one_before_it_died():
    """The second box runs each cell in a process of its own, which goes on with all that the cell has defined."""
    cells = ["first = [1]\nimport os", "os._exit(0)", "first.append(2)", "os._exit(1)", "first.append(3)",
             "os.kill(os.getpid(), 19)", "def double(x):\n    return x * len(first)", "print(first)"]  # fmt: skip
    done = run(*cells, stages=1, limits=SHORT)
    assert done.cells["c7"] == [{"output_type": "stream", "name": "stdout", "text": "[1, 2, 3]\n"}]
    assert all(value % 3 == 0 for value in done.evidence[0]["twice"]["value"]["array"])
    assert len(done.notes) == 1 and done.notes[0].startswith("cell c1")


def test_all_boxes_together_are_bounded():
    """Cells that kill whatever runs them, one after another."""
    began = time.monotonic()
    limits = replace(SHORT, seconds=6, restarts=50)
    kills = ["import os, time; time.sleep(0.1); os.kill(os.getppid(), 9); time.sleep(9)"] * 30
    done = run("import os; os._exit(0)", *kills, RIGHT, stages=1, limits=limits)
    assert time.monotonic() - began < limits.total + 5 and "12 s in all" in done.notes[-1]
