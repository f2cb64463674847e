"""What is copied and what is left; whose it is and which of it counts is in test_handed_in.py."""

import json
import os
import zipfile
from datetime import UTC, datetime

import pytest

from course_lib.classroom.grading.collect import collect
from course_lib.classroom.grading.folders import Folders

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_links_are_named_and_left_and_the_receipt_is_ours(tmp_path):
    folders, downloads = Folders(tmp_path), tmp_path / "downloads"
    (downloads / "ann").mkdir(parents=True)
    secret = tmp_path / "gradebook.db"
    secret.write_text("secret")
    (downloads / "ann" / "12_gpt.ipynb").symlink_to(secret)
    (downloads / "ann" / "receipt.json").write_text('{"received": "1999-01-01T00:00:00+00:00"}')
    (downloads / "bob.ipynb").write_text("{}")
    os.utime(downloads / "bob.ipynb", (0, 0))
    assert collect(folders, "12_gpt", downloads, received=NOON) == {"ann": "no notebook", "bob": "new"}
    ann, bob = (json.loads((folders.inbox(who, "12_gpt") / "receipt.json").read_text()) for who in ("ann", "bob"))
    left = ["12_gpt.ipynb was left out: a link to another file", "there was only receipt.json"]
    assert ann["notes"] == left and bob["notes"] == []
    assert ann["received"] == bob["received"] == NOON.isoformat()
    assert [path.name for path in folders.inbox("ann", "12_gpt").iterdir()] == ["receipt.json"]
    assert folders.private.stat().st_mode & 0o777 == 0o700


def test_the_same_file_keeps_its_receipt_and_a_new_one_replaces_it(tmp_path):
    folders, downloads = Folders(tmp_path), tmp_path / "downloads"
    downloads.mkdir()
    (downloads / "ann.ipynb").write_text("{}")
    collect(folders, "12_gpt", downloads, received=NOON)
    assert collect(folders, "12_gpt", downloads, received=datetime.now(UTC)) == {"ann": "unchanged"}
    receipt = folders.inbox("ann", "12_gpt") / "receipt.json"
    assert json.loads(receipt.read_text())["received"] == NOON.isoformat()
    (downloads / "ann.ipynb").write_text("[]")
    assert collect(folders, "12_gpt", downloads, received=datetime.now(UTC)) == {"ann": "new"}
    assert json.loads(receipt.read_text())["received"] != NOON.isoformat()


def test_an_archive_as_it_was_downloaded(tmp_path):
    folders, path = Folders(tmp_path), tmp_path / "submissions.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("doejane_4711_99_12_gpt.ipynb", "{}")
        archive.writestr("../../evil/12_gpt.ipynb", "{}")
        archive.writestr("bomb_1_2_12_gpt.ipynb", bytes(60_000_000))
        link = zipfile.ZipInfo("link_3_4_12_gpt.ipynb")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    done = collect(folders, "12_gpt", path, received=NOON)
    assert done.pop("bomb_1").endswith("hand it in without outputs")
    assert done == {"doejane_4711": "new", "evil": "new", "link_3": "no notebook"}
    with pytest.raises(ValueError, match="neither a folder nor a zip archive"):
        collect(folders, "12_gpt", folders.inbox("evil", "12_gpt") / "12_gpt.ipynb", received=NOON)
