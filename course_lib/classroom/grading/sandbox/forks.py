"""Work in a child process: where it hangs or dies, it costs itself. Runs in the box; no lesson derives it."""

import contextlib
import json
import os
import select
import signal
import time
from collections.abc import Callable

EVIDENCE = 2_000_000  # bytes of one answer; the grader hears no longer message
TOO_MUCH = "your answer holds too much"


def in_fork(work: Callable[[], dict], seconds: float, room: int) -> tuple[dict, int]:
    """(what `work` returns, its bytes), from a child process; an error where it hangs, dies or says too much."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        with contextlib.suppress(BaseException):
            os.setpgid(0, 0)
            os.close(read)
            try:
                said = work()
            except BaseException as error:
                said = failed("error", f"{type(error).__name__}: {error}"[:500])
            write_all(write, json.dumps(said).encode())
        os._exit(0)
    os.close(write)
    said, heard, until = None, b"", time.monotonic() + seconds
    while said is None:
        left = until - time.monotonic()
        if left <= 0:
            said = failed("timeout", f"no answer after {seconds:.2g} s")
        elif select.select([read], [], [], left)[0]:
            if not (data := os.read(read, 1 << 16)):
                break
            heard += data
            if len(heard) > min(room, EVIDENCE):
                said = failed("unreadable", TOO_MUCH)
    _end(child, os.killpg, os.kill)
    os.close(read)
    if said is None:
        try:
            said = json.loads(heard)
            if len(json.dumps(said)) > EVIDENCE:  # it may have been written without the spaces that are written here
                said = failed("unreadable", TOO_MUCH)
        except (ValueError, RecursionError):
            said = failed("died", "the process died")
    return said, len(heard)


class Trail:
    """Cells one after another, each in a child that goes on as the program if the cell ends well.

    Where it does not, the parent goes on, in which that cell has never run. Threads that a cell started do not come
    along, so a box does this only when one before it has died.
    """

    def __init__(self):
        self.end = None  # open in whichever process goes on; the first one waits for it to be closed

    def step(self, work: Callable[[], None], seconds: float) -> bool:
        """Do `work`; returns True in the process in which it was done, False in one in which it hung or died."""
        first, over = self.end is None, None
        if first:
            over, self.end = os.pipe()
        (read, write), (listen, go) = os.pipe(), os.pipe()
        child = os.fork()
        if not child:
            for one in (read, go, over):
                if one is not None:
                    os.close(one)
            work()
            write_all(write, b"!")
            if not os.read(listen, 1):  # so that a child which is killed has said nothing to anybody else
                os._exit(1)
            os.close(write)
            os.close(listen)
            return True
        os.close(write)
        os.close(listen)
        done = False
        with contextlib.suppress(BrokenPipeError):
            if select.select([read], [], [], max(seconds, 0))[0] and os.read(read, 1):
                write_all(go, b"!")
                done = True
        os.close(read)
        os.close(go)
        if done:
            os.close(self.end)
            if first:
                os.read(over, 1)
            os._exit(0)
        _end(child, os.kill)
        if first:
            os.close(over)
            os.close(self.end)
            self.end = None
        return False

    def finish(self) -> None:
        """Tell the first process that nothing follows, also where something else keeps its pipe open."""
        if self.end is not None:
            write_all(self.end, b"!")


def failed(kind: str, message: str) -> dict:
    """Evidence of something that gave no answer."""
    return {"error": kind, "type": "", "message": message, "line": None}


def write_all(descriptor: int, data: bytes) -> None:
    """Write everything, in as many pieces as it takes."""
    while data:
        data = data[os.write(descriptor, data) :]


def _end(child, *kills):
    for kill in kills:
        with contextlib.suppress(OSError):
            kill(child, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):  # where SIGCHLD is ignored, the kernel has buried it already
        os.waitpid(child, 0)
