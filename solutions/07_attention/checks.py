"""How the exercises of lesson 07 (attention) are checked, and the wrong answers that people give to them."""

import math

import numpy as np
import torch

from course_lib.classroom.checking.exercise import Exercise
from course_lib.classroom.checking.open_question import OpenQuestion


def shares(z, axis=-1):
    """Softmax, for wrong answers whose mistake is elsewhere."""
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


# ---- 07.1 ----------------------------------------------------------------------------------------------------------

lookup = Exercise(
    "07.1", "soft_lookup", title="One question", difficulty=1, minutes=10,
    hints=(
        "Three lines: scores, shares, weighted sum. Which shape has each of them?",
        "scores = keys @ query is (S,). The shares are exponentials, divided by their sum; take the largest score away first.",
        "e = np.exp(scores - scores.max()); the answer is (e / e.sum()) @ values.",
    ),
)


def some_dictionary(rng, S=4, D=3, E=2):
    return rng.normal(size=D), rng.normal(size=(S, D)), rng.normal(size=(S, E))


@lookup.probe(axes="the numbers of one answer")
def four_keys(ns, rng):
    """four keys"""
    return ns["soft_lookup"](*some_dictionary(rng))


@lookup.probe(axes="the numbers of one answer")
def large_scores(ns, rng):
    """scores as large as a thousand"""
    return ns["soft_lookup"](np.array([1000.0, 0.0]), np.array([[1.0, 3.0], [0.999, 1.0], [-1.0, 2.0]]), np.arange(6.0).reshape(3, 2))


@lookup.probe(hidden=True)
def any_keys(ns, rng):
    """any number of keys"""
    return ns["soft_lookup"](*some_dictionary(rng, S=int(rng.integers(5, 9)), D=int(rng.integers(3, 6)), E=3))


@lookup.probe(hidden=True)
def any_large_scores(ns, rng):
    """any large scores"""
    query, keys, values = some_dictionary(rng, S=5, D=4)
    return ns["soft_lookup"](900 * query, keys, values)


@lookup.property(S=(1, 6), seed=(0, 99))
def equal_values(ns, S, seed):
    """if all values are equal, that is the answer"""
    query, keys, _ = some_dictionary(np.random.default_rng(seed), S=S)
    return ns["soft_lookup"](query, keys, np.full((S, 2), 3.0)), np.full(2, 3.0)


@lookup.mistake(hint="exp(1000) is inf. What can be taken away from all scores without changing the shares?")
def overflowing(query, keys, values):
    """right, but overflowing for large scores"""
    with np.errstate(all="ignore"):
        e = np.exp(keys @ query)
        return e / e.sum() @ values


@lookup.mistake(hint="The products of weights and values must still be added up: one answer for one query.")
def never_summed(query, keys, values):
    """weights times values, never added up, as a widely read tutorial has it"""
    return shares(keys @ query)[:, None] * values


@lookup.mistake(hint="The softmax of a single number is 1. It must be taken over all keys together.")
def one_score_at_a_time(query, keys, values):
    """a softmax of one score at a time, which is always 1"""
    return np.ones(len(keys)) @ values


@lookup.mistake(hint="That is an ordinary dictionary: the best key takes all. Soft means that every key gets a share.")
def the_best_key_only(query, keys, values):
    """the value of the best key alone"""
    return values[(keys @ query).argmax()]


@lookup.mistake(hint="Scores are no shares: they can be negative, and do not sum to one.")
def without_a_softmax(query, keys, values):
    """the raw scores as weights"""
    return keys @ query @ values


@lookup.mistake(hint="Here nothing is divided by √D: the exercise asks for plain dot products.")
def divided_by_the_root(query, keys, values):
    """scores divided by √D, which this exercise leaves out"""
    return shares(keys @ query / math.sqrt(len(query))) @ values


@lookup.mistake(hint="Every key has a different value. The mean of all is the answer to a query of zeros only.")
def the_mean_of_the_values(query, keys, values):
    """the mean of all values, whatever was asked"""
    return values.mean(axis=0)


@lookup.forbid("course_lib.byhand.functional.softmax")
def _(call, query, keys, values):
    return call(keys @ query) @ values


@lookup.forbid("course_lib.byhand.attention.attention")
def _(call, query, keys, values):
    return call(query[None], keys, values, scale=1.0)[0][0]


@lookup.forbid("torch.softmax")
def _(call, query, keys, values):
    return call(torch.tensor(keys @ query), -1).numpy() @ values


