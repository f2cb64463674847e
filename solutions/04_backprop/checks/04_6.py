"""Exercise 04.6: a table of logits, trained by gradient descent, learns the counts of letter pairs."""

import numpy as np

from course_lib.classroom.checking.exercise import Exercise


def probabilities(z, axis=1):
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


bigram = Exercise(
    "04.6", "train_bigram", title="A network that learns to count", difficulty=4, minutes=20,
    hints=(
        "One step: read the rows W[idx], make probabilities of them, compare with the targets. What is the gradient of W[idx]?",
        "dlogits is (N, V), one row for each pair. Each must be added to the row of dW that it was read from; look up np.add.at.",
        "dlogits = (softmax(W[idx]) − onehot(targets)) / N; dW = zeros (V, V); np.add.at(dW, idx, dlogits); W = W − lr · dW.",
    ),
)

NAMES = "peru chile cuba panama canada mexico brasil espana francia italia grecia suecia noruega polonia ucrania".split()


def pairs(names):
    ids = [[26, *(ord(letter) - ord("a") for letter in name), 26] for name in names]
    return np.array([i for name in ids for i in name[:-1]]), np.array([i for name in ids for i in name[1:]])


@bigram.probe(axes="the letter before down, the next one across")
def three_letters(ns, rng):
    """five pairs of three letters, two steps"""
    return ns["train_bigram"](np.array([0, 0, 1, 2, 0]), np.array([1, 2, 0, 0, 1]), 3, 1.0, 2)


@bigram.probe(axes="the letter before down, the next one across")
def countries(ns, rng):
    """fifteen countries, three steps"""
    return ns["train_bigram"](*pairs(NAMES), 27, 5.0, 3)


@bigram.probe(axes="the letter before down, the next one across")
def small_steps(ns, rng):
    """four hundred small steps, and a letter that is never there"""
    return ns["train_bigram"](np.array([0, 0, 1, 2, 0, 2]), np.array([1, 2, 0, 0, 1, 1]), 4, 0.8, 400)


@bigram.probe(axes="the letter before down, the next one across")
def no_step(ns, rng):
    """no step at all, and then one"""
    return [ns["train_bigram"](np.array([0, 1]), np.array([1, 0]), 2, 1.0, n_steps) for n_steps in (0, 1)]


@bigram.probe(axes="the letter before down, the next one across")
def one_pair(ns, rng):
    """a single pair, and letters that never come before"""
    return ns["train_bigram"](np.array([1]), np.array([3]), 4, 2.0, 3)


@bigram.probe(hidden=True, points=2)
def other_countries(ns, rng):
    """some of the countries, any number of steps"""
    chosen = [NAMES[i] for i in rng.permutation(len(NAMES))[:9]]
    return ns["train_bigram"](*pairs(chosen), 29, float(rng.uniform(2, 6)), int(rng.integers(6, 15)))


@bigram.property(n_steps=(1, 4), lr=(0.5, 3.0))
def rows_keep_their_sum(ns, n_steps, lr):
    """each row of W sums to zero, as at the beginning"""
    W = ns["train_bigram"](*pairs(NAMES[:3]), 27, lr, n_steps)
    W = W.detach() if hasattr(W, "detach") else W
    return np.asarray(W).sum(axis=1), np.zeros(27)


def trained(idx, targets, vocab_size, lr, n_steps, *, sign=-1, mean=True, only_targets=False, step=None, axis=1, begin=0.0):
    """Gradient descent with one thing wrong at a time."""
    W = np.full((vocab_size, vocab_size), begin)
    for _ in range(n_steps):
        d = probabilities(W[idx], axis)
        d[np.arange(len(idx)), targets] -= 1
        if only_targets:
            d = d * np.eye(vocab_size)[targets]
        d = sign * lr * d / (len(idx) if mean else 1)
        step(W, idx, d) if step else np.add.at(W, idx, d)
    return W


