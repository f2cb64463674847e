"""Interpolated Kneser–Ney: shorter contexts count circumstances, not occurrences. Derived in lesson 02 (ngrams)."""

from collections.abc import Sequence

import numpy as np

from course_lib.byhand.counts import Counts, suffixes
from course_lib.byhand.ngram import NGram
from course_lib.byhand.smoothing import absolute_discounting, estimated_discount


def kneser_ney(model: NGram, *, order: int | None = None, discount: float | Sequence[float] | None = None) -> NGram:
    r"""Interpolated Kneser–Ney from the counts of `model`, of its order or a smaller one.

    The longest order is absolute discounting. A shorter context only shares out what the longer one leaves, so its
    counts are replaced by continuation counts, the number of different ids that stood before the n-gram:

    $$p_n(w \mid h) = \frac{\max(c(h w) - D_n, 0) + D_n\, T(h)\, p_{n-1}(w \mid h')}{\sum_v c(h v)}
    \qquad c(g) \to N_{1+}(\bullet\, g) = \left|\{v : c(v g) > 0\}\right| \text{ below the longest order}$$

    discount: one D for all orders, or one for each; left out, each order estimates its own (`estimated_discount`).
    Kneser and Ney 1995; Chen and Goodman 1998, section 2.7. Asked for a smaller order, what comes back answers with its
    continuation counts: for the Kneser–Ney model of order k, call this with order=k.
    ValueError for an order that was not counted, or a D outside 0 < D < 1.
    """
    if order is not None and not 1 <= order <= model.order:
        raise ValueError(f"order={order} must be in 1 … {model.order}, the orders that were counted")
    tables = model.tables[:order]
    changed = [*continuation_counts(tables, model.vocab_size), tables[-1]]
    if discount is None:
        discount = [estimated_discount(table.count) for table in changed]
    discounts = np.broadcast_to(np.asarray(discount, dtype=float), len(changed))
    return NGram(changed, model.vocab_size, [absolute_discounting(float(D)) for D in discounts])


def continuation_counts(tables: Sequence[Counts], vocab_size: int) -> list[Counts]:
    r"""The tables of all orders but the last, where each n-gram's count is the number of ids that stood before it.

    An (n+1)-gram in the next table is one such case: find its last n ids in this table, and count. An n-gram that only
    opens the text has nothing before it: it stays in the table, with a count of 0.
    """
    changed = []
    for table, shorter in zip(tables, suffixes(tables, vocab_size), strict=False):
        count = np.bincount(shorter, minlength=len(table.keys))
        changed.append(Counts.with_totals(table.keys, count, len(table.total), vocab_size))
    return changed
