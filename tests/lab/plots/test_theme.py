"""Colours: apart for every kind of eye, text readable on its ground, in both themes.

Colour blindness is simulated with the matrices of Machado, Oliveira and Fernandes 2009 (IEEE TVCG 15, table 1,
severity 1), distances are Euclidean in CIELAB (D65); 2.3 is what one can just see, and we ask for far more.
"""

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from course_lib.lab.plots.theme import DARK, LIGHT, contrast, luminance, text_on, theme, use_theme

EYES = {
    "all cones": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
}
XYZ = np.array([[0.4124564, 0.3575761, 0.1804375],
                [0.2126729, 0.7151522, 0.0721750],
                [0.0193339, 0.1191920, 0.9503041]])
BOTH = pytest.mark.parametrize("look", [LIGHT, DARK], ids=lambda look: look.name)


def lab(color, eye="all cones"):
    """CIELAB of a colour, as this eye sees it."""
    c = np.array(to_rgb(color))
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    xyz = XYZ @ np.clip(np.array(EYES[eye]) @ linear, 0, 1) / (XYZ @ np.ones(3))
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_the_simulation_is_right():
    assert lab("#ffffff") == pytest.approx([100, 0, 0], abs=0.01)
    assert lab("#ff0000") == pytest.approx([53.24, 80.09, 67.20], abs=0.02)          # published values of sRGB red
    red_green = {eye: np.linalg.norm(lab("#aa5500", eye) - lab("#557700", eye)) for eye in EYES}
    assert red_green["deuteranopia"] < 0.35 * red_green["all cones"]


@BOTH
@pytest.mark.parametrize("eye", EYES)
def test_the_series_can_be_told_apart(look, eye):
    pairs = itertools.combinations(look.series, 2)
    gaps = {(one, other): np.linalg.norm(lab(one, eye) - lab(other, eye)) for one, other in pairs}
    assert min(gaps.values()) > 14, min(gaps, key=gaps.get)


@BOTH
def test_text_and_marks_stand_out(look):
    for text in (look.ink, look.muted, look.gradient):
        assert contrast(text, look.background) >= 4.5
    assert contrast(look.ink, look.faint) >= 4.5
    for mark in (*look.series, look.rest, look.signed[0], look.signed[-1]):
        assert contrast(mark, look.background) >= 3


@BOTH
def test_values_are_readable_on_every_colour_of_a_scale(look):
    for colors in (look.more(), look.plus_minus()):
        assert min(contrast(text_on(colors(v)), colors(v)) for v in np.linspace(0, 1, 64)) >= 4.5


@BOTH
@pytest.mark.parametrize("eye", EYES)
def test_scales_rise_in_brightness_alone(look, eye):
    sign = -1 if look is LIGHT else 1
    levels = [sign * lab(look.more()(v), eye)[0] for v in np.linspace(0, 1, 33)]
    assert np.all(np.diff(levels) > 0)
    middle = [abs(lab(look.plus_minus()(v), eye)[0] - lab(look.background)[0]) for v in np.linspace(0, 1, 33)]
    assert np.argmin(middle) == 16
    assert np.linalg.norm(lab(look.signed[0], eye) - lab(look.signed[-1], eye)) > 40


def test_contrast_is_wcags():
    assert contrast("white", "black") == pytest.approx(21) and contrast("red", "red") == 1
    assert contrast("#777777", "white") == pytest.approx(4.48, abs=0.01) and luminance("white") == pytest.approx(1)


def test_a_theme_ends_where_its_block_ends():
    with pytest.raises(ZeroDivisionError), use_theme("dark"):
        assert theme() is DARK
        1 / 0  # noqa: B018
    assert theme() is LIGHT
    with pytest.raises(ValueError, match="no theme 'sepia'; try one of light, dark"), use_theme("sepia"):
        pass


def test_settings_are_valid_for_matplotlib():
    with plt.rc_context(DARK.settings()):
        assert plt.rcParams["figure.facecolor"] == DARK.background and plt.rcParams["text.color"] == DARK.ink
