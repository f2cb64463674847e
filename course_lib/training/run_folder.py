"""A folder of checkpoints of which a kill at any moment leaves the last. Derived in lesson 14 (gpt_on_gpu).

    run/metrics.jsonl    one line a step, as it happens
    run/step-000500/     a checkpoint, complete since the moment it had this name
    run/latest           the name of the newest checkpoint, one line of text
    run/best             the name of the one with the lowest held-out loss

A new checkpoint is written beside the old ones under a hidden name, forced to disk, renamed, and only then
named by `latest`; what neither pointer names is deleted last. After each of these steps the folder loads. The
pointers are files and not symbolic links, which some disks (Windows, mounted cloud drives) do not have.
"""

import contextlib
import itertools
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from course_lib.doors.files import move
from course_lib.doors.folders import make_folder, reason
from course_lib.training.disk import CheckpointError, disk_errors, read_pointer, replace_file, sync_folder

CHECKPOINT_NAME = re.compile(r"step-\d{6,}(\.\d+)?")  # step-000500.2: saved again, before the first was let go
POINTERS = ("best", "latest")  # in the order in which they move: resuming starts from `latest`


def find_checkpoint(folder: str | Path, which: str = "latest") -> Path:
    """The checkpoint meant by `folder`: itself, or the one its pointer `which` ("latest", "best") names.

    A run that was killed between its first checkpoint and the pointer has no `latest`: its newest checkpoint
    is whole all the same. Raises `CheckpointError` where there is none.
    """
    folder = Path(folder)
    if os.path.isfile(folder / "config.json"):
        return folder
    if not os.path.isdir(folder):
        raise CheckpointError(f"there is no folder {folder}; give a run's folder or one of its checkpoints")
    try:
        name, there = pointed_at(folder).get(which), checkpoint_names(folder)
    except OSError as error:
        raise CheckpointError(f"{folder} cannot be read ({reason(error)}); copy the run into a folder of yours, or ask "
                              "its owner to let you read it") from error
    if name is None and which == "latest":
        name = max(there, default=None, key=lambda name: [int(number) for number in re.findall(r"\d+", name)])
    if name is None:
        raise CheckpointError(f"{folder} holds no {which} checkpoint; was it stopped before the first save?")
    if name not in there:
        raise CheckpointError(f"{folder / which} names {name!r}, which is not there; write into it the name "
                              f"of another checkpoint: {', '.join(sorted(there)) or 'none is left'}")
    return folder / name


def last_checkpoint(out: Path | None) -> Path | None:
    """The checkpoint from which run `out` would resume, or None."""
    return find_checkpoint(out) if out is not None and (pointed_at(out) or checkpoint_names(out)) else None


def pointed_at(out: Path) -> dict[str, str]:
    """What the pointers of a run folder say: {"latest": "step-000500", …}; a missing one is left out."""
    return {pointer: read_pointer(out / pointer) for pointer in POINTERS if os.path.isfile(out / pointer)}


def checkpoint_names(out: Path) -> set[str]:
    """The checkpoints of a run folder, pointed at or not."""
    names = os.listdir(out) if os.path.isdir(out) else ()
    return {name for name in names if CHECKPOINT_NAME.fullmatch(name) and os.path.isdir(out / name)}


def open_run(out: str | Path) -> Path:
    """Make the folder of a new run, and see now that it can be written.

    Raises `CheckpointError` if it cannot, or if a run is already there.
    """
    out = Path(out)
    with disk_errors(out):
        make_folder(out, way_out="choose another folder")
        if checkpoint_names(out) or pointed_at(out):
            raise CheckpointError(f"{out} already holds a run; resume it, or choose another folder")
        replace_file(out / "metrics.jsonl", b"")
    return out


def append_record(out: Path, record: dict) -> None:
    """One more line for metrics.jsonl."""
    with disk_errors(out), open(out / "metrics.jsonl", "a", encoding="utf-8", newline="\n") as file:
        file.write(json.dumps(record) + "\n")


@contextlib.contextmanager
def new_checkpoint(out: str | Path, step: int, *, best: bool = False) -> Iterator[Path]:
    """The empty folder to write checkpoint `step` into; leaving the `with` block makes it the run's latest.

    A failure removes what was written, leaves the last checkpoint as it was and, if the disk is to blame, raises
    `CheckpointError`.
    """
    out = Path(out)
    with disk_errors(out):
        name = _free_name(out, step)
        part = out / f".{name}.part"
        try:
            for left in out.glob(".*.part"):  # over from a kill, or still open elsewhere when it was let go
                _remove(left)
            part.mkdir(parents=True)
            yield part
            sync_folder(part)
            if os.path.exists(out / name):  # from a kill between the renaming and the pointer
                shutil.rmtree(out / name)
            move(part, out / name)
            sync_folder(out)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        for pointer in POINTERS if best else ("latest",):
            replace_file(out / pointer, f"{name}\n".encode())
        for old in checkpoint_names(out) - set(pointed_at(out).values()):
            let_go = out / f".{old}.part"
            with contextlib.suppress(OSError):  # Windows keeps what is open elsewhere: the next save tries again
                move(out / old, let_go)
                _remove(let_go)


def _remove(path):
    """Delete a file or a folder as far as the system lets one."""
    shutil.rmtree(path, ignore_errors=True)
    with contextlib.suppress(OSError):
        path.unlink()


def _free_name(out: Path, step: int) -> str:
    """step-NNNNNN or, while a pointer names that, step-NNNNNN.2, …: what is pointed at is never overwritten."""
    names = (f"step-{step:06d}" + (f".{again}" if again > 1 else "") for again in itertools.count(1))
    return next(name for name in names if name not in pointed_at(out).values())
