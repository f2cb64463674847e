"""The environment .venv: made once, installed into with the pins of constraints.txt, and found again at once.

course.py calls `set_up`, on any system and before anything is installed: standard library only, and no syntax newer
than Python 3.8. A stamp in .venv says what was installed, where, and for which Python; without it nothing is done.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from tools.installing import install, require_room
from tools.pythons import ROOT, Stop, ask, find_python
from tools.surroundings import clean

STAMP = "course-setup.json"


def interpreter(folder: Path, os_name: str) -> Path:
    """Where an environment keeps its Python: Windows has a layout of its own."""
    return folder / "Scripts" / "python.exe" if os_name == "nt" else folder / "bin" / "python"


def place() -> str:
    """Where the course lies, the same through whichever link it is reached: an environment cannot be moved."""
    return os.path.normcase(os.path.realpath(str(ROOT)))


def fingerprint() -> str:
    """Of the two files that say what is installed. Line ends do not count: git may change them."""
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in ("pyproject.toml", "constraints.txt")]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def read_stamp(folder: Path) -> dict:
    """What .venv says of itself: place, version, and what was installed; empty where it says nothing readable."""
    try:
        stamp = json.loads((folder / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) and isinstance(stamp.get("extras"), list) else {}


def write_stamp(folder: Path, stamp: dict) -> None:
    """Replace the stamp in one step: an interruption leaves the old one or the new one."""
    part = folder / (STAMP + ".part")
    part.write_text(json.dumps(stamp), encoding="utf-8", newline="\n")
    part.replace(folder / STAMP)


def is_sound(folder: Path, stamp: dict, environ: Mapping[str, str], os_name: str) -> bool:
    """Whether .venv was made here, and its Python starts and is still the version that it was made with."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    python = str(interpreter(folder, os_name))
    return stamp.get("place") == place() and ask([python, "-I", "-S", "-c", code], environ) == stamp.get("version")


def is_done(folder: Path, extra: str, environ: Mapping[str, str], os_name: str) -> bool:
    """Whether all is installed that this extra wants, from the files as they are now. dev holds the other extras."""
    stamp = read_stamp(folder)
    has_extra = not extra or extra in stamp.get("extras", ()) or "dev" in stamp.get("extras", ())
    return has_extra and stamp.get("installed") == fingerprint() and is_sound(folder, stamp, environ, os_name)


@contextlib.contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Hold a lock that the system drops with this process; a second set-up of the same folder waits for the first."""
    with open(path, "ab") as file:
        waiting = False
        while True:
            try:
                if os.name == "nt":
                    import msvcrt

                    msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
                else:
                    import fcntl

                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                busy = (errno.EACCES, errno.EDEADLK) if os.name == "nt" else (errno.EWOULDBLOCK,)
                if error.errno in busy:
                    if not waiting:
                        print("Another set-up is at work in this folder: waiting for it.", flush=True)
                    waiting = True
                    time.sleep(0.5)
                    continue
                # A file system without locks: then it is up to the user to start one at a time.
            break
        yield


def make(folder: Path, extra: str, environ: dict[str, str], os_name: str) -> None:
    """Make .venv unless a sound one is there, and install into it. Raises Stop, with pip's own words above."""
    stamp = read_stamp(folder)
    python = interpreter(folder, os_name)
    require_room(environ)
    if not is_sound(folder, stamp, environ, os_name):
        path, version = find_python(environ, os_name)
        print(f"Making .venv with Python {version} ({path})", flush=True)
        if subprocess.run([path, "-m", "venv", "--clear", str(folder)], cwd=ROOT, env=environ).returncode:
            raise Stop(f"`{path} -m venv --clear .venv` failed, see above: close what still runs in .venv (JupyterLab, "
                       "an editor), delete the folder .venv, and run this again.")
        stamp = {"place": place(), "version": version, "extras": []}
    interrupted = stamp.get("installed") == "begun"
    extras = sorted({*stamp["extras"], *([extra] if extra else [])})
    write_stamp(folder, {**stamp, "installed": "begun"})
    install(python, extra, environ, verify=interrupted)
    write_stamp(folder, {**stamp, "installed": fingerprint(), "extras": extras})
    print("Installed.", flush=True)


def set_up(extra: str, environ: Mapping[str, str] = os.environ, os_name: str = os.name) -> tuple[Path, dict[str, str]]:
    """(the Python of .venv, the variables to start it with), after installing whatever is missing for an extra."""
    folder, environ = ROOT / ".venv", clean(environ)
    try:
        if not is_done(folder, extra, environ, os_name):
            with one_at_a_time(ROOT / ".venv.lock"):
                if not is_done(folder, extra, environ, os_name):
                    make(folder, extra, environ, os_name)
    except OSError as error:
        raise Stop(f"{error.filename or ROOT}: {error.strerror or error}. Set-up writes into {ROOT}: if that cannot be "
                   "written, copy the course into a folder of yours and run this there.") from error
    environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")  # kernels of this environment first, whoever made it
    return interpreter(folder, os_name), environ
