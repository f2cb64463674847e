import numpy as np
import pytest

from course_lib.lab.plots import word_map

WORDS = dict(caption="Words.", alt="Words.")


def test_words_stand_at_their_places():
    points = np.array([[0.0, 0.0], [0.1, 0.0], [3.0, 2.0]])
    figure = word_map(points, ["a", "b", "🙂"], groups=["g", "g", "h"], **WORDS)
    ax = figure.axes[0]
    assert [(t.get_text(), tuple(t.xy)) for t in ax.texts] == [("a", (0, 0)), ("b", (0.1, 0)), ("U+1F642", (3, 2))]
    assert [c.get_offsets().tolist() for c in ax.collections] == [points[:2].tolist(), points[2:].tolist()]
    assert figure.summary == "3 words; nearest: a and b"
    with pytest.raises(ValueError, match="give a place for each word"):
        word_map(points, ["a", "b"], **WORDS)
