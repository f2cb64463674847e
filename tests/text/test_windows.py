import numpy as np
import pytest

from course_lib.text.windows import IGNORE, document_windows, sequential_windows

EOT = 0


def pairs_with_context(batches):
    """(target, number of ids before it in its window) of each scored target; ids count up."""
    found = []
    for idx, targets in batches:
        assert idx.dtype == targets.dtype == np.int64 and idx.shape == targets.shape
        for inputs, wanted in zip(idx, targets, strict=True):
            for t in np.flatnonzero(wanted != IGNORE):
                assert wanted[t] == inputs[t] + 1  # the next id, where ids count up
                assert (np.diff(inputs[:t + 1]) == 1).all()  # an unbroken context
                found.append((int(wanted[t]), int(t) + 1))
    return found


@pytest.mark.parametrize("n", [2, 9, 10, 11, 47, 100])
@pytest.mark.parametrize("overlap", [0, 3, 9])
def test_every_target_exactly_once_in_order(n, overlap):
    found = pairs_with_context(sequential_windows(np.arange(n), 3, 10, overlap=overlap))
    assert [target for target, _ in found] == list(range(1, n))
    assert all(context >= min(target, overlap + 1) for target, context in found)


def test_the_last_window_is_padded_and_the_last_batch_holds_what_is_left():
    batches = list(sequential_windows(np.arange(10, 36), 2, 10))
    assert [idx.shape for idx, _ in batches] == [(2, 10), (1, 10)]
    assert batches[1][1].tolist() == [[31, 32, 33, 34, 35, *[IGNORE] * 5]]
    assert batches[1][0][0, 5:].tolist() == [0] * 5


@pytest.mark.parametrize("overlap", [0, 2])
def test_documents_begin_after_end_of_text_and_see_no_other(overlap):
    documents = [[1, 2, 3], [], [5, 6, 7, 8, 9, 10, 11], [4]]
    ids = np.array([EOT] + [i for document in documents for i in [*document, EOT]], dtype=np.uint16)
    seen = {}
    for idx, targets in document_windows(ids, 2, 4, end_of_text=EOT, overlap=overlap):
        for inputs, wanted in zip(idx, targets, strict=True):
            for t in np.flatnonzero(wanted != IGNORE):
                before = inputs[:t + 1].tolist()
                owner = next((d for d, document in enumerate(documents) if before[-1] in document), None)
                if owner is not None:
                    following = [*documents[owner], EOT]
                    assert wanted[t] == following[following.index(before[-1]) + 1]
                    assert set(before) <= {EOT, *documents[owner]} and EOT not in before[1:]
                else:
                    assert before == [EOT]
                seen[len(seen)] = int(wanted[t])
    assert list(seen.values()) == [i for document in documents for i in [*document, EOT]]


def test_long_documents_continue_with_context():
    ids = np.array([EOT, *range(1, 12), EOT])
    (idx, targets), = document_windows(ids, 8, 4, end_of_text=EOT, overlap=1)
    assert idx.tolist() == [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9], [9, 10, 11, 0]]
    assert targets.tolist() == [[1, 2, 3, 4], [-1, 5, 6, 7], [-1, 8, 9, 10], [-1, 11, EOT, -1]]


def test_documents_longer_than_the_search_step(monkeypatch):
    monkeypatch.setattr("course_lib.text.windows.CHUNK", 5)
    ids = np.array([EOT, *range(1, 18), EOT, 18, EOT])
    targets = np.concatenate([t[t != IGNORE] for _, t in document_windows(ids, 2, 7, end_of_text=EOT)])
    assert targets.tolist() == ids[1:].tolist()


def test_bad_arguments():
    with pytest.raises(ValueError, match="overlap=4 .* context_length=4"):
        list(sequential_windows(np.arange(9), 2, 4, overlap=4))
    for ids in ([], [EOT], [EOT, 1, 2], [1, EOT]):
        with pytest.raises(ValueError, match="end_of_text=0"):
            document_windows(np.array(ids), 2, 4, end_of_text=EOT)
