import math

import pytest

from course_lib.lab.expect import expect


def test_the_line_does_not_depend_on_the_value(capsys):
    expect(1.23, about=1.2, within=0.05, name="loss (nats)")
    expect(1.17, about=1.2, within=0.05, name="loss (nats)")
    first, second = capsys.readouterr().out.splitlines()
    assert first == second == "loss (nats): 1.2 ± 0.05"


@pytest.mark.parametrize("value", [1.26, 1.14, math.nan, math.inf])
def test_outside_the_band_fails_with_the_value(value):
    with pytest.raises(AssertionError, match=f"{value:.6g}, expected 1.2"):
        expect(value, about=1.2, within=0.05)


def test_a_band_has_a_width():
    with pytest.raises(ValueError, match="within=0"):
        expect(1.0, about=1.0, within=0)
