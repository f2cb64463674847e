"""Token ids, checked at the door: whole numbers from 0 to below the vocabulary's size. Used by lesson 02 (ngrams).

Arrays forgive what is none: -1 is the last row, 1.7 becomes 1, and the answer looks like any other.
"""

from collections.abc import Sequence

import numpy as np


def checked_ids(ids: Sequence[int] | np.ndarray, vocab_size: int | None = None, *, what: str = "ids",
                ndim: int | None = 1, ignore: int | None = None) -> np.ndarray:
    """`ids` as int64, of their shape; ValueError, with the first one that is none, its place and the vocabulary.

    ndim: how many axes they must have, None for any. vocab_size: None where it is not known, and only negative ids are
    refused. ignore: the one number that may stand for "no id" (targets).
    """
    array = whole_numbers(ids, what=what, ndim=ndim)
    none = array < 0 if vocab_size is None else (array < 0) | (array >= vocab_size)
    if ignore is not None:
        none &= array != ignore
    if none.any():
        place = tuple(np.argwhere(none)[0].tolist())
        allowed = "from 0 up" if vocab_size is None else f"0 to {vocab_size - 1} (vocab_size={vocab_size})"
        allowed += "" if ignore is None else f", or {ignore} for none"
        raise ValueError(f"{what}{list(place) if place else ''} is {array[place]}, but ids are {allowed}; "
                         f"{none.sum()} of {array.size} are not: was the text encoded by another tokenizer?")
    return array.astype(np.int64, copy=False)


def whole_numbers(ids: Sequence[int] | np.ndarray, *, what: str = "ids", ndim: int | None = 1) -> np.ndarray:
    """`ids` as an array of whole numbers, in the type they have; nothing is read of it, so it may be a mapped file."""
    try:
        array = np.asarray(ids)
    except ValueError:
        raise ValueError(f"{what} are rows of different lengths; give them one by one, or pad them") from None
    if ndim is not None and array.ndim != ndim:
        raise ValueError(f"{what} have shape {array.shape}, but must have {ndim} axis{'' if ndim == 1 else 'es'}; "
                         "give one text at a time")
    if array.size and array.dtype.kind not in "iu":
        odd = np.flatnonzero([not _is_whole(one) for one in array.ravel()[:1000].tolist()])
        first = np.unravel_index(odd[0] if len(odd) else 0, array.shape)
        raise ValueError(f"{what}{[int(i) for i in first]} is {array[first]!r}: ids are whole numbers, and these are "
                         f"{array.dtype}; take the ids that a tokenizer gave")
    return array if array.size else array.astype(np.int64)


def _is_whole(one):
    return isinstance(one, int | float) and not isinstance(one, bool) and float(one).is_integer()
