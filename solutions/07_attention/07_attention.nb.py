# %% [markdown]
# # Exercises 07 · Attention
#
# Six functions and a question, about an hour and three quarters in all. Replace each `raise NotImplementedError` by your answer and
# run the cell below it. The check says *correct*, or names the mistake when it is one that many people make, or shows what
# your function returns beside what is expected. Leave the arguments as they came: work on copies.
#
# Stuck? In a cell of your own, `hint("07.1")` gives the first of three hints, and the next when asked again;
# `solution("07.1")` opens after three tries. Every exercise stands alone: later ones use `course_lib`, never your
# earlier answers.
#
# The letters are those of the lesson: $T$ queries, $S$ keys and values, $D$ numbers in each, $B$ texts in a batch.

# %% tags=["setup"]
import math

import numpy as np

from course_lib.byhand.functional import softmax
from course_lib.classroom import check, hint, solution

# %% [markdown]
# ## 07.1 · One question (●○○○○, 10 minutes)
#
# The soft dictionary of section 1, for a single query: a score for each key (plain dot products, not divided by anything), shares
# that sum to one, and the weighted sum of the values. Write the softmax yourself, with `np.exp` or `math.exp`; the softmax of `course_lib`, of
# torch or of scipy is refused here, and so is `attention`. Scores may be as large as 1000 or as low as −1000.

# %%
def soft_lookup(query, keys, values):
    """query (D,), keys (S, D), values (S, E) -> the answer (E,).

    >>> soft_lookup(np.array([1000.0]), np.array([[1.0], [0.5]]), np.array([[5.0], [7.0]])).tolist()
    [5.0]
    """
    ### BEGIN SOLUTION
    scores = keys @ query
    e = np.exp(scores - scores.max())
    return e / e.sum() @ values
    ### END SOLUTION

# %%
check("07.1", soft_lookup)

# %% [markdown]
# ## 07.2 · Is this a softmax? (●●○○○, 15 minutes)
#
# Someone shows you a table of scores and a table of weights. Could a row of weights be $\mathrm{softmax}(\text{scores}/\tau)$ for *some* temperature
# $\tau > 0$? Then say which; else say 0. A row can fail in three ways: it does not sum to one; it changes the order; or different pairs
# of keys want different temperatures. (Equal weights would want an endless one, which is none. The table that section 2 of the lesson takes
# apart fails in every row.)
#
# Before you start: from $w_a \propto e^{s_a/\tau}$ and $w_b \propto e^{s_b/\tau}$, what is $\ln (w_a / w_b)$?

# %%
def temperatures(scores, weights):
    """scores and weights (T, S), weights above 0 -> (T,): the temperature of each row, 0.0 where there is none.

    S is 2 or more, and within a row no two scores are equal. A sum is one, and two temperatures are
    equal, if they differ by less than 1e-6; two weights are equal only if they are exactly so.

    >>> temperatures(np.array([[0.0, 2.0]]), softmax(np.array([[0.0, 1.0]]))).round(6).tolist()
    [2.0]
    """
    ### BEGIN SOLUTION
    found = np.zeros(len(scores))
    for t, (s, w) in enumerate(zip(scores, weights, strict=True)):
        logs = np.log(w[1:] / w[:1])
        if not logs.all():
            continue
        taus = (s[1:] - s[:1]) / logs
        if abs(w.sum() - 1) < 1e-6 and np.ptp(taus) < 1e-6 and taus[0] > 0:
            found[t] = taus[0]
    return found
    ### END SOLUTION

# %%
check("07.2", temperatures)

# %% [markdown]
# ## 07.3 · Find the bugs (●●●○○, 15 minutes)
#
# This is causal self-attention as one would write it after two widely read articles. It runs, all shapes are
# right, and four things are wrong. Read line by line: what is divided by what? Which axis is summed over? Where does the mask stand? And
# what is it that is added up? (Scores are small here, and the exponentials harmless.) Repair it with `softmax` and arrays; the finished `attention` of `course_lib` and torch's
# `scaled_dot_product_attention` are refused.

# %%
def attention_of_the_articles(q, k, v):
    """q, k, v (T, D) -> (T, D), wrong in four ways."""
    scores = q @ k.T
    e = np.exp(scores)
    weights = e / e.sum(axis=0)
    weights = np.tril(weights)
    return weights @ k


# %%
def attention_repaired(q, k, v):
    """q, k, v (T, D) -> causal self-attention (T, D)."""
    ### BEGIN SOLUTION
    T, D = q.shape
    scores = np.where(np.tri(T, dtype=bool), q @ k.T / math.sqrt(D), -np.inf)
    return softmax(scores) @ v
    ### END SOLUTION

# %%
check("07.3", attention_repaired)

# %% [markdown]
# ## 07.4 · Filling (●●●○○, 15 minutes)
#
# Texts of different lengths stand in one batch. Short ones are filled up **on the left**, so that all end together: a text of length
# 3 in a batch of width 5 has two tokens of filling, then three real ones. From the scores, make the weights: causal, and nobody reads
# filling. Filling itself then has nothing to read: its weights are 0, and nowhere is a `nan`. The scores are divided by $\sqrt D$ already, and
# may be as large as 1000 or as low as −1000. `softmax` may be used; `attention_weights` and `softmax_over_keys` are refused.

