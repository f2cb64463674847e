"""Exercise 13.1: the nucleus, the smallest set of tokens whose probabilities reach p."""

import numpy as np
import torch

from course_lib.classroom.checking.exercise import Exercise


def shares(z, axis=-1):
    """Softmax, for wrong answers whose mistake is elsewhere."""
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


core = Exercise(
    "13.1", "nucleus", title="The nucleus", difficulty=2, minutes=10,
    hints=(
        "Sort, add up, cut, and bring everything back to where it stood. Which of these is easy to forget?",
        "A token belongs to the set if those *more* probable than it do not reach p yet. How do you get their sum from np.cumsum?",
        "With the indices np.argsort(-probs), the sum of the more probable ones is cumsum minus the token's own probability. To bring "
        "values back, assign them to kept[order].",
    ),
)


def some_probs(rng, V):
    """A distribution in any order, no two alike, that does not fall too fast."""
    return rng.permutation(shares(-np.arange(V) * 0.4 + rng.uniform(0, 0.2, V)))


def halves(rng, V):
    """1/2, 1/4, 1/8 … in any order; their sums are exact."""
    left_over = 0.5 ** (V - 2)
    return rng.permutation([*0.5 ** np.arange(1, V - 1), 0.75 * left_over, 0.25 * left_over])


@core.probe(axes="one probability for each token")
def five_tokens(ns, rng):
    """five tokens"""
    return ns["nucleus"](np.array([0.15, 0.1, 0.3, 0.2, 0.25]), 0.72)


@core.probe(axes="one probability for each token")
def a_sure_model(ns, rng):
    """a token that is more probable than p by itself"""
    return ns["nucleus"](np.array([0.05, 0.15, 0.8]), 0.5)


@core.probe(axes="one probability for each token")
def exactly_p(ns, rng):
    """probabilities that reach p exactly"""
    return ns["nucleus"](np.array([0.0625, 0.25, 0.5, 0.1875]), 0.75)


@core.probe(axes="one probability for each token")
def six_tokens(ns, rng):
    """six tokens, of which two are enough"""
    return ns["nucleus"](np.array([0.05, 0.25, 0.12, 0.35, 0.08, 0.15]), 0.55)


@core.probe(axes="one probability for each token")
def one_is_exactly_p(ns, rng):
    """a token that has exactly p by itself"""
    return ns["nucleus"](np.array([0.375, 0.5, 0.125]), 0.5)


@core.probe(axes="one probability for each token")
def all_of_them(ns, rng):
    """a p that needs every token"""
    return ns["nucleus"](np.array([0.3, 0.1, 0.4, 0.2]), 0.95)


@core.probe(axes="one probability for each token")
def one_token(ns, rng):
    """a vocabulary of one token"""
    return ns["nucleus"](np.array([1.0]), 0.5)


@core.probe(hidden=True, points=2)
def any_distribution(ns, rng):
    """any distribution"""
    probs = some_probs(rng, int(rng.integers(8, 15)))
    return [ns["nucleus"](probs.copy(), float(p)) for p in rng.uniform(0.5, 0.9, 2)]


@core.probe(hidden=True)
def any_sums(ns, rng):
    """probabilities that reach p exactly, and a p below the first one"""
    probs = halves(rng, int(rng.integers(6, 9)))
    return [ns["nucleus"](probs.copy(), p) for p in (1 - 0.5 ** int(rng.integers(2, 5)), 0.3)]


@core.property(p=(0.05, 0.95), seed=(0, 99))
def enough(ns, p, seed):
    """the tokens of the set have at least the probability p together"""
    probs = some_probs(np.random.default_rng(seed), 7)
    mass = probs[np.asarray(ns["nucleus"](probs.copy(), p)) > 0].sum()
    return min(mass, p), p


@core.property(p=(0.05, 0.95), seed=(0, 99))
def not_one_too_many(ns, p, seed):
    """without its least probable token, the set has less than p"""
    probs = some_probs(np.random.default_rng(seed), 7)
    kept = probs[np.asarray(ns["nucleus"](probs.copy(), p)) > 0]
    return max(kept.sum() - kept.min(initial=1.0), p), p


