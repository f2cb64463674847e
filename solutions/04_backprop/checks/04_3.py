"""Exercise 04.3: find the bugs in the gradients of a network of two layers."""

import numpy as np
import torch

from course_lib.byhand.autograd import Tensor
from course_lib.classroom.checking.exercise import Exercise

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
    p = {"W1": 2 * rng.normal(size=(C, n_hidden)), "b1": rng.normal(size=n_hidden),
         "W2": rng.normal(size=(n_hidden, K)), "b2": rng.normal(size=K)}
    return p, rng.random((B, C)), rng.random((B, K))  # with shares in x no z1 is 0, where a ReLU has two slopes


@article.probe(axes="as the parameter")
def five_examples(ns, rng):
    """five examples"""
    return ns["gradients_repaired"](*some_net(rng))


@article.probe(axes="as the parameter")
def one_example(ns, rng):
    """a single example"""
    return ns["gradients_repaired"](*some_net(rng, B=1))


@article.probe(axes="as the parameter")
def square(ns, rng):
    """three of everything, where a wrong axis does not crash"""
    return ns["gradients_repaired"](*some_net(rng, B=3, C=3, n_hidden=3, K=3))


@article.probe(axes="as the parameter")
def one_of_each(ns, rng):
    """one hidden unit and one output"""
    p, x, y = some_net(rng, B=4, n_hidden=1, K=1)
    return ns["gradients_repaired"](p | {"b1": np.array([2.0])}, x, y)


@article.probe(axes="as the parameter")
def exactly_zero(ns, rng):
    """an example of zeros, and biases of 0: every ReLU gets exactly 0"""
    p, x, y = some_net(rng, B=3)
    return ns["gradients_repaired"](p | {"b1": 0 * p["b1"]}, x * np.array([[1.0], [0.0], [1.0]]), y)


@article.probe(hidden=True)
def zeros_among_others(ns, rng):
    """examples of zeros among others, and biases of 0"""
    p, x, y = some_net(rng, B=5, n_hidden=int(rng.integers(5, 9)))
    return ns["gradients_repaired"](p | {"b1": 0 * p["b1"]}, x * np.array([[1.0], [0.0], [1.0], [0.0], [1.0]]), y)


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


def with_faults(p, x, y, *, sign=1, slope=True, relu="z", back=True, bias=lambda dz: dz.sum(axis=0), scale=1.0):
    """The right gradients with some things made wrong."""
    z1 = x @ p["W1"] + p["b1"]
    a1 = np.maximum(z1, 0)
    a2 = 1 / (1 + np.exp(-(a1 @ p["W2"] + p["b2"])))
    da2 = sign * (a2 - y) * scale
    dz2 = da2 * a2 * (1 - a2)
    da1 = (dz2 * a2 * (1 - a2) if back == "twice" else dz2 if back else da2) @ p["W2"].T
    bends = {"z": z1 > 0, "at zero": z1 >= 0, "no bias": x @ p["W1"] > 0, "a": a1 >= 0, "sigmoid": a1 * (1 - a1),
             "times a": a1, "below": z1 < 0, "da": da1 > 0, "leaky": np.where(z1 > 0, 1.0, 0.01)}
    dz1 = da1 * bends[relu]
    last = dz2 if slope else da2
    return {"W1": x.T @ dz1, "b1": bias(dz1), "W2": a1.T @ last, "b2": bias(last)}


@article.mistake(hint="Nudge a2 up where it is already too large: the loss must rise. Does this say so?")
def the_sign_stayed(p, x, y):
    """everything repaired but the sign: it climbs"""
    return with_faults(p, x, y, sign=-1)


@article.mistake(hint="a1 comes out of a ReLU and is never negative. Which number decided whether it was let through?")
def relu_asks_a(p, x, y):
    """everything repaired but the ReLU: on the way back it lets everything through"""
    return with_faults(p, x, y, relu="a")


@article.mistake(hint="A weight of the last layer reaches the loss through the sigmoid. Where is its slope?")
def no_slope_at_the_output(p, x, y):
    """everything repaired but the last layer's slope: that is the gradient of the cross-entropy"""
    return with_faults(p, x, y, slope=False)


