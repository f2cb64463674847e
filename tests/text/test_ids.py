"""What is no id is named, with its place."""

import numpy as np
import pytest
import torch

from course_lib.text.ids import checked_ids, whole_numbers


@pytest.mark.parametrize("ids", [[0, 6], (0, 6), range(7), np.array([0, 6], np.uint16), torch.tensor([6, 0]), [], [[]]])
def test_ids_pass_as_int64(ids):
    found = checked_ids(ids, 7, ndim=None)
    assert found.dtype == np.int64 and found.tolist() == np.asarray(ids).tolist()


def test_where_it_is_not_given_any_id_from_0_up_will_do():
    assert checked_ids([0, 10**9]).tolist() == [0, 10**9]
    with pytest.raises(ValueError, match=r"ids\[1\] is -1, but ids are from 0 up"):
        checked_ids([0, -1])


@pytest.mark.parametrize(("ids", "says"), [
    ([3, 7], r"x\[1\] is 7, but ids are 0 to 6 \(vocab_size=7\); 1 of 2 are not"),
    ([-1, 0, -100], r"x\[0\] is -1, .*; 2 of 3 are not"),
    (np.array([2**63], np.uint64), r"x\[0\] is 9223372036854775808"),
    ([1.0, 1.5], r"x\[1\] is .*1\.5.*: ids are whole numbers, and these are float64"),
    ([1.0, 2.0], r"x\[0\] is .*1\.0.*float64"),
    ([0, np.nan], r"x\[1\] is .*nan"),
    ([True, False], r"x\[0\] is .*True.* bool"),
    (["a"], r"x\[0\] is .*'a'"),
    ([[0, 1], [1, 0]], r"x have shape \(2, 2\), but must have 1 axis; give one text at a time"),
    (3, r"x have shape \(\)"),
    ([[0], [1, 2]], "x are rows of different lengths"),
])
def test_what_is_no_id(ids, says):
    with pytest.raises(ValueError, match=says):
        checked_ids(ids, 7, what="x")


def test_targets_may_be_left_out_by_one_number_only():
    assert checked_ids([[0, -1]], 7, ndim=2, ignore=-1).tolist() == [[0, -1]]
    with pytest.raises(ValueError, match=r"targets\[0, 1\] is -100, .* 0 to 6 \(vocab_size=7\), or -1 for none"):
        checked_ids([[-1, -100]], 7, what="targets", ndim=2, ignore=-1)


def test_whole_numbers_are_not_read(tmp_path):
    """An array as large as a file of ids comes back as it is: the same memory, the same type."""
    ids = np.memmap(tmp_path / "ids", np.uint16, "w+", shape=9)
    assert np.shares_memory(whole_numbers(ids), ids) and whole_numbers(ids).dtype == np.uint16
