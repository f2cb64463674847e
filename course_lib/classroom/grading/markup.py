"""What a browser may get of the words of others: prose, code and formulas. Part of grading; no lesson derives it.

A sanitiser that reads HTML as browsers do (nh3.readthedocs.io, which is ammonia) has the last word, on the *rendered*
HTML and with a list of what may stay: whatever else a text turned into on its way is gone, however it got there.

Formgrader, JupyterLab and nbgrader show the HTML in a notebook's Markdown as it is. So the notebook that they are
given holds a student's text as HTML, rendered and cleaned here and on one line, which Markdown passes on untouched.
"""

import functools
import re
from html import escape

import nh3
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath, markdown2html_mistune

PROSE = set("""a blockquote br code dd del div dl dt em h1 h2 h3 h4 h5 h6 hr li ol p pre strong table tbody td th thead
    tr ul""".split())
PAGE = set("br details h2 li p pre span strong summary table td th tr ul".split())
LONGEST = 10_000  # characters of Markdown: of a text made to be slow, twice as many take four times as long
ELSEWHERE = re.compile(r"<script\b[^>]*\bsrc\s*=\s*[\"']?(?:https?:)?//[^>]*>\s*</script>", re.IGNORECASE)
POLICY = """<head><meta http-equiv="x-dns-prefetch-control" content="off">
<meta http-equiv="Content-Security-Policy" content="default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval';
style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; frame-src 'none'; object-src 'none';
base-uri 'none'; form-action 'none'">"""
# MathJax' own "Safe" extension, allowed nothing: no links, classes, names, styles, and no further extensions.
SAFE_MATHJAX = """<script>window.MathJax = {
  tex2jax: {inlineMath: [["$", "$"]], processEscapes: true}, showMathMenu: false, messageStyle: "none",
  "HTML-CSS": {availableFonts: [], preferredFont: null, webFont: "STIX-Web", imageFont: null},
  Safe: {allow: {URLs: "none", classes: "none", cssIDs: "none", styles: "none", fontsize: "none", require: "none"}}};
</script>
<script src="%s/static/jupyter_server_mathjax/MathJax.js?config=TeX-AMS-MML_HTMLorMML-full,Safe"></script>"""


class _Renderer(IPythonRenderer):
    """Markdown as HTML that needs nothing from elsewhere: HTML in it is text, a picture is a link to it."""

    def __init__(self):
        super().__init__(escape=True, allow_harmful_protocols=False, exclude_anchor_links=True)

    def image(self, text, url, title=None):
        """A picture would be fetched from whoever's machine it names as soon as the page is opened."""
        return self.link(text or url, url, title)

    def block_code(self, code, info=None):
        """Code as it is written, in one colour: no classes, by which Formgrader finds its own buttons."""
        return f"<pre><code>{escape(code, quote=False)}</code></pre>\n"


class _Markdown(MarkdownWithMath):
    """As notebooks have it, without boxes to tick: they would be fields of Formgrader's page."""

    DEFAULT_PLUGINS = ("strikethrough", "table", "url", "def_list")


@functools.lru_cache(maxsize=1000)  # the release's own text is the same in each notebook
def as_html(source: str) -> str:
    """Markdown → one line of HTML, which any Markdown passes on as it is. Longer text is not rendered."""
    try:
        html = _Markdown(_Renderer()).render(source) if len(source) <= LONGEST else None
    except Exception:  # no text that somebody can think of may stop a class
        html = None
    return as_line(source if html is None else "", html)


def as_line(text: str, html: str | None = None) -> str:
    """Text, or HTML that is cleaned, as one line of HTML."""
    cleaned = clean_prose(f"<pre>{escape(text, quote=False)}</pre>" if html is None else html)
    return f"<div>{cleaned}</div>".replace("\r", "").replace("\n", "&#10;")


def clean_prose(html: str) -> str:
    """HTML with the tags of prose, links to the web and mail addresses, and nothing that runs, loads or has a name."""
    return nh3.clean(
        html,
        tags=PROSE,
        attributes={"a": {"href", "title"}, "ol": {"start"}, "td": {"style"}, "th": {"style"}},
        filter_style_properties={"text-align"},
        url_schemes={"http", "https", "mailto"},
        url_relative="deny",  # a link to this server's own addresses would act with the rights of whoever follows it
        link_rel="noopener noreferrer nofollow",
    )


def clean_markdown(source: str) -> str:
    """Markdown as nbconvert renders it, cleaned: for notebooks of an older course, or of another hand."""
    try:
        return clean_prose(markdown2html_mistune(source))
    except Exception:  # such as a picture that is not attached
        return as_line(source)


def clean_page(body: str) -> str:
    """The body of a page of ours, with nothing but what these pages consist of: no link, no picture, no script."""
    classes = {tag: {"class"} for tag in ("h2", "p", "pre", "span")}
    return nh3.clean(body, tags=PAGE, attributes=classes, url_schemes=set(), link_rel=None)


def from_here(head: str, base_url: str | None) -> str:
    """The head of one of nbgrader's pages with nothing from the web in it: MathJax is this machine's, and a safe one.

    base_url: of the server that shows the page; None for a page that is opened as a file, where formulas stay as TeX.
    """
    head, found = ELSEWHERE.subn("", head)
    own = SAFE_MATHJAX % escape(base_url) if found and base_url is not None else ""
    return head.replace("<head>", POLICY + own, 1)