@article.mistake(hint="A bias is copied to every example. What was copied on the way forwards is summed on the way back.")
def biases_not_summed(p, x, y):
    """everything repaired but the biases, which have one gradient for each example"""
    return with_faults(p, x, y, bias=lambda dz: dz)


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


@article.mistake(hint="The nudge passes the output's sigmoid on its way to both layers: its slope is missing in both.")
def no_slope_anywhere(p, x, y):
    """the slope of the output's sigmoid missing everywhere"""
    return with_faults(p, x, y, slope=False, back=False)


@article.mistake(hint="A ReLU lets through or not: its slope is 1 or 0, and does not depend on how large the number is.")
def times_the_number_itself(p, x, y):
    """what the ReLU gave in place of its slope"""
    return with_faults(p, x, y, relu="times a")


@article.mistake(hint="The loss is a sum over the examples, so a bias gets the sum of what they say, not the mean.")
def biases_of_the_mean(p, x, y):
    """the mean over the examples for the biases, the sum for the weights"""
    return with_faults(p, x, y, bias=lambda dz: dz.mean(axis=0))


@article.mistake(hint="Each unit has its own bias: sum over the examples only, axis=0.")
def biases_in_one_number(p, x, y):
    """one number for all biases of a layer"""
    return with_faults(p, x, y, bias=lambda dz: dz.sum())


@article.mistake(hint="keepdims leaves an axis that the bias has not: (F,), not (1, F).")
def biases_with_an_axis_more(p, x, y):
    """gradients of the biases with one axis too many"""
    return with_faults(p, x, y, bias=lambda dz: dz.sum(axis=0, keepdims=True))


@article.mistake(hint="The examples lie down: a bias sums over axis 0. Yours sums over the units.")
def biases_over_the_units(p, x, y):
    """biases summed over the units, one number for each example"""
    return with_faults(p, x, y, bias=lambda dz: dz.sum(axis=1))


@article.mistake(hint="dz2 has the slope of the sigmoid already. On its way to the first layer it passes no second sigmoid.")
def the_slope_twice(p, x, y):
    """everything right but the first layer, which got the slope of the sigmoid twice"""
    return with_faults(p, x, y, back="twice")


@article.mistake(hint="The ReLU lets through what is above 0. Yours stops just that.")
def relu_the_other_way(p, x, y):
    """a ReLU that lets through, on the way back, what is below 0"""
    return with_faults(p, x, y, relu="below")


@article.mistake(hint="A ReLU lets nothing through below 0, not a hundredth either: that is a leaky one.")
def a_leaky_relu(p, x, y):
    """a ReLU that lets a hundredth through below 0"""
    return with_faults(p, x, y, relu="leaky")


@article.mistake(hint="What decides is the number that went into the ReLU, not the gradient that comes back.")
def relu_asks_the_gradient(p, x, y):
    """a ReLU that asks, on the way back, whether the gradient is above 0"""
    return with_faults(p, x, y, relu="da")


def another_slope(p, x, y, slope):
    """The right gradients, with another slope for the sigmoid."""
    z1 = x @ p["W1"] + p["b1"]
    a1 = np.maximum(z1, 0)
    a2 = 1 / (1 + np.exp(-(a1 @ p["W2"] + p["b2"])))
    dz2 = (a2 - y) * slope(a2)
    dz1 = (dz2 @ p["W2"].T) * (z1 > 0)
    return {"W1": x.T @ dz1, "b1": dz1.sum(axis=0), "W2": a1.T @ dz2, "b2": dz2.sum(axis=0)}


@article.mistake(hint="The slope of the sigmoid is a2 (1 − a2). Half of it is missing.")
def half_of_the_slope(p, x, y):
    """the slope of the sigmoid without its 1 − a2"""
    return another_slope(p, x, y, lambda a2: a2)


@article.mistake(hint="1 − a² belongs to tanh. The last bend is a sigmoid: a2 (1 − a2).")
def slope_of_tanh(p, x, y):
    """the slope of tanh for the sigmoid"""
    return another_slope(p, x, y, lambda a2: 1 - a2 * a2)