# ---- 07.2 ----------------------------------------------------------------------------------------------------------

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


# ---- 07.3 ----------------------------------------------------------------------------------------------------------

repair = Exercise(
    "07.3", "attention_repaired", title="Find the bugs", difficulty=3, minutes=15,
    hints=(
        "Write what every row of the weights should sum to, and what it does sum to, before the mask and after it.",
        "Row t is query t. Its softmax goes over the keys, which lie across; and what is hidden must not be in the denominator.",
        "scores = q kᵀ / √D, −∞ where s > t; softmax along the last axis; the weighted sum is over v.",
    ),
)


def some_heads(rng, T, D):
    return tuple(rng.normal(size=(T, D)) for _ in range(3))


@repair.probe(axes="tokens down, numbers across")
def five_tokens(ns, rng):
    """five tokens"""
    return ns["attention_repaired"](*some_heads(rng, 5, 3))


@repair.probe(axes="tokens down, numbers across")
def two_tokens(ns, rng):
    """two tokens"""
    return ns["attention_repaired"](*some_heads(rng, 2, 6))


@repair.probe(points=2, hidden=True)
def more_tokens(ns, rng):
    """more tokens"""
    return ns["attention_repaired"](*some_heads(rng, int(rng.integers(5, 9)), int(rng.integers(3, 7))))


@repair.property(T=(2, 6), seed=(0, 99))
def the_future_does_not_matter(ns, T, seed):
    """another last token changes no earlier output"""
    rng = np.random.default_rng(seed)
    q, k, v = some_heads(rng, T, 4)
    before = np.asarray(ns["attention_repaired"](q, k, v))[:-1]
    for array in (q, k, v):
        array[-1] += rng.normal(size=4)
    return np.asarray(ns["attention_repaired"](q, k, v))[:-1], before


@repair.property(T=(1, 6), D=(1, 5))
def the_first_reads_itself(ns, T, D):
    """the first token can only read itself"""
    q, k, v = some_heads(np.random.default_rng(10 * T + D), T, D)
    return np.asarray(ns["attention_repaired"](q, k, v))[0], v[0]


def causal(q, k, v, *, root=True, axis=-1, mask="before", gathered="v", diagonal=0):
    """The right answer, with some things wrong."""
    T, D = q.shape
    scores = q @ k.T / (math.sqrt(D) if root else 1.0)
    visible = np.tri(T, k=diagonal, dtype=bool)
    if mask in ("before", "zero"):
        scores = np.where(visible, scores, -1e300 if mask == "before" else 0.0)
    weights = shares(scores, axis)
    weights = np.where(visible, weights, 0.0) if mask == "after" else weights
    return weights @ (v if gathered == "v" else k)


@repair.mistake(hint="Nothing is repaired yet. What should each row of the weights sum to?")
def as_it_was(q, k, v):
    """the articles' version, as it was"""
    return causal(q, k, v, root=False, axis=0, mask="after", gathered="k")


@repair.mistake(hint="The formula that the articles themselves print has a √D in it.")
def no_root(q, k, v):
    """attention without the √D"""
    return causal(q, k, v, root=False)


@repair.mistake(hint="axis 0 sums over the queries. Each query makes shares of the keys.")
def over_queries(q, k, v):
    """a softmax over the queries: columns sum to one, not rows"""
    return causal(q, k, v, axis=0)


@repair.mistake(hint="Zeroed after the softmax, hidden keys are still in the denominator. Put −∞ into the scores instead.")
def mask_after_softmax(q, k, v):
    """a mask after the softmax: rows no longer sum to one"""
    return causal(q, k, v, mask="after")


@repair.mistake(hint="e to the 0 is 1: a score of 0 is no \"nothing\". What must a score be so that its exponential is 0?")
def zero_scores(q, k, v):
    """hidden scores set to 0 in place of −∞"""
    return causal(q, k, v, mask="zero")


@repair.mistake(hint="Keys are for finding. What is gathered are the values.")
def keys_gathered(q, k, v):
    """a weighted sum of the keys, not of the values"""
    return causal(q, k, v, gathered="k")


@repair.mistake(hint="This sees everything. Where is the causal mask?")
def no_mask(q, k, v):
    """attention without the causal mask"""
    return causal(q, k, v, mask="none")


