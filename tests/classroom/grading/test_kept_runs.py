"""What a box said is found again for just the submission that it was said of, whoever ran it and however it ended."""

from concurrent.futures import Future

import pytest

from course_lib.classroom.grading import kept_runs
from course_lib.classroom.grading.kept_runs import kept_run, new_run, run_job
from course_lib.classroom.grading.sandbox.limits import Limits
from course_lib.classroom.grading.sandbox.rounds import ASIDE, Run

SAID = Run({"c0": b"[]"}, [{"a": b'{"value": 1}'}], ["a note"], 1.5, 7)
JOB = ([], [], Limits(), True, "f" * 64)


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setattr(kept_runs, "run_submission", lambda *args, **options: SAID)
    return tmp_path / "ann.run"


def future_of(value=None, error=None):
    future = Future()
    future.set_exception(error) if error else future.set_result(value)
    return future


@pytest.mark.parametrize("elsewhere", [True, False])
def test_it_is_the_same_from_a_thread_here_and_from_a_worker_elsewhere(path, elsewhere):
    future = future_of(run_job(*JOB, *([] if elsewhere else [str(path)])))
    assert bool(future.result()) == elsewhere
    assert new_run(path, JOB[-1], future) == SAID == kept_run(path, JOB[-1])


def test_of_another_submission_or_cut_off_it_is_none(path):
    assert kept_run(path, JOB[-1]) is None
    run_job(*JOB, str(path))
    assert kept_run(path, "e" * 64) is None
    whole = path.read_bytes()
    deep = whole[:65] + b"[" * 99_999 + b"\n"
    for broken in (b"", whole[:-1], whole[:70], whole[:65], b"[" * 9999, deep):
        path.write_bytes(broken)
        assert kept_run(path, JOB[-1]) is None


@pytest.mark.parametrize("future", [future_of(error=MemoryError("no room")), future_of(b"nothing\n"), future_of(b"")])
def test_what_failed_on_our_side_says_so_and_is_tried_again(path, future):
    run = new_run(path, JOB[-1], future)
    assert run.notes[0].removeprefix(ASIDE).startswith("the run failed") and not run.said and not path.exists()
