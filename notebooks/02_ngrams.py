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
# # 02 · n-grams: how surprised should we be by this sentence?
#
# **About 50 minutes** to read and run (half a minute of computing), an hour and a half for the
# [exercises](../exercises/02_ngrams/02_ngrams.ipynb).
#
# **You need** Python with a little numpy, fractions, and logarithms. Lesson 01 (tokens) helps in section 9.
#
# **You will read** `course_lib/byhand/counts.py`, `smoothing.py`, `ngram.py`, `interpolation.py`, `kneser_ney.py`, `bar.py` and
# `memorisation.py`.
#
# **Afterwards you can** turn counts into a language model that is never caught by surprise; say why each of five ways to
# smooth counts works, and which is best; measure any model in bits per byte, and compare it with any other one; let a model write,
# and tell invention from copying. What you build here is the bar that every network of this course must clear.

# %% tags=["setup"]
import inspect
import math
import re
import time
from collections import Counter, defaultdict
from fractions import Fraction
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np

from course_lib.lab import plots
from course_lib.lab.expect import expect
from course_lib.lab.results import record_result
from course_lib.lab.widgets import NextToken

np.set_printoptions(precision=3, suppress=True)


def code_of(function):
    """Its source, without what it says about itself."""
    return re.sub(r' *r?"""[\s\S]*?"""\n+', "", inspect.getsource(function), count=1)

# %% [markdown]
# ## 1 · Surprise
#
# What is the next letter?
#
# > `norweg_` &emsp; `q_` &emsp; `the weather is nice tod_`
#
# You were sure, and you were right. For a text that you cannot foresee, a list of dice throws, you would not be sure. A **language
# model** is a machine that says, at every place, how probable each next letter is. If what comes had probability $p$,
# we call its **surprise** $-\log_2 p$, in bits:

# %%
for p in (1.0, 0.5, 0.25, 1 / 27, 0.001, 1e-9):
    print(f"p = {p:<8.4g}  surprise {-math.log2(p) + 0.0:5.2f} bits")

# %% [markdown]
# Certain: 0 bits. A coin: 1 bit. One of 27 signs with equal chances, knowing nothing: 4.75 bits. Impossible: **infinite**. Remember
# that one.
#
# Why the logarithm? Because the probability of a whole text is a *product*. The chain rule of probability
# takes it apart, exactly, from left to right:
#
# $$p(w_1 w_2 \dots w_N) = p(w_1)\; p(w_2 \mid w_1)\; p(w_3 \mid w_1 w_2) \cdots p(w_N \mid w_1 \dots w_{N-1})$$
#
# and the logarithm makes a sum of it. So surprise *adds up* along a text, and the mean surprise, **bits a letter**, says how well a model
# knows it. Lower is better. That is the whole contest of language modelling, up to the largest GPT.
#
# Here is the difficulty. $p(w_N \mid \text{everything before})$ would have to be learned from the cases where everything before was the
# same. There are none: no long beginning ever occurs twice. The **n-gram** model, which goes back to Markov in 1913, makes the
# boldest possible move: *forget all but the last few*.
#
# $$p(w_i \mid w_1 \dots w_{i-1}) \;\approx\; p(w_i \mid w_{i-n+1} \dots w_{i-1})$$
#
# > **Predict.** An n-gram is $n$ letters long. How many letters does the model *look at* before it guesses?
#
# $n - 1$; the $n$-th is the one that it predicts. A widely read tutorial says "the previous $n$ words". That is off by one, and it matters:
# by its count a unigram would be a bigram, and every published figure belongs to another model. We call $n$ the **order**, and the letters
# that are looked at the **context** $h$. (Exercise 02.1 repairs the tutorial's version.)
#
# ## 2 · From counts to probabilities
#
# Five names. The dot stands before and after each of them, because how names begin and end is worth knowing, too.

# %%
toy = ["panama", "canada", "japan", "jamaica", "albania"]
after = defaultdict(Counter)
for name in toy:
    for h, w in pairwise("·" + name + "·"):
        after[h][w] += 1
print("after a:", dict(after["a"]))

# %% [markdown]
# An `a` was followed by something fourteen times, four times by an `n`. So, next time, we say $p(\texttt{n} \mid \texttt{a}) = 4/14$.
# With $c(h w)$, how often $w$ followed the context $h$, and $c(h) = \sum_w c(h w)$:
#
# $$p(w \mid h) = \frac{c(h w)}{c(h)}$$
#
# This is more than plausible: **no other numbers make the text more probable.** The text's log probability is
# $\sum_w c(h w) \log p(w \mid h)$ for each context $h$, and the probabilities must sum to one. At the best place nothing is gained by moving a
# little probability from one letter to another, so the slope $c(h w) / p(w \mid h)$ must be the same for all $w$: $p$ is proportional to
# $c$. It is the *maximum-likelihood* estimate. Try to beat it:

# %%
counts = after["a"]
total = counts.total()
best = {w: c / total for w, c in counts.items()}
even = {w: 1 / len(counts) for w in counts}
bolder = {w: c**2 / sum(c**2 for c in counts.values()) for w, c in counts.items()}
for name, p in {"the counts": best, "all equal": even, "bolder": bolder}.items():
    print(f"{name:11} {sum(-c * math.log2(p[w]) for w, c in counts.items()) / total:.3f} bits for each letter after an a")

