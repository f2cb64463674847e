"""Start one box, talk to it, stop it at its limits. Part of grading; no lesson derives it.

What the box says is a stream of JSON lines, all of it untrusted: lines that do not parse are dropped, and the stages
follow the order in which this side sent them. Probes are sent only when the cells have ended, hidden ones only when
the public ones have: so nothing a cell prints and no public answer can hold the text of a hidden probe.
"""

import contextlib
import json
import os
import selectors
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from course_lib.classroom.grading.sandbox.bubblewrap import (
    ENVIRONMENT,
    FOLDERS,
    INSIDE,
    NOTHING,
    box_command,
    python_settings,
    require_linux,
    require_sandbox,
)
from course_lib.classroom.grading.sandbox.cgroup import control_group, in_group
from course_lib.classroom.grading.sandbox.limits import Limits
from course_lib.classroom.grading.sandbox.seccomp import filter_program
from course_lib.classroom.grading.sandbox.usage import memory_of

TICK = 0.1


@dataclass
class BoxReport:
    """What one box said: outputs by cell, evidence by stage and probe; `stopped` says why it ended early."""

    cells: dict[str, list] = field(default_factory=dict)
    evidence: list[dict[str, dict]] = field(default_factory=list)
    current: str | None = None  # the cell at work when it ended
    stopped: str = ""
    peak: int = 0  # bytes


def run_box(stages: list[dict], limits: Limits, *, sandboxed: bool = True) -> BoxReport:
    """Send the stages one by one to a new box and collect what it says; never raises for what the box does.

    Raises NoSandbox where there can be none.

    Args:
        stages: first {"cells": …, "skip": …}, then any number of {"jobs": …}; see `inside`.
        limits: of this box.
        sandboxed: False runs the same program without a sandbox, for work that is trusted.
    """
    with _started(limits, sandboxed) as process:
        return _Conversation(process, stages, limits, FOLDERS if sandboxed else ()).report()


@contextlib.contextmanager
def _started(limits, sandboxed) -> Iterator[subprocess.Popen]:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    own = tempfile.TemporaryDirectory(prefix="course-box-", ignore_cleanup_errors=True)
    with own as folder, contextlib.ExitStack() as groups:
        if sandboxed:
            require_sandbox()
            group = groups.enter_context(control_group(limits))
            given = [_readable(data) for data in (filter_program(), python_settings())]
            try:
                command = in_group(group, box_command(limits, *given))
                process = subprocess.Popen(command, env=NOTHING, pass_fds=given, **pipes)
            finally:
                for one in given:
                    os.close(one)
        else:
            require_linux()
            own = {name: value.replace("/tmp/box", folder) for name, value in ENVIRONMENT.items()}
            environment = {**os.environ, **own, "PATH": os.environ.get("PATH", "")}
            process = subprocess.Popen(INSIDE, env=environment, cwd=folder, start_new_session=True, **pipes)
        try:
            yield process
        finally:
            process.kill()  # of a sandbox: its first process, and with it every other one
            if not sandboxed:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, 9)
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                with contextlib.suppress(OSError):
                    pipe.close()


def _readable(data):
    """A descriptor from which a little data is read."""
    read, write = os.pipe()
    os.write(write, data)
    os.close(write)
    return read


class _Conversation:
    def __init__(self, process, stages, limits, folders):
        self.process, self.stages, self.limits, self.folders = process, stages, limits, folders
        self.said, self.stage, self.waiting = BoxReport(), -1, ""
        self.began = self.heard = time.monotonic()
        self.received, self.buffer, self.complaint = 0, b"", b""
        self.given = {None, *(cell["id"] for cell in stages[0]["cells"] if cell.get("given"))}

    def report(self):
        self._send_next()
        with selectors.DefaultSelector() as selector:
            for pipe in (self.process.stdout, self.process.stderr):
                os.set_blocking(pipe.fileno(), False)
                selector.register(pipe, selectors.EVENT_READ)
            measured = 0.0
            while not self.said.stopped and self.process.stdout in {k.fileobj for k in selector.get_map().values()}:
                for key, _ in selector.select(TICK):
                    self._read(key.fileobj, selector)
                if time.monotonic() - measured > TICK:
                    measured = time.monotonic()
                    self.said.stopped = self.said.stopped or self._exceeded()
        if not self.said.stopped and self.stage < len(self.stages):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(1)
            # Only before the first cell: later on it could be a student's code that speaks, of a hidden probe.
            begun = self.stage > 0 or self.said.current is not None
            last = "" if begun else self.complaint.decode(errors="replace").strip()[-300:]
            self.said.stopped = f"the process died{f' ({last})' if last else ''}"
        return self.said

    def _read(self, pipe, selector):
        data = pipe.read(1 << 18)
        if data is None:
            return
        if not data:
            selector.unregister(pipe)
        elif pipe is self.process.stderr:
            self.complaint = (self.complaint + data)[-4000:]
        else:
            self.received += len(data)
            *lines, self.buffer = (self.buffer + data).split(b"\n")
            for line in lines:
                with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError, RecursionError):
                    self._hear(json.loads(line))

    def _hear(self, message):
        said, kind = self.said, message["is"]
        if kind == "stage done" and message["stage"] == self.stage:
            self._send_next()
        elif kind == "cell begins" and self.stage == 0:
            said.current = str(message["id"])
        elif kind == "cell" and self.stage == 0 and isinstance(message["outputs"], list):
            said.cells.setdefault(str(message["id"]), message["outputs"])
        elif kind == "evidence" and self.stage > 0 and isinstance(message["says"], dict):
            said.evidence[self.stage - 1].setdefault(str(message["id"]), message["says"])
        else:
            return
        self.heard = time.monotonic()

    def _send_next(self):
        """Hand over the next stage; after the last one, close the box's ear so that it ends."""
        self.stage += 1
        if self.stage == len(self.stages):
            with contextlib.suppress(OSError):
                self.process.stdin.close()
            return
        if self.stage > 0:
            self.said.evidence.append({})
            self.said.current = None
        line = json.dumps({**self.stages[self.stage], "stage": self.stage, "limits": self.limits.to_dict()})
        threading.Thread(target=self._send, args=(line.encode() + b"\n",), daemon=True).start()

    def _send(self, line):
        with contextlib.suppress(OSError, ValueError):
            self.process.stdin.write(line)
            self.process.stdin.flush()

    def _exceeded(self):
        """Which limit was passed; empty when none was."""
        now, limits = time.monotonic(), self.limits
        memory = memory_of(self.process.pid, self.folders)
        self.said.peak = max(self.said.peak, memory)
        starting = limits.start_seconds if self.stage == 0 and self.said.current in self.given else 0
        if now - self.began > limits.seconds:
            return f"longer than {limits.seconds:g} s"
        if self.stage >= len(self.stages) and now - self.heard > limits.grace:
            return "does not end"
        if now - self.heard > limits.silence + starting:
            return f"no answer for {limits.silence:g} s"
        if memory > limits.memory:
            return f"more than {limits.memory >> 20} MB of memory"
        if self.received > limits.output or len(self.buffer) > limits.output:
            return f"more than {limits.output >> 20} MB of output"
        return ""
