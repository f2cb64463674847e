# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] tags=["badges"]
# # 07 · Attention: how does a word find the words it needs?
#
# **About 55 minutes** to read and run (a few seconds of computing), an hour and three quarters for the
# [exercises](../exercises/07_attention/07_attention.ipynb).
#
# **You need** numpy and matrix products; softmax and backpropagation from lesson 04.
#
# **You will read** `course_lib/byhand/attention.py` whole, and the functions of the same names in `course_lib/model/attention.py`.
#
# **Afterwards you can** derive attention from a dictionary, forwards and backwards; say what the $\sqrt{D}$ is for, and measure it; mask
# the future and the padding, and spot masks that leak; and find the errors in a published example without running it.

# %% tags=["setup"]
import inspect
import math

import matplotlib.pyplot as plt
import numpy as np

from course_lib.byhand import functional as F
from course_lib.lab import plots
from course_lib.lab.expect import expect
from course_lib.lab.progress import progress
from course_lib.lab.widgets import AttentionViewer, Microscope, explore
from course_lib.lab.widgets.computation import Step

np.set_printoptions(precision=4, suppress=True)

# %% [markdown]
# ## 1 · A dictionary that understands "almost"
#
# "Ann lost the key that Ben had given **her**." To read *her*, you looked back for a person who fits, and found Ann. A model must do the
# same: a place in a text has a *question*, the other places have something to *offer*, and the right one must be found.
#
# Finding things by a key is what a dictionary does. Here is one: how warm is the wind, by where it blows from?

# %%
warmth = {"north": 2.0, "east": 8.0, "south": 20.0, "west": 12.0}
print(warmth["east"])
print("north-east" in warmth)

# %% [markdown]
# North-east is not in it, and a dictionary knows no "almost". A person would say: something between 2 and 8. We can teach that
# to a dictionary, if we make the keys **vectors**. A direction has two numbers, how far north and how far east:

# %%
keys = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])      # (S, D): north, east, south, west
values = np.array([[2.0], [8.0], [20.0], [12.0]])                         # (S, 1): degrees
query = np.array([1.0, 1.0]) / math.sqrt(2)                              # north-east
print("how well it fits each key:", keys @ query)

# %% [markdown]
# The **dot product** of two vectors is large when they point the same way, zero across, negative when opposed. So it says how well
# a query fits a key: a **score**. North and east fit equally well, south and west badly.
#
# From scores to an answer: take a bit of each value, more where the fit is better. "More" must be positive, and the shares must sum to
# one. You know a function that makes such shares: **softmax**. Then the answer is the **weighted sum** of the values.

# %%
scores = keys @ query
weights = F.softmax(scores)
print("weights", weights, f"sum {weights.sum():.4f}")
print("answer ", weights @ values)

# %% [markdown]
# > **Predict.** That is lukewarm, more than the 5 degrees of a person's guess. Who contributed too much? What would a query ten times as
# > long answer?

# %%
for length in (1, 3, 10):
    weights = F.softmax(keys @ (length * query))
    print(f"length {length:2}: weights {weights}, answer {(weights @ values)[0]:.2f}")

# %% [markdown]
# The length of the query says how *sharply* it asks: scores further apart, weights nearer to a choice. A short query
# takes a bit of everything; a very long one is an ordinary dictionary. Remember this: **the size of the scores decides between
# a mean and a choice**. It comes back in section 5.

# %%
bearings = np.arange(0, 361, 3)
around = np.stack([np.cos(np.radians(bearings)), np.sin(np.radians(bearings))], axis=1)    # (T, D): T queries at once


def all_winds(sharpness=3.0):
    answers = F.softmax(sharpness * around @ keys.T) @ values
    figure = plots.curves(
        bearings, {"answer": answers[:, 0]}, xlabel="wind from, degrees (0 north, 90 east)", ylabel="warmth, degrees",
        title=f"A dictionary with soft keys, asked with sharpness {sharpness:g}",
        caption="Sharp questions give steps, as a dictionary does. Soft ones give a smooth curve, at last the mean of all values.",
        alt="Warmth against the direction of the wind: a wave that is lowest in the north and highest in the south.")
    figure.summary = f"sharpness {sharpness:g}: answers from {answers.min():.1f} to {answers.max():.1f} degrees"
    return figure


explore(all_winds, label="A soft dictionary", sharpness=(0.0, 20.0, 0.5))

# %% [markdown]
# Because it is smooth, it has derivatives; and so **the keys, the values and the questions can be learned**. That is all of attention:
#
# $$\text{scores}_{ts} = q_t \cdot k_s \qquad w_{ts} = \frac{e^{\text{scores}_{ts}}}{\sum_{r} e^{\text{scores}_{tr}}} \qquad
#   \text{out}_t = \sum_s w_{ts}\,v_s$$
#
# with $T$ queries, $S$ keys and a value for each key. Each query has its own softmax, **over the keys**. As
# matrices: $\text{out} = \mathrm{softmax}(Q K^\top)\,V$.
#
# ## 2 · A published example, checked
#
# A widely read tutorial computes it for three words. It gives these scores, and $v = (2, 3, 4)$. Then it
# prints the weights "after softmax", and as the output nine numbers:

