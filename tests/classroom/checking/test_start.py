"""`course start`: one copy, made whole, never touched again."""

import pytest

from course_lib.classroom.checking.start import start


@pytest.fixture
def course(tmp_path, monkeypatch):
    for stem in ("01_tokens", "02_ngrams"):
        folder = tmp_path / "course" / "exercises" / stem
        folder.mkdir(parents=True)
        (folder / f"{stem}.ipynb").write_text(f"notebook {stem}")
        (folder / "checks.json").write_text("{}")
    monkeypatch.setattr("course_lib.classroom.checking.start.course_root", lambda: tmp_path / "course")
    monkeypatch.setenv("COURSE_WORK", str(tmp_path / "work"))
    return tmp_path / "course"


def test_copies_the_notebook_only(course, tmp_path):
    path, new = start("01_tokens")
    assert (path, new) == (tmp_path / "work" / "01_tokens" / "01_tokens.ipynb", True)
    assert path.read_text() == "notebook 01_tokens"
    assert [p.name for p in path.parent.iterdir()] == ["01_tokens.ipynb"], "checks are the course's: never out of date"


def test_an_update_of_the_course_leaves_it_alone(course):
    path, _ = start("02")
    path.write_text("my answer")
    (course / "exercises" / "02_ngrams" / "02_ngrams.ipynb").write_text("a newer notebook")
    assert start("02") == (path, False)
    assert path.read_text() == "my answer" and len(list(path.parent.iterdir())) == 1


def test_without_links(course, monkeypatch):
    def no_links(self, target):
        raise OSError("not supported")

    monkeypatch.setattr("pathlib.Path.hardlink_to", no_links)
    path, new = start("01")
    assert new and path.read_text() == "notebook 01_tokens"
    path.write_text("my answer")
    assert start("01") == (path, False) and path.read_text() == "my answer"


def test_an_unknown_name(course):
    with pytest.raises(ValueError, match="no exercises '1'; there are: 01_tokens, 02_ngrams"):
        start("1")
