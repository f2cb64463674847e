# %% [markdown]
# # Exercises 04 · Backprop
#
# Six functions and a question, about an hour and three quarters in all. Replace each `raise NotImplementedError` by your answer and
# run the cell below it. The check says *correct*, or names the mistake when it is one that many people make, or shows what
# your function returns beside what is expected. Leave the arguments as they came: work on copies.
#
# Stuck? In a cell of your own, `hint("04.1")` gives the first of three hints, and the next when asked again;
# `solution("04.1")` opens after three tries. Every exercise stands alone: later ones use `course_lib`, never your
# earlier answers.
#
# As in the lesson, `dx` is the derivative of the loss by `x`, in the shape of `x`.

# %% tags=["setup"]
import math

import numpy as np

from course_lib.classroom import check, hint, solution

# %% [markdown]
# ## 04.1 · A bend and its slope (●○○○○, 10 minutes)
#
# $\tanh z = \dfrac{e^z - e^{-z}}{e^z + e^{-z}}$ is how a widely read tutorial prints it, and computed like that it fails for
# large numbers: $e^{1000}$ fits into no float. Write it so that it works for *every* finite number, of either sign, and its gradient beside it;
# a finished `tanh` (of numpy, math, torch or `course_lib`) is refused.

# %%
def bend(z, dy):
    """z and dy of one shape -> y = tanh(z) and dz, the same shape.

    >>> bend(np.array([0.0, 1000.0]), np.array([2.0, 1.0]))[0].tolist()
    [0.0, 1.0]
    """
    ### BEGIN SOLUTION
    e = np.exp(-2 * np.abs(z))
    y = np.sign(z) * (1 - e) / (1 + e)
    return y, dy * (1 - y * y)
    ### END SOLUTION

# %%
check("04.1", bend)

# %% [markdown]
# ## 04.2 · Where every gradient begins (●●○○○, 10 minutes)
#
# A language model ends in logits. The loss is the *mean*, over the $B$ examples, of $-\log \mathrm{softmax}(\text{logits})$ at the
# target. Write the gradient by the logits. Section 5 of the lesson has it for one example; here is a batch.
# `cross_entropy_backward` and torch's `cross_entropy` are refused.

# %%
def logits_gradient(logits, targets):
    """logits (B, V), targets (B,) ids -> dlogits (B, V). Logits lie anywhere from -1000 to 1000."""
    ### BEGIN SOLUTION
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    dlogits = e / e.sum(axis=1, keepdims=True)
    dlogits[np.arange(len(targets)), targets] -= 1
    return dlogits / len(targets)
    ### END SOLUTION

# %%
check("04.2", logits_gradient)

# %% [markdown]
# ## 04.3 · Find the bugs (●●●○○, 15 minutes)
#
# Here is a network of two layers, ReLU then sigmoid, with the loss $\frac12 \sum (a_2 - y)^2$ over all examples, and the gradients
# as a widely read article derives them. Only what would crash has been repaired. Four things are still wrong, some of them in two places:
# look at every line and ask for its shape, its sign, and for the slope of each bend that a nudge passes. Repair them by hand: an autograd
# (`backward` of torch or of the course, `torch.autograd.grad`) is refused. (Where a ReLU gets exactly 0, let its slope be 0.)

# %%
def gradients_of_the_article(p, x, y):
    """p: W1 (C, F), b1 (F,), W2 (F, K), b2 (K,); x (B, C), y (B, K). Wrong in four ways."""
    a1 = np.maximum(x @ p["W1"] + p["b1"], 0)
    a2 = 1 / (1 + np.exp(-(a1 @ p["W2"] + p["b2"])))
    da2 = y - a2
    da1 = (da2 * a2 * (1 - a2)) @ p["W2"].T
    slope = np.where(a1 < 0, 0.0, 1.0)
    return {"W1": x.T @ (da1 * slope), "b1": da1 * slope, "W2": a1.T @ da2, "b2": da2}