# %%
S3 = np.array([[0.8, 0.5, 0.3], [0.6, 0.9, 0.7], [0.4, 0.6, 0.8]])                  # (T, S) scores, a row for each query
v3 = np.array([[2.0], [3.0], [4.0]])                                              # (S, 1)
printed = np.array([[0.6, 0.4, 0.2], [0.3, 0.7, 0.4], [0.2, 0.5, 0.3]])           # (T, S) as the tutorial has them
printed_output = [1.2, 1.2, 0.8, 0.6, 2.1, 1.6, 0.4, 1.5, 1.2]

# %% [markdown]
# > **Predict.** Three things can be seen to be wrong without computing a single exponential. Which? (Two tests are for the weights: one on
# > their sum, one on their order. One is for the number of outputs.)

# %%
print("rows sum to      ", printed.sum(axis=1))
print("best key by score", S3.argmax(axis=1), "  by printed weight", printed.argmax(axis=1))
print(len(printed_output), "outputs for", len(S3), "queries")

# %% [markdown]
# - Rows one and two do not sum to one.
# - Row three does, and is wrong as well: softmax **keeps the order**, and here the best key by score is not the one with the most weight. A test on
#   the sum alone would have let it pass.
# - Each query gets **one** answer. The tutorial has multiplied weights and values and never added.
#
# Could the weights come from a softmax with another sharpness, as in section 1? With temperature $\tau$, $w \propto e^{\text{score}/\tau}$, so
# two keys give $\tau = (\text{difference of scores}) / \ln(\text{ratio of weights})$. In row one:

# %%
for s in (1, 2):
    tau = (S3[0, s - 1] - S3[0, s]) / math.log(printed[0, s - 1] / printed[0, s])
    print(f"keys {s - 1} and {s}: τ = {tau:.3f}")

# %% [markdown]
# Two temperatures for one row: no softmax of any sharpness. How did it happen? The text writes $\text{weight}_1 = \mathrm{softmax}(q_1 \cdot k_1)$,
# the softmax of *one number at a time*. Try it:

# %%
print("softmax of a single score:", F.softmax(np.array([0.8])))
true = F.softmax(S3)
print("softmax of the rows:\n", true)
print("outputs:", (true @ v3)[:, 0])

# %% [markdown]
# These are the true numbers. A quick test for any such table: shares of 2, 3 and 4 cannot sum to more than 4. **An output of
# attention lies between the smallest and the largest value**, for it is a weighted mean. Sum up the printed products, query by query:

# %%
print("printed weights, summed:", (printed @ v3)[:, 0], " between 2 and 4?")

# %% [markdown]
# Three more sentences of that text, repaired. "*Softmax computes the similarity of key and query*": no, the **dot product** does that; softmax makes
# shares of it. "*A weighted sum of all keys*": of all **values**. And it treats $q_i$, $k_j$ as single numbers. Then the table
# would be a column times a row:

# %%
print("independent rows in the table of scores:", np.linalg.matrix_rank(S3))

# %% [markdown]
# A column times a row has one. So these queries and keys have at least $D = 3$ numbers each, and by the tutorial's own formula every score had
# to be divided by $\sqrt{D}$, which it skips:

# %%
for D in (1, 3, 64):
    print(f"divided by √{D}:".ljust(17), (F.softmax(S3 / math.sqrt(D)) @ v3)[:, 0])

# %% [markdown]
# **Which axis?** Another widely read text prints $\alpha_{ij} = e^{Q_k K_j} / \sum_k e^{Q_k K_j}$. Read it slowly: $i$ occurs only on the left,
# $k$ is both summed over and free, and the sum goes over the *queries*: columns are made to sum to one, not rows.

# %%
columns = F.softmax(S3, axis=0)
print("columns sum to", columns.sum(axis=0))
print("rows sum to   ", columns.sum(axis=1))

# %% [markdown]
# Nearly one, and so easily overlooked. But now each word's answer depends on what the *other* words ask. Section 6 shows what that breaks.
#
# ## 3 · Who makes queries, keys and values?
#
# In a text there are only vectors $x_t$, one for each token. Why not take them for all three?
#
# > **Predict.** If $q = k = x$, which word does each word read most? And compare how *cat* reads *sat* with how *sat* reads *cat*.

# %%
words = ["the", "cat", "sat"]
rng = np.random.default_rng(7)
x = rng.normal(size=(3, 4)).round(1)                                              # (T, C)
print(x @ x.T)

