"""What tests of several packages share beside the root's conftest: the built site."""

import contextlib
import subprocess
import sys
import time

import pytest

from tools.mathjax import FILE as MATHJAX


@pytest.fixture(scope="session")
def site(repository, tmp_path_factory, request):
    """The folder of the site, as `make site` builds it: without one warning, from stored outputs, without a network.

    Built once: of several processes the first one that asks builds, the others wait for it.
    """
    if not MATHJAX.exists():
        pytest.skip("no MathJax: run `make setup ARGS=site`; it needs npm (Debian, Ubuntu: sudo apt-get install npm)")
    alone = not hasattr(request.config, "workerinput")
    shared = tmp_path_factory.getbasetemp() if alone else tmp_path_factory.getbasetemp().parent
    claimed, log = shared / "site-claimed", shared / "site-built.txt"
    with contextlib.suppress(FileExistsError):
        claimed.mkdir()
        command = [sys.executable, repository / "tools" / "build_site.py"]
        done = subprocess.run(command, cwd=repository, capture_output=True, text=True)
        part = log.with_suffix(".part")
        part.write_text("" if done.returncode == 0 else f"{done.stdout}\n{done.stderr}"[-6000:], encoding="utf-8")
        part.replace(log)
    while not log.exists():
        time.sleep(0.2)
    assert log.read_text(encoding="utf-8") == ""
    return repository / "build" / "site"
