import json
import re

import matplotlib.pyplot as plt
import pytest

from course_lib.lab.widgets import Dashboard, cells, training

RECORDS = [{"step": s, "loss": 4.0 / s, "lr": 0.01} for s in range(1, 31)]


@pytest.fixture
def shown(monkeypatch):
    """What IPython would show."""
    found = []

    def display(thing, display_id=None, raw=False, metadata=None):
        if hasattr(thing, "_ipython_display_"):  # a figure shows its picture and its caption
            return thing._ipython_display_()
        found.append(thing if raw else thing._repr_mimebundle_())
        return type("Handle", (), {"update": lambda self, thing: found.append(thing._repr_mimebundle_())})()

    monkeypatch.setattr("IPython.display.display", display)
    monkeypatch.setattr(cells, "_shown", {})
    return found


@pytest.fixture
def headless(monkeypatch):
    monkeypatch.setenv("COURSE_HEADLESS", "1")


@pytest.fixture
def alive(monkeypatch):
    monkeypatch.setenv("COURSE_HEADLESS", "0")


def test_records_pass_unchanged_and_are_kept(headless, shown):
    dashboard = Dashboard()
    assert list(dashboard.watch(iter(RECORDS))) == RECORDS == dashboard.records
    assert [set(bundle) for bundle in shown] == [{"image/png", "text/plain"}, {"text/markdown", "text/plain"}]
    assert dashboard.summary == "training loss 4.0 → 0.1 nats a token in 30 steps" and plt.get_fignums() == []


def test_the_picture_shows_the_run(headless):
    ax = Dashboard(RECORDS, references={"6-gram": 1.5}).curve().axes[0]
    assert list(ax.lines[0].get_ydata()) == [r["loss"] for r in RECORDS]
    assert "6-gram  1.50" in [text.get_text() for text in ax.get_legend().get_texts()]


def test_samples_by_step(capsys):
    dashboard = Dashboard(RECORDS)
    dashboard.sample(10, "aaaa\nbbbb")
    dashboard.sample(20, "cccc")
    dashboard.show_samples(width=7)
    out = capsys.readouterr().out
    assert "step    10 │ aaaa\n" in out and "│ bb\n" in out and "bbb" not in out
    assert "step    20 │ cccc" in out
    wrote = {step: dashboard.draw({"step": step}).markup.partition("</figure>")[2] for step in (9, 10, 19, 30, None)}
    assert wrote[9] == "" and "aaaa" in wrote[10] == wrote[19] and "cccc" in wrote[30] == wrote[None]


def test_looking_back(headless):
    dashboard = Dashboard([*RECORDS[:4], RECORDS[4] | {"held_out_loss": 0.9}, *RECORDS[5:]], total=40)
    words = {step: dashboard.draw({"step": step}).words for step in (1, 5, 7, None)}
    assert words[1] == "step 1 of 40 · loss 4.00 nats a token · lr 0.01"
    assert "held out 0.90" in words[5] and "held out 0.90" in words[7] and words[None].startswith("step 30 of 40")
    dashboard.set(step=30)
    assert dashboard.state["step"] is None, "the end follows what comes"


def test_the_mark_stands_where_the_step_is(headless):
    dashboard = Dashboard(RECORDS)
    figure = dashboard.curve()
    figure.draw_without_rendering()
    at = {step: float(re.search(r"left:([\d.]+)%", dashboard.draw({"step": step}).markup)[1]) for step in (1, 15, 30)}
    for step in at:
        x, _ = figure.axes[0].transData.transform((step, 0))
        assert at[step] == pytest.approx(100 * x / figure.bbox.width, abs=0.1)
    assert 'class="mark"' not in dashboard.draw({"step": None}).markup
    plt.close(figure)


def test_a_long_run_is_scrubbed_in_strides_that_end_at_its_end(headless):
    long = Dashboard([{"step": s, "loss": 1.0} for s in range(1, 1012)])
    (scrub,) = long.controls()
    assert len(scrub.values) <= 200 and scrub.values[-1] == 1011 and scrub.values == sorted(scrub.values)


def test_live_it_is_drawn_as_it_goes_and_left_finished(alive, shown, monkeypatch):
    monkeypatch.setattr(training, "REST", 0)
    dashboard, pictures = Dashboard(refresh_seconds=0.0), set()
    for _ in dashboard.watch(RECORDS[:5]):
        pictures.add(dashboard._front.picture)
    assert len(pictures) == 5 and plt.get_fignums() == []
    assert shown[0]["text/plain"] == "no step yet" and "in 5 steps" in shown[-1]["text/plain"]
    assert [c["name"] for c in dashboard._front.controls] == ["step"], "nothing to pause any more"


def test_stop(alive, shown):
    dashboard, seen = Dashboard(refresh_seconds=0.0), []
    for record in dashboard.watch(RECORDS):
        seen.append(record)
        if len(seen) == 3:
            dashboard._inbox.append({"actions": [["stop", True]]})
    assert len(seen) == 3 == len(dashboard.records) and not dashboard.running


def test_pause_holds_the_loop_until_somebody_goes_on(alive, shown, monkeypatch):
    dashboard, slept = Dashboard(refresh_seconds=0.0), []

    def sleep(seconds):
        slept.append(len(dashboard.records))
        if len(slept) == 2:
            dashboard._inbox.append({"actions": [["step", 0]]})  # one may look back meanwhile
        if len(slept) == 4:
            assert dashboard.state["step"] == 1 and "paused" in dashboard._front.words
            dashboard._inbox.append({"actions": [["pause", True]]})

    monkeypatch.setattr("time.sleep", sleep)
    for record in dashboard.watch(RECORDS[:6]):
        if record["step"] == 2:
            dashboard._inbox.append({"actions": [["pause", True]]})
    assert slept == [2, 2, 2, 2] and len(dashboard.records) == 6


def test_a_run_that_breaks_leaves_its_picture(headless, shown):
    def breaks():
        yield from RECORDS[:3]
        raise FloatingPointError("loss is NaN")

    dashboard = Dashboard()
    with pytest.raises(FloatingPointError):
        list(dashboard.watch(breaks()))
    assert "image/png" in shown[0] and "in 3 steps" in dashboard.summary


def test_a_recorded_run_is_replayed(tmp_path, headless):
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(record) + "\n" for record in RECORDS))
    assert Dashboard.replay(tmp_path).records == RECORDS == Dashboard.replay(tmp_path / "metrics.jsonl").records
    (tmp_path / "samples.jsonl").write_text('{"step": 10, "text": "Once"}\n{"step": 20, "text": "Once upon"}\n')
    dashboard = Dashboard.replay(tmp_path, caption="Recorded.")
    assert dashboard.samples == [(10, "Once"), (20, "Once upon")] and dashboard.look["caption"] == "Recorded."
    assert "upon" in dashboard.draw({"step": 25}).markup and "upon" not in dashboard.draw({"step": 15}).markup


def test_what_is_no_recorded_run_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no recorded run at .*metrics.jsonl"):
        Dashboard.replay(tmp_path / "metrics.jsonl")
    for line in ("{\n", '{"step": 1}', "3"):
        (tmp_path / "metrics.jsonl").write_text(line)
        with pytest.raises(ValueError, match="metrics.jsonl, line 1, is not a record of a run"):
            Dashboard.replay(tmp_path)
    (tmp_path / "metrics.jsonl").write_text('{"step": 1, "loss": 2.0}')
    (tmp_path / "samples.jsonl").write_text('{"step": 1}')
    with pytest.raises(ValueError, match="samples.jsonl, line 1, is not a run's samples: it has no \"text\""):
        Dashboard.replay(tmp_path)