# %% [markdown]
# Now real data: names of countries and regions in two hundred languages, in the letters a to z. A tenth of them is **held out**: we look at
# it only to judge. Another tenth, the *validation* names, is for choosing.

# %%
from course_lib.text.corpora import load_corpus

names = load_corpus("place_names").split()
shuffled = np.random.default_rng(2).permutation(names.train).tolist()
validation, train = shuffled[:1200], shuffled[1200:]
DOT, V = 26, 27


def as_ids(words):
    """One long line of ids: a dot, a name, a dot, a name, …, a dot."""
    return [DOT] + [i for word in words for i in (*(ord(letter) - ord("a") for letter in word), DOT)]


train_ids, validation_ids, held_out_ids = as_ids(train), as_ids(validation), as_ids(names.held_out)
expect(len(train), about=12500, within=3000, name="names to count")
expect(len(names.held_out), about=1530, within=500, name="names held out")

# %% [markdown]
# The package counts without a dictionary. The trick: write an n-gram as *one* integer, (number of its context) · $V$ + (its last
# id). Then counting is sorting, which numpy does for a million of them at once.

# %%
from course_lib.byhand.counts import Counts
from course_lib.byhand.ngram import NGram
from course_lib.byhand.smoothing import maximum_likelihood

print(code_of(Counts.of))
print(code_of(maximum_likelihood))

# %% [markdown]
# Do the package and our dictionary agree? On the toy, for every letter after every letter:

# %%
model = NGram.fit(as_ids(toy), 2, V, smoothing=maximum_likelihood)
for h, followers in after.items():
    p = model.probs([DOT if h == "·" else ord(h) - ord("a")])
    for w, c in followers.items():
        # In the line of names, dots touch: the dot that ends a name also begins the next one.
        assert math.isclose(p[DOT if w == "·" else ord(w) - ord("a")], Fraction(c, followers.total()))
print("dictionary = course_lib")

# %% [markdown]
# > **Predict.** All names: does a `u` always follow a `q`? And after which letter do names like to end?

# %% tags=["nbval-ignore-output"]
letters = "abcdefghijklmnopqrstuvwxyz·"
counted = NGram.fit(train_ids, 6, V)
ml = counted.smoothed(maximum_likelihood)
rows, columns = "·aeinqst", "aeinstu·"
grid = np.array([ml.probs([letters.index(h)], order=2)[[letters.index(w) for w in columns]] for h in rows])
figure = plots.labelled_grid(
    grid, rows="the letter before", columns="the next letter", row_labels=list(rows), column_labels=list(columns),
    title="p(next letter | the letter before)", marked=[(rows.index("q"), columns.index("u"))],
    caption="A part of the bigram table (27 by 27). A u follows a q in four of ten cases: Qatar and Iraq are names, too. A dot after: the end.",
    alt="A grid of probabilities, eight letters before, eight after; the cell from q to u is framed, and the darkest.")
plt.show()
print(figure.summary)

# %% [markdown]
# ## 3 · Why zero is fatal
#
# How surprised should we be by a country that does not exist?

# %%
ids = as_ids(["wakanda"])
for order in (2, 3, 4):
    p = np.exp(ml.log_probs(ids, order))[1:]
    print(f"order {order}: ", " ".join(f"{w} {x:.2f} " for w, x in zip("wakanda·", p, strict=True)))

# %% tags=["nbval-ignore-output"]
for order in (2, 3, 4):
    print(f"order {order}: {-ml.log_probs(ids, order)[1:].sum() / math.log(2):.1f} bits for wakanda")

# %% [markdown]
# The longer the context, the surer the model; until it meets four letters that never stood together in its names. Then it says
# *impossible*, the product is zero, the surprise infinite. **One** zero and the whole text is impossible, however well the rest was
# predicted. It is not a rare mishap:

# %% tags=["nbval-ignore-output"]
orders = np.arange(1, 7)
unseen = np.array([np.isinf(ml.log_probs(held_out_ids, n)[1:]) for n in orders])      # (6, letters)
ends = np.flatnonzero(np.array(held_out_ids[1:]) == DOT)
impossible = [np.mean([part.any() for part in np.split(row, ends[:-1] + 1)]) for row in unseen]
figure = plots.curves(
    orders, {"letters": unseen.mean(axis=1), "whole names": np.array(impossible)}, xlabel="order n",
    ylabel="share called impossible", marks=True, title="Names that exist, and that counting calls impossible",
    caption="Held-out names. With four letters of context, nine in ten real names contain something never seen.",
    alt="Two rising curves over the order: impossible letters up to four in ten, impossible names up to nearly all.")
plt.show()
print(figure.summary)

# %% [markdown]
# (A part of this is our own doing. The names stand in one line, so a long context reaches back across the dot, into the name before, which
# says nothing about this one. What follows can cope with that, too.)

