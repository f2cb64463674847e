import os
import signal

import pytest

from course_lib.training.disk import CheckpointError, write_file
from course_lib.training.run_folder import (
    append_record,
    checkpoint_names,
    find_checkpoint,
    last_checkpoint,
    new_checkpoint,
    open_run,
    pointed_at,
)


def save(out, step, *, best=False):
    with new_checkpoint(out, step, best=best) as folder:
        write_file(folder / "config.json", b"%d" % step)
        write_file(folder / "weights", b"%d" % step * 1000)


def is_whole(folder):
    step = int(folder.name.removeprefix("step-"))
    return (folder / "config.json").read_bytes() == b"%d" % step and \
        (folder / "weights").read_bytes() == b"%d" % step * 1000


def test_latest_and_best_are_kept_and_the_rest_goes(tmp_path):
    save(tmp_path, 1)
    save(tmp_path, 2, best=True)
    save(tmp_path, 3)
    save(tmp_path, 4)
    assert pointed_at(tmp_path) == {"latest": "step-000004", "best": "step-000002"}
    assert checkpoint_names(tmp_path) == {"step-000002", "step-000004"}
    assert find_checkpoint(tmp_path).name == "step-000004" and is_whole(find_checkpoint(tmp_path, "best"))
    assert find_checkpoint(tmp_path / "step-000002", "latest").name == "step-000002"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["best", "latest", "step-000002", "step-000004"]


def test_one_step_can_become_best_after_it_was_saved(tmp_path):
    save(tmp_path, 5)
    save(tmp_path, 5, best=True)
    assert pointed_at(tmp_path) == {"latest": "step-000005", "best": "step-000005"}
    assert is_whole(tmp_path / "step-000005")


def test_a_failure_while_writing_leaves_the_last_checkpoint(tmp_path):
    save(tmp_path, 1)
    with pytest.raises(ZeroDivisionError), new_checkpoint(tmp_path, 2) as folder:
        write_file(folder / "config.json", b"half")
        raise ZeroDivisionError
    assert find_checkpoint(tmp_path).name == "step-000001"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["latest", "step-000001"]


def test_a_run_is_not_started_on_top_of_another(tmp_path):
    out = open_run(tmp_path / "a" / "run")
    append_record(out, {"step": 1, "loss": 2.5})
    assert (out / "metrics.jsonl").read_text() == '{"step": 1, "loss": 2.5}\n'
    assert open_run(out) == out and (out / "metrics.jsonl").read_text() == "", "nothing was saved: begin again"
    assert last_checkpoint(out) is None and last_checkpoint(None) is None
    save(out, 1)
    assert last_checkpoint(out).name == "step-000001"
    with pytest.raises(CheckpointError, match="already holds a run; resume it"):
        open_run(out)


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(CheckpointError, match="there is no folder"):
        find_checkpoint(tmp_path / "nowhere")
    with pytest.raises(CheckpointError, match="holds no latest checkpoint"):
        find_checkpoint(tmp_path)
    save(tmp_path, 1)
    with pytest.raises(CheckpointError, match="holds no best checkpoint"):
        find_checkpoint(tmp_path, "best")
    (tmp_path / "latest").write_text("../elsewhere\n")
    with pytest.raises(CheckpointError, match="names '../elsewhere', which is not there.*step-000001"):
        find_checkpoint(tmp_path)


def kill_at_disk_operation(n):
    """From now on count what this process asks of the disk, and kill it before the n-th request."""
    count = iter(range(1, 1000))

    def counting(real):
        def request(*args, **more):
            if next(count) == n:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **more)
        return request

    for name in ("mkdir", "open", "fsync", "replace", "unlink", "rmdir"):
        setattr(os, name, counting(getattr(os, name)))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork (Linux, macOS)")
def test_a_kill_between_any_two_disk_operations_leaves_a_checkpoint_that_loads(tmp_path):
    """A child is killed at its n-th disk operation, for every n; then the run must load and go on."""
    survived, n = [], 0
    while True:
        n, out = n + 1, tmp_path / str(n)
        save(out, 1, best=True)
        save(out, 2)
        if (child := os.fork()) == 0:
            kill_at_disk_operation(n)
            save(out, 3, best=True)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            break
        assert os.WTERMSIG(status) == signal.SIGKILL
        survived.append(find_checkpoint(out).name)
        assert is_whole(find_checkpoint(out)) and is_whole(find_checkpoint(out, "best"))
        save(out, 3, best=True)
        save(out, 4)
        assert pointed_at(out) == {"latest": "step-000004", "best": "step-000003"}
        assert sorted(entry.name for entry in out.iterdir()) == ["best", "latest", "step-000003", "step-000004"]
    assert len(survived) >= 15 and set(survived) == {"step-000002", "step-000003"}
    assert survived == sorted(survived), "once the new one is named, the old one never comes back"
