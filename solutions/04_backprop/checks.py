"""How the exercises of lesson 04 (backprop) are checked, and the wrong answers that people give to them."""

import numpy as np
import torch

from course_lib.byhand.autograd import Tensor
from course_lib.classroom.checking.exercise import Exercise
from course_lib.classroom.checking.open_question import OpenQuestion

# ---- 04.1 ----------------------------------------------------------------------------------------------------------

tanh = Exercise(
    "04.1", "bend", title="A bend and its slope", difficulty=1, minutes=10,
    hints=(
        "Which of the two exponentials overflows for a large positive z, and which for a large negative one?",
        "Divide numerator and denominator by the larger exponential. What is left has only exponents below zero.",
        "With e = exp(−2|z|), |tanh z| = (1 − e) / (1 + e), and tanh has the sign of z. The slope is 1 − y².",
    ),
)


@tanh.probe()
def five_numbers(ns, rng):
    """five numbers"""
    return ns["bend"](np.array([-2.0, -0.5, 0.0, 1.0, 3.0]), rng.normal(size=5))


@tanh.probe()
def huge_numbers(ns, rng):
    """numbers as large as a thousand"""
    return ns["bend"](np.array([[-1000.0, 0.3], [-0.3, 1000.0]]), rng.normal(size=(2, 2)))


@tanh.probe(hidden=True)
def any_numbers(ns, rng):
    """any numbers"""
    return ns["bend"](rng.normal(size=(3, 4)), rng.normal(size=(3, 4)))


@tanh.probe(hidden=True)
def huge_and_small(ns, rng):
    """huge numbers beside small ones"""
    z = np.concatenate([rng.normal(size=4), rng.uniform(800, 3000, 2), rng.uniform(-3000, -800, 2)])
    return ns["bend"](z, rng.normal(size=8))


@tanh.property(z=(0.1, 900.0))
def odd(ns, z):
    """tanh(−z) = −tanh(z)"""
    above, below = ns["bend"](np.array([z]), np.ones(1)), ns["bend"](np.array([-z]), np.ones(1))
    return np.asarray(below[0]), -np.asarray(above[0])


def plain_tanh(z):
    """What tanh is, for wrong answers whose mistake is elsewhere."""
    return 2 / (1 + np.exp(-2 * np.clip(z, -40, 40))) - 1


@tanh.mistake(hint="e to the 1000 is inf, and inf / inf is not a number. Which exponentials never overflow?")
def as_printed(z, dy):
    """the formula as it is printed, which overflows"""
    with np.errstate(all="ignore"):
        y = (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z))
    return y, dy * (1 - y * y)


@tanh.mistake(hint="For positive numbers it is safe now. And for z = −1000?")
def safe_on_one_side(z, dy):
    """a formula that is safe for large positive numbers only"""
    with np.errstate(all="ignore"):
        y = (1 - np.exp(-2 * z)) / (1 + np.exp(-2 * z))
    return y, dy * (1 - y * y)


@tanh.mistake(hint="y (1 − y) belongs to the sigmoid. Differentiate tanh.")
def the_slope_of_the_sigmoid(z, dy):
    """tanh with the slope of the sigmoid"""
    y = plain_tanh(z)
    return y, dy * y * (1 - y)


@tanh.mistake(hint="1 − y² is how y moves with z. How does the loss move with z? Along a path, derivatives multiply.")
def without_dy(z, dy):
    """the slope alone: dy was not multiplied"""
    y = plain_tanh(z)
    return y, 1 - y * y


@tanh.mistake(hint="The slope is 1 − tanh(z)². Square y, the number after the bend.")
def the_slope_at_z(z, dy):
    """a slope computed from z in place of y"""
    return plain_tanh(z), dy * (1 - z * z)


@tanh.mistake(hint="The sigmoid goes from 0 to 1, tanh from −1 to 1: stretch by two and shift by one.")
def a_sigmoid(z, dy):
    """the sigmoid of 2z"""
    y = (plain_tanh(z) + 1) / 2
    return y, dy * 2 * y * (1 - y)