# %%
expect(impossible[2], about=0.1, within=0.04, name="share of impossible names at order 3")
expect(impossible[4], about=0.92, within=0.06, name="share of impossible names at order 5")
own = -ml.log_probs(train_ids, 6)[1:].mean() / math.log(2)
expect(own, about=0.75, within=0.25, name="order 6 on the names that it counted, bits a letter")

# %% [markdown]
# **A model that has seen something zero times has not learned that it is impossible. It has learned that it is rare.** And mind the last
# line: judged on the names that it counted, the order-6 model looks wonderful. Never judge a model on what it has seen.
#
# What follows are five answers to one question: *how much probability do we set aside for what we have not seen, and who gets it?*
#
# ## 4 · First answer: pretend to have seen everything
#
# Add $k$ to every count. There are $V$ letters, so $k V$ were added in all, and that must go below:
#
# $$p(w \mid h) = \frac{c(h w) + k}{c(h) + k V}$$
#
# **The wrong way first.** People forget the $V$, since *one* was added to the count, so add *one* below. It runs, and look at the
# score:

# %%
from course_lib.byhand.smoothing import add_k


def add_one_below(count, total, distinct, lower):
    return (count + 1) / (total + 1)


right, wrong = counted.smoothed(add_k(1, V)), counted.smoothed(add_one_below)
bits_right = -right.log_probs(held_out_ids, 4)[1:].mean() / math.log(2)
bits_wrong = -wrong.log_probs(held_out_ids, 4)[1:].mean() / math.log(2)
expect(bits_right, about=3.4, within=0.15, name="add-one, order 4, bits a letter")
expect(bits_wrong, about=2.5, within=0.25, name="with the V forgotten")

# %% [markdown]
# > **Predict.** The wrong one is better than everything that this lesson will find. What is wrong with it?

# %%
context = [letters.index(w) for w in "zzz"]
print(f"after zzz, sum over all next letters: right {right.probs(context, 4).sum():.3f}")
expect(wrong.probs(context, 4).sum(), about=V, within=0.5, name="after zzz, sum over all next letters, wrong")

# %% [markdown]
# Its "probabilities" sum to twenty-seven. Whoever bets on every horse, with all of the money each time, never loses. **Before
# you believe a score, check that the probabilities sum to one**, for contexts seen often, seen rarely and never seen.
#
# Which $k$? We choose it on the *validation* names. The held-out ones must not be touched, or they would be no judge any more.

# %% tags=["nbval-ignore-output"]
ks = np.array([0.003, 0.01, 0.03, 0.1, 0.3, 1, 3])
lines = {}
for n in (2, 3, 4, 5, 6):
    log_probs = [counted.smoothed(add_k(k, V)).log_probs(validation_ids, n)[1:] for k in ks]
    lines[f"order {n}"] = -np.mean(log_probs, axis=1) / math.log(2)
figure = plots.curves(
    ks, {name: lines[name] for name in ("order 2", "order 4", "order 5", "order 6")}, xlabel="k, added to every count", ylabel="bits a letter (validation names)", log="x", marks=True,
    title="Add-k: which k, which order?",
    caption="Order 2 does not care. Beyond order 4 it gets worse again, whatever k.",
    alt="Four curves of bits a letter against k. Order 4 is lowest, with its valley near k = 0.2; orders 5 and 6 lie higher.")
plt.show()
print(figure.summary)

# %%
best_of = {name: values.min() for name, values in lines.items()}
print("order 4 is the best:", min(best_of, key=best_of.get) == "order 4")

# %% [markdown]
# More context makes it *worse*? That cannot be the truth about names. It is a fault of the method: a context of five letters has
# often been seen only once or twice, and add-k hands everything that was not seen the **same** chance, be it an `a` or a `q`. But even when we know
# nothing about `tralf_`, we know something about `alf_`, about `lf_`, about `f_`.
#
# ## 5 · Second answer: ask the shorter contexts, too
#
# Let every order speak: $q_0$ says $1/V$ for everything, $q_1$ knows how frequent each letter is, $q_2$ looks at one letter, and so on; each is
# plain counting. (Where the context of $q_n$ was never seen, it says what $q_{n-1}$ says.) Then take a weighted mean:
#
# $$p(w \mid h) = \sum_{n} \lambda_n\, q_n(w \mid h), \qquad \lambda_n \ge 0, \quad \sum_n \lambda_n = 1$$
#
# It sums to one because each $q_n$ does, and it is never zero because $q_0$ is not. But which weights? Think of a game: **each letter was
# written by one of seven writers**, drawn with the chances $\lambda$, and nobody told us by which.
#
# - If we knew who wrote each letter, the weights would be simple: count how often each wrote.
# - If we knew the weights, we could say how likely each one is to have written *this* letter: $r_n = \lambda_n q_n / \sum_j \lambda_j q_j$, its
#   **responsibility**.
#
# We know neither. So begin anywhere, and take turns. This is **EM**, *expectation* (the responsibilities) and *maximisation* (the weights),
# and no turn ever makes the text less probable.

# %% tags=["nbval-ignore-output"]
from course_lib.byhand.interpolation import components_of, em_step

