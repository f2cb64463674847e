"""Find a Python that can run the course: one that really starts, is new enough, and can make an environment.

course.py calls this with whatever Python there is: standard library only, and no syntax newer than Python 3.8.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(os.path.abspath(__file__)).parents[1]
OLDEST, NEWEST_TESTED = (3, 11), (3, 14)
# Asked of each candidate. A virtual environment answers with the Python it was made from.
PROBE = """
import json, platform, struct, sys
try:
    import ensurepip, venv
    complete = True
except ImportError:
    complete = False
print(json.dumps({"version": list(sys.version_info[:2]), "bits": 8 * struct.calcsize("P"), "complete": complete,
    "system": sys.platform + " " + platform.machine(), "path": getattr(sys, "_base_executable", "") or sys.executable}))
"""


class Stop(Exception):
    """Set-up cannot go on; the message says why, and what to do."""


def ask(command: list[str], environ: Mapping[str, str]) -> str | None:
    """What a command prints, or None if it fails: a name on the PATH can be an empty shell (pyenv, Windows)."""
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, capture_output=True, timeout=60
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else None


def candidates(environ: Mapping[str, str], os_name: str) -> Iterator[list[str]]:
    """Commands that may start a Python, the most wanted first: the one asked for, then the one that runs this."""
    if environ.get("PYTHON"):
        yield [environ["PYTHON"]]
    if sys.executable:
        yield [sys.executable]
    versions = [f"3.{minor}" for minor in range(OLDEST[1], NEWEST_TESTED[1] + 1)]
    yield from (["python" + version] for version in versions)
    if os_name == "nt":
        yield from (["py", "-" + version] for version in versions)
    yield from (["python3"], ["python"])
    uv = shutil.which("uv", path=environ.get("PATH"))
    if uv:  # it keeps Pythons of its own, which need not be on the PATH
        found = ask([uv, "python", "find", "--system", "--no-project", f">=3.{OLDEST[1]}"], environ)
        yield from ([line] for line in (found or "").splitlines())


def objection(told: dict) -> str:
    """Why a Python will not do, and what would help; empty if it will."""
    version = "{}.{}".format(*told["version"])
    if tuple(told["version"]) < OLDEST:
        return f"{told['path']} is {version}"
    if told["bits"] != 64:
        return f"{told['path']} has {told['bits']} bits, and PyTorch needs 64"
    if told["system"] == "darwin x86_64":
        return f"{told['path']} is made for Intel, and PyTorch is made for Apple silicon only"
    if not told["complete"]:
        advice = f"Debian, Ubuntu: sudo apt-get install python{version}-venv"
        return f"{told['path']} ({version}) has no venv module ({advice})"
    return ""


def find_python(environ: Mapping[str, str], os_name: str) -> tuple[str, str]:
    """(path, version) of the Python that will make .venv: one that the course is tested with, if one is here.

    Raises Stop with what was found instead, and how to get one.
    """
    objections, newer, seen = [], None, set()
    for number, command in enumerate(candidates(environ, os_name)):
        answer = ask([*command, "-I", "-c", PROBE], environ)  # -I: a json.py of the user is not taken
        told = json.loads(answer) if answer and answer.startswith("{") else None
        wrong = objection(told) if told else "does not start"
        if wrong and number == 0 and environ.get("PYTHON"):
            print(f"course: PYTHON={environ['PYTHON']} will not do: {wrong}. Looking for another.", file=sys.stderr)
        if told is None or told["path"] in seen:
            continue
        seen.add(told["path"])
        found = told["path"], "{}.{}".format(*told["version"])
        if wrong:
            objections.append(wrong)
        elif tuple(told["version"]) <= NEWEST_TESTED:
            return found
        else:
            newer = newer or found
    if newer:
        return newer
    here = f"what is here will not do: {'; '.join(objections)}" if objections else "none was found"
    wanted = "{}.{}".format(*OLDEST)
    raise Stop(f"Python {wanted} or newer is needed, and {here}. {how_to_get_one(os_name, sys.platform)}")


def how_to_get_one(os_name: str, platform: str) -> str:
    """Sentences that help on this system."""
    if os_name == "nt":
        return "Install it (winget install Python.Python.3.12, or python.org's 64-bit installer) and run this again."
    if platform == "darwin":
        return "Install it (brew install python@3.12, or python.org's installer) and run this again."
    return (
        "Install it (Debian 12, Ubuntu 24.04 and later: sudo apt-get install python3 python3-venv; Fedora: sudo dnf "
        "install python3; older systems: uv python install 3.12, or conda create -n py312 python=3.12, then conda "
        "activate py312) and run this again."
    )