@repair.mistake(hint="Query t may read up to key t: this mask lets it read one token of the future.")
def one_too_many(q, k, v):
    """a mask that is off by one: each token reads the next one, too"""
    return causal(q, k, v, diagonal=1)


@repair.forbid("course_lib.byhand.attention.attention")
def _(call, q, k, v):
    return call(q, k, v, np.tri(len(q), dtype=bool))[0]


@repair.forbid("course_lib.model.attention.attention")
def _(call, q, k, v):
    return call(*(torch.tensor(a) for a in (q, k, v)), torch.ones(len(q), len(q)).tril().bool())[0].numpy()


@repair.forbid("torch.nn.functional.scaled_dot_product_attention")
def _(call, q, k, v):
    return call(*(torch.tensor(a)[None] for a in (q, k, v)), is_causal=True)[0].numpy()


# ---- 07.4 ----------------------------------------------------------------------------------------------------------

filling = Exercise(
    "07.4", "padded_weights", title="Filling", difficulty=3, minutes=15,
    hints=(
        "Make two masks: who is not in the future, (T, T), and which tokens are real, (B, T). How are they joined to (B, T, T)?",
        "A row of nothing but −∞ becomes 0 / 0. Give such a row any finite scores, and set its weights to 0 in the end.",
        "real = arange(T) >= T − lengths[:, None]; mask = tri(T) & real[:, None, :]; rows without any True get scores 0 before "
        "the softmax; the result is 0 wherever the mask is False.",
    ),
)


@filling.probe(axes="texts, then queries down and keys across")
def three_texts(ns, rng):
    """three texts of lengths 4, 1 and 3"""
    return ns["padded_weights"](rng.normal(size=(3, 4, 4)), np.array([4, 1, 3]))


@filling.probe(axes="texts, then queries down and keys across")
def an_empty_text(ns, rng):
    """a text of length 2 and an empty one"""
    return ns["padded_weights"](rng.normal(size=(2, 3, 3)), np.array([2, 0]))


@filling.probe(hidden=True, points=2)
def any_texts(ns, rng):
    """any texts"""
    T = int(rng.integers(5, 8))
    return ns["padded_weights"](3 * rng.normal(size=(4, T, T)), np.array([T, T - 3, *rng.integers(0, T, 2)]))


@filling.property(T=(1, 6), seed=(0, 99))
def real_rows_sum_to_one(ns, T, seed):
    """rows of real tokens sum to one, rows of filling to 0"""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, T + 1, 3)
    weights = np.asarray(ns["padded_weights"](rng.normal(size=(3, T, T)), lengths))
    return weights.sum(axis=-1), (np.arange(T) >= T - lengths[:, None]).astype(float)


def padded(scores, lengths, *, left=True, keys=True, is_causal=True, low=-np.inf, cleaned=True, after=False):
    """The right answer, with some things wrong."""
    T = scores.shape[-1]
    real = np.arange(T) >= T - lengths[:, None] if left else np.arange(T) < lengths[:, None]
    mask = (np.tri(T, dtype=bool) if is_causal else np.ones((T, T), dtype=bool)) & (real[:, None, :] if keys else real[:, :, None])
    with np.errstate(all="ignore"):
        weights = shares(scores if after else np.where(mask, scores, low))
    return np.where(mask, np.nan_to_num(weights), 0.0) if cleaned else weights


@filling.mistake(hint="A row of nothing but −∞ gives 0 / 0. Treat the rows of filling apart.")
def nan_in_the_filling(scores, lengths):
    """nan in the rows of the filling"""
    return padded(scores, lengths, cleaned=False)


@filling.mistake(hint="−10⁹ avoids the nan, but then a row of filling reads what it must not. Its weights should be 0.")
def a_billion_below(scores, lengths):
    """−10⁹ in place of −∞: filling reads everything a little"""
    return padded(scores, lengths, low=-1e9, cleaned=False)


@filling.mistake(hint="This text is filled on the left: the last `length` tokens are the real ones.")
def filled_on_the_right(scores, lengths):
    """filling on the right instead of the left"""
    return padded(scores, lengths, left=False)


@filling.mistake(hint="It is keys that must not be read. You have hidden queries: the axis of the rows.")
def queries_hidden(scores, lengths):
    """filling hidden as queries, but still read as keys"""
    return padded(scores, lengths, keys=False)


@filling.mistake(hint="No query may read a later key. Where is the causal mask?")
def future_visible(scores, lengths):
    """padding hidden, the future visible"""
    return padded(scores, lengths, is_causal=False)


