"""Exercise 02.4: the weights of a mixture of models, found by EM from the letters that came."""

import numpy as np

from course_lib.byhand import interpolation
from course_lib.classroom.checking.exercise import Exercise

mixture = Exercise(
    "02.4", "mixture_weights", title="Who wrote this letter?", difficulty=3, minutes=15,
    hints=(
        "If you knew the weights: which share of one letter can model k claim? The shares of a letter sum to one.",
        "Share of model k in letter i: weight · probability, divided by the sum of that over the models. Then the mean over letters.",
        "shares = weights · components (one row a letter); divide each row by its sum; the new weights are the mean of each column.",
    ),
)


def some_components(rng, N=30, K=3):
    return rng.random((N, K)) ** np.arange(1, K + 1)


@mixture.probe()
def one_turn(ns, rng):
    """one turn, two models, three letters"""
    return ns["mixture_weights"](np.array([[0.2, 0.6], [0.0, 0.1], [0.5, 0.4]]), 1)


@mixture.probe()
def three_turns(ns, rng):
    """three turns"""
    return ns["mixture_weights"](some_components(rng), 3)


@mixture.probe()
def many_turns(ns, rng):
    """a hundred turns"""
    return ns["mixture_weights"](some_components(rng), 100)


@mixture.probe()
def no_turn(ns, rng):
    """no turn at all, and then one"""
    return [ns["mixture_weights"](some_components(rng, 5, 4), n_steps) for n_steps in (0, 1)]


@mixture.probe()
def one_of_each(ns, rng):
    """a single letter, never and twice; a single model"""
    letter = np.array([[0.1, 0.3]])
    return [ns["mixture_weights"](letter, 0), ns["mixture_weights"](letter, 2), ns["mixture_weights"](np.array([[0.5], [0.2]]), 3)]


@mixture.probe()
def unlikely_letters(ns, rng):
    """letters that no model expected: probabilities of 1e-20"""
    return ns["mixture_weights"](np.array([[2e-20, 6e-20], [3e-20, 1e-20], [0.5, 0.4], [1e-20, 9e-20]]), 2)


@mixture.probe(hidden=True)
def any_mixture(ns, rng):
    """any mixture"""
    components = some_components(rng, 20, int(rng.integers(3, 6)))
    components[:3] *= 1e-20
    return [ns["mixture_weights"](components, n_steps) for n_steps in (0, int(rng.integers(3, 9)))]


@mixture.probe(hidden=True)
def until_it_stands(ns, rng):
    """many turns on any letters"""
    return ns["mixture_weights"](some_components(rng, 25), 300)


@mixture.property(N=(1, 9), K=(2, 5), n_steps=(1, 20))
def weights_sum_to_one(ns, N, K, n_steps):
    """the weights sum to one"""
    components = 0.1 + np.arange(N * K).reshape(N, K) % 7 / 10
    return np.asarray(ns["mixture_weights"](components, n_steps)).sum(), 1.0


def turned(components, n_steps, share):
    weights = np.full(components.shape[1], 1 / components.shape[1])
    for _ in range(n_steps):
        weights = share(weights, components)
    return weights


def normalised(values, axis=None):
    return values / values.sum(axis=axis, keepdims=axis is not None)


@mixture.mistake(hint="The weights of the last turn belong into the responsibilities of the next. Do yours change after the first turn?")
def weights_not_used(components, n_steps):
    """the first turn only, or again and again: the weights that it found are not used"""
    return turned(components, n_steps, lambda weights, q: normalised(q, axis=1).mean(axis=0))


@mixture.mistake(hint="Each letter is shared out among the models, softly. This gives it wholly to the best one.")
def the_winner_takes_all(components, n_steps):
    """hard decisions: each letter belongs wholly to one model"""
    K = components.shape[1]
    return turned(components, n_steps, lambda weights, q: np.bincount((weights * q).argmax(axis=1), minlength=K) / len(q))


@mixture.mistake(hint="The shares of one letter sum to one, over the models. Which axis is that?")
def shared_among_letters(components, n_steps):
    """shares that sum to one over the letters in place of the models"""
    return turned(components, n_steps, lambda weights, q: normalised(normalised(weights * q, axis=0).max(axis=0)))


@mixture.mistake(hint="Here likely letters count more than unlikely ones. First share out each letter, then take the mean.")
def not_shared_out(components, n_steps):
    """weights in proportion to the probabilities, summed before they were shared out"""
    return turned(components, n_steps, lambda weights, q: normalised((weights * q).sum(axis=0)))


@mixture.mistake(hint="Each letter may have another writer. This asks which single model wrote the whole text.")
def one_writer_for_all(components, n_steps):
    """the probability that one model wrote everything"""
    return normalised(components.prod(axis=0) + 1e-300)


@mixture.mistake(hint="n_steps turns: this took one more.")
def one_too_many(components, n_steps):
    """one turn too many"""
    return turned(components, n_steps + 1, interpolation.em_step)


@mixture.mistake(hint="The mean of the shares over the letters, not their sum. What do your weights sum to?")
def sums_for_means(components, n_steps):
    """the shares summed over the letters, not their mean"""
    return turned(components, n_steps, lambda weights, q: normalised(weights * q, axis=1).sum(axis=0))


@mixture.mistake(hint="n_steps turns: this took one less.")
def one_too_few(components, n_steps):
    """one turn too few"""
    return turned(components, n_steps - 1, interpolation.em_step)


@mixture.mistake(hint="Begin with equal weights that sum to one: 1 / K each.")
def begins_with_ones(components, n_steps):
    """weights that begin with 1 each"""
    return turned(components, n_steps, interpolation.em_step) if n_steps > 0 else np.ones(components.shape[1])


