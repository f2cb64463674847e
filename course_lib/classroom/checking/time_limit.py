"""Stop code that runs too long, from inside the same process. Used by the checks of all lessons.

A signal raises TooLong in the main thread, before its next line of Python: an alarm where the system has them, which
also ends most waiting; elsewhere (Windows) a watchdog, a thread that plays the part of the alarm. Neither stops one
call that does not come back to Python, such as a product of matrices that takes hours; the watchdog says so.

What counts is the processor's time of this thread, so that a busy or slow machine stops nobody who is nearly done; only
who waits and does nothing is stopped by the clock on the wall, after a multiple of it. An import is never stopped and
never counted: half a library cannot be imported again, and the next check would meet its ruins.
"""

import _thread
import signal
import sys
import threading
import time

AGAIN = 2.0  # seconds after which one looks again: there is time left, or a bare `except:` has swallowed TooLong
SOON = 0.05  # seconds, once it has been swallowed
PATIENCE = 4  # how much longer than the limit may be waited, sleep and other programs included
IMPORTS = "<frozen importlib._bootstrap>"
STUCK = "(still inside one call that Python cannot stop from here: interrupt the kernel, or restart it)"


class TooLong(BaseException):
    """The time is over. Not an Exception, so that an `except Exception:` in the code does not swallow it."""


class time_limit:
    """In `with time_limit(5):`, raise TooLong when the body is still running after 5 seconds of work.

    Only in the main thread: elsewhere the body is not stopped. An alarm that somebody else has set is put back.
    """

    def __init__(self, seconds: float):
        self.seconds = seconds
        self.clock: _Alarm | _Watchdog | None = None
        self.raised, self.tracing = 0, None

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            self.clock = _Alarm() if hasattr(signal, "setitimer") else _Watchdog()
            self.outside, self.tracer = sys._getframe(1), sys.gettrace()
            self.before = signal.signal(self.clock.signal, self._over)
            self._begin()
            self.clock.start(self.seconds)

    def __exit__(self, *error: object) -> None:
        if self.clock is not None:
            self.clock.stop()
            signal.signal(self.clock.signal, signal.SIG_DFL if self.before is None else self.before)
            if self.raised > 1:
                sys.settrace(self.tracer)

    def _begin(self):
        self.work, self.wall = time.thread_time(), time.monotonic()

    def _over(self, signum, frame):
        frames = []  # those that the body has called
        step = frame
        while step is not None and step is not self.outside:
            if step.f_code in OURS:
                return  # too late to raise: the body is over, and what it has left behind must be put in order
            frames.append(step)
            step = step.f_back
        if _imports(frame):
            self._begin()
            return
        worked, waited = time.thread_time() - self.work, time.monotonic() - self.wall
        if worked >= self.seconds or waited >= PATIENCE * self.seconds:
            self._raise(frames)

    def _raise(self, frames):
        self.raised += 1
        if self.raised > 1:  # swallowed: it is raised once more in the very handler that swallows it
            def trace(frame, event, arg):
                if event == "line":
                    raise self._error()  # frames that begin from now on have no part in this: event "call" gives None

            for one in frames:
                one.f_trace = trace
            sys.settrace(trace)
        self.clock.again(SOON)
        raise self._error()

    def _error(self):
        return TooLong(f"no answer after {self.seconds:g} s")


OURS = {time_limit.__enter__.__code__, time_limit.__exit__.__code__}


class _Alarm:
    """The system's own."""

    @property
    def signal(self):
        return signal.SIGALRM

    def start(self, seconds):
        self.left, self.interval = signal.setitimer(signal.ITIMER_REAL, seconds, _pause(seconds))

    def again(self, seconds):
        signal.setitimer(signal.ITIMER_REAL, seconds, seconds)

    def stop(self):
        signal.setitimer(signal.ITIMER_REAL, self.left, self.interval)


class _Watchdog:
    """A thread that lets Python believe in a signal that nobody sent: SIGTERM, which even Windows has."""

    signal = signal.SIGTERM

    def start(self, seconds):
        self.done, self.turn, self.wait = threading.Event(), threading.Lock(), _pause(seconds)
        threading.Thread(target=self._watch, args=(seconds,), name="time limit", daemon=True).start()

    def again(self, seconds):
        self.wait = seconds

    def stop(self):
        with self.turn:  # after this, no signal is on its way that has not arrived
            self.done.set()

    def _watch(self, seconds):
        main, wait, told = threading.main_thread().ident, seconds, False
        while not self.done.wait(wait):
            with self.turn:
                if not self.done.is_set():
                    _thread.interrupt_main(self.signal)
            place, wait = _place(main), self.wait
            time.sleep(wait / 2)
            same = place is not None and place == _place(main) and not _imports(sys._current_frames().get(main))
            if same and not told and not self.done.is_set():
                print(STUCK, file=sys.stderr, flush=True)
                told = True


def _imports(frame):
    """Whether a frame stands, somewhere, on an import."""
    while frame is not None:
        if frame.f_code.co_filename == IMPORTS:
            return True
        frame = frame.f_back
    return False


def _pause(seconds):
    return max(SOON, min(AGAIN, seconds / 4))


def _place(thread):
    """The line of Python that a thread is in, and how far: it is in one call as long as this stays the same."""
    frame = sys._current_frames().get(thread)
    return None if frame is None else (id(frame), frame.f_lasti)
