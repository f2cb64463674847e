"""Exercise 02.2: counts become probabilities by adding k, and nothing is impossible any more."""

import numpy as np

from course_lib.classroom.checking.exercise import Exercise

added = Exercise(
    "02.2", "probabilities", title="Nothing is impossible", difficulty=1, minutes=10,
    hints=(
        "How much was added to one row in all?",
        "Add k to the whole table first. What must each row be divided by so that it sums to one?",
        "Divide counts + k by (the row's sum of counts) + k · V; keepdims=True keeps the sums as a column.",
    ),
)


def some_counts(rng, V, seen=0.5):
    return rng.integers(1, 9, (V, V)) * (rng.random((V, V)) < seen).astype(float)


@added.probe(axes="contexts down, next ids across")
def a_small_table(ns, rng):
    """three ids"""
    return ns["probabilities"](np.array([[3.0, 0.0, 1.0], [2.0, 2.0, 0.0], [0.0, 5.0, 1.0]]), 0.5)


@added.probe(axes="contexts down, next ids across")
def an_unseen_context(ns, rng):
    """a context that was never seen"""
    return ns["probabilities"](np.array([[3.0, 0.0, 1.0], [0.0, 0.0, 0.0], [1.0, 5.0, 1.0]]), 2.0)


@added.probe(axes="contexts down, next ids across")
def nothing_counted(ns, rng):
    """an empty table"""
    return ns["probabilities"](np.zeros((2, 2)), 0.3)


@added.probe(axes="contexts down, next ids across")
def whole_numbers(ns, rng):
    """counts that are whole numbers, and k = 0.25"""
    return ns["probabilities"](np.array([[1, 0, 7, 2], [0, 0, 0, 0], [2, 3, 0, 0], [4, 4, 4, 4]]), 0.25)


@added.probe(hidden=True, points=2)
def any_table(ns, rng):
    """any table, of floating-point numbers and of whole ones"""
    counts = some_counts(rng, int(rng.integers(4, 8)))
    counts[1] = 0
    k = float(rng.uniform(0.1, 3))
    return [ns["probabilities"](counts, k), ns["probabilities"](counts.astype(int), k)]


@added.property(V=(2, 6), k=(0.1, 2.0))
def rows_sum_to_one(ns, V, k):
    """each row sums to one"""
    return np.asarray(ns["probabilities"](np.arange(V * V).reshape(V, V) % 4.0, k)).sum(axis=1), np.ones(V)


@added.mistake(hint="k was added to each of V counts. What was added to their sum?")
def v_forgotten(counts, k):
    """add-k with the V forgotten: rows sum to more than one"""
    return (counts + k) / (counts.sum(axis=1, keepdims=True) + k)


@added.mistake(hint="Seen pairs get k, too, or a pair seen once may end up below one never seen.")
def only_the_zeros(counts, k):
    """k added to the zeros only"""
    more = np.where(counts == 0, k, counts)
    return more / more.sum(axis=1, keepdims=True)


@added.mistake(hint="The other way round: k goes to what was never seen as well. That is the point of it.")
def only_what_was_seen(counts, k):
    """k added only to what was seen: zeros stay"""
    more = np.where(counts > 0, counts + k, 0.0)
    return more / np.maximum(more.sum(axis=1, keepdims=True), 1e-12)


@added.mistake(hint="Contexts go down, so a distribution is a row. Which axis is summed?")
def columns(counts, k):
    """columns that sum to one, in place of rows"""
    return (counts + k) / (counts + k).sum(axis=0, keepdims=True)


@added.mistake(hint="These are probabilities of pairs. Given the context, each row is a distribution of its own.")
def joint(counts, k):
    """probabilities of pairs: the whole table sums to one"""
    return (counts + k) / (counts + k).sum()


@added.mistake(hint="This adds 1 whatever k is.")
def always_one(counts, k):
    """add-one, whatever k is"""
    return (counts + 1) / (counts + 1).sum(axis=1, keepdims=True)


@added.mistake(hint="These are the relative frequencies. Where is k?")
def relative_frequencies(counts, k):
    """relative frequencies, nothing added"""
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


@added.mistake(hint="A context that was never seen is no exception: its row gets k as well, and sums to one.")
def zeros_for_unseen(counts, k):
    """zeros for a context that was never seen"""
    return np.where(counts.sum(axis=1, keepdims=True) > 0, (counts + k) / (counts + k).sum(axis=1, keepdims=True), 0.0)


@added.mistake(hint="counts.sum(axis=1) is (V,), and divides the columns. keepdims=True makes it a column.")
def sums_lie_across(counts, k):
    """row sums without keepdims, so that they divide the columns"""
    return (counts + k) / (counts + k).sum(axis=1)


