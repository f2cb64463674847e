# %% [markdown]
# # Exercises 02 · n-grams
#
# Six functions and a question, about an hour and a half in all. Replace each `raise NotImplementedError` by your answer and
# run the cell below it. The check says *correct*, or names the mistake when it is one that many people make, or shows what
# your function returns beside what is expected. Leave the arguments as they came: work on copies.
#
# Stuck? In a cell of your own, `hint("02.1")` gives the first of three hints, and the next when asked again;
# `solution("02.1")` opens after three tries. Every exercise stands alone: later ones use `course_lib`, never your
# earlier answers.

# %% tags=["setup"]
import numpy as np

from course_lib.classroom import check, hint, solution

# %% [markdown]
# ## 02.1 · Find the bug: n or n − 1? (●○○○○, 10 minutes)
#
# "An n-gram model predicts the next word from the previous n words", says a widely read tutorial, and this is what it means in code.
# An n-gram is $n$ ids long, *with* the one that is predicted. Write it right: every place where there is enough context, its context, and
# the id that came.

# %%
def examples_of_the_tutorial(ids, n):
    """Wrong: this is a model of order n + 1."""
    contexts = [ids[i - n:i] for i in range(n, len(ids))]
    return np.array(contexts), np.array(ids[n:])


print(examples_of_the_tutorial([5, 6, 7, 8], 2))

# %%
def examples(ids, order):
    """ids, a list of N numbers, N >= order -> contexts (M, order - 1) and next ids (M,), both integer arrays.

    Order 1 works, too.

    >>> contexts, next_ids = examples([5, 6, 7, 8], 2)
    >>> contexts.tolist(), next_ids.tolist()
    ([[5], [6], [7]], [6, 7, 8])
    """
    ### BEGIN SOLUTION
    places = range(order - 1, len(ids))
    contexts = np.array([ids[i - order + 1:i] for i in places], dtype=int)
    return contexts.reshape(len(places), order - 1), np.array([ids[i] for i in places], dtype=int)
    ### END SOLUTION

# %%
check("02.1", examples)

# %% [markdown]
# ## 02.2 · Nothing is impossible (●○○○○, 10 minutes)
#
# `counts[h, w]` says how often $w$ followed $h$. Add $k$ to every count and make probabilities of it: for each context, over all $V$ next
# ids. A context that was never seen is no exception. Before you run the check: what must each row sum to?
# (`add_k` of `course_lib` is refused.)

# %%
def probabilities(counts, k):
    """counts (V, V) whole numbers, contexts down, next ids across; k > 0 -> p (V, V), each row a distribution."""
    ### BEGIN SOLUTION
    more = counts + k
    return more / more.sum(axis=1, keepdims=True)
    ### END SOLUTION

# %%
check("02.2", probabilities)

# %% [markdown]
# ## 02.3 · One text, three numbers (●●○○○, 10 minutes)
#
# A model has read a text. For each of its tokens, the first one too, it gave $\log p$ of what came, *in nats*. Report the perplexity a
# token, the bits per character (as `len` counts them), and the bits per byte (of UTF-8). Only the last of these can be compared with everybody else's. (`perplexity` and
# `bits_per` of `course_lib` are refused.)

# %%
def three_numbers(log_probs, text):
    """log_probs (N,) in nats, one for each token of the string `text` -> perplexity, bits per character, bits per byte."""
    ### BEGIN SOLUTION
    bits = -np.sum(log_probs) / np.log(2)
    return 2 ** (bits / len(log_probs)), bits / len(text), bits / len(text.encode())
    ### END SOLUTION

# %%
check("02.3", three_numbers)

# %% [markdown]
# ## 02.4 · Who wrote this letter? (●●●○○, 15 minutes)
#
# $K$ models are mixed with weights $\lambda$. `components[i, k]` is the probability that model $k$ gave to the $i$-th letter that came; to no letter did all give 0. Find the
# weights by EM: begin with equal ones; then, `n_steps` times, compute for every letter the responsibility of each model, and let the new
# weights be their means. (`em_step` and `em_weights` of `course_lib` are refused.)

# %%
def mixture_weights(components, n_steps):
    """components (N, K) -> weights (K,), after `n_steps` turns of EM from equal weights; no turn leaves these."""
    ### BEGIN SOLUTION
    N, K = components.shape
    weights = np.ones(K) / K
    for _ in range(n_steps):
        shares = components * weights
        shares /= shares.sum(axis=1, keepdims=True)
        weights = shares.sum(axis=0) / N
    return weights
    ### END SOLUTION

# %%
check("02.4", mixture_weights)