# %%
def gradients_repaired(p, x, y):
    """-> the true gradients of the loss, by name, each in the shape of its parameter."""
    ### BEGIN SOLUTION
    a1 = np.maximum(x @ p["W1"] + p["b1"], 0)
    a2 = 1 / (1 + np.exp(-(a1 @ p["W2"] + p["b2"])))
    dz2 = (a2 - y) * a2 * (1 - a2)
    dz1 = (dz2 @ p["W2"].T) * (x @ p["W1"] + p["b1"] > 0)
    return {"W1": x.T @ dz1, "b1": dz1.sum(axis=0), "W2": a1.T @ dz2, "b2": dz2.sum(axis=0)}
    ### END SOLUTION

# %%
check("04.3", gradients_repaired)

# %% [markdown]
# ## 04.4 · The walk back (●●●○○, 20 minutes)
#
# The heart of every autograd. A `Node` knows its `parents` and, for each of them, the `local` derivative. Find how the `root`
# moves with each of the `leaves`. Mind two things: a node may be used several times, even twice by one operation ($x \cdot x$ has
# the parents `(x, x)`); and before a node passes its gradient on, everything that uses it must have told it. Treat each node once: fifty nodes can have
# $2^{50}$ paths. (No path is longer than a few hundred nodes, so recursion is fine.) And asked twice, it says the same twice: an earlier call may have left something in `grad`.
# (`Tensor.backward` of `course_lib` is refused.)
#
# Before you start: on $y = x \cdot x + x$ at $x = 3$, in which order do you treat the nodes?

# %%
class Node:
    """A number, the nodes that it was computed from, and its derivative by each of them."""

    def __init__(self, data, parents=(), local=()):
        self.data, self.parents, self.local, self.grad = data, parents, local, 0.0


def add(a, b):
    return Node(a.data + b.data, (a, b), (1.0, 1.0))


def multiply(a, b):
    return Node(a.data * b.data, (a, b), (b.data, a.data))


# %%
def gradients_of(root, leaves):
    """-> a list of floats, ∂root/∂leaf for each of `leaves`; 0.0 for one that does not reach the root, 1.0 for the root.

    Any node may stand in `leaves`, one that has parents, too.

    >>> x = Node(3.0)
    >>> gradients_of(add(multiply(x, x), x), [x])
    [7.0]
    """
    ### BEGIN SOLUTION
    order, seen = [], set()

    def visit(node):
        if id(node) not in seen:
            seen.add(id(node))
            for parent in node.parents:
                visit(parent)
            order.append(node)

    visit(root)
    grads = {id(node): 0.0 for node in (*order, *leaves)}
    grads[id(root)] = 1.0
    for node in reversed(order):
        for parent, local in zip(node.parents, node.local, strict=True):
            grads[id(parent)] += local * grads[id(node)]
    return [grads[id(leaf)] for leaf in leaves]
    ### END SOLUTION

# %%
check("04.4", gradients_of)

# %% [markdown]
# ## 04.5 · Layer norm, backwards (●●●●○, 20 minutes)
#
# $\hat z = (z - \mu)/s$ with $s = \sqrt{\mathrm{var}(z) + \epsilon}$, both over each row of $F$ numbers ($\mathrm{var}$ divides by $F$), and
# $n = \hat z \odot \text{gain} + \text{shift}$. Section 9 of the lesson derives $dz$. Write all three gradients
# by hand: `layer_norm_backward`, torch's `layer_norm` and torch's own gradients are refused.
#
# A question that saves time: if a whole row of $z$ grows by the same amount, what happens to $n$? So what must each row of
# $dz$ sum to?

