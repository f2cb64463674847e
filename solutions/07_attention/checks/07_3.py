"""Exercise 07.3: find the bugs in causal self-attention as two articles would have it."""

import math

import numpy as np
import torch

from course_lib.classroom.checking.exercise import Exercise


def shares(z, axis=-1):
    """Softmax, for wrong answers whose mistake is elsewhere."""
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


repair = Exercise(
    "07.3", "attention_repaired", title="Find the bugs", difficulty=3, minutes=15,
    hints=(
        "Write what every row of the weights should sum to, and what it does sum to, before the mask and after it.",
        "Row t is query t. Its softmax goes over the keys, which lie across; and what is hidden must not be in the denominator.",
        "scores = q kᵀ / √D, −∞ where s > t; softmax along the last axis; the weighted sum is over v.",
    ),
)


def some_heads(rng, T, D):
    return tuple(rng.normal(size=(T, D)) for _ in range(3))


@repair.probe(axes="tokens down, numbers across")
def five_tokens(ns, rng):
    """five tokens"""
    return ns["attention_repaired"](*some_heads(rng, 5, 3))


@repair.probe(axes="tokens down, numbers across")
def two_tokens(ns, rng):
    """two tokens"""
    return ns["attention_repaired"](*some_heads(rng, 2, 6))


@repair.probe(axes="tokens down, numbers across")
def one_token(ns, rng):
    """a single token"""
    return ns["attention_repaired"](*some_heads(rng, 1, 4))


@repair.probe()
def a_query_of_zeros(ns, rng):
    """a query of zeros: all its scores are 0"""
    q, k, v = rng.normal(size=(3, 4, 2))
    return ns["attention_repaired"](q * np.array([[1.0], [1.0], [0.0], [1.0]]), k, v)


@repair.probe(hidden=True)
def queries_of_zeros(ns, rng):
    """queries of zeros among others"""
    q, k, v = rng.normal(size=(3, 5, 3))
    return ns["attention_repaired"](q * np.array([[1.0], [1.0], [0.0], [1.0], [0.0]]), k, v)


@repair.probe(points=2, hidden=True)
def more_tokens(ns, rng):
    """more tokens"""
    return ns["attention_repaired"](*some_heads(rng, int(rng.integers(5, 9)), int(rng.integers(3, 7))))


@repair.property(T=(2, 6), seed=(0, 99))
def the_future_does_not_matter(ns, T, seed):
    """another last token changes no earlier output"""
    rng = np.random.default_rng(seed)
    q, k, v = some_heads(rng, T, 4)
    before = np.asarray(ns["attention_repaired"](q, k, v))[:-1]
    for array in (q, k, v):
        array[-1] += rng.normal(size=4)
    return np.asarray(ns["attention_repaired"](q, k, v))[:-1], before


@repair.property(T=(1, 6), D=(1, 5))
def the_first_reads_itself(ns, T, D):
    """the first token can only read itself"""
    q, k, v = some_heads(np.random.default_rng(10 * T + D), T, D)
    return np.asarray(ns["attention_repaired"](q, k, v))[0], v[0]


def causal(q, k, v, *, scale=None, axis=-1, mask="before", gathered="v", diagonal=0):
    """The right answer, with some things wrong; scale: what the scores are divided by."""
    T, D = q.shape
    scores = q @ k.T / (math.sqrt(D) if scale is None else scale)
    visible = np.tri(T, k=diagonal, dtype=bool)
    if mask in ("before", "zero"):
        scores = np.where(visible, scores, -1e300 if mask == "before" else 0.0)
    weights = shares(scores, axis)
    weights = np.where(visible, weights, 0.0) if mask == "after" else weights
    return weights @ (v if gathered == "v" else k)


@repair.mistake(hint="Nothing is repaired yet. What should each row of the weights sum to?")
def as_it_was(q, k, v):
    """the articles' version, as it was"""
    return causal(q, k, v, scale=1.0, axis=0, mask="after", gathered="k")


@repair.mistake(hint="The formula that the articles themselves print has a √D in it.")
def no_root(q, k, v):
    """attention without the √D"""
    return causal(q, k, v, scale=1.0)


@repair.mistake(hint="axis 0 sums over the queries. Each query makes shares of the keys.")
def over_queries(q, k, v):
    """a softmax over the queries: columns sum to one, not rows"""
    return causal(q, k, v, axis=0)


@repair.mistake(hint="Zeroed after the softmax, hidden keys are still in the denominator. Put −∞ into the scores instead.")
def mask_after_softmax(q, k, v):
    """a mask after the softmax: rows no longer sum to one"""
    return causal(q, k, v, mask="after")


@repair.mistake(hint="e to the 0 is 1: a score of 0 is no \"nothing\". What must a score be so that its exponential is 0?")
def zero_scores(q, k, v):
    """hidden scores set to 0 in place of −∞"""
    return causal(q, k, v, mask="zero")


@repair.mistake(hint="Keys are for finding. What is gathered are the values.")
def keys_gathered(q, k, v):
    """a weighted sum of the keys, not of the values"""
    return causal(q, k, v, gathered="k")


