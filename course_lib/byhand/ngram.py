"""The n-gram language model: what comes next, by counting. Derived in lesson 02 (ngrams).

The bar every neural model must clear. The ids may stand for words, characters, bytes or tokens.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from course_lib.byhand.counts import Counts, count_ngrams
from course_lib.byhand.smoothing import Rule, witten_bell
from course_lib.text.ids import checked_ids


class NGram:
    """An n-gram model of orders 1 … order; below order 1 stands the uniform distribution, 1 / V.

    An n-gram is n ids long, so a model of order n looks at the n - 1 ids before the one it predicts. Make one with
    `NGram.fit`. Every method can also be asked for a smaller order than was fitted.

    tables: the counts of order 1, 2, …; smoothing: a rule of `smoothing.py`, or a list with one for each order.
    """

    def __init__(self, tables: Sequence[Counts], vocab_size: int, smoothing: Rule | Sequence[Rule] = witten_bell):
        self.tables, self.vocab_size = list(tables), vocab_size
        self.smoothing = [smoothing] * len(self.tables) if callable(smoothing) else list(smoothing)
        if len(self.smoothing) != len(self.tables):
            raise ValueError(f"{len(self.smoothing)} smoothing rules for {len(self.tables)} orders; "
                             "give one for each order, or one for all")

    @property
    def order(self) -> int:
        """The longest n-gram counted: `order` - 1 ids of context."""
        return len(self.tables)

    @classmethod
    def fit(cls, ids: Sequence[int], order: int, vocab_size: int,
            smoothing: Rule | Sequence[Rule] = witten_bell) -> "NGram":
        """Count all n-grams of `ids` (N,), n = 1 … order. Time and memory: O(order · N log N) and O(order · N).

        Raises ValueError for an order below 1 or above N, or ids outside 0 … vocab_size - 1.
        """
        return cls(count_ngrams(ids, order, vocab_size), vocab_size, smoothing)

    def smoothed(self, smoothing: Rule | Sequence[Rule]) -> "NGram":
        """The same counts under another rule; nothing is counted again."""
        return NGram(self.tables, self.vocab_size, smoothing)

    def log_probs(self, ids: Sequence[int], order: int | None = None) -> np.ndarray:
        """log p(ids[i] | the order - 1 ids before it), in nats, float64 (N,).

        The first ids have less context, and use what there is. Finite with every smoothing but maximum likelihood,
        which says -inf of what it never saw.
        """
        *_, p = self.by_order(ids, order)
        with np.errstate(divide="ignore"):
            return np.log(p)

    def probs(self, context: Sequence[int] = (), order: int | None = None) -> np.ndarray:
        """p(each id | context), float64 (V,), summing to one. Of `context` the last order - 1 ids count."""
        *_, p = self.probs_by_order(context, order)
        return p

    def by_order(self, ids: Sequence[int], order: int | None = None) -> Iterator[np.ndarray]:
        """p_0, p_1, … up to `order`, each (N,): p_n(ids[i] | the n - 1 ids before it)."""
        ids = checked_ids(ids, self.vocab_size)
        N = len(ids)
        p = np.full(N, 1 / self.vocab_size)  # (N,)
        context = np.zeros(N, np.int64)      # (N,)
        yield p
        for n, (table, rule) in enumerate(self._up_to(order), start=1):
            place = table.find(context, ids, self.vocab_size)    # (N,)
            count = np.where(place < 0, 0, table.count[place])   # (N,)
            longer = rule(count, *_known(table, context), p)     # (N,)
            p = np.where(np.arange(N) < n - 1, p, longer)        # (N,)
            yield p
            # What the next order calls context ends one id earlier; before the first id there is none.
            context = np.concatenate([[-1], place[:-1]])[:N]  # (N,)

    def probs_by_order(self, context: Sequence[int] = (), order: int | None = None) -> Iterator[np.ndarray]:
        """p_0, p_1, … up to `order`, each (V,): p_n(each id | the last n - 1 ids of `context`)."""
        V, context = self.vocab_size, checked_ids(context, self.vocab_size, what="context")
        p = np.full(V, 1 / V)  # (V,)
        yield p
        for n, (table, rule) in enumerate(self._up_to(order)):
            if n <= len(context):  # else there is less context than that, and what there is has been used
                place = self._place(context[len(context) - n:])  # (1,)
                start, stop = np.searchsorted(table.keys, place[0] * V + np.array([0, V]))
                count = np.zeros(V)  # (V,)
                count[table.keys[start:stop] % V] = table.count[start:stop]
                p = rule(count, *_known(table, place), p)  # (V,)
            yield p

    def sample(self, n_ids: int, context: Sequence[int] = (), *, generator: np.random.Generator,
               order: int | None = None) -> list[int]:
        """Draw n_ids ids one after the other, each from p(· | what came before, beginning with `context`)."""
        ids = checked_ids(context, self.vocab_size, what="context").tolist()
        start = len(ids)
        for _ in range(n_ids):
            recent = ids[len(ids) - min(len(ids), self.order - 1):]
            ids.append(int(generator.choice(self.vocab_size, p=self.probs(recent, order))))
        return ids[start:]

    def _up_to(self, order):
        if order is not None and not 1 <= order <= self.order:
            raise ValueError(f"order={order} must be in 1 … {self.order}, the orders that were fitted")
        return list(zip(self.tables, self.smoothing, strict=True))[:order]

    def _place(self, gram):
        """The place of an n-gram in the table of its order, (1,); 0 for the empty one, -1 if it never occurred."""
        place = np.zeros(1, np.int64)  # (1,)
        for table, w in zip(self.tables, gram, strict=False):
            place = table.find(place, w, self.vocab_size)  # (1,)
        return place


def _known(table, context):
    """c(h) and T(h) of each context, 0 where it is unknown."""
    known = context >= 0
    return np.where(known, table.total[context], 0), np.where(known, table.distinct[context], 0)
