"""What every test of the course shares: one thread, a private `work/`, the rules for skipping and comparing.

The rest is in tools/: `nbval_tolerance` (what may differ when a notebook runs again) and `skip_policy` (which
skips are allowed, seconds for each lesson).
"""

import importlib.util
import os
import tempfile
from pathlib import Path

import pytest

# Set before torch is imported, and inherited by the kernels that nbval starts. On two busy cores two threads
# are far slower than one.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["COURSE_HEADLESS"] = "1"
os.environ["PYTHONHASHSEED"] = "0"
os.environ["HF_HUB_OFFLINE"] = "1"  # an oracle that wants to download something has been called wrongly

ROOT = Path(__file__).resolve().parent
pytest_plugins = ["tools.skip_policy"]
if importlib.util.find_spec("nbval"):  # absent where only text/ and byhand/ are tested
    pytest_plugins.append("tools.nbval_tolerance")


def pytest_configure(config):
    """An empty `work/` for this run, so that no test or lesson sees the student's own."""
    config._course_work = tempfile.TemporaryDirectory(prefix="course-test-", ignore_cleanup_errors=True)
    os.environ["COURSE_WORK"] = f"{config._course_work.name}/work"
    # Started with an empty profile, kernels are the same for everyone.
    os.environ["IPYTHONDIR"] = f"{config._course_work.name}/ipython"


def pytest_unconfigure(config):
    config._course_work.cleanup()


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium that starts, or a skip that says what to install."""
    from course_lib.doctor import software

    if path := software.chromium():
        return path
    pytest.skip("no Chromium: install it (Debian, Ubuntu: sudo apt-get install chromium)")


@pytest.fixture(scope="session")
def bubblewrap() -> str:
    """The path of a bwrap that can make a sandbox here, or a skip that says what to install."""
    from course_lib.doctor import software

    path, why = software.bubblewrap()
    if not path:
        pytest.skip("no bubblewrap: install it (Debian, Ubuntu: sudo apt-get install bubblewrap)")
    if why:
        pytest.skip(f"bubblewrap cannot make a sandbox here: {why}; allow user namespaces")
    return path


@pytest.fixture(scope="session")
def cjk_font() -> str:
    """The name of an installed font with Chinese characters, or a skip that says what to install."""
    from course_lib.doctor import cjk_font

    if name := cjk_font():
        return name
    pytest.skip("no font with Chinese characters: install one (Debian, Ubuntu: fonts-noto-cjk)")


@pytest.fixture(scope="session")
def gpu():
    """The first CUDA device; the one thing whose absence may skip a test anywhere."""
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no GPU")
    return torch.device("cuda", 0)
