"""Exercise 04.2: the gradient of the mean cross-entropy by the logits of a batch."""

import numpy as np
import torch

from course_lib.classroom.checking.exercise import Exercise

logits = Exercise(
    "04.2", "logits_gradient", title="Where every gradient begins", difficulty=2, minutes=10,
    hints=(
        "For one example it is p − onehot(target). Which axis does the softmax go along?",
        "The loss is a mean over B examples: by how much does one example's own loss count?",
        "Subtract each row's maximum, exponentiate, divide by the row's sum; take 1 away at each target; divide by B.",
    ),
)


def some_logits(rng, size=1.0):
    B, V = int(rng.integers(3, 6)), int(rng.integers(6, 9))
    return size * rng.normal(size=(B, V)), rng.integers(0, V, B)


@logits.probe(axes="examples down, classes across")
def four_examples(ns, rng):
    """four examples, three classes"""
    return ns["logits_gradient"](rng.normal(size=(4, 3)), np.array([0, 2, 1, 2]))


@logits.probe(axes="examples down, classes across")
def large_logits(ns, rng):
    """logits as large as a thousand"""
    return ns["logits_gradient"](np.array([[1000.0, 999.0, 0.0], [0.0, 1.0, 2.0]]), np.array([1, 0]))


@logits.probe(axes="examples down, classes across")
def far_apart(ns, rng):
    """one example's logits far below another's"""
    return ns["logits_gradient"](np.array([[1.0, 2.0], [-1000.0, -1001.0], [900.0, 901.0]]), np.array([0, 0, 1]))


@logits.probe(axes="examples down, classes across")
def far_apart_in_one_row(ns, rng):
    """logits of one example that are two thousand apart"""
    return ns["logits_gradient"](np.array([[1000.0, -1000.0, -1000.0, -1000.0], [-900.0, 900.0, 899.0, -900.0]]), np.array([1, 2]))


@logits.probe(axes="examples down, classes across")
def one_example(ns, rng):
    """a single example"""
    return ns["logits_gradient"](rng.normal(size=(1, 4)), np.array([3]))


@logits.probe(axes="examples down, classes across")
def square(ns, rng):
    """as many examples as classes, all with one target"""
    return ns["logits_gradient"](rng.normal(size=(3, 3)), np.array([1, 1, 1]))


@logits.probe(hidden=True)
def any_batch(ns, rng):
    """any batch"""
    return ns["logits_gradient"](*some_logits(rng))


@logits.probe(hidden=True)
def any_large_batch(ns, rng):
    """any batch with large logits"""
    z, targets = some_logits(rng, size=600.0)
    z[1:, 0] = 3000.0
    z[0] -= 5000.0
    return ns["logits_gradient"](z, targets)


@logits.property(B=(1, 5), V=(2, 6))
def rows_sum_to_zero(ns, B, V):
    """each row sums to zero: what one class gains, others lose"""
    z = np.sin(np.arange(B * V)).reshape(B, V)
    return np.asarray(ns["logits_gradient"](z, np.arange(B) % V)).sum(axis=1), np.zeros(B)


def probabilities(z, axis=1):
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def onehot(z, targets):
    return np.eye(z.shape[1])[targets]


@logits.mistake(hint="This is the gradient of the sum of the losses. The loss is their mean.")
def of_the_sum(logits, targets):
    """the gradient of the summed loss: the mean's 1/B is missing"""
    return probabilities(logits) - onehot(logits, targets)


@logits.mistake(hint="Divide by the number of examples, not by the number of all cells.")
def mean_over_all_cells(logits, targets):
    """divided by B · V in place of B"""
    return (probabilities(logits) - onehot(logits, targets)) / logits.size


@logits.mistake(hint="What was said minus what was true, in this order. With the other sign, descent climbs.")
def the_other_sign(logits, targets):
    """the gradient with the sign of a widely read article: true minus said"""
    return (onehot(logits, targets) - probabilities(logits)) / len(targets)


