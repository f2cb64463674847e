"""Sphinx's settings for the course's site; `make site` builds it from what tools/build_site.py has gathered.

No page asks for anything outside the site's own folder, so it works without a network and from the file system.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "_ext")]
os.environ["COURSE_HEADLESS"] = "1"  # the gallery's figures do not depend on who builds

from tools.mathjax import FILE as MATHJAX  # noqa: E402

project = "How large language models work"
author = "The authors of the course"
copyright = "The authors of the course. Text and figures: CC BY 4.0; code: MIT."
language = "en"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.viewcode", "sphinx.ext.mathjax",
              "markdown_docstrings", "implied_links", "lesson_pages"]
exclude_patterns = ["README.md"]
nitpicky = True
# Types in signatures belong to libraries whose pages are not here; what the course itself defines must resolve,
# but for type variables (T).
nitpick_ignore_regex = [("py:(class|obj|data|exc)", r"(?!course_lib\.).*|course_lib\.[\w.]+\.[A-Z]")]

# Lessons: their stored outputs are the tested ones, so nothing is executed.
nb_execution_mode = "off"
nb_ipywidgets_js = {}
nb_merge_streams = True
myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_dmath_double_inline = True
myst_heading_anchors = 3
myst_links_external_new_tab = False

# The reference: docstrings are Markdown (see _ext/markdown_docstrings.py), members stand as in the file.
autodoc_default_options = {"members": True, "member-order": "bysource", "ignore-module-all": True}
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
add_module_names = False
toc_object_entries_show_parents = "hide"
viewcode_line_numbers = True

mathjax_path = MATHJAX.name
mathjax3_config = {"svg": {"fontCache": "global"}}

html_theme = "sphinx_book_theme"
html_title = project
html_static_path = ["_static", str(MATHJAX)]
html_css_files = ["site.css"]
html_favicon = "_static/logo.svg"
html_show_sphinx = False
html_show_search_summary = False  # a browser may not fetch the pages for it from the file system
html_domain_indices = False  # the reference's first page lists every module, in a better order
html_context = {"default_mode": "auto"}
html_theme_options = {
    "logo": {"image_light": "_static/logo.svg", "image_dark": "_static/logo.svg",
             "text": project, "alt_text": ""},
    "use_download_button": True,
    "use_fullscreen_button": False,
    "home_page_in_toc": False,
    "navbar_start": [],
    "navbar_center": [],
    "navbar_end": [],
    "navbar_persistent": [],
    "show_navbar_depth": 1,
    "show_toc_level": 2,
    "secondary_sidebar_items": {"**": ["page-toc.html"], "glossary": []},  # its tables are wide
    "navigation_with_keys": False,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
