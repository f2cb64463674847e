"""What a downloads folder or archive holds: everything is named, nothing is followed."""

import io
import os
import zipfile

import pytest

from course_lib.classroom.grading import downloads
from course_lib.classroom.grading.downloads import entries_of, member_name, path_parts


def listed(path):
    """(path, problem) of each entry, what can be opened read."""
    with entries_of(path) as entries:
        return [("/".join(one.path), one.opener().read() if one.opener else one.problem) for one in entries]


def test_a_folder(tmp_path):
    for folder in ("ann/a/b", "bob", "__MACOSX", ".ipynb_checkpoints"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "ann" / "a" / "x.ipynb").write_text("{}")
    (tmp_path / "ann" / "a" / "link").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "ann" / "pipe.ipynb")
    (tmp_path / "cid.ipynb").write_text("[]")
    assert listed(tmp_path) == [
        ("ann/", ""), ("ann/a/link", "a link to another file"), ("ann/a/x.ipynb", b"{}"),
        ("ann/pipe.ipynb", "not a regular file"), ("bob/", ""), ("cid.ipynb", b"[]")]


def test_there_are_limits_and_they_are_told(tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "MOST_ENTRIES", 5)
    monkeypatch.setattr(downloads, "DEPTH", 2)
    (tmp_path / "ann" / "1" / "2").mkdir(parents=True)
    (tmp_path / "bob").mkdir()
    for number in range(9):
        (tmp_path / "bob" / str(number)).write_text("x")
    (tmp_path / "cid").mkdir()
    found = listed(tmp_path)
    assert ("ann/1/2", "more than 2 folders deep") in found and ("cid/", "") in found
    assert ("bob/4", "only the first 5 files and folders were looked at") in found and len(found) == 9


def test_an_archive(tmp_path):
    path = tmp_path / "class.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("ann/", "../bob/x.ipynb", "cid\\x.ipynb", "__MACOSX/cid/._x.ipynb", "dan.ipynb"):
            archive.writestr(name, "{}")
    assert listed(path) == [("ann/", ""), ("bob/", ""), ("bob/x.ipynb", b"{}"), ("cid/", ""), ("cid/x.ipynb", b"{}"),
                            ("dan.ipynb", b"{}")]


@pytest.mark.parametrize(("path", "parts", "above"), [
    ("a/b", ("a", "b"), ""), ("/a", ("a",), "/"), ("../../a/b", ("a", "b"), "../../../"), ("a/../b", ("a", "b"), "../"),
    ("./a", ("a",), ""), ("..", (), ""), ("C:\\a", ("C:", "a"), "")])
def test_paths_in_an_archive_lead_nowhere(path, parts, above):
    assert path_parts(path) == (parts, above)


def test_names_without_an_encoding_are_read_as_utf_8_where_that_fits():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("xx.ipynb", "")
        archive.writestr("yy.ipynb", "")
    raw = out.getvalue().replace(b"xx.", "é.".encode()).replace(b"yy.", b"\x81\xff.")
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        assert [member_name(one) for one in archive.infolist()] == ["é.ipynb", "ü\xa0.ipynb"]


def test_what_cannot_be_opened_at_all_says_what_to_do(tmp_path):
    with pytest.raises(ValueError, match="cannot be opened: No such file"):
        listed(tmp_path / "nothing")
    (tmp_path / "a.zip").write_text("x")
    with pytest.raises(ValueError, match="neither a folder nor a zip archive"):
        listed(tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("ü", "")
    (tmp_path / "b.zip").write_bytes((tmp_path / "b.zip").read_bytes().replace("ü".encode(), b"\xff\xff"))
    with pytest.raises(ValueError, match="unpack it, and collect the folder"):
        listed(tmp_path / "b.zip")