@logits.mistake(hint="Each example has its own softmax: over the classes, which lie across.")
def softmax_over_examples(logits, targets):
    """a softmax over the examples instead of the classes"""
    return (probabilities(logits, axis=0) - onehot(logits, targets)) / len(targets)


@logits.mistake(hint="These are the probabilities. Where does the target come in?")
def probabilities_only(logits, targets):
    """the probabilities, without the targets"""
    return probabilities(logits) / len(targets)


@logits.mistake(hint="The other classes' logits are in the denominator: they move the loss, too.")
def targets_only(logits, targets):
    """a gradient at the targets only"""
    return (probabilities(logits) - 1) * onehot(logits, targets) / len(targets)


@logits.mistake(hint="exp(1000) is inf. What can be subtracted from all logits of a row without changing its softmax?")
def no_maximum_subtracted(logits, targets):
    """right, but overflowing for large logits"""
    with np.errstate(all="ignore"):
        e = np.exp(logits)
        return (e / e.sum(axis=1, keepdims=True) - onehot(logits, targets)) / len(targets)


@logits.mistake(hint="Two things: exp(1000) is inf, and the loss is a mean over the examples.")
def of_the_sum_and_overflowing(logits, targets):
    """the gradient of the summed loss, and overflowing for large logits"""
    return no_maximum_subtracted(logits, targets) * len(targets)


@logits.mistake(hint="dlogits[:, targets] takes those columns of every row. One place a row: dlogits[np.arange(B), targets].")
def whole_columns(logits, targets):
    """1 taken away in whole columns, not at each example's target"""
    p = probabilities(logits)
    p[:, targets] -= 1
    return p / len(targets)


@logits.mistake(hint="Both parts of p − onehot are divided by B. Yours divides only p.")
def one_taken_away_late(logits, targets):
    """1 taken away after the division by B"""
    return probabilities(logits) / len(targets) - onehot(logits, targets)


@logits.mistake(hint="Each example has its own softmax. Your sum goes over the whole table.")
def one_softmax_for_all(logits, targets):
    """one softmax over the whole table"""
    with np.errstate(all="ignore"):
        e = np.exp(logits - logits.max())
        return (e / e.sum() - onehot(logits, targets)) / len(targets)


@logits.mistake(hint="Each row needs its own largest logit: beside a row of thousands, exp of all others is 0.")
def largest_of_all(logits, targets):
    """right, but with the largest logit of all taken away, not of each row"""
    with np.errstate(all="ignore"):
        e = np.exp(logits - logits.max())
        return (e / e.sum(axis=1, keepdims=True) - onehot(logits, targets)) / len(targets)


@logits.mistake(hint="−1/p is the gradient by the probability. It must still pass the softmax.")
def by_the_probabilities(logits, targets):
    """the gradient by the probabilities, not by the logits"""
    p = probabilities(logits)
    with np.errstate(all="ignore"):
        return np.where(onehot(logits, targets) > 0, -1 / p, 0.0) / len(targets)


@logits.mistake(hint="The mean is over the B examples: the number of rows.")
def mean_over_classes(logits, targets):
    """divided by the number of classes in place of that of examples"""
    return (probabilities(logits) - onehot(logits, targets)) / logits.shape[1]


@logits.mistake(hint="That is the loss. Wanted is how it moves with each logit.")
def the_loss_itself(logits, targets):
    """the loss, not its gradient"""
    top = logits.max(axis=1, keepdims=True)
    logs = logits - top - np.log(np.exp(logits - top).sum(axis=1, keepdims=True))
    return -logs[np.arange(len(targets)), targets].mean()


@logits.mistake(hint="exp is safe only where nothing is above 0: take away the largest logit of the row, not the mean.")
def mean_subtracted(logits, targets):
    """right, but overflowing: the mean of each row was taken away, not its largest logit"""
    with np.errstate(all="ignore"):
        e = np.exp(logits - logits.mean(axis=1, keepdims=True))
        return (e / e.sum(axis=1, keepdims=True) - onehot(logits, targets)) / len(targets)