q = components_of(counted, validation_ids[1:])                 # (N, 7): what each of seven writers gave to what came
weights = np.full(7, 1 / 7)
place = int(np.argmax(q[:, 6] > 0.3))                         # a letter that the longest context saw coming
responsibility = weights * q[place] / (weights * q[place]).sum()
print("after", repr("".join(letters[i] for i in validation_ids[max(0, place - 4):place + 1])), "came",
      repr(letters[validation_ids[place + 1]]))
print("writer           ", "  ".join(f"{n:5}" for n in range(7)))
print("responsibilities ", "  ".join(f"{r:5.2f}" for r in responsibility), "  sum", responsibility.sum().round(6))

# %% tags=["nbval-ignore-output"]
print(code_of(em_step))
score, paths = [], [weights]
for _ in range(30):
    score.append(-np.log2(q @ weights).mean())
    weights = em_step(weights, q)
    paths.append(weights)
figure = plots.curves(
    np.arange(31), {f"order {n}" if n else "uniform": np.array(paths)[:, n] for n in (6, 4, 2, 0)},
    xlabel="turns of EM", ylabel="weight", title="Seven writers find their shares",
    caption="All begin with a seventh; four of them drawn. The uniform one keeps a hundredth, for letters that nobody foresaw.",
    alt="Weights over thirty turns: order 4 climbs to nearly 0.3, orders 6 and 2 settle near 0.15, the uniform one sinks to 0.01.")
plt.show()
print(f"{score[0]:.3f} bits a letter at the start, {score[-1]:.3f} after {len(score)} turns")

# %%
print("never worse from one turn to the next:", bool((np.diff(score) <= 1e-12).all()))
expect(weights[4], about=0.28, within=0.06, name="weight of order 4")
expect(weights[6], about=0.15, within=0.06, name="weight of order 6")

# %% [markdown]
# **The wrong way.** Why the detour through validation names? We have twelve thousand names right here.
#
# > **Predict.** EM on the *counted* names themselves: who gets the weight?

# %%
from course_lib.byhand.interpolation import Interpolated, em_weights

on_train = em_weights(components_of(counted, train_ids[1:]), max_steps=300)
fair, vain = Interpolated.fit_weights(counted, validation_ids), Interpolated(counted.tables, V, on_train)
expect(on_train[6], about=1.0, within=0.02, name="weight of the longest order, fitted on the counted names")
bits_fair = -fair.log_probs(held_out_ids)[1:].mean() / math.log(2)
expect(bits_fair, about=3.0, within=0.15, name="held-out bits a letter, weights from validation names")
worse = fair.log_probs(held_out_ids)[1:].mean() - vain.log_probs(held_out_ids)[1:].mean() > 1
print("weights from the counted names: more than a nat a letter worse, or infinite:", bool(worse))

# %% [markdown]
# On the text that was counted, the longest context always knows best: it has the answers by heart. So it takes all the weight, and we are
# back at section 3. **A parameter that governs memorising cannot be learned from what was memorised.** You will meet this again
# as dropout rates, weight decay and early stopping.
#
# ## 6 · Third and fourth answer: each context knows how far to trust it
#
# One weight for all contexts of an order is crude. A context seen a thousand times deserves more trust than one seen once. What could
# measure that? **Witten and Bell** ask: *how often has this context surprised us so far?* It was followed by something $c(h)$ times, and by
# $T(h)$ different letters. So $T(h)$ times, what came was new. Chances are that the next one is new with probability
# $T/(c + T)$; that much goes to the shorter context:
#
# $$p_n(w \mid h) = \frac{c(h w) + T(h)\, p_{n-1}(w \mid h')}{c(h) + T(h)}$$
#
# Here $h'$ is $h$ less its first letter. There is nothing to tune, no validation text, one line of code:

# %%
from course_lib.byhand.smoothing import absolute_discounting, estimated_discount, witten_bell

print(code_of(witten_bell))

# %% tags=["nbval-ignore-output"]
line = "·".join(train)
for h in ("q", "an", "tan", "ngo"):
    followers = Counter(re.findall(f"(?<={h}).", line))
    c, T = followers.total(), len(followers)
    print(f"after {h:4} {c:5} times something, {T:2} different letters: {T / (c + T):4.0%} goes to the shorter context")

# %% [markdown]
# **Absolute discounting** comes from looking at the data. Church and Gale did this in 1991 with 22 million words of news each; we
# do it with names. Cut them into two halves. Take all pieces of four letters that occur exactly 3 times in the first half.
#
# > **Predict.** How often do they occur, on average, in the second half? And those that occur once?

# %%
def pieces(words, n):
    return Counter(piece for word in words for piece in map("".join, zip(*(f"·{word}·"[i:] for i in range(n)), strict=False)))


first, second = pieces(train[::2], 4), pieces(train[1::2], 4)
times = np.arange(1, 11)
again = np.array([np.mean([second[piece] for piece, c in first.items() if c == r]) for r in times])

# %% tags=["nbval-ignore-output"]
figure = plots.curves(
    times, {"in the second half": again, "if counts were the truth": times.astype(float)}, xlabel="times in the first half",
    ylabel="mean times in the second half", marks=True, title="What is a count worth?",
    caption="Whatever was seen r times is seen about r − 0.6 times again: a little less, and always about the same amount less.",
    alt="Two lines over the count in the first half: the diagonal, and the mean in the second half, lower by about 0.6 everywhere.")
