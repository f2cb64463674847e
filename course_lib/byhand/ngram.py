"""N-gram language models: counts in sorted arrays, and smoothing. Derived in lesson 02 (ngrams).

The bar every neural model must clear. The ids may stand for words, characters, bytes or tokens.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np


def witten_bell(count: np.ndarray, total: np.ndarray, distinct: np.ndarray, lower: np.ndarray) -> np.ndarray:
    r"""Interpolated Witten–Bell: trust a context by how rarely it surprised us.

    $$p_n(w \mid h) = \frac{c(h w) + T(h)\, p_{n-1}(w \mid h')}{c(h) + T(h)}$$

    count is c(h w), how often w followed the context h; total is c(h), how often anything did; distinct is T(h), the
    number of different ids that did; lower is p_{n-1}(w | h'), with h' the context less its first id. A context
    that was followed by T different ids in c(h) draws brought something new T times, so it leaves T / (c + T) to
    the shorter context. Never seen: all of it. Arrays of one shape -> probabilities of that shape.
    Witten and Bell 1991, method C; Chen and Goodman 1998, section 2.5.
    """
    seen = np.maximum(total + distinct, 1)  # never 0 / 0: an unseen context has count 0, and keeps `lower`
    return np.where(total > 0, (count + distinct * lower) / seen, lower)


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
        context = keys // vocab_size
        total = np.bincount(context, weights=count, minlength=n_contexts)
        distinct = np.bincount(context, minlength=n_contexts)
        return cls(keys, count, total, distinct), place

    def find(self, context: np.ndarray, ids: np.ndarray, vocab_size: int) -> np.ndarray:
        """The place of each pair (context[i], ids[i]) in the table, -1 where it never occurred. (N,) -> (N,).

        An unknown context, -1, makes a negative key, and is not found either.
        """
        keys = context * vocab_size + ids
        place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[place] == keys, place, -1)


class NGram:
    """An interpolated n-gram model of orders 1 … order; below order 1 stands the uniform distribution, 1 / V.

    Make one with `NGram.fit`. Every method can also be asked for a smaller order than was fitted.
    """

    def __init__(self, tables: list[Counts], vocab_size: int, smoothing: Callable = witten_bell):
        self.tables, self.vocab_size, self.smoothing = tables, vocab_size, smoothing

    @property
    def order(self) -> int:
        """The longest n-gram counted: `order` - 1 ids of context."""
        return len(self.tables)

    @classmethod
    def fit(cls, ids: Sequence[int], order: int, vocab_size: int, smoothing: Callable = witten_bell) -> "NGram":
        """Count all n-grams of `ids` (N,), n = 1 … order. Time and memory: O(order · N log N) and O(order · N).

        Raises ValueError for an order below 1 or above N, or ids outside 0 … vocab_size - 1.
        """
        ids = _checked(ids, vocab_size)
        if not 1 <= order <= len(ids):
            raise ValueError(f"order={order} must be at least 1 and needs as many ids to count, not {len(ids)}")
        tables, context, n_contexts = [], np.zeros(len(ids), np.int64), 1
        for n in range(1, order + 1):
            followers = ids[n - 1:]  # the first n - 1 ids have not enough context for order n
            table, place = Counts.of(context[:len(followers)], followers, n_contexts, vocab_size)
            tables.append(table)
            context, n_contexts = place, len(table.keys)
        return cls(tables, vocab_size, smoothing)

    def log_probs(self, ids: Sequence[int], order: int | None = None) -> np.ndarray:
        """log p(ids[i] | the order - 1 ids before it), in nats, float64 (N,).

        The first ids have less context, and use what there is. Always finite, for p_0 = 1 / V is never zero.
        """
        ids = _checked(ids, self.vocab_size)
        N = len(ids)
        p = np.full(N, 1 / self.vocab_size)  # (N,)
        context = np.zeros(N, np.int64)      # (N,)
        for table in self._up_to(order):
            place = table.find(context, ids, self.vocab_size)    # (N,)
            count = np.where(place < 0, 0, table.count[place])   # (N,)
            p = self._smooth(table, context, count, p)           # (N,)
            # What the next order calls context ends one id earlier; before the first id there is none.
            context = np.concatenate([[-1], place[:-1]])[:N]  # (N,)
        return np.log(p)

    def probs(self, context: Sequence[int] = (), order: int | None = None) -> np.ndarray:
        """p(each id | context), float64 (V,), summing to one. Of `context` the last order - 1 ids count."""
        V, context = self.vocab_size, _checked(context, self.vocab_size)
        p = np.full(V, 1 / V)  # (V,)
        for n, table in enumerate(self._up_to(order)):
            if n > len(context):
                break
            place = self._place(context[len(context) - n:])  # (1,)
            start, stop = np.searchsorted(table.keys, place[0] * V + np.array([0, V]))
            count = np.zeros(V)  # (V,)
            count[table.keys[start:stop] % V] = table.count[start:stop]
            p = self._smooth(table, place, count, p)  # (V,)
        return p

    def sample(self, n_ids: int, context: Sequence[int] = (), *, generator: np.random.Generator,
               order: int | None = None) -> list[int]:
        """Draw n_ids ids one after the other, each from p(· | what came before, beginning with `context`)."""
        ids, start = list(context), len(context)
        for _ in range(n_ids):
            recent = ids[len(ids) - min(len(ids), self.order - 1):]
            ids.append(int(generator.choice(self.vocab_size, p=self.probs(recent, order))))
        return ids[start:]

    def _up_to(self, order):
        if order is not None and not 1 <= order <= self.order:
            raise ValueError(f"order={order} must be in 1 … {self.order}, the orders that were fitted")
        return self.tables[:order]

    def _smooth(self, table, context, count, lower):
        known = context >= 0
        total = np.where(known, table.total[context], 0)
        distinct = np.where(known, table.distinct[context], 0)
        return self.smoothing(count, total, distinct, lower)

    def _place(self, gram):
        """The place of an n-gram in the table of its order, (1,); 0 for the empty one, -1 if it never occurred."""
        place = np.zeros(1, np.int64)  # (1,)
        for table, w in zip(self.tables, gram, strict=False):
            place = table.find(place, w, self.vocab_size)  # (1,)
        return place


def _checked(ids, vocab_size):
    ids = np.asarray(ids, dtype=np.int64)
    if ids.size and not 0 <= ids.min() <= ids.max() < vocab_size:
        raise ValueError(f"ids {ids.min()} … {ids.max()} do not fit into 0 … {vocab_size - 1} "
                         f"(vocab_size={vocab_size}); encode the text with the same tokenizer as before")
    return ids
