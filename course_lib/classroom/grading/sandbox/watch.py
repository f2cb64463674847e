"""Start one box, talk to it, stop it at its limits. Part of grading; no lesson derives it.

What the box says is untrusted, and `messages` says how much of it is heard. Probes are sent only when the cells have
ended, hidden ones only when the public ones have: so nothing a cell prints and no public answer can hold the text of a
hidden probe. Both ends of the conversation are one loop with a clock: the box may fill or close any pipe, stop reading
or never stop to speak, and nothing here waits for it longer than its limits say.
"""

import contextlib
import json
import os
import selectors
import subprocess
import tempfile
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
from course_lib.classroom.grading.sandbox.messages import Listener
from course_lib.classroom.grading.sandbox.seccomp import filter_program
from course_lib.classroom.grading.sandbox.usage import memory_of

TICK = 0.1
PIECE = 1 << 16  # bytes read or written at a time
PATIENCE = 5.0  # seconds that a killed process has to be gone; the kernel takes no longer, or it takes for ever


@dataclass
class BoxReport:
    """What one box said: outputs by cell, evidence by stage and probe, as `messages.Listener` keeps both.

    `stopped` says why it ended early.
    """

    cells: dict[str, bytes] = field(default_factory=dict)
    evidence: list[dict[str, bytes]] = field(default_factory=list)
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
    # Without buffers of this side: to close a pipe never means to write what is left into it.
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "bufsize": 0}
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
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE)
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
        self.ear, self.stage, self.peak, self.complaint = Listener(), -1, 0, b""
        self.began = self.heard = time.monotonic()
        self.received, self.unsent = 0, memoryview(b"")
        self.given = {None, *(cell["id"] for cell in stages[0]["cells"] if cell.get("given"))}

    def report(self):
        stopped, measured = "", 0.0
        with selectors.DefaultSelector() as selector:
            for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
                os.set_blocking(pipe.fileno(), False)
            for pipe in (self.process.stdout, self.process.stderr):
                selector.register(pipe, selectors.EVENT_READ)
            while not stopped and self._asked(selector) and self.process.stdout in selector.get_map():
                for key, _ in selector.select(TICK):
                    if key.fileobj is self.process.stdin:
                        self._write(selector)
                    else:
                        self._read(key.fileobj, selector)
                stopped = self.ear.stopped
                if not stopped and time.monotonic() - measured > TICK:
                    measured = time.monotonic()
                    stopped = self._exceeded()
        if not stopped and not self.ear.done:
            stopped = f"the process died{self._last_words()}"
        return BoxReport(self.ear.cells, self.ear.evidence, self.ear.current, stopped, self.peak)

    def _asked(self, selector):
        """Whether the box has something to say; sends the next stage when it has answered the last."""
        if self.ear.done and self.stage + 1 < len(self.stages):
            self.stage += 1
            stage = {**self.stages[self.stage], "stage": self.stage, "limits": self.limits.to_dict()}
            self.ear.ask(stage)
            if not self.unsent:
                selector.register(self.process.stdin, selectors.EVENT_WRITE)
            self.unsent = memoryview(bytes(self.unsent) + json.dumps(stage).encode() + b"\n")
        return not self.ear.done

    def _write(self, selector):
        try:
            self.unsent = self.unsent[os.write(self.process.stdin.fileno(), self.unsent[:PIECE]) :]
        except BlockingIOError:
            return
        except OSError:  # it has closed its ear; what it says, or that it says nothing, decides
            self.unsent = memoryview(b"")
        if not self.unsent:
            selector.unregister(self.process.stdin)

    def _read(self, pipe, selector):
        data = os.read(pipe.fileno(), PIECE)
        self.received += len(data)
        if not data:
            selector.unregister(pipe)
        elif pipe is self.process.stderr:
            self.complaint = (self.complaint + data)[-4000:]
        elif self.ear.hear(data):
            self.heard = time.monotonic()

    def _last_words(self):
        """What its standard error held, but only before the first cell: later it could be a student's, of a probe."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(1)
        begun = self.stage > 0 or self.ear.current is not None or self.ear.cells
        last = "" if begun else self.complaint.decode(errors="replace").strip()[-300:]
        return f" ({last})" if last else ""

    def _exceeded(self):
        """Which limit was passed; empty when none was."""
        now, limits = time.monotonic(), self.limits
        memory = memory_of(self.process.pid, self.folders)
        self.peak = max(self.peak, memory)
        starting = limits.start_seconds if self.stage == 0 and self.ear.current in self.given else 0
        if now - self.began > limits.seconds:
            return f"longer than {limits.seconds:g} s"
        if now - self.heard > limits.silence + starting:
            return f"no answer for {limits.silence:g} s"
        if memory > limits.memory:
            return f"more than {limits.memory >> 20} MB of memory"
        if self.received > limits.output:
            return f"more than {limits.output >> 20} MB of output"
        return ""
