"""A student's day in a Python that has been robbed of what Windows lacks. Run by test_windows.py; ends with "done".

What is simulated: os.name and sys.platform say Windows; os, signal, time and socket have no name that Windows lacks;
modules that Windows lacks cannot be imported; files refuse to be replaced or deleted while this process has them open,
as Windows has it; text files that are opened without an encoding are cp1252 and get "\\r\\n".

What is not: paths stay those of POSIX (pathlib is told to use them all the same), drives, backslashes, reserved names,
sys.getwindowsversion, the console. Libraries are imported before the robbery, for they choose their ways at import: so
this is about the course, not about numpy or torch on Windows. The matrix of systems in continuous integration is.
"""

import builtins
import importlib
import io
import multiprocessing.util  # noqa: F401
import os
import pathlib
import pkgutil
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

LIBRARIES = """anywidget babel.localedata babel.numbers click hypothesis.strategies
    hypothesis.internal.conjecture.engine
    IPython.core.display ipykernel.iostream ipywidgets jupyter_client.manager jupyter_core.paths
    matplotlib.backends.backend_agg matplotlib.font_manager matplotlib.pyplot matplotlib.animation numpy numpy.random
    PIL.Image PIL.PngImagePlugin platformdirs psutil pydoc_data.topics regex
    safetensors.torch sqlite3 torch torch.distributed.fsdp torch._dynamo tqdm.auto traitlets urllib.request""".split()
MODULES = "fcntl resource pwd grp termios tty pty syslog crypt nis spwd posix readline".split()
NOT_THERE = {  # what the manuals of these modules call "Unix only"
    os: """chown chroot confstr confstr_names ctermid fchdir fchmod fchown fdatasync fork forkpty fpathconf fstatvfs
        getegid geteuid getgid getgrouplist getgroups getloadavg getpgid getpgrp getpriority getresgid getresuid getsid
        getuid initgroups killpg lchown lockf major makedev minor mkfifo mknod nice openpty pathconf pathconf_names
        pipe2 posix_fadvise posix_fallocate posix_spawn posix_spawnp pread preadv pwrite pwritev readv register_at_fork
        sched_getaffinity sched_setaffinity sched_yield sendfile setegid seteuid setgid setgroups setpgid setpriority
        setregid setresgid setresuid setreuid setsid setuid statvfs symlink sync sysconf sysconf_names tcgetpgrp
        tcsetpgrp ttyname uname wait wait3 wait4 waitid WNOHANG writev O_CLOEXEC O_DIRECTORY O_DSYNC O_NDELAY
        O_NOCTTY O_NOFOLLOW O_NONBLOCK O_SYNC O_TMPFILE O_PATH memfd_create eventfd getxattr listxattr""",
    signal: """SIGALRM SIGBUS SIGCHLD SIGCONT SIGHUP SIGIO SIGKILL SIGPIPE SIGPROF SIGQUIT SIGSTOP SIGSYS SIGTRAP
        SIGTSTP SIGTTIN SIGTTOU SIGURG SIGUSR1 SIGUSR2 SIGVTALRM SIGWINCH alarm setitimer getitimer pause pthread_kill
        pthread_sigmask siginterrupt sigpending sigtimedwait sigwait sigwaitinfo ITIMER_REAL ITIMER_PROF""",
    time: "clock_getres clock_gettime clock_settime pthread_getcpuclockid tzset",
    socket: "AF_UNIX socketpair",
}


def rob(here):
    """Take away what Windows lacks, once everything that is not the course has been imported."""
    for name in LIBRARIES:
        importlib.import_module(name)
    tempfile.tempdir = here
    assert not [name for name in sys.modules if name.startswith("course_lib")]
    for module, names in NOT_THERE.items():
        for name in names.split():
            if hasattr(module, name):
                delattr(module, name)
    for name in MODULES:
        sys.modules[name] = None
    pathlib.WindowsPath = pathlib.PosixPath
    os.name, sys.platform, os.linesep = "nt", "win32", "\r\n"
    shutil.which = lambda name, *more, **options: None  # these two ask Windows itself
    shutil.disk_usage = lambda path: SimpleNamespace(total=9e9, used=1e9, free=8e9)
    builtins.open = io.open = open_like_windows(io.open)
    for name in ("replace", "rename", "unlink", "remove", "rmdir"):
        setattr(os, name, refuses_what_is_open(getattr(os, name)))


def open_like_windows(real):
    """`open`, whose text files have the habits of a Windows in western Europe."""

    def open(file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None):
        if "b" not in mode and encoding in (None, "locale"):
            encoding = "cp1252"
        if "b" not in mode and newline is None and set(mode) & set("wax"):
            newline = "\r\n"
        return real(file, mode, buffering, encoding, errors, newline, closefd, opener)

    return open


