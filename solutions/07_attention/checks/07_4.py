"""Exercise 07.4: causal weights in a batch of texts that are filled up on the left."""

import numpy as np

from course_lib.classroom.checking.exercise import Exercise


def shares(z, axis=-1):
    """Softmax, for wrong answers whose mistake is elsewhere."""
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


filling = Exercise(
    "07.4", "padded_weights", title="Filling", difficulty=3, minutes=15,
    hints=(
        "Make two masks: who is not in the future, (T, T), and which tokens are real, (B, T). How are they joined to (B, T, T)?",
        "A row of nothing but −∞ becomes 0 / 0. Give such a row any finite scores, and set its weights to 0 in the end.",
        "real = arange(T) >= T − lengths[:, None]; mask = tri(T) & real[:, None, :]; rows without any True get scores 0 before "
        "the softmax; the result is 0 wherever the mask is False.",
    ),
)


def one_column_above(rng, T, key):
    """Two texts; in both, the scores of one key are far above the others, and hidden from the queries before it."""
    scores = rng.normal(size=(2, T, T))
    scores[:, :, key] += 1000
    return scores, np.array([T, T - 2])


@filling.probe(axes="texts, then queries down and keys across")
def three_texts(ns, rng):
    """three texts of lengths 4, 1 and 3"""
    return ns["padded_weights"](rng.normal(size=(3, 4, 4)), np.array([4, 1, 3]))


@filling.probe(axes="texts, then queries down and keys across")
def an_empty_text(ns, rng):
    """a text of length 2 and an empty one"""
    return ns["padded_weights"](rng.normal(size=(2, 3, 3)), np.array([2, 0]))


@filling.probe(axes="texts, then queries down and keys across")
def one_place(ns, rng):
    """texts of one place, one of them empty"""
    return ns["padded_weights"](rng.normal(size=(3, 1, 1)), np.array([0, 1, 0]))


@filling.probe(axes="texts, then queries down and keys across")
def no_filling(ns, rng):
    """two texts without any filling"""
    return ns["padded_weights"](rng.normal(size=(2, 3, 3)), np.array([3, 3]))


@filling.probe(axes="texts, then queries down and keys across")
def large_scores(ns, rng):
    """scores as large as a thousand"""
    return ns["padded_weights"](np.full((2, 3, 3), 1000.0) + rng.normal(size=(2, 3, 3)), np.array([2, 3]))


@filling.probe(axes="texts, then queries down and keys across")
def far_below_zero(ns, rng):
    """scores near minus a thousand"""
    return ns["padded_weights"](np.full((1, 3, 3), -1000.0) + rng.normal(size=(1, 3, 3)), np.array([2]))


@filling.probe(axes="texts, then queries down and keys across")
def one_far_above(ns, rng):
    """one key whose scores are a thousand above all others"""
    return ns["padded_weights"](*one_column_above(rng, 6, 3))


@filling.probe(hidden=True)
def deep_down(ns, rng):
    """scores about a thousand below zero"""
    return ns["padded_weights"](rng.normal(size=(2, 4, 4)) - 1000, np.array([3, 4]))


@filling.probe(hidden=True, points=2)
def any_texts(ns, rng):
    """any texts"""
    T = int(rng.integers(5, 8))
    return ns["padded_weights"](3 * rng.normal(size=(5, T, T)), np.array([T, T - 3, 0, *rng.integers(0, T, 2)]))


@filling.probe(hidden=True)
def any_large_scores(ns, rng):
    """any large scores"""
    return ns["padded_weights"](2000 + rng.normal(size=(2, 4, 4)), np.array([4, int(rng.integers(1, 4))]))


@filling.probe(hidden=True)
def another_far_above(ns, rng):
    """another key whose scores are far above all others"""
    T = int(rng.integers(6, 9))
    return ns["padded_weights"](*one_column_above(rng, T, int(rng.integers(3, T - 1))))


