"""Which characters a figure can draw, and how it writes the others: tokens that can be read. Used by all lessons."""

import functools
import unicodedata

from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font

WIDE = ("Noto Sans CJK", "Source Han Sans", "WenQuanYi", "Noto Serif CJK", "Source Han Serif")
WIDE += ("PingFang", "Hiragino", "Heiti", "Microsoft YaHei", "SimHei", "SimSun")  # macOS, Windows
SIGNS = str.maketrans({" ": "␣", "\n": "⏎", "\r": "␍", "\t": "⇥"})  # of white space


@functools.cache
def cjk_font() -> str | None:
    """The installed font that figures write Chinese in, or None. Of a family's five, `SC` has the mainland's forms."""
    installed = {font.name for font in fontManager.ttflist}
    for family in WIDE:
        if found := [name for name in installed if name.startswith(family)]:
            return min(found, key=lambda name: ("SC" not in name.split(), name))
    return None


def mono_fonts() -> tuple[str, ...]:
    """The monospaced families to write tokens in: matplotlib's own, then a Chinese one if it is installed."""
    return ("DejaVu Sans Mono", *filter(None, [cjk_font()]))


def sans_fonts() -> tuple[str, ...]:
    """The families of all other text."""
    return ("DejaVu Sans", *filter(None, [cjk_font()]))


@functools.cache
def _glyphs() -> frozenset[int]:
    """Every code point that figures can draw, in tokens as well as in titles."""
    chinese = _charmap(cjk_font()) if cjk_font() else frozenset()
    return chinese | (_charmap("DejaVu Sans Mono") & _charmap("DejaVu Sans"))


def _charmap(family):
    return frozenset(get_font(findfont(FontProperties(family=[family]))).get_charmap())


def drawable(text: str) -> str:
    """The same text, with `U+1F642` in place of what no installed font can draw; spaces and line ends stay.

    >>> drawable("a b"), drawable("\\x07")
    ('a b', 'U+0007')
    """
    return "".join(c if c == "\n" or (c.isprintable() and ord(c) in _glyphs()) else f"U+{ord(c):04X}" for c in text)


def visible(token: str) -> str:
    """A token with its white space made visible: `␣` a space, `⏎` a line's end, `⇥` a tab, `∅` nothing at all.

    >>> visible(" the"), visible("\\n"), visible("")
    ('␣the', '⏎', '∅')
    """
    return token.translate(SIGNS) or "∅"


def printable(token: str, *, longest: int | None = None) -> str:
    """A token as a figure shows it: `visible`, `drawable`, and cut in its middle to at most `longest` columns.

    >>> printable(" the"), printable("\\x07"), printable("internationalisation", longest=9)
    ('␣the', 'U+0007', 'inte…tion')
    """
    shown = drawable(visible(token))
    if longest is None or columns_of(shown) <= longest:
        return shown
    head, tail = shown, shown
    while columns_of(head) > (longest - 1) // 2:
        head = head[:-1]
    while columns_of(tail) > (longest - 1) // 2:
        tail = tail[1:]
    return f"{head}…{tail}"


def columns_of(text: str) -> int:
    """Columns that `text` takes in a monospaced font: a Chinese, Japanese or Korean character takes two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
