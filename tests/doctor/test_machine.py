"""Cores, memory and places to write: of this process, in a container too, and where runs will really write."""

import os
import sys
from types import SimpleNamespace

import pytest

from course_lib.doctor import machine

GB = 1024**3


@pytest.fixture(autouse=True)
def no_container(tmp_path, monkeypatch):
    """A machine without limits, and a folder to write limits into."""
    monkeypatch.setattr(machine, "CGROUP", tmp_path / "cgroup")
    (tmp_path / "cgroup").mkdir()
    for name in ("COURSE_WORK", "COURSE_CACHE", "COURSE_DATA"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "cgroup"


def test_cores_and_memory_are_those_of_the_container(no_container, monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(16)), raising=False)
    whole = SimpleNamespace(total=64 * GB, available=50 * GB)
    monkeypatch.setattr("psutil.virtual_memory", lambda: whole)
    assert (machine.cores().value, machine.memory().value) == ("16", "64 GB, 50.0 GB free")
    for name, text in {"cpu.max": "max 100000", "memory.max": "max", "memory.current": "1"}.items():
        (no_container / name).write_text(text + "\n")
    assert (machine.cores().value, machine.memory().value) == ("16", "64 GB, 50.0 GB free")
    for name, text in {"cpu.max": "150000 100000", "memory.max": str(4 * GB), "memory.current": str(3 * GB),
                       "memory.stat": f"anon 1\ninactive_file {GB // 2}\n"}.items():
        (no_container / name).write_text(text + "\n")
    assert machine.cores().value == "1" and not machine.cores().ok
    assert machine.memory().value == "4 GB, 1.5 GB free" and "2 GB" in machine.memory().to_do


def test_cores_where_the_system_cannot_say_which(monkeypatch):
    monkeypatch.delattr("os.sched_getaffinity", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 6)
    assert machine.cores().value == "6"


def test_a_missing_psutil(monkeypatch):
    monkeypatch.setitem(sys.modules, "psutil", None)
    assert not machine.memory().ok and "course.py lab" in machine.memory().to_do


@pytest.mark.parametrize("full", ["work", "cache"])
def test_the_disk_is_the_one_that_will_be_written(tmp_path, monkeypatch, full):
    """Not the one that the doctor happens to be called on."""
    (tmp_path / "full").mkdir()
    monkeypatch.setenv(f"COURSE_{full.upper()}", str(tmp_path / "full" / "not yet there"))

    def usage(folder):
        return SimpleNamespace(free=(0.2 if str(folder).endswith("full") else 70) * GB)

    monkeypatch.setattr("shutil.disk_usage", usage)
    assert not machine.disk().ok and str(tmp_path / "full") in machine.disk().to_do


def test_data_folders(monkeypatch, tmp_path):
    (tmp_path / "a file").write_text("x")
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    folders = [str(tmp_path), "~/data", str(tmp_path / "missing"), str(tmp_path / "a file")]
    monkeypatch.setenv("COURSE_DATA", os.pathsep.join(folders))
    found = [finding for finding in machine.places() if finding.what == "COURSE_DATA"]
    assert [finding.ok for finding in found] == [True, True, False, False]
    assert "missing" in found[2].value and "COURSE_DATA" in found[2].to_do
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    found = [finding for finding in machine.places() if finding.what == "COURSE_DATA"]
    assert not found[-1].ok and "write the path in full" in found[-1].to_do


@pytest.mark.parametrize("what", ["work", "cache"])
def test_places_that_cannot_be_written(monkeypatch, tmp_path, what):
    def place():
        return next(finding for finding in machine.places() if finding.what == what)

    variable = f"COURSE_{what.upper()}"
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv(variable, str(tmp_path / "new" / "folder"))
    assert place().ok and not (tmp_path / "new").exists()
    monkeypatch.setenv(variable, str(tmp_path / "file"))
    assert not place().ok and variable in place().to_do and str(tmp_path / "file") in place().to_do


def test_a_missing_platformdirs(monkeypatch):
    monkeypatch.setitem(sys.modules, "platformdirs", None)
    cache = next(finding for finding in machine.places() if finding.what == "cache")
    assert not cache.ok and "course.py lab" in cache.to_do