@filling.mistake(hint="Zeroed after the softmax, hidden keys are still in the denominator: rows do not sum to one.")
def zeroed_after(scores, lengths):
    """hidden weights set to zero after the softmax"""
    return padded(scores, lengths, after=True)


@filling.mistake(hint="lengths has one number for each text, and they differ.")
def no_padding_mask(scores, lengths):
    """the causal mask alone, filling and all"""
    return padded(scores, np.full(len(lengths), scores.shape[-1]))


@filling.forbid("course_lib.byhand.attention.softmax_over_keys")
def _(call, scores, lengths):
    T = scores.shape[-1]
    mask = np.tri(T, dtype=bool) & (np.arange(T) >= T - lengths[:, None])[:, None, :]
    return call(np.where(mask, scores, -np.inf))


@filling.forbid("course_lib.byhand.attention.attention_weights")
def _(call, scores, lengths):
    T = scores.shape[-1]
    mask = np.tri(T, dtype=bool) & (np.arange(T) >= T - lengths[:, None])[:, None, :]
    return call(scores, np.broadcast_to(np.eye(T), scores.shape), mask, scale=1.0)


# ---- 07.5 ----------------------------------------------------------------------------------------------------------

gradients = Exercise(
    "07.5", "attention_gradients", title="Backwards", difficulty=4, minutes=20,
    hints=(
        "Three steps back: out = weights v; weights = softmax(scores); scores = q kᵀ / √D. What comes back through each?",
        "dweights = dout vᵀ and dv = weightsᵀ dout. In the softmax, what a row's weights earned on average is taken away.",
        "dscores = weights (dweights − Σ weights dweights), the sum over the keys; dq = dscores k / √D; dk = dscoresᵀ q / √D.",
    ),
)


def some_attention(rng, B, T, S, D, E):
    return (rng.normal(size=(B, T, E)), rng.normal(size=(B, T, D)), rng.normal(size=(B, S, D)), rng.normal(size=(B, S, E)))


@gradients.probe(axes="as the input")
def two_texts(ns, rng):
    """two texts, three queries, four keys"""
    return ns["attention_gradients"](*some_attention(rng, 2, 3, 4, 5, 2))


@gradients.probe(axes="as the input")
def one_query(ns, rng):
    """a single query"""
    return ns["attention_gradients"](*some_attention(rng, 1, 1, 3, 2, 3))


@gradients.probe(hidden=True, points=2)
def any_sizes(ns, rng):
    """any sizes"""
    return ns["attention_gradients"](*some_attention(rng, 2, *(int(n) for n in rng.integers(3, 7, 4))))


@gradients.property(S=(1, 5), seed=(0, 99))
def a_common_shift(ns, S, seed):
    """adding one vector to all keys changes no weight: the gradients of the keys sum to zero"""
    given = some_attention(np.random.default_rng(seed), 1, 3, S, 4, 2)
    return np.asarray(ns["attention_gradients"](*given)[1]).sum(axis=1) + 1.0, np.ones((1, 4))


def back(dout, q, k, v, *, root=True, root_back=True, slope="all", values="T", swap=False):
    """The right gradients, with some things wrong."""
    D = math.sqrt(q.shape[-1])
    w = shares(q @ k.swapaxes(-2, -1) / (D if root else 1.0))
    dw = dout @ v.swapaxes(-2, -1)
    ds = {"all": w * (dw - (w * dw).sum(axis=-1, keepdims=True)), "diagonal": w * (1 - w) * dw, "none": dw, "weights": w * dw,
          "queries": w * (dw - (w * dw).sum(axis=-2, keepdims=True)),
          "plain mean": w * (dw - dw.mean(axis=-1, keepdims=True))}[slope]
    ds = ds / (D if root_back else 1.0)
    dv = w.swapaxes(-2, -1) @ dout if values == "T" else dw.swapaxes(-2, -1) @ dout
    return ds @ k, ds.swapaxes(-2, -1) @ q, dv


@gradients.mistake(hint="w (1 − w) is the diagonal only: lifting one weight presses the others of its row down.")
def the_diagonal_only(dout, q, k, v):
    """the softmax's diagonal alone, as if it were a sigmoid"""
    return back(dout, q, k, v, slope="diagonal")


@gradients.mistake(hint="Between weights and scores stands a softmax. What does it do to a gradient?")
def through_no_softmax(dout, q, k, v):
    """a gradient that has not passed the softmax"""
    return back(dout, q, k, v, slope="none")