@tanh.forbid("numpy.tanh")
def _(call, z, dy):
    y = call(z)
    return y, dy * (1 - y * y)


@tanh.forbid("course_lib.byhand.functional.tanh")
def _(call, z, dy):
    y = call(z)
    return y, dy * (1 - y * y)


# ---- 04.2 ----------------------------------------------------------------------------------------------------------

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


@logits.probe(hidden=True)
def any_batch(ns, rng):
    """any batch"""
    return ns["logits_gradient"](*some_logits(rng))


@logits.probe(hidden=True)
def any_large_batch(ns, rng):
    """any batch with large logits"""
    return ns["logits_gradient"](*some_logits(rng, size=600.0))


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


@logits.forbid("course_lib.byhand.functional.cross_entropy_backward")
def _(call, logits, targets):
    return call(1.0, logits, targets)


@logits.forbid("torch.nn.functional.cross_entropy")
def _(call, logits, targets):
    leaf = torch.tensor(logits, requires_grad=True)
    call(leaf, torch.tensor(targets)).backward()
    return leaf.grad.numpy()


# ---- 04.3 ----------------------------------------------------------------------------------------------------------

article = Exercise(
    "04.3", "gradients_repaired", title="Find the bugs", difficulty=3, minutes=15,
    hints=(
        "Write the shape of every gradient beside its parameter's. Then nudge a2 upwards in thought: does the loss fall or rise?",
        "After a ReLU nothing is below zero: which number should be asked? And a weight of the last layer reaches the loss "
        "through which bend?",
        "Make dz2 = (a2 − y) · a2 · (1 − a2) once; dz1 is dz2 times W2 transposed, where z1 > 0. Weights: input transposed "
        "times dz. Biases: dz, summed over the examples.",
    ),
)


def some_net(rng, B=5, C=4, n_hidden=6, K=2):
    p = {"W1": rng.normal(size=(C, n_hidden)), "b1": rng.normal(size=n_hidden),
         "W2": rng.normal(size=(n_hidden, K)), "b2": rng.normal(size=K)}
    return p, rng.normal(size=(B, C)), rng.random((B, K))


@article.probe(axes="as the parameter")
def five_examples(ns, rng):
    """five examples"""
    return ns["gradients_repaired"](*some_net(rng))


@article.probe(axes="as the parameter")
def one_example(ns, rng):
    """a single example"""
    return ns["gradients_repaired"](*some_net(rng, B=1))


@article.probe(hidden=True, points=2)
def another_net(ns, rng):
    """a net of another size"""
    return ns["gradients_repaired"](*some_net(rng, B=int(rng.integers(4, 8)), n_hidden=int(rng.integers(5, 9)), K=3))


@article.property(B=(1, 4))
def examples_add_up(ns, B):
    """the gradient of a batch is the sum over its examples"""
    p, x, y = some_net(np.random.default_rng(B), B=B + 1)
    whole = ns["gradients_repaired"](p, x, y)["W2"]
    parts = [ns["gradients_repaired"](p, x[n:n + 1], y[n:n + 1])["W2"] for n in range(B + 1)]
    return whole, sum(parts)


def with_faults(p, x, y, *, sign=1, slope=True, relu="z", bias=lambda dz: dz.sum(axis=0), scale=1.0):
    """The right gradients with some things made wrong."""
    z1 = x @ p["W1"] + p["b1"]
    a1 = np.maximum(z1, 0)
    a2 = 1 / (1 + np.exp(-(a1 @ p["W2"] + p["b2"])))
    da2 = sign * (a2 - y) * scale
    dz2 = da2 * a2 * (1 - a2)
    bends = {"z": z1 > 0, "a": a1 >= 0, "sigmoid": a1 * (1 - a1)}
    dz1 = (dz2 @ p["W2"].T) * bends[relu]
    last = dz2 if slope else da2
    return {"W1": x.T @ dz1, "b1": bias(dz1), "W2": a1.T @ last, "b2": bias(last)}


