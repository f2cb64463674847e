"""How the exercises of lesson 13 (decoding) are checked, and the wrong answers that people give to them."""

import codecs
import math

import numpy as np
import torch

from course_lib.classroom.checking.exercise import Exercise
from course_lib.classroom.checking.open_question import OpenQuestion
from course_lib.worlds.storyworld import tell_story


def shares(z, axis=-1):
    """Softmax, for wrong answers whose mistake is elsewhere."""
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


# ---- 13.1 ----------------------------------------------------------------------------------------------------------

core = Exercise(
    "13.1", "nucleus", title="The nucleus", difficulty=2, minutes=10,
    hints=(
        "Sort, add up, cut, and bring everything back to where it stood. Which of these is easy to forget?",
        "A token belongs to the set if those *more* probable than it do not reach p yet. How do you get their sum from np.cumsum?",
        "With order = np.argsort(-probs), the sum of the more probable ones is cumsum minus the token's own probability. To bring "
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


@core.forbid("course_lib.generation.sampling.top_p")
def _(call, probs, p):
    return shares(call(torch.tensor(probs).log()[None], p)[0].numpy())


@core.forbid("course_lib.generation.sampling.next_probs")
def _(call, probs, p):
    return call(torch.tensor(probs).log()[None], top_p=p)[0].numpy()


# ---- 13.2 ----------------------------------------------------------------------------------------------------------

repeated = Exercise(
    "13.2", "penalized", title="Find the bugs: round and round", difficulty=2, minutes=15,
    hints=(
        "A log-probability is negative. Is −3 / 1.5 more probable than −3, or less?",
        "Ask of each token only *whether* it is in idx. And does anybody else hold the array that you write into?",
        "np.isin(np.arange(V), idx) says which tokens were said. For these, a positive logit is divided by the penalty and a negative one "
        "multiplied, with np.where, which makes a new array.",
    ),
)


def some_text(rng, V, T):
    """Logits of both signs, and a text in which some tokens stand twice."""
    idx = rng.permutation(V)[:T].tolist()
    return rng.permutation(np.linspace(-3, 2.5, V)) + rng.uniform(-0.1, 0.1, V), [*idx, *idx[:2]]


@repeated.probe(axes="one logit for each token")
def both_signs(ns, rng):
    """tokens said once, with logits of both signs"""
    return ns["penalized"](np.array([2.0, -1.0, 0.5, -3.0, 1.0]), [0, 1], 2.0)


@repeated.probe(axes="one logit for each token")
def three_times(ns, rng):
    """tokens said twice and three times"""
    return ns["penalized"](np.array([2.0, -1.0, 0.5, -3.0, 1.0]), [3, 2, 3, 0, 3, 2], 1.5)


@repeated.probe(axes="one logit for each token")
def looked_at_again(ns, rng):
    """the logits that came in, looked at afterwards"""
    logits = np.array([2.0, -1.0, 0.5, -3.0, 1.0])
    ns["penalized"](logits, [0, 1], 2.0)
    return logits


@repeated.probe(hidden=True, points=2)
def any_text(ns, rng):
    """any text"""
    return ns["penalized"](*some_text(rng, int(rng.integers(8, 14)), 5), float(rng.uniform(1.2, 2.5)))


@repeated.probe(hidden=True)
def any_logits_again(ns, rng):
    """other logits, looked at afterwards"""
    logits, idx = some_text(rng, int(rng.integers(8, 14)), 4)
    ns["penalized"](logits, idx, 1.3)
    return logits


@repeated.property(seed=(0, 99), penalty=(1.0, 3.0))
def never_more_probable(ns, seed, penalty):
    """no logit rises, and those of tokens that were not said stay"""
    logits, idx = some_text(np.random.default_rng(seed), 6, 3)
    answer = np.asarray(ns["penalized"](logits.copy(), idx, penalty))
    unsaid = [i for i in range(6) if i not in idx]
    return (np.maximum(answer, logits), answer[unsaid]), (logits, logits[unsaid])


@repeated.property(seed=(0, 99))
def once_is_enough(ns, seed):
    """a text said twice is penalised like the text said once"""
    logits, idx = some_text(np.random.default_rng(seed), 6, 3)
    return ns["penalized"](logits.copy(), idx + idx, 1.5), ns["penalized"](logits.copy(), idx, 1.5)


def with_bugs(logits, idx, penalty, *, formula=False, each_time=False, in_place=False):
    """The right answer, with some of the three bugs left in."""
    left = logits if in_place else logits.copy()
    for token in idx if each_time else set(idx):
        left[token] = left[token] / penalty if formula or left[token] > 0 else left[token] * penalty
    return left


@repeated.mistake(hint="Nothing is repaired yet. Begin with the formula: what does dividing do to a negative logit?")
def as_printed(logits, idx, penalty):
    """the version as it was"""
    return with_bugs(logits, idx, penalty, formula=True, each_time=True, in_place=True)


@repeated.mistake(hint="A negative logit, divided, comes nearer to 0: it gets more probable. This is the bug in the formula.")
def negative_ones_divided(logits, idx, penalty):
    """negative logits divided as well, which makes them more probable"""
    return with_bugs(logits, idx, penalty, formula=True)


@repeated.mistake(hint="A token that stands three times in idx is penalised three times. Once is wanted, however often it was said.")
def each_time_anew(logits, idx, penalty):
    """a penalty for each time that a token was said"""
    return with_bugs(logits, idx, penalty, each_time=True)


@repeated.mistake(hint="The answer is right, but the caller's own logits have changed with it. Make a new array.")
def in_place(logits, idx, penalty):
    """right, but written into the logits that came in"""
    return with_bugs(logits, idx, penalty, in_place=True)


@repeated.mistake(hint="The caller's logits stay as they were, good. Negative ones still rise, and what is said twice is still changed twice.")
def two_left(logits, idx, penalty):
    """one bug fewer: the logits that came in stay, the other two are still there"""
    return with_bugs(logits, idx, penalty, formula=True, each_time=True)


@repeated.mistake(hint="Once for each token, good. But negative logits still rise, and the caller's logits still change.")
def formula_and_place_left(logits, idx, penalty):
    """one bug fewer: each token is penalised once, the other two are still there"""
    return with_bugs(logits, idx, penalty, formula=True, in_place=True)


@repeated.mistake(hint="The formula is right now. What happens to a token that was said three times, and to the array that came in?")
def formula_repaired(logits, idx, penalty):
    """one bug fewer: the formula is right, the other two are still there"""
    return with_bugs(logits, idx, penalty, each_time=True, in_place=True)


@repeated.mistake(hint="Turned round: which of the two, dividing or multiplying, brings a positive number down?")
def turned_round(logits, idx, penalty):
    """positive logits multiplied and negative ones divided"""
    return with_bugs(logits, idx, 1 / penalty)


@repeated.mistake(hint="Multiplied, a negative logit falls. And a positive one?")
def all_multiplied(logits, idx, penalty):
    """every logit multiplied, which makes the positive ones more probable"""
    said = np.isin(np.arange(len(logits)), idx)
    return logits * np.where(said, penalty, 1.0)


@repeated.mistake(hint="What was said has to become less probable. Yours changes everything that was not said.")
def the_unsaid(logits, idx, penalty):
    """a penalty for what was never said"""
    return with_bugs(logits, [i for i in range(len(logits)) if i not in idx], penalty)


@repeated.mistake(hint="Every negative logit is multiplied, said or not. Only the tokens in idx are meant.")
def everything(logits, idx, penalty):
    """a penalty for every token"""
    return with_bugs(logits, range(len(logits)), penalty)


@repeated.mistake(hint="Taking away a number is another rule, the presence penalty. Here a logit is divided or multiplied.")
def taken_away(logits, idx, penalty):
    """a presence penalty, which is subtracted"""
    left = logits.copy()
    left[list(set(idx))] -= penalty
    return left


@repeated.mistake(hint="Not only the newest token counts, but everything in idx.")
def the_last_one_only(logits, idx, penalty):
    """a penalty for the last token alone"""
    return with_bugs(logits, idx[-1:], penalty)


@repeated.forbid("course_lib.generation.penalties.repetition_penalty")
def _(call, logits, idx, penalty):
    return call(torch.tensor(logits)[None], torch.tensor([idx]), penalty)[0].numpy()


# ---- 13.3 ----------------------------------------------------------------------------------------------------------

more = Exercise(
    "13.3", "read_more", title="Nothing read twice", difficulty=3, minutes=15,
    hints=(
        "S old tokens stand at the positions 0 to S − 1. Where do the T new ones stand, and who may look at whom?",
        "Only the new tokens have queries. Their keys and values are put *below* the old ones, and all of them are attended to. New "
        "token t sees the S old ones and t + 1 new ones.",
        "x = token table [ids] + positions S to S + T; concatenate old and new keys, and values; scores are (T, S + T), hidden where "
        "np.tri(T, S + T, k=S) is 0.",
    ),
)


def a_head(rng, S, T, V=9, C=4, D=3, longest=16):
    """ids, weights, and what S tokens may have left in the cache."""
    shapes = {"token": (V, C), "position": (longest, C), "q": (D, C), "k": (D, C), "v": (D, C)}
    p = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    return rng.integers(0, V, T), p, rng.normal(size=(S, D)), rng.normal(size=(S, D))


@more.probe(axes="tokens down, numbers across")
def a_new_text(ns, rng):
    """a new text of four tokens"""
    return ns["read_more"](*a_head(rng, 0, 4))


@more.probe(axes="tokens down, numbers across")
def one_more(ns, rng):
    """one token after five"""
    return ns["read_more"](*a_head(rng, 5, 1))


@more.probe(axes="tokens down, numbers across")
def three_more(ns, rng):
    """three tokens after two"""
    return ns["read_more"](*a_head(rng, 2, 3))


@more.probe(hidden=True, points=2)
def any_number_more(ns, rng):
    """any number of tokens after any number"""
    C, D = rng.permutation([3, 4, 5, 6])[:2]
    return ns["read_more"](*a_head(rng, int(rng.integers(1, 6)), int(rng.integers(3, 7)), C=int(C), D=int(D)))


@more.probe(hidden=True)
def any_new_text(ns, rng):
    """any new text"""
    return ns["read_more"](*a_head(rng, 0, int(rng.integers(3, 8)), D=int(rng.integers(2, 6))))


@more.property(T=(2, 6), cut=(1, 5), seed=(0, 99))
def in_two_pieces(ns, T, cut, seed):
    """a text read in two pieces says what it says in one"""
    ids, p, keys, values = a_head(np.random.default_rng(seed), 0, T)
    cut = min(cut, T - 1)
    first, *cache = ns["read_more"](ids[:cut], p, keys, values)
    second, *_ = ns["read_more"](ids[cut:], p, *cache)
    return np.concatenate([first, second]), ns["read_more"](ids, p, keys, values)[0]


@more.property(S=(0, 4), T=(2, 5))
def the_future_does_not_matter(ns, S, T):
    """another last token changes no earlier output"""
    ids, p, keys, values = a_head(np.random.default_rng(10 * S + T), S, T)
    other = np.append(ids[:-1], (ids[-1] + 1) % 9)
    return tuple(np.asarray(ns["read_more"](one, p, keys, values)[0])[:-1] for one in (ids, other))


def reads(ids, p, keys, values, *, start=0, mask="shifted", cached="all", axis=-1, scale="D", positions=True):
    """The right answer, with some things wrong. start: how far positions are off, or None for 0."""
    S, T, D = len(keys), len(ids), keys.shape[1]
    first = 0 if start is None else S + start
    x = p["token"][ids] + (p["position"][first:first + T] if positions else 0.0)
    k, v = x @ p["k"].T, x @ p["v"].T
    pair = [k, keys] if cached == "new first" else [keys, k]
    all_keys, all_values = np.concatenate(pair), np.concatenate([v, values] if cached == "new first" else [values, v])
    seen_keys, seen_values = (k, v) if cached == "forgotten" else (all_keys, all_values)
    scores = x @ p["q"].T @ seen_keys.T / {"D": math.sqrt(D), "C": math.sqrt(x.shape[1]), "none": 1.0}[scale]
    width = len(seen_keys)
    shift = {"strict": width - T - 1, "top left": 0, "none": width}.get(mask, width - T)
    visible = np.tri(T, width, k=shift, dtype=bool)
    with np.errstate(all="ignore"):
        weights = shares(scores if mask == "after" else np.where(visible, scores, 0.0 if mask == "zero" else -np.inf), axis)
        out = np.where(visible, weights, 0.0 if mask == "after" else weights) @ seen_values
    returned = {"not added": (keys, values), "new only": (k, v)}.get(cached, (all_keys, all_values))
    return out, *returned


@more.mistake(hint="The first new token does not stand at position 0, but after the S old ones.")
def positions_from_zero(ids, p, keys, values):
    """positions that begin at 0 in every piece"""
    return reads(ids, p, keys, values, start=None)


@more.mistake(hint="S tokens stand at positions 0 to S − 1. Which position is the next one?")
def positions_off_by_one(ids, p, keys, values):
    """positions that are one too far"""
    return reads(ids, p, keys, values, start=1)


@more.mistake(hint="Without a position, a token does not know where it stands. Add the rows of p[\"position\"].")
def no_positions(ids, p, keys, values):
    """tokens without their positions"""
    return reads(ids, p, keys, values, positions=False)


@more.mistake(hint="np.tri(T, S + T) begins at the first *old* token. The first new one may see all S old ones and itself.")
def mask_at_the_old_ones(ids, p, keys, values):
    """a mask that hides old tokens from new ones"""
    return reads(ids, p, keys, values, mask="top left")


@more.mistake(hint="Positions and mask are those of a text that begins here. Before the first new token there are S old ones: what does that change in both?")
def as_if_nothing_was_before(ids, p, keys, values):
    """positions and a mask that begin at 0, as if there were no old tokens"""
    return reads(ids, p, keys, values, start=None, mask="top left")


@more.mistake(hint="No mask, and positions from 0: what does a new token know of its place, and whom may it look at?")
def no_mask_from_zero(ids, p, keys, values):
    """no mask, and positions that begin at 0"""
    return reads(ids, p, keys, values, start=None, mask="none")


@more.mistake(hint="New tokens come together, but the first may not look at the second. Where is the causal mask?")
def no_mask(ids, p, keys, values):
    """a piece without a mask: new tokens look at newer ones"""
    return reads(ids, p, keys, values, mask="none")


@more.mistake(hint="Zeroed after the softmax, what is hidden is still in the denominator. Put −∞ into the scores.")
def mask_after_softmax(ids, p, keys, values):
    """a mask after the softmax"""
    return reads(ids, p, keys, values, mask="after")


@more.mistake(hint="e to the 0 is 1: a score of 0 hides nothing. Put −∞.")
def scores_of_zero(ids, p, keys, values):
    """hidden scores of 0 in place of −∞"""
    return reads(ids, p, keys, values, mask="zero")


@more.mistake(hint="Three things are returned: the outputs, and all keys and values, for the next call.")
def outputs_only(ids, p, keys, values):
    """right, but the outputs alone, without keys and values"""
    return reads(ids, p, keys, values)[0]


@more.mistake(hint="May a token look at itself? In a new text, the first one has nothing else to look at.")
def not_itself(ids, p, keys, values):
    """a mask that hides every new token from itself"""
    return reads(ids, p, keys, values, mask="strict")


@more.mistake(hint="The new tokens look only at each other. What are the old keys and values for?")
def the_past_forgotten(ids, p, keys, values):
    """attention among the new tokens alone"""
    return reads(ids, p, keys, values, cached="forgotten")


@more.mistake(hint="The outputs are right. But the next call needs the new keys and values, too: return old and new together.")
def never_added(ids, p, keys, values):
    """a cache to which nothing was added"""
    return reads(ids, p, keys, values, cached="not added")


@more.mistake(hint="The outputs are right. But you return only the new keys and values: the next call has forgotten the old ones.")
def new_ones_only(ids, p, keys, values):
    """a cache that holds the new tokens alone"""
    return reads(ids, p, keys, values, cached="new only")


@more.mistake(hint="Old ones first: the cache is in the order of the text.")
def new_ones_first(ids, p, keys, values):
    """a cache with the new tokens before the old ones"""
    return reads(ids, p, keys, values, cached="new first")


@more.mistake(hint="The scores are divided by √D.")
def no_root(ids, p, keys, values):
    """attention without the √D"""
    return reads(ids, p, keys, values, scale="none")


@more.mistake(hint="D is the width of a key, C the width of the stream. Which one is under the root?")
def root_of_the_stream(ids, p, keys, values):
    """scores divided by √C"""
    return reads(ids, p, keys, values, scale="C")


@more.mistake(hint="Each query makes shares of the keys: the softmax goes along the rows.")
def over_the_queries(ids, p, keys, values):
    """a softmax over the queries"""
    return reads(ids, p, keys, values, axis=0)


@more.forbid("course_lib.byhand.attention.attention")
def _(call, ids, p, keys, values):
    S, T = len(keys), len(ids)
    x = p["token"][ids] + p["position"][np.arange(S, S + T)]
    keys, values = np.vstack([keys, x @ p["k"].T]), np.vstack([values, x @ p["v"].T])
    return call(x @ p["q"].T, keys, values, np.arange(S + T) <= np.arange(S, S + T)[:, None])[0], keys, values


# ---- 13.4 ----------------------------------------------------------------------------------------------------------

draft = Exercise(
    "13.4", "keep_and_rest", title="Drafted and corrected", difficulty=3, minutes=15,
    hints=(
        "Token x is proposed with probability q_x and may come out with p_x. So at most min(p_x, q_x) of it can be proposed and kept.",
        "q_x · keep_x = min(p_x, q_x); solve for keep_x. What is then still missing of each token, p_x − min(p_x, q_x), must come from rest.",
        "keep is the smaller of 1 and p / q; rest is p − q where that is positive, else 0, divided by its sum. Mind q = 0 in the first, "
        "and a sum of 0 in the second.",
    ),
)


def two_distributions(rng, V):
    """p and q, each with a zero where the other has none, and one zero in common."""
    p, q = rng.dirichlet(np.ones(V), 2)
    p[0], q[1], p[2], q[2] = 0, 0, 0, 0
    order = rng.permutation(V)
    return p[order] / p.sum(), q[order] / q.sum()


def answered(ns, p, q):
    """The answer; where nothing is ever proposed, any probability is as good as 1."""
    keep, rest = ns["keep_and_rest"](p.copy(), q.copy())
    keep = np.asarray(keep)
    if keep.shape == q.shape:
        keep = np.where((q == 0) & (keep >= 0) & (keep <= 1), 1.0, keep)
    return keep, rest


@draft.probe(axes="one number for each token")
def three_letters(ns, rng):
    """three tokens"""
    return answered(ns, np.array([0.6, 0.3, 0.1]), np.array([0.2, 0.3, 0.5]))


@draft.probe(axes="one number for each token")
def some_zeros(ns, rng):
    """tokens that p, or q, or both never choose"""
    return answered(ns, np.array([0.5, 0.0, 0.2, 0.0, 0.3]), np.array([0.0, 0.5, 0.4, 0.0, 0.1]))


@draft.probe(axes="one number for each token")
def the_same(ns, rng):
    """a draft that is exactly the target"""
    return answered(ns, np.array([0.5, 0.25, 0.25]), np.array([0.5, 0.25, 0.25]))


@draft.probe(hidden=True, points=2)
def any_two(ns, rng):
    """any two distributions"""
    return answered(ns, *two_distributions(rng, int(rng.integers(6, 12))))


@draft.probe(hidden=True)
def any_one_twice(ns, rng):
    """any distribution as its own draft"""
    p = rng.permutation(0.5 ** np.array([1, 2, 3, 4, 4]))
    return answered(ns, p, p.copy())


@draft.property(V=(3, 8), seed=(0, 99))
def distributed_like_p(ns, V, seed):
    """kept and replaced together are distributed exactly like p"""
    p, q = two_distributions(np.random.default_rng(seed), V + 2)
    keep, rest = (np.asarray(part) for part in ns["keep_and_rest"](p, q))
    return q * keep + (1 - (q * keep).sum()) * rest, p


@draft.property(V=(3, 8), seed=(0, 99))
def as_often_as_possible(ns, V, seed):
    """as much is kept as can be: all that p and q have in common"""
    p, q = two_distributions(np.random.default_rng(seed), V + 2)
    return (q * np.asarray(ns["keep_and_rest"](p, q)[0])).sum(), np.minimum(p, q).sum()


def divided(a, b):
    """a / b where b is above 0, else 1."""
    return np.where(b > 0, a / np.where(b > 0, b, 1.0), 1.0)


def over_its_sum(missing, otherwise):
    return missing / missing.sum() if missing.sum() > 0 else otherwise


def kept(p, q):
    return np.minimum(divided(p, q), 1.0)


def left(p, q):
    return over_its_sum(np.maximum(p - q, 0.0), p)


@draft.mistake(hint="Kept with probability p: then p_x · q_x of token x is kept, far less than could be, and the rest does not make up for it.")
def kept_with_p(p, q):
    """a token kept with the probability that the target gives it"""
    return p, left(p, q)


@draft.mistake(hint="Turned round: a token that the draft likes more than the target must be refused sometimes. Which of p / q and q / p is below 1 then?")
def ratio_turned_round(p, q):
    """q / p in place of p / q"""
    return np.minimum(divided(q, p), 1.0), left(p, q)


@draft.mistake(hint="p / q can be larger than 1. No probability is.")
def not_capped(p, q):
    """a probability of keeping that is larger than 1"""
    return divided(p, q), left(p, q)


@draft.mistake(hint="min(p, q) is how often x is proposed *and* kept. Given that it was proposed, it is kept more often.")
def proposed_and_kept(p, q):
    """the probability that a token is proposed and kept, not that it is kept once it was proposed"""
    return np.minimum(p, q), left(p, q)


@draft.mistake(hint="Drawn from p again, tokens that the draft likes come out too often: they had their chance already. What is still *missing*?")
def drawn_from_the_target(p, q):
    """a replacement that is drawn from the target itself"""
    return kept(p, q), p


@draft.mistake(hint="The draft proposed more than enough of some tokens: of these, nothing is missing. |p − q| gives them some more.")
def the_absolute_difference(p, q):
    """|p − q| in place of what is missing"""
    return kept(p, q), over_its_sum(abs(p - q), p)


@draft.mistake(hint="Your rest prefers what the draft proposes too often already. What is missing is p − q, not q − p.")
def the_surplus(p, q):
    """what the draft has too much of, in place of what is missing"""
    return kept(p, q), over_its_sum(np.maximum(q - p, 0.0), p)


@draft.mistake(hint="rest is a distribution: it must sum to one.")
def rest_without_its_sum(p, q):
    """a rest that does not sum to one"""
    missing = np.maximum(p - q, 0.0)
    return kept(p, q), missing if missing.any() else p


@draft.mistake(hint="You keep the p of tokens that the target likes more, but part of it has come from the draft already: only p − q is missing.")
def all_of_p_where_larger(p, q):
    """the whole p of every token that the target likes more"""
    return kept(p, q), over_its_sum(np.where(p > q, p, 0.0), p)


@draft.mistake(hint="No yes or no: a token that is a bit too frequent in the draft has to be refused now and then only.")
def yes_or_no(p, q):
    """a token kept always, or never"""
    return np.where((p >= q) | (q == 0), 1.0, 0.0), left(p, q)


@draft.mistake(hint="The distribution is right, but the draft was useless: nothing of it is kept.")
def nothing_kept(p, q):
    """a draft of which nothing is kept"""
    return np.where(q > 0, 0.0, 1.0), p


@draft.mistake(hint="Lenient: more is kept, and it is faster, but what comes out is no longer the target's.")
def lenient(p, q):
    """twice as lenient as the target allows"""
    return np.minimum(2 * divided(p, q), 1.0), left(p, q)


@draft.mistake(hint="Where p and q are the same, nothing is missing, and 0 / 0 is nan.")
def nothing_missing(p, q):
    """right, but nan where the draft is the target"""
    with np.errstate(all="ignore"):
        return kept(p, q), np.maximum(p - q, 0.0) / np.maximum(p - q, 0.0).sum()


@draft.mistake(hint="Some token has p = 0 and q = 0, and 0 / 0 is nan. Any probability would do there, but nan is none.")
def zero_by_zero(p, q):
    """right, but nan for a token that neither chooses"""
    with np.errstate(all="ignore"):
        return np.minimum(p / q, 1.0), left(p, q)


@draft.mistake(hint="The idea is right. Now mind the zeros: where p and q are both 0, and where p and q are the same, 0 / 0 is nan.")
def no_zero_minded(p, q):
    """right, but nan wherever 0 is divided by 0"""
    with np.errstate(all="ignore"):
        return np.minimum(p / q, 1.0), np.maximum(p - q, 0.0) / np.maximum(p - q, 0.0).sum()


@draft.mistake(hint="Where p and q are the same, your rest is all zeros: no distribution. p itself was asked for.")
def a_rest_of_zeros(p, q):
    """right, but a rest of zeros where the draft is the target"""
    return kept(p, q), over_its_sum(np.maximum(p - q, 0.0), np.zeros(len(p)))


@draft.mistake(hint="What is missing, p − q where positive, must be divided by its sum: rest is a distribution. If nothing is missing, it is p.")
def a_rest_never_divided(p, q):
    """what is missing, not divided by its sum, and zeros where nothing is"""
    return kept(p, q), np.maximum(p - q, 0.0)


@draft.mistake(hint="A softmax would give something to every token, also to those of which nothing is missing. Cut at 0 and divide by the sum.")
def softmax_of_the_difference(p, q):
    """a softmax of p − q"""
    return kept(p, q), p if (p == q).all() else shares(p - q)


@draft.forbid("course_lib.generation.speculative.residual")
def _(call, p, q):
    return kept(p, q), call(torch.tensor(p), torch.tensor(q)).numpy()


# ---- 13.5 ----------------------------------------------------------------------------------------------------------

beams = Exercise(
    "13.5", "best_text", title="Several at once", difficulty=4, minutes=25,
    hints=(
        "Two lists: beams, pairs of ids and log P, and finished ones with their scores. What happens to each in one step?",
        "Make one list of all candidates of all beams, sort it once by log P, the best first. Then the two rules are two slices: who of "
        "the first n_beam has ended, and who are the first n_beam that have not.",
        "In step number n: for the first n_beam candidates, if the last id is stop_id or n is max_new_tokens, note log P / n**alpha and "
        "the ids. The next beams are those whose last id is not stop_id, at most n_beam. In the end: the note with the largest score.",
    ),
)


def a_writer(rng, V=5, places=4, end=""):
    """A model of the next id that knows how long the text is, and its last id.

    end: "tempting", 0 is second everywhere; "too late", third at first, where it would have been best.
    """
    logits = (0.2 if end == "too late" else 1.5) * rng.normal(size=(places, V + 1, V))
    if end == "tempting":
        logits[..., 0] = np.sort(logits[..., 1:])[..., -2] + 0.1
    if end == "too late":
        logits[0, V] = [0.7, *rng.permutation([1.0, 1.1]), *[-9.0] * (V - 3)]
    table = np.log(shares(logits))
    return lambda ids: table[len(ids) % places, ids[-1] if len(ids) else V].copy()


def written(ids):
    return " ".join(str(i) for i in np.asarray(ids, dtype=int).tolist())


def texts(ns, writers, settings):
    """The best text and its score for each model, at each setting (n_beam, max_new_tokens, alpha); id 0 ends a text."""
    found = {}
    for number, writer in enumerate(writers, start=1):
        for n_beam, longest, alpha in settings:
            ids, score = ns["best_text"](writer, n_beam, longest, 0, alpha)
            setting = f"of model {number} with n_beam={n_beam}, max_new_tokens={longest}, stop_id=0, alpha={alpha:g}"
            found |= {f"best text {setting}": written(ids), f"score {setting}": score}
    return found


@beams.probe()
def two_beams(ns, rng):
    """two beams"""
    return texts(ns, [a_writer(rng) for _ in range(4)], [(2, 5, 0.0), (2, 5, 1.0)])


@beams.probe()
def tempted(ns, rng):
    """texts that could end at any time"""
    return texts(ns, [a_writer(rng, end="tempting") for _ in range(6)], [(2, 6, 1.5)])


@beams.probe()
def three_beams(ns, rng):
    """three beams, and a text that never ends by itself"""
    endless = a_writer(rng, places=3)

    def never(ids):
        log_probs = endless(ids)
        log_probs[0] = -50.0
        return log_probs

    return texts(ns, [a_writer(rng, V=6), a_writer(rng, V=6), never], [(3, 6, 0.7)])


@beams.probe(hidden=True, points=3)
def any_model(ns, rng):
    """any model"""
    settings = [(int(rng.integers(2, 5)), 6, alpha) for alpha in (0.0, 0.6, 1.0)]
    found = texts(ns, [a_writer(rng, V=int(rng.integers(5, 8))) for _ in range(10)], settings)
    return [found, texts(ns, [a_writer(rng, end="too late") for _ in range(3)], [(2, 5, 0.0)])]


@beams.probe(hidden=True)
def any_tempted(ns, rng):
    """other texts that could end at any time"""
    return texts(ns, [a_writer(rng, end="tempting") for _ in range(15)], [(2, 8, 1.5)])


@beams.property(seed=(0, 99))
def one_beam_is_greedy(ns, seed):
    """with one beam and alpha=0, always the most probable next id"""
    writer, ids = a_writer(np.random.default_rng(seed)), []
    while len(ids) < 5 and 0 not in ids:
        ids.append(int(writer(ids).argmax()))
    return written(ns["best_text"](writer, 1, 5, 0, 0.0)[0]), written(ids)


@beams.property(seed=(0, 99), alpha=(0.0, 1.5))
def wide_enough(ns, seed, alpha):
    """with a beam for every text there is, the best of all texts"""
    writer = a_writer(np.random.default_rng(seed), V=3)
    texts, ended = [([], 0.0)], []
    for _ in range(3):
        texts = [([*ids, i], so_far + writer(ids)[i]) for ids, so_far in texts for i in range(3)]
        ended += [text for text in texts if text[0][-1] == 0]
        texts = [text for text in texts if text[0][-1] != 0]
    return ns["best_text"](writer, 27, 3, 0, alpha)[1], max(total / len(ids)**alpha for ids, total in ended + texts)


def searched(next_log_probs, n_beam, longest, stop_id, alpha, *, score=lambda total, n, alpha: total / n**alpha, stops=True,
             refilled=True, unfinished=True, only_best_end=True, apart=False, enough=math.inf, best=max, fold=lambda a, b: a + b,
             start=0.0, give=lambda score, total: score):
    """The right answer, with some things wrong."""
    held, ended = [([], start)], []
    for n in range(1, longest + 1):
        candidates = []
        for ids, total in held:
            own = [([*ids, i], fold(total, more)) for i, more in enumerate(next_log_probs(ids))]
            candidates += sorted(own, key=lambda one: -one[1])[:1] if apart and n > 1 else own
        candidates.sort(key=lambda one: -one[1])
        top = candidates[:n_beam] if only_best_end else candidates
        last = n == longest
        ended += [(score(total, n, alpha), ids, total) for ids, total in top if (ids[-1] == stop_id and stops) or (last and unfinished)]
        held = [one for one in (candidates if refilled else top) if one[0][-1] != stop_id or not stops][:n_beam]
        if len(ended) >= enough or not held:
            break
    reached, ids, total = best(ended)
    return ids, give(reached, total)


@beams.mistake(hint="That is greedy: one beam. Keep the n_beam best texts at each step.")
def greedy(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """greedy decoding: a single beam"""
    return searched(next_log_probs, 1, max_new_tokens, stop_id, alpha)


@beams.mistake(hint="The score is log P divided by the length to the power of alpha. Yours does not know alpha.")
def never_divided(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """a search that does not divide by the length"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, 0.0)


@beams.mistake(hint="log P is negative: multiplied by the length it becomes even more so, and long texts have no chance. Divide.")
def multiplied_by_the_length(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """a score multiplied by the length"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, -alpha)


@beams.mistake(hint="The length counts stop_id, too: it is an id that had to be chosen.")
def stop_not_counted(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """a length without the stop id"""

    def counted(found):
        return max((total / max(len(ids) - (ids[-1] == stop_id), 1)**alpha, ids, total) for _, ids, total in found)

    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, best=counted)


@beams.mistake(hint="alpha is an exponent: n ** alpha, not n · alpha.")
def alpha_times(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """a score divided by alpha times the length"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, score=lambda total, n, alpha: total / (n * alpha or 1))


@beams.mistake(hint="A text that ends with stop_id is finished: nothing comes after it.")
def going_on_after_the_end(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """texts that go on after the stop id"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, stops=False)


@beams.mistake(hint="When a text is finished, its place is free: the next candidate that has not ended moves up, so that there are n_beam beams again.")
def places_lost(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """a search that loses a beam with every finished text"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, refilled=False)


def in_one_list(next_log_probs, n_beam, longest, stop_id, alpha, by_score):
    """A search that keeps ended texts among its beams."""

    def rank(text):
        ids, total = text
        return total / len(ids)**alpha if by_score else total

    held = [([], 0.0)]
    for _ in range(longest):
        ended = [text for text in held if text[0] and text[0][-1] == stop_id]
        going = [text for text in held if text not in ended]
        more = [([*ids, i], total + one) for ids, total in going for i, one in enumerate(next_log_probs(ids))]
        held = sorted(ended + more, key=rank)[-n_beam:]
    ids, total = max(held, key=lambda text: text[1] / len(text[0])**alpha)
    return ids, total / len(ids)**alpha


@beams.mistake(hint="A finished text is no beam any more: put it aside, so that n_beam others can go on.")
def ended_ones_stay(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """finished texts that stay among the beams, and keep others out"""
    return in_one_list(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, by_score=False)


@beams.mistake(hint="Two things: candidates are ranked by log P, and only finished texts by the score; and a finished text is no beam any more.")
def ended_ones_stay_by_score(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """beams ranked by their score, with finished texts among them"""
    return in_one_list(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, by_score=True)


@beams.mistake(hint="After max_new_tokens the n_beam best are finished as they are, even without stop_id.")
def unfinished_forgotten(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """a search that forgets what has not ended"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, unfinished=False,
                    best=lambda found: max(found, default=(-math.inf, [], 0.0)))


@beams.mistake(hint="What is unfinished after max_new_tokens counts as it is, also when others have ended before.")
def unfinished_only_if_nothing_ended(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """unfinished texts that count only where nothing has ended"""

    def ended_before(found):
        return max([one for one in found if one[1][-1] == stop_id] or found)

    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, best=ended_before)


@beams.mistake(hint="Some texts have ended, but a longer one can still get a better score. Go on for all of max_new_tokens.")
def enough_have_ended(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """a search that ends as soon as n_beam texts have"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, enough=n_beam)


@beams.mistake(hint="A candidate may end only if it is among the n_beam best. Else any beam could be cut short with a stop_id at any time.")
def anything_may_end(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """finished texts that were not among the n_beam best candidates"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, only_best_end=False)


@beams.mistake(hint="All continuations of all beams compete in one list. With yours, each beam has exactly one heir.")
def each_beam_alone(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """beams that do not compete: each goes on greedily by itself"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, apart=True)


@beams.mistake(hint="The first finished text need not be the best one. Go on, and compare scores in the end.")
def the_first_that_ends(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """the first text that ends"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, enough=1)


@beams.mistake(hint="The text is right. What is returned with it is its score, log P divided by n ** alpha, not log P.")
def log_prob_returned(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """the right text with its log P in place of its score"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, give=lambda score, total: total)


@beams.mistake(hint="A text's log P is the sum over all of its ids. Yours knows only the last one.")
def the_last_step_only(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """texts ranked by their last id alone"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, fold=lambda total, more: more)


@beams.mistake(hint="Logarithms of probabilities are added. Multiplied, two negative ones become positive.")
def logarithms_multiplied(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """log-probabilities that are multiplied"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, fold=lambda total, more: total * more, start=1.0)


@beams.forbid("course_lib.generation.beam.beam_search")
def _(call, next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    def after_a_prompt(idx):
        return torch.tensor(np.stack([next_log_probs(row[1:]) for row in idx.tolist()]))

    found, _ = call(after_a_prompt, [stop_id], n_beam=n_beam, max_new_tokens=max_new_tokens, stop_ids=[stop_id], alpha=alpha)
    return found[0].ids, found[0].score


# ---- 13.6 ----------------------------------------------------------------------------------------------------------

reader = Exercise(
    "13.6", "shown", title="When to speak", difficulty=4, minutes=20,
    hints=(
        "Keep one string of what waits. After each piece, how much of it is certain, and how much may still become the stop text?",
        "If the stop text is in what waits, show what stands before it, and then nothing ever again. If not, the longest end of it that is "
        "a beginning of the stop text must go on waiting.",
        "The number of characters that wait: the largest n below len(stop) for which the waiting text ends with the first n characters "
        "of stop. Show the others. What still waits after the last piece comes last.",
    ),
)

LINES = ("A: 北京是中国的首都。", "A: Grüße aus Zürich!", "A: 你好，世界", "A: ☃ schneit", "A: 在那遥远的地方", "A: café, naïve")


def cut_up(rng, text, longest):
    """The bytes of a text, in pieces."""
    data, pieces = text.encode(), []
    while data:
        n = int(rng.integers(1, longest + 1))
        pieces, data = [*pieces, data[:n]], data[n:]
    return pieces


def a_story(rng, n):
    """The end of a story of the story world, n characters."""
    return tell_story(int(rng.integers(10**6))).text[-n:]


def lines(rng, n, asked):
    """n lines in several languages, and a question after the first of them, if it is asked."""
    first, *others = [LINES[int(i)] for i in rng.permutation(len(LINES))[:n]]
    return "\n\n".join([first, *(["Q: 谁?"] if asked else []), *others])


@reader.probe()
def pieces_of_a_chat(ns, rng):
    """a stop text that begins twice before it comes"""
    pieces = [b"Mia", b" ran.\n", b"Then", b" Tom\n", b"\n", b"Quick", b"ly\n", b"\nQ", b": Who?\n\nQ: I", b" do."]
    return ns["shown"](pieces, "\n\nQ:")


@reader.probe()
def characters_cut(ns, rng):
    """characters that were cut in two"""
    return ns["shown"](cut_up(rng, "A: 北京, naïve ☃\nA: 你好\nQ: 谁?\nA: 我", 2), "\nQ:")


@reader.probe()
def a_false_end(ns, rng):
    """a text that ends while something waits"""
    return ns["shown"]([b"One, two", b", ", b"thr", b"ough, thre"], ", three")


@reader.probe(hidden=True, points=2)
def real_stories(ns, rng):
    """real stories"""
    story, other = a_story(rng, 150), a_story(rng, 90)
    i = int(rng.integers(60, 130))
    stops = story[i:i + int(rng.integers(4, 9))], other[-4:] + "~"
    return [ns["shown"](cut_up(rng, text, 5), stop) for text, stop in zip((story, other), stops, strict=True)]


@reader.probe(hidden=True, points=2)
def any_lines(ns, rng):
    """other characters that were cut, and a stop text that comes twice"""
    none, once = (cut_up(rng, lines(rng, 3, asked), 4) for asked in (False, True))
    twice = [*cut_up(rng, lines(rng, 2, False), 4), b"\n\n", "A: 我\n\nQ: 谁?\n\nQ: 我?".encode()]
    return [ns["shown"](pieces, "\n\nQ:") for pieces in (none, once, twice)]


def nearly(seed):
    """Pieces of a text that nearly says the stop text all the time."""
    rng = np.random.default_rng(seed)
    return cut_up(rng, "".join(rng.choice(["\n", "\n\n", "Q", "\n\nQ", ":", "a"], 12)), 3)


@reader.property(seed=(0, 99))
def up_to_the_stop_text(ns, seed):
    """put together, it is the text up to the first stop text"""
    pieces = nearly(seed)
    return "".join(ns["shown"](list(pieces), "\n\nQ:")), b"".join(pieces).decode().partition("\n\nQ:")[0]


@reader.property(seed=(0, 99), n=(0, 8))
def nobody_knows_the_future(ns, seed, n):
    """what is shown first does not depend on what comes later"""
    pieces = nearly(seed)
    n = min(n, len(pieces))
    return ns["shown"](pieces[:n], "\n\nQ:")[:n], ns["shown"](list(pieces), "\n\nQ:")[:n]


def spoken(pieces, stop, *, decode=None, wait="longest", cut="before", find=str.partition, flush=True, release=True, after="silence"):
    """The right answer, with some things wrong. decode: bytes -> text; wait: how much is held back; after: the stop text."""
    decode = decode or codecs.getincrementaldecoder("utf-8")().decode
    said, waiting, stopped = [], "", False
    for piece in pieces:
        old, waiting = waiting, waiting + ("" if stopped and after in ("silence", "kept") else decode(piece))
        before, found, rest = find(waiting, stop)
        if found and stopped and after == "kept":
            said.append("")
            continue
        if found:
            stopped = True
            said.append(before if cut == "before" else before + stop)
            waiting = {"rest": rest, "kept": waiting}.get(after, "")
            continue
        begun = [n for n in range(1, len(stop)) if waiting.endswith(stop[:n])]
        n = {"shortest": min(begun, default=0), "none": 0, "fixed": len(stop) - 1, "all": 10**6}.get(wait, max(begun, default=0))
        n = min(n, len(waiting))
        n = len(waiting) if wait == "minus" and not n else n
        sure, waiting = waiting[:len(waiting) - n], waiting[len(waiting) - n:]
        said.append(sure if release or not sure.startswith(old) else sure[len(old):])
    return [*said, waiting if flush else ""]


def until_whole():
    """A decoder that says nothing until all it has heard are whole characters."""
    heard = b""

    def decode(piece):
        nonlocal heard
        heard += piece
        try:
            text, heard = heard.decode(), b""
        except UnicodeDecodeError:
            return ""
        return text

    return decode


def held_whole(pieces, stop, decode):
    """All that waits goes on waiting if its end begins the stop text."""
    decode, said, waiting, stopped = decode or until_whole(), [], "", False
    for piece in pieces:
        waiting += "" if stopped else decode(piece)
        before, found, _ = waiting.partition(stop)
        stopped = stopped or bool(found)
        begun = not found and any(waiting.endswith(stop[:n]) for n in range(1, len(stop)))
        said.append("" if begun else before)
        waiting = waiting if begun else ""
    return [*said, waiting]


def last_one(text, stop):
    before, found, after = text.rpartition(stop)
    return (before, found, after) if found else (text, "", "")


@reader.mistake(hint="A piece may end in the middle of a character: its other half comes with the next piece.")
def pieces_decoded_alone(pieces, stop):
    """an error where a character was cut"""
    return spoken(pieces, stop, decode=lambda piece: piece.decode())


@reader.mistake(hint="U+FFFD appears where half a character was decoded by itself. Keep the half until the rest comes.")
def replacement_characters(pieces, stop):
    """� in place of characters that were cut"""
    return spoken(pieces, stop, decode=lambda piece: piece.decode(errors="replace"))


@reader.mistake(hint="Characters that were cut in two are lost. Keep the first half until the second comes.")
def halves_ignored(pieces, stop):
    """a text without the characters that were cut"""
    return spoken(pieces, stop, decode=lambda piece: piece.decode(errors="ignore"))


@reader.mistake(hint="The stop text may begin in one piece and end three pieces later. Look for it in what waits, not in a piece.")
def within_a_piece(pieces, stop):
    """a stop text that is looked for in each piece alone"""
    return spoken(pieces, stop, wait="none")


@reader.mistake(hint="A reader has seen the beginning of the stop text before you knew that it was one. It must wait.")
def found_too_late(pieces, stop):
    """a stop text that is found, but whose beginning was shown already"""
    decoder, all_of_it, said = codecs.getincrementaldecoder("utf-8")(), "", []
    for piece in pieces:
        new, stopped = decoder.decode(piece), stop in all_of_it
        all_of_it += new
        left_of_it = all_of_it.partition(stop)[0]
        said.append("" if stopped else left_of_it[len(all_of_it) - len(new):])
    return [*said, ""]


@reader.mistake(hint="Nobody likes to wait for nothing: hold back only what *is* a beginning of the stop text, not what could hold one.")
def always_behind(pieces, stop):
    """a reader who is always len(stop) − 1 characters behind"""
    return spoken(pieces, stop, wait="fixed")


@reader.mistake(hint="The text is right, but it all comes at once, at the very end. Show what is certain after each piece.")
def all_at_the_end(pieces, stop):
    """a text that comes only when it is complete"""
    return spoken(pieces, stop, wait="all")


@reader.mistake(hint="The stop text itself is not shown.")
def stop_text_shown(pieces, stop):
    """a text with its stop text"""
    return spoken(pieces, stop, cut="after")


@reader.mistake(hint="When nothing more comes, what waits was no stop text after all: show it.")
def the_end_forgotten(pieces, stop):
    """a text whose end goes on waiting for ever"""
    return spoken(pieces, stop, flush=False)


@reader.mistake(hint="After the stop text, every text is \"\": remember that you have seen it.")
def stop_texts_cut_out(pieces, stop):
    """a text that goes on after the stop text"""
    return spoken(pieces, stop, after="rest")


@reader.mistake(hint="After the stop text, every text is \"\". The next piece brings more text, and yours shows it: remember that you have stopped.")
def going_on(pieces, stop):
    """a text that goes on with the piece after the stop text"""
    return spoken(pieces, stop, after="next piece")


@reader.mistake(hint="When the stop text has come, nothing waits any more. Yours shows it at the very end.")
def waiting_behind_the_stop(pieces, stop):
    """a stop text that goes on waiting, and is shown at the end"""
    return spoken(pieces, stop, after="kept")


@reader.mistake(hint="If nothing has to wait, n is 0, and waiting[:-0] is the empty text. Count from the front: len(waiting) − n.")
def minus_zero(pieces, stop):
    """a text in which waiting[:-0] should be everything, and is nothing"""
    return spoken(pieces, stop, wait="minus")


@reader.mistake(hint="Each text is what is *new*: what was shown before is not shown again.")
def everything_again(pieces, stop):
    """all the text so far, after each piece"""
    said = spoken(pieces, stop)
    return ["".join(said[:n + 1]) for n in range(len(said))]


@reader.mistake(hint="It looked like a stop text and was none: then what waited must be shown, not thrown away.")
def false_starts_lost(pieces, stop):
    """a text in which false starts are lost"""
    return spoken(pieces, stop, release=False)


@reader.mistake(hint="Only the end of what waits can begin the stop text. What stands before it is certain: show it.")
def everything_held_back(pieces, stop):
    """a whole piece held back where only its end must wait"""
    return held_whole(pieces, stop, codecs.getincrementaldecoder("utf-8")().decode)


@reader.mistake(hint="Only the end of a piece has to wait: half a character, or what begins the stop text. What stands before it is certain: show it.")
def everything_held_back_twice(pieces, stop):
    """a whole piece held back where only its end must wait, be it half a character or a beginning of the stop text"""
    return held_whole(pieces, stop, None)


@reader.mistake(hint="Half a character must wait, but the whole ones before it are certain. The incremental decoder gives you these.")
def held_by_half_a_character(pieces, stop):
    """whole characters held back by half a one after them"""
    return spoken(pieces, stop, decode=until_whole())


@reader.mistake(hint="Several beginnings of the stop text can fit at once: \"\\n\" and \"\\n\\n\", say. Which of them must wait?")
def the_shortest_beginning(pieces, stop):
    """the shortest beginning of the stop text held back, not the longest"""
    return spoken(pieces, stop, wait="shortest")


@reader.mistake(hint="A stop text can come more than once, even in one piece. The first one counts.")
def the_last_stop_text(pieces, stop):
    """a text up to the last stop text"""
    return spoken(pieces, stop, find=last_one)


@reader.mistake(hint="You show what a later piece has proved harmless. When a piece comes, later ones are not there yet.")
def the_future_known(pieces, stop):
    """a reader who knows what comes later"""
    text, data, said = b"".join(pieces).decode().partition(stop)[0], b"", []
    for piece in pieces:
        data, old = data + piece, data
        said.append(text[len(old.decode(errors="ignore")):len(data.decode(errors="ignore"))])
    return [*said, ""]


@reader.mistake(hint="One text more than pieces: the last one is what waited when nothing more came.")
def one_text_too_few(pieces, stop):
    """right, but without the text that comes last"""
    return spoken(pieces, stop)[:-1]


@reader.forbid("course_lib.generation.stopping.TextReader")
def _(call, pieces, stop):
    feeds = call([stop])
    return [*[feeds.feed(piece) for piece in pieces], feeds.end()]


# ---- 13.7 ----------------------------------------------------------------------------------------------------------

flawless = OpenQuestion(
    "13.7", title="A thousand stories without a mistake", difficulty=2, minutes=10,
    rubric=(
        (1, "explains how fewer wrong statements are possible without a better model: what low temperature and beams leave, and what repetition does to the count"),
        (1, "names a measure of diversity, says how it is computed, and over how much text"),
        (1, "says what its value must be compared with, and why more is not simply better"),
        (1, "describes the picture: both measures for each setting; and chooses from it, naming something else to try"),
        (1, "says why the most probable text is not the best: length, repetition, or how much surprise real text carries"),
    ),
)
