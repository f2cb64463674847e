"""Exercise 07.1: one query looks into a soft dictionary."""

import math

import numpy as np
import torch

from course_lib.classroom.checking.exercise import Exercise


def shares(z, axis=-1):
    """Softmax, for wrong answers whose mistake is elsewhere."""
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


lookup = Exercise(
    "07.1", "soft_lookup", title="One question", difficulty=1, minutes=10,
    hints=(
        "Three lines: scores, shares, weighted sum. Which shape has each of them?",
        "keys @ query is (S,). The shares are exponentials, divided by their sum; take the largest score away first.",
        "Of the scores z take e = np.exp(z - z.max()); the answer is (e / e.sum()) @ values.",
    ),
)


def some_dictionary(rng, S=4, D=3, E=2):
    return rng.normal(size=D), rng.normal(size=(S, D)), rng.normal(size=(S, E))


@lookup.probe(axes="the numbers of one answer")
def four_keys(ns, rng):
    """four keys"""
    return ns["soft_lookup"](*some_dictionary(rng))


@lookup.probe(axes="the numbers of one answer")
def large_scores(ns, rng):
    """scores as large as a thousand"""
    return ns["soft_lookup"](np.array([1000.0, 0.0]), np.array([[1.0, 3.0], [0.999, 1.0], [-1.0, 2.0]]), np.arange(6.0).reshape(3, 2))


@lookup.probe(axes="the numbers of one answer")
def far_below_zero(ns, rng):
    """scores near minus a thousand"""
    return ns["soft_lookup"](np.array([-500.0, 1.0]), np.array([[2.0, 0.5], [2.002, 1.0]]), np.array([[1.0, -1.0], [2.0, 5.0]]))


@lookup.probe(axes="the numbers of one answer")
def one_far_above(ns, rng):
    """one score of a thousand behind eight near zero"""
    keys = np.array([*rng.normal(size=8), 1000.0])
    return ns["soft_lookup"](np.ones(1), keys[:, None], rng.normal(size=(9, 2)))


@lookup.probe(axes="the numbers of one answer")
def one_key(ns, rng):
    """a single key"""
    return ns["soft_lookup"](*some_dictionary(rng, S=1, D=2, E=3))


@lookup.probe(axes="the numbers of one answer")
def alike(ns, rng):
    """three keys with equal scores"""
    return ns["soft_lookup"](np.array([1.0, 2.0]), np.array([[2.0, 0.0], [0.0, 1.0], [4.0, -1.0]]), rng.normal(size=(3, 1)))


@lookup.probe(hidden=True)
def any_keys(ns, rng):
    """any number of keys"""
    return ns["soft_lookup"](*some_dictionary(rng, S=int(rng.integers(5, 9)), D=int(rng.integers(3, 6)), E=3))


@lookup.probe(hidden=True)
def any_large_scores(ns, rng):
    """any large scores"""
    query, keys, values = some_dictionary(rng, S=5, D=4)
    return ns["soft_lookup"](900 * query, keys, values)


@lookup.property(S=(1, 6), seed=(0, 99))
def equal_values(ns, S, seed):
    """if all values are equal, that is the answer"""
    query, keys, _ = some_dictionary(np.random.default_rng(seed), S=S)
    return ns["soft_lookup"](query, keys, np.full((S, 2), 3.0)), np.full(2, 3.0)


@lookup.mistake(hint="exp(1000) is inf. What can be taken away from all scores without changing the shares?")
def overflowing(query, keys, values):
    """right, but overflowing for large scores"""
    with np.errstate(all="ignore"):
        e = np.exp(keys @ query)
        return e / e.sum() @ values


@lookup.mistake(hint="What is taken away must be the largest score: then no exponential is above 1. One score can stand far above the mean.")
def mean_taken_away(query, keys, values):
    """right, until one score stands far above the others: another number than the largest is taken away"""
    scores = keys @ query
    with np.errstate(all="ignore"):
        e = np.exp(scores - scores.mean())
        return e / e.sum() @ values


@lookup.mistake(hint="Above the least score others can stand by a thousand. Which score must be taken away, so that no exponential is above 1?")
def least_taken_away(query, keys, values):
    """the least score taken away, where it should be the largest"""
    scores = keys @ query
    with np.errstate(all="ignore"):
        e = np.exp(scores - scores.min())
        return e / e.sum() @ values


@lookup.mistake(hint="Far below zero this takes away too much, and all exponentials are 0. Take away the largest score, with its sign.")
def largest_without_its_sign(query, keys, values):
    """the largest score without its sign taken away"""
    scores = keys @ query
    with np.errstate(all="ignore"):
        e = np.exp(scores - abs(scores).max())
        return e / e.sum() @ values