@article.mistake(hint="Nudge a2 up where it is already too large: the loss must rise. Does this say so?")
def the_sign_stayed(p, x, y):
    """everything repaired but the sign: it climbs"""
    return with_faults(p, x, y, sign=-1)


@article.mistake(hint="a1 comes out of a ReLU and is never negative. Which number decided whether it was let through?")
def relu_asks_a(p, x, y):
    """everything repaired but the ReLU, which still asks the number after it"""
    return with_faults(p, x, y, relu="a")


@article.mistake(hint="A weight of the last layer reaches the loss through the sigmoid. Where is its slope?")
def no_slope_at_the_output(p, x, y):
    """everything repaired but the last layer's slope: that is the gradient of the cross-entropy"""
    return with_faults(p, x, y, slope=False)


@article.mistake(hint="A bias is copied to every example. What was copied on the way forwards is summed on the way back.")
def biases_not_summed(p, x, y):
    """everything repaired but the biases, which have one gradient for each example"""
    return with_faults(p, x, y, bias=lambda dz: dz[0] if len(dz) == 1 else dz)


@article.mistake(hint="This loss is a sum over the examples. Nothing is divided by their number.")
def of_the_mean(p, x, y):
    """the gradients of the mean over the examples, not of their sum"""
    return with_faults(p, x, y, scale=1 / len(x))


@article.mistake(hint="Half the square: its derivative is the difference itself, without a two.")
def twice_too_large(p, x, y):
    """twice the gradients: the ½ of the loss was lost"""
    return with_faults(p, x, y, scale=2.0)


@article.mistake(hint="The hidden layer is bent by a ReLU. a (1 − a) is the sigmoid's slope.")
def sigmoid_slope_in_the_hidden_layer(p, x, y):
    """the slope of a sigmoid for the layer with the ReLU"""
    return with_faults(p, x, y, relu="sigmoid")


@article.mistake(hint="This is the article's own code. Repair it line by line: sign, ReLU, slope, sum.")
def nothing_repaired(p, x, y):
    """the article's code as it stands"""
    return with_faults(p, x, y, sign=-1, relu="a", slope=False, bias=lambda dz: dz)


@article.forbid("torch.autograd.grad")
def _(call, p, x, y):
    leaves = {name: torch.tensor(value, requires_grad=True) for name, value in p.items()}
    a1 = torch.relu(torch.tensor(x) @ leaves["W1"] + leaves["b1"])
    a2 = torch.sigmoid(a1 @ leaves["W2"] + leaves["b2"])
    grads = call(((a2 - torch.tensor(y)) ** 2).sum() / 2, list(leaves.values()))
    return {name: grad.numpy() for name, grad in zip(leaves, grads, strict=True)}


@article.forbid("course_lib.byhand.autograd.Tensor.backward")
def _(call, p, x, y):
    leaves = {name: Tensor(value) for name, value in p.items()}
    a2 = (((x @ leaves["W1"] + leaves["b1"]).relu()) @ leaves["W2"] + leaves["b2"]).sigmoid()
    call(((a2 - y) ** 2).sum() * 0.5)
    return {name: leaf.grad for name, leaf in leaves.items()}


# ---- 04.4 ----------------------------------------------------------------------------------------------------------

walk = Exercise(
    "04.4", "gradients_of", title="The walk back", difficulty=3, minutes=20, seconds=2.0,
    hints=(
        "Treat the root first. Which node may come next: one of whose users has not been treated yet, or one with all done?",
        "Make a list in which each node stands after its parents (visit the parents, then append the node; each node once). "
        "Then walk through it from its end.",
        "Keep a number for each node, 0.0, and 1.0 for the root. For each node from the end, for each pair of parent and local: "
        "add local · (the node's number) to the parent's.",
    ),
)