plt.show()
print("first half ", times)
print("second half", again.round(1))

# %%
expect((times - again)[:6].mean(), about=0.6, within=0.2, name="what a count loses, on average")

# %% [markdown]
# Counts are too proud by a constant! It makes sense: a piece that is in your sample was a little lucky to be in it. So take the same $D$ from
# every count, and give what you took, $D\,T(h)$ in all, to the shorter context:
#
# $$p_n(w \mid h) = \frac{\max(c(h w) - D,\, 0) + D\, T(h)\, p_{n-1}(w \mid h')}{c(h)}$$
#
# (Check that it sums to one: $T(h)$ letters lose $D$ each.) And $D$ need not be tuned. With $n_1$ pieces seen exactly once and $n_2$
# seen exactly twice, Ney, Essen and Kneser found a good estimate from these two numbers alone, $D = n_1/(n_1 + 2 n_2)$:

# %%
print(code_of(absolute_discounting))
for n in (3, 4, 5):
    D = estimated_discount(counted.tables[n - 1].count)
    expect(D, about={3: 0.47, 4: 0.58, 5: 0.7}[n], within=0.08, name=f"D of order {n}")

# %% [markdown]
# ## 7 · Fifth answer: count circumstances
#
# One flaw is left, and mending it gave the smoothing that won when Chen and Goodman compared them all, in 1998. Jurafsky and Martin's textbook
# tells it like this. Complete: "I cannot see without my reading …".

# %%
talk = ("san francisco is far . san francisco is old . san francisco is big . we like san francisco . "
        "my glasses are old . your glasses are big . these glasses are far . reading is fun .").split()
kinds = sorted(set(talk))
word_ids = [kinds.index(word) for word in talk]
print("francisco", talk.count("francisco"), "times, glasses", talk.count("glasses"), "times")

bigram = NGram.fit(word_ids, 2, len(kinds), smoothing=absolute_discounting(0.75))
p = bigram.probs([kinds.index("reading")])
for word in ("francisco", "glasses"):
    print(f"p({word} | reading) = {p[kinds.index(word)]:.3f}")

# %% [markdown]
# After *reading* neither was seen, so the single-word counts decide, and *francisco* is more frequent. Nonsense! It is frequent in
# **one circumstance**: after *san*. There the bigram predicts it perfectly well, and needs no help. The short context is asked only when
# the long one *does not know*. So it should answer another question: not "how often did this occur?" but
#
# > *"after how many different words did it occur?"*
#
# This is the **continuation count**, written $N_{1+}(\bullet\, w)$: how many different $v$ were seen before $w$.

# %%
before = defaultdict(set)
for v, w in pairwise(talk):
    before[w].add(v)
for word in ("francisco", "glasses"):
    print(f"{word}: after {len(before[word])} different words: {', '.join(sorted(before[word]))}")

# %% [markdown]
# Kneser and Ney did not guess this; they derived it. Demand that the bigram model, averaged over all contexts, gives each word as often as the
# text does: $\sum_h c(h)\, p(w \mid h) = c(w)$. Put absolute discounting in, with an unknown $q$ for the shorter context. Each pair that was seen loses
# $D$, and each context hands out $D\,T(h)$:
#
# $$\sum_h \big[\max(c(h w) - D, 0) + D\,T(h)\,q(w)\big] \;=\; c(w) - D\,N_{1+}(\bullet\, w) + D\,N_{1+}(\bullet\,\bullet)\,q(w) \;\overset{!}{=}\; c(w)$$
#
# $$\Longrightarrow\qquad q(w) = \frac{N_{1+}(\bullet\, w)}{N_{1+}(\bullet\,\bullet)}$$
#
# where $N_{1+}(\bullet\,\bullet) = \sum_h T(h)$ is the number of different pairs. It falls out. **Interpolated Kneser–Ney** is
# absolute discounting with true counts at the longest order and continuation counts at all shorter ones:

# %%
from course_lib.byhand.kneser_ney import continuation_counts, kneser_ney

print(code_of(kneser_ney))
print(code_of(continuation_counts))

# %%
p = kneser_ney(bigram, discount=0.75).probs([kinds.index("reading")])
for word in ("francisco", "glasses"):
    print(f"Kneser–Ney: p({word} | reading) = {p[kinds.index(word)]:.3f}")

# %% [markdown]
# Is the package right? Here is the recursion once more, as slow and as plain as the formula, in exact fractions. For every word after every
# word:

# %%
def slow_kneser_ney(w, h, D):
    """The bigram on `talk`: discounted pairs, then discounted circumstances, then one over the number of words."""
    pairs = Counter(pairwise(talk))
    different = len(pairs)
    q = (max(len(before[w]) - D, 0) + D * len(before) * Fraction(1, len(kinds))) / different
    followers = {b: c for (a, b), c in pairs.items() if a == h}
    return (max(followers.get(w, 0) - D, 0) + D * len(followers) * q) / sum(followers.values())


