"""Who predicts the held-out text best, in one unit: unigram, 6-gram, a model, the source itself. Lessons 00, 12."""

import math
from collections.abc import Mapping, Sequence

from torch import nn

from course_lib.byhand.bar import END, byte_ids, n_bytes, ngram_bits
from course_lib.training.evaluate import document_nats

__all__ = ["END", "byte_ids", "model_bits", "n_bytes", "ngram_bits", "source_bits", "table"]


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