@bigram.mistake(hint="W[idx] -= … keeps one of several pairs with the same letter before. Use np.add.at.")
def the_last_pair_wins(idx, targets, vocab_size, lr, n_steps):
    """an update in which only the last pair of each letter counts"""

    def keep_the_last(W, idx, d):
        W[idx] += d

    return trained(idx, targets, vocab_size, lr, n_steps, step=keep_the_last)


@bigram.mistake(hint="This climbs: the loss grows at every step. Go against the gradient.")
def uphill(idx, targets, vocab_size, lr, n_steps):
    """gradient ascent"""
    return trained(idx, targets, vocab_size, lr, n_steps, sign=1)


@bigram.mistake(hint="The loss is a mean over the pairs, so each counts 1/N.")
def summed_loss(idx, targets, vocab_size, lr, n_steps):
    """steps along the summed loss: the mean's 1/N is missing"""
    return trained(idx, targets, vocab_size, lr, n_steps, mean=False)


@bigram.mistake(hint="Row: the letter before. Column: the next one.")
def rows_and_columns_swapped(idx, targets, vocab_size, lr, n_steps):
    """a table with rows and columns swapped"""
    return trained(idx, targets, vocab_size, lr, n_steps).T


@bigram.mistake(hint="All letters that could have come next are pushed down a little, not only the right one up.")
def targets_pushed_only(idx, targets, vocab_size, lr, n_steps):
    """a gradient at the targets only"""
    return trained(idx, targets, vocab_size, lr, n_steps, only_targets=True)


@bigram.mistake(hint="n_steps times: this went once.")
def one_step(idx, targets, vocab_size, lr, n_steps):
    """a single step"""
    return trained(idx, targets, vocab_size, lr, 1)


@bigram.mistake(hint="All pairs at once: the gradient is computed at one W, and then W moves.")
def pair_by_pair(idx, targets, vocab_size, lr, n_steps):
    """one step for each pair, each at a W that the earlier pairs have already moved"""
    W = np.zeros((vocab_size, vocab_size))
    for _ in range(n_steps):
        for i, target in zip(idx, targets, strict=True):
            d = probabilities(W[i][None])[0]
            d[target] -= 1
            W[i] -= lr * d / len(idx)
    return W


@bigram.mistake(hint="These are the log probabilities of the counts, where training would end. How far do n_steps steps go?")
def the_counts_themselves(idx, targets, vocab_size, lr, n_steps):
    """the counts, in place of a table that was trained"""
    counts = np.zeros((vocab_size, vocab_size))
    np.add.at(counts, (idx, targets), 1.0)
    logs = np.log((counts + 1e-3) / (counts + 1e-3).sum(axis=1, keepdims=True))
    return logs - logs.mean(axis=1, keepdims=True)


@bigram.mistake(hint="n_steps times, not once more.")
def one_step_too_many(idx, targets, vocab_size, lr, n_steps):
    """one step too many"""
    return trained(idx, targets, vocab_size, lr, n_steps + 1)


@bigram.mistake(hint="n_steps times: the last one is missing.")
def one_step_too_few(idx, targets, vocab_size, lr, n_steps):
    """one step too few"""
    return trained(idx, targets, vocab_size, lr, n_steps - 1)


@bigram.mistake(hint="A step of n times the length is not n steps: after each, the gradient is another.")
def all_steps_at_once(idx, targets, vocab_size, lr, n_steps):
    """all steps at once: one of n_steps times the length"""
    return trained(idx, targets, vocab_size, lr * n_steps, 1)


@bigram.mistake(hint="idx says which row is read, targets what comes next. Yours predicts the letter before.")
def backwards_in_time(idx, targets, vocab_size, lr, n_steps):
    """idx and targets exchanged: the letter before is predicted"""
    return trained(targets, idx, vocab_size, lr, n_steps)


@bigram.mistake(hint="The mean is over all N pairs, not over those of one letter: a rare letter is moved little.")
def mean_of_each_row(idx, targets, vocab_size, lr, n_steps):
    """each row moved by the mean over its own pairs"""
    counts = np.bincount(idx, minlength=vocab_size)[:, None]

    def rows(W, idx, d):
        np.add.at(W, idx, d * len(idx) / counts[idx])

    return trained(idx, targets, vocab_size, lr, n_steps, step=rows)