@gradients.mistake(hint="Something must be taken away: what the row got on average. What must each row of dscores sum to?")
def nothing_taken_away(dout, q, k, v):
    """a softmax's gradient without the mean of the row"""
    return back(dout, q, k, v, slope="weights")


@gradients.mistake(hint="The mean that is taken away is weighted with the weights: Σ w dw.")
def a_plain_mean(dout, q, k, v):
    """an unweighted mean taken away"""
    return back(dout, q, k, v, slope="plain mean")


@gradients.mistake(hint="Each query has its own softmax over the keys: sum over the last axis.")
def summed_over_queries(dout, q, k, v):
    """a sum over the queries instead of the keys"""
    return back(dout, q, k, v, slope="queries")


@gradients.mistake(hint="A nudge of q passes the 1/√D as well, on its way to the loss.")
def no_root_on_the_way_back(dout, q, k, v):
    """gradients without the 1/√D"""
    return back(dout, q, k, v, root_back=False)


@gradients.mistake(hint="The forward pass divides by √D. Your weights are sharper than those that were used.")
def no_root_at_all(dout, q, k, v):
    """the gradients of attention without the √D"""
    return back(dout, q, k, v, root=False, root_back=False)


@gradients.mistake(hint="A value is blamed by who read it: weightsᵀ dout.")
def values_by_dweights(dout, q, k, v):
    """gradients of the values made with dweights in place of weights"""
    return back(dout, q, k, v, values="dw")


@gradients.forbid("course_lib.byhand.attention.attention_backward")
def _(call, dout, q, k, v):
    return call(dout, q, k, v, shares(q @ k.swapaxes(-2, -1) / math.sqrt(q.shape[-1])))


@gradients.forbid("course_lib.byhand.functional.softmax_backward")
def _(call, dout, q, k, v):
    w = shares(q @ k.swapaxes(-2, -1) / math.sqrt(q.shape[-1]))
    ds = call(dout @ v.swapaxes(-2, -1), w) / math.sqrt(q.shape[-1])
    return ds @ k, ds.swapaxes(-2, -1) @ q, w.swapaxes(-2, -1) @ dout


@gradients.forbid("torch.softmax")
def _(call, dout, q, k, v):
    leaves = [torch.tensor(a, requires_grad=True) for a in (q, k, v)]
    weights = call(leaves[0] @ leaves[1].transpose(-2, -1) / math.sqrt(q.shape[-1]), -1)
    (weights @ leaves[2] * torch.tensor(dout)).sum().backward()
    return tuple(leaf.grad.numpy() for leaf in leaves)


# ---- 07.6 ----------------------------------------------------------------------------------------------------------

atlas = Exercise(
    "07.6", "look_up", title="An atlas that forgives", difficulty=4, minutes=15,
    hints=(
        "Start with a function that makes the list of letter pairs of one name, dots included. Test it on peru.",
        "Collect all pairs of all queries and names: each is one axis. A name's vector counts them; divide it by its norm.",
        "scores = sharpness · (vectors of queries) @ (vectors of names)ᵀ, softmax over the names, then @ places.",
    ),
)

NAMES = ("peru chile cuba panama canada mexico brazil spain france italy greece sweden norway poland ukraine").split()
PLACES = np.array([(-12.0, -77.0), (-33.4, -70.7), (23.1, -82.4), (9.0, -79.5), (45.4, -75.7), (19.4, -99.1), (-15.8, -47.9),
                   (40.4, -3.7), (48.9, 2.4), (41.9, 12.5), (38.0, 23.7), (59.3, 18.1), (59.9, 10.7), (52.2, 21.0), (50.5, 30.5)])


@atlas.probe(axes="queries down; degrees north and east across")
def misspelt(ns, rng):
    """four names spelt wrong"""
    return ns["look_up"](["brasil", "itly", "pananama", "swedn"], NAMES, PLACES, 10.0)


@atlas.probe(axes="queries down; degrees north and east across")
def softly(ns, rng):
    """two names, asked softly"""
    return ns["look_up"](["poland", "cuba"], NAMES[:6], PLACES[:6], 2.0)


