"""What this machine offers the course, and what to do about what is missing. Used by lesson 00 (start_here).

`doctor()` finds, `report` makes one table of it; the command `course doctor` does both. Nothing is
downloaded, nothing is written, and a missing package is a finding, not an error.
"""

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]  # a clone, or site-packages where the package stands alone
GB = 1024**3


@dataclass(frozen=True)
class Finding:
    """One line of the table: what was looked at, what was found, whether it is fine, what to do."""

    what: str
    value: str
    ok: bool = True
    to_do: str = ""


def doctor() -> list[Finding]:
    """Look at everything the course needs; most important first. Takes about two seconds, most for torch."""
    return [
        _python(),
        _torch(),
        _gpu(),
        _cores(),
        _memory(),
        _disk(),
        _kernel(),
        _widgets(),
        *_data(),
        _font(),
        *_for_contributors(),
    ]


def report(findings: list[Finding]) -> str:
    """Findings as a table, each warning with what to do below it, and one closing line."""
    width = max(len(finding.what) for finding in findings)
    lines = []
    for finding in findings:
        lines.append(f"{'ok  ' if finding.ok else 'look'}  {finding.what:<{width}}  {finding.value}")
        if finding.to_do:
            lines.append(f"      {'':<{width}}  → {finding.to_do}")
    warnings = sum(not finding.ok for finding in findings)
    lines.append(f"{warnings} to look at: lines with → say how." if warnings else "Everything is there.")
    return "\n".join(lines)


def cjk_font() -> str | None:
    """The name of an installed font that figures can use for Chinese characters, or None."""
    from course_lib.lab.plots import fonts

    return fonts.cjk_font()


def tested_version(package: str) -> str | None:
    """The version in constraints.txt, with which the course is tested; None outside a clone."""
    constraints = ROOT / "constraints.txt"
    text = constraints.read_text(encoding="utf-8") if constraints.exists() else ""
    match = re.search(rf"^{re.escape(package)}==(\S+)", text, re.MULTILINE | re.IGNORECASE)
    return match[1] if match else None


def _python():
    ok = sys.version_info >= (3, 11)
    return Finding("Python", platform.python_version(), ok, "" if ok else "install Python 3.11 or newer")


def _torch():
    try:
        import torch
    except ImportError as error:
        return Finding("PyTorch", f"not importable: {error}", False, "make lab (installs it)")
    build = f"CUDA {torch.version.cuda}" if torch.version.cuda else "CPU build"
    tested = tested_version("torch")
    version = torch.__version__.partition("+")[0]
    if tested in (None, version):
        return Finding("PyTorch", f"{version}, {build}")
    advice = f"the course is tested with {tested}; another version usually works"
    return Finding("PyTorch", f"{version}, {build}", False, advice)


def _gpu():
    try:
        import torch
    except ImportError:
        return Finding("GPU", "unknown without PyTorch")
    if torch.cuda.is_available():
        found = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
        return Finding("GPU", ", ".join(f"{gpu.name} ({gpu.total_memory / GB:.0f} GB)" for gpu in found))
    smi = shutil.which("nvidia-smi")
    if smi and subprocess.run([smi, "-L"], capture_output=True).returncode == 0:
        advice = "this PyTorch cannot use it: install the CUDA build (README, “A GPU”) and check the driver"
        return Finding("GPU", "present, unused", False, advice)
    return Finding("GPU", "none: every lesson runs on the CPU")


def _cores():
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Finding("cores", str(cores), cores >= 2, "" if cores >= 2 else "lessons take twice their time")


def _memory():
    try:
        import psutil
    except ImportError:
        return Finding("memory", "unknown: psutil is missing", False, "make lab (installs it)")
    memory = psutil.virtual_memory()
    ok = memory.available > 2 * GB
    advice = "" if ok else "close other programs: 2 GB should be free"
    return Finding("memory", f"{memory.total / GB:.0f} GB, {memory.available / GB:.1f} GB free", ok, advice)


def _disk():
    free = shutil.disk_usage(Path.cwd()).free / GB
    advice = "" if free > 1 else "free 1 GB for runs and downloads"
    return Finding("disk", f"{free:.0f} GB free", free > 1, advice)


def _kernel():
    try:
        from jupyter_client.kernelspec import KernelSpecManager
    except ImportError:
        return Finding("Jupyter kernel", "Jupyter is missing", False, "make lab (installs it)")
    if "ipykernel.kernelapp" in sys.modules:
        return Finding("Jupyter kernel", "found: this one")
    if "python3" in KernelSpecManager().find_kernel_specs():
        return Finding("Jupyter kernel", "found: python3")
    return Finding("Jupyter kernel", "none", False, "python -m ipykernel install --sys-prefix")


def _widgets():
    try:
        version = importlib.metadata.version("ipywidgets")
    except importlib.metadata.PackageNotFoundError:
        return Finding("widgets", "ipywidgets is missing", False, "make lab (installs it)")
    extensions = Path(sys.prefix, "share", "jupyter", "labextensions")
    if (extensions / "@jupyter-widgets" / "jupyterlab-manager" / "package.json").exists():
        return Finding("widgets", f"ipywidgets {version}, JupyterLab's part found")
    advice = "JupyterLab and this kernel must share one environment: start it with make lab"
    return Finding("widgets", f"ipywidgets {version}, JupyterLab's part not found", False, advice)


def _data():
    for folder in filter(None, os.environ.get("COURSE_DATA", "").split(os.pathsep)):
        ok = os.access(folder, os.R_OK | os.X_OK) and Path(folder).is_dir()
        advice = "" if ok else "COURSE_DATA names it: make it readable or take it out"
        yield Finding("COURSE_DATA", "readable" if ok else f"cannot read {folder}", ok, advice)
    try:
        from platformdirs import user_cache_dir
    except ImportError:
        yield Finding("cache", "unknown: platformdirs is missing", False, "make lab (installs it)")
        return
    cache = Path(os.environ.get("COURSE_CACHE") or user_cache_dir("course"))
    nearest = next(folder for folder in (cache, *cache.parents) if folder.exists())
    ok = nearest.is_dir() and os.access(nearest, os.W_OK)
    advice = "" if ok else f"cannot write {nearest}: let COURSE_CACHE name a folder that can hold downloads"
    yield Finding("cache", "writable" if ok else "not writable", ok, advice)


def _font():
    try:
        name = cjk_font()
    except ImportError:
        return Finding("Chinese font", "unknown: matplotlib is missing", False, "make lab (installs it)")
    advice = "figures with 中文 show boxes; install one (Debian, Ubuntu: fonts-noto-cjk)"
    return Finding("Chinese font", name or "none", name is not None, "" if name else advice)


def _for_contributors():
    programs = {"Chromium": ("chromium", "chromium-browser", "google-chrome"), "bubblewrap": ("bwrap",)}
    for what, names in programs.items():
        found = any(map(shutil.which, names))
        yield Finding(what, "found" if found else "none (only contributors' tests use it)")