@bigram.mistake(hint="A row is pushed once for each pair that reads it; one that no pair reads stays at zero.")
def every_row_once(idx, targets, vocab_size, lr, n_steps):
    """every row pushed down once, however many pairs read it"""
    counts = np.zeros((vocab_size, vocab_size))
    np.add.at(counts, (idx, targets), 1.0)
    W = np.zeros((vocab_size, vocab_size))
    for _ in range(n_steps):
        W = W - lr * (probabilities(W) - counts / len(idx))
    return W


@bigram.mistake(hint="Each pair has its own softmax over the letters that may come next: along the row.")
def softmax_over_the_pairs(idx, targets, vocab_size, lr, n_steps):
    """a softmax over the pairs instead of the letters"""
    return trained(idx, targets, vocab_size, lr, n_steps, axis=0)


@bigram.mistake(hint="W begins at zero: np.zeros.")
def begins_with_ones(idx, targets, vocab_size, lr, n_steps):
    """a table that begins with ones"""
    return trained(idx, targets, vocab_size, lr, n_steps, begin=1.0)


@bigram.mistake(hint="W holds logits. Wanted is W itself, before the softmax.")
def the_probabilities(idx, targets, vocab_size, lr, n_steps):
    """the softmax of W in place of W"""
    return probabilities(trained(idx, targets, vocab_size, lr, n_steps))


@bigram.mistake(hint="The counts are where training leads in the end. Wanted is where n_steps steps lead.")
def bare_counts(idx, targets, vocab_size, lr, n_steps):
    """the bare counts of the pairs"""
    counts = np.zeros((vocab_size, vocab_size))
    np.add.at(counts, (idx, targets), 1.0)
    return counts


@bigram.mistake(hint="The table is (V, V), also where a letter below vocab_size never stands in the text.")
def only_letters_that_are_there(idx, targets, vocab_size, lr, n_steps):
    """a table that ends with the largest letter of the text"""
    return trained(idx, targets, int(max(idx.max(), targets.max())) + 1, lr, n_steps)


def other_steps(idx, targets, vocab_size, lr, n_steps, move, push=None):
    """Gradient descent whose moves are move(W, dW, step), and whose pushes are push(logits) in place of p − onehot."""
    W = np.zeros((vocab_size, vocab_size))
    for step in range(n_steps):
        d = push(W[idx]) if push else probabilities(W[idx]) - np.eye(vocab_size)[targets]
        dW = np.zeros_like(W)
        np.add.at(dW, idx, d / len(idx))
        W = move(W, dW, step)
    return W


@bigram.mistake(hint="dW is a new one in each step: begin it with zeros inside the loop.")
def gradients_pile_up(idx, targets, vocab_size, lr, n_steps):
    """gradients that pile up from step to step"""
    before = []

    def move(W, dW, step):
        before.append(dW)
        return W - lr * sum(before)

    return other_steps(idx, targets, vocab_size, lr, n_steps, move)


@bigram.mistake(hint="The mean is over the N pairs, not over the V letters.")
def divided_by_v(idx, targets, vocab_size, lr, n_steps):
    """a gradient that is divided by V in place of N"""
    return trained(idx, targets, vocab_size, lr * len(idx) / vocab_size, n_steps)


@bigram.mistake(hint="The mean divides by N once, not again where W moves.")
def divided_by_n_twice(idx, targets, vocab_size, lr, n_steps):
    """a gradient that is divided by N twice"""
    return trained(idx, targets, vocab_size, lr / len(idx), n_steps)


@bigram.mistake(hint="lr stays as it was given, from the first step to the last.")
def smaller_and_smaller(idx, targets, vocab_size, lr, n_steps):
    """steps that become a tenth smaller each time"""
    return other_steps(idx, targets, vocab_size, lr, n_steps, lambda W, dW, step: W - lr * 0.9**step * dW)


@bigram.mistake(hint="The gradient of the logits is p − onehot(targets). Where do the targets come in?")
def without_targets(idx, targets, vocab_size, lr, n_steps):
    """a gradient without the targets"""
    return other_steps(idx, targets, vocab_size, lr, n_steps, lambda W, dW, step: W - lr * dW, push=probabilities)


