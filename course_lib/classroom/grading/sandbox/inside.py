"""The program in the box: runs the cells, then each probe in a fork of its own. Part of grading; no lesson derives it.

Started as `python -m course_lib.classroom.grading.sandbox.inside`.
Reads stages from its standard input, one JSON line each:

    {"cells": [{"id", "source", "given"}, …], "skip": {id: why}, "careful": …, "stage": 0, "limits": {…}}
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
import sys
import time

from course_lib.classroom.grading.sandbox.forks import Trail, in_fork, write_all
from course_lib.classroom.grading.sandbox.limits import Limits, Shared
from course_lib.classroom.grading.sandbox.messages import evidence_id

LATE = 0.25  # seconds that something which is stopped has to end
ANSWERS, SMALL = 3_000_000, 32_000  # bytes of all answers; when they are spent, of each that follows
SIGNALS = 1024  # waiting ones, and timers
FILES, RESERVED = 256, 16  # cells that forget to close their files leave a few for the probes


def main() -> None:
    """Work off the stages until there are no more."""
    stages = os.fdopen(os.dup(0), "rb")
    voice = os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)

    def say(**message):
        write_all(voice, json.dumps(message).encode() + b"\n")

    first = json.loads(stages.readline())
    limits = Limits(**first["limits"])
    _set_limits(limits)
    _reserve_files(RESERVED)
    _import(first.get("imports", ()))
    trail = Trail()
    shell = _run_cells(first, limits, say, trail)
    _reserve_files(0)
    say(**{"is": "stage done", "stage": 0})
    ours, room = (voice, stages.fileno()), ANSWERS
    while line := stages.readline():
        stage = json.loads(line)
        room = _run_probes(stage["jobs"], shell.user_ns, limits, say, ours, room)
        say(**{"is": "stage done", "stage": stage["stage"]})
    trail.finish()
    os._exit(0)


def _import(names):
    """Import what the probes will need, once for all their processes."""
    for name in names:
        with contextlib.suppress(Exception):  # no module, as a class is, or missing: whoever needs it will say so
            importlib.import_module(name)


def _run_cells(first, limits, say, trail):
    """The shell in which the cells have run."""
    from course_lib.classroom.grading.sandbox.shell import Outputs, make_shell, run_cell

    outputs = Outputs(limits.shown)
    shell = make_shell(outputs)
    shared = Shared(limits.of_cells, sum(not cell.get("given") for cell in first["cells"]))
    for cell in first["cells"]:
        id, given = cell["id"], cell.get("given")
        outputs.begin()
        say(**{"is": "cell begins", "id": id})
        if why := first["skip"].get(id):
            outputs.error(RuntimeError, f"this cell was not run: {why}", [])
        elif given:
            run_cell(shell, outputs, cell["source"], limits.start_seconds)
        else:
            allowed, began = shared.allow(limits.cell_seconds, id), time.monotonic()
            run = functools.partial(run_cell, shell, outputs, cell["source"], allowed)
            if not first.get("careful"):
                run()
            elif not trail.step(run, allowed + LATE):
                outputs.error(RuntimeError, "this cell ended the program, or did not end itself", [])
            shared.spend(time.monotonic() - began, allowed, id)
        say(**{"is": "cell", "id": id, "outputs": list(outputs)})
    return shell


def _run_probes(jobs, names, limits, say, ours, room):
    """Say what each probe answers; returns the room that is left for answers."""
    from course_lib.classroom.checking.probing import run_probes

    shared = Shared(limits.of_stage, sum(len(job["probes"]) for job in jobs))
    for job in jobs:
        for probe in job["probes"]:
            id, ask = probe["id"], functools.partial(run_probes, job, names, seed=job["seed"])
            kept_under = evidence_id(job, probe)
            allowed, began = shared.allow(limits.probe_seconds + LATE, job["function"]), time.monotonic()
            said, size = in_fork(functools.partial(_answer, ask, id, ours), allowed, max(room, SMALL))
            shared.spend(time.monotonic() - began, allowed, job["function"])
            room -= size
            say(**{"is": "evidence", "id": kept_under, "says": said})
    return room


def _answer(ask, id, ours):
    for descriptor in ours:  # what an answer writes to every file that is open ends no conversation
        os.close(descriptor)
    return ask(only=[id])[id]


def _set_limits(limits):
    for name, value in {
        "RLIMIT_DATA": limits.memory,
        "RLIMIT_NPROC": limits.processes,
        "RLIMIT_FSIZE": limits.disk,
        "RLIMIT_CPU": int(limits.seconds) + 1,
        "RLIMIT_CORE": 0,
        "RLIMIT_NOFILE": FILES,
        "RLIMIT_SIGPENDING": SIGNALS,
        "RLIMIT_MSGQUEUE": 0,
        "RLIMIT_MEMLOCK": 0,
    }.items():
        which = getattr(resource, name)
        hard = resource.getrlimit(which)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (value, value))


def _reserve_files(count):
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most - count, most))


if __name__ == "__main__":
    sys.path[:] = [path for path in sys.path if path]
    main()
