"""Writing so that a kill, a full disk or a power cut loses nothing. Derived in lesson 14 (gpt_on_gpu)."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from course_lib.doors.files import move
from course_lib.doors.folders import FolderError, above, current_folder, reason
from course_lib.doors.json_file import as_written


class CheckpointError(RuntimeError):
    """A checkpoint cannot be written, read or continued; the message is one line with the way out."""


@contextlib.contextmanager
def disk_errors(out: Path) -> Iterator[None]:
    """Turn what the disk complains about into a `CheckpointError` that says what is safe and what to do."""
    try:
        yield
    except OSError as error:
        why = error.__cause__ if isinstance(error, FolderError) else error
        last = ""
        with contextlib.suppress(OSError):
            last = read_pointer(out / "latest")
        safe = f"the last checkpoint, {out / last}, is whole" if last else "nothing was saved there before"
        raise CheckpointError(
            f"cannot write to {out}: {reason(why)}{_free(out)}; {safe}. "
            "Make room or choose a folder that can be written, then go on") from error


def read_pointer(path: Path) -> str:
    """The one line in a pointer, by whatever editor it was saved."""
    return as_written(path.read_bytes()).decode(errors="replace").strip()


def _free(out):
    """How much room is left there, where that can be asked."""
    for folder in (*above(out), *above(current_folder())):
        with contextlib.suppress(OSError):
            return f" ({shutil.disk_usage(folder).free / 1e6:.1f} MB free)"
    return ""


def write_file(path: Path, data: bytes) -> None:
    """Write and wait until the disk has it."""
    with open(path, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def replace_file(path: Path, data: bytes) -> None:
    """Write in one step: at every moment the file has either its old content or all of the new."""
    part = path.with_name(f".{path.name}.part")
    try:
        write_file(part, data)
        move(part, path)
    finally:
        part.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Force names, too, to disk; Windows does so by itself and cannot open a folder."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
