"""Stop code that runs too long, from inside the same process. Used by the checks of all lessons."""

import contextlib
import signal
import threading
from collections.abc import Iterator


class TooLong(BaseException):
    """The time is over. Not an Exception, so that an `except Exception:` in the code does not swallow it."""


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TooLong in the body when it is still running after `seconds`.

    Works in the main thread of systems that have alarms; elsewhere (Windows, threads) the body is not stopped.
    An alarm that somebody else has set is put back. Code that never returns to Python is not stopped either.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def over(signum, frame):
        raise TooLong(f"no answer after {seconds:g} s")

    before = signal.signal(signal.SIGALRM, over)
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, left, interval)
        signal.signal(signal.SIGALRM, before)
