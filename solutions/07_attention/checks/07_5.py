"""Exercise 07.5: the gradients of attention, by queries, keys and values."""

import math

import numpy as np
import torch

from course_lib.classroom.checking.exercise import Exercise


def shares(z, axis=-1):
    """Softmax, for wrong answers whose mistake is elsewhere."""
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


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


def sharp_attention(rng, S):
    """Three texts with one query each: its last score is a thousand above the others; all are as large; all are far below 0."""
    dout, q, k, v = some_attention(rng, 3, 1, S, 4, 2)
    q[:, 0], k[:, :, 0] = (1000.0, 0.0, 0.0, 0.0), rng.normal(size=(3, S)) / 1000
    k[0, -1, 0] += 2.0
    k[1, :, 0] += 2.0
    k[2, :, 0] -= 2.0
    return dout, q, k, v


@gradients.probe(axes="as the input")
def two_texts(ns, rng):
    """two texts, three queries, four keys"""
    return ns["attention_gradients"](*some_attention(rng, 2, 3, 4, 5, 2))


@gradients.probe(axes="as the input")
def one_query(ns, rng):
    """a single query"""
    return ns["attention_gradients"](*some_attention(rng, 1, 1, 3, 2, 3))


@gradients.probe(axes="as the input")
def one_key(ns, rng):
    """a single key: whatever was asked, it gets all"""
    return ns["attention_gradients"](*some_attention(rng, 2, 3, 1, 2, 2))


@gradients.probe(axes="as the input")
def large_scores(ns, rng):
    """scores as large as a thousand or far below zero, far apart or nearly equal"""
    return ns["attention_gradients"](*sharp_attention(rng, 7))


@gradients.probe(hidden=True, points=2)
def any_sizes(ns, rng):
    """any sizes"""
    return ns["attention_gradients"](*some_attention(rng, 2, *(int(n) for n in rng.permutation(np.arange(2, 8))[:4])))


@gradients.probe(hidden=True)
def any_large_scores(ns, rng):
    """any large scores"""
    return ns["attention_gradients"](*sharp_attention(rng, int(rng.integers(6, 9))))


@gradients.property(S=(1, 5), seed=(0, 99))
def a_common_shift(ns, S, seed):
    """adding one vector to all keys changes no weight: the gradients of the keys sum to zero"""
    given = some_attention(np.random.default_rng(seed), 1, 3, S, 4, 2)
    return np.asarray(ns["attention_gradients"](*given)[1]).sum(axis=1), np.zeros((1, 4))


def back(dout, q, k, v, *, root=True, root_back=True, slope="all", values="T", swap=False, over=-1,
         turned=lambda w: w.swapaxes(-2, -1)):
    """The right gradients, with some things wrong."""
    D = math.sqrt(q.shape[-1])
    w = shares(q @ k.swapaxes(-2, -1) / (D if root else 1.0), over)
    dw = dout @ v.swapaxes(-2, -1)
    ds = {"all": w * (dw - (w * dw).sum(axis=-1, keepdims=True)), "diagonal": w * (1 - w) * dw, "none": dw, "weights": w * dw,
          "queries": w * (dw - (w * dw).sum(axis=-2, keepdims=True)), "plus": w * (dw + (w * dw).sum(axis=-1, keepdims=True)),
          "all numbers": w * (dw - (w * dw).sum()), "outside": dw - (w * dw).sum(axis=-1, keepdims=True),
          "plain mean": w * (dw - dw.mean(axis=-1, keepdims=True)),
          "plain sum": w * (dw - dw.sum(axis=-1, keepdims=True))}[slope]
    ds = ds / (D if root_back else 1.0)
    dv = turned(w) @ dout if values == "T" else dw.swapaxes(-2, -1) @ dout
    return ds @ k, turned(ds) @ q, dv


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


@gradients.mistake(hint="What is taken away is Σ w dw: each weight times its own gradient, then the sum.")
def a_plain_sum(dout, q, k, v):
    """the sum of dweights taken away, without the weights"""
    return back(dout, q, k, v, slope="plain sum")


@gradients.mistake(hint="The weights of the forward pass were made with q kᵀ / √D. Divide there as well.")
def no_root_in_the_weights(dout, q, k, v):
    """a √D on the way back, and none in the weights"""
    return back(dout, q, k, v, root=False)


@gradients.mistake(hint="√D is of the last axis of q. Yours is of another axis: q.shape[1] counts the queries.")
def root_of_the_queries(dout, q, k, v):
    """the root of T in place of the root of D"""
    width = math.sqrt(q.shape[-1] / q.shape[-2])
    dq, dk, dv = back(dout, q * width, k, v)
    return dq * width, dk, dv


@gradients.mistake(hint="√D is of the numbers in a query and a key. Yours is of the values' width E, which is another number.")
def root_of_the_values(dout, q, k, v):
    """the root of E, the values' width, in place of the root of D"""
    width = math.sqrt(q.shape[-1] / v.shape[-1])
    dq, dk, dv = back(dout, q * width, k, v)
    return dq * width, dk, dv


@gradients.mistake(hint="√D is of the last axis. Yours is of another axis: k.shape[1] counts the keys.")
def root_of_the_keys(dout, q, k, v):
    """the root of S in place of the root of D"""
    width = math.sqrt(q.shape[-1] / k.shape[-2])
    dq, dk, dv = back(dout, q * width, k, v)
    return dq * width, dk, dv


