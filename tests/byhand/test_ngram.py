import random
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from nltk.lm import WittenBellInterpolated

from course_lib.byhand.ngram import NGram, witten_bell

V = 5


def text(n, seed=0):
    """Ids with structure: the next depends on the last two; id 4 never occurs."""
    rng, ids = random.Random(seed), [0, 1]
    while len(ids) < n:
        ids.append((ids[-1] * 2 + ids[-2]) % 4 if rng.random() < 0.7 else rng.randrange(4))
    return ids[:n]


def by_dictionary(train, w, context, order):
    """The recursion as it is written, with a dictionary and exact fractions."""
    if order == 0:
        return Fraction(1, V)
    if len(context) < order - 1:
        return by_dictionary(train, w, context, order - 1)
    context = tuple(context[len(context) - order + 1:])
    grams = Counter(tuple(train[i:i + order]) for i in range(len(train) - order + 1))
    followers = {gram[-1]: c for gram, c in grams.items() if gram[:-1] == context}
    total, distinct = sum(followers.values()), len(followers)
    lower = by_dictionary(train, w, context, order - 1)
    return (followers.get(w, 0) + distinct * lower) / Fraction(total + distinct) if total else lower


@pytest.mark.parametrize("order", [1, 2, 3, 4, 6])
def test_equals_the_recursion_in_exact_fractions(order):
    train, held_out = text(300), text(60, seed=1) + [4, 4, 0, 1, 2]
    model = NGram.fit(train, 6, V)
    expected = [float(by_dictionary(train, w, held_out[:i], order)) for i, w in enumerate(held_out)]
    np.testing.assert_allclose(np.exp(model.log_probs(held_out, order)), expected, rtol=1e-12)


def test_equals_nltk():
    """nltk stops at the uniform distribution for the empty context; we count there too, so it is given our unigram."""
    train, held_out = text(400), text(80, seed=2)
    words, asked = [str(i) for i in train], [str(i) for i in held_out]
    theirs = WittenBellInterpolated(4)
    grams = [[tuple(words[i:i + n]) for i in range(len(words) - n + 1)] for n in (1, 2, 3, 4)]
    theirs.fit(grams, vocabulary_text=words)
    unigram = {w: (c + 4 / V) / (len(words) + 4) for w, c in Counter(words).items()}  # 4 distinct ids occur
    theirs.estimator.unigram_score = unigram.get
    expected = [theirs.logscore(w, tuple(asked[max(0, i - 3):i])) for i, w in enumerate(asked)]
    ours = NGram.fit(train, 4, V).log_probs(held_out)
    np.testing.assert_allclose(ours / np.log(2), expected, rtol=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3, 6])
def test_sums_to_one_in_every_context_and_agrees_with_log_probs(order):
    model = NGram.fit(text(500), 6, V)
    rng = np.random.default_rng(0)
    for length in [0, 1, 2, 5, 5, 5, 9]:
        for context in rng.integers(0, V, (20, length)):
            p = model.probs(context, order)
            assert p.shape == (V,) and abs(p.sum() - 1) < 1e-12 and (p > 0).all()
            each = [model.log_probs([*context, w], order)[-1] for w in range(V)]
            np.testing.assert_allclose(np.log(p), each, rtol=1e-12)


def test_an_unseen_context_falls_back_to_the_shorter_one():
    model = NGram.fit([0, 1, 2, 3] * 10, 3, V)
    assert (model.probs([4, 1]) == model.probs([1], order=2)).all()
    assert (model.probs([4, 4]) == model.probs([], order=1)).all()
    assert model.probs([0, 1]).argmax() == 2


def test_a_context_that_only_ends_the_text_is_unseen():
    """(2, 9) occurs, but nothing ever followed it."""
    model = NGram.fit([1, 2, 1, 2, 9], 3, 10)
    assert (model.probs([2, 9]) == model.probs([], order=1)).all()


def test_the_first_ids_use_what_context_there_is():
    model = NGram.fit(text(300), 4, V)
    ids = text(10, seed=3)
    full = model.log_probs(ids)
    assert [full[i] == model.log_probs(ids, i + 1)[i] for i in range(4)] == [True] * 4
    assert len(model.log_probs([])) == 0


