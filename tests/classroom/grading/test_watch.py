"""Programs in the place of the box's own that do with their pipes what they like: watching them ends in any case."""
# ruff: noqa: E501  (a table, one program a line)

import os
import shlex
import sys
import threading

import pytest

from course_lib.classroom.grading.sandbox import watch
from course_lib.classroom.grading.sandbox.limits import Limits

LIMITS = Limits(seconds=4, cell_seconds=1, probe_seconds=1, grace=0.5, start_seconds=1, output=3 << 20)
FULL = 1 << 20  # more than a pipe holds
STAGES = [{"cells": [{"id": "c0", "source": "#" * FULL}], "skip": {}}]
STAGES += [{"jobs": [{"probes": [{"id": "a"}], "source": "#" * FULL}]}] * 2
CELL = ['{"is": "cell begins", "id": "c0"}', '{"is": "cell", "id": "c0", "outputs": []}', '{"is": "stage done", "stage": 0}']
FIRST = ['{"is": "evidence", "id": "a", "says": {"value": 1}}', '{"is": "stage done", "stage": 1}']
SECOND = ['{"is": "evidence", "id": "a", "says": {"value": 2}}', '{"is": "stage done", "stage": 2}']


def say(*lines):
    return "printf '%s\\n' " + " ".join(map(shlex.quote, lines))


ANSWERS_UNASKED = "; sleep 0.4; ".join([say(*CELL), say(*FIRST), say(*SECOND)])
FILLS = f"{shlex.quote(sys.executable)} -c 'import os\ntry:\n  while 1: os.write(os.open(\"/proc/self/fd/0\", 2 | os.O_NONBLOCK), b\"x\" * 4096)\nexcept OSError: pass'"
PROGRAMS = {
    "says nothing and reads nothing": ("sleep 99", "no answer"),
    "never reads, says all": (ANSWERS_UNASKED, ""),
    "never reads, says all, stays": (f"{ANSWERS_UNASKED}; sleep 99", ""),
    "fills its ear, says all, stays": (f"{FILLS}; {ANSWERS_UNASKED}; sleep 99", ""),
    "fills its ear and stays": (f"{FILLS}; sleep 99", "no answer"),
    "closes its ear, says all": (f"exec 0<&-; {ANSWERS_UNASKED}", ""),
    "closes its ear and stays": ("exec 0<&-; sleep 99", "no answer"),
    "closes its mouth and stays": ("exec 1>&-; sleep 99", "died"),
    "closes everything": ("exec 0<&- 1>&- 2>&-; sleep 99", "died"),
    "leaves its mouth to a child": ("sleep 99 & exit 0", "no answer"),
    "leaves its mouth to a child of another group": ("setsid sleep 99 & exit 0", "no answer"),
    "ends at once": ("exit 0", "died"),
    "complains and ends": ("echo no room >&2; exit 1", "died (no room)"),
    "says yes for ever": ("yes", "not asked"),
    "complains for ever": ("yes >&2", "of output"),
    "says nothing in many lines": ("yes ''", "not asked"),
    "says a message without an end": (f"{say(CELL[0])}; printf %s {shlex.quote(CELL[1][:-2])}; yes | tr '\\n' ' '", "of output"),
    "says zeros": ("cat /dev/zero", "not asked"),
    "says random bytes": ("cat /dev/urandom", "not asked"),
    "says what it hears": ("cat", "not asked"),
    "says all at once": (say(*CELL, *FIRST, *SECOND), "not asked"),
    "says more than was asked": (f"{ANSWERS_UNASKED.removesuffix(say(*SECOND))}{say(*SECOND, *SECOND)}", "not asked"),
    "stops itself": ("kill -STOP $$", "no answer"),
    "drips": ("while :; do printf '{\"is\": \"cell begins\", \"id\": \"c0\"}\\n' | head -c 1; sleep 0.2; done", "not asked"),
}  # fmt: skip


def watched(command, monkeypatch, stages=STAGES):
    """What `run_box` says of a command; fails where it does not end."""
    monkeypatch.setattr(watch, "INSIDE", ["sh", "-c", command])
    found = []
    thread = threading.Thread(target=lambda: found.append(watch.run_box(stages, LIMITS, sandboxed=False)), daemon=True)
    thread.start()
    thread.join(60)  # fifteen times what the limits allow
    assert not thread.is_alive(), "the grader waits for ever"
    return found[0]


@pytest.mark.parametrize("what", PROGRAMS)
def test_it_ends_with_answers_or_a_reason(what, monkeypatch):
    command, reason = PROGRAMS[what]
    before = set(os.listdir("/proc/self/fd"))
    report = watched(command, monkeypatch)
    assert reason in report.stopped if reason else not report.stopped
    assert len(report.evidence) == 2 and "a" in report.evidence[1] or reason
    assert set(os.listdir("/proc/self/fd")) <= before


def test_a_stage_larger_than_a_pipe_arrives_whole(monkeypatch):
    """The writer waits for no one, and still says everything."""
    stage = f"{shlex.quote(sys.executable)} -c 'import sys, json; stage = json.loads(sys.stdin.readline())\nprint(json.dumps("
    stage += "{\"is\": \"cell begins\", \"id\": \"c0\"}))\nprint(json.dumps({\"is\": \"cell\", \"id\": \"c0\", \"outputs\": "
    stage += "[len(stage[\"cells\"][0][\"source\"])]}))\nprint(json.dumps({\"is\": \"stage done\", \"stage\": 0}))'"
    report = watched(stage, monkeypatch, STAGES[:1])
    assert not report.stopped and report.cells == {"c0": b"[%d]" % FULL}
