import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_lib.lab import plots
from course_lib.lab.widgets import explore
from course_lib.lab.widgets.frame import Frame

WORDS = {"caption": "A caption.", "alt": "A picture."}


def line(highest, title="Growth", **options):
    return plots.curves([0, 1, 2], {"y": [0, 1, highest]}, xlabel="x", ylabel="y", title=title, **WORDS, **options)


def surface(slope):
    points = np.array([[0.0, 0.0], [1.0, 1.0]])
    return plots.decision_surface(lambda at: 1 / (1 + np.exp(-slope * (at.sum(-1) - 1))), points, [0, 1], **WORDS)


def places(figure):
    return [ax.get_position(original=True).bounds for ax in figure.axes]


def put(frame, figure):
    frame.put(figure)
    return figure


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.mark.parametrize(("draw", "value"), [(line, 3), (line, 30_000), (surface, 4)])
def test_alone_it_changes_no_pixel(draw, value):
    assert put(Frame(), draw(value)).png() == draw(value).png()


@pytest.mark.parametrize(("draw", "value"), [(line, 3), (surface, 4)])
def test_the_same_once_more_changes_no_pixel(draw, value):
    frame = Frame()
    assert put(frame, draw(value)).png() == put(frame, draw(value)).png()


def test_nothing_jumps_when_words_get_shorter():
    frame = Frame()
    wide, narrow = put(frame, line(30_000)), put(frame, line(3))
    assert places(narrow) == places(wide) != places(put(Frame(), line(3)))


def test_longer_words_get_their_room_and_keep_it():
    frame = Frame()
    put(frame, line(3))
    wide = put(frame, line(30_000))
    assert wide.png() == line(30_000).png()
    assert places(put(frame, line(3))) == places(wide)


@pytest.mark.parametrize("change", [{"title": "Two\nlines"}, {"xlabel": "x\nin metres"}, {"ylabel": "y\nin metres"}])
def test_words_in_two_lines_get_their_room(change):
    def drawn():
        words = {"xlabel": "x", "ylabel": "y", "title": "Growth"} | change
        return plots.curves([0, 1], {"y": [0, 1]}, **words, **WORDS)

    frame = Frame()
    put(frame, line(3))
    assert put(frame, drawn()).png() == drawn().png()


def test_a_longer_legend_below_gets_its_room():
    def many(n):
        return plots.grouped_bars({f"s{i}": [1, 2] for i in range(n)}, ["a", "b"], ylabel="y", **WORDS)

    frame = Frame()
    put(frame, many(2))
    assert put(frame, many(6)).png() == many(6).png()


def test_a_figure_of_another_size_or_with_more_axes_has_its_own_layout():
    def bars(n):
        return plots.ladder({f"model {i}": 1 + i for i in range(n)}, **WORDS)

    frame = Frame()
    put(frame, bars(3))
    assert put(frame, bars(5)).png() == bars(5).png()
    assert put(frame, surface(4)).png() == surface(4).png()


def test_axes_that_their_author_placed_stay_there():
    figure = plt.figure()
    figure.add_axes((0.25, 0.25, 0.5, 0.5))
    assert places(put(Frame(), figure)) == [(0.25, 0.25, 0.5, 0.5)]


def test_explore_keeps_its_frame():
    def narrow_then_wide(n=0):
        return line([3, 30_000, 3][n])

    moved = explore(narrow_then_wide, n=(0, 2))
    drawn = []
    for n in range(3):
        drawn.append(places(moved.draw({"n": n})))
    assert drawn[0] != drawn[1] == drawn[2]
