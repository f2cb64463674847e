import matplotlib.pyplot as plt

from course_lib.lab.plots import figure


def test_tokens_are_made_visible():
    assert figure.printable(" a\tb\n") == "␣a⇥b⏎"
    assert figure.printable("\x00") == "U+0000" and figure.printable("🙂") == "U+1F642"


def test_what_no_font_draws_is_written_as_a_code_point(monkeypatch):
    monkeypatch.setattr(figure, "_glyphs", lambda: frozenset(map(ord, "ab")))
    assert figure.printable("a你") == "aU+4F60"


def test_wide_characters_take_two_columns():
    assert [figure.columns_of(text) for text in ("ab", "你好", "aＢ")] == [2, 4, 3]


def test_the_style_applies_inside_and_stays_inside():
    before = plt.rcParams["axes.grid"]

    @figure.in_course_style
    def draw():
        inside.append(plt.rcParams["axes.grid"])
        return figure.new_figure()[0]

    inside = []
    plt.close(draw())
    assert inside == [True] and plt.rcParams["axes.grid"] == before
