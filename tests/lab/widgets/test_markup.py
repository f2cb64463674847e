"""Markup that no token can break."""

from course_lib.lab.widgets.markup import element, plural, press


def test_attributes_are_escaped_and_empty_ones_left_out():
    made = element("b", "&lt;", class_="a b", data_set={"k": 'quo"te'}, title="<'>", hidden=None, lang=False,
                   tabindex=0)
    assert made == ('<b class="a b" data-set="{&quot;k&quot;: &quot;quo\\&quot;te&quot;}" title="&lt;&#x27;&gt;" '
                    'tabindex="0">&lt;</b>')


def test_a_button_sends_what_it_does():
    assert press("go", does={"step": 2}) == '<button type="button" data-set="{&quot;step&quot;: 2}">go</button>'


def test_one_and_many():
    assert [plural(n, "merge") for n in (0, 1, 2)] == ["0 merges", "1 merge", "2 merges"]