# %% [markdown]
# Mostly itself, for nothing points so much in the direction of a vector as the vector. (Only a longer one can win, as *cat* does in the last row.) And
# the table is symmetric: as much as the cat wants to know of the sitting, the sitting must want to know of the cat. Neither is what reading is like. So each token gets three *roles*, by three
# learned matrices:
#
# $$q_t = x_t W_q \ \text{(what I look for)} \qquad k_s = x_s W_k \ \text{(what I can be found by)} \qquad v_s = x_s W_v \ \text{(what I give)}$$

# %%
Wq, Wk, Wv = (rng.normal(size=(4, 3)) for _ in range(3))                          # (C, D) each
q, k, v = F.linear(x, Wq), F.linear(x, Wk), F.linear(x, Wv)                       # (T, D) each
print(q @ k.T)

# %% [markdown]
# Not symmetric any more, and a word need not find itself. *Key* and *value* differ for the same reason as in a dictionary: what one is found by is not
# what one gives.
#
# ## 4 · The function, and a microscope
#
# Here is the whole of it, from the course's package. (Two things are new: $\sqrt{D}$ and the mask. They are the next two sections.)

# %%
from course_lib.byhand.attention import (
    attention,
    attention_backward,
    attention_scores,
    attention_scores_backward,
    attention_weights,
    causal_mask,
    gather,
    gather_backward,
    mask_to_bias,
    softmax_over_keys,
)

for function in (attention_scores, attention_weights, gather, attention):
    print(inspect.getsource(function))

# %% [markdown]
# It gives the repaired numbers of section 2, when queries are the rows of the table, keys the unit vectors, and nothing is divided:

# %%
out, weights = attention(S3, np.eye(3), v3, scale=1.0)
assert np.allclose(weights, true) and np.allclose(out, true @ v3)
print(out[:, 0])

# %%
figure = plots.labelled_grids(
    {"q": q, "k": k, "scores": attention_scores(q, k), "weights": attention_weights(q, k), "v": v,
     "out": attention(q, k, v)[0]},
    axes={"q": "TD", "k": "SD", "scores": "TS", "weights": "TS", "v": "SD", "out": "TD"}, signed=True,
    title="From queries, keys and values to what each token gathers",
    marked={"q": [(2, d) for d in range(3)], "k": [(1, d) for d in range(3)], "scores": [(2, 1)], "weights": [(2, 1)],
            "v": [(1, d) for d in range(3)], "out": [(2, d) for d in range(3)]},
    caption="Framed: query 2 meets key 1 in one score, which becomes one weight, the share of value 1 in output 2.",
    alt="Six grids of three by three: q, k, scores, weights, v, out. Row 2 of q, row 1 of k, and one cell of scores are framed.")
plt.show()
print(figure.summary)

# %% [markdown]
# Now take it apart yourself. Every number of `Q`, `K` and `V` can be changed; every step is one of the functions above.
#
# > **Try it.** (1) Click a number of `out`: which numbers does it depend on? (2) Make *sat* read *the* with weight above 0.9, by changing one
# > number of `Q`. (3) Set `temperature` high, then low. (4) Switch `causal` on, and click the first row of `out`. (5) Go on past
# > the last step: the gradients come back. Section 7 derives them.

# %%
full = np.random.default_rng(3).normal(size=(3, 3, 4)).round(1)                   # Q, K, V with up to four numbers a token


def how_sharp(D, temperature, root):
    return 1 / (temperature * (math.sqrt(D) if root else 1.0))


def who_may_read(causal, padding):
    hidden_end = np.array([True, True, not padding])
    return (causal_mask(3) if causal else np.ones((3, 3), dtype=bool)) & hidden_end


steps = [
    Step("scores", "Q Kᵀ / √D", lambda Q, K, D, temperature, root: attention_scores(Q, K, how_sharp(D, temperature, root)),
         lambda dscores, Q, K, D, temperature, root: attention_scores_backward(dscores, Q, K, how_sharp(D, temperature, root))),
    Step("masked", "hidden: −∞", lambda scores, causal, padding: scores + mask_to_bias(who_may_read(causal, padding)),
         lambda dmasked: dmasked),
    Step("weights", "softmax over keys", lambda masked: softmax_over_keys(masked),
         lambda dweights, weights: F.softmax_backward(dweights, weights)),
    Step("out", "weights V", lambda weights, V: gather(weights, V),
         lambda dout, weights, V: gather_backward(dout, weights, V)),
    Step("loss", "½ Σ out²", lambda out: (out**2).sum() / 2, lambda dloss, out: dloss * out),
]
Microscope(steps, {"Q": lambda D: full[0, :, :D], "K": lambda D: full[1, :, :D], "V": lambda D: full[2, :, :D]},
           axes={"Q": "TD", "K": "SD", "V": "SD", "scores": "TS", "masked": "TS", "weights": "TS", "out": "TD", "loss": ""},
           ranges={"D": (1, 4), "temperature": (0.25, 4.0, 0.25), "root": True, "causal": False, "padding": False},
           start={"D": 2, "temperature": 1.0}, labels={"T": words, "S": words}, step=4)