@bigram.mistake(hint="Plain gradient descent: W moves by −lr · dW, and remembers nothing of earlier steps.")
def with_momentum(idx, targets, vocab_size, lr, n_steps):
    """momentum: steps that keep nine tenths of the one before"""
    before = [0.0]

    def move(W, dW, step):
        before[0] = 0.9 * before[0] + dW
        return W - lr * before[0]

    return other_steps(idx, targets, vocab_size, lr, n_steps, move)


@bigram.mistake(hint="All pairs at once: each step uses the N of them, not one.")
def one_pair_a_step(idx, targets, vocab_size, lr, n_steps):
    """one pair for each step, not all of them"""
    W = np.zeros((vocab_size, vocab_size))
    for step in range(n_steps):
        i, target = idx[step % len(idx)], targets[step % len(idx)]
        d = probabilities(W[i][None])[0]
        d[target] -= 1
        W[i] -= lr * d
    return W


@bigram.mistake(hint="A pair that stands there twice counts twice.")
def each_pair_once(idx, targets, vocab_size, lr, n_steps):
    """each pair once, however often it stands there"""
    found = np.unique(np.stack([idx, targets], axis=1), axis=0)
    return trained(found[:, 0], found[:, 1], vocab_size, lr, n_steps)


@bigram.mistake(hint="Letters exclude each other: a softmax over the row, not a sigmoid for each.")
def sigmoids(idx, targets, vocab_size, lr, n_steps):
    """a sigmoid of each logit in place of a softmax"""
    return other_steps(idx, targets, vocab_size, lr, n_steps, lambda W, dW, step: W - lr * dW,
                       push=lambda z: 1 / (1 + np.exp(-z)) - np.eye(vocab_size)[targets])


@bigram.mistake(hint="Wanted is W after the steps, not the last gradient.")
def the_last_gradient(idx, targets, vocab_size, lr, n_steps):
    """the gradient of the last step, in place of W"""
    found = [np.zeros((vocab_size, vocab_size))]
    other_steps(idx, targets, vocab_size, lr, n_steps, lambda W, dW, step: (found.append(dW), W - lr * dW)[1])
    return found[-1]


@bigram.mistake(hint="A pair that stands there twice pulls twice. Count it as often as it comes.")
def targets_as_a_table_of_ones(idx, targets, vocab_size, lr, n_steps):
    """targets of which each pair counts once, beside a softmax for every pair"""
    W, wanted = np.zeros((vocab_size, vocab_size)), np.zeros((vocab_size, vocab_size))
    wanted[idx, targets] = 1
    for _ in range(n_steps):
        W = W - lr * (np.bincount(idx, minlength=vocab_size)[:, None] * probabilities(W, 1) - wanted) / len(idx)
    return W


@bigram.mistake(hint="A row that is read often moves more than one that is read once; a row that nobody reads does not move.")
def frequencies_row_by_row(idx, targets, vocab_size, lr, n_steps):
    """softmax less frequency in each row, however often the row is read"""
    W, counts = np.zeros((vocab_size, vocab_size)), np.zeros((vocab_size, vocab_size))
    np.add.at(counts, (idx, targets), 1)
    for _ in range(n_steps):
        W = W - lr * (probabilities(W, 1) - counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))
    return W


@bigram.forbid("course_lib.byhand.functional.embedding_backward")
def _(call, idx, targets, vocab_size, lr, n_steps):
    W = np.zeros((vocab_size, vocab_size))
    for _ in range(n_steps):
        d = probabilities(W[idx])
        d[np.arange(len(idx)), targets] -= 1
        W = W - lr * call(d / len(idx), idx, W)
    return W


@bigram.forbid("course_lib.byhand.functional.cross_entropy_backward")
def _(call, idx, targets, vocab_size, lr, n_steps):
    W = np.zeros((vocab_size, vocab_size))
    for _ in range(n_steps):
        np.add.at(W, idx, -lr * call(1.0, W[idx], targets))
    return W
