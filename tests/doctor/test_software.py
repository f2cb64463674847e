"""The doctor says what is wrong, and what to do, for each program that can be missing or broken."""

import sys

import pytest

from course_lib.doctor import software


def test_another_torch_is_reported_and_not_refused(monkeypatch):
    monkeypatch.setattr("torch.__version__", "2.11.1+cu130")
    assert not software.torch().ok and "tested with " in software.torch().to_do
    monkeypatch.setattr("torch.__version__", f"{software.tested_version('torch')}+cpu")
    assert software.torch().ok
    monkeypatch.setattr(software, "ROOT", software.ROOT / "nowhere")  # installed without the repository
    monkeypatch.setattr("torch.__version__", "2.11.1")
    assert software.torch().ok


def test_a_torch_that_cannot_multiply(monkeypatch):
    def ones(*shape, **place):
        raise RuntimeError("could not create a primitive\nmore lines")

    monkeypatch.setattr("torch.ones", ones)
    found = software.torch()
    assert not found.ok and "cannot multiply" in found.value and "primitive" in found.value and found.to_do


def test_a_gpu_that_torch_sees_but_cannot_use(monkeypatch):
    """An old card with a new build: is_available() is true, and the first kernel fails."""
    from types import SimpleNamespace

    def ones(*shape, **place):
        raise RuntimeError("CUDA error: no kernel image is available for execution on the device\nmore lines")

    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    monkeypatch.setattr("torch.cuda.get_device_properties", lambda i: SimpleNamespace(name="P100", total_memory=16e9))
    monkeypatch.setattr("torch.ones", ones)
    found = software.gpu()
    assert not found.ok and "P100 cannot add: CUDA error: no kernel image" in found.value and "\n" not in found.value
    assert "CUDA_VISIBLE_DEVICES=-1" in found.to_do


@pytest.mark.parametrize(("package", "look"), [("torch", software.torch), ("jupyter_core.paths", software.widgets),
                                               ("course_lib.lab.plots.fonts", software.font)])
def test_a_missing_package_is_a_finding(monkeypatch, package, look):
    for name in (package, "course_lib.lab.plots"):
        monkeypatch.setitem(sys.modules, name, None)
    assert not look().ok and "course.py lab" in look().to_do
    assert software.gpu().ok


def test_no_font_and_no_widgets(monkeypatch):
    monkeypatch.setattr(software, "cjk_font", lambda: None)
    monkeypatch.setattr("jupyter_core.paths.jupyter_path", lambda *parts: ["nowhere"])
    assert "fonts-noto-cjk" in software.font().to_do
    assert "course.py lab" in software.widgets().to_do


def test_a_program_that_is_there_and_does_not_start_is_not_found(monkeypatch, tmp_path):
    """As a browser is that only tells one to install another one."""
    assert software.complaint(sys.executable, "-c", "") == ""
    assert software.complaint(sys.executable, "-c", "import sys; sys.exit('install me first')") == "install me first"
    assert software.complaint(sys.executable, "-c", "raise SystemExit(3)") == "it ends with 3"
    assert software.complaint(str(tmp_path / "nothing")) != ""
    monkeypatch.setattr("shutil.which", lambda name: str(tmp_path / name))
    assert software.chromium() is None and software.bubblewrap()[1]
    assert ["none that starts" in finding.value or "not usable" in finding.value
            for finding in software.for_contributors()] == [True, True]
