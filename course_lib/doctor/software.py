"""The programs that the course runs with: Python, PyTorch, a driver, widgets, fonts. Used by lesson 00 (start_here).

Each is tried and not only looked for: what is installed need not start.
"""

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from course_lib.doctor.finding import INSTALLS, Finding
from course_lib.doctor.machine import GB

ROOT = Path(__file__).resolve().parents[2]  # a clone, or site-packages where the package stands alone
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def cjk_font() -> str | None:
    """The name of an installed font that figures can use for Chinese characters, or None."""
    from course_lib.lab.plots import fonts

    return fonts.cjk_font()


def tested_version(package: str) -> str | None:
    """The version in constraints.txt, with which the course is tested; None outside a clone."""
    try:
        text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    except OSError:
        return None
    match = re.search(rf"^{re.escape(package)}==(\S+)", text, re.MULTILINE | re.IGNORECASE)
    return match[1] if match else None


def complaint(*command: str) -> str:
    """Start a program that ends at once: "" if it went well, else what it said."""
    try:
        done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", timeout=30)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return "" if done.returncode == 0 else done.stderr.strip() or f"it ends with {done.returncode}"


def python() -> Finding:
    """The Python that runs this."""
    ok = sys.version_info >= (3, 11)
    return Finding("Python", platform.python_version(), ok, "" if ok else "install Python 3.11 or newer")


def torch() -> Finding:
    """PyTorch: there, in the tested version, and able to multiply."""
    try:
        import torch
    except (ImportError, OSError) as error:  # OSError: a library of its own that does not load
        return Finding("PyTorch", f"not importable: {error}", False, INSTALLS)
    build = f"CUDA {torch.version.cuda}" if torch.version.cuda else "CPU build"
    tested, version = tested_version("torch"), torch.__version__.partition("+")[0]
    try:
        right = (torch.ones(2, 2) @ torch.ones(2, 2)).tolist() == [[2.0, 2.0]] * 2
    except RuntimeError as error:
        right = False
        build += f" ({str(error).splitlines()[0]})"
    if not right:
        return Finding("PyTorch", f"{version}, {build}: cannot multiply", False, "remove .venv, then " + INSTALLS)
    if tested in (None, version):
        return Finding("PyTorch", f"{version}, {build}")
    advice = f"the course is tested with {tested}; another version usually works"
    return Finding("PyTorch", f"{version}, {build}", False, advice)


def gpu() -> Finding:
    """Each GPU that PyTorch sees adds one and one; one that it does not see is named, too."""
    try:
        import torch
    except (ImportError, OSError):
        return Finding("GPU", "unknown without PyTorch")
    if torch.cuda.is_available():
        found = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
        try:
            for number in range(len(found)):
                (torch.ones(1, device=f"cuda:{number}") + 1).item()
        except RuntimeError as error:
            advice = ("this PyTorch has no code for it, or the driver is too old: install another build, or hide the "
                      "GPU with CUDA_VISIBLE_DEVICES=-1; every lesson runs on the CPU")
            return Finding("GPU", f"{found[number].name} cannot add: {str(error).splitlines()[0]}", False, advice)
        return Finding("GPU", ", ".join(f"{each.name} ({each.total_memory / GB:.0f} GB)" for each in found))
    smi = shutil.which("nvidia-smi")
    if smi and not complaint(smi, "-L"):
        advice = "this PyTorch cannot use it: install the CUDA build (README, “A GPU”) and check the driver"
        return Finding("GPU", "present, unused", False, advice)
    return Finding("GPU", "none: every lesson runs on the CPU")


def widgets() -> Finding:
    """The two halves of widgets: in this environment, and where JupyterLab looks for its own."""
    try:
        version = importlib.metadata.version("ipywidgets")
        from jupyter_core.paths import jupyter_path
    except ImportError:  # PackageNotFoundError is one
        return Finding("widgets", "ipywidgets is missing", False, INSTALLS)
    part = Path("@jupyter-widgets", "jupyterlab-manager", "package.json")
    if any(os.path.exists(Path(folder, part)) for folder in jupyter_path("labextensions")):
        return Finding("widgets", f"ipywidgets {version}, JupyterLab's part found")
    advice = "JupyterLab and this kernel must share one environment: start it with python course.py lab"
    return Finding("widgets", f"ipywidgets {version}, JupyterLab's part not found", False, advice)


def font() -> Finding:
    """A font for Chinese characters."""
    try:
        name = cjk_font()
    except ImportError:
        return Finding("Chinese font", "unknown: matplotlib is missing", False, INSTALLS)
    advice = "figures with 中文 show boxes; install one (Debian, Ubuntu: fonts-noto-cjk)"
    return Finding("Chinese font", name or "none", name is not None, "" if name else advice)


def chromium() -> str | None:
    """The path of a Chromium that starts, or None."""
    found = (shutil.which(name) for name in BROWSERS)
    return next((path for path in found if path and not complaint(path, "--version")), None)


def bubblewrap() -> tuple[str | None, str]:
    """The path of bwrap or None, and why it can make no sandbox here, or ""."""
    path = shutil.which("bwrap")
    return path, complaint(path, "--ro-bind", "/", "/", "true") if path else "it is not installed"


def for_contributors() -> Iterator[Finding]:
    """What only the tests of contributors, and grading, need."""
    yield Finding("Chromium", "found" if chromium() else "none that starts (only contributors' tests use it)")
    why = bubblewrap()[1]
    yield Finding("bubblewrap", f"not usable: {why} (only contributors' tests and grading use it)" if why else "found")