@atlas.probe(hidden=True, points=2)
def letters_lost(ns, rng):
    """names that have lost a letter, or end twice"""
    chosen = [NAMES[i] for i in rng.permutation(len(NAMES))[:5]]
    cut = int(rng.integers(1, 4))
    queries = [name + name[-3:] if n % 2 else name[:cut] + name[cut + 1:] for n, name in enumerate(chosen)]
    return ns["look_up"](queries, NAMES, PLACES + rng.normal(size=PLACES.shape), float(rng.uniform(4, 12)))


@atlas.property(S=(2, 15))
def at_zero_sharpness(ns, S):
    """with sharpness 0 every question gets the mean of all places"""
    return ns["look_up"](["nowhere"], NAMES[:S], PLACES[:S], 0.0), PLACES[:S].mean(axis=0)[None]


def by_pairs(queries, names, places, sharpness, *, ends=True, divided=True, size=2, axis=-1, counted=True, root=False, best=False):
    """The right answer, with some things wrong."""

    def pairs(name):
        name = f"·{name}·" if ends else name
        return [name[i : i + size] for i in range(len(name) - size + 1)]

    known = sorted({pair for name in (*queries, *names) for pair in pairs(name)})

    def vectors(words):
        counts = np.array([[pairs(word).count(pair) for pair in known] for word in words], dtype=float)
        counts = counts if counted else np.minimum(counts, 1.0)
        return counts / np.linalg.norm(counts, axis=1, keepdims=True) if divided else counts

    scores = vectors(queries) @ vectors(names).T
    if best:
        return np.asarray(places)[scores.argmax(axis=1)]
    return shares(sharpness * scores / (math.sqrt(len(known)) if root else 1.0), axis) @ places


@atlas.mistake(hint="The dots tell where a name begins and ends: `·p` and `u·` are pairs as well.")
def without_the_dots(queries, names, places, sharpness):
    """letter pairs without the dots at the ends"""
    return by_pairs(queries, names, places, sharpness, ends=False)


@atlas.mistake(hint="Long names have more pairs and so larger scores. Divide every vector by its length (its norm).")
def not_divided(queries, names, places, sharpness):
    """counts that are not divided by their length"""
    return by_pairs(queries, names, places, sharpness, divided=False)


@atlas.mistake(hint="Pairs of letters, not single ones: single letters do not know their order.")
def single_letters(queries, names, places, sharpness):
    """single letters in place of pairs"""
    return by_pairs(queries, names, places, sharpness, size=1)


@atlas.mistake(hint="Each query makes shares of the names: the softmax goes over the names, along the rows.")
def over_the_queries(queries, names, places, sharpness):
    """a softmax over the queries instead of the names"""
    return by_pairs(queries, names, places, sharpness, axis=0)


@atlas.mistake(hint="Some names have a pair twice (panama: `an` once, `am` once, but pananama: `an` twice). Count them.")
def present_or_not(queries, names, places, sharpness):
    """pairs that are present or not, in place of their counts"""
    return by_pairs(queries, names, places, sharpness, counted=False)


@atlas.mistake(hint="sharpness says how much: multiply the scores by it before the softmax.")
def sharpness_ignored(queries, names, places, sharpness):
    """an answer that ignores the sharpness"""
    return by_pairs(queries, names, places, 1.0)


@atlas.mistake(hint="The best name alone is a hard dictionary. Every name gets a share.")
def the_best_name(queries, names, places, sharpness):
    """the place of the best name alone"""
    return by_pairs(queries, names, places, sharpness, best=True)


@atlas.forbid("course_lib.byhand.attention.attention")
def _(call, queries, names, places, sharpness):
    words = [*queries, *names]
    known = sorted({f"·{w}·"[i : i + 2] for w in words for i in range(len(w) + 1)})
    counts = np.array([[[f"·{w}·"[i : i + 2] for i in range(len(w) + 1)].count(pair) for pair in known] for w in words], dtype=float)
    counts /= np.linalg.norm(counts, axis=1, keepdims=True)
    return call(counts[: len(queries)], counts[len(queries) :], places, scale=sharpness)[0]


# ---- 07.7 ----------------------------------------------------------------------------------------------------------

too_good = OpenQuestion(
    "07.7", title="Too good", difficulty=2, minutes=10,
    rubric=(
        (1, "says that the model sees the token that it has to predict, and so learned to peek"),
        (2, "names two different mistakes, and says for each how the future gets in"),
        (1, "gives a short experiment that decides it: change a later token, and look whether earlier outputs move"),
        (1, "explains why held-out text has the same leak, and writing has not"),
    ),
)
