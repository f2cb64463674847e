"""Stop code that runs too long, from inside the same process. Used by the checks of all lessons.

A signal raises TooLong in the main thread, before its next line of Python: an alarm where the system has them, which
also ends most waiting; elsewhere (Windows) a watchdog, a thread that plays the part of the alarm. Neither stops one
call that does not come back to Python, such as a product of matrices that takes hours; the watchdog says so.
"""

import _thread
import signal
import sys
import threading
import time

AGAIN = 2.0  # seconds after which it is raised once more: a bare `except:` may have swallowed it
STUCK = "(still inside one call that Python cannot stop from here: interrupt the kernel, or restart it)"


class TooLong(BaseException):
    """The time is over. Not an Exception, so that an `except Exception:` in the code does not swallow it."""


class time_limit:
    """In `with time_limit(5):`, raise TooLong when the body is still running after 5 seconds.

    Only in the main thread: elsewhere the body is not stopped. An alarm that somebody else has set is put back.
    """

    def __init__(self, seconds: float):
        self.seconds = seconds
        self.clock: _Alarm | _Watchdog | None = None

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            self.clock = _Alarm() if hasattr(signal, "setitimer") else _Watchdog()
            self.before = signal.signal(self.clock.signal, self._over)
            self.clock.start(self.seconds)

    def __exit__(self, *error: object) -> None:
        if self.clock is not None:
            self.clock.stop()
            signal.signal(self.clock.signal, signal.SIG_DFL if self.before is None else self.before)

    def _over(self, signum, frame):
        while frame is not None:
            if frame.f_code in OURS:
                return  # too late to raise: the body is over, and what it has left behind must be put in order
            frame = frame.f_back
        raise TooLong(f"no answer after {self.seconds:g} s")


OURS = {time_limit.__enter__.__code__, time_limit.__exit__.__code__}


class _Alarm:
    """The system's own."""

    @property
    def signal(self):
        return signal.SIGALRM

    def start(self, seconds):
        self.left, self.interval = signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)

    def stop(self):
        signal.setitimer(signal.ITIMER_REAL, self.left, self.interval)


class _Watchdog:
    """A thread that lets Python believe in a signal that nobody sent: SIGTERM, which even Windows has."""

    signal = signal.SIGTERM

    def start(self, seconds):
        self.done, self.turn = threading.Event(), threading.Lock()
        threading.Thread(target=self._watch, args=(seconds,), name="time limit", daemon=True).start()

    def stop(self):
        with self.turn:  # after this, no signal is on its way that has not arrived
            self.done.set()

    def _watch(self, seconds):
        main, wait, told = threading.main_thread().ident, seconds, False
        while not self.done.wait(wait):
            with self.turn:
                if not self.done.is_set():
                    _thread.interrupt_main(self.signal)
            place, wait = _place(main), AGAIN
            time.sleep(AGAIN / 2)
            if not told and place is not None and place == _place(main) and not self.done.is_set():
                print(STUCK, file=sys.stderr, flush=True)
                told = True


def _place(thread):
    """The line of Python that a thread is in, and how far: it is in one call as long as this stays the same."""
    frame = sys._current_frames().get(thread)
    return None if frame is None else (id(frame), frame.f_lasti)
