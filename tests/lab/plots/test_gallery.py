"""Every figure of the course, as the gallery draws it: legible, without warnings, and a few as pictures.

The pictures beside this file are compared, coarsely, where the font that they were drawn with is installed. After a
change that is meant, look at them and store them anew: COURSE_STORE_PICTURES=1 pytest tests/lab/plots/test_gallery.py
"""

import inspect
import io
import os
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text
from PIL import Image

from course_lib.lab import plots
from course_lib.lab.plots.figure import SMALLEST, WIDTH
from course_lib.lab.plots.gallery import computations, gallery, text, training
from course_lib.lab.plots.theme import THEMES, contrast

DRAW = {draw.__name__[1:]: draw for module in (text, computations, training) for draw in module.EXAMPLES}
PICTURES = Path(__file__).parent / "pictures"
COMPARED = [("token_strip", "light"), ("attention_map", "light"), ("tree", "light"), ("graph", "dark"),
            ("curves", "dark")]


@pytest.fixture(scope="module", params=THEMES)
def drawn(request):
    """(theme, name → example, name → PNG); drawn and saved without a single warning."""
    examples, pictures = {}, {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for example in gallery(request.param):
            examples[example.name] = example
            if isinstance(example.drawn, plots.CourseFigure):
                pictures[example.name] = example.drawn.png()
            assert plots.theme() is THEMES["light"], "the theme does not leak out of the gallery"
    assert plt.get_fignums() == []
    return THEMES[request.param], examples, pictures


def texts(figure):
    """Every text of a figure that is seen: not those of axes that are off, nor of ticks beyond an axis's end."""
    hidden = set()
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            unseen = [tick for tick in axis.get_major_ticks() if not low - 1e-9 <= tick.get_loc() <= high + 1e-9]
            hidden.update(t for part in ([axis] if not ax.axison else unseen) for t in part.findobj(Text))
    return [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip() and t not in hidden]


def test_all_figures_are_in_the_gallery(drawn):
    assert list(drawn[1]) == list(DRAW)
    public = {name for name in plots.__all__ if "caption" in _parameters(getattr(plots, name))}
    assert public - set(DRAW) == set()


def _parameters(thing):
    return inspect.signature(thing).parameters if inspect.isfunction(thing) else ()


def test_the_source_draws_the_figure(drawn):
    look, examples, _ = drawn
    for name in ("ladder", "token_html", "word_map"):
        space = {"np": np, "plots": plots}
        exec(examples[name].source, space)
        assert space["figure"].summary == examples[name].drawn.summary and space["figure"].alt
    plt.close("all")


def test_each_fits_a_notebook_and_a_page(drawn):
    for name, png in drawn[2].items():
        wide, high = Image.open(io.BytesIO(png)).size
        assert wide <= 100 * WIDTH and high <= 100 * WIDTH, name
        assert len(png) < 130_000, name


def test_nothing_is_written_too_small(drawn):
    for name, example in drawn[1].items():
        if isinstance(example.drawn, plots.CourseFigure):
            small = {t.get_text(): t.get_fontsize() for t in texts(example.drawn) if t.get_fontsize() < SMALLEST}
            assert small == {}, name


def test_text_stands_out_from_its_ground(drawn):
    """Text outside of cells and boxes: it is seen before the figure's background."""
    look, examples, _ = drawn
    for name, example in examples.items():
        if isinstance(example.drawn, plots.CourseFigure):
            for t in texts(example.drawn):
                on_ground = contrast(to_hex(t.get_color()), look.background)
                on_mark = to_hex(t.get_color()) in ("#000000", "#ffffff")      # text_on's, for coloured ground
                assert on_ground >= 4.5 or on_mark, (name, t.get_text())


def test_texts_do_not_cover_each_other_and_stay_inside(drawn):
    for name, example in drawn[1].items():
        if not isinstance(example.drawn, plots.CourseFigure):
            continue
        figure = example.drawn                                  # laid out when it was saved
        boxes = [(t.get_text(), t.get_window_extent()) for t in texts(figure)]
        outer = figure.bbox
        for label, box in boxes:
            assert box.x0 > -1 and box.y0 > -1 and box.x1 < outer.x1 + 1 and box.y1 < outer.y1 + 1, (name, label)
        for i, (one, a) in enumerate(boxes):
            for other, b in boxes[i + 1 :]:
                across = min(a.x1, b.x1) - max(a.x0, b.x0)
                along = min(a.y1, b.y1) - max(a.y0, b.y0)
                assert min(across, along) < 2.5, (name, one, other)


@pytest.mark.parametrize(("name", "look"), COMPARED)
def test_pictures(name, look, cjk_font):
    if cjk_font != "Noto Sans CJK SC":
        pytest.skip(f"pictures were drawn with Noto Sans CJK SC, here is {cjk_font}: install fonts-noto-cjk")
    with plots.use_theme(look):
        now = Image.open(io.BytesIO(DRAW[name]().png())).convert("RGB")
    path = PICTURES / f"{name}_{look}.png"
    if os.environ.get("COURSE_STORE_PICTURES"):
        path.parent.mkdir(exist_ok=True)
        now.quantize(64).save(path, optimize=True)
    stored = Image.open(path).convert("RGB")
    assert path.stat().st_size <= 30_000 and stored.size == now.size
    small = [np.asarray(image.resize((180, 90), Image.Resampling.BOX), dtype=float) for image in (stored, now)]
    difference = np.abs(small[0] - small[1])
    assert difference.mean() < 1.5 and difference.max() < 60, (difference.mean(), difference.max())
