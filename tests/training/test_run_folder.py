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


def save(out, step, *, best=False, mark=b""):
    with new_checkpoint(out, step, best=best) as folder:
        write_file(folder / "config.json", b"%d" % step + mark)
        write_file(folder / "weights", b"%d" % step * 1000)


def is_whole(folder):
    step = int(folder.name[5:11])
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


def test_a_step_that_is_saved_again_is_saved_and_never_over_the_first(tmp_path):
    for again in range(1, 5):
        save(tmp_path, 5, best=again == 2, mark=b" again %d" % again)
        assert (find_checkpoint(tmp_path) / "config.json").read_bytes() == b"5 again %d" % again
        assert len(checkpoint_names(tmp_path)) == (1 if again < 3 else 2)
    assert (find_checkpoint(tmp_path, "best") / "config.json").read_bytes() == b"5 again 2"
    (tmp_path / "latest").unlink()
    newest = max(checkpoint_names(tmp_path), key=lambda name: int((name + ".1").split(".")[1]))
    assert find_checkpoint(tmp_path).name == newest


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
@pytest.mark.parametrize("step", [3, 2], ids=["new step", "step that is there already"])
def test_a_kill_between_any_two_disk_operations_leaves_a_checkpoint_that_loads(tmp_path, step):
    """A child is killed at its n-th disk operation, for every n; then the run must load and go on."""
    latest, best, n = [], [], 0
    while True:
        n, out = n + 1, tmp_path / str(n)
        save(out, 1, best=True)
        save(out, 2)
        if (child := os.fork()) == 0:
            kill_at_disk_operation(n)
            save(out, step, best=True)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            break
        assert os.WTERMSIG(status) == signal.SIGKILL
        for seen, which in ((latest, "latest"), (best, "best")):
            seen.append(find_checkpoint(out, which).name)
            assert is_whole(find_checkpoint(out, which))
        save(out, 4)
        assert pointed_at(out) == {"latest": "step-000004", "best": best[-1]}
        assert sorted(e.name for e in out.iterdir()) == ["best", "latest", best[-1], "step-000004"]
    new = {3: "step-000003", 2: "step-000002.2"}[step]
    assert len(latest) >= 15 and set(latest) == {"step-000002", new} and set(best) == {"step-000001", new}
    assert (latest, best) == (sorted(latest), sorted(best)), "once a new one is named, the old one never comes back"
    assert all(b == new for a, b in zip(latest, best, strict=True) if a == new), "no run resumes past its best"
