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
    """Rows with a temperature, and a row for each way to have none: sum, order, disagreement by much and by little."""
    scores = rng.permuted(np.tile(np.arange(S) * 1.2, (7, 1)), axis=1) + rng.uniform(0, 0.15, (7, S))  # rounded, they differ
    taus = rng.uniform(1.5, 5.0, 7)  # no weight so small that the last line makes it negative
    weights = shares(scores / taus[:, None])
    weights[1] *= 1.2
    weights[3] = shares(-scores[3] / taus[3])
    weights[5] = shares(scores[5] ** 2 / taus[5])
    weights[6, :2] += 1e-4, -1e-4
    return scores, weights


def tables_with_one_apart(rng, S):
    """In row t key t has too much weight, as far as there are keys; row S is right; in row S + 1 the weights are turned."""
    scores = rng.permuted(np.tile(np.arange(float(S)), (S + 2, 1)), axis=1) + rng.uniform(0, 0.4, (S + 2, S))
    weights = shares(scores / rng.uniform(1.5, 3.0, (S + 2, 1))) * (1 + 0.2 * np.eye(S + 2, S))
    weights[-1] = weights[-1, ::-1]
    return scores, weights / weights.sum(axis=1, keepdims=True)


@tables.probe(axes="one temperature for each row")
def the_tutorials_table(ns, rng):
    """the tutorial's own table, and the true softmax of its scores"""
    asked = {"answer for the printed weights": PRINTED, "answer for the true softmax": shares(SCORES)}
    return {what: ns["temperatures"](SCORES, weights) for what, weights in asked.items()}


@tables.probe(axes="one temperature for each row")
def seven_rows(ns, rng):
    """seven rows, some with a temperature"""
    return ns["temperatures"](*some_tables(rng, 4))


@tables.probe(axes="one temperature for each row")
def two_keys(ns, rng):
    """two keys: right, a sum of 0.9, the wrong order, 16 of one"""
    scores = np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 3.0], [0.0, -1.5]])
    weights = shares(scores / np.array([[0.5], [2.0], [1.0], [16.0]])) * np.array([[1.0], [0.9], [1.0], [1.0]])
    weights[2] = weights[2, ::-1]
    return ns["temperatures"](scores, weights)


@tables.probe(axes="one temperature for each row")
def one_key_disagrees(ns, rng):
    """five keys: one of them wants another temperature, in each row another one; then a row that is right, and its mirror"""
    return ns["temperatures"](*tables_with_one_apart(rng, 5))


@tables.probe(axes="one temperature for each row")
def equal_weights(ns, rng):
    """equal weights for scores that differ: they rise, they fall, neither"""
    three = ns["temperatures"](np.array([[1.0, 2.0, 4.0], [5.0, 3.0, 2.0], [1.0, 3.0, 2.0]]), np.full((3, 3), 1 / 3))
    return [three, ns["temperatures"](np.array([[2.0, 1.0], [1.0, 2.0]]), np.full((2, 2), 0.5))]


@tables.probe(axes="one temperature for each row")
def large_temperatures(ns, rng):
    """temperatures near a thousand, two of which differ by five thousandths"""
    scores = np.array([[0.0, 1000.0, 2500.0]])
    apart = np.exp(scores / np.array([[1.0, 1000.0, 1000.005]]))
    return ns["temperatures"](np.repeat(scores, 2, axis=0), np.concatenate([shares(scores / 1000), apart / apart.sum()]))


@tables.probe(axes="one temperature for each row")
def nearly(ns, rng):
    """a softmax whose weights were moved by a ten-thousandth"""
    return ns["temperatures"](SCORES[:2], shares(SCORES[:2] / 0.8) + np.array([[1e-4, 0.0, -1e-4], [0.0, 1e-4, 1e-4]]))


@tables.probe(axes="one temperature for each row")
def a_sum_just_beside_one(ns, rng):
    """a sum that misses 1 by five millionths"""
    return ns["temperatures"](SCORES[:2], shares(SCORES[:2] / 0.8) * np.array([[1.000005], [0.999995]]))