# %% [markdown]
# ## 02.5 · Kneser–Ney (●●●●○, 25 minutes)
#
# The whole bigram model, from a text to its probabilities. With $c(h w)$ counted in the text, $c(h) = \sum_w c(h w)$, and $T(h)$ the number of
# different ids that followed $h$:
#
# $$p(w \mid h) = \frac{\max(c(h w) - D,\, 0) + D\,T(h)\,q(w)}{c(h)}, \qquad
#   q(w) = \frac{\text{number of different ids seen directly before } w}{\text{number of different pairs of neighbours}}$$
#
# ($q$ is plain here, not discounted once more as in the lesson.) After an id that was never followed by anything, $p(w \mid h) = q(w)$. Write down first: which axis of a table of counts do you look along for
# $T(h)$, and which one for $q$? (`kneser_ney`, `continuation_counts` and `absolute_discounting` of `course_lib` are refused.)

# %%
def kneser_ney_bigram(ids, vocab_size, D):
    """ids (N,) integers below vocab_size, N >= 2; 0 < D < 1 -> p (V, V), contexts down, next ids across."""
    ### BEGIN SOLUTION
    c = np.zeros((vocab_size, vocab_size))
    for h, w in zip(ids[:-1], ids[1:], strict=True):
        c[h, w] += 1
    seen = c > 0
    q = seen.sum(axis=0) / seen.sum()
    p = np.tile(q, (vocab_size, 1))
    followed = c.sum(axis=1) > 0
    kept = np.maximum(c - D, 0) + D * seen.sum(axis=1, keepdims=True) * q
    p[followed] = kept[followed] / c[followed].sum(axis=1, keepdims=True)
    return p
    ### END SOLUTION

# %%
check("02.5", kneser_ney_bigram)

# %% [markdown]
# ## 02.6 · Inventor or copyist? (●●●○○, 15 minutes)
#
# Find the longest piece of `sample` that stands, just so, somewhere in `text`: where in `sample` it begins, and how long it is. If several are
# equally long, the one that begins first in `sample`; if there is none, `(0, 0)`. Capitals and spaces count as they stand. (`copied_lengths` and `longest_copied` of
# `course_lib` are refused, and so is `difflib.SequenceMatcher`.)
#
# When it is correct, run the cell after the check: two models learn real place names and invent some of their own.

# %%
def longest_piece(sample, text):
    """Two strings -> (start, length) of the longest piece of `sample` that `text` contains.

    >>> longest_piece("guatemalia", "australia guatemala")
    (0, 8)
    """
    ### BEGIN SOLUTION
    start, length = 0, 0
    for i in range(len(sample)):
        while i + length < len(sample) and sample[i:i + length + 1] in text:
            start, length = i, length + 1
    return start, length
    ### END SOLUTION

# %%
check("02.6", longest_piece)

# %% tags=["nbval-ignore-output"]
from course_lib.byhand.kneser_ney import kneser_ney
from course_lib.byhand.ngram import NGram
from course_lib.text.place_names import place_names

line = "·".join(np.random.default_rng(2).permutation(place_names()))
ids = [26 if letter == "·" else ord(letter) - ord("a") for letter in line]
for order in (2, 7):
    model = kneser_ney(NGram.fit(ids, order, 27))
    invented = "".join("abcdefghijklmnopqrstuvwxyz·"[i] for i in model.sample(60, [26], generator=np.random.default_rng(1)))
    print(f"order {order}: {invented}")
    try:
        start, length = longest_piece(invented, line)
        print(f"         copied in one piece: {invented[start:start + length]!r}")
    except NotImplementedError:
        print("         (longest_piece is still to be written)")

# %% [markdown]
# ## 02.7 · The lower perplexity (●●○○○, 10 minutes)
#
# Two groups have trained language models and report them on the same held-out newspaper. Group A cuts text into words, keeps the 20 000 most
# frequent, and replaces every other word by the token `<unk>`, in training and in testing. Perplexity: **60**. Group B cuts text into
# pieces by byte-pair encoding, and nothing is ever unknown. Perplexity: **25**. "Ours is more than twice as good", says B. "No, ours is
# better, words are much harder to guess than pieces", says A.
#
# Can one tell from these two numbers who is right? What does `<unk>` do to A's number? Which measurement would settle it, and what would you
# ask A to change before you could make it?

# %% [markdown] tags=["answer"]
# One cannot tell. Perplexity is a mean over tokens, and the two have different tokens: A's text has fewer of them, and each is a harder guess.
# To compare, both must give a probability to the same characters: bits per byte, which is $\log_2(\text{perplexity})$ times tokens, divided by bytes.
#
# A's number is flattering. Wherever a rare word stood, A was only asked to predict `<unk>`, a frequent and easy token, and never had to say which word
# it was. So A's model gives no probability to the true text at all; with a smaller vocabulary its perplexity would even fall. (With one word
# in the vocabulary, it is nearly 1.)
#
# Before anything can be measured, A must be able to say every text: spell the unknown words letter by letter, say, with a second model, and pay for those
# letters. Then both report bits per byte on the same held-out bytes, including ends of texts, and the lower one is better.
