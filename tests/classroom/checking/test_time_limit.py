"""A limit stops what runs too long, and leaves no alarm behind."""

import signal
import threading
import time

import pytest

from course_lib.classroom.checking.time_limit import TooLong, time_limit


def test_stops_the_body_even_when_it_catches_exceptions():
    with pytest.raises(TooLong, match="0.05 s"), time_limit(0.05):
        while True:
            try:
                time.sleep(0.01)
            except Exception:
                pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_puts_another_alarm_back():
    heard = []
    before = signal.signal(signal.SIGALRM, lambda *_: heard.append("mine"))
    try:
        signal.setitimer(signal.ITIMER_REAL, 60)
        with time_limit(5):
            pass
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.raise_signal(signal.SIGALRM)
        assert heard == ["mine"]
    finally:
        signal.signal(signal.SIGALRM, before)


def test_other_threads_run_without():
    done = []

    def body():
        with time_limit(1):
            done.append(True)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert done == [True]
