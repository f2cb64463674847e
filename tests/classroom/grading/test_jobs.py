"""The line of submissions: few are read ahead, what is known needs no sandbox, and a failure costs one student."""

from concurrent.futures import Future
from datetime import UTC, datetime

import nbformat
import pytest

from course_lib.classroom.grading import jobs as module
from course_lib.classroom.grading.jobs import AHEAD, Job, runs
from course_lib.classroom.grading.sandbox.limits import Limits
from course_lib.classroom.grading.sandbox.rounds import Run

HOW = ([], Limits(), True)


class Executor:
    """Two at once; each job ends as soon as somebody waits for it."""

    at_once = 2

    def __init__(self):
        self.submitted = []

    def submit(self, run, cells, *how):
        future = Future()
        self.submitted.append((cells[0]["id"], future))
        return future

    @staticmethod
    def as_completed(futures):
        for future in futures:
            future.set_result(b"")
            yield future


@pytest.fixture
def class_of(tmp_path, monkeypatch):
    """(an executor, the jobs of so many students, the names of those that were read); what ran is what was kept."""
    monkeypatch.setattr(module, "new_run", lambda path, fingerprint, future: Run(notes=[f"ran {path.name}"]))
    monkeypatch.setattr(module, "kept_run", lambda path, fingerprint: None)

    def make(count, **changes):
        read = []

        def jobs():
            for number in range(count):
                read.append(number)
                settings = dict(student=f"s{number}", notebook=nbformat.v4.new_notebook(), notes=[], unreadable="",
                                received=datetime.now(UTC), cells=[{"id": number}], fingerprint="f",
                                path=tmp_path / f"{number}.run")
                yield Job(**settings | changes.get(f"s{number}", {}))

        return Executor(), jobs(), read

    return make


def test_each_has_its_own_run_and_few_are_read_ahead(class_of):
    executor, jobs, read = class_of(9)
    done = runs(executor, jobs, HOW, again=False)
    job, run = next(done)
    assert run.notes == [f"ran {job.path.name}"] and len(read) == AHEAD * executor.at_once
    assert {job.student, *(job.student for job, run in done if run.notes == [f"ran {job.path.name}"])} == {
        f"s{number}" for number in range(9)}


def test_what_is_known_or_cannot_be_read_needs_no_sandbox(class_of, monkeypatch):
    kept = {"1.run": Run(notes=["kept"])}
    monkeypatch.setattr(module, "kept_run", lambda path, fingerprint: kept.get(path.name))
    executor, jobs, _ = class_of(3, s2={"unreadable": "no notebook"})
    found = {job.student: run.notes for job, run in runs(executor, jobs, HOW, again=False)}
    assert found == {"s0": ["ran 0.run"], "s1": ["kept"], "s2": []} and [id for id, _ in executor.submitted] == [0]
    executor, jobs, _ = class_of(3)
    assert {tuple(run.notes) for _, run in runs(executor, jobs, HOW, again=True)} == {
        (f"ran {number}.run",) for number in range(3)}


@pytest.mark.parametrize("what", ["kept_run", "new_run"])
def test_a_failure_costs_one_student(class_of, monkeypatch, what):
    before = getattr(module, what)

    def fails(path, *more):
        if path.name == "1.run":
            raise RecursionError("deep")
        return before(path, *more)

    monkeypatch.setattr(module, what, fails)
    executor, jobs, _ = class_of(3)
    found = {job.student: run.notes for job, run in runs(executor, jobs, HOW, again=False)}
    assert found["s0"] == ["ran 0.run"] and found["s2"] == ["ran 2.run"]
    assert "the run failed: RecursionError: deep" in found["s1"][0]


def test_who_stops_cancels_what_waits(class_of):
    executor, jobs, _ = class_of(9)
    done = runs(executor, jobs, HOW, again=False)
    next(done)
    done.close()
    assert sum(future.cancelled() for _, future in executor.submitted) == AHEAD * executor.at_once - 1