@article.mistake(hint="The slope is asked for at a2, after the bend: a2 (1 − a2), not z2 (1 − z2).")
def slope_before_the_bend(p, x, y):
    """the slope of the sigmoid computed from z2 in place of a2"""
    return another_slope(p, x, y, lambda a2: np.log(a2 / (1 - a2)) * (1 - np.log(a2 / (1 - a2))))


@article.mistake(hint="The bias is added before the ReLU: what reaches it has passed the ReLU, as for W1.")
def b1_without_the_relu(p, x, y):
    """everything right but b1, which did not pass the ReLU"""
    return with_faults(p, x, y) | {"b1": with_faults(p, x, y, relu="a")["b1"]}


@article.mistake(hint="W1 lies before the ReLU: what reaches it has passed the ReLU, as for b1.")
def w1_without_the_relu(p, x, y):
    """everything right but W1, which did not pass the ReLU"""
    return with_faults(p, x, y) | {"W1": with_faults(p, x, y, relu="a")["W1"]}


@article.mistake(hint="W2 is multiplied by a1, what came out of the ReLU, not by z1.")
def w2_from_z1(p, x, y):
    """everything right but W2, which was made with z1 in place of a1"""
    z1 = x @ p["W1"] + p["b1"]
    a1 = np.maximum(z1, 0)
    a2 = 1 / (1 + np.exp(-(a1 @ p["W2"] + p["b2"])))
    return with_faults(p, x, y) | {"W2": z1.T @ ((a2 - y) * a2 * (1 - a2))}


@article.mistake(hint="On its way to the first layer, the gradient passes the sigmoid as well: dz2 goes back, not da2.")
def no_slope_on_the_way_back(p, x, y):
    """everything right but the first layer, which did not get the slope of the sigmoid"""
    return with_faults(p, x, y, back=False)


@article.mistake(hint="What goes into the ReLU is x W1 + b1. Whether it is above 0 depends on the bias.")
def relu_without_the_bias(p, x, y):
    """everything right but the ReLU's slope, which asks x W1 without its bias"""
    return with_faults(p, x, y, relu="no bias")


@article.mistake(hint="The slope of the output's sigmoid belongs into b2 as well as into W2.")
def slope_missing_in_b2(p, x, y):
    """everything right but b2, where the slope of the sigmoid is missing"""
    return with_faults(p, x, y) | {"b2": with_faults(p, x, y, slope=False)["b2"]}


@article.mistake(hint="Where a ReLU gets exactly 0, its slope is to be 0: let through what is above 0, not what is at 0.")
def open_at_zero(p, x, y):
    """everything right but the ReLU's slope at exactly 0, which should be 0"""
    return with_faults(p, x, y, relu="at zero")


@article.forbid("torch.autograd.grad")
def _(call, p, x, y):
    leaves = {name: torch.tensor(value, requires_grad=True) for name, value in p.items()}
    a1 = torch.relu(torch.tensor(x) @ leaves["W1"] + leaves["b1"])
    a2 = torch.sigmoid(a1 @ leaves["W2"] + leaves["b2"])
    grads = call(((a2 - torch.tensor(y)) ** 2).sum() / 2, list(leaves.values()))
    return {name: grad.numpy() for name, grad in zip(leaves, grads, strict=True)}


@article.forbid("torch.autograd.backward")
def _(call, p, x, y):
    leaves = {name: torch.tensor(value, requires_grad=True) for name, value in p.items()}
    a1 = torch.relu(torch.tensor(x) @ leaves["W1"] + leaves["b1"])
    a2 = torch.sigmoid(a1 @ leaves["W2"] + leaves["b2"])
    call(((a2 - torch.tensor(y)) ** 2).sum() / 2)
    return {name: leaf.grad.numpy() for name, leaf in leaves.items()}


@article.forbid("course_lib.byhand.autograd.Tensor.backward")
def _(call, p, x, y):
    leaves = {name: Tensor(value) for name, value in p.items()}
    a2 = (((x @ leaves["W1"] + leaves["b1"]).relu()) @ leaves["W2"] + leaves["b2"]).sigmoid()
    call(((a2 - y) ** 2).sum() * 0.5)
    return {name: leaf.grad for name, leaf in leaves.items()}
