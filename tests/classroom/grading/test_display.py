"""Nothing from a submission runs in a browser."""

import base64
import re
from html import unescape

import nbformat
import pytest
from nbconvert.filters.markdown_mistune import markdown2html_mistune

from course_lib.classroom.grading.display import clean_markdown, clean_outputs, in_words
from course_lib.classroom.grading.marking import Mark

PICTURE = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(20)).decode()


@pytest.mark.parametrize(
    "output",
    [None, 1, {}, {"output_type": "stream"}, {"output_type": "error", "traceback": 3}, {"output_type": "comm"},
     {"output_type": "display_data", "data": {"text/html": "<script>", "application/javascript": "x", "text/plain": 1}},
     {"output_type": "display_data", "data": {"image/png": "<script>"}},
     {"output_type": "display_data", "data": {"image/png": "A" * 9}},
     {"output_type": "execute_result", "data": {"image/svg+xml": "<svg onload=x>"}, "metadata": {"a": "<b>"}}],
)
def test_only_text_and_png_pass_and_the_notebook_stays_valid(output):
    clean = clean_outputs([output])
    assert all(set(one.get("data", {})) <= {"text/plain"} for one in clean) and "script" not in str(clean)
    nbformat.validate(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x", outputs=clean)]))


def test_pictures_pass():
    shown = clean_outputs([{"output_type": "display_data", "data": {"image/png": PICTURE}}])
    assert shown[0].data["image/png"] == PICTURE


@pytest.mark.parametrize("text", ["<script>x</script>", "<img src=x onerror=y>", "</div><!-- ", "<?php"])
def test_html_in_markdown_becomes_text(text):
    assert clean_markdown(text).startswith("&lt;")


@pytest.mark.parametrize(
    "link",
    ["javascript:x", "JaVaScRiPt:x", "javascript&#58;x", "javascript&colon;x", "&#106;avascript:x", "javascript\\:x",
     "<javascript:x>", "<java\tscript:x>", "vbscript&#x3a;x", "data&#58;text/html,x", " javascript&#0058;x",
     "java&Tab;script:x", "java&#10;script:x",
     "javascript&amp;#58;x", "javascript&" + 9 * "amp;" + "#58;x", "javascript&" + 9 * "amp;" + "colon;x"],
)
@pytest.mark.parametrize("form", ["[a]({})", "[a]\n\n[a]: {}", "![a]({})", "<{}>", "[![a]({})](b)", "**[a]({} 'b')**"])
def test_links_that_run_something_do_not(link, form):
    """As Formgrader shows it: nbconvert's Markdown."""
    page = markdown2html_mistune(clean_markdown(form.format(link)))
    assert not re.search(r"(href|src)=.[\s\x00-\x20]*(java\s*script|vbscript|data)\s*:", page, re.IGNORECASE), page


def test_other_text_stays_as_it_was():
    assert clean_markdown("a & b, [c](https://d.e/?f=1&g=2), 1 < 2") == "a & b, [c](https://d.e/?f=1&g=2), 1 < 2"
    assert unescape(clean_markdown("&lt;p> & <p>")) == "<p> & <p>", "feedback shows what was meant"
    assert clean_markdown("a < b and $x<y$ **bold**").startswith("a < b")


def test_in_words():
    name = "the softmax over columns"
    mark = Mark("90.1", "Softmax", 1, 3, "mistake", name, name, "Which axis?")
    assert in_words(mark) == "90.1  1 of 3 points: the softmax over columns\nHint: Which axis?"