def refuses_what_is_open(real):
    """A function of os on one or two paths, which raises PermissionError where this process has one of them open."""

    def guarded(*paths, **options):
        mine = {os.path.realpath(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")}
        for path in paths:
            whole = os.path.realpath(path)
            if any(one == whole or one.startswith(f"{whole}/") for one in mine) and not options.get("dir_fd"):
                raise PermissionError(13, "The process cannot access the file because it is being used", path)
        return real(*paths, **options)

    return guarded


def imports():
    """Everything that students import: all modules but those of authors and graders."""
    import course_lib

    seen = 0
    for module in pkgutil.walk_packages(course_lib.__path__, "course_lib."):
        if not module.name.startswith(("course_lib.classroom.authoring", "course_lib.classroom.grading",
                                       "course_lib.__main__")):
            importlib.import_module(module.name)
            seen += 1
    assert seen > 150, seen


def checks():
    """A verdict, a mistake by name, an endless loop that is stopped, hints, the solution, progress."""
    from course_lib.classroom import check, hint, solution
    from course_lib.classroom.checking.start import start
    from course_lib.classroom.checking.time_limit import TooLong, time_limit
    from course_lib.doors.terminal import say
    from course_lib.lab.attempts import standing
    from course_lib.lab.public_checks import load_checks
    from course_lib.lab.standing_table import StandingTable

    def endless(*arguments):
        while True:
            pass

    load_checks("07.1")["folder"]
    check("07.1", endless)
    check("07.1", lambda *arguments: 0)
    hint("07.1")
    solution("07.1")
    say(StandingTable())
    assert standing("07.1").attempts == 2 and standing("07.1").hints == 1
    try:
        with time_limit(0.05):
            endless()
    except TooLong:
        print("stopped")
    path, new = start("12")
    assert new and path.is_file() and start("12") == (path, False)
    assert b"\r" not in path.read_bytes() and not [name for name in os.listdir(path.parent) if ":" in name]


def downloads():
    """From a server on this machine, twice: whole, and found again."""
    import hashlib

    from course_lib.text.download import Download, fetch

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"a\nb\nc")

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    item = Download(name="a.txt", url=f"http://127.0.0.1:{server.server_port}/a.txt", size=5, licence="", substitute="",
                    sha256=hashlib.sha256(b"a\nb\nc").hexdigest())
    path = fetch(item)
    server.shutdown()
    server.server_close()
    assert path.read_bytes() == b"a\nb\nc" and fetch(item) == path


def training(here):
    """A text, its ids, some steps with checkpoints over each other, a resumed run, samples, a model that writes."""
    import torch

    from course_lib.cli.drain import drain
    from course_lib.cli.run import interruptible, set_up
    from course_lib.generation.stopping import complete
    from course_lib.training.checkpoint import load_checkpoint

    folder = pathlib.Path(here, "run")
    common = dict(vocab_size=300, min_chars=60_000, threads=1, eval_every=2, eval_batches=1, save_every=1)
    trainer, *_ = set_up("tiny", "storyworld", folder, max_steps=4, **common)
    with interruptible() as stopped:
        for _ in trainer:
            if trainer.step == 3:
                break
    trainer, *_ = set_up("tiny", "storyworld", folder, resume=True, **common)
    assert trainer.step == 3
    with interruptible() as stopped:
        drain(trainer, stopped)
    assert not [path for path in folder.rglob("*.part")], "nothing is left over"
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix in (".json", ".jsonl"):
            assert b"\r" not in path.read_bytes(), path
            path.read_bytes().decode("utf-8")
        assert not set(path.name) & set('<>:"|?*'), path
    checkpoint = load_checkpoint(folder)
    [text] = complete(checkpoint.model, checkpoint.tokenizer, ["The"], max_new_tokens=5,
                      generator=torch.Generator().manual_seed(0))
    assert text


def looking():
    """Pictures, widgets' states, results, the map, the doctor."""
    import matplotlib.pyplot as plt

    from course_lib.doctor import machine, report, software
    from course_lib.doors.terminal import say
    from course_lib.lab.course_map import CourseMap
    from course_lib.lab.plots import training_curve
    from course_lib.lab.results import load_results, record_result
    from course_lib.lab.widgets import Dashboard

    training_curve([{"step": 1, "loss": 2.0}, {"step": 2, "loss": 1.5}], caption="–", alt="中")
    plt.close("all")
    dashboard = Dashboard([{"step": 1, "loss": 2.0}])
    dashboard.sample(1, "中文 –")
    dashboard.show_samples()
    assert dashboard._repr_mimebundle_() or dashboard.summary
    record_result(lesson="12", model="é 中", corpus="c", parameters=1, tokens=1, seconds=1, bits_per_byte=0.5)
    assert load_results()[-1]["model"] == "é 中" and "done" in CourseMap()._repr_html_()
    found = [look() for look in (software.python, software.torch, software.gpu, machine.cores, machine.memory,
                                 machine.disk, software.widgets, software.font)]
    say(report([*found, *machine.places(), *software.for_contributors()]))


def grading():
    """Grading says that it needs Linux, and does not end in an AttributeError."""
    from course_lib.cli import main

    for more in ([], ["--no-sandbox"]):
        try:
            main(["grade", "12", *more])
        except SystemExit as end:
            assert end.code == 2


if __name__ == "__main__":
    place = sys.argv[1]
    for variable, name in (("WORK", "work"), ("CACHE", "cache")):
        os.environ[f"COURSE_{variable}"] = os.path.join(place, name)
    os.environ.pop("COURSE_DATA", None)
    rob(place)
    for part in (imports, checks, downloads, lambda: training(place), looking, grading):
        part()
    print("done")
