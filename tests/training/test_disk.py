import os

import pytest

from course_lib.training import disk


def test_a_file_is_replaced_or_stays(tmp_path, monkeypatch):
    path = tmp_path / "pointer"
    disk.replace_file(path, b"one")
    disk.replace_file(path, b"two")
    assert path.read_bytes() == b"two"
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError):
        disk.replace_file(tmp_path / "taken", b"a folder cannot become a file")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["pointer", "taken"], "no temporary file is left"


def test_data_are_on_disk_before_the_name_changes(tmp_path, monkeypatch):
    calls = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: calls.append("fsync") or fsync(handle))
    monkeypatch.setattr(os, "replace", lambda *paths: calls.append("replace") or replace(*paths))
    disk.replace_file(tmp_path / "file", b"data")
    assert calls == (["fsync", "replace", "fsync"] if os.name == "posix" else ["fsync", "replace"])


def test_an_error_says_where_what_is_safe_and_what_to_do(tmp_path):
    says = r"cannot write to .*run: Not a directory \(.* MB free\); nothing was saved there before. Make room"
    with pytest.raises(disk.CheckpointError, match=says), disk.disk_errors(tmp_path / "run"):
        raise NotADirectoryError(20, "Not a directory")
    (tmp_path / "latest").write_text("step-000007\n")
    with pytest.raises(disk.CheckpointError, match="step-000007, is whole"), disk.disk_errors(tmp_path):
        raise OSError(28, "No space left on device")
