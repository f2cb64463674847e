"""The kernel that JupyterLab would start is started: another Python behind its name is found out."""

import json
import sys
import venv

import pytest

from course_lib.doctor import kernel as module
from course_lib.doctor.kernel import kernel


@pytest.fixture
def spec(tmp_path, monkeypatch):
    """Write a kernel called python3 into the user's own folder, which comes before the environment's here."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "0")  # what counts for who does not own the environment
    folder = tmp_path / "jupyter" / "kernels" / "python3"
    folder.mkdir(parents=True)

    def write(*argv, **more):
        said = {"argv": argv, "display_name": "x", "language": "python"} | more
        (folder / "kernel.json").write_text(json.dumps(said))
        return folder

    return write


LAUNCH = ("-m", "ipykernel_launcher", "-f", "{connection_file}")


def one():
    [found] = kernel()
    return found


def test_this_python(spec):
    spec(sys.executable, *LAUNCH)
    assert one().ok and one().value == "python3 starts this Python"


def test_another_python(spec, tmp_path):
    """One that can start a kernel: an environment of its own that sees the packages of this one."""
    other = tmp_path / "other"
    venv.create(other, with_pip=False)
    python = next(path for path in (other / "bin" / "python", other / "Scripts" / "python.exe") if path.exists())
    folder = spec(str(python), *LAUNCH, env={"PYTHONPATH": next(path for path in sys.path if "site-packages" in path)})
    found = one()
    assert not found.ok and f"starts another Python: {python}" in found.value
    assert str(folder) in found.to_do and "JUPYTER_PREFER_ENV_PATH=1" in found.to_do


def test_this_python_with_another_package(spec, tmp_path):
    info = tmp_path / "elsewhere" / "numpy-0.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 0.1\n")
    spec(sys.executable, *LAUNCH, env={"PYTHONPATH": str(tmp_path / "elsewhere")})
    found = one()
    assert not found.ok and "numpy 0.1, here " in found.value and "PYTHONPATH" in found.to_do


def test_one_that_does_not_start(spec, monkeypatch):
    monkeypatch.setattr(module, "SECONDS", 20)
    folder = spec(sys.executable, "-c", "raise SystemExit('no ipykernel here')", "{connection_file}")
    found = one()
    assert not found.ok and "python3 does not start" in found.value
    assert "ipykernel install" in found.to_do and str(folder) in found.to_do


def test_none_and_no_jupyter(monkeypatch):
    from jupyter_client.kernelspec import NoSuchKernel

    def missing(self, name):
        raise NoSuchKernel(name)

    monkeypatch.setattr("jupyter_client.kernelspec.KernelSpecManager.get_kernel_spec", missing)
    assert not one().ok and "ipykernel install --sys-prefix" in one().to_do
    monkeypatch.setitem(sys.modules, "jupyter_client.kernelspec", None)
    assert not one().ok and "course.py lab" in one().to_do


def test_inside_a_notebook_the_kernel_is_this_one(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipykernel.kernelapp", sys)
    assert one().value == "found: this one"
