"""What comes from outside: variables and settings that would lead Python, pip or uv past .venv are not handed on.

Called by tools/environment.py and tools/installing.py: standard library only, and no syntax newer than Python 3.8.
"""

from __future__ import annotations

import ast
import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from tools.pythons import ask

# Of the variables that steer Python only those are handed on that cannot make it load something else.
PYTHON_MAY = {"PYTHON", "PYTHONUNBUFFERED", "PYTHONIOENCODING", "PYTHONUTF8", "PYTHONDONTWRITEBYTECODE",
              "PYTHONPYCACHEPREFIX"}
# pip may be told from outside where from and how to fetch. What, and into which folder, is the course's to say.
PIP_MAY = """index-url extra-index-url find-links no-index trusted-host cert client-cert proxy timeout default-timeout
    retries cache-dir no-cache-dir keyring-provider prefer-binary config-file disable-pip-version-check
    root-user-action no-input no-color progress-bar quiet verbose""".split()
# These name another environment than .venv; the third is set by macOS' Python for what it starts.
OTHERS = {"VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT", "__PYVENV_LAUNCHER__", "UV_PYTHON", "UV_SYSTEM_PYTHON", "UV_CONSTRAINT"}


def clean(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables without those that would make Python, pip or uv use another place than .venv."""

    def stays(name):
        if name.startswith("PYTHON"):
            return name in PYTHON_MAY
        return may_steer_pip(name[len("PIP_"):]) if name.startswith("PIP_") else name not in OTHERS

    return {name: value for name, value in environ.items() if stays(name.upper())}


def may_steer_pip(name: str) -> bool:
    """Whether pip may be told this from outside; a name as in its files or as in a variable."""
    return name.lower().replace("_", "-") in PIP_MAY


def pip_settings(python: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """What pip may be told from outside, by its files or by variables, as variables; and that it shall read no file.

    A file can say `user = true` or `target = …` as well as a variable can, and then pip installs past .venv.
    """
    # `pip config list` reads them itself: with `user = true` in a file it would list the user's file only.
    every_file = {"PIP_USER": "0", "PIP_GLOBAL": "0", "PIP_SITE": "0"}
    listed = ask([str(python), "-m", "pip", "config", "list"], {**environ, **every_file})
    if listed is None:  # a file that pip cannot read: it says so itself when it installs
        return {}
    found = {}
    for section in ("global", "install", ":env:"):  # the later ones win
        for line in listed.splitlines():
            key, _, value = line.partition("=")
            name = key[len(section) + 1:]
            if key.startswith(section + ".") and may_steer_pip(name):
                with contextlib.suppress(ValueError, SyntaxError):
                    found["PIP_" + name.upper().replace("-", "_")] = str(ast.literal_eval(value))
    return {**found, "PIP_CONFIG_FILE": os.devnull}
