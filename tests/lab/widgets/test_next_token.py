import numpy as np
import pytest

from course_lib.lab.widgets import NextToken

TOKENS = ["a", " b", "\n", "<é>"]
TABLE = np.array([[0.1, 0.6, 0.2, 0.1], [0.25, 0.25, 0.25, 0.25], [0.0, 0.0, 0.0, 1.0], [0.7, 0.1, 0.1, 0.1]])


def decode(ids):
    return "".join(TOKENS[i] for i in ids)


def follow(ids, temperature=1.0):
    """P(next) from the last id alone."""
    p = TABLE[ids[-1]] ** (1 / temperature)
    return p / p.sum()


@pytest.fixture(autouse=True)
def headless(monkeypatch):
    monkeypatch.setenv("COURSE_HEADLESS", "1")


@pytest.fixture
def explorer():
    return NextToken(follow, decode, [0, 3], encode=lambda text: [TOKENS.index(c) for c in text],
                     temperature=(0.5, 2.0, 0.5))


def test_the_distribution_is_the_models(explorer):
    assert explorer.distribution(explorer.state) == pytest.approx(TABLE[3])
    explorer.set(at=1)
    assert explorer.distribution(explorer.state) == pytest.approx(TABLE[0])
    assert "← came" in explorer.picture().markup


def test_choose_and_go_on(explorer):
    explorer.set(take=2)
    assert (explorer.state["ids"], explorer.state["at"]) == ([0, 3, 2], 3)
    explorer.set(best=True)
    assert explorer.state["ids"] == [0, 3, 2, 3]
    explorer.set(at=1)
    explorer.set(take=1)
    assert explorer.state["ids"] == [0, 1], "another choice there, another text from there on"
    explorer.set(back=True)
    assert (explorer.state["ids"], explorer.state["at"]) == ([0], 1)


def test_drawing_follows_the_probabilities():
    explorer = NextToken(lambda ids: TABLE[0], decode, [0], max_tokens=4001, seed=1)
    for _ in range(4000):
        explorer.act("draw", True)
    drawn = np.bincount(explorer.state["ids"][1:], minlength=4) / 4000
    assert np.abs(drawn - TABLE[0]).max() < 0.03


def test_settings_reach_the_function(explorer):
    explorer.set(temperature=0.5)
    assert explorer.distribution(explorer.state) == pytest.approx(TABLE[3] ** 2 / (TABLE[3] ** 2).sum())
    assert [c.name for c in explorer.controls()] == ["text", "best", "draw", "back", "temperature"]


def test_words_bits_and_safe_html(explorer):
    picture = explorer.picture()
    assert picture.words == "after 'a<é>': a 70%, ␣b 10%, ⏎ 10%; entropy 1.4 bits"
    assert "&lt;é&gt;" in picture.markup and "<é>" not in picture.markup


def test_it_stops_at_the_longest_context():
    explorer = NextToken(follow, decode, [0, 0], max_tokens=3)
    explorer.set(take=1)
    explorer.set(take=1)
    assert len(explorer.state["ids"]) == 3 and not any(c.enabled for c in explorer.controls()[:2])


def test_a_text_of_ones_own(explorer):
    explorer.set(text="aa")
    assert (explorer.state["ids"], explorer.state["at"]) == ([0, 0], 2)


def test_what_is_no_distribution_is_refused():
    with pytest.raises(ValueError, match=r"shape \(4,\) and sums to 2.000"):
        NextToken(lambda ids: np.full(4, 0.5), decode, [0]).picture()


def test_the_still_picture_is_a_figure(explorer):
    assert set(explorer._repr_mimebundle_()) == {"image/png", "text/plain"}
    figure = explorer.still(explorer.state)
    assert figure.axes[0].get_title(loc="left") == "… a<é> ▢"


def test_a_certain_model_has_no_entropy():
    assert NextToken(lambda ids: np.eye(4)[1], decode, [0]).picture().words.endswith("entropy 0.0 bits")
