"""Who predicts the held-out text best, in one unit: unigram, 6-gram, a model, the source itself. Lessons 00, 12."""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from torch import nn

from course_lib.byhand.ngram import NGram
from course_lib.training.evaluate import document_nats

END = 256  # the id after the 256 byte values: it stands around and between documents


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
    seen, asked = byte_ids(train), byte_ids(held_out)
    names = {1: "unigram"}
    rows = {}
    for order in orders:
        nats = -NGram.fit(seen, order, END + 1).log_probs(asked)[1:].sum()  # the first END is given
        rows[names.get(order, f"{order}-gram")] = nats / math.log(2) / n_bytes(held_out)
    return rows


def model_bits(model: nn.Module, tokenizer, held_out: Sequence[str]) -> float:
    """Held-out bits per byte of a model, each document from its first character to its end."""
    nats = document_nats(model, tokenizer, held_out, context_length=model.config.context_length)
    return float(nats.sum()) / math.log(2) / n_bytes(held_out)


def source_bits(log_probs: Sequence[float], held_out: Sequence[str]) -> float:
    """Entropy of the source in bits per byte, from the exact log probability (nats) of each held-out document."""
    return -sum(log_probs) / math.log(2) / n_bytes(held_out)


def table(rows: Mapping[str, float], *, entropy: float | None = None) -> str:
    """The scoreboard in text, one row a model; with the ratio to the entropy of the source where it is known."""
    width = max(map(len, rows))
    lines = [f"{'held-out text':<{width}}  bits per byte" + ("  ratio to entropy" if entropy else "")]
    for name, bits in rows.items():
        ratio = f"{bits / entropy:>18.2f}" if entropy else ""
        lines.append(f"{name:<{width}}  {bits:>13.3f}{ratio}")
    return "\n".join(lines)