fast = kneser_ney(bigram, discount=0.75)
for h in kinds:
    slow = [float(slow_kneser_ney(w, h, Fraction(3, 4))) for w in kinds]
    assert np.allclose(fast.probs([kinds.index(h)]), slow, rtol=1e-12) and math.isclose(sum(slow), 1)
print("by hand = course_lib, and every row sums to one")

# %% [markdown]
# (`tests/byhand/` holds all of these smoothers equal to an independent implementation, `nltk.lm`, to twelve digits, and says where
# the two differ. nltk's recursions end at plain frequencies of single words, so a word never seen still gets a zero there; ours end at
# $1/V$. And in its Kneser–Ney an n-gram that only opens the text, and so continues nothing, is handed out as if it did: rows then sum to
# more than one, or it divides by zero. Sum your rows.)
#
# ## 8 · The contest
#
# > **Predict.** Names, held out, orders 1 to 6. Which answer wins at order 3? Which at order 6? Write it down.

# %% tags=["nbval-ignore-output"]
def bits_a_letter(model, n):
    return -model.log_probs(held_out_ids, n)[1:].mean() / math.log(2)


def lower_orders(n):
    return NGram(counted.tables[:n], V)


discounted = [absolute_discounting(estimated_discount(table.count)) for table in counted.tables]
contest = {
    "add-0.2": [bits_a_letter(counted.smoothed(add_k(0.2, V)), n) for n in orders],
    "EM weights": [bits_a_letter(Interpolated.fit_weights(lower_orders(n), validation_ids), n) for n in orders],
    "Witten–Bell": [bits_a_letter(counted, n) for n in orders],
    "discounting": [bits_a_letter(counted.smoothed(discounted), n) for n in orders],
    "Kneser–Ney": [bits_a_letter(kneser_ney(counted, order=n), n) for n in orders],
}
figure = plots.curves(
    orders, {name: np.array(row) for name, row in contest.items()}, xlabel="order n", ylabel="bits a letter (held-out names)", marks=True,
    title="Five ways to smooth the same counts",
    caption="Up to order 3 there is data enough and all agree. Beyond, what you do with the unseen is all that matters.",
    alt="Bits a letter against order: five curves together down to order 3; then add-k turns up, two keep falling together.")
plt.show()
for name, row in contest.items():
    print(f"{name:12}", " ".join(f"{value:.3f}" for value in row))

# %%
expect(contest["Kneser–Ney"][5], about=2.98, within=0.12, name="Kneser–Ney, order 6, bits a letter")
expect(contest["Witten–Bell"][5] - contest["Kneser–Ney"][5], about=0.28, within=0.15, name="what Witten–Bell is behind at order 6")
spread = [max(row[n - 1] for row in contest.values()) - min(row[n - 1] for row in contest.values()) for n in (2, 3)]
print("at orders 2 and 3 all within 0.05 bits:", max(spread) < 0.05)
print("Kneser–Ney gets better with every order:", bool((np.diff(contest["Kneser–Ney"]) < 0).all()))
expect(contest["EM weights"][5] - contest["Kneser–Ney"][5], about=0.0, within=0.04, name="EM weights less Kneser–Ney, bits a letter")

# %% [markdown]
# Add-k and Witten–Bell get worse when they are shown more: they trust a context seen once or twice too much. Two answers are level at the top, and for
# different reasons. The mixture had help: its weights came from 1200 more names. Kneser–Ney asked for nothing but the counts.

# %% [markdown]
# ## 9 · Units: perplexity, and bits per character and byte
#
# The papers report **perplexity**, $\exp$ of the mean surprise in nats, or 2 to the mean surprise in bits. A perplexity of 8 says: as
# undecided as between 8 equal choices. *Per token*. And what is a token? Take stories that a little grammar tells, cut into bytes, into 300
# kinds of tokens (lesson 01), and into 1024. The same counting, order 5, on each:

# %%
from course_lib.byhand.bar import END, bits_per, byte_ids, n_bytes, perplexity
from course_lib.text.tokenizer import BPETokenizer

stories = load_corpus("storyworld", min_chars=1_200_000).split()
size = n_bytes(stories.held_out)
print("cut into      tokens  perplexity  bits a token  bits a byte")
for vocab_size in (END + 1, 300, 1024):
    if vocab_size == END + 1:
        ids, asked = byte_ids(stories.train), byte_ids(stories.held_out)
    else:
        tokenizer = BPETokenizer.train(stories.train, vocab_size=vocab_size)
        end = tokenizer.end_of_text
        ids, asked = ([end] + [i for story in part for i in (*tokenizer.encode(story), end)]
                      for part in (stories.train, stories.held_out))
    log_probs = kneser_ney(NGram.fit(ids, 5, vocab_size)).log_probs(asked)[1:]
    name = "bytes" if vocab_size == END + 1 else f"{vocab_size} tokens"
    print(f"{name:12} {len(log_probs):8,} {perplexity(log_probs):9.2f} {bits_per(log_probs, len(log_probs)):12.2f}"
          f" {bits_per(log_probs, size):13.3f}")