def in_a_set(probs, p, *, key=lambda probs: -probs, inside=lambda ranked, p: np.cumsum(ranked) - ranked < p, back="place", shared=True):
    """The right answer, with some things wrong."""
    order = np.argsort(key(probs))
    ranked = np.where(inside(probs[order], p), probs[order], 0.0)
    kept = ranked[order] if back == "again" else ranked
    if back == "place":
        kept = np.zeros(len(probs))
        kept[order] = ranked
    with np.errstate(all="ignore"):
        return kept / kept.sum() if shared else kept


@core.mistake(hint="The set must reach p: the token with which the sum passes it is still inside. Yours may be empty.")
def without_the_crossing(probs, p):
    """the nucleus without the token that reaches p"""
    return in_a_set(probs, p, inside=lambda ranked, p: np.cumsum(ranked) <= p)


@core.mistake(hint="One token is always left, good. But the one with which the sum passes p belongs to the set as well.")
def never_empty(probs, p):
    """the nucleus without the token that reaches p, but never empty"""
    return in_a_set(probs, p, inside=lambda ranked, p: (np.cumsum(ranked) <= p) | (np.arange(len(ranked)) == 0))


@core.mistake(hint="np.searchsorted, or a < p, says how many tokens do *not* reach p yet. The one that reaches it belongs to the set.")
def those_before_the_crossing(probs, p):
    """the tokens that do not reach p yet, without the one that does"""
    return in_a_set(probs, p, inside=lambda ranked, p: np.cumsum(ranked) < p)


@core.mistake(hint="When the sum is exactly p, it is enough: the smallest set is wanted.")
def one_too_many(probs, p):
    """one token too many where the sum is exactly p"""
    return in_a_set(probs, p, inside=lambda ranked, p: np.cumsum(ranked) - ranked <= p)


@core.mistake(hint="The most probable tokens come first. The vocabulary's order means nothing.")
def not_sorted(probs, p):
    """a sum in the order of the vocabulary"""
    return in_a_set(probs, p, key=lambda probs: np.arange(len(probs)))


@core.mistake(hint="np.argsort begins with the smallest. Which tokens should be kept?")
def least_probable_first(probs, p):
    """a set of the least probable tokens"""
    return in_a_set(probs, p, key=lambda probs: probs)


@core.mistake(hint="Your probabilities stand in sorted order. Each must go back to its token.")
def still_sorted(probs, p):
    """the nucleus in sorted order: every token has another one's probability"""
    return in_a_set(probs, p, back="never")


@core.mistake(hint="ranked[order] sorts once more. The way back is an assignment *to* kept[order].")
def sorted_twice(probs, p):
    """a nucleus that was sorted twice and not brought back"""
    return in_a_set(probs, p, back="again")


@core.mistake(hint="What was cut leaves a gap: the probabilities no longer sum to one.")
def a_gap(probs, p):
    """the tokens of the nucleus, not divided by their sum"""
    return in_a_set(probs, p, shared=False)


@core.mistake(hint="That is min-p: each token is compared with the best one. Top-p adds probabilities up.")
def min_p_instead(probs, p):
    """min-p in place of top-p"""
    return in_a_set(probs, p, inside=lambda ranked, p: ranked >= p * ranked[0])


@core.mistake(hint="No single token has to have the probability p. The set as a whole has.")
def each_above_p(probs, p):
    """tokens that have the probability p each"""
    return in_a_set(probs, p, inside=lambda ranked, p: ranked >= p)


@core.mistake(hint="Small tokens may be many: what is cut away is 1 − p in all, not 1 − p for each.")
def each_above_the_rest(probs, p):
    """tokens that have the probability 1 − p each"""
    return in_a_set(probs, p, inside=lambda ranked, p: ranked >= 1 - p)


@core.mistake(hint="probs are probabilities already; they need no softmax.")
def softmax_once_more(probs, p):
    """probabilities that were taken for logits: a softmax of them"""
    return in_a_set(shares(probs), p)


@core.mistake(hint="The set is right. To make a distribution of it, divide by its sum; a softmax makes probabilities of logits.")
def softmax_of_the_kept(probs, p):
    """the right set, with a softmax of its probabilities"""
    kept = in_a_set(probs, p)
    e = np.where(kept > 0, np.exp(probs), 0.0)
    return e / e.sum()


@core.mistake(hint="The set has at least p, mostly more. Divide by what it has.")
def divided_by_p(probs, p):
    """the tokens of the nucleus, divided by p instead of their sum"""
    return in_a_set(probs, p, shared=False) / p


