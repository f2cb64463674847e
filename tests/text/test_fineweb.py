import numpy as np
import pytest

from course_lib.text.dataset import TokenDataset
from course_lib.text.fineweb import find_shards, open_shard

IDS = np.arange(1000, dtype=np.uint16) * 50


def write_shard(path, ids=IDS, magic=20240520, version=1, promised=None):
    """As llm.c writes one."""
    header = np.zeros(256, "<i4")
    header[:3] = magic, version, len(ids) if promised is None else promised
    path.write_bytes(header.tobytes() + ids.astype("<u2").tobytes())
    return path


def test_a_shard_gives_its_ids_and_batches(tmp_path):
    ids = open_shard(write_shard(tmp_path / "fineweb_train_000001.bin"))
    assert ids.dtype == np.uint16 and np.array_equal(ids, IDS) and not ids.flags.writeable
    idx, targets = next(TokenDataset(ids, batch_size=2, context_length=8))
    assert np.array_equal(targets - idx, np.full((2, 8), 50))


@pytest.mark.parametrize(("wrong", "says"), [
    ({"magic": 20240801}, "20240520"), ({"version": 2}, "20240520"), ({"promised": 1001}, "3,026 .*1,001 ids"),
    ({"promised": 999}, "3,022"),
])
def test_other_files_are_refused(tmp_path, wrong, says):
    with pytest.raises(ValueError, match=says):
        open_shard(write_shard(tmp_path / "x.bin", **wrong))


def test_a_file_that_is_no_shard_at_all(tmp_path):
    (tmp_path / "x.bin").write_bytes(b"short")
    with pytest.raises(ValueError, match="download it again"):
        open_shard(tmp_path / "x.bin")


def test_a_missing_one_is_named_with_its_address_and_a_substitute(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    with pytest.raises(FileNotFoundError, match=r"huggingface.co/.*fineweb_val_000000.bin.*cache.*python_source"):
        open_shard(tmp_path / "fineweb_val_000000.bin")


def test_shards_are_found_in_order_and_the_users_folders_come_first(tmp_path, monkeypatch):
    folders = [tmp_path / name for name in ("mine", "theirs", "cache")]
    for folder in folders:
        folder.mkdir()
    monkeypatch.setenv("COURSE_DATA", f"{folders[0]}:{folders[1]}")
    monkeypatch.setenv("COURSE_CACHE", str(folders[2]))
    assert find_shards() == []
    for folder, number in ((0, 2), (1, 1), (1, 2), (2, 2), (2, 3)):
        write_shard(folders[folder] / f"fineweb_train_{number:06d}.bin")
    write_shard(folders[0] / "fineweb_val_000000.bin")
    (folders[0] / "fineweb_train_note.bin").write_bytes(b"")
    assert find_shards() == [folders[0] / "fineweb_train_000002.bin" if n == 2 else
                             folders[1] / "fineweb_train_000001.bin" if n == 1 else
                             folders[2] / "fineweb_train_000003.bin" for n in (1, 2, 3)]
    assert [path.name for path in find_shards("val")] == ["fineweb_val_000000.bin"]
