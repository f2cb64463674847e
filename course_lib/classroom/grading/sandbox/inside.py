"""The program in the box: runs the cells, then each probe in a fork of its own. Part of grading; no lesson derives it.

Started as `python -m course_lib.classroom.grading.sandbox.inside`.
Reads stages from its standard input, one JSON line each:

    {"cells": [{"id", "source", "given"}, …], "skip": {id: why}, "stage": 0, "limits": {…}}
    {"jobs": [job, …], "stage": 1, "limits": {…}}        jobs as in checking.probing, each with its seed

and writes to its standard output: cell begins, cell, evidence, stage done. A student's code runs in this process,
so nothing it says is believed; what it does not hold (expected values, solutions, other work) cannot be told.
"""

import contextlib
import functools
import importlib
import json
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable

EVIDENCE = 8_000_000
FILES, RESERVED = 256, 16  # cells that forget to close their files leave a few for the probes


def main() -> None:
    """Work off the stages until there are no more."""
    stages = os.fdopen(os.dup(0), "rb")
    voice = os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)

    def say(**message):
        _write(voice, json.dumps(message).encode() + b"\n")

    first = json.loads(stages.readline())
    limits = first["limits"]
    _set_limits(limits)
    _reserve_files(RESERVED)
    _import(first.get("imports", ()))
    from course_lib.classroom.checking.probing import run_probes
    from course_lib.classroom.grading.sandbox.shell import Outputs, make_shell, run_cell

    outputs = Outputs(limits["shown"])
    shell = make_shell(outputs)
    for cell in first["cells"]:
        outputs.begin()
        say(**{"is": "cell begins", "id": cell["id"]})
        if why := first["skip"].get(cell["id"]):
            outputs.error(RuntimeError, f"this cell was not run: {why}", [])
        else:
            seconds = limits["start_seconds" if cell.get("given") else "cell_seconds"]
            run_cell(shell, outputs, cell["source"], seconds)
        say(**{"is": "cell", "id": cell["id"], "outputs": list(outputs)})
    _reserve_files(0)
    say(**{"is": "stage done", "stage": 0})
    while line := stages.readline():
        stage = json.loads(line)
        for job in stage["jobs"]:
            for probe in job["probes"]:
                id, ask = probe["id"], functools.partial(run_probes, job, shell.user_ns, seed=job["seed"])
                said = _in_fork(lambda ask=ask, id=id: ask(only=[id])[id], limits)
                say(**{"is": "evidence", "id": id, "says": said})
        say(**{"is": "stage done", "stage": stage["stage"]})
    os._exit(0)


def _import(names):
    """Import what the probes will need, once for all their processes."""
    for name in names:
        with contextlib.suppress(Exception):  # no module, as a class is, or missing: whoever needs it will say so
            importlib.import_module(name)


def _set_limits(limits):
    for name, value in {
        "RLIMIT_DATA": limits["memory"],
        "RLIMIT_NPROC": limits["processes"],
        "RLIMIT_FSIZE": limits["disk"],
        "RLIMIT_CPU": int(limits["seconds"]) + 1,
        "RLIMIT_CORE": 0,
        "RLIMIT_NOFILE": FILES,
    }.items():
        which = getattr(resource, name)
        hard = resource.getrlimit(which)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (value, value))


def _reserve_files(count):
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most - count, most))


def _in_fork(work: Callable, limits: dict) -> dict:
    """What `work` returns, from a child process; an error where it hangs, dies or says too much."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        with contextlib.suppress(BaseException):
            os.setpgid(0, 0)
            os.close(read)
            try:
                said = work()
            except BaseException as error:
                said = _failed("error", f"{type(error).__name__}: {error}"[:500])
            _write(write, json.dumps(said).encode())
        os._exit(0)
    os.close(write)
    said, heard, until = None, b"", time.monotonic() + limits["probe_seconds"] + 0.5
    while said is None:
        left = until - time.monotonic()
        if left <= 0:
            said = _failed("timeout", f"no answer after {limits['probe_seconds']:g} s")
        elif select.select([read], [], [], left)[0]:
            if not (data := os.read(read, 1 << 16)):
                break
            heard += data
            if len(heard) > EVIDENCE:
                said = _failed("unreadable", "your answer holds too much")
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(OSError):
            kill(child, signal.SIGKILL)
    os.close(read)
    with contextlib.suppress(ChildProcessError):  # where SIGCHLD is ignored, the kernel has buried it already
        os.waitpid(child, 0)
    if said is None:
        try:
            said = json.loads(heard)
        except ValueError:
            said = _failed("died", "the process died")
    return said


def _failed(kind, message):
    return {"error": kind, "type": "", "message": message, "line": None}


def _write(descriptor, data):
    while data:
        data = data[os.write(descriptor, data) :]


if __name__ == "__main__":
    sys.path[:] = [path for path in sys.path if path]
    main()
