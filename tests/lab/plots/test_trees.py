import pytest

from course_lib.lab.plots import theme, tree
from course_lib.lab.plots.trees import layout

WORDS = dict(caption="A tree.", alt="A tree.")


def test_parents_stand_in_the_middle_of_their_children():
    depth, row = layout([-1, 0, 0, 1, 1, 2])
    assert depth == [0, 1, 1, 2, 2, 2] and row[3:] == [0.0, 1.0, 2.0]
    assert row[:3] == [1.25, 0.5, 2.0]


def test_every_node_says_its_token_and_its_number():
    figure = tree([" the", " cat", " dog", "."], [-1, 0, 0, 1], [-0.1, -0.8, -1.2, -1.0], best=3,
                  kept=[True, True, False, True], **WORDS)
    ax = figure.axes[0]
    written = [text.get_text() for text in ax.texts if text.get_text()]
    assert written == ["␣the", "−0.1", "␣cat", "−0.8", "␣dog", "−1.2", ".", "−1.0"]
    assert [line.get_linewidth() for line in ax.lines] == [2.6, 1.2, 2.6]
    assert [line.is_dashed() for line in ax.lines] == [False, True, False]
    assert ax.lines[0].get_color() == theme().series[0]
    assert figure.summary == "4 nodes, 3 kept; the best: '␣the␣cat.', log P -1.0"


def test_boxes_do_not_overlap():
    ax = tree(["internationalisation", "a", "b"], [-1, 0, 0], [0, -1, -2], **WORDS).axes[0]
    root, first, second = [p.get_bbox() for p in ax.patches]
    assert root.x1 < first.x0 and first.y1 < second.y0


def test_doors():
    with pytest.raises(ValueError, match="node 0 has the parent 1, which comes after it"):
        tree(["a", "b"], [1, -1], [0, 0], **WORDS)
    with pytest.raises(ValueError, match="2 tokens, 1 parents"):
        tree(["a", "b"], [-1], [0, 0], **WORDS)