# %% [markdown]
# > **Which of the three is the best model of these stories?**
#
# By perplexity the first, by bits a byte the last: **the order is turned round**. A large token is harder to guess, but there are
# fewer of them. What all three do is to give a probability to *the same text*, and $-\log_2 p(\text{text})$ does not ask how it was cut.
# Divide it by something that does not depend on the model, and models can be compared:
#
# $$\text{bits per byte} = \frac{-\log_2 p(\text{text})}{\text{bytes of the text}} = \log_2(\text{perplexity}) \cdot \frac{\text{tokens}}{\text{bytes}}$$
#
# So it is bits per byte throughout this course. Two warnings. First, **bits per character** is as good, as long as everybody counts the same
# characters; but from one language to another it is not the same thing:

# %%
for text in ("hello", "naïve", "你好"):
    chars, size = len(text), n_bytes([text])
    print(f"{text}: {chars} characters, {size} bytes; 2 bits a byte are {2 * size / chars:.1f} bits a character")

# %% [markdown]
# Second, the ends of texts must be predicted as well. We count their bits, and they are no bytes. (And a subtle one: a text can be cut
# into tokens in several ways; we charge only the one that the tokenizer takes. The true probability is the sum over all of them, so our
# bits are at most a little too many, never too few.)
#
# ## 10 · The bar
#
# Three texts: names; prose, the documentation that comes with Python; and the stories. Bytes, Kneser–Ney, orders 1 to 6. For the stories we
# even know the end of the road, for the grammar knows the probability of each of its choices: their **entropy**. Nobody can do better.
#
# > **Predict.** Which of the three texts is the easiest? Which gains most from long contexts?

# %% tags=["nbval-ignore-output"]
texts = {"place names": names, "documentation": load_corpus("pydoc").split(), "stories": stories}
bars, rows, models = {}, {}, {}
for name, split in texts.items():
    started = time.process_time()
    ids = byte_ids(split.train)
    models[name] = NGram.fit(np.array(ids), 6, END + 1)
    seconds = time.process_time() - started
    asked, size = byte_ids(split.held_out), n_bytes(split.held_out)
    bars[name] = [bits_per(kneser_ney(models[name], order=n).log_probs(asked)[1:], size) for n in orders]
    rows[name] = {"tokens": len(ids), "seconds": seconds, "bits_per_byte": bars[name][-1],
                  "parameters": sum(len(table.keys) for table in models[name].tables)}
    print(f"{name:14} {len(ids):9,} bytes, counted in {seconds:.1f} s, {rows[name]['parameters']:9,} different n-grams")

# %% tags=["nbval-ignore-output"]
entropy = -sum(stories.held_out_log_probs) / math.log(2) / n_bytes(stories.held_out)
figure = plots.curves(
    orders, {name: np.array(row) for name, row in bars.items()}, levels={"entropy of the stories": entropy}, xlabel="order n",
    ylabel="bits per byte (held out)", marks=True, title="Bits per byte against order",
    caption="Each letter of context helps, and each helps less. Between order 6 and the line below lies what counting cannot see.",
    alt="Three falling curves over orders 1 to 6; stories fall lowest, to about 0.9 bits, still far above their entropy near 0.4.")
plt.show()
print(figure.summary)

# %%
for name, about, within in (("place names", 3.4, 0.3), ("documentation", 1.87, 0.15), ("stories", 1.037, 0.02)):
    expect(bars[name][4], about=about, within=within, name=f"{name}, the 5-gram bar, bits per byte")
print(f"entropy of the stories: {entropy:.3f}")

# %% [markdown]
# These are the bars. At order 6 the stories still cost more than twice their entropy. What is missing? Who is in the story, what they are
# looking for, where the boat is: things said a hundred letters ago. **No context of five letters can know them**, and contexts of a
# hundred letters are never seen twice. From here on the course is about that gap.
#
# `ngram_bits` in `course_lib/byhand/bar.py` computes a bar in a second or two, for any text. Later lessons call it.
#
# ## 11 · Look inside
#
# Click a place in the text: what does the model expect there? Move the order, take a candidate, or let it draw.
#
# > **Try it.** Find a place where order 2 is lost and order 6 is certain; then one where order 6 is lost as well.

# %%
story_models = {n: kneser_ney(models["stories"], order=n) for n in range(1, 7)}


def next_letter(ids, order=4):
    return story_models[order].probs(ids)


def written_out(ids):
    return "".join("·" if i == END else chr(i) for i in ids)


NextToken(next_letter, written_out, [END, *b"One sunny morning, Mia went to th"],
          encode=lambda text: [END, *text.encode("ascii", "replace")], max_tokens=120, order=[1, 2, 3, 4, 5, 6])

# %% [markdown]
# ## 12 · It writes
#
# To write: ask for the probabilities, draw a letter, append it, ask again.

# %% tags=["nbval-ignore-output"]
for n, story_model in story_models.items():
    drawn = story_model.sample(90, [END], generator=np.random.default_rng(1))
    print(f"order {n}: ", written_out(drawn).replace("\n", " "))

