from course_lib.lab.plots import fonts


def test_tokens_are_made_visible():
    assert fonts.printable(" a\tb\n") == "␣a⇥b⏎" and fonts.printable("") == "∅"
    assert fonts.printable("\x00") == "U+0000" and fonts.printable("🙂") == "U+1F642"


def test_what_no_font_draws_is_written_as_a_code_point(monkeypatch):
    monkeypatch.setattr(fonts, "_glyphs", lambda: frozenset(map(ord, "ab ")))
    assert fonts.printable("a你") == "aU+4F60" and fonts.drawable("a b\n你") == "a b\nU+4F60"


def test_chinese_is_drawn_where_a_font_is_installed(cjk_font):
    assert fonts.cjk_font() == cjk_font and fonts.drawable("你好，世界") == "你好，世界"
    assert cjk_font in fonts.mono_fonts() and cjk_font in fonts.sans_fonts()


def test_without_a_chinese_font(monkeypatch):
    fonts.cjk_font.cache_clear(), fonts._glyphs.cache_clear()
    monkeypatch.setattr(fonts, "WIDE", ("No Such Font",))
    try:
        assert fonts.cjk_font() is None and fonts.mono_fonts() == ("DejaVu Sans Mono",)
        assert fonts.printable(" 你") == "␣U+4F60"
    finally:
        fonts.cjk_font.cache_clear(), fonts._glyphs.cache_clear()


def test_wide_characters_take_two_columns():
    assert [fonts.columns_of(text) for text in ("ab", "你好", "aＢ")] == [2, 4, 3]


def test_long_tokens_lose_their_middle():
    assert fonts.printable("internationalisation", longest=9) == "inte…tion"
    assert fonts.printable("123456789", longest=9) == "123456789"
    assert fonts.columns_of(fonts.printable("你好世界你好世界", longest=9)) <= 9
