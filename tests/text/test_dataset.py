import json
import subprocess
import sys
from collections import Counter
from itertools import islice

import numpy as np
import pytest

from course_lib.text.dataset import TokenDataset, TokenFile
from course_lib.text.token_file import header_path


def save_ids(path, ids, **header):
    """A token file by hand, independent of write_ids."""
    ids = np.asarray(ids, "<u2")
    ids.tofile(path)
    header = {"kind": "course token ids", "format": 1, "dtype": "uint16", "n_ids": len(ids),
              "vocab_size": 60_000, "end_of_text": None, "n_documents": 1, "n_bytes": len(ids), **header}
    header_path(path).write_text(json.dumps(header))
    return path


def draw(dataset, n):
    return [(idx.tolist(), targets.tolist()) for idx, targets in islice(dataset, n)]


def test_shapes_types_and_targets_one_ahead(tmp_path):
    path = save_ids(tmp_path / "a.bin", np.arange(1000))
    for idx, targets in islice(TokenDataset(path, batch_size=4, context_length=16), 100):
        assert idx.shape == targets.shape == (4, 16) and idx.dtype == targets.dtype == np.int64
        assert idx.flags.c_contiguous and targets.flags.c_contiguous
        assert (targets == idx + 1).all() and (np.diff(idx) == 1).all()
        targets[:] = -1  # must not reach idx or the file
        assert idx.min() >= 0


@pytest.mark.parametrize("is_ring", [True, False])
@pytest.mark.parametrize(("n", "T"), [(1001, 10), (1007, 10), (11, 10), (17, 10), (2, 1)])
def test_each_epoch_covers_each_pair_once(n, T, is_ring):
    ids = np.arange(n) % (n - 1 if is_ring else n)
    windows = (n - 1) // T
    dataset = TokenDataset(ids, batch_size=1, context_length=T)
    cuts = set()
    for epoch in range(30):
        assert dataset.epoch == epoch
        batches = list(islice(dataset, windows))
        seen = Counter(pair for idx, targets in batches
                       for pair in zip(idx[0].tolist(), targets[0].tolist(), strict=True))
        assert max(seen.values()) == 1 and sum(seen.values()) == windows * T
        assert all(after == ids[before + 1] for before, after in seen)
        cuts.add(min(idx[0, 0] % T for idx, _ in batches) if T < n - 1 else 0)
    assert dataset.epoch == 30
    if (n, T, is_ring) == (1001, 10, True):
        assert len(cuts) > 3  # the cuts move, so that no token always begins a window


def test_a_batch_crosses_the_end_of_an_epoch_exactly():
    """9 windows in batches of 4: the third batch holds the last of epoch 0 and the first three of epoch 1."""
    ids = np.arange(91)
    one = TokenDataset(ids, batch_size=1, context_length=10, seed=3)
    four = TokenDataset(ids, batch_size=4, context_length=10, seed=3)
    singles = [idx[0].tolist() for idx, _ in islice(one, 36)]
    assert [row for idx, _ in islice(four, 9) for row in idx.tolist()] == singles
    starts = [row[0] for row in singles]
    assert all(sorted(starts[e:e + 9]) == list(range(0, 90, 10)) for e in range(0, 36, 9))
    assert len({tuple(starts[e:e + 9]) for e in range(0, 36, 9)}) == 4  # another order every epoch


def test_a_batch_larger_than_several_epochs():
    idx, _ = next(TokenDataset(np.arange(31), batch_size=10, context_length=10))
    assert [sorted(idx[e:e + 3, 0].tolist()) for e in (0, 3, 6)] == [[0, 10, 20]] * 3


def test_seed_decides_the_order():
    ids = np.arange(1000)
    orders = [draw(TokenDataset(ids, batch_size=2, context_length=8, seed=s), 20) for s in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]


def test_restore_continues_bit_for_bit(tmp_path):
    path = save_ids(tmp_path / "a.bin", np.arange(500) % 499)
    make = lambda: TokenDataset(path, batch_size=3, context_length=7, seed=5)  # noqa: E731
    first = make()
    draw(first, 40)
    state = json.loads(json.dumps(first.state()))
    expected = draw(first, 40)
    second = make()
    second.restore(state)
    assert second.position == 120 and second.epoch == 1
    assert draw(second, 40) == expected
    second.position = 120
    assert draw(second, 40) == expected


@pytest.mark.parametrize("change", [
    {"seed": 1}, {"context_length": 8}, {"n_ids": 3}, {"position": None}, {"more": 1}])
def test_the_state_of_another_run_is_refused(change):
    dataset = TokenDataset(np.arange(100), batch_size=3, context_length=7)
    state = {k: v for k, v in (dataset.state() | change).items() if v is not None}
    with pytest.raises(ValueError, match="saved state"):
        dataset.restore(state)


def test_ranks_share_the_windows_of_one_process():
    ids = np.arange(1001)
    alone = TokenDataset(ids, batch_size=6, context_length=10, seed=2)
    ranks = [TokenDataset(ids, batch_size=2, context_length=10, seed=2, rank=r, world_size=3)
             for r in range(3)]
    for _ in range(50):
        together = np.concatenate([next(rank)[0] for rank in ranks])
        assert (together == next(alone)[0]).all()
        crosses = 0 < alone.position % 100 < 6
        assert crosses or len({*together[:, 0].tolist()}) == 6  # disjoint within an epoch
    assert {rank.position for rank in ranks} == {alone.position} == {300}


@pytest.mark.parametrize(("arguments", "message"), [
    (dict(context_length=100), "needs at least 101 ids, but there are only 100; .*at most 99"),
    (dict(context_length=0), "context_length=0"),
    (dict(batch_size=0), "batch_size=0"),
    (dict(seed=-1), "seed=-1"),
    (dict(rank=2, world_size=2), "rank=2 must be one of 0 … 1"),
])
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        TokenDataset(np.arange(100), **{"batch_size": 2, "context_length": 8, **arguments})


def test_negative_position():
    with pytest.raises(ValueError, match="position=-1"):
        TokenDataset(np.arange(100), batch_size=2, context_length=8).position = -1


def test_ids_beyond_the_vocabulary_are_noticed(tmp_path):
    path = save_ids(tmp_path / "a.bin", [*range(50)] * 4, vocab_size=49)
    with pytest.raises(ValueError, match="id 49.*vocab_size=49"):
        draw(TokenDataset(TokenFile.open(path), batch_size=4, context_length=50), 1)


MEASURE = """
import sys, numpy as np
from course_lib.text.dataset import TokenDataset
def resident():
    return int(next(l for l in open("/proc/self/status") if l.startswith("RssAnon")).split()[1]) / 1000
dataset = TokenDataset(sys.argv[1], batch_size=12, context_length=64)
next(dataset)
before, total = resident(), 0
for _ in range(1000):
    idx, targets = next(dataset)
    total += idx.sum() + targets.sum()
print(dataset.n_windows, total, resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/status")
def test_memory_does_not_grow_with_a_file_of_2_gb(tmp_path):
    path = save_ids(tmp_path / "big.bin", [], n_ids=2**30)
    with open(path, "r+b") as file:
        file.truncate(2**31)  # sparse: 2 GB of zeros that take no room on the disk
    child = subprocess.run([sys.executable, "-c", MEASURE, str(path)], stdout=subprocess.PIPE, check=True)
    n_windows, total, grown_mb = map(float, child.stdout.split())
    assert n_windows == (2**30 - 1) // 64 and total == 0
    assert grown_mb < 50