# %% [markdown]
# Letters, then syllables, then words, then phrases. Six letters of context write English that means nothing: Mia may go to the boat and be in
# the kitchen. It is tempting to go on: order 10, order 16! The samples become lovely. **Whose words are they?** For each place of a sample
# we ask how many letters from there on stand, just so, in the stories that were counted:

# %%
from course_lib.byhand.memorisation import copied_lengths, longest_copied

print(code_of(copied_lengths))
print(copied_lengths("mia went", "noah went to see mia"))

# %% [markdown]
# > **Predict.** At which order does the model begin to copy *more* than a story copies that it has never seen?

# %% tags=["nbval-ignore-output"]
long = NGram.fit(byte_ids(stories.train), 16, END + 1)
library = "·".join(stories.train)
reach = (2, 4, 6, 8, 12, 16)
written = {n: written_out(long.sample(300, [END], order=n, generator=np.random.default_rng(0))) for n in reach}
copied = {n: copied_lengths(text, library) for n, text in written.items()}
unseen_story = copied_lengths("·".join(stories.held_out)[:900], library)
figure = plots.curves(
    np.array(reach), {"longest": np.array([copied[n].max() for n in reach]), "mean": np.array([copied[n].mean() for n in reach])},
    levels={"mean in a new story": unseen_story.mean()}, xlabel="order n", ylabel="letters copied in one piece", marks=True,
    title="How much of what it writes is copied?",
    caption="300 letters at each order. The dashed line is the fair comparison: stories repeat themselves, even new ones.",
    alt="Two rising curves against the order, the longest and the mean copied span; the mean crosses the level of new stories.")
plt.show()
print(figure.summary)

# %% tags=["nbval-ignore-output"]
for n in (4, 16):
    print(f"order {n:2}: {longest_copied(written[n], library)!r}")

# %%
expect(copied[4].mean(), about=7, within=2, name="order 4, mean copied span")
expect(copied[16].mean(), about=30, within=8, name="order 16, mean copied span")
expect(unseen_story.mean(), about=21, within=1, name="a story never seen, mean copied span")

# %% [markdown]
# Up to order 6 the model copies *less* than an honest story does; around order 8, as much. At 16 it recites. Note what we compared with: "40 letters copied!" means
# nothing alone, because a new story of this world repeats old phrases as well. The same question, with the same answer, is asked of large
# networks; lessons 13 and 24 come back to it. For names it can be said in one number: which share of the names that it invents is in its list? Names
# held out are never in the list.

# %% tags=["nbval-ignore-output"]
known = set(train)
invented = {}
for n in (2, 4, 6):
    drawn = kneser_ney(counted, order=n).sample(1500, [DOT], generator=np.random.default_rng(4))
    invented[n] = [name for name in "".join(letters[i] for i in drawn).split("·") if len(name) > 2]
    print(f"order {n}: {np.mean([name in known for name in invented[n]]):4.0%} in the list.  New:",
          ", ".join([name for name in invented[n] if name not in known][:7]))

# %%
share = np.mean([name in known for name in invented[6]])
expect(share, about=0.3, within=0.15, name="order 6, share of invented names that are in the list")

# %% [markdown]
# ## 13 · What to remember
#
# - Surprise is $-\log_2 p$; along a text it adds up. An n-gram model looks at $n - 1$ before the one it predicts.
# - Counts give the best fit to what was counted, and call everything else impossible. One zero ruins a text.
# - Smoothing sets probability aside for the unseen. Add-k shares it out blindly; the others ask the shorter context: with fixed weights (EM), by
#   how often a context surprised us (Witten–Bell), by a constant from every count (absolute discounting).
# - Kneser–Ney: a shorter context is asked only when the longer one does not know, so it counts circumstances, not occurrences.
# - Check that probabilities sum to one. Choose on validation text, judge on held-out text, never on what was counted.
# - Perplexity depends on the tokenizer, bits per byte do not.
# - Long contexts copy. Compare with what an unseen text "copies".
#
# **Further reading.** Shannon 1951, *Prediction and Entropy of Printed English*, Bell System Technical Journal 30; Jelinek and Mercer 1980,
# *Interpolated estimation of Markov source parameters from sparse data*; Church and Gale 1991, *A comparison of the enhanced Good–Turing and
# deleted estimation methods*, Computer Speech and Language 5; Witten and Bell 1991, *The zero-frequency problem*, IEEE Transactions on Information Theory 37;
# Kneser and Ney 1995, *Improved backing-off for m-gram language modeling*, ICASSP; Chen and Goodman 1998, *An Empirical Study of Smoothing
# Techniques for Language Modeling*, Harvard TR-10-98; Jurafsky and Martin, *Speech and Language Processing*, 3rd edition draft, the chapter on n-grams.
#
# **Now you:** [exercises 02](../exercises/02_ngrams/02_ngrams.ipynb). Next: lesson 03 gives words a place in space, so that what was
# learned about one helps with its neighbours. Counting cannot do that: to it, `cat` and `dog` are as different as `cat` and `of`.

# %% tags=["nbval-ignore-output"]
for corpus, name in (("place_names", "place names"), ("pydoc", "documentation"), ("storyworld", "stories")):
    record_result(lesson="02", model="6-gram, Kneser–Ney", corpus=corpus, **rows[name])
