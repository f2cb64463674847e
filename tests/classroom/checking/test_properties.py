"""Rules on drawn values: the same ones every time, the smallest that breaks, within the time."""

import time

import pytest

from course_lib.classroom.checking.properties import EXAMPLES, FEW, first_broken, smallest

SOURCE = "def same(ns, n, x):\n    return ns['f'](n, x), 0.0\n"


@pytest.fixture(autouse=True)
def work(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_WORK", str(tmp_path / "work"))


def far():
    return time.monotonic() + 60


def test_finds_the_smallest():
    found = smallest(lambda e: "too large" if e["n"] >= 7 else "", {"n": (1, 90), "m": (3, 50)}, until=far())
    assert found == ({"n": 7, "m": 3}, "too large")


def test_draws_the_same_every_time_and_not_many():
    runs = []
    for _ in range(2):
        runs.append([])
        assert smallest(lambda e: runs[-1].append(e) or "", {"n": (0, 10**6), "x": (0.0, 1.0)}, until=far()) is None
    assert runs[0] == runs[1] and 10 < len(runs[0]) <= EXAMPLES
    assert all(0 <= e["n"] <= 10**6 and 0 <= e["x"] <= 1 and isinstance(e["x"], float) for e in runs[0])


def test_after_its_time_nothing_new_is_tried():
    tried = []
    assert smallest(lambda e: tried.append(e) or "", {"n": (0, 99)}, until=time.monotonic() - 1) is None
    assert len(tried) == FEW < EXAMPLES
    slow = smallest(lambda e: time.sleep(0.05) or "wrong", {"n": (0, 10**9)}, until=time.monotonic() + 0.12)
    assert slow is not None and slow[1] == "wrong"


def record(**changes):
    rule = {"id": "same", "name": "it is zero", "ranges": {"n": [1, 9], "x": [0.0, 1.0]}}
    settings = {"function": "f", "forbidden": [], "seconds": 5, "tolerance": 1e-4}
    return settings | {"properties": {"source": SOURCE, "list": [rule]}} | changes


def test_what_a_student_reads():
    assert first_broken(record(), {"f": lambda n, x: 0.0}) is None
    broken = first_broken(record(), {"f": lambda n, x: float(n > 3)})
    assert str(broken) == "it breaks a rule: it is zero. With n=4, x=0: what was measured is 1, it should be 0"


def test_an_exception_breaks_a_rule_too():
    def f(n, x):
        return 1 / (n - 2)

    broken = first_broken(record(), {"f": lambda n, x: 0.0 if n != 2 else f(n, x)})
    assert broken.error and broken.example["n"] == 2
    assert "ZeroDivisionError" in broken.message and "1 / (n - 2)" in broken.message


def test_what_an_answer_prints_is_not_printed_again(capsys):
    assert first_broken(record(), {"f": lambda n, x: print("hello") or 0.0}) is None
    assert capsys.readouterr().out == ""