def test_lower_orders_are_the_models_fitted_alone():
    train, held_out = text(300), text(50, seed=4)
    for order in (1, 2, 3):
        alone = NGram.fit(train, order, V).log_probs(held_out)
        assert (NGram.fit(train, 5, V).log_probs(held_out, order) == alone).all()


def test_approaches_the_source_and_beats_shorter_contexts():
    """The source looks two ids back, so order 3 reaches its entropy and order 2 cannot."""
    loss = {n: -NGram.fit(text(40_000), n, V).log_probs(text(20_000, seed=5)).mean() for n in (1, 2, 3)}
    entropy = -(0.775 * np.log(0.775) + 3 * 0.075 * np.log(0.075))  # 0.7 + 0.3 / 4, and 0.3 / 4 three times
    assert abs(loss[3] - entropy) < 0.01 and loss[2] > entropy + 0.1 and loss[1] > entropy + 0.1


def test_bytes_and_large_vocabularies():
    raw = np.frombuffer("naïve 你好 naïve 你好 naïve".encode(), np.uint8)
    model = NGram.fit(raw, 6, 256)
    assert abs(model.probs(raw[:5]).sum() - 1) < 1e-12
    assert model.log_probs(raw)[-3:].mean() > np.log(0.4)
    large = 2**31  # keys stay in 64 bits whatever the order, for a context is a place in a table
    far = NGram.fit([large - 1, 5, large - 1, 5, large - 1], 5, large).log_probs([large - 1, 5, large - 1, 5])
    assert far[-1] > far[1] > far[0] > np.log(0.4)


def test_samples_follow_the_probabilities():
    model = NGram.fit(text(500), 3, V)
    rng = np.random.default_rng(0)
    drawn = np.bincount([model.sample(1, [2, 3], generator=rng)[0] for _ in range(4000)], minlength=V) / 4000
    np.testing.assert_allclose(drawn, model.probs([2, 3]), atol=0.03)
    twice = [model.sample(50, generator=np.random.default_rng(7)) for _ in range(2)]
    assert twice[0] == twice[1] and len(twice[0]) == 50
    # Ids that each have one follower: long samples must keep to the cycle almost always.
    cycle = NGram.fit([0, 1, 2, 3] * 500, 3, 4).sample(200, [0, 1], generator=rng)
    assert sum(b == (a + 1) % 4 for a, b in zip(cycle, cycle[1:], strict=False)) > 190


def test_another_smoothing_can_be_given():
    def add_one(count, total, distinct, lower):
        return (count + 1) / (total + V)

    train = text(100)
    p = NGram.fit(train, 2, V, smoothing=add_one).probs([0])
    after_zero = Counter(b for a, b in zip(train, train[1:], strict=False) if a == 0)
    np.testing.assert_allclose(p, [(after_zero[w] + 1) / (after_zero.total() + V) for w in range(V)], rtol=1e-12)


def test_witten_bell_alone():
    arguments = [np.array(x, float) for x in ([3, 0, 0], [5, 5, 0], [2, 2, 0], [0.5, 0.25, 0.125])]
    np.testing.assert_allclose(witten_bell(*arguments), [4 / 7, 0.5 / 7, 0.125], rtol=1e-15)


@pytest.mark.parametrize(("ids", "order", "message"), [
    ([0, 1], 0, "order=0"), ([], 1, "not 0"), ([0, 1], 3, "order=3 .*not 2"),
    ([0, V], 2, r"ids\[1\] is 5, .*vocab_size=5"), ([-1], 2, r"ids\[0\] is -1"),
])
def test_bad_arguments(ids, order, message):
    with pytest.raises(ValueError, match=message):
        NGram.fit(ids, order, V)


def test_bad_requests():
    model = NGram.fit([0, 1, 2], 2, V)
    for order in (0, 3):
        with pytest.raises(ValueError, match="1 … 2"):
            model.log_probs([0], order)
        with pytest.raises(ValueError, match="1 … 2"):
            model.probs([0], order)
    with pytest.raises(ValueError, match="vocab_size=5"):
        model.log_probs([7])
