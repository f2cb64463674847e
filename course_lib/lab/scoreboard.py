"""Who predicts the held-out text best, in one unit: unigram, 6-gram, a model, the source itself. Lessons 00, 12."""

from collections.abc import Iterable, Mapping, Sequence

from torch import nn

from course_lib.byhand.bar import END, bits_per, byte_ids, n_bytes, ngram_bits
from course_lib.text.texts import as_texts
from course_lib.training.evaluate import document_nats
from course_lib.training.loss import bits_per_byte

__all__ = ["END", "byte_ids", "model_bits", "n_bytes", "ngram_bits", "source_bits", "table"]


def model_bits(model: nn.Module, tokenizer, held_out: str | Iterable[str]) -> float:
    """Held-out bits per byte of a model, each document from its first character to its end.

    ValueError where there is no text, or the model's surprise is not a number.
    """
    held_out = list(as_texts(held_out, "held_out"))
    nats = document_nats(model, tokenizer, held_out, context_length=model.config.context_length)
    return bits_per_byte(float(nats.sum()), n_bytes(held_out))


def source_bits(log_probs: Sequence[float], held_out: str | Iterable[str]) -> float:
    """Entropy of the source in bits per byte, from the exact log probability (nats) of each held-out document.

    ValueError where there is no text, or not one log-probability for each document.
    """
    held_out = list(as_texts(held_out, "held_out"))
    if len(log_probs) != len(held_out):
        raise ValueError(f"{len(log_probs)} log-probabilities for {len(held_out)} documents; give one for each")
    return bits_per(log_probs, n_bytes(held_out))


def table(rows: Mapping[str, float], *, entropy: float | None = None) -> str:
    """The scoreboard in text, one row a model; with the ratio to the entropy of the source where it is known."""
    width = max(map(len, rows))
    lines = [f"{'held-out text':<{width}}  bits per byte" + ("  ratio to entropy" if entropy else "")]
    for name, bits in rows.items():
        ratio = f"{bits / entropy:>18.2f}" if entropy else ""
        lines.append(f"{name:<{width}}  {bits:>13.3f}{ratio}")
    return "\n".join(lines)
