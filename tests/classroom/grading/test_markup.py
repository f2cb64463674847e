"""Whatever a student writes, a browser gets prose: looked at as HTML here, and in a real browser in tests/browser."""

import importlib.util
import re
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import InvalidNotebook
from nbconvert.filters.markdown_mistune import markdown2html_mistune as stock
from nbgrader.converters import GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from nbgrader.server_extensions.formgrader.formgrader import FormgradeExtension

from course_lib.classroom.grading.markup import LONGEST, PROSE, as_html, as_line, clean_markdown, clean_page, from_here

TEXT = (Path(__file__).parent / "evasions.txt").read_text(encoding="utf-8")
EVASIONS = dict(part.split("\n", 1) for part in TEXT.split("# %% ")[1:])
HARMLESS = {"a": {"href", "title", "rel"}, "ol": {"start"}, "td": {"style"}, "th": {"style"}}
SIGNS = st.sampled_from([*"<>&;:\"'`$\\|-*_#![](){}/ \t\n\x0b\x0c\x1c\x85\u2028~+=ab1", "div", "</", "<div>", "$$",
                         "\\begin{a}", "\\end{a}", "javascript:", "&#10;", "```", "\n\n", "script", "http://x"])


class Reader(HTMLParser):
    """What of a page is more than prose, as one would read it with other eyes than the sanitiser's."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.found = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        if tag not in PROSE:
            self.found.append(tag)
        for name, value in attrs:
            if name not in HARMLESS.get(tag, ()):
                self.found.append(f"{tag} {name}")
            if name == "href" and not re.match(r"(https?://|mailto:)", value):
                self.found.append(f"{tag} to {value}")
            if name == "style" and not re.fullmatch(r"text-align:\s*(left|right|center);?", value):
                self.found.append(f"{tag} with {value}")

    def handle_comment(self, data):
        self.found.append("comment")

    handle_decl = handle_pi = unknown_decl = handle_comment


@pytest.mark.parametrize("name", EVASIONS)
def test_an_evasion_is_prose(name):
    html = as_html(EVASIONS[name])
    assert Reader(html).found == []
    assert Reader(clean_markdown(EVASIONS[name])).found == [], "of a notebook that was not made here"
    assert stock(html).strip() == html, "what notebooks make of it is what it was"


def test_they_do_evade_what_shows_notebooks_otherwise():
    """Not a list of strawmen: nbconvert alone lets most of them pass; the rest are for other sanitisers, or MathJax."""
    passed = [name for name, text in EVASIONS.items() if name != "attachment" and Reader(stock(text)).found]
    with pytest.raises(InvalidNotebook):  # Formgrader had no page at all for whoever pasted a picture
        stock(EVASIONS["attachment"])
    assert len(EVASIONS) >= 120 and len(passed) >= 80, sorted(set(EVASIONS) - set(passed))


@settings(max_examples=300, deadline=None)
@given(st.lists(SIGNS, max_size=40).map("".join))
def test_any_text_is_prose_on_one_line_that_stays_as_it_is(text):
    html = as_html(text)
    assert Reader(html).found == [] and "\n" not in html and stock(html).strip() == html.strip()
    line = as_line(text)
    assert Reader(line).found == [] and stock(line).strip() == line.strip()


def test_prose_stays():
    html = as_html("# A *b*\n\n1 < 2 & $x<y$, [c](https://d.e/?f=1&g=2)\n\n3. `x`\n\n| a |\n|--:|\n| ~~b~~ |\n\n"
                   "```python\nx\n\ny\n```")
    for part in ("<h1>A <em>b</em></h1>", "1 &lt; 2 &amp; $x&lt;y$", 'href="https://d.e/?f=1&amp;g=2"',
                 '<ol start="3">',
                 '<th style="text-align:right">a</th>', "<del>b</del>", "<pre><code>x&#10;&#10;y&#10;</code></pre>"):
        assert part in html, part
    assert "<b>HTML</b>" not in as_html("<b>HTML</b>") and "&lt;b&gt;HTML&lt;/b&gt;" in as_html("<b>HTML</b>")
    assert ">what it shows</a>" in as_html("![what it shows](http://a.example/b.png)"), "a picture is a link to it"


def test_what_is_long_or_cannot_be_rendered_is_shown_as_it_was_written(monkeypatch):
    assert as_html("*a*" + "b" * LONGEST).startswith("<div><pre>*a*b")
    monkeypatch.setattr("course_lib.classroom.grading.markup._Renderer.emphasis", lambda self, text: 1 / 0)
    assert as_html("an *unlucky* <text>") == "<div><pre>an *unlucky* &lt;text&gt;</pre></div>"


def test_a_page_of_ours_holds_what_these_pages_consist_of():
    body = ('<h2 class="right">a<span class="points">1</span></h2><pre class="comment">b</pre><details><summary>c'
            "</summary></details><ul><li>d</li></ul><table><tr><th>e</th></tr></table>")
    assert clean_page(body).replace("<tbody>", "").replace("</tbody>", "") == body
    page = '<p onclick="x">a<script>x</script><img src=x><a href="http://x">b</a><iframe></iframe>'
    assert clean_page(page) == "<p>ab</p>"


# ---- the pages that nbgrader makes, with the course's nbgrader_config.py --------------------------------------------


def notebook():
    cells = [nbformat.v4.new_markdown_cell(text) for text in EVASIONS.values()]
    return nbformat.v4.new_notebook(cells=[*cells, nbformat.v4.new_code_cell("x", outputs=[nbformat.v4.new_output(
        "display_data", data={"text/html": "<script>alert(1)</script>", "application/javascript": "alert(1)",
                              "image/svg+xml": "<svg onload=alert(1)>", "text/plain": "plain"})])])


@pytest.fixture
def in_the_course(repository, monkeypatch):
    monkeypatch.chdir(repository)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")


def test_formgrader_gets_formulas_from_this_machine_and_nothing_from_elsewhere(in_the_course, repository):
    formgrader = FormgradeExtension()
    formgrader.root_dir = str(repository)
    formgrader.initialize([])
    about = {"notebook_id": "n", "submission_id": "s", "assignment_id": "a", "index": 0, "total": 1}
    about["base_url"] = "/base"
    page, _ = HTMLExporter(config=formgrader.config).from_notebook_node(notebook(), resources=about)
    head, _, body = page.partition("<body>")
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", head), "nothing of the page's own is from the web"
    address = re.search(r'src="(/base/static/jupyter_server_mathjax/(MathJax\.js)\?config=([^"]+))"', head)
    assert address and address[3].endswith(",Safe") and "default-src 'self'" in head and 'content="off"' in head
    static = Path(importlib.util.find_spec("jupyter_server_mathjax").origin).parent / "static"
    for file in (address[2], *(f"config/{name}.js" for name in address[3].split(",")), "extensions/Safe.js"):
        assert (static / file).is_file(), file
    shown = body.partition('id="notebook-container"')[2]
    assert "plain" in shown and not re.search(r"<(script|iframe|svg|math|object|embed|form|base|link|style)\b", shown)


def test_so_does_the_page_that_nbgraders_own_button_makes(in_the_course, repository):
    formgrader = FormgradeExtension()
    formgrader.root_dir = str(repository)
    formgrader.initialize([])
    config = formgrader.config.copy()
    for name in ("template_name", "extra_template_basedirs"):
        config.HTMLExporter.pop(name)
    made = GenerateFeedback(coursedir=CourseDirectory(config=config), config=config)
    about = {"nbgrader": {"notebook": "n", "score": 0, "max_score": 1, "late_penalty": 0}}
    page, _ = HTMLExporter(config=made.config).from_notebook_node(notebook(), resources=about)
    assert "<script src" not in page and "default-src 'self'" in page and "alert(1)</script>" not in page


def test_a_head_without_formulas_gets_none():
    assert "MathJax" not in from_here("<html><head><title>a</title>", "/base")
    assert "MathJax" not in from_here('<head><script src="https://cdn.example/x.js"></script>', None)
    assert "cdn" not in from_here('<head><script async src=//cdn.example/x.js> </script>', None)
