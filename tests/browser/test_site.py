"""The site in Chromium, from the file system: nothing is requested from elsewhere, formulas are drawn, search finds."""

import pytest

PAGES = ("index.html", "notebooks/12_gpt.html", "exercises/12_gpt/12_gpt.html", "glossary.html", "gallery.html",
         "reference/model.html", "search.html")


@pytest.fixture
def visit(browser, site):
    """visit("glossary.html") → the page, idle; at the end, nothing has left the machine and nothing complained."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page, elsewhere, complaints = context.new_page(), [], []

    def only_files(route):
        if route.request.url.startswith(("file:", "data:", "blob:")):
            return route.continue_()
        elsewhere.append(route.request.url)
        route.abort()

    context.route("**/*", only_files)
    page.on("console", lambda message: message.type == "error" and complaints.append(message.text[:300]))
    page.on("pageerror", lambda error: complaints.append(str(error)[:300]))

    def open_page(name):
        page.goto((site / name.partition("?")[0]).as_uri() + ("?" + name.partition("?")[2] if "?" in name else ""))
        page.wait_for_load_state("networkidle")
        return page

    yield open_page
    context.close()
    assert elsewhere == [] and complaints == []


def test_pages_open_from_the_file_system(visit, site):
    for name in PAGES:
        page = visit(name)
        assert page.locator("h1").count() >= 1, name
        broken = page.evaluate("[...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)")
        assert broken == [], name


def test_formulas_are_drawn(visit):
    for name, at_least in (("notebooks/12_gpt.html", 10), ("glossary.html", 4), ("reference/model.html", 5)):
        page = visit(name)
        page.wait_for_function("window.MathJax && MathJax.startup && MathJax.startup.promise.then(() => true)")
        drawn, asked = page.locator("mjx-container svg").count(), page.locator(".math").count()
        assert drawn >= max(at_least, asked), f"{name}: {drawn} of {asked} formulas"
        assert page.locator("[data-mml-node=merror]").count() == 0, name


FOUND_IN = [("perplexity", "glossary"), ("rotary", "reference/model"), ("词元", "glossary")]


@pytest.mark.parametrize(("word", "page_of"), FOUND_IN)
def test_search_finds_in_english_and_in_chinese(visit, word, page_of):
    page = visit(f"search.html?q={word}")
    page.locator(f"#search-results a[href*='{page_of}.html']").first.wait_for(timeout=20_000)


def test_light_and_dark(visit):
    page = visit("gallery.html")
    for mode, hidden in (("light", "dark"), ("dark", "light")):
        page.evaluate("mode => Object.assign(document.documentElement.dataset, {theme: mode, mode})", mode)
        assert page.locator(f"figure.only-{mode} img").first.is_visible()
        assert not page.locator(f"figure.only-{hidden} img").first.is_visible()