# %% [markdown]
# *`root`: divide by √D. `padding`: the last token is none, only filling.*
#
# ## 5 · Why √D?
#
# A score is a sum of $D$ products. Suppose all numbers of $q$ and $k$ are independent, with mean 0 and variance 1. Each product then has
# mean 0 and variance $1 \cdot 1 = 1$, and **variances of independent terms add**:
#
# $$\mathrm{Var}(q \cdot k) = \sum_{d=1}^{D} \mathrm{Var}(q_d\,k_d) = D \qquad\Rightarrow\qquad q \cdot k \text{ is typically of size } \sqrt{D}$$
#
# > **Predict.** For $D = 64$, how far are scores typically from 0? Two scores that are 8 apart: what is the ratio of their weights?

# %%
rng = np.random.default_rng(1)
widths = (4, 16, 64, 256)
for D in widths:
    q, k = rng.normal(size=(20_000, D)), rng.normal(size=(20_000, D))
    products = (q * k).sum(axis=1)
    print(f"D = {D:3}: variance of q·k {products.var():6.1f}   of q·k / √D {(products / math.sqrt(D)).var():.2f}")
print(f"e⁸ = {math.exp(8):.0f}")

# %% [markdown]
# So without the root, a *wider* query is a *longer* query, and by section 1 a sharper one: nobody has chosen yet, and the softmax already has.
# Is that so bad? Watch two things against $D$, for 32 random keys:
#
# - the **entropy** of the weights, $-\sum_s w_s \ln w_s$ in nats: $\ln 32$ for a mean of all, 0 for a single choice;
# - the **gradient** that comes back to the scores when random gradients arrive at the weights. Softmax's is
#   $w_s\,(dw_s - \sum_r w_r\,dw_r)$: where one weight is nearly 1 and all others nearly 0, every term is nearly 0.

# %%
entropies, sizes = {"q·k": [], "q·k / √D": []}, {"q·k": [], "q·k / √D": []}
many = (4, 8, 16, 32, 64, 128, 256, 512, 1024)
for D in many:
    q, k, dweights = rng.normal(size=(500, 1, D)), rng.normal(size=(500, 32, D)), rng.normal(size=(500, 1, 32))
    for name, scale in (("q·k", 1.0), ("q·k / √D", None)):
        weights = attention_weights(q, k, scale=scale)
        entropies[name].append(-(weights * np.log(weights + 1e-300)).sum(axis=-1).mean())
        sizes[name].append(np.linalg.norm(F.softmax_backward(dweights, weights), axis=-1).mean())

# %%
figure = plots.curves(
    many, entropies, xlabel="D, numbers in a query", ylabel="entropy of the weights (nats)", log="x",
    levels={"mean of all 32 keys": math.log(32)}, title="Without the root, wide queries choose before they have learned",
    caption="Divided by √D, the softness does not depend on the width. Not divided, nearly all weight falls on one key.",
    alt="Entropy against D: flat near three nats with the root; falling from two towards zero without it.")
plt.show()
print(f"D = 4 → 1024: without the root {entropies['q·k'][0]:.1f} → {entropies['q·k'][-1]:.1f} nats, "
      f"with it {entropies['q·k / √D'][0]:.1f} → {entropies['q·k / √D'][-1]:.1f}")

# %%
figure = plots.curves(
    many, sizes, xlabel="D, numbers in a query", ylabel="size of the gradient at the scores", log="x",
    title="… and let less and less gradient through",
    caption="A softmax that has chosen does not hear that it chose badly: its gradient has all but gone.",
    alt="Gradient size against D: flat with the root, falling to near zero without it.")
plt.show()
print(f"D = 4 → 1024: without the root {sizes['q·k'][0]:.2f} → {sizes['q·k'][-1]:.2f}, "
      f"with it {sizes['q·k / √D'][0]:.2f} → {sizes['q·k / √D'][-1]:.2f}")

# %% [markdown]
# It is the saturated sigmoid of lesson 04 again. The root does not forbid sharp attention: a model that wants it can learn longer queries. It
# only sees to it that **at the beginning** nothing is decided, whatever the width.
#
# ## 6 · Masks: who may look at whom
#
# A model that predicts the next token must not see it. So query $t$ may read key $s$ only if $s \le t$: the **causal mask**.

# %%
print(causal_mask(4).astype(int))

# %% [markdown]
# Where does it go? A tempting place is the end: compute the weights as usual, then set the hidden ones to zero. Another: set the hidden
# *scores* to zero. Let us try both, and the softmax over the wrong axis from section 2 too.
#
# One test for all of them: **change the last token, and look whether the first output moves**. If it does, the model can see the future.
#
# > **Predict.** Which of the versions leak?

# %%
T, D = 4, 3
rng = np.random.default_rng(2)
q, k, v = (rng.normal(size=(T, D)) for _ in range(3))
mask = causal_mask(T)


def weights_zeroed_after(q, k):
    return np.where(mask, attention_weights(q, k), 0.0)


