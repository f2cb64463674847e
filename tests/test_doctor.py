"""The doctor says what is wrong, and what to do, for each thing that can be wrong."""

import os
import subprocess
import sys

import pytest

from course_lib import doctor as module
from course_lib.doctor import Finding, doctor, report


def finding(what):
    found = [f for f in doctor() if f.what == what]
    assert len(found) == 1, f"{what}: {found}"
    return found[0]


def test_a_prepared_machine_has_all(cjk_font, monkeypatch):
    monkeypatch.delenv("COURSE_DATA", raising=False)
    found = {f.what: f for f in doctor()}
    assert list(found)[:3] == ["Python", "PyTorch", "GPU"]
    for what in ("Python", "Jupyter kernel", "widgets", "Chinese font", "disk"):
        assert found[what].ok and not found[what].to_do, found[what]
    assert found["Python"].value == ".".join(map(str, sys.version_info[:3]))
    assert found["Chinese font"].value == cjk_font


def test_every_warning_says_what_to_do():
    assert all(f.to_do for f in doctor() if not f.ok)


def test_another_torch_is_reported_and_not_refused(monkeypatch):
    monkeypatch.setattr("torch.__version__", "2.11.1+cu130")
    assert not finding("PyTorch").ok and "tested with " in finding("PyTorch").to_do
    monkeypatch.setattr("torch.__version__", f"{module.tested_version('torch')}+cpu")
    assert finding("PyTorch").ok
    monkeypatch.setattr(module, "ROOT", module.ROOT / "nowhere")  # installed without the repository
    monkeypatch.setattr("torch.__version__", "2.11.1")
    assert finding("PyTorch").ok


@pytest.mark.parametrize(
    ("package", "what"),
    [
        ("torch", "PyTorch"),
        ("psutil", "memory"),
        ("jupyter_client.kernelspec", "Jupyter kernel"),
        ("platformdirs", "cache"),
    ],
)
def test_a_missing_package_is_a_finding(monkeypatch, package, what):
    monkeypatch.setitem(sys.modules, package, None)
    assert not finding(what).ok and "make lab" in finding(what).to_do


def test_data_folders(monkeypatch, tmp_path):
    (tmp_path / "a file").write_text("x")
    folders = [tmp_path, tmp_path / "missing", tmp_path / "a file"]
    monkeypatch.setenv("COURSE_DATA", os.pathsep.join(map(str, folders)))
    found = [f for f in doctor() if f.what == "COURSE_DATA"]
    assert [f.ok for f in found] == [True, False, False]
    assert "missing" in found[1].value and "COURSE_DATA" in found[1].to_do


def test_cache_that_cannot_be_written(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "new" / "folder"))
    assert finding("cache").ok
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "file"))
    assert not finding("cache").ok and "COURSE_CACHE" in finding("cache").to_do


def test_no_font_no_kernel_no_widgets(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "cjk_font", lambda: None)
    monkeypatch.setattr("jupyter_client.kernelspec.KernelSpecManager.find_kernel_specs", lambda self: {})
    monkeypatch.delitem(sys.modules, "ipykernel.kernelapp", raising=False)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert "fonts-noto-cjk" in finding("Chinese font").to_do
    assert "ipykernel install" in finding("Jupyter kernel").to_do
    assert "make lab" in finding("widgets").to_do


def test_the_table():
    table = report([Finding("cores", "2"), Finding("Chinese font", "none", False, "install one")])
    assert table.splitlines() == [
        "ok    cores         2",
        "look  Chinese font  none",
        "                    → install one",
        "1 to look at: lines with → say how.",
    ]
    assert report([Finding("cores", "2")]).splitlines()[-1] == "Everything is there."


def test_importing_it_imports_nothing_heavy():
    code = "import sys, course_lib.doctor; sys.exit(not {'torch', 'matplotlib'}.isdisjoint(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
