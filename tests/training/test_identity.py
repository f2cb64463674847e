from pathlib import Path

import numpy as np
import pytest

from course_lib.text.tokenizer import CharTokenizer
from course_lib.training.disk import CheckpointError
from course_lib.training.identity import (
    config_differences,
    describe_data,
    describe_model,
    differences,
    fingerprint,
    refuse_other,
    tokenizer_checksum,
)


def test_differences_name_the_fields_and_both_values():
    assert differences({"a": 1, "b": (0.9, 0.99)}, {"a": 1, "b": [0.9, 0.99]}) == ""
    assert differences({"a": 1, "c": None}, {"a": 2, "d": 3}) == \
        "a is 1 here and 2 in the checkpoint; d is None here and 3 in the checkpoint"


def test_what_is_left_to_the_machine_never_differs(small):
    settled = small.config(dtype="bfloat16", threads=4, device="cuda:1")
    assert config_differences(small.config(dtype="auto", threads=None, device="auto"), settled) == ""
    assert "dtype is 'float32' here and 'bfloat16'" in config_differences(small.config(threads=None), settled)


@pytest.mark.parametrize("n", [10, 300_000])
def test_a_fingerprint_sees_ids_and_length_and_not_their_type(n):
    ids = np.arange(n) % 500
    assert fingerprint(ids) == fingerprint(ids.astype(np.uint16))
    assert fingerprint(np.zeros(n)) != fingerprint(np.zeros(n + 1))
    assert len({fingerprint(each) for each in (ids, ids[:-1], ids + 1, ids[::-1])}) == 4


def test_data_are_described_without_the_position(small):
    dataset = small.dataset()
    before = describe_data(dataset, small.ids[:50])
    next(dataset)
    assert describe_data(dataset, small.ids[:50]) == before
    others = (small.dataset(seed=4), small.dataset(batch_size=2), small.dataset(context_length=8))
    assert all(describe_data(other, small.ids[:50]) != before for other in others)
    assert describe_data(dataset, small.ids[:51]) != before and describe_data(dataset)["held_out"] is None


def test_models_and_tokenizers_are_told_apart(small):
    assert describe_model(small.model()) == {"kind": "GPT", **small.model().config.to_dict()}
    assert tokenizer_checksum(None) is None
    assert tokenizer_checksum(small.tokenizer) == tokenizer_checksum(small.tokenizer)
    assert tokenizer_checksum(small.tokenizer) != tokenizer_checksum(CharTokenizer.train("ab"))


def test_another_run_is_refused_by_what_differs(small):
    saved = {"training": small.config().to_dict(), "data": {"n_ids": 3000},
             "files": {"tokenizer.json": tokenizer_checksum(small.tokenizer)}}
    folder = Path("runs/step-000012")
    refuse_other(saved, folder, config=small.config(), data={"n_ids": 3000}, tokenizer=small.tokenizer)
    refuse_other(saved, folder, config=None, data={"n_ids": 3000}, tokenizer=None)
    with pytest.raises(CheckpointError) as error:
        refuse_other(saved, folder, config=small.config(max_lr=0.5), data={"n_ids": 9},
                     tokenizer=CharTokenizer.train("a"))
    for part in ("n_ids is 9 here and 3000 in the checkpoint", "max_lr is 0.5 here and 0.001", "tokenizer is", "step-"):
        assert part in str(error.value)
    with pytest.raises(CheckpointError, match="it can be used, not resumed"):
        refuse_other({"training": {}}, folder, config=None, data={}, tokenizer=None)
