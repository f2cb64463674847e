"""How often each n-gram occurs: tables in sorted arrays. Derived in lesson 02 (ngrams)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from course_lib.text.ids import checked_ids


@dataclass(frozen=True)
class Counts:
    """How often each n-gram of one order occurs, in sorted arrays: no dictionary, no hash.

    An n-gram is an (n-1)-gram and one more id, so it is written as one integer: key = context * vocab_size + id,
    where `context` is the place of the (n-1)-gram in the table one order below (0 at order 1, for the empty context).
    `keys` is sorted, hence the ids that followed a context stand side by side.
    """

    keys: np.ndarray      # (n-grams,) sorted
    count: np.ndarray     # (n-grams,) c(h w)
    total: np.ndarray     # (contexts,) c(h): how often the context was followed by anything
    distinct: np.ndarray  # (contexts,) T(h): by how many different ids

    @classmethod
    def of(cls, context: np.ndarray, ids: np.ndarray, n_contexts: int, vocab_size: int):
        """Count the pairs (context[i], ids[i]); gives the table, and the place in it of each pair, shape (N,)."""
        keys, place, count = np.unique(context * vocab_size + ids, return_inverse=True, return_counts=True)
        return cls.with_totals(keys, count, n_contexts, vocab_size), place

    @classmethod
    def with_totals(cls, keys: np.ndarray, count: np.ndarray, n_contexts: int, vocab_size: int) -> "Counts":
        """The table of these keys and counts; n-grams with a count of 0 are listed, but not among the distinct."""
        context = keys // vocab_size
        total = np.bincount(context, weights=count, minlength=n_contexts)
        distinct = np.bincount(context[count > 0], minlength=n_contexts)
        return cls(keys, count, total, distinct)

    def find(self, context: np.ndarray, ids: np.ndarray, vocab_size: int) -> np.ndarray:
        """The place of each pair (context[i], ids[i]) in the table, -1 where it never occurred. (N,) -> (N,).

        An unknown context, -1, makes a negative key, and is not found either.
        """
        keys = context * vocab_size + ids
        place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[place] == keys, place, -1)


def count_ngrams(ids: Sequence[int], order: int, vocab_size: int) -> list[Counts]:
    """Tables of all n-grams of `ids` (N,), n = 1 … order. Time and memory: O(order · N log N) and O(order · N).

    Raises ValueError for an order below 1 or above N, or ids outside 0 … vocab_size - 1.
    """
    ids = checked_ids(ids, vocab_size)
    if not 1 <= order <= len(ids):
        raise ValueError(f"order={order} must be at least 1 and needs as many ids to count, not {len(ids)}")
    tables, context, n_contexts = [], np.zeros(len(ids), np.int64), 1
    for n in range(1, order + 1):
        followers = ids[n - 1:]  # the first n - 1 ids have not enough context for order n
        table, place = Counts.of(context[:len(followers)], followers, n_contexts, vocab_size)
        tables.append(table)
        context, n_contexts = place, len(table.keys)
    return tables


def suffixes(tables: Sequence[Counts], vocab_size: int) -> list[np.ndarray]:
    """For each n-gram of each order from 2 on: the place, one order below, of the n-gram less its first id.

    Element n - 2 belongs to order n and has shape (n-grams of order n,). That shorter n-gram has always been counted,
    because it stands in the text, one id later.
    """
    found, shorter = [], np.zeros(len(tables[0].keys), np.int64)  # less its first id, a 1-gram is empty: place 0
    for below, table in zip(tables, tables[1:], strict=False):
        context, ids = table.keys // vocab_size, table.keys % vocab_size
        shorter = below.find(shorter[context], ids, vocab_size)
        found.append(shorter)
    return found