@filling.property(T=(1, 6), seed=(0, 99))
def real_rows_sum_to_one(ns, T, seed):
    """rows of real tokens sum to one, rows of filling to 0"""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, T + 1, 3)
    weights = np.asarray(ns["padded_weights"](rng.normal(size=(3, T, T)), lengths))
    return weights.sum(axis=-1), (np.arange(T) >= T - lengths[:, None]).astype(float)


def padded(scores, lengths, *, left=True, keys=True, is_causal=True, low=-np.inf, cleaned=True, after=False):
    """The right answer, with some things wrong."""
    T = scores.shape[-1]
    real = np.arange(T) >= T - lengths[:, None] if left else np.arange(T) < lengths[:, None]
    mask = (np.tri(T, dtype=bool) if is_causal else np.ones((T, T), dtype=bool)) & (real[:, None, :] if keys else real[:, :, None])
    with np.errstate(all="ignore"):
        weights = shares(scores if after else np.where(mask, scores, low))
    return np.where(mask, np.nan_to_num(weights), 0.0) if cleaned else weights


def seen(scores, lengths):
    """What may be read (B, T, T)."""
    T = scores.shape[-1]
    return np.tri(T, dtype=bool) & (np.arange(T) >= T - lengths[:, None])[:, None, :]


def shown(scores, mask):
    """The softmax over what a mask lets through; 0 where that is nothing."""
    return np.where(mask, shares(np.where(mask, scores, -1e30)), 0.0)


@filling.mistake(hint="A row of nothing but −∞ gives 0 / 0. Treat the rows of filling apart.")
def nan_in_the_filling(scores, lengths):
    """nan in the rows of the filling"""
    return padded(scores, lengths, cleaned=False)


@filling.mistake(hint="−10⁹ avoids the nan, but then a row of filling reads what it must not. Its weights should be 0.")
def a_billion_below(scores, lengths):
    """−10⁹ in place of −∞: filling reads everything a little"""
    return padded(scores, lengths, low=-1e9, cleaned=False)


@filling.mistake(hint="This text is filled on the left: the last `length` tokens are the real ones.")
def filled_on_the_right(scores, lengths):
    """filling on the right instead of the left"""
    return padded(scores, lengths, left=False)


@filling.mistake(hint="The filling stands on the left: the first T − length tokens are no text, the last `length` are.")
def filled_on_the_right_rows_and_all(scores, lengths):
    """filling on the right instead of the left, its rows 0"""
    return padded(scores, lengths, left=False) * (np.arange(scores.shape[-1]) < lengths[:, None])[:, :, None]


@filling.mistake(hint="Filling is hidden. Now the other mask: no query may read a key that stands behind it.")
def future_visible_among_the_real(scores, lengths):
    """padding hidden, its rows 0, and the future visible"""
    real = np.arange(scores.shape[-1]) >= scores.shape[-1] - lengths[:, None]
    return padded(scores, lengths, is_causal=False) * real[:, :, None]


@filling.mistake(hint="Filling was still in the denominator when the softmax was taken. Join both masks, and hide before the softmax.")
def filling_zeroed_after(scores, lengths):
    """the future hidden before the softmax, filling set to zero only after it"""
    whole = np.full(len(lengths), scores.shape[-1])
    return np.where(padded(scores, lengths) > 0, padded(scores, whole), 0.0)


@filling.mistake(hint="The future was still in the denominator when the softmax was taken. Join both masks, and hide before the softmax.")
def future_zeroed_after(scores, lengths):
    """filling hidden before the softmax, the future set to zero only after it"""
    return np.tril(padded(scores, lengths, is_causal=False))


@filling.mistake(hint="A hidden score can be the largest of its row, by far. Hide first, then take away the largest of those that are left.")
def largest_of_the_hidden_too(scores, lengths):
    """the largest score of each row taken away, hidden ones included: what may be read becomes 0 beside them"""
    e = np.exp(scores - scores.max(axis=-1, keepdims=True)) * seen(scores, lengths)
    total = e.sum(axis=-1, keepdims=True)
    return e / np.where(total == 0, 1.0, total)


