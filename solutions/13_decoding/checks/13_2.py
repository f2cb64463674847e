"""Exercise 13.2: find the bugs in a penalty for what was already said."""

import numpy as np
import torch

from course_lib.classroom.checking.exercise import Exercise

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
    return rng.permutation(np.linspace(-3, 2.5, V)) + rng.uniform(-0.1, 0.1, V), [*idx[:2], *idx]


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


@repeated.probe(axes="one logit for each token")
def used_again(ns, rng):
    """the same logits used twice, for two texts"""
    logits = np.array([2.0, -1.0, 0.5, -3.0])
    return [ns["penalized"](logits, [0, 1], 2.0), ns["penalized"](logits, [1, 3], 2.0)]


@repeated.probe(axes="one logit for each token")
def over_and_over(ns, rng):
    """one token over and over"""
    return ns["penalized"](np.array([2.0, -1.0, 0.5]), [1, 1, 1, 1], 1.2)


@repeated.probe(axes="one logit for each token")
def nothing_said(ns, rng):
    """an empty text"""
    return ns["penalized"](np.array([2.0, -1.0, 0.5]), [], 2.0)


@repeated.probe(axes="one logit for each token")
def its_own(ns, rng):
    """what becomes of the logits that came in, when the answer to an empty text is written over"""
    logits = np.array([2.0, -1.0, 0.5])
    np.asarray(ns["penalized"](logits, [], 2.0))[0] = 9.0
    return logits


@repeated.probe(axes="one logit for each token")
def long_ago(ns, rng):
    """a longer text, of whose tokens some were said long ago"""
    logits = np.array([0.25, -0.75, 1.5, 2.25, -2.5, 0.875, -1.25, 3.0])
    return ns["penalized"](logits, [4, 0, 3, 6, 2, 2, 1, 6, 2, 1, 6, 1, 2], 1.25)


@repeated.probe(axes="one logit for each token")
def zero_and_one(ns, rng):
    """a logit of 0, and a penalty of 1"""
    return [ns["penalized"](np.array([0.0, -1.0, 3.0]), [0, 2], 1.5), ns["penalized"](np.array([2.0, -1.0, 0.5]), [0, 1, 2], 1.0)]


@repeated.probe(hidden=True, points=2)
def any_text(ns, rng):
    """any text, and one of all tokens"""
    penalty, V = float(rng.uniform(1.2, 2.5)), int(rng.integers(8, 14))
    return [ns["penalized"](*some_text(rng, V, T), penalty) for T in (5, V)]


@repeated.probe(hidden=True)
def any_logits_again(ns, rng):
    """other logits, looked at afterwards"""
    logits, idx = some_text(rng, int(rng.integers(8, 14)), 4)
    ns["penalized"](logits, idx, 1.3)
    np.asarray(ns["penalized"](logits, [], 1.3))[:2] = -9.0
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


@repeated.mistake(hint="Less probable, not impossible: −∞ forbids a token. Divide or multiply by the penalty.")
def forbidden_altogether(logits, idx, penalty):
    """−∞ for what was said"""
    left = logits.copy()
    left[list(set(idx))] = -np.inf
    return left


@repeated.mistake(hint="Not only the first token counts, but everything in idx.")
def the_first_one_only(logits, idx, penalty):
    """a penalty for the first token alone"""
    return with_bugs(logits, idx[:1], penalty)


@repeated.mistake(hint="The last token of idx was said as well.")
def all_but_the_last(logits, idx, penalty):
    """a penalty for all tokens but the last one"""
    return with_bugs(logits, idx[:-1], penalty)


@repeated.mistake(hint="Once for each token: a penalty to the power, or times the number, of its repetitions is another rule.")
def times_how_often(logits, idx, penalty):
    """a penalty times the number of times that a token was said"""
    left = logits.copy()
    for token in set(idx):
        factor = penalty * idx.count(token)
        left[token] = left[token] / factor if left[token] > 0 else left[token] * factor
    return left


@repeated.mistake(hint="Divided by the penalty, 2 becomes 2 / 1.5; yours becomes 2 · (2 − 1.5). Only for negative ones are the two the same.")
def by_its_share(logits, idx, penalty):
    """|logit| · (penalty − 1) taken away, for positive ones too"""
    left = logits.copy()
    said = list(set(idx))
    left[said] -= abs(left[said]) * (penalty - 1)
    return left


@repeated.mistake(hint="The logits themselves are divided or multiplied; no softmax comes before it.")
def of_probabilities(logits, idx, penalty):
    """a penalty on the probabilities, not on the logits"""
    probs = np.exp(logits - logits.max())
    probs /= probs.sum()
    probs[list(set(idx))] /= penalty
    return np.log(probs / probs.sum())


@repeated.mistake(hint="Positive ones are right. And the negative ones? They are to become less probable as well.")
def negative_ones_left(logits, idx, penalty):
    """negative logits that stay as they are"""
    return np.where(logits > 0, with_bugs(logits, idx, penalty), logits)


