"""One text or several, and what UTF-8 can hold."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.text.texts import CheckedTexts, as_list, as_texts, clean, utf8


def test_one_text_is_never_taken_apart():
    assert as_texts("abc") == ["abc"] and as_texts("") == [""] and as_texts([]) == []
    assert as_texts(("a", "b")) == ["a", "b"] and list(as_texts(iter("ab"))) == ["a", "b"]
    assert as_list("abc", "names") == ["abc"] and as_list(("a", "b"), "names") == ["a", "b"]
    assert as_list(Path("a"), "folders", (str, Path)) == [Path("a")] and as_list({"a": 1}, "names") == ["a"]


def test_a_stream_stays_a_stream_and_is_checked_while_it_is_read():
    def endless():
        while True:
            yield "a"

    assert next(iter(as_texts(endless()))) == "a"
    again = as_texts({"a", "b"})
    assert isinstance(again, CheckedTexts) and sorted(again) == sorted(again) == ["a", "b"]
    broken = iter(as_texts(iter(["a", None])))
    assert next(broken) == "a"
    with pytest.raises(ValueError, match=r"texts\[1\] is None \(NoneType\), not a text"):
        next(broken)


@pytest.mark.parametrize(("wrong", "says"), [
    (b"ab", r"texts must be a text or several, not b'ab' \(bytes\); decode\(\) the bytes first"),
    (Path("a.txt"), "read it first: path.read_text"), ({"a": "b"}, r"give its values\(\)"), (None, "not None"),
    (["a", 3], r"texts\[1\] is 3 \(int\)"), ([["a"]], r"texts\[0\] is \['a'\] \(list\)"),
    ([Path("a.txt")], r"texts\[0\] is .*; read it first"),
])
def test_what_is_no_text_is_shown_with_its_place_and_a_way_out(wrong, says):
    with pytest.raises(ValueError, match=says):
        as_texts(wrong)


@pytest.mark.parametrize("wrong", [5, b"ab", None, ["a", 5]])
def test_short_lists_hold_one_kind(wrong):
    with pytest.raises(ValueError, match=r"names"):
        as_list(wrong, "names")


@given(st.text(alphabet=st.one_of(st.characters(), st.characters(categories=["Cs"])), max_size=20))
def test_bytes_are_those_of_the_cleaned_text(text):
    assert utf8(text).decode() == clean(text) and clean(clean(text)) == clean(text)


def test_one_text_is_meant():
    with pytest.raises(ValueError, match=r"\['a'\] \(list\) is not a text; several are taken one by one"):
        clean(["a"])