@logits.mistake(hint="exp is safe only where nothing is above 0: take away the largest logit of the row, not the smallest.")
def smallest_subtracted(logits, targets):
    """right, but overflowing: the smallest logit of each row was taken away, not the largest"""
    with np.errstate(all="ignore"):
        e = np.exp(logits - logits.min(axis=1, keepdims=True))
        return (e / e.sum(axis=1, keepdims=True) - onehot(logits, targets)) / len(targets)


@logits.mistake(hint="Cut off, 1000 and 999 are one number. Take the largest logit of the row away instead.")
def cut_off(logits, targets):
    """logits that are cut off at 700, so that larger ones are all alike"""
    e = np.exp(np.clip(logits, -700, 700))
    return (e / e.sum(axis=1, keepdims=True) - onehot(logits, targets)) / len(targets)


@logits.mistake(hint="At the target stands p − 1: take 1 away from what is there, -= 1.")
def minus_one_put_in(logits, targets):
    """−1 at each target, in place of p − 1"""
    return np.where(onehot(logits, targets) > 0, -1.0, probabilities(logits)) / len(targets)


@logits.mistake(hint="At the target stands p − 1, with a minus.")
def one_added(logits, targets):
    """1 added at each target, not taken away"""
    return (probabilities(logits) + onehot(logits, targets)) / len(targets)


@logits.mistake(hint="Both parts of p − onehot are divided by B. Yours divides only the 1.")
def only_the_one_divided(logits, targets):
    """probabilities that are not divided by B, of which 1/B was taken away"""
    return probabilities(logits) - onehot(logits, targets) / len(targets)


@logits.mistake(hint="p − onehot has passed the softmax already: its slope is in it.")
def softmax_slope_once_more(logits, targets):
    """p − onehot, multiplied by the slope p (1 − p) or a part of it once more"""
    p = probabilities(logits)
    return (p - onehot(logits, targets)) * p * (1 - p) / len(targets)


@logits.mistake(hint="Ids count from 0: targets are places as they are.")
def targets_counted_from_one(logits, targets):
    """targets that are one place too far"""
    return (probabilities(logits) - onehot(logits, (targets + 1) % logits.shape[1])) / len(targets)


@logits.mistake(hint="One place a row: row i, column targets[i], in this order: dlogits[np.arange(B), targets].")
def largest_for_target(logits, targets):
    """1 taken away at the largest logit, not at the target"""
    return (probabilities(logits) - onehot(logits, logits.argmax(axis=1))) / len(targets)


@logits.mistake(hint="Softmax belongs to e: np.exp, not a power of 2.")
def powers_of_two(logits, targets):
    """a softmax with powers of 2"""
    return (probabilities(logits * np.log(2)) - onehot(logits, targets)) / len(targets)


@logits.mistake(hint="The classes exclude each other: a softmax over them, not a sigmoid for each.")
def sigmoids(logits, targets):
    """a sigmoid of each logit in place of a softmax"""
    return ((1 + np.sign(logits) * (1 - 2 / (1 + np.exp(np.minimum(abs(logits), 700))))) / 2 - onehot(logits, targets)) / len(targets)


@logits.mistake(hint="exp of the logits must be divided by its sum over the row: that makes probabilities of it.")
def never_divided(logits, targets):
    """exponentials that were never divided by their sum"""
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (e - onehot(logits, targets)) / len(targets)


@logits.forbid("course_lib.byhand.functional.cross_entropy_backward")
def _(call, logits, targets):
    return call(1.0, logits, targets)


@logits.forbid("torch.nn.functional.cross_entropy")
def _(call, logits, targets):
    leaf = torch.tensor(logits, requires_grad=True)
    call(leaf, torch.tensor(targets)).backward()
    return leaf.grad.numpy()
