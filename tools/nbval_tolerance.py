"""A pytest plugin: what may differ when nbval runs a notebook on another processor.

Strict nbval compares text exactly and pictures not at all. Here the rules of nbval_sanitize.cfg apply; a printed
float may be off by one in its last printed place, for processors round differently (integers and everything around
the numbers stay exact); and stored figures are compared as one sees them: a digit may differ, a curve may not.
"""

import base64
import io
import math
import re
from pathlib import Path

import numpy as np
import pytest
from nbval.plugin import IPyNbCell
from PIL import Image

RULES = Path(__file__).with_name("nbval_sanitize.cfg")  # what a reader learns nothing from
FLOAT = re.compile(r"[-+]?\d*\.\d+(?:[eE][-+]?\d+)?")
# Figures. A pixel is a stranger if the other picture has nothing like its colour nearby, not even as a mixture, as
# the edges of lines are. Where a digit changes, ink stays near ink; a curve that moves is far from where it was.
# A slight change of broad areas is seen in a thumbnail.
NEARBY, TINT = 3, 32  # pixels, of 255
STRANGERS = 80  # a label with one digit more has 50 or so, a dot moved by 2 % hundreds, a curve thousands
SIDE, MEAN_BOUND = 64, 1.0  # of a thumbnail in pixels; mean difference, of 255


class TolerantText(str):
    """Text that equals other text when only the last printed place of a float differs, by one."""

    def __eq__(self, other):
        if str.__eq__(self, other):
            return True
        if not isinstance(other, str) or _without_floats(self) != _without_floats(other):
            return False
        return all(map(_close, FLOAT.findall(self), FLOAT.findall(other)))

    def __ne__(self, other):
        return not self == other

    __hash__ = str.__hash__


def _without_floats(text):
    """The text around its floats; `-0.000` and `0.000` are padded differently, so drop spaces there."""
    return re.sub(r" *\0 *", "\0", FLOAT.sub("\0", text))


def _last_place(number):
    """The value of one unit in the last printed place: 0.01 for 3.14, 1e-5 for 2.5e-4."""
    mantissa, _, exponent = number.lower().partition("e")
    return 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))


def _close(one, other):
    bound = 1.01 * max(_last_place(one), _last_place(other))
    return math.isclose(float(one), float(other), rel_tol=0.0, abs_tol=bound)


def picture_difference(stored: str, computed: str) -> str | None:
    """What differs between two base64 PNGs, or None where they show the same."""
    images = [Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB") for png in (stored, computed)]
    if images[0].size != images[1].size:
        return f"{images[0].size} pixels stored, {images[1].size} computed"
    before, now = (np.asarray(image, dtype=int) for image in images)
    small = [np.asarray(image.resize((SIDE, SIDE)), dtype=float) for image in images]
    mean, found = np.abs(small[0] - small[1]).mean(), strangers(before, now) + strangers(now, before)
    if mean <= MEAN_BOUND and found <= STRANGERS:
        return None
    return f"{found} pixels that the other has not nearby, more than {STRANGERS}, or mean difference {mean:.2f} of 255"


def strangers(picture: np.ndarray, other: np.ndarray) -> int:
    """How many pixels of `picture` (height, width, 3) are no mixture of what `other` has within NEARBY pixels."""
    rows, columns = np.nonzero(np.abs(picture - other).max(axis=-1) > TINT)
    around = np.pad(other, ((NEARBY, NEARBY), (NEARBY, NEARBY), (0, 0)), mode="edge")
    darkest, lightest = (np.full((len(rows), 3), end) for end in (255, 0))
    for down, right in np.ndindex(2 * NEARBY + 1, 2 * NEARBY + 1):
        there = around[rows + down, columns + right]
        darkest, lightest = np.minimum(darkest, there), np.maximum(lightest, there)
    mine = picture[rows, columns]
    return int(((mine < darkest - TINT) | (mine > lightest + TINT)).any(axis=-1).sum())


def _pictures(outputs):
    return [o["data"]["image/png"] for o in outputs if "image/png" in o.get("data", {})]


def compare_pictures(stored: list, computed: list) -> list[str]:
    """One line for each figure that is not as stored."""
    before, now = _pictures(stored), _pictures(computed)
    if len(before) != len(now):
        return [f"{len(before)} figures stored, {len(now)} computed"]
    found = map(picture_difference, before, now)
    return [f"figure {n}: {what}" for n, what in enumerate(found, start=1) if what]


def _compare_outputs(cell, test, ref, skip_compare=None):
    if not _nbval_compare(cell, test, ref, skip_compare):
        return False
    cell.comparison_traceback = compare_pictures(ref, test)
    return not cell.comparison_traceback


def _sanitize(cell, text):
    clean = _nbval_sanitize(cell, text)
    return TolerantText(clean) if isinstance(clean, str) else clean


_nbval_compare, _nbval_sanitize = IPyNbCell.compare_outputs, IPyNbCell.sanitize


def pytest_configure(config):
    config.option.nbval_sanitize_with = config.option.nbval_sanitize_with or str(RULES)
    IPyNbCell.compare_outputs, IPyNbCell.sanitize = _compare_outputs, _sanitize


def pytest_unconfigure(config):
    IPyNbCell.compare_outputs, IPyNbCell.sanitize = _nbval_compare, _nbval_sanitize


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Build matplotlib's font cache before the first notebook, where its message would be an output."""
    if any(isinstance(item, IPyNbCell) for item in items):
        import matplotlib.font_manager  # noqa: F401
