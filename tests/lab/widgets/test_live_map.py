import pytest

from course_lib.lab.results import record_result
from course_lib.lab.widgets import LiveMap


@pytest.fixture(autouse=True)
def work(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_WORK", str(tmp_path))
    monkeypatch.setenv("COURSE_HEADLESS", "0")


def test_looking_again_shows_what_has_been_done_since():
    live = LiveMap()
    bundle = live._repr_mimebundle_()
    assert bundle["text/html"].startswith("<style>") and "0 done" in bundle["text/plain"]
    before = live._front.picture
    live._receive(None, {"actions": [["look", True]]}, [])
    assert live._front.picture == before and live._front.count == 1
    record_result(lesson="12", model="m", corpus="c", parameters=1, tokens=1, seconds=1, bits_per_byte=0.7)
    live._receive(None, {"actions": [["look", True]]}, [])
    assert "✓ done: 0.70 bits per byte" in live._front.picture and "1 done" in live._front.words
    live.close()