# %%
def norm_backward(dn, z, gain, eps=1e-5):
    """dn and z (B, F), gain (F,) -> dz (B, F), dgain (F,), dshift (F,)."""
    ### BEGIN SOLUTION
    centred = z - z.mean(axis=1, keepdims=True)
    s = np.sqrt((centred**2).mean(axis=1, keepdims=True) + eps)
    z_hat = centred / s
    dz_hat = dn * gain
    shift_part = dz_hat.mean(axis=1, keepdims=True)
    stretch_part = z_hat * (dz_hat * z_hat).mean(axis=1, keepdims=True)
    return (dz_hat - shift_part - stretch_part) / s, (dn * z_hat).sum(axis=0), dn.sum(axis=0)
    ### END SOLUTION

# %%
check("04.5", norm_backward)

# %% [markdown]
# ## 04.6 · A network that learns to count (●●●●○, 20 minutes)
#
# The smallest neural language model has one layer: a table $W$, one row of logits for each letter that may come before. Train it
# on names of countries by plain gradient descent: all pairs at once, $W$ beginning at zero, `n_steps` times $W \leftarrow W - \text{lr} \cdot dW$,
# where the loss is the mean of $-\log$ softmax over all pairs. (What it comes to in the end you know from lesson 02: the counts.)
#
# One trap: most rows are read by many pairs. `W[idx] -= …` keeps only one of them. (`cross_entropy_backward` and `embedding_backward` of
# `course_lib` are refused.)
#
# When it is correct, train for 1000 steps with `lr=5.0` in a cell of your own, and look at the softmax of row 26: with which letters
# do these names begin? Compare with the list.

# %%
COUNTRIES = "peru chile cuba panama canada mexico brasil espana francia italia grecia suecia noruega polonia ucrania".split()
letters = [[26, *(ord(letter) - ord("a") for letter in name), 26] for name in COUNTRIES]     # 26 stands around each name
idx = np.array([i for name in letters for i in name[:-1]])
targets = np.array([i for name in letters for i in name[1:]])
print(f"{len(idx)} pairs, {len(set(idx.tolist()))} different letters that come before")

# %%
def train_bigram(idx, targets, vocab_size, lr, n_steps):
    """idx and targets (N,) ids -> W (V, V) after `n_steps` steps: row = the letter before, column = the next."""
    ### BEGIN SOLUTION
    W = np.zeros((vocab_size, vocab_size))
    for _ in range(n_steps):
        e = np.exp(W[idx] - W[idx].max(axis=1, keepdims=True))
        dlogits = e / e.sum(axis=1, keepdims=True)
        dlogits[np.arange(len(idx)), targets] -= 1
        np.add.at(W, idx, -lr * dlogits / len(idx))
    return W
    ### END SOLUTION

# %%
check("04.6", train_bigram)

# %% [markdown]
# ## 04.7 · The wrong gradient that learned (●●○○○, 10 minutes)
#
# A friend wrote a classifier by hand: one hidden layer, a sigmoid at the end, trained with the squared error. It learns, and faster than
# the one in the book. Then your friend runs a gradient check for the first time. For the weights and the bias of the *last* layer it says
# *wrong*; the gradients of the first layer are *close*.
#
# What is probably wrong in the code? Why does it learn nevertheless, and even faster? And what should your friend change: the
# code, the loss, or nothing? Give reasons.

# %% [markdown] tags=["answer"]
# Probably the slope of the output's sigmoid, $a(1-a)$, is missing where the last layer's gradients are computed, and only there: the first
# layer gets it. So instead of $(a-y)\,a(1-a)$ the last layer follows $(a-y)$. The missing factor is positive, so for each
# example alone the direction is still downhill; and where the answer is badly wrong, $a(1-a)$ is nearly zero, so leaving it out makes large
# steps exactly where the squared error makes almost none.
#
# $(a-y)$ is the gradient of the cross-entropy by $z$. The last layer thus minimises another loss than the first one, and neither is the
# one that is plotted. My friend should say what is meant: take cross-entropy as the loss, compute *all* gradients from $dz_2 = (a-y)/N$, the
# first layer's too, and run the check again until every row says close. Nothing may stay as it is only because the curve looks good.
