# %% [markdown]
# # Exercises 13 · Decoding
#
# Six functions and a question, under two hours in all. Replace each `raise NotImplementedError` by your answer and
# run the cell below it. The check says *correct*, or names the mistake when it is one that many people make, or shows what
# your function returns beside what is expected. Leave the arguments as they came: work on copies.
#
# Stuck? In a cell of your own, `hint("13.1")` gives the first of three hints, and the next when asked again;
# `solution("13.1")` opens after three tries. Every exercise stands alone: later ones use `course_lib`, never your
# earlier answers.
#
# Numpy is enough for all that you write, for one text at a time: logits and probabilities are $(V,)$. (The model is for the end of 13.6.)

# %% tags=["setup"]
import codecs

import numpy as np
import torch

from course_lib.byhand.functional import softmax
from course_lib.generation.generate import generate
from course_lib.classroom import check, hint, solution
from course_lib.training.pretrained import load_pretrained

# %% [markdown]
# ## 13.1 · The nucleus (●●○○○, 10 minutes)
#
# Top-p keeps the *smallest* set of most probable tokens whose probabilities sum to *at least* $p$, and makes a distribution of it. Everything
# hangs on one token: the one with which the sum reaches $p$. Does it belong to the set? (`top_p` and `next_probs` of `course_lib` are refused.)

# %%
def nucleus(probs, p):
    """probs (V,), a distribution in which no two are equal, 0 < p < 1 -> (V,), a distribution; each token keeps its place.

    No sum of them misses p by rounding alone.

    >>> nucleus(np.array([0.1, 0.6, 0.3]), 0.7).round(3).tolist()
    [0.0, 0.667, 0.333]
    """
    ### BEGIN SOLUTION
    order = np.argsort(-probs)
    ranked = probs[order]
    before = np.cumsum(ranked) - ranked
    kept = np.zeros(len(probs))
    kept[order] = np.where(before < p, ranked, 0.0)
    return kept / kept.sum()
    ### END SOLUTION

# %%
check("13.1", nucleus)

# %% [markdown]
# ## 13.2 · Find the bugs: round and round (●●○○○, 15 minutes)
#
# "Choose the word with the largest probability", says a widely read tutorial of the last step, and knows no other rule. This is what becomes
# of it. Somebody has noticed, and has built in a penalty for what was already said, with the formula as its paper prints it: a logit is divided
# by the penalty. It does not help, it even hurts.
#
# Three things are wrong in `penalized_as_printed`. One is the formula, one shows only where a token was said more than once, and one shows only when
# you look at the logits again *afterwards*. Write it right. (The penalty stays a factor; nothing is subtracted. `repetition_penalty` of `course_lib` is refused.)

# %%
WORDS = "the cat saw a dog and ran".split()
LOG_PROBS = np.log(np.array([  # from the word on the left of each row; columns in the order of WORDS
    [0.02, 0.50, 0.04, 0.02, 0.34, 0.03, 0.05],    # the
    [0.04, 0.02, 0.46, 0.03, 0.03, 0.27, 0.15],    # cat
    [0.56, 0.03, 0.02, 0.30, 0.03, 0.03, 0.03],    # saw
    [0.03, 0.36, 0.03, 0.02, 0.48, 0.03, 0.05],    # a
    [0.03, 0.03, 0.30, 0.03, 0.02, 0.25, 0.34],    # dog
    [0.45, 0.02, 0.06, 0.25, 0.02, 0.02, 0.18],    # and
    [0.10, 0.04, 0.05, 0.12, 0.04, 0.63, 0.02],    # ran
]))


def penalized_as_printed(logits, idx, penalty):
    """Wrong in three ways."""
    for token in idx:
        logits[token] = logits[token] / penalty
    return logits


def most_probable(penalized, n=13):
    """n words: the one with the largest logit, again and again; log-probabilities serve as logits."""
    idx, table = [0], LOG_PROBS.copy()
    while len(idx) < n:
        idx.append(int(penalized(table[idx[-1]], idx, 2.0).argmax()))
    return " ".join(WORDS[i] for i in idx)


print("no penalty:", most_probable(lambda logits, idx, penalty: logits))
print("as printed:", most_probable(penalized_as_printed))

# %%
def penalized(logits, idx, penalty):
    """logits (V,), idx: a list of ids so far, penalty >= 1 -> new logits (V,), an array of their own.

    What is in idx, once or often, is made less probable by the penalty, once. The logits that came in stay as they were; idx may be empty.
    """
    ### BEGIN SOLUTION
    said = np.isin(np.arange(len(logits)), idx)
    lower = np.where(logits > 0, logits / penalty, logits * penalty)
    return np.where(said, lower, logits)
    ### END SOLUTION

# %%
check("13.2", penalized)

# %%
try:
    print("yours:", most_probable(penalized))
except NotImplementedError:
    print("(penalized is still to be written)")