def scores_set_to_zero(q, k):
    return F.softmax(np.where(mask, attention_scores(q, k), 0.0))


def softmax_over_queries(q, k):
    return F.softmax(np.where(mask, attention_scores(q, k), -np.inf), axis=-2)


def masked_before(q, k):
    return attention_weights(q, k, mask)


def with_another_end(array):
    changed = array.copy()
    changed[-1] += 1.0
    return changed


print("version                 sums of the rows                first output moves by")
for version in (weights_zeroed_after, scores_set_to_zero, softmax_over_queries, masked_before):
    before = version(q, k) @ v
    after = version(with_another_end(q), with_another_end(k)) @ with_another_end(v)
    print(f"{version.__name__:23} {str(version(q, k).sum(axis=1)):32} {abs(after[0] - before[0]).max():.4f}")

# %% [markdown]
# All three wrong ones leak.
#
# - **Zeroed after the softmax**: the hidden keys got no weight, but they stand in the *denominator*. Rows sum to less than one, and by how much tells
#   of the future.
# - **Scores set to zero**: $e^0 = 1$, so a score of 0 is no "nothing", it is a medium good fit.
# - **Softmax over the queries**: the first row's weights are divided by what later queries ask.
#
# Such leaks are treacherous: whatever tells of the future lowers the loss, so a model learns to use it. It fails only when it must write,
# for then there is no future to peek at.
#
# The right place is before the softmax, and the right number is $-\infty$, because $e^{-\infty} = 0$: the key is gone from numerator *and*
# denominator, as if it did not exist. In code it is an addition: 0 where one may look, $-\infty$ where not.

# %%
print(inspect.getsource(mask_to_bias))
figure = plots.labelled_grids(
    {"scores": attention_scores(q, k), "masked": np.where(mask, attention_scores(q, k), np.nan), "weights": masked_before(q, k)},
    axes={"scores": "TS", "masked": "TS", "weights": "TS"}, signed=True, title="The mask stands before the softmax",
    caption="Empty cells are −∞. The first token can only read itself, so its weight there is 1.",
    alt="Three grids of four by four: scores; the same with the upper triangle empty; weights, zero in the upper triangle.")
plt.show()
print(figure.summary)

# %% [markdown]
# **Padding.** Sentences of a batch differ in length; short ones are filled up, and the filling must not be read. That is the same mask. But
# now a query can be left with *nothing* to read: a whole row of $-\infty$.
#
# > **Predict.** What is the softmax of $(-\infty, -\infty)$? And if that row belongs to the filling, whose output nobody uses: does it matter?

# %%
nothing = np.array([[0.3, 0.1], [-np.inf, -np.inf]])
with np.errstate(all="ignore"):
    plain = F.softmax(nothing)
    dout = np.array([[1.0], [0.0]])                                # nobody uses the second row: its gradient is 0
    dv = plain.T @ dout
print("plain softmax:\n", plain)
print("gradient of the values:", dv[:, 0])

# %% [markdown]
# $0/0$ is `nan`, and $0 \cdot \text{nan}$ is `nan` too: on the way back, one useless row has poisoned **every** value, and after the next update all
# weights of the model. Two popular ways out: $-10^9$ in place of $-\infty$ (then such a row reads a bit of everything that it
# must not read: harmless only while nobody uses it); or to let filling read itself. Ours says that who reads nothing gathers nothing:

# %%
print(inspect.getsource(softmax_over_keys))
padding_mask = np.array([[True, True, True, True], [False, False, True, True]])       # (B, S): the second text has 2 tokens
mask = causal_mask(4) & padding_mask[:, None, :]                                      # (B, T, S)
qs, ks, vs = (rng.normal(size=(2, 4, 3)) for _ in range(3))                           # (B, T, D)
out, weights = attention(qs, ks, vs, mask)
print(weights[1])
print("any nan:", bool(np.isnan(out).any()))

# %% [markdown]
# ## 7 · Backwards
#
# Attention is three steps: a matrix product, a softmax, a matrix product. You have all their gradients since lesson 04. Go back from
# $d\text{out}$, and ask of each number by which paths it reaches the loss.
#
# **Through the weighted sum.** $\text{out}_t = \sum_s w_{ts} v_s$. The weight $w_{ts}$ reaches only $\text{out}_t$; the value $v_s$ reaches *every*
# query that read it:
#
# $$dw_{ts} = d\text{out}_t \cdot v_s \qquad\qquad dv_s = \sum_t w_{ts}\,d\text{out}_t$$
#
# **Through the softmax**, each row on its own. A score lifts its own weight and presses all others down:
#
# $$\frac{\partial w_{tr}}{\partial\,\text{scores}_{ts}} = w_{tr}\,([r = s] - w_{ts})
#   \quad\Rightarrow\quad d\text{scores}_{ts} = w_{ts}\Big(dw_{ts} - \sum_r w_{tr}\,dw_{tr}\Big)$$
#
# In words: a key's score should move if its value would do better or worse than **what the query got on average**. And where $w_{ts} = 0$,
# as behind a mask, nothing comes through: the mask works backwards with no extra line.
#
# **Through the dot products.** $\text{scores}_{ts} = q_t \cdot k_s / \sqrt{D}$:
#
# $$dq_t = \frac{1}{\sqrt{D}} \sum_s d\text{scores}_{ts}\,k_s \qquad\qquad dk_s = \frac{1}{\sqrt{D}} \sum_t d\text{scores}_{ts}\,q_t$$