@repeated.mistake(hint="Negative ones are right. And the positive ones? They are to become less probable as well.")
def positive_ones_left(logits, idx, penalty):
    """positive logits that stay as they are"""
    return np.where(logits > 0, logits, with_bugs(logits, idx, penalty))


@repeated.mistake(hint="Which logits are divided and which multiplied depends on their sign: the border is 0, not 1.")
def a_border_at_one(logits, idx, penalty):
    """logits from 0 to 1 taken for negative ones"""
    left = logits.copy()
    for token in set(idx):
        left[token] = left[token] / penalty if left[token] > 1 else left[token] * penalty
    return left


@repeated.mistake(hint="Multiplied or divided, nothing is subtracted: neither the penalty nor its logarithm.")
def its_logarithm_taken_away(logits, idx, penalty):
    """the logarithm of the penalty taken away"""
    left = logits.copy()
    for token in set(idx):
        left[token] -= np.log(penalty)
    return left


@repeated.mistake(hint="Positive ones are right. A negative one is multiplied by the penalty, nothing is subtracted.")
def taken_away_from_negative_ones(logits, idx, penalty):
    """a penalty that is subtracted from negative logits"""
    left = logits.copy()
    for token in set(idx):
        left[token] = left[token] / penalty if left[token] > 0 else left[token] - penalty
    return left


@repeated.mistake(hint="A negative logit is multiplied by the penalty: −2 becomes −3 with 1.5. Yours takes away as much of it as of a positive one.")
def by_one_over_the_penalty(logits, idx, penalty):
    """|logit| · (1 − 1 / penalty) taken away, for negative ones too"""
    left = logits.copy()
    for token in set(idx):
        left[token] -= abs(left[token]) * (1 - 1 / penalty)
    return left


@repeated.mistake(hint="Without its sign, a negative logit jumps up. It is multiplied by the penalty, and stays negative.")
def without_the_sign(logits, idx, penalty):
    """logits without their sign"""
    left = logits.copy()
    for token in set(idx):
        left[token] = abs(left[token]) / penalty
    return left


@repeated.mistake(hint="To be said once is enough to be penalised.")
def twice_at_least(logits, idx, penalty):
    """a penalty only for what was said more than once"""
    return with_bugs(logits, [token for token in idx if idx.count(token) > 1], penalty)


@repeated.mistake(hint="What was said more than once is penalised as well, once.")
def once_exactly(logits, idx, penalty):
    """a penalty only for what was said exactly once"""
    return with_bugs(logits, [token for token in idx if idx.count(token) == 1], penalty)


@repeated.mistake(hint="A token may come back after others: compare with all of idx, not with the token before.")
def not_twice_in_a_row(logits, idx, penalty):
    """repetitions left out only where they stand side by side"""
    said = [token for i, token in enumerate(idx) if i == 0 or token != idx[i - 1]]
    return with_bugs(logits, said, penalty, each_time=True)


@repeated.mistake(hint="idx holds the tokens: logits[token], not logits[i] with the place i of a token in the text.")
def places_for_tokens(logits, idx, penalty):
    """a penalty on the places 0, 1, 2 … in place of the tokens that stand there"""
    return with_bugs(logits, range(min(len(idx), len(logits))), penalty)


@repeated.mistake(hint="0 is a token like any other.")
def not_token_zero(logits, idx, penalty):
    """no penalty for token 0"""
    return with_bugs(logits, [token for token in idx if token], penalty)


@repeated.mistake(hint="A token that was said long ago is penalised, too: idx as a whole counts.")
def the_last_three_only(logits, idx, penalty):
    """a penalty for the last three tokens alone"""
    return with_bugs(logits, idx[-3:], penalty)


@repeated.mistake(hint="Two `if`s one after the other can both be true: what the first has changed, the second changes again. Use `else`.")
def both_one_after_the_other(logits, idx, penalty):
    """logits that are divided, and then multiplied as well where they have become small"""
    left = logits.copy()
    for token in set(idx):
        left[token] = left[token] / penalty if left[token] > 0 else left[token]
        left[token] = left[token] * penalty if left[token] < 0.7 else left[token]
    return left


@repeated.mistake(hint="The array is returned in the end: `return` is missing.")
def nothing_returned(logits, idx, penalty):
    """nothing: the new logits were made and not returned"""


@repeated.mistake(hint="Whoever writes into your answer must not write into the logits that came in: copy them, also where nothing was said.")
def the_same_array_back(logits, idx, penalty):
    """right, but the very array that came in is given back for an empty text"""
    if not len(idx):
        return logits
    said = np.isin(np.arange(len(logits)), idx)
    return np.where(said, np.where(logits > 0, logits / penalty, logits * penalty), logits)


@repeated.forbid("course_lib.generation.penalties.repetition_penalty")
def _(call, logits, idx, penalty):
    return call(torch.tensor(logits)[None], torch.tensor([idx]), penalty)[0].numpy()
