from course_lib.lab.progress import headless, progress


def test_items_pass_unchanged_and_headless_is_silent(monkeypatch, capfd):
    monkeypatch.setenv("COURSE_HEADLESS", "1")
    assert headless() and list(progress(range(3), name="x")) == [0, 1, 2]
    assert capfd.readouterr() == ("", "")


def test_people_see_a_bar(monkeypatch, capfd):
    monkeypatch.setenv("COURSE_HEADLESS", "0")
    assert not headless() and list(progress(iter("ab"), total=2, name="reading")) == ["a", "b"]
    out, err = capfd.readouterr()
    assert "reading" in out + err