# %%
for function in (gather_backward, attention_scores_backward, attention_backward):
    print(inspect.getsource(function))

# %% [markdown]
# Never trust a gradient that has not been checked. Nudge every number, and compare:

# %%
from course_lib.byhand.gradcheck import numerical_gradient, relative_error


def judged(grads, nudged):
    for name, grad in grads.items():
        print(f"d{name:6} {str(grad.shape):12} {'right' if relative_error(grad, nudged[name]) < 1e-6 else 'wrong'}")


inputs = {"q": qs, "k": ks, "v": vs}
dout = rng.normal(size=out.shape)
by_hand = dict(zip(inputs, attention_backward(dout, qs, ks, vs, weights), strict=True))
nudged = {name: numerical_gradient(lambda a, name=name: (attention(**(inputs | {name: a}), mask=mask)[0] * dout).sum(), array)
          for name, array in inputs.items()}
judged(by_hand, nudged)

# %% [markdown]
# **The wrong way.** "Each weight has its own score, so $d\text{scores} = w\,(1 - w)\,dw$": the slope of a sigmoid, the diagonal alone.

# %%
dweights, _ = gather_backward(dout, weights, vs)
dscores = weights * (1 - weights) * dweights
dq, dk = attention_scores_backward(dscores, qs, ks)
judged({"q": dq, "k": dk, "v": by_hand["v"]}, nudged)

# %% [markdown]
# It forgets that lifting one weight lowers the others. Which test would have found it without any nudging? A common shift of all
# scores of a row changes no weight. So each row of $d\text{scores}$ must sum to zero:

# %%
print("the diagonal alone", abs(dscores.sum(axis=-1)).max().round(3))
print("all of it         ", abs(F.softmax_backward(dweights, weights).sum(axis=-1)).max().round(3))

# %% [markdown]
# ## 8 · The real thing
#
# The models of this course call this, in PyTorch, from `course_lib/model/attention.py`: the same names, and one more argument for
# dropout (lesson 09).

# %%
import torch

from course_lib.model import attention as model

print(inspect.getsource(model.attention_weights))
print(inspect.getsource(model.attention))

# %%
tensors = [torch.tensor(a, requires_grad=True) for a in (qs, ks, vs)]
visible = mask | np.eye(4, dtype=bool)                             # as our GPT has it: filling may read itself
ours, weights = attention(qs, ks, vs, visible)
theirs, their_weights = model.attention(*tensors, torch.tensor(visible))
assert np.allclose(ours, theirs.detach()) and np.allclose(weights, their_weights.detach())
theirs.backward(torch.tensor(dout))
for mine, tensor in zip(attention_backward(dout, qs, ks, vs, weights), tensors, strict=True):
    assert np.allclose(mine, tensor.grad)
print("by hand = course_lib.model.attention: outputs, weights, three gradients")

# %% [markdown]
# Both are ours, so both could be wrong in the same way. The independent judge is PyTorch's own kernel, with a mask of booleans that leaves one
# query nothing to read, and with a mask of floats:

# %%
for name, given in (("bool mask", mask), ("float mask", rng.normal(size=(4, 4)))):
    tensors = [torch.tensor(a, requires_grad=True) for a in (qs, ks, vs)]
    theirs = torch.nn.functional.scaled_dot_product_attention(*tensors, attn_mask=torch.tensor(given))
    theirs.backward(torch.tensor(dout))
    ours, weights = attention(qs, ks, vs, given)
    assert np.allclose(ours, theirs.detach(), rtol=1e-10, atol=1e-12)
    for mine, tensor in zip(attention_backward(dout, qs, ks, vs, weights), tensors, strict=True):
        assert np.allclose(mine, tensor.grad, rtol=1e-10, atol=1e-12)
    print(f"{name}: by hand = F.scaled_dot_product_attention, outputs and gradients")

# %% [markdown]
# ## 9 · Batches, and what it costs
#
# Nothing in our functions says how many axes stand before the last two. So they already work for $B$ sentences, and for $H$ *heads* of each (lesson 08): each
# pair (sentence, head) has its own table of weights, and all are computed in one call.

# %%
B, H, T, D = 2, 3, 5, 4
q, k, v = (rng.normal(size=(B, H, T, D)) for _ in range(3))
out, weights = attention(q, k, v, causal_mask(T))                  # one (T, T) mask serves all
one = attention(q[1, 2], k[1, 2], v[1, 2], causal_mask(T))[0]
print("weights", weights.shape, " out", out.shape, " same as one by one:", bool(np.allclose(out[1, 2], one)))

