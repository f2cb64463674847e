from collections import Counter

import numpy as np
import pytest
from nltk.lm import MLE, AbsoluteDiscountingInterpolated, Laplace, Lidstone

from course_lib.byhand.ngram import NGram
from course_lib.byhand.smoothing import (
    absolute_discounting,
    add_k,
    estimated_discount,
    maximum_likelihood,
    witten_bell,
)

V = 5
ORDER = 3
COUNT, TOTAL, DISTINCT, LOWER = (np.array(x, float) for x in ([3, 0, 2, 0], [5, 5, 5, 0], [2, 2, 2, 0],
                                                              [0.5, 0.25, 0.125, 0.125]))


def text(n, seed=0, kinds=V):
    """Ids with structure, and some noise."""
    rng, ids = np.random.default_rng(seed), [0, 1]
    while len(ids) < n:
        ids.append(int((ids[-1] * 2 + ids[-2]) % kinds if rng.random() < 0.6 else rng.integers(kinds)))
    return ids[:n]


def fitted(theirs, train):
    """nltk's model, trained on the same n-grams, with our V ids as its words and nothing unknown."""
    words = [str(i) for i in train]
    grams = [[tuple(words[i:i + n]) for i in range(len(words) - n + 1)] for n in range(1, ORDER + 1)]
    theirs.fit(grams, vocabulary_text=[str(i) for i in range(V)])
    theirs.vocab._len -= 1  # nltk adds a word for unknown ones; there are none here
    return theirs


def contexts():
    return [(a, b) for a in range(V) for b in range(V)]


def scores(theirs, context):
    return [theirs.score(str(w), tuple(str(i) for i in context)) for w in range(V)]


def test_add_k_equals_nltk():
    train = text(150, kinds=4)  # id 4 never occurs, so some contexts are unseen
    for k, theirs in ((0.3, Lidstone(0.3, ORDER)), (1.0, Laplace(ORDER))):
        theirs, ours = fitted(theirs, train), NGram.fit(train, ORDER, V, smoothing=add_k(k, V))
        for context in contexts():
            np.testing.assert_allclose(ours.probs(context), scores(theirs, context), rtol=1e-12)


def test_maximum_likelihood_equals_nltk_where_the_context_was_seen():
    train = text(300)
    theirs, ours = fitted(MLE(ORDER), train), NGram.fit(train, ORDER, V, smoothing=maximum_likelihood)
    seen = [context for context in contexts() if sum(scores(theirs, context)) > 0]
    assert len(seen) > 20
    for context in seen:
        np.testing.assert_allclose(ours.probs(context), scores(theirs, context), rtol=1e-12)


def test_absolute_discounting_equals_nltk_from_its_unigram_up():
    """nltk's recursion ends at relative frequencies; ours discounts them too and ends at 1 / V. Both are tested."""
    train, D = text(200), 0.6
    theirs = fitted(AbsoluteDiscountingInterpolated(ORDER, discount=D), train)
    as_nltk = NGram.fit(train, ORDER, V, [maximum_likelihood, absolute_discounting(D), absolute_discounting(D)])
    for context in contexts():
        np.testing.assert_allclose(as_nltk.probs(context), scores(theirs, context), rtol=1e-12)
    ours = NGram.fit(train, ORDER, V, absolute_discounting(D))
    theirs.estimator.unigram_score = lambda word: (Counter(train)[int(word)] - D + D * V / V) / len(train)
    for context in contexts():
        np.testing.assert_allclose(ours.probs(context), scores(theirs, context), rtol=1e-12)


def test_absolute_discounting_gives_something_to_an_id_that_never_occurred():
    train = text(200, kinds=4)
    assert (NGram.fit(train, ORDER, V, absolute_discounting(0.6)).probs([4, 4]) > 0).all()
    assert fitted(AbsoluteDiscountingInterpolated(ORDER, discount=0.6), train).score("4", ("0", "1")) == 0


@pytest.mark.parametrize("rule", [maximum_likelihood, add_k(0.5, V), witten_bell, absolute_discounting(0.7)])
def test_every_conditional_sums_to_one(rule):
    model = NGram.fit(text(60, kinds=4), ORDER, V, rule)
    for order in range(1, ORDER + 1):
        sums = [model.probs(context, order).sum() for context in [(), (1,), *contexts(), (4, 4, 4)]]
        np.testing.assert_allclose(sums, 1, rtol=1e-12)


def test_the_first_ids_are_judged_by_what_context_there_is():
    """Also under a rule that never asks the shorter context by itself."""
    model, ids = NGram.fit(text(100), ORDER, V, add_k(0.5, V)), [2, 4, 1, 3]
    expected = [np.log(model.probs(ids[:i])[w]) for i, w in enumerate(ids)]
    np.testing.assert_allclose(model.log_probs(ids), expected, rtol=1e-12)


def test_each_rule_on_four_pairs():
    """A frequent id, an unseen one, a rarer one, and an unseen context."""
    arguments = COUNT, TOTAL, DISTINCT, LOWER
    np.testing.assert_allclose(maximum_likelihood(*arguments), [3 / 5, 0, 2 / 5, 0.125], rtol=1e-15)
    np.testing.assert_allclose(add_k(2, 4)(*arguments), [5 / 13, 2 / 13, 4 / 13, 1 / 4], rtol=1e-15)
    np.testing.assert_allclose(witten_bell(*arguments), [4 / 7, 0.5 / 7, 2.25 / 7, 0.125], rtol=1e-15)
    np.testing.assert_allclose(absolute_discounting(0.5)(*arguments), [3 / 5, 0.25 / 5, 1.625 / 5, 0.125], rtol=1e-15)


def test_a_count_smaller_than_the_discount_is_not_made_negative():
    nothing = absolute_discounting(0.5)(np.array([0.25]), np.array([1.0]), np.array([1.0]), np.array([0.0]))
    assert nothing.tolist() == [0.0]


def test_the_discount_comes_from_how_many_were_seen_once_and_twice():
    assert estimated_discount(np.array([1, 1, 1, 2, 7])) == 3 / 5
    assert estimated_discount(np.array([1, 1, 3])) == estimated_discount(np.array([2, 2, 3])) == 0.5


@pytest.mark.parametrize("value", [0, 1, -0.5, 1.5, float("nan")])
def test_bad_settings(value):
    with pytest.raises(ValueError, match="discount="):
        absolute_discounting(value)
    if not value > 0:
        with pytest.raises(ValueError, match="leaves zeros"):
            add_k(value, V)
