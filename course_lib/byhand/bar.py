"""The bar: how well counting predicts a text, in units that can be compared. Derived in lesson 02 (ngrams)."""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from course_lib.byhand.ngram import NGram
from course_lib.text.texts import as_texts, utf8

END = 256  # the id after the 256 byte values: it stands around and between documents


def perplexity(log_probs: np.ndarray) -> float:
    """exp of the mean surprise, where log_probs (N,) is log p of each token that came, in nats.

    A model with perplexity P was, on average, as undecided as between P equally probable tokens. It depends on what a
    token is: never compare it across tokenizers. What was thought impossible makes it infinite. ValueError without any
    token, and for what is no log-probability.
    """
    log_probs = checked_log_probs(log_probs)
    if not log_probs.size:
        raise ValueError("no log-probabilities: there is no text to be surprised by; is the held-out split empty?")
    return float(np.exp(-np.mean(log_probs)))


def bits_per(log_probs: np.ndarray, n: int) -> float:
    """Bits of the whole text, shared among n of anything: tokens, characters, bytes. log_probs in nats.

    Σ -log₂ p / n. Bits do not care how a text was cut into tokens, and bytes not into what: so bits per byte compare.
    ValueError for n < 1, and for what is no log-probability.
    """
    if not n >= 1:
        raise ValueError(f"n={n}: there is no text to share the bits among; is the held-out split empty?")
    return float(-np.sum(checked_log_probs(log_probs))) / math.log(2) / n


def checked_log_probs(log_probs: Sequence[float]) -> np.ndarray:
    """As float64; ValueError where one is not a number or above 0, with its place. -inf says: impossible."""
    log_probs = np.asarray(log_probs, dtype=np.float64)
    wrong = np.flatnonzero(~(log_probs.ravel() <= 1e-3))  # a float32 softmax rounds 1 to a little more
    if len(wrong):
        raise ValueError(f"log_probs holds {log_probs.ravel()[wrong[0]]} at place {wrong[0]} ({len(wrong)} of "
                         f"{log_probs.size} are no logarithm of a probability); look at the model that gave them")
    return log_probs


def byte_ids(documents: str | Iterable[str]) -> np.ndarray:
    """`END doc END doc … END` as ids: what a counting model of bytes reads."""
    pieces = [np.array([END])]
    for document in as_texts(documents, "documents"):
        pieces += [np.frombuffer(utf8(document), np.uint8), np.array([END])]
    return np.concatenate(pieces).astype(np.int64)


def n_bytes(documents: str | Iterable[str]) -> int:
    """Length of all documents in UTF-8 bytes, as `text.texts.utf8` counts them: the denominator of bits per byte."""
    return sum(len(utf8(document)) for document in as_texts(documents, "documents"))


def ngram_bits(train: str | Iterable[str], held_out: str | Iterable[str],
               orders: Iterable[int] = (1, 6)) -> dict[str, float]:
    """Held-out bits per byte of byte n-grams (interpolated Witten–Bell), the end of each document included.

    ValueError where the held-out documents have no text, or the others less than the longest order asks for.
    """
    held_out = list(as_texts(held_out, "held_out"))
    orders, asked, size = list(orders), byte_ids(held_out), n_bytes(held_out)
    model = NGram.fit(byte_ids(train), max(orders), END + 1)
    names = {1: "unigram"}
    rows = {}
    for order in orders:
        log_probs = model.log_probs(asked, order)[1:]  # the first END is given
        rows[names.get(order, f"{order}-gram")] = bits_per(log_probs, size)
    return rows