@gradients.mistake(hint="The scores grow like √D, and are divided by it, not by D.")
def by_the_width(dout, q, k, v):
    """scores divided by D in place of √D"""
    width = 1 / math.sqrt(q.shape[-1])
    dq, dk, dv = back(dout, q * width, k, v)
    return dq * width, dk, dv


@gradients.mistake(hint="exp(1000) is inf. Take each row's largest score away first, or use softmax, which does.")
def overflowing(dout, q, k, v):
    """right, but overflowing for large scores"""
    with np.errstate(all="ignore"):
        e = np.exp(q @ k.swapaxes(-2, -1) / math.sqrt(q.shape[-1]))
        w = e / e.sum(axis=-1, keepdims=True)
        dw = dout @ v.swapaxes(-2, -1)
        ds = w * (dw - (w * dw).sum(axis=-1, keepdims=True)) / math.sqrt(q.shape[-1])
        return ds @ k, ds.swapaxes(-2, -1) @ q, w.swapaxes(-2, -1) @ dout


@gradients.mistake(hint="What the row got on average is taken away, not added.")
def the_mean_added(dout, q, k, v):
    """the mean of the row added, where it should be taken away"""
    return back(dout, q, k, v, slope="plus")


@gradients.mistake(hint="Each query has its own softmax: a sum for each row, axis=-1 with keepdims=True.")
def summed_over_everything(dout, q, k, v):
    """one sum over all texts, queries and keys taken away, not one for each row"""
    return back(dout, q, k, v, slope="all numbers")


@gradients.mistake(hint="What is left is multiplied by the weights once more: w (dw − Σ w dw).")
def without_the_weights_outside(dout, q, k, v):
    """a softmax's gradient without the weights in front of the bracket"""
    return back(dout, q, k, v, slope="outside")


@gradients.mistake(hint="Each row needs a largest of its own: beside a row of thousands, all exponentials of another are 0.")
def largest_of_all(dout, q, k, v):
    """the largest score of all texts taken away, not each row's"""
    root = math.sqrt(q.shape[-1])
    with np.errstate(all="ignore"):
        s = q @ k.swapaxes(-2, -1) / root
        e = np.exp(s - s.max())
        w = e / e.sum(axis=-1, keepdims=True)
        dw = dout @ v.swapaxes(-2, -1)
        ds = w * (dw - (w * dw).sum(axis=-1, keepdims=True)) / root
        return ds @ k, ds.swapaxes(-2, -1) @ q, w.swapaxes(-2, -1) @ dout


@gradients.mistake(hint="What is taken away must be each row's largest score: then no exponential is above 1. One can stand far above the mean.")
def mean_taken_away(dout, q, k, v):
    """right, until one score stands far above the others: another number than the largest is taken away"""
    root = math.sqrt(q.shape[-1])
    with np.errstate(all="ignore"):
        s = q @ k.swapaxes(-2, -1) / root
        e = np.exp(s - s.mean(axis=-1, keepdims=True))
        w = e / e.sum(axis=-1, keepdims=True)
        dw = dout @ v.swapaxes(-2, -1)
        ds = w * (dw - (w * dw).sum(axis=-1, keepdims=True)) / root
        return ds @ k, ds.swapaxes(-2, -1) @ q, w.swapaxes(-2, -1) @ dout


@gradients.mistake(hint="The three are wanted in the order dq, dk, dv.")
def other_order(dout, q, k, v):
    """dv, dk, dq: the order in which one meets them"""
    return back(dout, q, k, v)[::-1]


@gradients.mistake(hint="reshape keeps the order of the numbers, a transpose changes it: (T, S) turned is not (S, T) filled anew.")
def reshaped_for_turned(dout, q, k, v):
    """a reshape on the way back where it should be a transpose"""
    return back(dout, q, k, v, turned=lambda w: w.reshape(len(q), k.shape[1], q.shape[1]))


@gradients.mistake(hint="Each query has its own softmax over the keys, on the way there, too: axis −1.")
def forward_over_the_queries(dout, q, k, v):
    """weights that are a softmax over the queries"""
    return back(dout, q, k, v, over=-2)


@gradients.forbid("course_lib.byhand.attention.attention_backward")
def _(call, dout, q, k, v):
    return call(dout, q, k, v, shares(q @ k.swapaxes(-2, -1) / math.sqrt(q.shape[-1])))


@gradients.forbid("course_lib.byhand.functional.softmax_backward")
def _(call, dout, q, k, v):
    w = shares(q @ k.swapaxes(-2, -1) / math.sqrt(q.shape[-1]))
    ds = call(dout @ v.swapaxes(-2, -1), w) / math.sqrt(q.shape[-1])
    return ds @ k, ds.swapaxes(-2, -1) @ q, w.swapaxes(-2, -1) @ dout


def on_tape(dout, q, k, v):
    """Three leaves, and the number whose gradients by them are asked for."""
    leaves = [torch.tensor(a, requires_grad=True) for a in (q, k, v)]
    weights = (leaves[0] @ leaves[1].transpose(-2, -1) / math.sqrt(q.shape[-1])).softmax(-1)
    return leaves, (weights @ leaves[2] * torch.tensor(dout)).sum()


@gradients.forbid("torch.autograd.backward")
def _(call, dout, q, k, v):
    leaves, total = on_tape(dout, q, k, v)
    call(total)
    return tuple(leaf.grad.numpy() for leaf in leaves)


@gradients.forbid("torch.autograd.grad")
def _(call, dout, q, k, v):
    leaves, total = on_tape(dout, q, k, v)
    return tuple(slope.numpy() for slope in call(total, leaves))
