"""How well a model predicts text it was not trained on. Derived in lessons 02 (ngrams) and 12 (gpt)."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from course_lib.text.dataset import TokenFile, document_windows, sequential_windows
from course_lib.text.ids import checked_ids
from course_lib.text.texts import as_texts
from course_lib.text.windows import IGNORE
from course_lib.training.device import autocast, to_torch
from course_lib.training.loss import bits_per_byte

TOKENS_AT_ONCE = 4096  # of padded documents in one forward pass: fast, and fits a laptop


@dataclass(frozen=True)
class Score:
    """A sum over text: `nats` (natural log), over `n_targets` tokens, standing for `n_bytes` bytes."""

    nats: float
    n_targets: int
    n_bytes: int

    @property
    def loss(self) -> float:
        """Mean nats a target. ValueError where there is none."""
        if self.n_targets < 1:
            raise ValueError(f"n_targets={self.n_targets}: nothing was asked, so there is no mean; is the text empty?")
        return self.nats / self.n_targets

    @property
    def bits_per_byte(self) -> float:
        """Comparable between tokenizers."""
        return bits_per_byte(self.nats, self.n_bytes)


def bytes_per_id(tokenizer) -> np.ndarray:
    """(V,) bytes of text that each id stands for; special tokens stand for none."""
    special = set(tokenizer.special_tokens.values())
    return np.array([0 if i in special else len(tokenizer.decode_bytes([i]))
                     for i in range(tokenizer.vocab_size)], np.int64)


def held_out_ids(held_out) -> np.ndarray:
    """The ids of a held-out split: given as an array, a `TokenFile`, a `TokenDataset` or a file's path."""
    if isinstance(held_out, str | Path):
        held_out = TokenFile.open(held_out)
    return np.asarray(getattr(held_out, "ids", held_out))


def sample_windows(ids: np.ndarray, batch_size: int, context_length: int,
                   n_batches: int | None = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches (idx, targets) of all ids in order; or `n_batches`, evenly spread, the same every time."""
    n_ids = batch_size * context_length + 1
    if n_batches is None or n_batches * (n_ids - 1) >= len(ids) - 1:
        yield from sequential_windows(ids, batch_size, context_length)
        return
    for start in np.linspace(0, len(ids) - n_ids, n_batches).astype(int):
        yield from sequential_windows(ids[start:start + n_ids], batch_size, context_length)


def target_nats(model: nn.Module, idx: np.ndarray, targets: np.ndarray,
                dtype: str = "float32") -> torch.Tensor:
    """-log p of each target, in nats: (B, T), 0 where the target is -1."""
    device = next(model.parameters()).device
    with torch.no_grad(), autocast(device, dtype):
        logits = model(to_torch(idx, device))                                          # (B, T, V)
    checked_ids(targets, logits.shape[-1], what="targets", ndim=None, ignore=IGNORE)
    logits = logits if logits.dtype == torch.float64 else logits.float()               # (B, T, V)
    wanted = to_torch(targets, device)                                                 # (B, T)
    nats = F.cross_entropy(logits.flatten(0, 1), wanted.flatten(), ignore_index=IGNORE, reduction="none")
    return nats.view(wanted.shape)


def score(model: nn.Module, windows: Iterable, *, dtype: str = "float32",
          id_bytes: np.ndarray | None = None) -> Score:
    """Sum over all windows (idx, targets), dropout off. `id_bytes`: of `bytes_per_id`; without, bytes stay 0."""
    nats, n_targets, n_bytes, was_training = 0.0, 0, 0, model.training
    model.eval()
    for idx, targets in windows:
        nats += target_nats(model, idx, targets, dtype).cpu().sum(dtype=torch.float64).item()  # MPS has no doubles
        asked = targets[targets != IGNORE]
        n_targets += asked.size
        n_bytes += 0 if id_bytes is None else int(id_bytes[asked].sum())
    model.train(was_training)
    if math.isnan(nats):
        raise ValueError("the surprise of this text is nan: the model's logits hold nan or infinities; look at its "
                         "weights, or take an earlier checkpoint")
    if n_targets == 0:
        raise ValueError("nothing to evaluate: no window holds a target; is the held-out split empty?")
    return Score(nats, n_targets, n_bytes)


def held_out_loss(model: nn.Module, windows: Iterable, *, dtype: str = "float32") -> float:
    """Mean nats a target over windows (idx, targets), such as `sample_windows` of the held-out ids."""
    return score(model, windows, dtype=dtype).loss


def document_nats(model: nn.Module, tokenizer, documents: str | Iterable[str], *, context_length: int,
                  overlap: int | None = None, dtype: str = "float32",
                  tokens_at_once: int = TOKENS_AT_ONCE) -> np.ndarray:
    """(n_documents,) nats of each whole document, from its first token to the <|endoftext|> that ends it.

    -log p(ids | <|endoftext|>), at least -log p(text), since other ids may spell the text. Documents longer than
    `context_length` continue in windows that re-read `overlap` ids as context (default: half a window).
    Rows of similar length share a batch, so little is padding. Raises ValueError without <|endoftext|>.
    """
    if tokenizer.end_of_text is None:
        raise ValueError("this tokenizer has no <|endoftext|> to score documents between; train one with it")
    overlap, rows, owners, n_documents = context_length // 2 if overlap is None else overlap, [], [], 0
    for number, document in enumerate(as_texts(documents, "documents")):
        ids = np.array([tokenizer.end_of_text, *tokenizer.encode(document), tokenizer.end_of_text])
        for idx, targets in document_windows(ids, 64, context_length, overlap=overlap,
                                             end_of_text=tokenizer.end_of_text):
            rows += zip(idx, targets, strict=True)
        owners += [number] * (len(rows) - len(owners))
        n_documents = number + 1
    nats, was_training = np.zeros(n_documents), model.training
    lengths = np.array([np.flatnonzero(targets != IGNORE)[-1] + 1 for _, targets in rows], int)
    model.eval()
    for batch in _batches_by_length(lengths, tokens_at_once):
        longest = lengths[batch].max()
        idx, targets = (np.stack([rows[row][side][:longest] for row in batch]) for side in (0, 1))  # (B, T)
        row_nats = target_nats(model, idx, targets, dtype).cpu().sum(dim=1, dtype=torch.float64)    # (B,)
        np.add.at(nats, np.array(owners)[batch], row_nats.numpy())
    model.train(was_training)
    return nats


def _batches_by_length(lengths: np.ndarray, tokens_at_once: int) -> Iterator[np.ndarray]:
    """Row numbers from longest to shortest, as many together as fit when padded to the longest of them."""
    order, start = np.argsort(-lengths, kind="stable"), 0
    while start < len(order):
        count = max(1, tokens_at_once // int(lengths[order[start]]))
        yield order[start:start + count]
        start += count
