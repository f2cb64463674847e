"""The test suite's own rules: which skips are allowed, which differences between two runs of a notebook."""

import base64
import io

import matplotlib.pyplot as plt
import pytest

from tools.nbval_tolerance import TolerantText, compare_pictures, picture_difference
from tools.skip_policy import forbid_skip

pytest_plugins = ["pytester"]


class Report:
    skipped = True

    def __init__(self, reason):
        self.outcome, self.longrepr = "skipped", ("test_x.py", 3, f"Skipped: {reason}")


@pytest.mark.parametrize(
    ("environ", "reason", "outcome"),
    [
        ({}, "no Chromium: install it", "skipped"),
        ({"CI": "true"}, "no Chromium: install it", "failed"),
        ({"CI": "true"}, "no GPU", "skipped"),
        ({"CI": "false"}, "could not import 'nltk'", "skipped"),
        ({"CI": "true"}, "could not import 'nltk'", "failed"),
    ],
)
def test_skips(environ, reason, outcome):
    report = Report(reason)
    forbid_skip(report, environ)
    assert report.outcome == outcome


@pytest.mark.parametrize(("ci", "counts"), [("true", {"failed": 1, "skipped": 1}), ("", {"skipped": 2})])
def test_skips_in_a_real_run(pytester, monkeypatch, ci, counts):
    monkeypatch.setenv("CI", ci)
    pytester.makepyfile(
        "import pytest\n"
        "def test_font(): pytest.skip('no font')\n"
        "def test_gpu(): pytest.skip('no GPU')\n"
        "def test_fine(): pass\n"
        "@pytest.mark.xfail\n"
        "def test_known(): assert 0\n"
    )
    result = pytester.runpytest_inprocess("-p", "tools.skip_policy", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, xfailed=1, **counts)
    assert result.ret == (1 if ci else 0)


@pytest.mark.parametrize(
    ("stored", "computed"),
    [
        ("loss 1.234", "loss 1.235"),
        ("[ 0.000, 2.5e-04]", "[-0.000, 2.6e-04]"),
        ("same", "same"),
        ("9.99 nats", "10.00 nats"),
    ],
)
def test_numbers_that_count_as_equal(stored, computed):
    assert TolerantText(stored) == computed and not TolerantText(stored) != computed


@pytest.mark.parametrize(
    ("stored", "computed"),
    [
        ("loss 1.234", "loss 1.236"),
        ("3 steps", "4 steps"),
        ("loss 1.234", "cost 1.234"),
        ("1.5 2.5", "1.5"),
        ("1.5", "1.5 "[:3] + "!"),
        ("2.5e-04", "2.5e-03"),
    ],
)
def test_numbers_that_differ(stored, computed):
    assert TolerantText(stored) != computed and not TolerantText(stored) == computed


def figure(cmap="cividis", size=3, upside_down=False):
    fig, ax = plt.subplots(figsize=(size, 3))
    ax.imshow([[0, 1], [2, 3]][:: -1 if upside_down else 1], cmap=cmap)
    stored = io.BytesIO()
    fig.savefig(stored, format="png")
    plt.close(fig)
    return base64.b64encode(stored.getvalue()).decode()


def test_pictures():
    assert picture_difference(figure(), figure()) is None
    assert "mean difference" in picture_difference(figure(), figure(cmap="gray"))
    assert "mean difference" in picture_difference(figure(), figure(upside_down=True))
    assert "pixels stored" in picture_difference(figure(), figure(size=4))
    shown = {"data": {"image/png": figure()}}
    assert compare_pictures([shown], []) == ["1 figures stored, 0 computed"]
    assert compare_pictures([shown], [shown]) == []