@repair.mistake(hint="This sees everything. Where is the causal mask?")
def no_mask(q, k, v):
    """attention without the causal mask"""
    return causal(q, k, v, mask="none")


@repair.mistake(hint="Query t may read up to key t: this mask lets it read one token of the future.")
def one_too_many(q, k, v):
    """a mask that is off by one: each token reads the next one, too"""
    return causal(q, k, v, diagonal=1)


@repair.mistake(hint="A token may read itself: s ≤ t. With nothing to read, the first row is 0 / 0.")
def itself_hidden(q, k, v):
    """a mask that hides every token from itself, too"""
    visible = np.tri(len(q), k=-1, dtype=bool)
    with np.errstate(all="ignore"):
        return shares(np.where(visible, q @ k.T / math.sqrt(q.shape[1]), -np.inf)) @ v


@repair.mistake(hint="Row t is query t, column s is key s. Does your mask leave s ≤ t, or s ≥ t?")
def the_past_hidden(q, k, v):
    """a mask that shows the future and hides the past"""
    visible = np.tri(len(q), dtype=bool).T
    return shares(np.where(visible, q @ k.T / math.sqrt(q.shape[1]), -np.inf)) @ v


@repair.mistake(hint="The scores grow like √D, not like D. By what are they divided?")
def by_the_width(q, k, v):
    """scores divided by D instead of √D"""
    return causal(q, k, v, scale=q.shape[1])


@repair.mistake(hint="√D is of the numbers in a query, not of how many tokens there are.")
def by_the_root_of_tokens(q, k, v):
    """scores divided by the root of the number of tokens"""
    return causal(q, k, v, scale=math.sqrt(len(q)))


@repair.mistake(hint="The scores are too large as they are. Multiply by √D, or divide?")
def times_the_root(q, k, v):
    """scores multiplied by √D instead of divided"""
    return causal(q, k, v, scale=1 / math.sqrt(q.shape[1]))


@repair.mistake(hint="Queries down, keys across: q kᵀ. Yours lets the keys ask.")
def keys_ask(q, k, v):
    """k qᵀ in place of q kᵀ: keys ask and queries answer"""
    return causal(k, q, v)


@repair.mistake(hint="e.sum(axis=1) is (T,), and divides the columns. keepdims=True makes it a column.")
def sums_lie_across(q, k, v):
    """row sums without keepdims, so that they divide the columns"""
    e = np.where(np.tri(len(q), dtype=bool), np.exp(q @ k.T / math.sqrt(q.shape[1])), 0.0)
    return e / e.sum(axis=1) @ v


@repair.mistake(hint="weights @ v: row t of the weights belongs to query t. Yours adds up along the columns.")
def weights_turned(q, k, v):
    """weights turned round before the weighted sum"""
    return shares(np.where(np.tri(len(q), dtype=bool), q @ k.T / math.sqrt(q.shape[1]), -np.inf)).T @ v


@repair.mistake(hint="Queries ask. What is gathered are the values.")
def queries_gathered(q, k, v):
    """a weighted sum of the queries, not of the values"""
    return causal(q, k, q)


@repair.mistake(hint="A score of −1 still has a share: e to the −1 is 0.37. Which score has an exponential of 0?")
def minus_one_for_hidden(q, k, v):
    """hidden scores set to −1 in place of −∞"""
    return shares(np.where(np.tri(len(q), dtype=bool), q @ k.T / math.sqrt(q.shape[1]), -1.0)) @ v


@repair.mistake(hint="Attention alone is asked for: nothing is added to what it found.")
def added_to_the_queries(q, k, v):
    """the weighted sum added to the queries, as a residual connection"""
    return q + causal(q, k, v) if q.shape == v.shape else v


@repair.mistake(hint="Each query has a softmax of its own: its row, divided by the sum of the row.")
def one_softmax_for_all(q, k, v):
    """one softmax over all queries and keys together"""
    e = np.where(np.tri(len(q), dtype=bool), np.exp(q @ k.T / math.sqrt(q.shape[1])), 0.0)
    return e / e.sum() @ v


@repair.mistake(hint="A score of 0 may be a true one. Hide by place, not by value.")
def zeros_hidden(q, k, v):
    """every score that is 0 hidden, those that may be read among them"""
    scores = np.tril(q @ k.T / math.sqrt(q.shape[1]))
    with np.errstate(all="ignore"):
        return shares(np.where(scores == 0, -np.inf, scores), -1) @ v


@repair.forbid("course_lib.byhand.attention.attention")
def _(call, q, k, v):
    return call(q, k, v, np.tri(len(q), dtype=bool))[0]


@repair.forbid("course_lib.model.attention.attention")
def _(call, q, k, v):
    return call(*(torch.tensor(a) for a in (q, k, v)), torch.ones(len(q), len(q)).tril().bool())[0].numpy()


@repair.forbid("torch.nn.functional.scaled_dot_product_attention")
def _(call, q, k, v):
    return call(*(torch.tensor(a)[None] for a in (q, k, v)), is_causal=True)[0].numpy()
