"""Windows in reading order, for evaluation: every target exactly once. Used by lesson 12 (gpt)."""

from collections.abc import Iterator
from itertools import islice, pairwise

import numpy as np

from course_lib.text.ids import checked_ids, whole_numbers

IGNORE = -1  # a target that the loss leaves out
CHUNK = 1 << 20  # ids searched at a time, so that memory does not grow with the file

Batches = Iterator[tuple[np.ndarray, np.ndarray]]


def sequential_windows(ids: np.ndarray, batch_size: int, context_length: int, *, overlap: int = 0) -> Batches:
    """All of `ids` in order: (idx, targets), int64, of shape (at most batch_size, context_length).

    Each of ids[1:] is a target exactly once; the rest of the last window is padded with targets == IGNORE.
    With overlap > 0, each window begins with that many ids of the one before, as context only (targets
    IGNORE): a target then has at least overlap + 1 ids before it, unless the text begins there. Slower and
    fairer. Elsewhere: the stride of sliding-window perplexity, which is context_length - overlap. Raises ValueError for
    what are no ids (N,).
    """
    ids = whole_numbers(ids)
    return _batches(_spans(0, len(ids) - 1, context_length, overlap), ids, batch_size, context_length)


def document_windows(ids: np.ndarray, batch_size: int, context_length: int, *, end_of_text: int,
                     overlap: int = 0) -> Batches:
    """Each document from its first token, never with another in view; shapes as in `sequential_windows`.

    The layout is that of `write_ids`: `<eot> doc1 <eot> doc2 … <eot>`. A document's first input is the <eot>
    before it and its last target the <eot> after it, so the model is also asked where the text ends. Short
    documents are padded at the end (targets IGNORE); longer ones continue in further windows, which begin
    with `overlap` ids of context. Raises ValueError where ids do not begin and end with end_of_text.
    """
    ids = whole_numbers(ids)
    if len(ids) < 2 or ids[0] != end_of_text or ids[-1] != end_of_text:
        raise ValueError(f"documents are cut at end_of_text={end_of_text}, but the ids do not begin and end "
                         "with it; write them with a tokenizer that has one, or use sequential_windows")
    ends = np.concatenate([start + np.flatnonzero(ids[start:start + CHUNK] == end_of_text)
                           for start in range(0, len(ids), CHUNK)])
    spans = (span for first, last in pairwise(ends)
             for span in _spans(first, last, context_length, overlap))
    return _batches(spans, ids, batch_size, context_length)


def _spans(first, last, context_length, overlap):
    """(start, scored, stop) of the windows over inputs first … last - 1; up to `scored` is context only."""
    if not 0 <= overlap < context_length:
        raise ValueError(f"overlap={overlap} must be at least 0 and below context_length={context_length}")
    scored = first
    while scored < last:
        start = max(first, scored - overlap)
        stop = min(start + context_length, last)
        yield start, scored, stop
        scored = stop


def _batches(spans, ids, batch_size, context_length):
    T = context_length
    while rows := list(islice(spans, batch_size)):
        B = len(rows)
        idx = np.zeros((B, T), np.int64)             # (B, T)
        targets = np.full((B, T), IGNORE, np.int64)  # (B, T)
        for row, (start, scored, stop) in enumerate(rows):
            # A -1 among the ids would be an IGNORE among the targets.
            window = checked_ids(ids[start:stop + 1], what=f"from place {start} on, ids")
            idx[row, :stop - start] = window[:-1]
            targets[row, scored - start:stop - start] = window[scored + 1 - start:]
        yield idx, targets
