# %% [markdown]
# # Exercises 12 · GPT
#
# Five functions, each a piece of the model of lesson 12, about an hour in all. Replace each
# `raise NotImplementedError` by your answer and run the cell below it. The check says *correct*, or names the mistake
# when it is one that many people make, or shows what your function returns beside what is expected. Leave the arguments
# as they came: work on copies.
#
# Stuck? In a cell of your own, `hint("12.1")` gives the first of three hints, and the next when asked again;
# `solution("12.1")` opens after three tries. Every exercise stands alone: later ones use `course_lib`, never your
# earlier answers.

# %% tags=["setup"]
import math

import torch
from torch.nn import functional as F

from course_lib.classroom import check, hint, solution

# %% [markdown]
# ## 12.1 · What is asked of the model (●○○○○, 5 minutes)
#
# One of the articles behind this course trains its language model on labels that are not the next tokens at all
# (article 004, section 5: one class label a sequence). A language model is asked, at *every* position, for the
# token that comes **next**.
#
# Cut `ids` into windows that lie side by side. The targets of a window are its tokens moved by one; every pair
# (token, next token) appears once. What does not fill a whole window at the end is left out; if nothing
# fills one, both are (0, context_length).
# (`sequential_windows` of `course_lib` is refused.)

# %%
def next_token_windows(ids, context_length):
    """ids (N,) -> idx and targets, both (windows, context_length).

    >>> next_token_windows(torch.arange(8), 3)[1].tolist()
    [[1, 2, 3], [4, 5, 6]]
    """
    ### BEGIN SOLUTION
    T = context_length
    n_windows = (len(ids) - 1) // T
    idx = ids[: n_windows * T].view(n_windows, T)
    targets = ids[1 : n_windows * T + 1].view(n_windows, T)
    return idx, targets
    ### END SOLUTION

# %%
check("12.1", next_token_windows)

# %% [markdown]
# ## 12.2 · How large is it? (●●○○○, 10 minutes)
#
# Count the parameters of a GPT with the parts of our `tiny` preset **without building it**: norms with a gain and no
# shift for each channel (two norms a block, one before the head), one gain of $D$ numbers for
# queries and one for keys in each block (shared by all heads), no biases, rotary positions (nothing to learn), and a head
# that shares the token table.
#
# Before you start: which part grows with the *square* of `n_embd`, and which with the vocabulary? (Building a
# `GPT` is refused. The lesson's `tiny(1536)` has a hidden layer of 736 in place of 704 = 4 · 176, and so
# some more; here $F = 4C$ always.)

# %%
def count_parameters(vocab_size, n_layer, n_head, n_embd):
    """Number of parameters of `GPT(tiny(vocab_size, n_layer=..., n_head=..., n_embd=...))`; F = 4 C."""
    ### BEGIN SOLUTION
    V, L, C = vocab_size, n_layer, n_embd
    D, F = C // n_head, 4 * C
    attention = C * 3 * C + C * C + 2 * D
    feedforward = C * F + F * C
    block = attention + feedforward + 2 * C
    return V * C + L * block + C
    ### END SOLUTION

# %%
check("12.2", count_parameters)

# %% [markdown]
# ## 12.3 · The loss, by hand (●●○○○, 10 minutes)
#
# Mean surprise in nats of the targets, $-\log \mathrm{softmax}(\text{logits})_{\text{target}}$, over the positions
# whose target is not −1. Two traps: `exp` of a large logit is infinite, and a target of −1 is a perfectly legal
# Python index.

# %%
def loss_by_hand(logits, targets):
    """logits (B, T, V), targets (B, T) with -1 where nothing is asked, but not everywhere -> scalar, mean nats a target.

    Write it with exp, log, sum, max and indexing; softmax, log_softmax, logsumexp, logaddexp, cross_entropy and
    next_token_loss are refused.
    """
    ### BEGIN SOLUTION
    asked = targets != -1
    rows, wanted = logits[asked], targets[asked]
    rows = rows - rows.max(dim=-1, keepdim=True).values
    log_total = rows.exp().sum(dim=-1).log()
    return (log_total - rows[torch.arange(len(wanted)), wanted]).mean()
    ### END SOLUTION

# %%
check("12.3", loss_by_hand)

# %% [markdown]
# ## 12.4 · Find the bugs (●●●●○, 20 minutes)
#
# Here is a transformer block as article 004 has it (section 4.1, formula of the feed-forward; section 5.2, the code).
# It runs, and shapes fit. Three things are wrong:
#
# - the ReLU stands **outside**: $\mathrm{ReLU}(\mathrm{FC}_2(\mathrm{FC}_1(x)))$. Two linear maps in a row are one, and
#   the stream can only grow;
# - every token may look at every other one, the future included;
# - the attention's result is added to nothing: there is **one** residual connection, and a block needs two.
#
# Write the repaired block. It is the *pre-norm* one of lesson 12: each half reads a normalised copy of the stream and
# adds what it computes to the stream itself. (`Block` of `course_lib` is refused, torch's functions are not.)

# %%
def block_of_the_article(x, p):
    """x (T, C); p: matrices q, k, v, proj (C, C), up (F, C), down (C, F). Wrong in three ways."""
    T, C = x.shape
    q, k, v = x @ p["q"].T, x @ p["k"].T, x @ p["v"].T
    weights = (q @ k.T / math.sqrt(C)).softmax(dim=-1)
    y = weights @ v @ p["proj"].T
    return F.layer_norm(y + F.relu(y @ p["up"].T @ p["down"].T), (C,))


# %%
def block_repaired(x, p):
    """x (T, C) -> (T, C), one head, pre-norm with `F.layer_norm(x, (C,))`, ReLU between `up` and `down`."""
    ### BEGIN SOLUTION
    T, C = x.shape
    h = F.layer_norm(x, (C,))
    q, k, v = h @ p["q"].T, h @ p["k"].T, h @ p["v"].T
    scores = q @ k.T / math.sqrt(C)
    scores = scores.masked_fill(torch.ones(T, T).triu(1).bool(), -math.inf)
    x = x + scores.softmax(dim=-1) @ v @ p["proj"].T
    h = F.layer_norm(x, (C,))
    return x + F.relu(h @ p["up"].T) @ p["down"].T
    ### END SOLUTION

# %%
check("12.4", block_repaired)

# %% [markdown]
# ## 12.5 · Let it write (●●●○○, 10 minutes)
#
# The loop that turns a model of the next token into a writer: ask for logits, take the most probable token, append
# it, ask again. The model reads at most `model.config.context_length` tokens, so a long text must be cut before
# it is read; the tokens that fall out are the **oldest**. Nothing that was written may be lost from the result. The
# model is in evaluation mode already.
# (`generate` and `stream` of `course_lib` are refused.)

# %%
@torch.no_grad()
def write(model, idx, max_new_tokens):
    """idx (1, T) -> (1, T + max_new_tokens), greedy, no cache; the model reads the newest tokens that fit."""
    ### BEGIN SOLUTION
    for _ in range(max_new_tokens):
        window = idx[:, -model.config.context_length :]
        newest = model(window)[:, -1].argmax(dim=-1, keepdim=True)
        idx = torch.cat([idx, newest], dim=1)
    return idx
    ### END SOLUTION

# %%
check("12.5", write)
