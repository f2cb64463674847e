"""The bar: how well counting predicts a text, in units that can be compared. Derived in lesson 02 (ngrams)."""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from course_lib.byhand.ngram import NGram

END = 256  # the id after the 256 byte values: it stands around and between documents


def perplexity(log_probs: np.ndarray) -> float:
    """exp of the mean surprise, where log_probs (N,) is log p of each token that came, in nats.

    A model with perplexity P was, on average, as undecided as between P equally probable tokens. It depends on what a
    token is: never compare it across tokenizers.
    """
    return float(np.exp(-np.mean(log_probs)))


def bits_per(log_probs: np.ndarray, n: int) -> float:
    """Bits of the whole text, shared among n of anything: tokens, characters, bytes. log_probs in nats.

    Σ -log₂ p / n. Bits do not care how a text was cut into tokens, and bytes not into what: so bits per byte compare.
    ValueError for n < 1.
    """
    if n < 1:
        raise ValueError(f"n={n}: there is no text to share the bits among; is the held-out split empty?")
    return float(-np.sum(log_probs)) / math.log(2) / n


def byte_ids(documents: Iterable[str]) -> np.ndarray:
    """`END doc END doc … END` as ids: what a counting model of bytes reads."""
    pieces = [np.array([END])]
    for document in documents:
        pieces += [np.frombuffer(document.encode(), np.uint8), np.array([END])]
    return np.concatenate(pieces).astype(np.int64)


def n_bytes(documents: Iterable[str]) -> int:
    """Length of all documents in UTF-8 bytes: the denominator of bits per byte."""
    return sum(len(document.encode()) for document in documents)


def ngram_bits(train: Iterable[str], held_out: Sequence[str], orders: Iterable[int] = (1, 6)) -> dict[str, float]:
    """Held-out bits per byte of byte n-grams (interpolated Witten–Bell), the end of each document included."""
    orders, asked, size = list(orders), byte_ids(held_out), n_bytes(held_out)
    model = NGram.fit(byte_ids(train), max(orders), END + 1)
    names = {1: "unigram"}
    rows = {}
    for order in orders:
        log_probs = model.log_probs(asked, order)[1:]  # the first END is given
        rows[names.get(order, f"{order}-gram")] = bits_per(log_probs, size)
    return rows