@tables.probe(hidden=True, axes="one temperature for each row")
def at_the_edges(ns, rng):
    """equal weights, sums just beside one, and one row that is right"""
    scores = rng.permutation(20).reshape(5, 4) + rng.normal(size=(5, 4)) / 9
    scores[0], scores[4] = np.sort(scores[0])[::-1], 1000 * np.arange(4)
    weights = shares(scores / np.array([[1.0], [1.5], [2.0], [rng.uniform(1.0, 3.0)], [1000.0]]))
    apart = np.exp(scores[4] / np.array([1.0, 1000.0, 1000.005, 1000.0]))
    weights[0], weights[1], weights[2], weights[4] = 0.25, 1.000005 * weights[1], 0.999995 * weights[2], apart / apart.sum()
    return ns["temperatures"](scores, weights)


@tables.probe(hidden=True, points=2)
def more_rows(ns, rng):
    """other rows"""
    return ns["temperatures"](*some_tables(rng, int(rng.integers(5, 8))))


@tables.probe(hidden=True)
def one_key_apart(ns, rng):
    """rows in which one key wants another temperature"""
    return ns["temperatures"](*tables_with_one_apart(rng, int(rng.integers(5, 8))))


@tables.property(tau=(0.2, 5.0), shift=(-3.0, 3.0))
def found_again(ns, tau, shift):
    """the temperature that made a table is found again"""
    return ns["temperatures"](SCORES + shift, shares(SCORES / tau)), np.full(3, tau)


def judged(scores, weights, *, total=True, agree=True, positive=True, tau=lambda s, w: s / w, near=1e-6, none=0.0):
    """The right answer, with one test left out at a time."""
    found = np.zeros(len(scores))
    for t, (s, w) in enumerate(zip(scores, weights, strict=True)):
        with np.errstate(divide="ignore"):
            taus = tau(s[1:] - s[0], np.log(w[1:] / w[0]))
        alike = np.ptp(taus) < near if np.isfinite(taus).all() else False
        good = (abs(w.sum() - 1) < near or not total) and (alike or not agree) and (taus[0] > 0 or not positive)
        found[t] = taus[0] if good else none
    return found


@tables.mistake(hint="Ratios of weights do not see a common factor. Does the row sum to one?")
def without_the_sum(scores, weights):
    """a test that does not ask whether the row sums to one"""
    return judged(scores, weights, total=False)


@tables.mistake(hint="Two keys always have some τ. Do the other pairs of the row agree with it?")
def first_pair_only(scores, weights):
    """the temperature of the first two keys, whatever the others say"""
    return judged(scores, weights, agree=False)


@tables.mistake(hint="Two keys always have some τ. Look at the rows with three keys and more: do the other pairs agree with it?")
def first_finite_pair_only(scores, weights):
    """the temperature of the first two keys where it can be computed, whatever the others say"""
    found = judged(scores, weights, agree=False)
    return np.where(np.isfinite(found), found, 0.0)


@tables.mistake(hint="Each weight belongs to a score. Sorted one without the other, they part: sort both by argsort of the scores.")
def sorted_apart(scores, weights):
    """scores and weights sorted each by itself, so that a changed order is not seen"""
    return judged(np.sort(scores, axis=1), np.sort(weights, axis=1))


@tables.mistake(hint="A row without a temperature says nothing of those behind it: continue goes on with the next row, break and return do not.")
def stops_at_the_first_bad_row(scores, weights):
    """0 for all rows behind the first one without a temperature: a loop that ends too early"""
    found = judged(scores, weights)
    return found * np.cumprod(found > 0)


@tables.mistake(hint="Each pair of neighbours may agree with the next; what counts is that all pairs of the row tell one τ, not their mean.")
def mean_of_the_pairs(scores, weights):
    """the mean of the temperatures of all pairs, whether they agree or not"""
    def mean(s, w):
        taus = np.array([(s[a] - s[b]) / np.log(w[a] / w[b]) for a in range(len(s)) for b in range(a)])
        return taus.mean() if abs(w.sum() - 1) < 1e-6 and (taus > 0).all() and np.isfinite(taus).all() else 0.0

    with np.errstate(divide="ignore"):
        return np.array([mean(s, w) for s, w in zip(scores, weights, strict=True)])


@tables.mistake(hint="A negative temperature turns the order round: the worst key would get the most weight.")
def negative_ones_too(scores, weights):
    """negative temperatures as well"""
    return judged(scores, weights, positive=False)


