"""Install the course into .venv: with uv where it is installed, with pip otherwise, and the same pins with both.

Called by tools/environment.py: standard library only, and no syntax newer than Python 3.8.
"""

from __future__ import annotations

import contextlib
import math
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from tools.pythons import ROOT, Stop, ask
from tools.surroundings import pip_settings

GB = 1024**3
# The environment of a student, and room for what is fetched: on Linux pip installs PyTorch's CUDA build.
NEEDED_GB = 6.0 if sys.platform == "linux" else 2.5
ADDRESSES = {"PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"}
# Of every installed package: is each of its files there, and whole? Bytecode comes and goes, scripts are rewritten.
VERIFY = """
import importlib.metadata, os
def whole(file):
    path = os.fspath(file.locate())
    return os.path.exists(path) and (".." in file.parts or file.size in (None, os.path.getsize(path)))
for package in importlib.metadata.distributions():
    files = package.files
    if package.metadata["Name"] and (files is None or not all(whole(f) for f in files if f.suffix != ".pyc")):
        print(package.metadata["Name"])
"""


def install(python: Path, extra: str, environ: Mapping[str, str], *, verify: bool) -> None:
    """Install the course with an extra into the environment of `python`, and its Jupyter kernel.

    verify: an earlier installation was interrupted, so look for packages that it left half there, and repair them.
    Raises Stop; the installer's own words stand above its message.
    """
    print("Installing the course into .venv (once; a few minutes, mostly for PyTorch)", flush=True)
    environ = {**environ, **pip_settings(python, environ)}
    uv = shutil.which("uv", path=environ.get("PATH"))
    if uv and ADDRESSES & set(environ):
        print("With pip, not uv: pip has been told where to look for packages here.", flush=True)
        uv = None
    with room_for_downloads(python.parents[1], environ) as environ:
        run(python, uv, what_to_install(extra), environ)
        broken = (ask([str(python), "-I", "-c", VERIFY], environ) or "").split() if verify else []
        if broken:
            print(f"Installing again what the interruption left half there: {' '.join(broken)}", flush=True)
            run(python, uv, ["-c", "constraints.txt", "--force-reinstall", "--no-deps", *broken], environ)
    kernel = [str(python), "-m", "ipykernel", "install", "--sys-prefix"]
    if subprocess.run(kernel, cwd=ROOT, env=environ, stdout=subprocess.DEVNULL).returncode:
        raise Stop("Jupyter's kernel could not be installed, see above; then run this again.")


def what_to_install(extra: str) -> list[str]:
    """The arguments of the one installation: the course where it lies, with its pins."""
    return ["-c", "constraints.txt", "-e", f".[{extra}]" if extra else "."]


def run(python: Path, uv: str | None, what: list[str], environ: Mapping[str, str]) -> None:
    """Run uv, and pip where there is no uv or uv cannot do it. Raises Stop if pip cannot either."""
    if uv:
        with_uv = [uv, "pip", "install", "--python", str(python), *what]
        if subprocess.run(with_uv, cwd=ROOT, env=environ).returncode == 0:
            return
        print("uv could not install it, see above: trying pip.", flush=True)
    if subprocess.run([str(python), "-m", "pip", "install", *what], cwd=ROOT, env=environ).returncode:
        raise Stop("the installation failed: see pip's lines above, then run this again; it goes on where it stopped.")


def require_room(environ: Mapping[str, str]) -> None:
    """Raises Stop if the disk is too full for PyTorch, which is most of it, unless .venv holds that already."""
    said = environ.get("COURSE_MIN_DISK_GB", "")
    try:
        needed = float(said) if said.strip() else NEEDED_GB
    except ValueError:
        needed = math.nan
    if not 0 <= needed < math.inf:
        raise Stop(f"COURSE_MIN_DISK_GB={said} is no number of gigabytes: say for example 2.5, or leave it out.")
    there = any(next(ROOT.glob(f".venv/{lib}/site-packages/torch"), None) for lib in ("lib/python3*", "Lib"))
    free = shutil.disk_usage(str(ROOT)).free / GB
    if not there and free < needed:
        raise Stop(
            f"{needed:.10g} GB of free disk space are needed here and {free:.1f} are left: free some, or install "
            "PyTorch's CPU build (README.md says how), for which COURSE_MIN_DISK_GB=2 is enough."
        )


@contextlib.contextmanager
def room_for_downloads(folder: Path, environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The variables; where the folder for temporary files is the smaller disk, they name one in .venv instead.

    Often it is a piece of the memory, and PyTorch's archives do not fit into it.
    """
    temporary = folder / "tmp"
    if shutil.disk_usage(tempfile.gettempdir()).free >= min(3 * GB, shutil.disk_usage(str(folder)).free):
        yield dict(environ)
        return
    temporary.mkdir(exist_ok=True)
    try:
        yield {**environ, **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary))}
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
