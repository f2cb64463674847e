"""A limit stops what runs too long, with an alarm and without one, and leaves nothing behind."""

import hashlib
import importlib
import signal
import sys
import threading
import time

import pytest

from course_lib.classroom.checking import time_limit as module
from course_lib.classroom.checking.time_limit import TooLong, time_limit

HAS_ALARMS = hasattr(signal, "setitimer")


@pytest.fixture(params=["alarm", "watchdog"] if HAS_ALARMS else ["watchdog"], autouse=True)
def way(request, monkeypatch):
    """Each test runs with alarms, and as on a system that has none."""
    monkeypatch.setattr(module, "AGAIN", 0.2)
    if request.param == "watchdog":
        monkeypatch.delattr(signal, "setitimer", raising=False)
        monkeypatch.delattr(signal, "SIGALRM", raising=False)
    return request.param


def endless():
    while True:
        pass


def swallows_exceptions():
    while True:
        try:
            time.sleep(0.01)
        except Exception:
            pass


def swallows_everything_once():
    try:
        endless()
    except:  # noqa: E722
        endless()


@pytest.mark.parametrize("body", [endless, swallows_exceptions, swallows_everything_once])
def test_stops_the_body(body):
    with pytest.raises(TooLong, match="^no answer after 0.05 s$"), time_limit(0.05):
        body()


def test_leaves_nothing_behind(way):
    for _ in range(20):
        with pytest.raises(TooLong), time_limit(0.01):
            endless()
        with time_limit(60):
            pass
    end = time.monotonic() + 0.5  # an exception or an alarm that was left over would come now
    while time.monotonic() < end:
        hashlib.sha256(b"x").hexdigest()
    assert not [thread for thread in threading.enumerate() if thread.name == "time limit" and way == "alarm"]
    if way == "alarm":
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_body_that_ends_just_then_is_right_or_too_long_and_the_next_is_not_hit():
    for _ in range(300):
        try:
            with time_limit(0.001):
                end = time.perf_counter() + 0.001
                while time.perf_counter() < end:
                    pass
        except TooLong:
            pass
    for _ in range(1000):
        time.perf_counter()


def test_limits_nest():
    with pytest.raises(TooLong, match="0.05 s"), time_limit(30), time_limit(0.05):
        endless()
    with time_limit(30):
        with pytest.raises(TooLong, match="0.05 s"), time_limit(0.05):
            endless()


def test_puts_another_alarm_back(way):
    if way == "watchdog":
        return  # nobody can have set one
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
        with time_limit(0.01):
            time.sleep(0.1)
            done.append(True)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join(30)
    assert done == [True]


def test_another_handler_is_put_back_and_hears_nothing(way):
    number = module._Watchdog.signal if way == "watchdog" else signal.SIGALRM
    heard = []
    before = signal.signal(number, lambda *_: heard.append("mine"))
    try:
        for _ in range(100):
            try:
                with time_limit(0.0005):
                    time.sleep(0.0005)
            except TooLong:
                pass
        time.sleep(0.3)
        assert heard == []
        signal.raise_signal(number)
        assert heard == ["mine"]
    finally:
        signal.signal(number, before)


def test_one_call_that_python_cannot_stop_is_spoken_about(way, capsys):
    """A lock stands for a product of matrices that takes hours: on POSIX an alarm would end this wait."""
    if way == "alarm":
        return
    lock = threading.Lock()
    lock.acquire()
    threading.Timer(1.0, lock.release).start()
    with pytest.raises(TooLong, match="no answer after 0.05 s"), time_limit(0.05):
        lock.acquire()
        endless()
    assert capsys.readouterr().err.count(module.STUCK) == 1


def nested():
    while True:
        try:
            try:
                time.sleep(0.001)
            except:  # noqa: E722
                endless()
        except KeyError:
            pass


def swallows_everything():
    while True:
        try:
            time.sleep(0.001)
        except:  # noqa: E722
            pass


def swallows_everything_it_computes():
    while True:
        try:
            hashlib.sha256(b"x").hexdigest()
        except:  # noqa: E722
            continue


@pytest.mark.parametrize("body", [nested, swallows_everything, swallows_everything_it_computes])
def test_stops_what_swallows_it_for_ever(body):
    for _ in range(3):
        with pytest.raises(TooLong), time_limit(0.05):
            body()
    assert sys.gettrace() is None or "coverage" in repr(sys.gettrace())


def test_work_counts_and_not_the_clock(monkeypatch):
    """On a busy machine the clock on the wall runs on while others work: who waited for them is not stopped."""
    clock = {"work": 0.0}
    monkeypatch.setattr(module.time, "thread_time", lambda: clock["work"])
    monkeypatch.setattr(module, "PATIENCE", 1000)
    end = time.perf_counter() + 0.4
    with time_limit(0.02):
        while time.perf_counter() < end:
            pass
    with pytest.raises(TooLong), time_limit(0.02):
        clock["work"] = 1.0
        endless()


def test_who_only_waits_is_stopped_by_the_clock(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 2)
    with pytest.raises(TooLong), time_limit(0.05):
        while True:
            time.sleep(0.005)


def test_an_import_is_neither_cut_nor_counted(tmp_path, monkeypatch):
    """The import takes ten times the limit, and what comes after it has the whole of its time."""
    (tmp_path / "takes_its_time.py").write_text(
        "import time\nend = time.process_time() + 0.5\nwhile time.process_time() < end:\n    pass\nwhole = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "takes_its_time", raising=False)
    with time_limit(0.05):
        made = importlib.import_module("takes_its_time")
    assert made.whole
    with pytest.raises(TooLong), time_limit(0.05):
        endless()
