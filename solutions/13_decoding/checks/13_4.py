"""Exercise 13.4: what is kept of a drafted token, and what is drawn in its place."""

import numpy as np
import torch

from course_lib.classroom.checking.exercise import Exercise


def shares(z, axis=-1):
    """Softmax, for wrong answers whose mistake is elsewhere."""
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


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


@draft.probe(axes="one number for each token")
def nothing_in_common(ns, rng):
    """two distributions with nothing in common, and a token that neither chooses"""
    return answered(ns, np.array([0.0, 0.25, 0.0, 0.75]), np.array([1.0, 0.0, 0.0, 0.0]))


@draft.probe(axes="one number for each token")
def one_token(ns, rng):
    """a vocabulary of one token, and two of which the draft knows all"""
    return [*answered(ns, np.array([1.0]), np.array([1.0])), *answered(ns, np.array([0.75, 0.25]), np.array([0.75, 0.25]))]


@draft.probe(axes="one number for each token")
def four_tokens(ns, rng):
    """four tokens, each in both"""
    return answered(ns, np.array([0.5, 0.3, 0.15, 0.05]), np.array([0.25, 0.2, 0.25, 0.3]))


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


@draft.mistake(hint="Where nothing is missing, p itself was asked for.")
def any_token_where_nothing_is_missing(p, q):
    """right, but every token alike where the draft is the target"""
    return kept(p, q), over_its_sum(np.maximum(p - q, 0.0), np.full(len(p), 1 / len(p)))


@draft.mistake(hint="First keep, then rest.")
def rest_before_keep(p, q):
    """right, but rest before keep"""
    return left(p, q), kept(p, q)


@draft.mistake(hint="q proposes and p is the target. Yours has them exchanged.")
def draft_and_target_exchanged(p, q):
    """p and q exchanged"""
    return kept(q, p), left(q, p)


@draft.mistake(hint="This is how often something is kept at all. Each token has a probability of its own: (V,).")
def one_number_for_all(p, q):
    """how often anything is kept, one number for all tokens"""
    return np.minimum(p, q).sum(), left(p, q)


@draft.mistake(hint="Where p − q is negative nothing is missing: cut at 0. Shifted up, every other token gets something.")
def shifted_up(p, q):
    """p − q shifted up until nothing is negative"""
    return kept(p, q), over_its_sum(p - q - (p - q).min(), p)


@draft.mistake(hint="min(p_x, q_x) is what can be kept of token x, of the q_x that are proposed. With p / (p + q) far less is.")
def a_share_of_both(p, q):
    """p / (p + q) in place of p / q"""
    return divided(p, p + q), left(p, q)


@draft.mistake(hint="1 − |p − q| is a difference. A token that is proposed twice too often must be kept half of the time: a quotient.")
def one_minus_the_difference(p, q):
    """1 − |p − q| in place of p / q"""
    return 1 - abs(p - q), left(p, q)


@draft.mistake(hint="The ratio of the probabilities themselves is wanted, p / q: they are no logits.")
def exp_of_the_difference(p, q):
    """e to the p − q in place of p / q"""
    return np.minimum(1.0, np.exp(p - q)), left(p, q)


@draft.mistake(hint="p / q itself, without the root: q_x · keep_x must be min(p_x, q_x).")
def root_of_the_ratio(p, q):
    """the root of p / q"""
    return np.sqrt(kept(p, q)), left(p, q)


@draft.mistake(hint="What is never proposed may have any probability, but ∞ is none. p / q with q = 0 must be caught.")
def infinite_where_never_proposed(p, q):
    """right, but ∞ for what is never proposed"""
    return np.where(q > 0, kept(p, q), np.inf), left(p, q)


@draft.mistake(hint="Probabilities are wanted, not draws from them.")
def drawn_already(p, q):
    """draws, 0 or 1, in place of probabilities"""
    return (np.random.default_rng(0).random(len(p)) < kept(p, q)) * 1.0, left(p, q)


@draft.mistake(hint="A number added to q changes keep wherever q is small. Divide only where q > 0 (np.where).")
def a_bit_more_of_the_draft(p, q):
    """a small number added to q before dividing"""
    return np.minimum(1.0, p / (q + 1e-3)), left(p, q)


@draft.mistake(hint="Of some tokens nothing is missing: their rest is 0. A small number added gives them a share.")
def a_bit_more_of_everything(p, q):
    """a small number added to what is missing"""
    return kept(p, q), over_its_sum(np.maximum(p - q, 0.0) + 1e-3, p)


@draft.mistake(hint="1 − keep says how often a proposed token is thrown away. What is missing is p − q, where that is positive.")
def refused_in_place_of_missing(p, q):
    """1 − keep, divided by its sum, in place of what is missing"""
    return kept(p, q), over_its_sum(1 - kept(p, q), p)


@draft.mistake(hint="Missing is the part of p that the draft has not brought: p − q, where that is positive. p · (1 − keep) is 0 there.")
def target_times_refused(p, q):
    """p · (1 − keep) in place of what is missing"""
    return kept(p, q), over_its_sum(p * (1 - kept(p, q)), p)


@draft.mistake(hint="Of the tokens in your rest, some are missing more than others: each has its p − q.")
def missing_ones_alike(p, q):
    """all missing tokens alike"""
    return kept(p, q), over_its_sum((p > q) * 1.0, p)


@draft.mistake(hint="rest is a distribution, from which is drawn; not the one token that is missing most.")
def the_most_missing_one(p, q):
    """the token alone that is missing most"""
    missing = np.maximum(p - q, 0.0)
    return kept(p, q), np.eye(len(p))[missing.argmax()] if missing.any() else p


@draft.mistake(hint="p − q itself, where it is positive, not its square.")
def squares_of_the_missing(p, q):
    """the squares of what is missing"""
    return kept(p, q), over_its_sum(np.maximum(p - q, 0.0) ** 2, p)


@draft.mistake(hint="p itself where *nothing* is missing. Yours returns it as soon as any token has p = q.")
def where_one_is_the_same(p, q):
    """p as the rest wherever p and q are the same for some token"""
    return kept(p, q), left(p, q) if (p != q).all() else p


@draft.mistake(hint="What is missing is divided by its own sum, so that rest sums to one.")
def over_the_largest(p, q):
    """what is missing, divided by something else than its sum"""
    missing = np.maximum(p - q, 0.0)
    return kept(p, q), missing / p.max() if missing.any() else p


@draft.mistake(hint="One constant for all tokens is exact, but throws most away. A token with p above q can always be kept.")
def one_constant(p, q):
    """rejection sampling with one constant for all tokens, which keeps less than could be kept"""
    if (p[q == 0] > 0).any():
        return np.zeros(len(p)), p
    ratio = np.divide(p, q, out=np.zeros(len(p)), where=q > 0)
    return ratio / ratio.max(), p


@draft.mistake(hint="rest is a distribution: divide what is missing by its own sum, which is the share that is refused.")
def by_the_share_that_is_kept(p, q):
    """what is missing, divided by the share that is kept"""
    missing = np.maximum(p - q, 0.0)
    with np.errstate(all="ignore"):
        return kept(p, q), missing / np.minimum(p, q).sum() if missing.any() else p


@draft.forbid("course_lib.generation.speculative.residual")
def _(call, p, q):
    return kept(p, q), call(torch.tensor(p), torch.tensor(q)).numpy()
