"""What tests of several packages share beside the root's conftest: the built site."""

import subprocess
import sys

import pytest

from tools.mathjax import FILE as MATHJAX


@pytest.fixture(scope="session")
def site(repository):
    """The folder of the site, as `make site` builds it: without one warning, from stored outputs, without a network."""
    if not MATHJAX.exists():
        pytest.skip("no MathJax: run `make setup ARGS=site`; it needs npm (Debian, Ubuntu: sudo apt-get install npm)")
    command = [sys.executable, repository / "tools" / "build_site.py"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"[-6000:]
    return repository / "build" / "site"
