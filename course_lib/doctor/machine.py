"""Cores, memory and places to write, as far as this process gets them. Used by lesson 00 (start_here).

A container may be given less than its machine has, and a folder may belong to somebody else: what counts is what a
run will get.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from course_lib.doctor.finding import INSTALLS, Finding
from course_lib.doors.folders import OWN_FOLDER, above, cache_folder, current_folder, data_folders, reason, work_folder

GB = 1024**3
CGROUP = Path("/sys/fs/cgroup")  # where Linux tells a container what it may use


def cores() -> Finding:
    """Cores that this process may use."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    quota, _, period = _read("cpu.max").partition(" ")
    if quota.isdigit() and period.isdigit():
        found = min(found, max(1, int(quota) // int(period)))
    return Finding("cores", str(found), found >= 2, "" if found >= 2 else "lessons take twice their time")


def memory() -> Finding:
    """Memory, all and free: of the machine, or of the container that this is."""
    try:
        import psutil
    except ImportError:
        return Finding("memory", "unknown: psutil is missing", False, INSTALLS)
    whole = psutil.virtual_memory()
    total, free = whole.total, whole.available
    limit, used = _read("memory.max"), _read("memory.current")
    if limit.isdigit() and used.isdigit() and int(limit) < total:
        words = _read("memory.stat").split()
        cache = int(dict(zip(words[::2], words[1::2], strict=False)).get("inactive_file", 0))
        total, free = int(limit), min(free, int(limit) - int(used) + cache)
    ok = free > 2 * GB
    advice = "" if ok else "close other programs: 2 GB should be free"
    return Finding("memory", f"{total / GB:.0f} GB, {free / GB:.1f} GB free", ok, advice)


def disk() -> Finding:
    """Room where lessons and runs write: the fullest of the student's folder, the cache and temporary files."""
    free = {}
    for ask in (work_folder, cache_folder, lambda: Path(tempfile.gettempdir()), lambda: current_folder() or Path("/")):
        try:
            folder = ask()
            free[folder] = shutil.disk_usage(_nearest(folder)).free / GB
        except OSError:
            continue  # `places` speaks of it
    if not free:
        return Finding("disk", "unknown: no folder can be looked at", False, OWN_FOLDER)
    folder = min(free, key=free.get)
    advice = "" if free[folder] > 1 else f"free 1 GB for runs and downloads in {folder}"
    return Finding("disk", f"{free[folder]:.0f} GB free", not advice, advice)


def places() -> Iterator[Finding]:
    """The folders of COURSE_DATA can be read, the student's own and the cache can be written."""
    try:
        for folder in data_folders():
            ok = os.path.isdir(folder) and _may(folder, os.R_OK | os.X_OK)
            advice = "" if ok else "COURSE_DATA names it: make it readable or take it out"
            yield Finding("COURSE_DATA", "readable" if ok else f"cannot read {folder}", ok, advice)
    except OSError as error:
        yield Finding("COURSE_DATA", "names no folder", False, str(error))
    yield _writable("work", work_folder, f"your own files are kept there: {OWN_FOLDER}")
    yield _writable("cache", cache_folder, "let COURSE_CACHE name a folder that can hold downloads")


def _writable(what, ask, advice):
    try:
        folder = ask()
    except ImportError:
        return Finding(what, "unknown: platformdirs is missing", False, INSTALLS)
    except OSError as error:
        return Finding(what, "no such folder", False, reason(error))
    nearest = _nearest(folder)
    ok = os.path.isdir(nearest) and _may(nearest, os.W_OK | os.X_OK)
    return Finding(what, "writable" if ok else "not writable", ok, "" if ok else f"cannot write {folder}: {advice}")


def _nearest(folder):
    """The folder, or what is there of the path to it."""
    here = current_folder()
    if not folder.is_absolute() and here is None:
        return folder  # the current folder was deleted: there is no way to it
    whole = folder if here is None else here / folder
    return next((path for path in above(whole) if os.path.lexists(path)), whole)


def _may(folder, mode):
    return os.access(folder, mode, effective_ids=os.access in os.supports_effective_ids)


def _read(name):
    try:
        return (CGROUP / name).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return ""
