from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from nltk.lm import KneserNeyInterpolated

from course_lib.byhand.counts import count_ngrams
from course_lib.byhand.kneser_ney import continuation_counts, kneser_ney
from course_lib.byhand.ngram import NGram
from course_lib.byhand.smoothing import absolute_discounting, maximum_likelihood

V = 5


def text(n, seed=0, kinds=V):
    rng, ids = np.random.default_rng(seed), [0, 1]
    while len(ids) < n:
        ids.append(int((ids[-1] * 2 + ids[-2]) % kinds if rng.random() < 0.6 else rng.integers(kinds)))
    return ids[:n]


def round_text(n, order, **options):
    """A text that ends as it began, so that every n-gram below `order` has something before it."""
    ids = text(n, **options)
    return ids + ids[:order]


def by_set(train, w, context, order, longest, D):
    """The recursion as the papers write it, with sets of n-grams and exact fractions; 1 / V at the end."""
    if order == 0:
        return Fraction(1, V)
    context = tuple(context[len(context) - order + 1:])
    grams = [tuple(train[i:i + order]) for i in range(len(train) - order + 1)]
    if order < longest:  # each different (v, gram) once
        longer = {tuple(train[i:i + order + 1]) for i in range(len(train) - order)}
        grams = [gram[1:] for gram in longer]
    count = Counter(gram[-1] for gram in grams if gram[:-1] == context)
    lower = by_set(train, w, context[1:], order - 1, longest, D)
    if not count:
        return lower
    return (max(count[w] - D, 0) + D * len(count) * lower) / count.total()


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_equals_the_recursion_in_exact_fractions(order):
    train = text(80)
    model = kneser_ney(NGram.fit(train, 4, V), order=order, discount=0.75)
    rng = np.random.default_rng(1)
    for context in [rng.integers(0, V, order - 1).tolist() for _ in range(12)]:
        expected = [float(by_set(train, w, context, order, order, Fraction(3, 4))) for w in range(V)]
        np.testing.assert_allclose(model.probs(context), expected, rtol=1e-12)


def nltk_model(train, order, D):
    words = [str(i) for i in train]
    theirs = KneserNeyInterpolated(order, discount=D)
    theirs.fit([[tuple(words[i:i + n]) for i in range(len(words) - n + 1)] for n in range(1, order + 1)],
               vocabulary_text=words)
    return theirs


def as_nltk(train, order, D):
    """Ours with nltk's end of the recursion: continuation counts as they are, not discounted, no 1 / V below."""
    ours = kneser_ney(NGram.fit(train, order, V), discount=D)
    return ours.smoothed([maximum_likelihood, *[absolute_discounting(D)] * (order - 1)])


@pytest.mark.parametrize("order", [2, 3, 4])
def test_equals_nltk_from_its_unigram_up(order):
    train, D = round_text(200, order), 0.7
    theirs, ours = nltk_model(train, order, D), as_nltk(train, order, D)
    rng = np.random.default_rng(2)
    for context in [rng.integers(0, V, order - 1) for _ in range(25)]:
        expected = [theirs.score(str(w), tuple(str(i) for i in context)) for w in range(V)]
        np.testing.assert_allclose(ours.probs(context), expected, rtol=1e-12)


def test_where_nltk_differs_from_the_papers():
    """An n-gram that only opens the text: nltk counts it among the distinct ones though it continues nothing."""
    train, D = [0, 1, 2, 1, 3, 1, 2, 0, 2, 2], 0.5
    theirs, ours = nltk_model(train, 3, D), as_nltk(train, 3, D)
    nltk_sum = sum(theirs.score(str(w), ("3", "0")) for w in range(4))  # (3, 0) was never seen: asks (0,)
    assert nltk_sum == pytest.approx(1 + D) and ours.probs([3, 0]).sum() == pytest.approx(1, rel=1e-12)
    opening = [4, 1, 2, 1, 3, 1, 2]  # 4 stands before 1, and only at the beginning: it continues nothing
    with pytest.raises(ZeroDivisionError):
        nltk_model(opening, 3, D).score("1", ("2", "4"))
    assert as_nltk(opening, 3, D).probs([2, 4]).sum() == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize("discount", [None, 0.3, [0.2, 0.5, 0.9]])
def test_every_conditional_sums_to_one(discount):
    model = kneser_ney(NGram.fit(text(60, kinds=4), 3, V), discount=discount)
    for context in [(), (1,), (4,), *((a, b) for a in range(V) for b in range(V)), (4, 4, 4)]:
        p = model.probs(context)
        assert p.sum() == pytest.approx(1, rel=1e-12) and (p > 0).all()
        each = [model.log_probs([*context, w])[-1] for w in range(V)]
        np.testing.assert_allclose(np.log(p), each, rtol=1e-12)


def test_the_bigram_keeps_the_unigrams_of_the_text():
    """What Kneser and Ney asked for: over the contexts of the text, each id is as probable as it was frequent."""
    train, D = round_text(300, 1), 0.6
    model = as_nltk(train, 2, D)
    contexts, followers = Counter(train[:-1]), Counter(train[1:])
    mean = sum(c * model.probs([h]) for h, c in contexts.items()) / contexts.total()
    np.testing.assert_allclose(mean, [followers[w] / followers.total() for w in range(V)], rtol=1e-12)
    plain = NGram.fit(train, 2, V, [maximum_likelihood, absolute_discounting(D)])
    mean = sum(c * plain.probs([h]) for h, c in contexts.items()) / contexts.total()
    assert np.abs(mean - [followers[w] / followers.total() for w in range(V)]).max() > 1e-4


def test_what_has_one_circumstance_counts_once():
    """Id 1 follows only 0, as Francisco follows San; id 2 is rarer, but follows everything."""
    train = [0, 1] * 20 + [3, 2, 4, 2, 0, 2, 1, 2, 3]
    tables = count_ngrams(train, 2, V)
    assert tables[0].count.tolist() == [21, 21, 4, 2, 1]
    assert continuation_counts(tables, V)[0].count.tolist() == [2, 2, 4, 2, 1]
    model = kneser_ney(NGram(tables, V), discount=0.5)
    assert model.probs([], order=1).argmax() == 2


def test_the_discounts_are_those_of_each_order():
    model = NGram.fit(text(200), 3, V)
    by_itself = kneser_ney(model)
    given = [0.5, 0.5, 0.5]
    changed = [*continuation_counts(model.tables, V), model.tables[-1]]
    for n, table in enumerate(changed):
        once, twice = (table.count == 1).sum(), (table.count == 2).sum()
        given[n] = once / (once + 2 * twice) if once and twice else 0.5
    assert (kneser_ney(model, discount=given).probs([1, 2]) == by_itself.probs([1, 2])).all()
    assert (kneser_ney(model, discount=0.9).probs([1, 2]) != by_itself.probs([1, 2])).any()


def test_bad_requests():
    model = NGram.fit(text(50), 2, V)
    for order in (0, 3):
        with pytest.raises(ValueError, match="1 … 2"):
            kneser_ney(model, order=order)
    with pytest.raises(ValueError, match="discount=1.5"):
        kneser_ney(model, discount=1.5)
