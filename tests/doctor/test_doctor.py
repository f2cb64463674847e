"""The whole examination: what it looks at, and that each warning says what to do."""

import subprocess
import sys

import pytest

from course_lib.doctor import doctor


@pytest.fixture(scope="module")
def found():
    """What the doctor says here, by what was looked at."""
    return {finding.what: finding for finding in doctor()}


def test_a_prepared_machine_has_all(found, cjk_font):
    assert list(found)[:3] == ["Python", "PyTorch", "GPU"]
    for what in ("Python", "PyTorch", "Jupyter kernel", "widgets", "Chinese font", "disk", "work", "cache"):
        assert found[what].ok and not found[what].to_do, found[what]
    assert found["Python"].value == ".".join(map(str, sys.version_info[:3]))
    assert found["Chinese font"].value == cjk_font
    assert found["Jupyter kernel"].value == "python3 starts this Python"


def test_every_warning_says_what_to_do(found):
    assert all(finding.to_do for finding in found.values() if not finding.ok)


def test_importing_it_imports_nothing_heavy():
    code = "import sys, course_lib.doctor; sys.exit(not {'torch', 'matplotlib'}.isdisjoint(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