class Number:
    """What the exercise's Node is."""

    def __init__(self, data, parents=(), local=()):
        self.data, self.parents, self.local, self.grad = data, parents, local, 0.0

    def __add__(self, other):
        return Number(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        return Number(self.data * other.data, (self, other), (other.data, self.data))


def answers(ns, root, *leaves):
    return [float(grad) for grad in ns["gradients_of"](root, list(leaves))]


@walk.probe()
def used_twice(ns, rng):
    """x · x + x at 3"""
    x = Number(3.0)
    return answers(ns, x * x + x, x)


@walk.probe()
def paths_of_different_length(ns, rng):
    """numbers that reach the root by short and by long paths"""
    a, b, c = Number(2.0), Number(-3.0), Number(0.5)
    u = a * b + c
    v = u * a
    return answers(ns, u + v * u, a, b, c)


@walk.probe()
def fifty_doublings(ns, rng):
    """a number added to itself, fifty times over: 2⁵⁰ paths, fifty nodes"""
    x = y = Number(1.0)
    for _ in range(50):
        y = y + y
    return answers(ns, y, x)


@walk.probe(hidden=True)
def any_numbers_in_it(ns, rng):
    """x · x + x at any number, and a leaf that is not used"""
    x = Number(float(rng.uniform(1.5, 4)))
    return answers(ns, x * x + x, x, Number(1.0))


@walk.probe(hidden=True, points=2)
def any_graph(ns, rng):
    """any graph"""
    a, b, c = nodes = [Number(float(value)) for value in rng.uniform(0.5, 2, 3)]
    u = a * b + c
    for k in range(int(rng.integers(2, 5))):
        u = u + u * nodes[k % 3]
    return answers(ns, a + u * u, a, b, c)


@walk.property(n=(1, 12))
def counting_edges(ns, n):
    """x + x + … + x moves n + 1 times as much as x"""
    x = Number(1.0)
    y = x
    for _ in range(n):
        y = y + x
    return answers(ns, y, x)[0], n + 1.0


def parents_first(root):
    order, stack, seen = [], [(root, False)], set()
    while stack:
        node, done = stack.pop()
        if done:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack += [(node, True), *((parent, False) for parent in reversed(node.parents))]
    return order


def walked(root, leaves, *, order=None, edge=None, start=1.0):
    """The walk back, with one thing wrong at a time."""
    root.grad = start
    for node in order or reversed(parents_first(root)):
        for parent, local in zip(node.parents, node.local, strict=True):
            edge(parent, local, node) if edge else add_up(parent, local, node)
    return [leaf.grad for leaf in leaves]


def add_up(parent, local, node):
    parent.grad += local * node.grad


@walk.mistake(hint="Where paths meet, add. An = in place of += keeps the last path only.")
def the_last_edge_wins(root, leaves):
    """a walk in which the last edge overwrites the others"""
    return walked(root, leaves, edge=lambda parent, local, node: setattr(parent, "grad", local * node.grad))


@walk.mistake(hint="x · x has two edges to x. A dict or a set of parents keeps one of them.")
def one_edge_for_each_parent(root, leaves):
    """a walk that follows only one edge to a parent that is used twice by one operation"""
    root.grad = 1.0
    for node in reversed(parents_first(root)):
        for parent, local in dict(zip(node.parents, node.local, strict=True)).items():
            parent.grad += local * node.grad
    return [leaf.grad for leaf in leaves]


@walk.mistake(hint="A node must have heard from all that use it before it passes on. Depth first from the root is not enough.")
def passes_on_too_early(root, leaves):
    """a walk in which a node passes its gradient on before it is complete"""
    order, seen, stack = [], set(), [root]
    while stack:
        node = stack.pop()
        if id(node) not in seen:
            seen.add(id(node))
            order.append(node)
            stack += reversed(node.parents)
    return walked(root, leaves, order=order)


@walk.mistake(hint="On the way back the root comes first. This walks forwards, when nothing is known yet.")
def walks_forwards(root, leaves):
    """a walk from the leaves to the root"""
    return walked(root, leaves, order=parents_first(root))


@walk.mistake(hint="How does the root move with itself? By 1, and with 0 all products are 0.")
def begins_with_zero(root, leaves):
    """a walk that begins with zero at the root"""
    return walked(root, leaves, start=0.0)


@walk.mistake(hint="Along a path, multiply: the local derivative times what has arrived at the node.")
def local_derivatives_only(root, leaves):
    """the sum of the local derivatives, not multiplied along the path"""
    return walked(root, leaves, edge=lambda parent, local, node: setattr(parent, "grad", parent.grad + local))


@walk.mistake(hint="Along a path derivatives multiply; this adds them.")
def adds_along_the_path(root, leaves):
    """derivatives added along the path"""
    return walked(root, leaves,
                  edge=lambda parent, local, node: setattr(parent, "grad", parent.grad + local + node.grad))


@walk.forbid("course_lib.byhand.autograd.Tensor.backward")
def _(call, root, leaves):
    made = {}
    for node in parents_first(root):
        made[id(node)] = Tensor(node.data, [made[id(parent)] for parent in node.parents],
                                lambda dy, node=node: [local * dy for local in node.local])
    call(made[id(root)])
    return [float(made[id(leaf)].grad) if id(leaf) in made else 0.0 for leaf in leaves]


# ---- 04.5 ----------------------------------------------------------------------------------------------------------

norm = Exercise(
    "04.5", "norm_backward", title="Layer norm, backwards", difficulty=4, minutes=20,
    hints=(
        "First the easy two: the gain is multiplied by ẑ and copied to every row, the shift is added and copied to every row.",
        "What arrives at ẑ is dn · gain. Take away its mean over the row (a shift of the row changes nothing), and its part along ẑ "
        "(a stretch changes nothing).",
        "dz = (dẑ − mean(dẑ) − ẑ · mean(dẑ · ẑ)) / s, means over the last axis; dgain sums dn · ẑ and dshift sums dn, over the rows.",
    ),
)


def some_rows(rng, B=3, n=5):
    return rng.normal(size=(B, n)), 2 + 3 * rng.normal(size=(B, n)), 1 + 0.5 * rng.normal(size=n)


@norm.probe(axes="dz as z; dgain and dshift as gain")
def three_rows(ns, rng):
    """three rows of five"""
    return ns["norm_backward"](*some_rows(rng))


@norm.probe(axes="dz as z; dgain and dshift as gain")
def square(ns, rng):
    """as many rows as columns, where a wrong axis does not crash"""
    return ns["norm_backward"](*some_rows(rng, 4, 4))


@norm.probe(hidden=True, points=2)
def any_rows(ns, rng):
    """any rows"""
    return ns["norm_backward"](*some_rows(rng, int(rng.integers(3, 6)), int(rng.integers(6, 9))))


@norm.property(B=(1, 4), n=(3, 7))
def a_shift_of_the_row_changes_nothing(ns, B, n):
    """each row of dz sums to zero"""
    dz, _, _ = ns["norm_backward"](*some_rows(np.random.default_rng(B + 10 * n), B, n))
    return np.asarray(dz).sum(axis=1) + 1.0, np.ones(B)


def normed(dn, z, gain, eps=1e-5, *, axis=1, ddof=0, mean=1.0, stretch=1.0, use_gain=True, scale=True, total=True):
    """The right gradients with some things made wrong."""
    s = np.sqrt(z.var(axis=axis, keepdims=True, ddof=ddof) + eps)
    z_hat = (z - z.mean(axis=axis, keepdims=True)) / s
    d = dn * gain if use_gain else dn
    dz = d - mean * d.mean(axis=axis, keepdims=True) - stretch * z_hat * (d * z_hat).mean(axis=axis, keepdims=True)
    dgain = dn * z_hat
    return dz / s if scale else dz, dgain.sum(axis=0) if total else dgain, dn.sum(axis=0) if total else dn


@norm.mistake(hint="Mean and spread move when z moves. Two terms are missing: one for each.")
def mean_and_spread_as_constants(dn, z, gain, eps=1e-5):
    """a gradient that takes mean and spread for constants"""
    return normed(dn, z, gain, eps, mean=0.0, stretch=0.0)


@norm.mistake(hint="The spread moves with z, too: take away the part of dẑ along ẑ.")
def spread_as_a_constant(dn, z, gain, eps=1e-5):
    """a gradient that takes the spread for a constant"""
    return normed(dn, z, gain, eps, stretch=0.0)


@norm.mistake(hint="The mean moves with z, too. What must each row of dz sum to?")
def mean_as_a_constant(dn, z, gain, eps=1e-5):
    """a gradient that takes the mean for a constant"""
    return normed(dn, z, gain, eps, mean=0.0)


@norm.mistake(hint="What arrives at ẑ has passed the gain.")
def gain_forgotten(dn, z, gain, eps=1e-5):
    """a gradient that has not passed the gain"""
    return normed(dn, z, gain, eps, use_gain=False)


@norm.mistake(hint="Everything in dz is divided by s: a row that is spread widely is moved little by a nudge.")
def not_divided_by_s(dn, z, gain, eps=1e-5):
    """a gradient that is not divided by the spread"""
    return normed(dn, z, gain, eps, scale=False)


@norm.mistake(hint="Layer norm treats each row by itself: the axis of the F numbers, not that of the examples.")
def over_the_batch(dn, z, gain, eps=1e-5):
    """means over the examples: that is batch norm"""
    return normed(dn, z, gain, eps, axis=0)


@norm.mistake(hint="The variance divides by F, not by F − 1.")
def variance_by_f_minus_one(dn, z, gain, eps=1e-5):
    """a variance that divides by F − 1"""
    return normed(dn, z, gain, eps, ddof=1)


@norm.mistake(hint="One gain serves all rows: it was copied forwards, so sum on the way back. The same for the shift.")
def gains_not_summed(dn, z, gain, eps=1e-5):
    """gradients of gain and shift that are not summed over the examples"""
    return normed(dn, z, gain, eps, total=False)


@norm.forbid("course_lib.byhand.functional.layer_norm_backward")
def _(call, dn, z, gain, eps=1e-5):
    return call(dn, z, gain, eps)


@norm.forbid("torch.nn.functional.layer_norm")
def _(call, dn, z, gain, eps=1e-5):
    leaves = [torch.tensor(z, requires_grad=True), torch.tensor(gain, requires_grad=True),
              torch.zeros(len(gain), dtype=torch.float64, requires_grad=True)]
    (call(leaves[0], gain.shape, *leaves[1:], eps) * torch.tensor(dn)).sum().backward()
    return tuple(leaf.grad.numpy() for leaf in leaves)


# ---- 04.6 ----------------------------------------------------------------------------------------------------------

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
    """fifteen countries, twenty steps"""
    return ns["train_bigram"](*pairs(NAMES), 27, 5.0, 20)


@bigram.probe(hidden=True, points=2)
def other_countries(ns, rng):
    """some of the countries, any number of steps"""
    chosen = [NAMES[i] for i in rng.permutation(len(NAMES))[:9]]
    return ns["train_bigram"](*pairs(chosen), 27, float(rng.uniform(2, 6)), int(rng.integers(6, 15)))


@bigram.property(n_steps=(1, 4), lr=(0.5, 3.0))
def rows_keep_their_sum(ns, n_steps, lr):
    """each row of W sums to zero, as at the beginning"""
    W = ns["train_bigram"](*pairs(NAMES[:3]), 27, lr, n_steps)
    return np.asarray(W).sum(axis=1) + 1.0, np.ones(27)


def trained(idx, targets, vocab_size, lr, n_steps, *, sign=-1, mean=True, only_targets=False, step=None):
    """Gradient descent with one thing wrong at a time."""
    W = np.zeros((vocab_size, vocab_size))
    for _ in range(n_steps):
        d = probabilities(W[idx])
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


# ---- 04.7 ----------------------------------------------------------------------------------------------------------

learned = OpenQuestion(
    "04.7", title="The wrong gradient that learned", difficulty=2, minutes=10,
    rubric=(
        (1, "names the factor that is missing, and where in the code it is missing"),
        (1, "says why the steps still go downhill, or nearly so"),
        (1, "says why it is faster: how the squared error behaves where an answer is badly wrong"),
        (1, "recognises which other loss the last layer follows, and that the first layer follows a different one"),
        (1, "decides what to change, and says how one would know that it is right afterwards"),
    ),
)