# %%
def padded_weights(scores, lengths):
    """scores (B, T, T), lengths (B,) from 0 to T -> weights (B, T, T); a row sums to one, or to 0 for filling.

    >>> padded_weights(np.zeros((1, 3, 3)), np.array([2]))[0].tolist()
    [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.5, 0.5]]
    """
    ### BEGIN SOLUTION
    B, T, _ = scores.shape
    real = np.arange(T) >= T - lengths[:, None]
    mask = np.tri(T, dtype=bool) & real[:, None, :]
    weights = softmax(np.where(mask, scores, np.where(mask.any(axis=-1, keepdims=True), -np.inf, 0.0)))
    return np.where(mask, weights, 0.0)
    ### END SOLUTION

# %%
check("07.4", padded_weights)

# %% [markdown]
# ## 07.5 · Backwards (●●●●○, 20 minutes)
#
# All three gradients of attention, without a mask, for a batch. Compute the weights again, then go back: weighted sum, softmax, dot products.
# The scores may be as large as 1000. `softmax` may be used; `attention_backward` and `softmax_backward` are refused, and so are torch's own gradients (`.backward()`, `torch.autograd.grad`).
#
# A question that saves time: which two of the three gradients have a shape in which $T$ does not occur, and so must sum over $T$?

# %%
def attention_gradients(dout, q, k, v):
    """dout (B, T, E), q (B, T, D), k (B, S, D), v (B, S, E) -> dq, dk, dv, each in the shape of its own.

    The forward pass was: weights = softmax(q kᵀ / √D), out = weights v.
    """
    ### BEGIN SOLUTION
    D = q.shape[-1]
    weights = softmax(q @ k.swapaxes(-2, -1) / math.sqrt(D))
    dweights, dv = dout @ v.swapaxes(-2, -1), weights.swapaxes(-2, -1) @ dout
    dscores = weights * (dweights - (weights * dweights).sum(axis=-1, keepdims=True)) / math.sqrt(D)
    return dscores @ k, dscores.swapaxes(-2, -1) @ q, dv
    ### END SOLUTION

# %%
check("07.5", attention_gradients)

# %% [markdown]
# ## 07.6 · An atlas that forgives (●●●●○, 15 minutes)
#
# Here are fifteen countries and where their capitals lie. Make the atlas understand names that are spelt wrong. The vector of a name, and
# of a query, counts its **letter pairs**, all neighbours just as they are spelt, with a dot before and after (`·peru·` has `·p`, `pe`, `er`, `ru`, `u·`), and is then divided by
# its length as a vector (its norm, $\sqrt{\sum \text{counts}^2}$), so that long names do not shout. A pair of a query that no name has counts in the query's
# length as well; the empty name has the one pair `··`. The score of a query is the dot product with each name's vector, times `sharpness`. (`attention` of `course_lib` is refused; `softmax` may be used.)
#
# When it is correct, ask in a cell of your own for `"brasil"`, `"itly"` and `"swedn"` with `sharpness` 30, 10 and 1. Where do the answers go as it gets
# softer, and where would they be at 0?

# %%
CAPITALS = {"peru": (-12.0, -77.0), "chile": (-33.4, -70.7), "cuba": (23.1, -82.4), "panama": (9.0, -79.5),
            "canada": (45.4, -75.7), "mexico": (19.4, -99.1), "brazil": (-15.8, -47.9), "spain": (40.4, -3.7),
            "france": (48.9, 2.4), "italy": (41.9, 12.5), "greece": (38.0, 23.7), "sweden": (59.3, 18.1),
            "norway": (59.9, 10.7), "poland": (52.2, 21.0), "ukraine": (50.5, 30.5)}       # degrees north, degrees east


# %%
def look_up(queries, names, places, sharpness):
    """queries: T strings, names: S strings, places (S, 2) -> (T, 2).

    >>> look_up(["peru"], ["peru", "cuba"], np.array([[1.0, 2.0], [3.0, 4.0]]), 1000.0).tolist()
    [[1.0, 2.0]]
    """
    ### BEGIN SOLUTION
    def pairs(name):
        name = f"·{name}·"
        return [name[i : i + 2] for i in range(len(name) - 1)]

    known = sorted({pair for name in (*queries, *names) for pair in pairs(name)})

    def vectors(words):
        counts = np.array([[pairs(word).count(pair) for pair in known] for word in words], dtype=float)
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)

    return softmax(sharpness * vectors(queries) @ vectors(names).T) @ places
    ### END SOLUTION

# %%
check("07.6", look_up)

# %% [markdown]
# ## 07.7 · Too good (●●○○○, 10 minutes)
#
# A friend has trained a small language model with attention of her own. Its loss is far below everyone else's, on held-out text too. But what it
# writes is nonsense.
#
# What has probably happened? Name two different mistakes in attention that can cause it, and say for each why it does. Which
# experiment of a few lines would decide it, without any training? And why did the held-out text not warn her?

# %% [markdown] tags=["answer"]
# Information about the next token reaches the place that has to predict it: the model peeks. When it writes, there is no future to peek at, and it has learned
# nothing else.
#
# Mistakes that can cause it: no causal mask at all, or one shifted by one (`s <= t + 1`), so the answer itself is read; weights set to zero *after*
# the softmax, so that the future is still in the denominator, and the sum of a row tells of it; hidden scores set to 0 in place of −∞, so that hidden keys get
# the weight of $e^0$; a softmax over the queries, where the sum that the past is divided by contains what later tokens ask.
#
# The experiment: take any text, compute the logits, change the last token, and compute them again. All logits before the last place must be exactly the same. (Or
# the gradient of the first output by the last token must be zero.)
#
# Held-out text warns of what was memorised. It is fed to the model in the same way, all tokens at once, so the same leak makes it look good, too. Only writing, one
# token at a time, or the experiment shows it.