# %% [markdown]
# ## 13.3 · Nothing read twice (●●●○○, 15 minutes)
#
# One head of attention, with a cache. The $S$ tokens already read have left their keys and values; $T$ new ones come. Read
# **only these**: embed them, make their queries, keys and values, and let each look at everything up to itself. In a new text, $S = 0$; when
# a model writes, $T = 1$; when a prompt comes in pieces, anything goes.
#
# Two questions before you start. At which position does the first new token stand? And the mask is $(T, S + T)$: what does its first row look like?
# `softmax` may be used, `attention` of `course_lib` is refused.

# %%
def read_more(ids, p, keys, values):
    """ids (T,) of new tokens, T >= 1, keys and values (S, D) of old ones -> out (T, D), keys (S + T, D), values (S + T, D).

    p: "token" (V, C) and "position" (N, C), whose rows are added; matrices "q", "k", "v" (D, C), applied as x @ p["q"].T.
    Then causal attention as in lesson 07, scores divided by √D.
    """
    ### BEGIN SOLUTION
    S, T = len(keys), len(ids)
    x = p["token"][ids] + p["position"][S:S + T]
    keys = np.concatenate([keys, x @ p["k"].T])
    values = np.concatenate([values, x @ p["v"].T])
    scores = x @ p["q"].T @ keys.T / np.sqrt(keys.shape[1])
    visible = np.tri(T, S + T, k=S, dtype=bool)
    return softmax(np.where(visible, scores, -np.inf)) @ values, keys, values
    ### END SOLUTION

# %%
check("13.3", read_more)

# %% [markdown]
# ## 13.4 · Drafted and corrected (●●●○○, 15 minutes)
#
# A small model proposes a token, drawn from its distribution $q$. The large one, whose distribution is $p$, keeps it with some probability
# that depends on the token; else it throws the token away and draws another one from a third distribution. Find both, such that what comes out is
# distributed **exactly** like $p$, and as much as possible is kept. (`residual` of `course_lib` is refused.)
#
# Before you start: token $x$ is proposed with probability $q_x$. How often may it come out? So what is the most that can be kept of it?

# %%
def keep_and_rest(p, q):
    """p and q (V,), distributions -> keep (V,) and rest (V,).

    keep: with which probability a proposed token is kept; what is never proposed may have any, but not nan.
    rest: the distribution to draw from when it was not kept; p itself if p is nowhere larger than q.

    >>> [part.tolist() for part in keep_and_rest(np.array([0.2, 0.8]), np.array([0.4, 0.6]))]
    [[0.5, 1.0], [0.0, 1.0]]
    """
    ### BEGIN SOLUTION
    keep = np.minimum(1.0, p / np.where(q > 0, q, 1.0))
    missing = np.maximum(p - q, 0.0)
    rest = missing / missing.sum() if missing.any() else p
    return keep, rest
    ### END SOLUTION

# %%
check("13.4", keep_and_rest)

# %% [markdown]
# When it is correct, see it at work: three letters, many times.

# %%
p, q = np.array([0.6, 0.3, 0.1]), np.array([0.2, 0.3, 0.5])
rng = np.random.default_rng(0)
try:
    keep, rest = keep_and_rest(p, q)
    proposed = rng.choice(3, 100_000, p=q)
    kept = rng.random(100_000) < keep[proposed]
    out = np.where(kept, proposed, rng.choice(3, 100_000, p=rest))
    print(f"kept: {kept.mean():.2f}")
    print("came out:", " ".join(f"{letter} {share:.2f}" for letter, share in zip("abc", np.bincount(out) / len(out), strict=True)))
except NotImplementedError:
    print("(keep_and_rest is still to be written)")

# %% [markdown]
# ## 13.5 · Several at once (●●●●○, 25 minutes)
#
# Beam search for the best text. The rules, as in the lesson:
#
# - begin with one beam, the empty text;
# - at each step, rank all continuations of all beams by $\log P$ of the whole text, a sum;
# - among the `n_beam` best of them, those that end with `stop_id` are finished;
# - the `n_beam` best of those that do *not* end with it are the next beams;
# - after `max_new_tokens` steps, the `n_beam` best continuations are finished, however they end.
#
# The best text is the finished one with the best score, $\log P / n^\alpha$, where $n$ counts its ids, `stop_id` too. Before you start: all of these
# scores are negative. Does a larger $\alpha$ favour long texts or short ones? (`beam_search` of `course_lib` is refused.)

