"""How much of a text was copied, letter by letter, from another one. Derived in lesson 02 (ngrams)."""

import numpy as np


def copied_lengths(sample: str, text: str) -> np.ndarray:
    """For each place of `sample`: how many characters from there on stand, just so, somewhere in `text`. int64 (N,).

    The greatest of them is the longest copied span. When one place has a copy of length n, the next has one of at least
    n - 1, so all of them together take at most 2 N searches. Works for bytes as well.
    Elsewhere: matching statistics (Chang and Lawler 1994).
    """
    lengths, n = np.zeros(len(sample), np.int64), 0
    for start in range(len(sample)):
        while start + n < len(sample) and sample[start:start + n + 1] in text:
            n += 1
        lengths[start] = n
        n = max(n - 1, 0)
    return lengths


def longest_copied(sample: str, text: str) -> str:
    """The longest piece of `sample` that stands, just so, in `text`; the first of several, "" if there is none."""
    lengths = copied_lengths(sample, text)
    start = int(lengths.argmax()) if len(lengths) else 0
    return sample[start:start + int(lengths[start])] if len(lengths) else sample