@added.mistake(hint="k was added above. What was added to the sum below?")
def divided_by_the_old_sum(counts, k):
    """counts with k, divided by the sum without it"""
    with np.errstate(all="ignore"):
        return (counts + k) / counts.sum(axis=1, keepdims=True)


@added.mistake(hint="k is added to every count, not shared out among the V of them.")
def k_shared_out(counts, k):
    """k shared out among the ids: k / V for each"""
    return (counts + k / len(counts)) / (counts.sum(axis=1, keepdims=True) + k)


@added.mistake(hint="Counts are no logits: nothing is exponentiated. Add, and divide.")
def a_softmax(counts, k):
    """a softmax of the counts"""
    e = np.exp(counts + k)
    return e / e.sum(axis=1, keepdims=True)


@added.mistake(hint="Each row is divided by its own sum, not by that of the whole table.")
def the_whole_sum_below(counts, k):
    """the sum of all counts below, with k · V"""
    return (counts + k) / (counts.sum() + k * len(counts))


@added.mistake(hint="Wanted are the probabilities themselves, not their logarithms.")
def logarithms(counts, k):
    """the logarithms of the probabilities"""
    return np.log((counts + k) / (counts + k).sum(axis=1, keepdims=True))


@added.mistake(hint="k was added to all V cells of a row, also to those that were never seen. How much is that in all?")
def v_of_the_seen(counts, k):
    """k times the number of ids that followed, below, in place of k · V"""
    with np.errstate(all="ignore"):
        return (counts + k) / (counts.sum(axis=1, keepdims=True) + k * (counts > 0).sum(axis=1, keepdims=True))


@added.mistake(hint="V is the number of all ids, also of those that were never seen.")
def v_of_all_seen(counts, k):
    """k times the number of ids that were ever seen, below, in place of k · V"""
    with np.errstate(all="ignore"):
        return (counts + k) / (counts.sum(axis=1, keepdims=True) + k * (counts.sum(axis=0) > 0).sum())


@added.mistake(hint="Below, k · V was added. What was added above?")
def only_below(counts, k):
    """counts without k, divided by the sum with it"""
    return counts / (counts + k).sum(axis=1, keepdims=True)


@added.mistake(hint="k is added to every count, also to one that is larger than k.")
def at_least_k(counts, k):
    """counts that are raised to k where they are smaller"""
    more = np.maximum(counts, k)
    return more / more.sum(axis=1, keepdims=True)


@added.mistake(hint="k was added to the table, and then once more. Once is enough.")
def k_twice(counts, k):
    """k added twice"""
    return (counts + 2 * k) / (counts + 2 * k).sum(axis=1, keepdims=True)


@added.mistake(hint="A table of whole numbers has no room for fractions: make a new one, np.zeros(counts.shape).")
def into_the_counts(counts, k):
    """probabilities put into a table that has the type of the counts, which cuts whole ones off"""
    p = counts.copy()
    p[:] = (counts + k) / (counts + k).sum(axis=1, keepdims=True)
    return p


@added.mistake(hint="Seen contexts get k as well: their zeros must not stay.")
def equal_for_unseen(counts, k):
    """relative frequencies, and equal ones only for a context that was never seen"""
    total = counts.sum(axis=1, keepdims=True)
    return np.where(total > 0, counts / np.maximum(total, 1), 1 / len(counts))


@added.mistake(hint="k is added to counts. You added it to probabilities, after the division.")
def k_after_the_division(counts, k):
    """k added to the relative frequencies, after the division"""
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1) + k


@added.mistake(hint="k is added to counts. You added it to relative frequencies, and divided once more.")
def k_between_two_divisions(counts, k):
    """k added to relative frequencies, which are divided by their sum again"""
    more = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1) + k
    return more / more.sum(axis=1, keepdims=True)


@added.mistake(hint="k is a count that is added to each count. A share that is mixed in is another smoothing.")
def a_mixture_with_equal_ones(counts, k):
    """k taken for a share: (1 − k) · frequency + k / V"""
    total = counts.sum(axis=1, keepdims=True)
    frequency = np.where(total > 0, counts / np.maximum(total, 1), 1 / counts.shape[1])
    return (1 - k) * frequency + k / counts.shape[1]


@added.forbid("course_lib.byhand.smoothing.add_k")
def _(call, counts, k):
    total = counts.sum(axis=1, keepdims=True)
    return call(k, len(counts))(counts, total, (counts > 0).sum(axis=1, keepdims=True), 0.0)