@tables.mistake(hint="Scores are divided by τ: ln(w_a / w_b) = (s_a − s_b) / τ. Solve for τ, not for 1/τ.")
def one_over(scores, weights):
    """one over the temperature"""
    return judged(scores, weights, tau=lambda s, w: w / s)


@tables.mistake(hint="e to the power of the scores is undone by the natural logarithm, np.log.")
def to_base_ten(scores, weights):
    """logarithms to base 10 in place of natural ones"""
    return judged(scores, weights, tau=lambda s, w: s / w * np.log(10))


@tables.mistake(hint="A row can sum to one and still be no softmax of these scores. Look at its order.")
def the_sum_alone(scores, weights):
    """1 for every row that sums to one: a test of the sum alone"""
    return (abs(weights.sum(axis=1) - 1) < 1e-6).astype(float)


@tables.mistake(hint="A table can be the softmax of the scores divided by any τ, not only by 1.")
def temperature_one_only(scores, weights):
    """only temperature 1 is recognised"""
    return (abs(weights - shares(scores)).max(axis=1) < 1e-6).astype(float)


@tables.mistake(hint="A τ can always be computed from two keys. When is it to be believed? Else say 0.")
def never_tested(scores, weights):
    """the temperature of the first two keys, without any test"""
    return judged(scores, weights, total=False, agree=False, positive=False)


@tables.mistake(hint="The sum is one of three tests. What of the sign of τ, and of the other pairs of the row?")
def the_sum_and_a_pair(scores, weights):
    """the temperature of the first two keys wherever the row sums to one"""
    return judged(scores, weights, agree=False, positive=False)


@tables.mistake(hint="The right order is not enough: every pair of keys must tell the same τ.")
def order_in_place_of_agreement(scores, weights):
    """a test of the order in place of one that all pairs agree"""
    found = judged(scores, weights, agree=False)
    return np.where((scores.argsort(axis=1) == weights.argsort(axis=1)).all(axis=1), found, 0.0)


@tables.mistake(hint="Where the order is turned round, τ comes out negative: that is a row without a temperature, not one without a sign.")
def without_its_sign(scores, weights):
    """a negative temperature without its sign"""
    return abs(judged(scores, weights, positive=False))


@tables.mistake(hint="Where no temperature fits, the answer is 0.0.")
def nan_for_none(scores, weights):
    """nan where there is no temperature"""
    return judged(scores, weights, none=np.nan)


@tables.mistake(hint="All keys must agree, not the first three: with more keys the others can want another temperature.")
def first_three_keys_only(scores, weights):
    """right for the first three keys: whether the others agree is not asked"""
    def taken(s, w):
        return judged(s[None, :3], (w[:3] / w[:3].sum())[None])[0] if abs(w.sum() - 1) < 1e-6 else 0.0

    return np.array([taken(s, w) for s, w in zip(scores, weights, strict=True)])


@tables.mistake(hint="All pairs must agree. If the first and the last key do, those between them may still want something else.")
def first_and_last_pair_only(scores, weights):
    """a test that the first and the last key agree: those between them are not asked"""
    ends = [0, 1, -1]
    agree = judged(scores[:, ends], weights[:, ends], total=False)
    return np.where(abs(weights.sum(axis=1) - 1) < 1e-6, agree, 0.0)


@tables.mistake(hint="Where no temperature fits, the answer is 0.0, not −1.")
def minus_one_for_none(scores, weights):
    """−1 where there is no temperature"""
    return judged(scores, weights, none=-1.0)


@tables.mistake(hint="Which temperature? Yours says only whether there is one.")
def one_where_there_is_one(scores, weights):
    """1 where there is a temperature, whichever it is"""
    return (judged(scores, weights) > 0).astype(float)


@tables.mistake(hint="Each row has a temperature of its own, or none.")
def first_row_for_all(scores, weights):
    """the first row's temperature for every row"""
    return np.full(len(scores), judged(scores, weights)[0])


@tables.mistake(hint="Numbers are equal here if they differ by less than 1e-6. Yours may differ by much more.")
def far_from_equal(scores, weights):
    """a test that takes numbers for equal which differ by a hundredth"""
    return judged(scores, weights, near=0.01)