@mixture.mistake(hint="The shares of one letter sum to one, over the models. Your sum goes down a column.")
def shared_down_a_column(components, n_steps):
    """shares that were divided by the sum of their column"""
    return turned(components, n_steps, lambda weights, q: normalised(weights * q, axis=0).mean(axis=0))


@mixture.mistake(hint="Each row of weights · components must be divided by its sum before the mean is taken.")
def never_shared_out(components, n_steps):
    """products of weight and probability, averaged but never shared out"""
    return turned(components, n_steps, lambda weights, q: (weights * q).mean(axis=0))


@mixture.mistake(hint="The probabilities stay as they are; only the weights are new in each turn. Yours are overwritten by the shares.")
def components_overwritten(components, n_steps):
    """shares that take the place of the probabilities"""
    q, weights = components.copy(), np.full(components.shape[1], 1 / components.shape[1])
    for _ in range(n_steps):
        q = normalised(q * weights, axis=1)
        weights = q.mean(axis=0)
    return weights


@mixture.mistake(hint="These are the responsibilities. The weights are their means over the letters: (K,).")
def the_shares_themselves(components, n_steps):
    """the responsibilities of the last turn, not their means"""
    return normalised(turned(components, n_steps - 1, interpolation.em_step) * components, axis=1)


@mixture.mistake(hint="n_steps turns, not one.")
def a_single_turn(components, n_steps):
    """a single turn"""
    return turned(components, 1, interpolation.em_step)


@mixture.mistake(hint="Sums of probabilities are no weights: share out each letter first, then take the mean, and do it n_steps times.")
def column_sums(components, n_steps):
    """the sums of the columns, divided by their sum: no EM at all"""
    return normalised(components.sum(axis=0))


@mixture.mistake(hint="A sum of probabilities can be small, and it is no zero: divide by it as it is, nothing added.")
def something_added_below(components, n_steps):
    """something small added to each sum before it divides"""
    def share(weights, q):
        return (weights * q / ((weights * q).sum(axis=1, keepdims=True) + 1e-9)).mean(axis=0)

    return turned(components, n_steps, share)


@mixture.mistake(hint="There are K weights, one for each model: begin with 1 / K.")
def begins_with_one_nth(components, n_steps):
    """weights that begin with 1 / N, the number of letters, in place of 1 / K"""
    if n_steps < 1:
        return np.full(components.shape[1], 1 / len(components))
    return turned(components, n_steps, interpolation.em_step)


@mixture.mistake(hint="n_steps turns: an early stop leaves some out, however little the weights still move.")
def stops_early(components, n_steps):
    """a search that ends as soon as the weights move by less than 0.001"""
    weights = turned(components, 0, interpolation.em_step)
    for _ in range(n_steps):
        old, weights = weights, interpolation.em_step(weights, components)
        if abs(weights - old).max() < 1e-3:
            break
    return weights


@mixture.mistake(hint="n_steps is an argument: you take a hundred turns whatever it is.")
def always_a_hundred(components, n_steps):
    """a hundred turns, whatever n_steps is"""
    return turned(components, 100, interpolation.em_step)


@mixture.mistake(hint="Shares are weight · probability, divided by their sum. Nothing is exponentiated.")
def a_softmax(components, n_steps):
    """a softmax of weight and probability in place of shares"""
    return turned(components, n_steps, lambda weights, q: normalised(np.exp(weights * q), axis=1).mean(axis=0))


@mixture.mistake(hint="Each column of components is used as it is: it need not sum to one, for it holds the letters that came.")
def columns_made_to_sum_to_one(components, n_steps):
    """probabilities that were divided by the sum of their column first"""
    return turned(normalised(components, axis=0), n_steps, interpolation.em_step)


@mixture.mistake(hint="Nothing is added to the shares: a model that explains nothing may lose all its weight.")
def one_added(components, n_steps):
    """shares to which 1 was added for each model"""
    def share(weights, q):
        return normalised(normalised(weights * q, axis=1).sum(axis=0) + 1)

    return turned(components, n_steps, share)


@mixture.mistake(hint="The mean over the letters, axis 0: one weight for each model. Yours has one number for each letter.")
def means_over_the_models(components, n_steps):
    """means of the shares over the models, not over the letters"""
    weights = turned(components, n_steps - 1, interpolation.em_step)
    return normalised(weights * components, axis=1).mean(axis=1)


@mixture.mistake(hint="All letters are shared out with the same weights; then the weights move, once a turn.")
def letter_after_letter(components, n_steps):
    """weights that move after each letter, not once a turn"""
    weights = np.full(components.shape[1], 1 / components.shape[1])
    for _ in range(n_steps):
        for letter in components:
            weights = normalised(weights * letter)
    return weights


@mixture.mistake(hint="All responsibilities of a turn come from the same weights. Replace them when the turn is done.")
def one_weight_after_the_other(components, n_steps):
    """weights replaced one after the other, so that the second model sees the first one's new weight"""
    weights = np.full(components.shape[1], 1 / components.shape[1])
    for _ in range(n_steps):
        for k in range(len(weights)):
            weights[k] = np.mean(weights[k] * components[:, k] / (components @ weights))
    return weights


@mixture.forbid("course_lib.byhand.interpolation.em_step")
def _(call, components, n_steps):
    return turned(components, n_steps, call)


@mixture.forbid("course_lib.byhand.interpolation.em_weights")
def _(call, components, n_steps):
    return call(components, max_steps=n_steps, tolerance=0.0)