# %%
def best_text(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """-> the ids of the best text, a list, and its score.

    next_log_probs(ids): for a list of ids, also the empty one, log P of each next id, (V,).

    >>> ids, score = best_text(lambda ids: np.log([0.4, 0.6]), 2, 3, 0, 0.0)    # n_beam=2, at most 3 ids, 0 ends
    >>> ids, round(float(score), 3)
    ([0], -0.916)
    """
    ### BEGIN SOLUTION
    beams, finished = [([], 0.0)], []
    for length in range(1, max_new_tokens + 1):
        candidates = []
        for ids, log_prob in beams:
            candidates += [([*ids, i], log_prob + more) for i, more in enumerate(next_log_probs(ids))]
        candidates.sort(key=lambda candidate: -candidate[1])
        for ids, log_prob in candidates[:n_beam]:
            if ids[-1] == stop_id or length == max_new_tokens:
                finished.append((log_prob / length**alpha, ids))
        beams = [candidate for candidate in candidates if candidate[0][-1] != stop_id][:n_beam]
    score, ids = max(finished)
    return ids, score
    ### END SOLUTION

# %%
check("13.5", best_text)

# %% [markdown]
# ## 13.6 · When to speak (●●●●○, 20 minutes)
#
# A model writes tokens, and a reader watches. Show the text as soon as it is certain, but stop, silently, *before* the stop text. Two
# things make it hard. A token is a piece of **bytes**, and may end in the middle of a character. And the stop text may begin in one token and end
# three tokens later; so whatever could be its beginning must wait until the next token decides.
#
# `codecs.getincrementaldecoder("utf-8")()` helps with the first: its `.decode(data)` keeps half a character until the rest comes.
# `TextReader` of `course_lib` is refused.

# %%
def shown(pieces, stop):
    r"""pieces: a list of bytes, which together are UTF-8; stop: a text, not empty -> what is shown after each piece, a list of texts.

    One more text at the end: what waited when nothing more came. After the stop text, every text is "".

    >>> shown([b"Hi\n", b"\nQ", b": A"], "\n\nQ:")
    ['Hi', '', '', '']
    >>> shown([b"Hi\n", b"there\n"], "\n\nQ:")
    ['Hi', '\nthere', '\n']
    """
    ### BEGIN SOLUTION
    decoder = codecs.getincrementaldecoder("utf-8")()
    texts, waiting, stopped = [], "", False
    for piece in pieces:
        waiting += "" if stopped else decoder.decode(piece)
        certain, found, _ = waiting.partition(stop)
        stopped = stopped or bool(found)
        if not stopped:
            n = max(n for n in range(len(stop)) if waiting.endswith(stop[:n]))
            certain = waiting[:len(waiting) - n]
        waiting = "" if stopped else waiting[len(certain):]
        texts.append(certain)
    return [*texts, waiting]
    ### END SOLUTION

# %%
check("13.6", shown)

# %% [markdown]
# When it is correct, let the model that comes with the course tell a story through it, until somebody speaks: up to the first `," said`. A bar stands
# where the reader saw something new. Which token always came together with the next one, and why?

# %% tags=["nbval-ignore-output"]
model, tokenizer, *_ = load_pretrained("small")
idx = torch.tensor([[tokenizer.end_of_text, *tokenizer.encode("One foggy morning,")]])
story = generate(model, idx, max_new_tokens=150, temperature=0.7, generator=torch.Generator().manual_seed(0))
try:
    texts = shown([tokenizer.token_bytes(token) for token in story[0, idx.shape[1]:].tolist()], '," said')
    print("|".join(text for text in texts if text))
except NotImplementedError:
    print("(shown is still to be written)")

# %% [markdown]
# ## 13.7 · A thousand stories without a mistake (●●○○○, 10 minutes)
#
# A group sells bedtime stories written by a model. They count wrong statements ("Mia has the ball", when Tom took it) in a thousand stories
# for each setting. At temperature 1 there are 312, at 0.5 there are 41, and with beam search not a single one. So they choose beam search. A
# month later, subscribers leave: "It is the same story every night, and it goes on and on about the ball."
#
# How can the number of wrong statements fall to zero while the model has learned nothing new? Which second number should they have measured, how
# is it computed, and what should it be compared with? Which picture would you draw before choosing, and what would you try besides temperature and
# beams? And what is wrong with the idea that the most probable text must be the best one?

# %% [markdown] tags=["answer"]
# Temperature and beams do not change what the model knows, only which of its texts we see. Lower temperatures leave the most probable continuations, and the
# safest statement is nearly always an easy one: one that was just made, or one that every story makes. With fewer different statements, there are fewer
# chances to be wrong; a story that repeats one true sentence has no mistake at all.
#
# The second number is diversity: for example the share of different n-grams (or whole statements) in all stories of a setting together, or how
# much two stories of a setting overlap. It depends on the amount of text, so it must be taken over equally many tokens, and it means
# something only beside the same number for real stories, those the model learned from: one wants to be as diverse as these, not more.
#
# The picture has diversity across and wrong statements a story (or for a hundred statements) up, one point for each setting, real stories marked. One
# chooses on its frontier, by what the product needs: perhaps temperature 0.7. Top-p or min-p often reach a better point than temperature alone, for they cut the tail that
# the mistakes come from, and leave the many good continuations; so they are to be tried, with a penalty for repetition perhaps, or one draws several
# stories and throws away those that contradict themselves.
#
# The most probable text is not a typical one. Each real sentence carries about as much surprise as one expects, and the one that never surprises is short, or goes round
# in circles: once a phrase was repeated, to repeat it again is more probable still.
