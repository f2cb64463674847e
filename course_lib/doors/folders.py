"""Where the course keeps files, and what is said where a folder cannot be had. Used by all lessons.

    COURSE_WORK     the student's own files                         else `work/` in the course
    COURSE_CACHE    downloads                                       else where this system keeps a user's caches
    COURSE_DATA     folders that are searched before a download and never written, separated like those of PATH

Each may begin with `~`. Asking where a folder is makes nothing and writes nothing: only `make_folder` does.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

OWN_FOLDER = "set COURSE_WORK to a folder that you can write, such as ~/course-work, and start again"


class FolderError(OSError):
    """A folder cannot be had. One line: which, why, and what to do."""


def current_folder() -> Path | None:
    """The folder that one is in; None where it has been deleted since, or nobody may look at it."""
    try:
        return Path.cwd()
    except OSError:
        return None


@contextlib.contextmanager
def some_current_folder() -> Iterator[None]:
    """Within the body there is a current folder: some libraries cannot be imported in one that was deleted."""
    if current_folder() is not None:
        yield
        return
    deleted = os.open(".", os.O_RDONLY)  # only POSIX lets one delete the folder one is in, or come back to it
    try:
        os.chdir(tempfile.gettempdir())
        yield
    finally:
        os.fchdir(deleted)
        os.close(deleted)


def above(folder: Path | None) -> list[Path]:
    """A folder and all above it, the nearest first; of None, nothing."""
    return [] if folder is None else [folder, *folder.parents]


def course_root() -> Path:
    """The folder that holds `notebooks/`: found from the package, else from the current folder upwards."""
    here = current_folder()
    for folder in (Path(__file__).resolve().parents[2], *above(here)):
        if os.path.isdir(folder / "notebooks"):  # unlike Path.is_dir, it answers where one may not look
            return folder
    return here or _home() or Path(tempfile.gettempdir())


def work_folder() -> Path:
    """Where the student's own files are: COURSE_WORK, or `work/` in the course. It may not be there yet."""
    named = os.environ.get("COURSE_WORK")
    return expanded(named, "COURSE_WORK") if named else course_root() / "work"


def make_work_folder() -> Path:
    """The student's own folder, made where it is missing. Raises FolderError where it cannot be written."""
    return make_folder(work_folder(), way_out=OWN_FOLDER)


def cache_folder() -> Path:
    """COURSE_CACHE, or the place this system keeps a user's caches in; without a home, `cache/` in the work folder."""
    if named := os.environ.get("COURSE_CACHE"):
        return expanded(named, "COURSE_CACHE")
    if _home() is None and not os.environ.get("XDG_CACHE_HOME"):
        return work_folder() / "cache"
    import platformdirs

    return Path(platformdirs.user_cache_dir("course"))


def data_folders() -> list[Path]:
    """The folders that COURSE_DATA names."""
    named = os.environ.get("COURSE_DATA", "").split(os.pathsep)
    return [expanded(folder, "COURSE_DATA") for folder in named if folder]


def make_folder(folder: str | Path, *, way_out: str) -> Path:
    """Make a folder where it is missing and see, by writing, that it can be written. Whoever needs a folder asks here.

    Raises FolderError, with `way_out` as the end of its sentence.
    """
    folder = Path(folder)
    probe = folder / f".{os.getpid()}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")  # permission bits say little: of a read-only disk, of Windows, of root
        probe.unlink()
    except OSError as error:
        raise FolderError(f"{folder} cannot be written ({reason(error)}); {way_out}") from error
    return folder


def reason(error: OSError) -> str:
    """Why, in the system's words and without the path: "Permission denied"."""
    return error.strerror or str(error) or type(error).__name__


def expanded(folder: str, variable: str) -> Path:
    """The path that a variable names, with `~` replaced. Raises FolderError where no home folder is known."""
    path = os.path.expanduser(folder)
    if path.startswith("~"):
        raise FolderError(f"{variable}={folder} needs your home folder, which is not known here (HOME is not set); "
                          "write the path in full")
    return Path(path)


def _home():
    """The home folder, or None where it is not known: no HOME, and an account that the system does not list."""
    home = os.path.expanduser("~")
    return Path(home) if os.path.isabs(home) else None
