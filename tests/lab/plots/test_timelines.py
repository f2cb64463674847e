import numpy as np
import pytest

from course_lib.lab.plots import memory_timeline, timeline

WORDS = dict(caption="Time.", alt="Time.")


def test_pieces_of_work_stand_where_they_were_done():
    spans = [(0, 0, 1, "forward", "0"), (1, 1, 2, "forward", "0"),
             (1, 2, 4, "backward", "0"), (0, 4, 6, "backward", "0")]
    figure = timeline(spans, unit="ms", **WORDS)
    ax = figure.axes[0]
    boxes = [(bar.get_y() + 0.39, bar.get_x(), bar.get_width()) for bar in ax.patches]
    assert boxes == [(0, 0, 1), (1, 1, 1), (1, 2, 2), (0, 4, 2)]
    assert figure.summary == "2 ranks, 6 ms, of which 50% bubble"
    assert [label.get_text() for label in ax.get_yticklabels()] == ["rank 0", "rank 1"]


@pytest.mark.parametrize(("m", "p"), [(4, 3), (8, 4)])
def test_the_bubble_of_gpipe(m, p):
    """Huang et al. 2019, section 2.3: (p − 1) / (m + p − 1) of the time, where every slot takes as long."""
    spans = [(r, t0 + s, t0 + s + 1, "work", "") for r in range(p) for k in range(m)
             for t0, s in ((0, r + k), (m + p - 1, p - 1 - r + k))]
    assert f"{(p - 1) / (m + p - 1):.0%} bubble" in timeline(spans, unit="slots", **WORDS).summary


@pytest.mark.parametrize(("spans", "message"), [
    ([], "no spans"), ([(0, 2, 1, "f", "0")], "before it starts at 2"),
    ([(0, 0, 2, "f", "0"), (0, 1, 3, "f", "1")], "starts at 1, when the lane is busy until 2"),
])
def test_doors_of_time(spans, message):
    with pytest.raises(ValueError, match=message):
        timeline(spans, unit="ms", **WORDS)


def test_memory_of_each_rank_on_one_scale():
    figure = memory_timeline([0, 1, 2, 3], {"rank 0": [1, 4, 2, 1], "rank 1": [1, 3, 2, 1]}, time_unit="ms", unit="GiB",
                             phases={"forward": (0, 1), "backward": (1, 3)}, limit=("GPU", 5), **WORDS)
    first, second = figure.axes
    assert first.lines[0].get_ydata().tolist() == [1, 4, 2, 1] and second.lines[1].get_ydata()[0] == 5
    assert first.get_ylim() == second.get_ylim() and len(first.collections) == 2
    heights = {round(y, 6) for y in np.concatenate([c.get_paths()[0].vertices[:, 1] for c in second.collections])}
    assert heights == {0, 1, 2, 3} and figure.summary == "rank 0 up to 4 GiB · rank 1 up to 3 GiB"
    with pytest.raises(ValueError, match="rank 0 has 1 amounts for 2 moments"):
        memory_timeline([0, 1], {"rank 0": [1]}, time_unit="ms", unit="GiB", **WORDS)
