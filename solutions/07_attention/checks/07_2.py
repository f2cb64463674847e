"""Exercise 07.2: is a row of weights the softmax of its scores, and at which temperature?"""

import numpy as np

from course_lib.classroom.checking.exercise import Exercise


def shares(z, axis=-1):
    """Softmax, for wrong answers whose mistake is elsewhere."""
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


tables = Exercise(
    "07.2", "temperatures", title="Is this a softmax?", difficulty=2, minutes=15,
    hints=(
        "ln(w_a / w_b) = (s_a − s_b) / τ. So every pair of keys of a row tells its own τ.",
        "Compute τ from the first key and each other one. When do you believe it? Think of the sum, of the sign, and of agreement.",
        "taus = (s[1:] − s[0]) / np.log(w[1:] / w[0]); the answer is taus[0] if they agree, are positive, and w sums to one.",
    ),
)

SCORES = np.array([[0.8, 0.5, 0.3], [0.6, 0.9, 0.7], [0.4, 0.6, 0.8]])
PRINTED = np.array([[0.6, 0.4, 0.2], [0.3, 0.7, 0.4], [0.2, 0.5, 0.3]])


def some_tables(rng, S):
    """Rows with a temperature, and one row for each way to have none: sum, order, disagreement."""
    scores = rng.permuted(np.tile(np.arange(S) * 0.7, (6, 1)), axis=1) + rng.uniform(0, 0.3, (6, S))
    taus = rng.uniform(0.4, 3.0, 6)
    weights = shares(scores / taus[:, None])
    weights[1] *= 1.2
    weights[3] = shares(-scores[3] / taus[3])
    weights[5] = shares(scores[5] ** 2 / taus[5])
    return scores, weights


@tables.probe(axes="one temperature for each row")
def the_tutorials_table(ns, rng):
    """the tutorial's own table, and the true softmax of its scores"""
    return {"printed": ns["temperatures"](SCORES, PRINTED), "true": ns["temperatures"](SCORES, shares(SCORES))}


@tables.probe(axes="one temperature for each row")
def six_rows(ns, rng):
    """six rows, some with a temperature"""
    return ns["temperatures"](*some_tables(rng, 4))


@tables.probe(hidden=True, points=2)
def more_rows(ns, rng):
    """other rows"""
    return ns["temperatures"](*some_tables(rng, int(rng.integers(5, 8))))


@tables.property(tau=(0.2, 5.0), shift=(-3.0, 3.0))
def found_again(ns, tau, shift):
    """the temperature that made a table is found again"""
    return ns["temperatures"](SCORES + shift, shares(SCORES / tau)), np.full(3, tau)


def judged(scores, weights, *, total=True, agree=True, positive=True, tau=lambda s, w: s / w):
    """The right answer, with one test left out at a time."""
    found = np.zeros(len(scores))
    for t, (s, w) in enumerate(zip(scores, weights, strict=True)):
        taus = tau(s[1:] - s[0], np.log(w[1:] / w[0]))
        good = (abs(w.sum() - 1) < 1e-6 or not total) and (np.ptp(taus) < 1e-6 or not agree) and (taus[0] > 0 or not positive)
        found[t] = taus[0] if good else 0.0
    return found


@tables.mistake(hint="Ratios of weights do not see a common factor. Does the row sum to one?")
def without_the_sum(scores, weights):
    """a test that does not ask whether the row sums to one"""
    return judged(scores, weights, total=False)


@tables.mistake(hint="Two keys always have some τ. Do the other pairs of the row agree with it?")
def first_pair_only(scores, weights):
    """the temperature of the first two keys, whatever the others say"""
    return judged(scores, weights, agree=False)


@tables.mistake(hint="A negative temperature turns the order round: the worst key would get the most weight.")
def negative_ones_too(scores, weights):
    """negative temperatures as well"""
    return judged(scores, weights, positive=False)


@tables.mistake(hint="Scores are divided by τ: ln(w_a / w_b) = (s_a − s_b) / τ. Solve for τ, not for 1/τ.")
def one_over(scores, weights):
    """one over the temperature"""
    return judged(scores, weights, tau=lambda s, w: w / s)


@tables.mistake(hint="A row can sum to one and still be no softmax of these scores. Look at its order.")
def the_sum_alone(scores, weights):
    """1 for every row that sums to one: a test of the sum alone"""
    return (abs(weights.sum(axis=1) - 1) < 1e-6).astype(float)


@tables.mistake(hint="A table can be the softmax of the scores divided by any τ, not only by 1.")
def temperature_one_only(scores, weights):
    """only temperature 1 is recognised"""
    return (abs(weights - shares(scores)).max(axis=1) < 1e-6).astype(float)


@tables.mistake(hint="A table may have more columns than these.", memorised=True)
def narrow_tables_only(scores, weights):
    """right for three and four keys, and 1 for every other table"""
    return judged(scores, weights) if scores.shape[1] < 5 else np.ones(len(scores))
