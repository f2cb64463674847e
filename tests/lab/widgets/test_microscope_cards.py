"""Numbers as people read and type them, and cells that a keyboard and a screen reader find."""

import re

import numpy as np
import pytest

from course_lib.lab.widgets.microscope_cards import Card, cards_html, number_typed, readable_number


@pytest.mark.parametrize("value, text", [
    (0.125, "0.12"), (-1.5, "−1.50"), (-0.001, "0.00"), (-np.inf, "−∞"), (np.inf, "∞"), (np.nan, "?"), (True, "1.00"),
])
def test_numbers_read(value, text):
    assert readable_number(value) == text


@pytest.mark.parametrize("text, value", [
    ("1.5", 1.5), ("−1,5", -1.5), ("-2", -2.0), ("1e-1", 0.1), ("x", None), ("inf", None),
])
def test_numbers_typed(text, value):
    assert number_typed(text) == value


def test_inputs_are_fields_and_results_are_buttons_with_one_tab_stop():
    cards = [Card("x", "", "TD", np.array([[1.0, -2.55], [0.0, 4.0]]), editable=True),
             Card("y", "2 x < 9", "TD", np.array([[2.0, -4.0], [0.0, 8.0]]))]
    markup = cards_html(cards, {"T": ["a", "<b>"]})
    assert re.findall(r'<input [^>]*value="([^"]*)"', markup) == ["1", "−2.55", "0", "4"]
    assert len(re.findall(r"<button", markup)) == 4 and len(re.findall(r'tabindex="0"', markup)) == 1
    assert "2 x &lt; 9" in markup and "<b>" not in re.sub(r"<b>[xy]</b>", "", markup)
    assert 'aria-label="x[&lt;b&gt;, 1]: 4.00"' in markup


def test_colour_is_the_share_of_the_largest_and_its_sign():
    markup = cards_html([Card("y", "", "T", np.array([4.0, -2.0, -np.inf]))], {})
    assert re.findall(r'class="cell (\w+)\s*" style="--w:([\d.]+)"', markup) == [
        ("plus", "1.000"), ("minus", "0.500"), ("minus", "0.000")]
    graded = cards_html([Card("y", "", "T", np.array([4.0, -2.0]), np.array([-1.0, 0.5]))], {})
    assert re.findall(r'class="cell (\w+)\s*" style="--w:([\d.]+)"', graded) == [("minus", "1.000"), ("plus", "0.500")]