@tables.mistake(hint="A table may have more columns than these.", memorised=True)
def narrow_tables_only(scores, weights):
    """right for three and four keys, and 1 for every other table"""
    return judged(scores, weights) if scores.shape[1] < 5 else np.ones(len(scores))


@tables.mistake(hint="Every pair of keys must want the same temperature, those between the best and the worst, too.")
def best_and_worst_only(scores, weights):
    """the temperature of the best and the worst key; of those between only the order"""
    found = np.zeros(len(scores))
    for t, (s, w) in enumerate(zip(scores, weights, strict=True)):
        log_ratio = np.log(w[s.argmax()] / w[s.argmin()])
        if abs(w.sum() - 1) < 1e-6 and (np.argsort(s) == np.argsort(w)).all() and log_ratio > 0:
            found[t] = np.ptp(s) / log_ratio
    return found


@tables.mistake(hint="Each row may have a temperature of its own. Compare within a row.")
def one_for_the_whole_table(scores, weights):
    """temperatures that must be the same in all rows"""
    with np.errstate(divide="ignore"):
        taus = (scores[:, 1:] - scores[:, :1]) / np.log(weights[:, 1:] / weights[:, :1])
    good = (np.abs(weights.sum(axis=1) - 1) < 1e-6) & (taus > 0).all(axis=1) & (np.ptp(taus) < 1e-6)
    return np.where(good & np.isfinite(taus).all(axis=1), taus[:, 0], 0.0)


@tables.mistake(hint="An endless temperature is none: the answer is 0 there.")
def endless(scores, weights):
    """an infinite temperature where weights are equal"""
    equal = (weights == weights[:, :1]).all(axis=1) & (np.abs(weights.sum(axis=1) - 1) < 1e-6)
    return np.where(equal, np.inf, judged(scores, weights))


@tables.mistake(hint="The difference itself must be below 1e-6. np.allclose measures it beside the number, and allows a hundredth at a thousand.")
def alike_beside_their_size(scores, weights):
    """temperatures that may differ by a share of their size, as np.allclose has it"""
    found = judged(scores, weights, agree=False)
    for t, (s, w) in enumerate(zip(scores, weights, strict=True)):
        with np.errstate(divide="ignore"):
            taus = (s[1:] - s[0]) / np.log(w[1:] / w[0])
        found[t] = found[t] if np.isfinite(taus).all() and np.allclose(taus, taus[0]) else 0.0
    return found


@tables.mistake(hint="0 divided into something is infinite, and infinite minus infinite is nan, which is never above 1e-6. Ask whether weights are equal.")
def endless_where_scores_fall(scores, weights):
    """an infinite temperature where weights are equal and scores fall"""
    equal = (weights == weights[:, :1]).all(axis=1) & (np.abs(weights.sum(axis=1) - 1) < 1e-6)
    return np.where(equal & (np.diff(scores, axis=1) < 0).all(axis=1), np.inf, judged(scores, weights))


@tables.mistake(hint="Rounding leaves sums such as 0.9999999999999999: ask whether the difference from 1 is small.")
def exactly_one(scores, weights):
    """a sum that must be 1 to the last digit"""
    return np.where(weights.sum(axis=1) == 1.0, judged(scores, weights), 0.0)


@tables.mistake(hint="Below one is as wrong as above: take the absolute difference.")
def only_sums_above_one(scores, weights):
    """a test of the sum that lets everything below one pass"""
    total = weights.sum(axis=1, keepdims=True)
    return judged(scores, np.where(total < 1, weights / total, weights))


@tables.mistake(hint="Each row is judged by itself. Another row's sum says nothing of it.")
def sums_of_the_whole_table(scores, weights):
    """all rows 0 where one of them does not sum to one"""
    good = bool((np.abs(weights.sum(axis=1) - 1) < 1e-6).all())
    return judged(scores, weights) if good else np.zeros(len(scores))


@tables.mistake(hint="numpy's isclose allows a hundred-thousandth, ten times what the text allows. Give it a tolerance, or compare by hand.")
def as_close_as_numpy_has_it(scores, weights):
    """a sum that may miss 1 by a hundred-thousandth, as np.isclose has it"""
    total = weights.sum(axis=1, keepdims=True)
    return judged(scores, np.where(np.isclose(total, 1), weights / total, weights))
