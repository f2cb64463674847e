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


@filling.probe(axes="texts, then queries down and keys across")
def three_texts(ns, rng):
    """three texts of lengths 4, 1 and 3"""
    return ns["padded_weights"](rng.normal(size=(3, 4, 4)), np.array([4, 1, 3]))


@filling.probe(axes="texts, then queries down and keys across")
def an_empty_text(ns, rng):
    """a text of length 2 and an empty one"""
    return ns["padded_weights"](rng.normal(size=(2, 3, 3)), np.array([2, 0]))


@filling.probe(hidden=True, points=2)
def any_texts(ns, rng):
    """any texts"""
    T = int(rng.integers(5, 8))
    return ns["padded_weights"](3 * rng.normal(size=(4, T, T)), np.array([T, T - 3, *rng.integers(0, T, 2)]))


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
