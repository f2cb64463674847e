import pytest

from course_lib.lab.plots import theme, trade_off

WORDS = dict(caption="A trade.", alt="A trade.")
POINTS = {"t = 0.5": (0.2, 0.1), "t = 1": (0.6, 0.3), "other": (0.5, 0.15)}


def test_every_way_stands_at_its_place_and_says_its_name():
    figure = trade_off(POINTS, xlabel="variety", ylabel="faults", paths=[["t = 0.5", "t = 1"]],
                       goal=("real", (0.7, 0.0)), **WORDS)
    ax = figure.axes[0]
    assert {t.get_text(): tuple(t.xy) for t in ax.texts} == POINTS | {"real": (0.7, 0.0)}
    assert [c.get_offsets().tolist() for c in ax.collections] == [[[0.2, 0.1], [0.6, 0.3]], [[0.5, 0.15]], [[0.7, 0.0]]]
    assert ax.lines[0].get_xydata().tolist() == [[0.2, 0.1], [0.6, 0.3]]
    assert ax.lines[0].get_color() == theme().series[0] and ax.get_xlabel() == "variety"
    assert figure.summary == "t = 0.5 (0.2, 0.1) · t = 1 (0.6, 0.3) · other (0.5, 0.15) · real (0.7, 0)"


def test_a_path_through_nowhere_is_refused():
    with pytest.raises(ValueError, match=r"the paths name \['t = 2'\]"):
        trade_off(POINTS, xlabel="x", ylabel="y", paths=[["t = 1", "t = 2"]], **WORDS)


def test_names_do_not_cover_each_other():
    points = {f"number {i}": (0.5 + 0.002 * i, 0.5) for i in range(4)} | {"far": (0.0, 0.0), "farther": (1.0, 1.0)}
    figure = trade_off(points, xlabel="x", ylabel="y", **WORDS)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) == 6
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i])
