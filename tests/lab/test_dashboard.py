import matplotlib.pyplot as plt
import pytest

from course_lib.lab.dashboard import Dashboard

RECORDS = [{"step": s, "loss": 4.0 / s} for s in range(1, 31)]


@pytest.fixture(autouse=True)
def no_window(monkeypatch):
    monkeypatch.setenv("COURSE_HEADLESS", "1")


def test_records_pass_unchanged_and_are_kept():
    dashboard = Dashboard()
    assert list(dashboard.watch(iter(RECORDS))) == RECORDS == dashboard.records


def test_the_picture_shows_the_run():
    dashboard = Dashboard(references={"6-gram": 1.5})
    assert len(list(dashboard.watch(RECORDS))) == 30
    figure = dashboard.show(caption="A run.", alt="Falling.")
    ax = figure.axes[0]
    assert list(ax.lines[0].get_ydata()) == [r["loss"] for r in RECORDS]
    assert "6-gram  1.50" in [text.get_text() for text in ax.get_legend().get_texts()]


def test_samples_by_step(capsys):
    dashboard = Dashboard()
    dashboard.sample(10, "aaaa\nbbbb")
    dashboard.sample(200, "cccc")
    dashboard.show_samples(width=7)
    out = capsys.readouterr().out
    assert "step    10 │ aaaa\n" in out and "│ bb\n" in out and "bbb" not in out
    assert "step   200 │ cccc" in out


def test_live_pictures_are_replaced_not_piled_up(monkeypatch):
    monkeypatch.setenv("COURSE_HEADLESS", "0")
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    dashboard = Dashboard(refresh_seconds=0.0)
    pictures = {bytes(shown[0].value) for _ in dashboard.watch(RECORDS[:5]) if shown}
    assert len(shown) == 1 and len(pictures) > 1 and plt.get_fignums() == []
