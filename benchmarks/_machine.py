"""One line that says on what a measurement was made."""

import datetime
import os
import platform
from importlib import metadata
from pathlib import Path


def describe_machine() -> str:
    """CPU model, cores this process may use, system, versions of Python and torch, date."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        torch = f"torch {metadata.version('torch')}"
    except metadata.PackageNotFoundError:
        torch = "no torch"
    return (f"{_cpu()}, {cores} core{'s' if cores != 1 else ''}, {platform.system()} {platform.machine()}, "
            f"Python {platform.python_version()}, {torch}, {datetime.date.today()}")


def _cpu() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    for line in cpuinfo.read_text().splitlines() if cpuinfo.exists() else []:
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.processor() or "unknown CPU"