@filling.mistake(hint="Each row needs a largest of its own: beside a row of thousands, all exponentials of another are 0.")
def largest_of_all(scores, lengths):
    """the largest score of all taken away, not each row's"""
    e = np.exp(scores - scores.max(initial=0.0)) * seen(scores, lengths)
    total = e.sum(axis=-1, keepdims=True)
    return e / np.where(total == 0, 1.0, total)


@filling.mistake(hint="What is taken away must be the largest of the row: then no exponential is above 1. One score can stand far above the mean.")
def mean_taken_away(scores, lengths):
    """right, until one score stands far above the others: another number than the largest is taken away"""
    with np.errstate(all="ignore"):
        e = np.exp(scores - scores.mean(axis=-1, keepdims=True)) * seen(scores, lengths)
        total = e.sum(axis=-1, keepdims=True)
        return e / np.where(total == 0, 1.0, total)


@filling.mistake(hint="It is keys that must not be read. You have hidden queries: the axis of the rows.")
def queries_hidden(scores, lengths):
    """filling hidden as queries, but still read as keys"""
    return padded(scores, lengths, keys=False)


@filling.mistake(hint="No query may read a later key. Where is the causal mask?")
def future_visible(scores, lengths):
    """padding hidden, the future visible"""
    return padded(scores, lengths, is_causal=False)


@filling.mistake(hint="Zeroed after the softmax, hidden keys are still in the denominator: rows do not sum to one.")
def zeroed_after(scores, lengths):
    """hidden weights set to zero after the softmax"""
    return padded(scores, lengths, after=True)


@filling.mistake(hint="lengths has one number for each text, and they differ.")
def no_padding_mask(scores, lengths):
    """the causal mask alone, filling and all"""
    return padded(scores, np.full(len(lengths), scores.shape[-1]))


@filling.mistake(hint="Places T − length to T − 1 are real. Yours starts one place too early.")
def one_too_early(scores, lengths):
    """a filling that is one place too short"""
    return padded(scores, np.minimum(lengths + 1, scores.shape[-1]))


@filling.mistake(hint="Places T − length to T − 1 are real. Yours starts one place too late.")
def one_too_late(scores, lengths):
    """a filling that is one place too long"""
    return padded(scores, lengths - 1)


@filling.mistake(hint="lengths has one number for each text. Yours takes the first for all.")
def first_length_for_all(scores, lengths):
    """the first text's length for every text"""
    return padded(scores, np.full(len(lengths), lengths[0]))


@filling.mistake(hint="[-0:] is everything, not nothing. Count from the front: T - length.")
def empty_is_full(scores, lengths):
    """an empty text taken for a full one: [-0:] is everything"""
    return padded(scores, np.where(lengths == 0, scores.shape[-1], lengths))


@filling.mistake(hint="A row of filling has nothing to read, not even itself: its weights are 0.")
def filling_reads_itself(scores, lengths):
    """filling that reads itself"""
    weights = padded(scores, lengths)
    return weights + np.eye(scores.shape[-1]) * (weights.sum(axis=-1, keepdims=True) == 0)


@filling.mistake(hint="Each query makes shares of the keys: sum along the last axis.")
def over_the_queries(scores, lengths):
    """a softmax over the queries: columns sum to one, not rows"""
    mask = padded(scores, lengths) > 0
    e = np.exp(np.where(mask, scores - scores.max(initial=0), -np.inf))
    total = e.sum(axis=1, keepdims=True)
    return e / np.where(total > 0, total, 1.0)


@filling.mistake(hint="The scores are given, ready for the softmax: nothing is divided by a root any more.")
def divided_again(scores, lengths):
    """scores divided by a root once more"""
    return padded(scores / np.sqrt(scores.shape[-1]), lengths)


