"""The same grades from threads and from a Dask cluster, one of whose two workers is killed in the middle."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from course_lib.classroom.grading.cluster import workers

SOFTMAX = "def softmax(scores):\n    return np.ones(scores.shape) / scores.shape[-1]"
RUNNING = "def running_mean(x):\n    return np.cumsum(x) / np.arange(1, len(x) + 1)"


@contextlib.contextmanager
def cluster(folder):
    """(address, workers' processes) of a scheduler with two workers of one thread each."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    address, log = f"tcp://127.0.0.1:{port}", open(folder / "dask.log", "w")
    start = {"cwd": folder, "stdout": log, "stderr": log, "start_new_session": True}
    python, here = [sys.executable, "-m"], ["--host", "127.0.0.1", "--port", str(port)]
    scheduler = [*python, "distributed.cli.dask_scheduler", *here, "--no-dashboard"]
    worker = [*python, "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
    started = [subprocess.Popen(command, **start) for command in (scheduler, worker, worker)]
    try:
        yield address, started[1:]
    finally:
        for process in started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        log.close()


def written(folder):
    """When each file was written."""
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.json")}


def kill_after_the_first(process, evidence, before):
    """Kill a worker as soon as the first of six results is there: it is at work on another one, or about to be."""
    while written(evidence) == before:
        time.sleep(0.02)
    process.kill()


def test_a_worker_killed_in_the_middle_changes_no_grade(classroom, toy, tmp_path):
    for number in range(6):
        classroom.put(f"s{number}", toy(SOFTMAX if number % 2 else None, RUNNING if number % 3 else None))
    classroom.collect()
    _, here = classroom.grade_all()
    evidence = classroom.course.results("90_toy")
    before = written(evidence)
    with cluster(tmp_path) as (address, processes):
        killer = threading.Thread(target=kill_after_the_first, args=(processes[0], evidence, before), daemon=True)
        killer.start()
        results, there = classroom.grade_all(scheduler=address, again=True)
        killer.join(10)
        assert processes[0].poll() == -signal.SIGKILL
    assert {s: row.score for s, row in there.items()} == {s: row.score for s, row in here.items()}
    assert all(result.notes == [] for result in results.values())


def test_no_workers_are_refused():
    with pytest.raises(ValueError, match="at least one sandbox"), workers(0):
        time.sleep(0)
