import re
from html.parser import HTMLParser

import pytest

from course_lib.lab.plots import token_html, use_theme
from course_lib.lab.plots.theme import contrast

WORDS = dict(caption="A < b.", alt='It says "so".')


class Tokens(HTMLParser):
    """Collects the <b> elements, and every tag and attribute."""

    def __init__(self, html):
        super().__init__()
        self.tokens, self.tags, self.attributes, self.open = [], [], {}, None
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes.setdefault(tag, []).append(dict(attributes))
        self.open = tag

    def handle_data(self, data):
        if self.open == "b":
            self.tokens.append(data)

    def handle_endtag(self, tag):
        self.open = None


def test_every_character_is_shown_as_it_is():
    strip = token_html([" <b>", "🙂", "你\n"], [1.0, 2.0, 4.0], unit="bits", notes=["", "rank 3", ""], **WORDS)
    seen = Tokens(strip._repr_html_())
    assert seen.tokens == ["␣<b>", "🙂", "你⏎"]
    tips = [b["data-tip"] for b in seen.attributes["b"]]
    assert tips == ["␣<b>  1.00 bits", "🙂  2.00 bits · rank 3", "你⏎  4.00 bits"]
    assert [b["aria-label"] for b in seen.attributes["b"]] == tips
    assert all(b["tabindex"] == "0" for b in seen.attributes["b"])             # the keyboard reaches each
    assert seen.attributes["figure"][0]["aria-label"] == 'It says "so".'
    assert repr(strip) == strip.summary == "3 tokens, mean 2.3 bits, most at '你⏎'"


def test_it_brings_all_it_needs_and_is_the_same_twice():
    html = [token_html(["a", "b"], [0, 1], unit="bits", **WORDS).html for _ in range(2)]
    assert html[0] == html[1] and "script" not in Tokens(html[0]).tags
    assert not re.search(r"https?:|url\(|src=|\bid=", html[0])


@pytest.mark.parametrize("look", ["light", "dark"])
def test_tokens_are_readable(look):
    with use_theme(look):
        html = token_html(list("abcdef"), range(6), unit="bits", **WORDS).html
    pairs = re.findall(r"background:(#\w{6});color:(#\w{6})", html)
    assert len(pairs) == 6 and min(contrast(*pair) for pair in pairs) >= 4.5


def test_doors():
    with pytest.raises(ValueError, match="2 tokens, 1 values"):
        token_html(["a", "b"], [1], unit="bits", **WORDS)
    with pytest.raises(ValueError, match="token_html: alt is empty"):
        token_html(["a"], [1], unit="bits", caption="A.", alt="")
