import numpy as np
import pytest
import torch

from course_lib.byhand.interpolation import Interpolated, components_of, em_step, em_weights
from course_lib.byhand.ngram import NGram

V = 5


def text(n, seed=0, kinds=4):
    rng, ids = np.random.default_rng(seed), [0, 1]
    while len(ids) < n:
        ids.append(int((ids[-1] * 2 + ids[-2]) % kinds if rng.random() < 0.5 else rng.integers(kinds)))
    return ids[:n]


def test_one_step_by_hand():
    """Two ids: the first could come from both components, the second only from the second one."""
    weights = em_step(np.array([0.5, 0.5]), np.array([[0.2, 0.6], [0.0, 0.1]]))
    np.testing.assert_allclose(weights, [0.125, 0.875], rtol=1e-15)


def test_every_step_climbs():
    rng = np.random.default_rng(0)
    components, weights = rng.random((200, 4)), np.array([0.7, 0.1, 0.1, 0.1])
    likelihood = []
    for _ in range(30):
        likelihood.append(np.log(components @ weights).mean())
        weights = em_step(weights, components)
        assert weights.sum() == pytest.approx(1, rel=1e-12)
    assert (np.diff(likelihood) > 0).all()


def test_arrives_where_gradient_descent_arrives():
    rng = np.random.default_rng(1)
    components = rng.random((300, 3)) ** [1, 2, 4]
    logits = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([logits], lr=1, max_iter=200, tolerance_grad=1e-12, tolerance_change=1e-15)

    def loss():
        optimizer.zero_grad()
        value = -(torch.tensor(components) @ logits.softmax(0)).log().mean()
        value.backward()
        return value

    optimizer.step(loss)
    ours = em_weights(components, max_steps=5000, tolerance=1e-12)
    np.testing.assert_allclose(ours, logits.softmax(0).detach().numpy(), atol=1e-5)


def test_recovers_the_weights_that_made_the_data():
    rng = np.random.default_rng(2)
    q = np.array([[0.7, 0.1, 0.1, 0.1], [0.1, 0.1, 0.1, 0.7]])
    drawn = rng.choice(4, size=20_000, p=[0.8, 0.2] @ q)
    np.testing.assert_allclose(em_weights(q[:, drawn].T), [0.8, 0.2], atol=0.02)


def test_the_mixture_is_the_weighted_sum_of_relative_frequencies():
    train = text(120)
    model = Interpolated(NGram.fit(train, 3, V).tables, V, [0.1, 0.2, 0.3, 0.4])
    unigram = np.bincount(train, minlength=V) / len(train)
    q = [np.full(V, 1 / V), unigram]
    for context in ([2], [1, 2]):
        n = len(context)
        after = [train[i + n] for i in range(len(train) - n) if train[i:i + n] == context]
        q.append(np.bincount(after, minlength=V) / len(after))
    np.testing.assert_allclose(model.probs([1, 2]), np.array([0.1, 0.2, 0.3, 0.4]) @ q, rtol=1e-12)
    np.testing.assert_allclose(model.probs([1, 2], 2), np.array([0.1, 0.2, 0.3]) / 0.6 @ q[:3], rtol=1e-12)


def test_an_unseen_context_says_what_the_shorter_one_says():
    train = text(120)
    model = Interpolated(NGram.fit(train, 3, V).tables, V, [0.1, 0.2, 0.3, 0.4])
    unigram = np.bincount(train, minlength=V) / len(train)
    np.testing.assert_allclose(model.probs([4, 4]), 0.1 / V + 0.9 * unigram, rtol=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_sums_to_one_and_agrees_with_log_probs(order):
    model = Interpolated.fit_weights(NGram.fit(text(150), 3, V), text(60, seed=3))
    for context in [(), (1,), *((a, b) for a in range(V) for b in range(V)), (4, 4, 4)]:
        p = model.probs(context, order)
        assert p.sum() == pytest.approx(1, rel=1e-12)
        with np.errstate(divide="ignore"):
            expected = np.log(p)
        np.testing.assert_allclose([model.log_probs([*context, w], order)[-1] for w in range(V)], expected, rtol=1e-12)


def test_fitted_weights_are_better_than_others_and_the_uniform_gets_little():
    counted, held_out = NGram.fit(text(2000), 3, V), text(1000, seed=3)
    best = Interpolated.fit_weights(counted, held_out)
    for other in ([0.25] * 4, [0.01, 0.01, 0.01, 0.97], [0.1, 0.7, 0.1, 0.1]):
        assert Interpolated(counted.tables, V, other).log_probs(held_out).mean() < best.log_probs(held_out).mean()
    assert best.weights[0] < 0.01


def test_weights_from_the_counted_text_itself_trust_the_longest_context_only():
    train = text(300)
    weights = em_weights(components_of(NGram.fit(train, 4, V), train), max_steps=2000, tolerance=1e-9)
    assert weights[-1] > 0.99


def test_bad_arguments():
    tables = NGram.fit(text(50), 2, V).tables
    for weights in ([0.5, 0.5], [0.5, 0.4, 0.2], [1.2, -0.1, -0.1]):
        with pytest.raises(ValueError, match="3 numbers from 0 up that sum to one"):
            Interpolated(tables, V, weights)
    with pytest.raises(ValueError, match="no component"):
        em_weights(np.array([[0.1, 0.2], [0.0, 0.0]]))
    with pytest.raises(ValueError, match=r"\(3,\)"):
        em_weights(np.array([0.1, 0.2, 0.7]))
