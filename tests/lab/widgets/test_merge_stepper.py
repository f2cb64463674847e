"""The stepper shows what merge_steps found: strips, pairs and curve of each merge."""

import re
from html import unescape

import pytest

from course_lib.lab.widgets.merge_stepper import MergeStepper
from course_lib.text.tokenizer import BPETokenizer

SONG = "low lower lowest <b> 低低"


def chips(markup):
    """The strips as lists of (token, class)."""
    strips = re.findall(r'<p class="strip">(.*?)</p>', markup)
    return [[(unescape(text), kind) for kind, text in re.findall(r'<span class="(chip[^"]*)"[^>]*>([^<]*)<', strip)]
            for strip in strips]


@pytest.fixture
def stepper():
    return MergeStepper(SONG, step=0)


def test_it_begins_with_bytes(stepper):
    (strip,) = chips(stepper.picture().markup)
    assert [text for text, _ in strip] == [*"low␣lower␣lowest␣<b>␣", *r"\xe4 \xbd \x8e \xe4 \xbd \x8e".split()]
    assert stepper.picture().words == f"no merge yet: {len(SONG.encode())} bytes, {stepper.last} merges to come"


def test_a_merge_shows_before_after_and_the_pairs(stepper):
    stepper.set(next=True)
    picture = stepper.picture()
    assert picture.words == "merge 1 of 6: l + o → lo, seen 3 times; 27 → 24 tokens"
    before, after = chips(picture.markup)
    assert len(before) == 27 and len(after) == 24
    assert [text for text, kind in after if kind == "chip new"] == ["lo", "lo", "lo"]
    assert picture.markup.count('class="pair"') == 3
    row = r'<tr( class="won")?><th scope="row">([^<]*)</th><td><i style="--w:([\d.]+)"></i>(\d+)'
    rows = re.findall(row, picture.markup)
    assert rows[0] == (' class="won"', "l + o", "1.000", "3") and rows[1][1] == "o + w"
    assert [int(row[3]) for row in rows] == sorted((int(row[3]) for row in rows), reverse=True)


def test_the_curve_leads_to_each_merge(stepper):
    markup = stepper.picture().markup
    counts = [int(n) for n in re.findall(r'aria-label="after \d+ merges?: (\d+) tokens?"', markup)]
    assert len(counts) == stepper.last + 1 and counts == sorted(counts, reverse=True)
    assert unescape(re.findall(r'data-set="([^"]*)"', markup)[3]) == '{"step": 3}'


def test_another_sentence_begins_anew(stepper):
    stepper.set(step=stepper.last)
    stepper.set(sentence="aa aa")
    assert stepper.state["step"] == 0 and stepper.last == 1
    stepper.set(sentence="")
    assert stepper.last == 0 and stepper.picture().words == "no merge yet: 0 bytes, 0 merges to come"
    assert "empty" in repr(stepper)


def test_a_tokenizer_is_applied_not_learned():
    tokenizer = BPETokenizer.train("slow low owl " * 5, 262)
    stepper = MergeStepper("low owl", tokenizer)
    last = chips(stepper.picture().markup)[-1]
    assert [text.replace("␣", " ") for text, _ in last] == tokenizer.tokens("low owl")
    assert re.search(r"merge \d of \d \(the tokenizer's \d\.\)", stepper.picture().words)
    assert "earliest learned first" in stepper.picture().markup


def test_the_still_picture_is_a_figure_of_the_same_tokens(stepper):
    stepper.set(step=2)
    bundle = stepper._repr_mimebundle_()
    assert set(bundle) == {"image/png", "text/plain"} and bundle["text/plain"] == stepper.picture().words