@lookup.mistake(hint="The products of weights and values must still be added up: one answer for one query.")
def never_summed(query, keys, values):
    """weights times values, never added up, as a widely read tutorial has it"""
    return shares(keys @ query)[:, None] * values


@lookup.mistake(hint="The softmax of a single number is 1. It must be taken over all keys together.")
def one_score_at_a_time(query, keys, values):
    """a softmax of one score at a time, which is always 1"""
    return np.ones(len(keys)) @ values


@lookup.mistake(hint="That is an ordinary dictionary: the best key takes all. Soft means that every key gets a share.")
def the_best_key_only(query, keys, values):
    """the value of the best key alone"""
    return values[(keys @ query).argmax()]


@lookup.mistake(hint="Scores are no shares: they can be negative, and do not sum to one.")
def without_a_softmax(query, keys, values):
    """the raw scores as weights"""
    return keys @ query @ values


@lookup.mistake(hint="Here nothing is divided by √D: the exercise asks for plain dot products.")
def divided_by_the_root(query, keys, values):
    """scores divided by √D, which this exercise leaves out"""
    return shares(keys @ query / math.sqrt(len(query))) @ values


@lookup.mistake(hint="Every key has a different value. The mean of all is the answer to a query of zeros only.")
def the_mean_of_the_values(query, keys, values):
    """the mean of all values, whatever was asked"""
    return values.mean(axis=0)


@lookup.mistake(hint="Keys are for finding. What is gathered are the values.")
def keys_gathered(query, keys, values):
    """a weighted sum of the keys, not of the values"""
    return shares(keys @ query) @ keys


@lookup.mistake(hint="Divided by their sum, scores can still be negative. Which function makes every number positive first?")
def without_exponentials(query, keys, values):
    """scores divided by their sum, without exponentials"""
    scores = keys @ query
    with np.errstate(all="ignore"):
        return scores / scores.sum() @ values


@lookup.mistake(hint="Shares sum to one. By what must the exponentials be divided?")
def never_divided(query, keys, values):
    """exponentials that are not divided by their sum"""
    scores = keys @ query
    return np.exp(scores - scores.max()) @ values


@lookup.mistake(hint="Plain dot products: neither the query nor the keys are divided by their lengths.")
def by_the_angle(query, keys, values):
    """the cosine of query and key in place of their dot product"""
    return shares(keys @ query / np.linalg.norm(keys, axis=1) / np.linalg.norm(query)) @ values


@lookup.mistake(hint="Your shares fall as the scores rise. Look for a minus before the scores.")
def worst_key_most(query, keys, values):
    """a softmax of minus the scores: the worst key gets the most"""
    return shares(-(keys @ query)) @ values


@lookup.mistake(hint="Dividing changes the shares. Take the largest score away; do not divide by it.")
def divided_by_the_largest(query, keys, values):
    """scores divided by the largest one, where it should be taken away"""
    scores = keys @ query
    return shares(scores / scores.max()) @ values


@lookup.mistake(hint="A limit makes large scores equal that are not. Take the largest score away from all instead.")
def clipped(query, keys, values):
    """scores cut off at a limit, so that large ones become equal"""
    return shares(np.clip(keys @ query, -50.0, 50.0)) @ values


@lookup.mistake(hint="A limit makes large scores equal that are not, and far below zero all exponentials are still 0. Take the largest away instead.")
def limited_from_above(query, keys, values):
    """scores cut off from above, as far as exp can go"""
    with np.errstate(all="ignore"):
        e = np.exp(np.minimum(keys @ query, 700.0))
        return e / e.sum() @ values


@lookup.mistake(hint="e to the power of the score, not 2 to it: np.exp.")
def to_base_two(query, keys, values):
    """2 to the power of the scores in place of e"""
    return shares(keys @ query * math.log(2)) @ values


@lookup.mistake(hint="A score is a dot product, Σ query · key; yours is a distance.")
def by_the_distance(query, keys, values):
    """minus the squared distance of query and key in place of their dot product"""
    return shares(-np.square(keys - query).sum(axis=1)) @ values


@lookup.mistake(hint="The shares are there. With them, what is to be added up are the values: one answer (E,).")
def shares_returned(query, keys, values):
    """the shares themselves, not the weighted sum of the values"""
    return shares(keys @ query)


@lookup.forbid("course_lib.byhand.functional.softmax")
def _(call, query, keys, values):
    return call(keys @ query) @ values


@lookup.forbid("course_lib.byhand.attention.attention")
def _(call, query, keys, values):
    return call(query[None], keys, values, scale=1.0)[0][0]


@lookup.forbid("torch.softmax")
def _(call, query, keys, values):
    return call(torch.tensor(keys @ query), -1).numpy() @ values