# %% [markdown]
# And the cost? The table of weights has $T \times T$ cells, and each costs $D$ multiplications and additions for the score and as many for the weighted sum.
# Projections cost $T \cdot C^2$, four times with the one at the end.
#
# > **Predict.** A text twice as long: how much more memory for the weights? And from which length on does a model with $C = 768$ spend
# > more on reading than on projecting?

# %%
print("    T   weights of one head   multiply-adds: reading   projecting (C = 768)")
for T in (256, 512, 1024, 2048, 4096):
    print(f"{T:5} {4 * T * T / 2**20:13.2f} MiB {2 * T * T * 768 / 1e9:20.2f} G {4 * T * 768**2 / 1e9:20.2f} G")

# %% [markdown]
# Twice as long, **four times** the memory and the reading. Both sides meet where $2 T^2 C = 4 T C^2$, at $T = 2C$. Below that, $T^2$ is not
# what costs; far above it, little else does. (The memory can be saved: `fused_attention` never stores the table. The multiplications remain.)
#
# ## 10 · It learns to look things up
#
# Section 1 promised that keys, values and questions can be learned. Here is a game. Each token of a line says who has what: `Ann key`. The
# last one asks: `Ben ?`. Who has what is drawn anew for each line, so there is nothing to memorise. The only way to win is to *find*.

# %%
people = "Ann Ben Cat Dan Eva Fay Gus Hal Ida Jon".split()
things = "key lamp rope map coin bell book drum fork ring".split()
ASK = len(people) + len(things)                                    # the id of the question mark


def some_lines(generator, batch_size, n_pairs):
    """(B, T, 2) ids of a person and a thing, the last token asking; and (B,) the answer, an index into things."""
    who = generator.permuted(np.tile(np.arange(len(people)), (batch_size, 1)), axis=1)[:, :n_pairs]
    what = generator.permuted(np.tile(np.arange(len(things)), (batch_size, 1)), axis=1)[:, :n_pairs]
    asked, rows = generator.integers(0, n_pairs, batch_size), np.arange(batch_size)
    facts = np.stack([who, len(people) + what], axis=-1)
    question = np.stack([who[rows, asked], np.full(batch_size, ASK)], axis=-1)
    return np.concatenate([facts, question[:, None]], axis=1), what[rows, asked]


def spelt(line):
    names = [*people, *things, "?"]
    return [f"{names[a]} {names[b]}" for a, b in line]


generator = np.random.default_rng(0)
idx, answers = some_lines(generator, 3, 6)
for line, answer in zip(idx, answers, strict=True):
    print(" · ".join(spelt(line)), "→", things[answer])

# %% [markdown]
# The model: a token is the sum of two learned vectors; then queries, keys, values; the last token reads the ones before; one more matrix makes
# logits of what it gathered. Every gradient is a function of this lesson or of lesson 04. Mind $dx$: a fact reaches the loss by its key *and* by its value, so both are added.

# %%
def forward(p, idx):
    s = {"x": F.embedding(idx, p["table"]).sum(axis=2)}                              # (B, T, C)
    s["last"], s["before"] = s["x"][:, -1:], s["x"][:, :-1]
    s["q"], s["k"], s["v"] = s["last"] @ p["Wq"], s["before"] @ p["Wk"], s["before"] @ p["Wv"]
    s["out"], s["weights"] = attention(s["q"], s["k"], s["v"])                       # (B, 1, D), (B, 1, T - 1)
    return s["out"][:, 0] @ p["Wo"], s


def backward(p, idx, dlogits, s):
    g = {}
    dout, g["Wo"], _ = F.linear_backward(dlogits[:, None], s["out"], p["Wo"])
    dq, dk, dv = attention_backward(dout, s["q"], s["k"], s["v"], s["weights"])
    from_q, g["Wq"], _ = F.linear_backward(dq, s["last"], p["Wq"])
    from_k, g["Wk"], _ = F.linear_backward(dk, s["before"], p["Wk"])
    from_v, g["Wv"], _ = F.linear_backward(dv, s["before"], p["Wv"])
    dx = np.concatenate([from_k + from_v, from_q], axis=1)                           # (B, T, C)
    g["table"] = F.embedding_backward(np.repeat(dx[:, :, None], 2, axis=2), idx, p["table"])
    return g


def first_parameters(C=32, D=32):
    generator = np.random.default_rng(5)
    shapes = {"table": (ASK + 1, C), "Wq": (C, D), "Wk": (C, D), "Wv": (C, D), "Wo": (D, len(things))}
    return {name: generator.normal(size=shape) / (1 if name == "table" else math.sqrt(C)) for name, shape in shapes.items()}


# %% [markdown]
# First the check, as always:

# %%
p = first_parameters(C=6, D=5)
logits, s = forward(p, idx)
mine = backward(p, idx, F.cross_entropy_backward(1.0, logits, answers), s)
nudged = {name: numerical_gradient(lambda a, name=name: F.cross_entropy(forward(p | {name: a}, idx)[0], answers), p[name])
          for name in p}
judged(mine, nudged)

# %% [markdown]
# > **Predict.** Who guesses one of the six things of the line at random has a loss of $\ln 6$. Where will training end? Then we give the
# > model lines of *nine* facts. It never saw so many. What will happen?

# %%
from course_lib.byhand.optim import AdamW

p = first_parameters()
optimizer, losses = AdamW(p, lr=3e-3, weight_decay=0.0), []
for _ in progress(range(200), name="training"):
    idx, answers = some_lines(generator, 64, 6)
    logits, s = forward(p, idx)
    losses.append(F.cross_entropy(logits, answers))
    optimizer.step(backward(p, idx, F.cross_entropy_backward(1.0, logits, answers), s))

# %%
figure = plots.curves(
    np.arange(1, 201), {"attention": np.array(losses)}, xlabel="step (optimizer updates)", ylabel="loss (nats an answer)",
    levels={"any of ten things": math.log(10), "one of the six in the line": math.log(6)}, title="A dictionary learned by gradient descent",
    caption="For a while it guesses among all ten things. Once it has found out how to find, it finds everywhere.",
    alt="Loss stays near the level of guessing among ten, then falls steeply to nearly zero.")
plt.show()
for n_pairs in (6, 9):
    idx, answers = some_lines(np.random.default_rng(99), 2000, n_pairs)
    right = (forward(p, idx)[0].argmax(axis=1) == answers).mean()
    expect(right, about=0.99, within=0.02, name=f"share of right answers, {n_pairs} facts in a line")

# %% [markdown]
# It did not learn the lines, it learned to look things up: nine facts are as easy as six. Look where it looks:

# %%
facts = some_lines(np.random.default_rng(11), 1, 6)[0][0, :-1]                            # (6, 2) one line, without its question
questions = np.stack([np.sort(facts[:, 0]), np.full(6, ASK)], axis=1)                # (6, 2) everybody in it, by the alphabet
asking, offering = (F.embedding(pair, p["table"]).sum(axis=1) for pair in (questions, facts))
weights = attention_weights(asking @ p["Wq"], offering @ p["Wk"])
AttentionViewer(weights, spelt(questions), keys=spelt(facts), names=["one line, six questions"])

# %% [markdown]
# *Six questions about one line of six facts. Each reads the fact that answers it, and hardly any other.*
#
# The rule that it found is in the matrices: $W_q$ and $W_k$ turn *the person asked for* and *the person named* into vectors that point the same
# way; $W_v$ hands over the thing. Every pair of people, met with each other:

# %%
q, k = p["table"][:10] @ p["Wq"] + p["table"][ASK] @ p["Wq"], p["table"][:10] @ p["Wk"]
meeting = attention_scores(q, k)
figure = plots.labelled_grid(
    meeting, rows="asked for", columns="named", row_labels=people, column_labels=people, decimals=0, signed=True,
    title="Learned scores: a dictionary",
    caption="Each row is a question. Large on the diagonal, small elsewhere: a name finds itself.",
    alt="A ten by ten grid of scores with a strong diagonal.")
plt.show()
print("best key is the person asked for:", bool((meeting.argmax(axis=1) == np.arange(10)).all()))

# %% [markdown]
# ## 11 · What to remember
#
# - Attention is a dictionary with soft keys: dot products, softmax **over the keys**, weighted sum of the **values**. One output for each query, between
#   the smallest and the largest value.
# - The size of the scores decides between a mean and a choice. Dividing by $\sqrt{D}$ keeps it independent of the width.
# - Masks stand before the softmax and are $-\infty$. A test for leaks: change the future, look at the past. A row with nothing to read needs care.
# - Backwards: $d\text{scores} = w \odot (dw - \text{the mean of } dw \text{ in its row, weighted by } w)$; each row sums to zero; hidden keys get nothing.
# - $T^2$ cells. It begins to dominate at about $T = 2C$.
#
# **Further reading.** Bahdanau, Cho, Bengio 2015, *Neural Machine Translation by Jointly Learning to Align and Translate*, arXiv 1409.0473: where it began;
# Vaswani et al. 2017, *Attention Is All You Need*, arXiv 1706.03762, section 3.2.1 and its footnote on the $\sqrt{D}$; Graves, Wayne, Danihelka 2014,
# *Neural Turing Machines*, arXiv 1410.5401: memory with soft addresses; Dao, Fu, Ermon, Rudra, Ré 2022, *FlashAttention*, arXiv 2205.14135.
#
# **Now you:** [exercises 07](../exercises/07_attention/07_attention.ipynb). Next: lesson 08 gives attention several heads, and tells it where a token stands.