@core.mistake(hint="Every token keeps its place: (V,) numbers, with 0 for what was cut.")
def the_kept_alone(probs, p):
    """the kept tokens' probabilities alone, without the places of the others"""
    ranked = np.sort(in_a_set(probs, p))[::-1]
    return ranked[ranked > 0]


@core.mistake(hint="These are the ids of the set. What is wanted is a distribution: (V,) numbers.")
def the_ids(probs, p):
    """the ids of the kept tokens"""
    return np.argsort(-probs)[: (in_a_set(probs, p) > 0).sum()]


@core.mistake(hint="This says which tokens are kept. What is wanted are their probabilities, divided by their sum.")
def kept_or_not(probs, p):
    """True and False for kept and cut"""
    return in_a_set(probs, p) > 0


@core.mistake(hint="p is a sum of probabilities, not a share of the vocabulary: that would be a kind of top-k.")
def a_share_of_the_vocabulary(probs, p):
    """the share p of the vocabulary in place of the probability p"""
    return in_a_set(probs, p, inside=lambda ranked, p: np.arange(len(ranked)) < np.ceil(p * len(ranked)))


@core.mistake(hint="One token may be enough: the set ends with the token that reaches p, even if that is the first.")
def two_at_least(probs, p):
    """a set of at least two tokens"""
    return in_a_set(probs, p, inside=lambda ranked, p: (np.cumsum(ranked) - ranked < p) | (np.arange(len(ranked)) < 2))


@core.mistake(hint="The token that reaches p belongs to the set, and is the last one. Yours is left out (and one token is kept in any case).")
def before_the_crossing_or_one(probs, p):
    """the tokens that do not reach p yet, or one where there are none"""
    return in_a_set(probs, p, inside=lambda ranked, p: (np.cumsum(ranked) < p) | (np.arange(len(ranked)) == 0))


@core.mistake(hint="The set is right. Within it, tokens keep their proportions: divide by the sum.")
def all_kept_alike(probs, p):
    """the right set, with all tokens in it alike"""
    return (in_a_set(probs, p) > 0) / (in_a_set(probs, p) > 0).sum()


@core.mistake(hint="What was cut is shared out in proportion: divide by the sum. Yours gives every token of the set the same amount more.")
def the_rest_shared_alike(probs, p):
    """the right set, with what was cut given to its tokens in equal parts"""
    kept = in_a_set(probs, p, shared=False)
    return np.where(kept > 0, kept + (1 - kept.sum()) / (kept > 0).sum(), 0.0)


@core.mistake(hint="What was cut is shared out in proportion: divide by the sum. Yours gives all of it to the best token.")
def the_rest_to_the_best(probs, p):
    """the right set, with what was cut given to the most probable token"""
    kept = in_a_set(probs, p, shared=False)
    kept[kept.argmax()] += 1 - kept.sum()
    return kept


@core.mistake(hint="The set is right. Divide the probabilities by their sum as they are; squared, large ones gain.")
def squares_of_the_kept(probs, p):
    """the right set, with the squares of its probabilities"""
    return in_a_set(probs, p, shared=False) ** 2 / (in_a_set(probs, p, shared=False) ** 2).sum()


@core.mistake(hint="What was cut has the probability 0, not a small one.")
def nearly_zero(probs, p):
    """a small probability left to what was cut"""
    kept = np.maximum(in_a_set(probs, p, shared=False), 1e-3)
    return kept / kept.sum()


@core.mistake(hint="Your probabilities stand in sorted order, the smallest first. Each must go back to its token.")
def sorted_the_other_way(probs, p):
    """the nucleus in sorted order, the smallest first"""
    return np.sort(in_a_set(probs, p))


@core.mistake(hint="The token that reaches p is the last one. Yours takes one more.")
def always_one_more(probs, p):
    """one token too many, always"""
    return in_a_set(probs, p, inside=lambda ranked, p: np.cumsum(ranked) - ranked - np.append(0.0, ranked[:-1]) < p)


@core.forbid("course_lib.generation.sampling.top_p")
def _(call, probs, p):
    return shares(call(torch.tensor(probs).log()[None], p)[0].numpy())


@core.forbid("course_lib.generation.sampling.next_probs")
def _(call, probs, p):
    return call(torch.tensor(probs).log()[None], top_p=p)[0].numpy()