@filling.mistake(hint="exp(1000) is inf. Take the row's largest score away first, or use softmax, which does.")
def overflowing(scores, lengths):
    """right, but overflowing for large scores"""
    mask = padded(np.zeros_like(scores), lengths) > 0
    with np.errstate(all="ignore"):
        e = np.where(mask, np.exp(scores), 0.0)
        return np.where(mask, e / e.sum(axis=-1, keepdims=True), 0.0)


@filling.mistake(hint="exp(1000) is inf, exp(−1000) is 0. Take the row's largest score away first, or use softmax, which does.")
def overflowing_times_a_mask(scores, lengths):
    """right, but only while no score is large or far below zero"""
    mask = padded(np.zeros_like(scores), lengths) > 0
    with np.errstate(all="ignore"):
        e = np.exp(scores) * mask
        total = e.sum(axis=-1, keepdims=True)
        return e / np.where(total == 0, 1.0, total)


@filling.mistake(hint="A token may read itself: s ≤ t. Your mask hides it from itself.")
def hidden_from_itself(scores, lengths):
    """a mask that hides every token from itself, too"""
    return shown(scores, np.tril(seen(scores, lengths), -1))


@filling.mistake(hint="The first real token stands at T − length, not at length.")
def begins_at_its_length(scores, lengths):
    """texts that begin at place `length` in place of T − length"""
    return padded(scores, scores.shape[-1] - lengths)


@filling.mistake(hint="A row of a real token sums to one: divide the exponentials by their sum.")
def never_divided(scores, lengths):
    """exponentials that are not divided by their sum"""
    mask = seen(scores, lengths)
    top = np.where(mask, scores, -np.inf).max(axis=-1, keepdims=True)
    return np.where(mask, np.exp(scores - np.where(np.isfinite(top), top, scores.max())), 0.0)


@filling.mistake(hint="lengths has one number for each text. Yours takes the largest for all.")
def longest_for_all(scores, lengths):
    """the longest text's length for every text"""
    return padded(scores, np.full(len(lengths), lengths.max()))


@filling.mistake(hint="Row t is query t, column s is key s. Does your mask leave s ≤ t, or s ≥ t?")
def the_past_hidden(scores, lengths):
    """a mask that shows the future and hides the past"""
    real = np.arange(scores.shape[-1]) >= scores.shape[-1] - lengths[:, None]
    return shown(scores, np.triu(np.broadcast_to(real[:, None, :], scores.shape)))


@filling.mistake(hint="A key is read if it is not in the future AND no filling: both, so the masks are joined with &.")
def either_mask(scores, lengths):
    """two masks joined with or in place of and"""
    real = np.arange(scores.shape[-1]) >= scores.shape[-1] - lengths[:, None]
    return shown(scores, np.tri(scores.shape[-1], dtype=bool) | real[:, None, :])


@filling.mistake(hint="A thousand below zero is a score like others here. Nothing but −∞ is out of reach of every score.")
def a_thousand_for_infinity(scores, lengths):
    """−1000 in place of −∞: as large as a real score"""
    real = np.arange(scores.shape[-1]) >= scores.shape[-1] - lengths[:, None]
    return shares(np.where(seen(scores, lengths), scores, -1000.0)) * real[:, :, None]


@filling.forbid("course_lib.byhand.attention.softmax_over_keys")
def _(call, scores, lengths):
    T = scores.shape[-1]
    mask = np.tri(T, dtype=bool) & (np.arange(T) >= T - lengths[:, None])[:, None, :]
    return call(np.where(mask, scores, -np.inf))


@filling.forbid("course_lib.byhand.attention.attention_weights")
def _(call, scores, lengths):
    T = scores.shape[-1]
    mask = np.tri(T, dtype=bool) & (np.arange(T) >= T - lengths[:, None])[:, None, :]
    return call(scores, np.broadcast_to(np.eye(T), scores.shape), mask, scale=1.0)
