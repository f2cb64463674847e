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
# # 04 · Backprop: which of a million numbers is to blame?
#
# **About 60 minutes** to read and run (half a minute of computing), an hour and three quarters for the
# [exercises](../exercises/04_backprop/04_backprop.ipynb).
#
# **You need** Python with numpy, matrix products, and derivatives of functions of one number. Lesson 02 (n-grams) helps at the end.
#
# **You will read** `course_lib/byhand/functional.py`, `mlp.py`, `gradcheck.py`, `autograd.py` and `optim.py`.
#
# **Afterwards you can** derive the gradient of every part of a network, down to the layer norm; tell a wrong gradient from a
# right one *before* you train with it; write an autograd of your own; and train a small language model with nothing but numpy.

# %% tags=["setup"]
import inspect
import math

import matplotlib.pyplot as plt
import numpy as np

from course_lib.lab import plots
from course_lib.lab.expect import expect
from course_lib.lab.progress import progress
from course_lib.lab.results import record_result
from course_lib.lab.widgets import GraphStepper, explore

np.set_printoptions(precision=3, suppress=True)

# %% [markdown]
# ## 1 · Nine numbers
#
# Here is the smallest problem that one neuron cannot solve: *one or the other, but not both*, called XOR. Four points, two
# classes, and no straight line parts them.

# %%
x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])     # (4, 2)
t = np.array([0.0, 1.0, 1.0, 0.0])                                 # (4,)  the targets

# %% [markdown]
# Three neurons can. Two of them look at the point; each draws one line and says on which side the point lies, softly, by
# $\tanh$. The third looks at the two, and says how probable class 1 is, by the sigmoid $\sigma(z) = 1/(1+e^{-z})$:
#
# $$h = \tanh(x W_1 + b_1), \qquad p = \sigma(h W_2 + b_2)$$
#
# That makes nine numbers: two weights and a bias for each neuron. How wrong they are is one more number, the **loss**: the mean of
# $-\log$ (the probability that was given to the true class), in nats.
#
# > **Try it.** Move the sliders until all four points are on the right side and the loss is below 0.1. Give yourself two minutes.

# %%
def probability(points, W1, b1, W2, b2):
    return 1 / (1 + np.exp(-(np.tanh(points @ W1 + b1) @ W2 + b2)))


def nine_numbers(w11=2.0, w21=-1.0, b1=-0.5, w12=1.0, w22=2.0, b2=-1.5, v1=1.0, v2=-1.0, c=0.0):
    W1, bias, W2 = np.array([[w11, w12], [w21, w22]]), np.array([b1, b2]), np.array([v1, v2])
    p = probability(x, W1, bias, W2, c)
    loss = -np.log(np.where(t == 1, p, 1 - p)).mean()
    return plots.decision_surface(
        lambda points: probability(points, W1, bias, W2, c), x, t, title=f"loss {loss:.3f} nats",
        caption="Colour: how probable class 1 is at each place. The line: one half.",
        alt="The four points of XOR; the colour says what the nine numbers answer at each place.")


sliders = dict.fromkeys(("w11", "w21", "b1", "w12", "w22", "b2", "v1", "v2", "c"), (-6.0, 6.0, 0.5))
explore(nine_numbers, label="Nine weights of a network for XOR", **sliders)

# %% [markdown]
# It can be done, and it is no fun. You moved one slider at a time and looked whether the loss fell. A small GPT has
# a million sliders. So the question of this lesson is: **for each number, would the loss rise or fall if it grew a little, and how
# fast?** That is a derivative. All of them together are the **gradient**, and backpropagation finds all of
# them in one walk through the network, from the loss back to its inputs.
#
# *A way of writing.* The derivative of the loss by a quantity $x$ comes up so often that it gets a short name: $dx$ stands for
# $\partial\,\text{loss} / \partial x$, in formulas and in code. It has the shape of $x$: one number for each number.
#
# ## 2 · One neuron
#
# Two inputs, two weights, a bias, a sigmoid; the right answer is 1.

# %%
inputs, w, b = np.array([2.0, -1.0]), np.array([0.5, 1.0]), 0.25


def loss_of(w, b):
    z = inputs @ w + b
    a = 1 / (1 + np.exp(-z))
    return -np.log(a)


print(f"loss {loss_of(w, b):.4f} nats")

# %% [markdown]
# > **Predict.** Which weight matters more here, the first or the second? And which of the two should grow?
#
# The crudest way to find out: nudge a number a little, and look at the loss.

# %%
h = 0.001
base = loss_of(w, b)
print(f"first weight   {(loss_of(w + [h, 0], b) - base) / h:+.3f}")
print(f"second weight  {(loss_of(w + [0, h], b) - base) / h:+.3f}")
print(f"bias           {(loss_of(w, b + h) - base) / h:+.3f}")

# %% [markdown]
# The first weight matters twice as much, because its input is twice as large; and it must grow (its derivative is negative: more
# weight, less loss), while the second must shrink, because its input is negative.
#
# Nudging needs the whole forward pass once more for each number. With a million numbers, that is a million passes for one step.
# The chain rule is cheaper. Follow a nudge of $w$ on its way to the loss: it changes $z$, which changes $a$, which changes the loss.
# Each stage has a simple derivative of its own, and **along a path derivatives multiply**:
#
# $$\frac{\partial\,\text{loss}}{\partial w_i}
#   = \underbrace{-\frac{1}{a}}_{\partial\,\text{loss}/\partial a}\;\cdot\;\underbrace{a\,(1-a)}_{\partial a/\partial z}
#   \;\cdot\;\underbrace{x_i}_{\partial z/\partial w_i} \;=\; (a - 1)\,x_i$$
#
# Go from the loss backwards, and what the first two factors gave is ready for every weight: it is $dz$.

# %%
z = inputs @ w + b
a = 1 / (1 + np.exp(-z))
da = -1 / a                # how the loss moves with a
dz = da * a * (1 - a)      # … with z
dw, db = dz * inputs, dz   # … with each weight, and with the bias
print(f"dz {dz:+.3f}   dw {dw[0]:+.3f} {dw[1]:+.3f}   db {db:+.3f}")

# %% [markdown]
# The same numbers, without one more forward pass. (The nudged ones are off by a hair: 0.001 is small, not infinitely
# small. Section 6 makes a test of this.)
#
# ## 3 · The chain rule on a graph
#
# A network is not one path. Numbers are used twice, paths part and meet again. Two rules are enough for every graph:
#
# 1. **Along a path, multiply** the local derivatives.
# 2. **Where paths meet, add**: if $x$ reaches the loss by two ways, a nudge of $x$ has both effects.
#
# A program can do this by itself if each number remembers how it was made. Here are twenty lines that do:

# %%
class Value:
    """A number that knows its parents, and how it moves with each of them (`local`)."""

    def __init__(self, data, parents=(), local=(), op="", label=""):
        self.data, self.parents, self.local, self.op, self.label, self.grad = data, parents, local, op, label, 0.0

    def __add__(self, other):
        return Value(self.data + other.data, (self, other), (1.0, 1.0), "+")

    def __mul__(self, other):
        return Value(self.data * other.data, (self, other), (other.data, self.data), "×")

    def squash(self):
        y = math.tanh(self.data)
        return Value(y, (self,), (1 - y * y,), "tanh")


def parents_first(node, order=()):
    for parent in node.parents:
        order = parents_first(parent, order)
    return order if node in order else (*order, node)


def backward(root):
    root.grad = 1.0
    for node in reversed(parents_first(root)):                 # each node after everything that uses it
        for parent, local in zip(node.parents, node.local, strict=True):
            parent.grad += local * node.grad                   # multiply along the edge, add where edges meet


# %% [markdown]
# > **Predict.** $y = x \cdot x + x$ at $x = 3$. What is $\partial y/\partial x$? How many edges lead back to $x$, and what does each bring?

# %%
x3 = Value(3.0, label="x")
y = x3 * x3 + x3
backward(y)
print(f"y = {y.data}, dx = {x3.grad}: two edges from x · x bring 3 each, one from the sum brings 1")

# %% [markdown]
# **The wrong way.** Write `=` in place of `+=`, and the last edge wins. Nothing crashes, the shape is right, the number is not:

# %%
def backward_that_forgets(root):
    root.grad = 1.0
    for node in reversed(parents_first(root)):
        for parent, local in zip(node.parents, node.local, strict=True):
            parent.grad = local * node.grad


x3 = Value(3.0)
backward_that_forgets(x3 * x3 + x3)
print(f"dx = {x3.grad} instead of 7")

# %% [markdown]
# Now step through a whole neuron: forwards, where each node gets its value from its parents; then backwards, one edge at
# a time. The loss is the square of an error $e$, so $e$ is used twice. Look at what happens there.

# %%
def named(label, value):
    value.label = label
    return value


u = named("u", Value(0.5, label="w") * Value(2.0, label="x"))
a = named("a", named("z", u + Value(-0.4, label="b")).squash())
e = named("e", a + Value(-1.0, label="−t"))
loss = named("loss", e * e)
backward(loss)

GraphStepper(loss)

# %% [markdown]
# *Above in each node its value, below its gradient. The two edges from the loss to $e$ carry half of its gradient each.*
#
# Each edge was used once, on one walk back, **however many numbers there are**. This is the whole reason why
# networks with billions of weights can be trained.
#
# ## 4 · Four equations
#
# Numbers one by one would be slow. A layer treats a whole batch at once: $B$ examples, $C$ numbers in, $F$ units:
#
# $$z = x\,W + b \qquad\text{that is}\qquad z_{nf} = \sum_c x_{nc} W_{cf} + b_f$$
#
# Suppose we know $dz$, for the layer above has told us. Which paths lead from one weight $W_{cf}$ to the loss? It takes
# part in $z_{nf}$ for every example $n$, with factor $x_{nc}$. Multiply along, add where paths meet. The same for $x$ and $b$:
#
# $$dW_{cf} = \sum_n x_{nc}\,dz_{nf} \qquad\quad dx_{nc} = \sum_f dz_{nf}\,W_{cf} \qquad\quad db_f = \sum_n dz_{nf}$$
#
# Three sums. The first two are matrix products:

# %%
rng = np.random.default_rng(4)
B, C, n_hidden = 5, 6, 3
x_in, W, dz = rng.normal(size=(B, C)), rng.normal(size=(C, n_hidden)), rng.normal(size=(B, n_hidden))

dW_loop, dx_loop, db_loop = np.zeros_like(W), np.zeros_like(x_in), np.zeros(n_hidden)
for n in range(B):
    for f in range(n_hidden):
        db_loop[f] += dz[n, f]
        for c in range(C):
            dW_loop[c, f] += x_in[n, c] * dz[n, f]
            dx_loop[n, c] += dz[n, f] * W[c, f]

dW, dx, db = x_in.T @ dz, dz @ W.T, dz.sum(axis=0)
assert np.allclose(dW, dW_loop) and np.allclose(dx, dx_loop) and np.allclose(db, db_loop)
for name, value in {"x": x_in, "W": W, "dz": dz, "dx = dz Wᵀ": dx, "dW = xᵀ dz": dW, "db = Σ dz": db}.items():
    print(f"{name:11} {value.shape}")

# %%
figure = plots.labelled_grids(
    {"x": x_in, "dz": dz, "dW": dW}, axes={"x": "nc", "dz": "nf", "dW": "cf"}, decimals=1, signed=True,
    title="dW = xᵀ dz", marked={"x": [(n, 2) for n in range(B)], "dz": [(n, 1) for n in range(B)], "dW": [(2, 1)]},
    caption="One weight's gradient (framed at the right) is a column of x times a column of dz, summed over the batch.",
    alt="Three grids: x, 5 by 6; dz, 5 by 3; dW, 6 by 3. A column of x, a column of dz and one cell of dW are framed.")
plt.show()
print(figure.summary)

# %% [markdown]
# **If you forget a formula, ask the shapes.** $dW$ must be $(C, F)$ and is made of $x$, $(B, C)$, and $dz$, $(B, F)$: there is
# only one way to multiply these. What is summed over is what disappears: the batch. And count the work: one matrix product
# forwards, two backwards. All gradients together cost about as much as two more forward passes, however many weights there are.
#
# Between two layers stands the bend, $a = \sigma(z)$, number by number; so $dz = da \odot \sigma'(z)$, number by number. With layers
# $l = 1 \dots L$, $a_0 = x$, and the loss computed from $z_L$, that is all of backpropagation:
#
# | | equation | shape |
# |---|---|---|
# | at the top | $dz_L = \partial\,\text{loss}/\partial z_L$ | (B, width of L) |
# | one layer down | $dz_{l-1} = (dz_l\,W_l^\top) \odot \sigma'(z_{l-1})$ | (B, width of l−1) |
# | weights | $dW_l = a_{l-1}^\top\,dz_l$ | (width of l−1, width of l) |
# | biases | $db_l = \sum_{\text{examples}} dz_l$ | (width of l,) |
#
# Here it is in the course's package, four equations in four statements:

# %%
from course_lib.byhand.mlp import MLP

print(inspect.getsource(MLP.forward))
print(inspect.getsource(MLP.backward))

# %% [markdown]
# ## 5 · Each function beside its gradient
#
# What remains is one small derivative for each kind of step. In `byhand/functional.py` every function stands beside its own:
# `y = f(x)` and `dx = f_backward(dy, …)`.

# %%
from course_lib.byhand import functional as F

for name in ("sigmoid", "tanh", "relu"):
    print(inspect.getsource(getattr(F, name)))
    print(inspect.getsource(getattr(F, f"{name}_backward")))

# %% [markdown]
# > **Predict.** How large can $\sigma'$ become? A gradient that passes through ten sigmoids: by which factor does it shrink, at best?

# %%
z = np.linspace(-6, 6, 241)
slopes = {"sigmoid′": F.sigmoid_backward(1.0, F.sigmoid(z)), "tanh′": F.tanh_backward(1.0, F.tanh(z)),
          "ReLU′": F.relu_backward(1.0, z)}
figure = plots.curves(
    z, slopes, xlabel="z", ylabel="local derivative", title="What a bend lets through on the way back",
    caption="The slope that dy is multiplied with. Far from 0 the S-shaped ones let nothing through: the unit is *saturated*.",
    alt="Slopes against z: the sigmoid's is a low bump of at most a quarter, tanh's a bump up to one, ReLU's a step.")
plt.show()
print(f"largest slope of sigmoid {slopes['sigmoid′'].max():.2f}, of ten in a row {slopes['sigmoid′'].max() ** 10:.1e}")

# %% [markdown]
# **Softmax and cross-entropy belong together.** With several classes, logits $z$ become probabilities
# $p_i = e^{z_i} / \sum_j e^{z_j}$, and the loss is $-\log p_t$ for the true class $t$. Write it as
#
# $$\text{loss} = -\log \frac{e^{z_t}}{\sum_j e^{z_j}} = \log \sum_j e^{z_j} - z_t$$
#
# and differentiate by $z_i$. The first term gives $e^{z_i} / \sum_j e^{z_j} = p_i$, the second gives 1 where $i = t$:
#
# $$dz_i = p_i - [i = t] \qquad\text{what the model said, minus what was true.}$$
#
# All exponentials and logarithms have cancelled. It is the most useful gradient there is; every language model starts with it.

# %%
z = np.array([2.0, 1.0, -1.0])
print("p       ", F.softmax(z))
print("dlogits ", F.cross_entropy_backward(1.0, z[None], np.array([1]))[0], " (the second class was true)")

# %% [markdown]
# Formulas as printed in books are not always what one should compute. $e^{1000}$ is more than a float can hold:

# %%
z = np.array([1000.0, 0.0])
with np.errstate(all="ignore"):
    print("softmax as printed ", np.exp(z) / np.exp(z).sum())
    print("tanh as printed    ", (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z)))
print("ours               ", F.softmax(z), F.tanh(z))

# %% [markdown]
# `F.softmax` subtracts the largest number first. Numerator and denominator shrink by the same factor, and nothing overflows.
#
# ## 6 · Never trust a gradient that was not checked
#
# A wrong gradient does not crash. It trains, a little worse, or much worse, and nobody knows why. But nudging knows the truth,
# so we let it judge on a small network. Nudge to both sides, and the error is of order $h^2$:
#
# $$\frac{\partial f}{\partial x} \approx \frac{f(x + h) - f(x - h)}{2h}$$
#
# > **Predict.** Is a smaller $h$ always better?

# %%
from course_lib.byhand.gradcheck import comparison_table, numerical_gradient, relative_error

steps = 10.0 ** np.arange(-1, -13, -0.5)
point = np.array([0.3, -1.2])
exact = 1 - np.tanh(point) ** 2
one_side = [relative_error((np.tanh(point + h) - np.tanh(point)) / h, exact) for h in steps]
both = [relative_error(numerical_gradient(lambda v: np.tanh(v).sum(), point, h), exact) for h in steps]

# %% tags=["nbval-ignore-output"]
figure = plots.curves(
    steps, {"nudge up": one_side, "nudge up and down": both}, xlabel="h", ylabel="relative error", log="xy",
    title="How well nudging knows the slope of tanh",
    caption="Right: the curve bends within the nudge. Left: two nearly equal numbers are subtracted, and digits are lost.",
    alt="Error against h, both logarithmic: two valleys; the one of nudging both ways is deeper, its floor near h = 1e-5.")
plt.show()
print(figure.summary)

# %%
print(f"best h, both ways: between 1e-6 and 1e-4: {1e-6 <= steps[int(np.argmin(both))] <= 1e-4}")

# %% [markdown]
# No. In the middle, around $h = 10^{-5}$, ten digits are right, and that is enough to judge. Relative errors up to
# $10^{-10}$ we call *exact* (rounding), up to $10^{-5}$ *close* (all that nudging can say), the rest *wrong*.

# %% tags=["nbval-ignore-output"]
net = MLP([6, 4, 3], "tanh", generator=rng)
labels = np.array([0, 2, 1, 1, 0])


def loss_with(name, value):
    """The loss, with one of the net's parameters replaced."""
    kept, net.params[name] = net.params[name], value
    loss = F.cross_entropy(net.forward(x_in)[0], labels)
    net.params[name] = kept
    return loss


logits, saved = net.forward(x_in)
grads = net.backward(F.cross_entropy_backward(1.0, logits, labels), saved)
nudged = {name: numerical_gradient(lambda v, name=name: loss_with(name, v), p) for name, p in net.params.items()}
print(comparison_table({name: grads[name] for name in net.params}, nudged))

# %%
worst = max(relative_error(grads[name], nudged[name]) for name in nudged)
print(f"every gradient confirmed to seven digits: {worst < 1e-7}")

# %% [markdown]
# ## 7 · What happens with the formulas of a widely read tutorial
#
# One of the articles behind this course derives backpropagation for $a_l = \sigma(a_{l-1} W_l + b_l)$ with the loss
# $\frac12\sum_i (y_i - a_L)^2$, and prints:
#
# | | printed | right |
# |---|---|---|
# | output | $\partial L/\partial a_L = (y - a_L)$ | $a_L - y$ |
# | hidden | $\partial a_l/\partial a_{l-1} = a_l(1 - a_l)$ | that is $\partial a_l/\partial z_l$; then comes $W_l^\top$ |
# | ReLU | 0 if $a_{l-1} < 0$, else 1 | ask $z_l$, not $a_{l-1}$ |
# | weights | $\partial L/\partial W_l = \partial L/\partial a_l \cdot a_{l-1}^\top$ | $a_{l-1}^\top\,(\partial L/\partial a_l \odot \sigma'(z_l))$ |
# | biases | $\partial L/\partial b_l = \partial L/\partial a_l$ | times $\sigma'(z_l)$, summed over the examples |
#
# (It also calls three things $l$: the layer, the last layer, and the number of neurons in one; and $a_l$ in the loss has lost its
# example's number; products of matrices stand in the order of numbers. Letters are not a detail: half of these mistakes would not have
# survived a line of shapes.)
#
# > **Predict.** Five examples, a layer from 6 to 3. Does $\partial L/\partial a_l \cdot a_{l-1}^\top$ even multiply?

# %%
a_below, da = F.sigmoid(x_in), rng.normal(size=(B, n_hidden))
try:
    da @ a_below.T
    print("it multiplies")
except ValueError:
    print(f"{da.shape} @ {a_below.T.shape}: the inner sizes differ, {da.shape[1]} and {a_below.T.shape[0]}")
print(f"db as printed has shape {da.shape}, b has {(n_hidden,)}")

# %% [markdown]
# So far numpy protests. Say we repair only what crashes: order and sum. Then everything runs. Four versions, one mistake less
# each time, on XOR with four hidden sigmoids:

# %%
def gradients(version, p, x, y):
    """One pass of a 2-4-1 net of sigmoids with half the squared error, and its gradients as each version has them."""
    a1 = F.sigmoid(x @ p["W1"] + p["b1"])
    a2 = F.sigmoid(a1 @ p["W2"] + p["b2"])
    slope1, slope2 = a1 * (1 - a1), a2 * (1 - a2)
    da2 = y - a2 if version == "as printed" else a2 - y                   # the sign
    da1 = (da2 * slope2) @ p["W2"].T                                      # (with W₂ᵀ, or no shape fits)
    e1 = da1 if version in ("as printed", "sign repaired") else da1 * slope1
    e2 = da2 * slope2 if version == "all repaired" else da2
    return {"W1": x.T @ e1, "b1": e1.sum(axis=0), "W2": a1.T @ e2, "b2": e2.sum(axis=0)}, 0.5 * ((y - a2) ** 2).sum()


def first_parameters():
    rng = np.random.default_rng(1)
    return {"W1": rng.normal(size=(2, 4)), "b1": np.zeros(4), "W2": rng.normal(size=(4, 1)), "b2": np.zeros(1)}


y = t[:, None]
p = first_parameters()
true = {name: numerical_gradient(lambda v, name=name: gradients("all repaired", p | {name: v}, x, y)[1], p[name])
        for name in p}
for version in ("as printed", "sign repaired", "slope in the hidden layer", "all repaired"):
    mine, _ = gradients(version, p, x, y)
    words = {name: "right" if relative_error(mine[name], true[name]) < 1e-6 else "wrong" for name in true}
    a, b = (np.concatenate([g[name].ravel() for name in true]) for g in (mine, true))
    print(f"{version:25}", *(f"d{name} {word} " for name, word in words.items()),
          f"cosine {a @ b / np.linalg.norm(a) / np.linalg.norm(b):+.2f}")

# %% [markdown]
# The cosine compares all gradients together with the true ones: −1 is straight uphill, +1 straight downhill.
#
# > **Predict.** Which of the four will learn XOR? At the start the loss is about 0.5: the net says ½ to everything.

# %%
from course_lib.byhand.optim import SGD

print(inspect.getsource(SGD.step))

losses = {}
for version in ("as printed", "sign repaired", "slope in the hidden layer", "all repaired"):
    p = first_parameters()
    optimizer = SGD(p, lr=0.5)
    losses[version] = []
    for _ in range(5000):
        grads, loss = gradients(version, p, x, y)
        losses[version].append(loss)
        optimizer.step(grads)

# %%
figure = plots.curves(
    np.arange(1, 5001), losses, xlabel="step (optimizer updates)", ylabel="half the squared error, four points", log="x",
    title="XOR with four versions of the gradient",
    caption="As printed it climbs, until every answer is exactly wrong. With the sign repaired it stays at chance. Both others learn.",
    alt="Four curves of loss: one rises from a half to one, one stays near a half, two fall to nearly zero.")
plt.show()
for version, about, within in (("as printed", 1.0, 0.05), ("sign repaired", 0.5, 0.07),
                               ("slope in the hidden layer", 0.0, 0.01), ("all repaired", 0.001, 0.003)):
    expect(losses[version][-1], about=about, within=within, name=f"{version}, loss at step 5000")

# %% [markdown]
# The printed sign climbs *uphill*: in the end every answer is wrong, with certainty. With the sign repaired, the net stays at
# ½ for everything. Why? Without the slope of each hidden unit at each example, $dW_1 = (x^\top \dots)\,W_2^\top$ is a column times a row:
# all hidden units are moved in *one* direction, as if there were no bend. And one line cannot do XOR.

# %%
for version in ("sign repaired", "all repaired"):
    dW1 = gradients(version, first_parameters(), x, y)[0]["W1"]
    print(f"{version}: dW1 {dW1.shape} has {np.linalg.matrix_rank(dW1)} independent column(s)")

# %% [markdown]
# And something odd: the third version still lacks the slope of the output, and learns **faster** than the right one. No
# accident. $a - y$ without the slope is the gradient of *another* loss, cross-entropy (section 5). It
# is the better loss for a probability, and here is why:

# %%
z = np.linspace(-8, 8, 161)
a = F.sigmoid(z)
squared = np.abs((a - 1) * a * (1 - a))
crossed = np.abs(a - 1)
figure = plots.curves(
    z, {"half the squared error": squared, "cross-entropy": crossed}, xlabel="z, where the right answer is 1",
    ylabel="size of dz", title="How loudly a wrong answer complains",
    caption="Far left the answer is hopelessly wrong. Cross-entropy pulls with full force; the squared error has gone silent.",
    alt="Size of dz against z: cross-entropy falls from one to zero; the squared error is a low bump, near zero at both ends.")
plt.show()
print(f"at z = −8: squared error {squared[0]:.1e}, cross-entropy {crossed[0]:.2f}")

# %% [markdown]
# Its other advice, run:
#
# - **ReLU that asks the wrong number.** After a ReLU, $a \ge 0$ always; so "1 if $a_{l-1} \ge 0$" is always 1.

# %%
z = rng.normal(size=10_000)
print(f"share of ones: as printed {(F.relu(z) >= 0).mean():.2f}, true {F.relu_backward(np.ones_like(z), z).mean():.2f}")

# %% [markdown]
# - **Two output sigmoids as "a probability distribution".** They do not sum to one. Two classes need one sigmoid, or a softmax:

# %%
z = np.array([2.0, 1.0])
print(f"two sigmoids {F.sigmoid(z)}, sum {F.sigmoid(z).sum():.3f}")
print(f"softmax      {F.softmax(z)}, and σ(z₁ − z₂) = {F.sigmoid(z[0] - z[1]):.3f} is the same")

# %% [markdown]
# - **"Adjust the model by the result on the test set."** Then it is no test any more. What you tune on is *validation* data; the test is
#   looked at once.
# - The network that it describes (ReLU, two sigmoids) is not the one in its code (an LSTM and one sigmoid). And ReLU's derivative at
#   exactly 0 does not exist; it prints 1, torch and we say 0. That one does not matter.
#
# **Remember:** of the three wrong versions one went uphill, one was stuck although its first step pointed nearly the right way, and one
# learned, following another loss than the one that we plotted. No curve tells you which it was. The check, parameter by parameter,
# told us before the first step.
#
# ## 8 · Autograd: the chain rule, automated
#
# Section 3 did it for single numbers. For arrays, everything stays: parents, a local rule for each operation, one
# walk back. The rules are those of section 5. One thing is new: **broadcasting**. A bias $b$ of shape $(F,)$ is *copied* to
# all $B$ rows. A number that was copied is a number with many paths to the loss, and where paths meet we add:
#
# $$\text{copied on the way forwards} \quad\Longleftrightarrow\quad \text{summed on the way back}$$

# %%
from course_lib.byhand.autograd import Tensor, topological_order, unbroadcast

print(inspect.getsource(unbroadcast))
print(inspect.getsource(Tensor.backward))

# %%
bias = Tensor(np.array([0.1, 0.2, 0.3]))
column = Tensor(np.ones((5, 1)))
total = (bias * column).tanh().sum()               # (3,) and (5, 1) become (5, 3)
total.backward()
print("bias", bias.shape, "its gradient", bias.grad.shape, bias.grad)

# %% [markdown]
# That walk, and one rule for each operation, is the whole file. It gives the same gradients as the MLP by hand:

# %%
from course_lib.byhand import autograd

print(f"autograd.py has {len(inspect.getsource(autograd).splitlines())} lines")
p = {name: Tensor(value) for name, value in net.params.items()}
log_probs = ((x_in @ p["W1"] + p["b1"]).tanh() @ p["W2"] + p["b2"]).log_softmax()
loss = -log_probs[np.arange(B), labels].mean()
loss.backward()
logits, saved = net.forward(x_in)
by_hand = net.backward(F.cross_entropy_backward(1.0, logits, labels), saved)
print(f"{len(topological_order(loss))} nodes from the parameters to the loss\n")
print(comparison_table({name: p[name].grad for name in p}, by_hand))

# %% [markdown]
# With it, a new model needs a forward pass only. **Two moons**: a curved border. We train nets with 1, 2, 4 and 16 hidden units,
# and keep their parameters on the way.

# %%
angle = rng.uniform(0, np.pi, 50)
upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
moons = np.concatenate([upper, [1.0, 0.5] - upper]) + rng.normal(0, 0.12, (100, 2))
moon = np.repeat([0.0, 1.0], 50)


def moon_logits(p, points):
    return ((points @ p["W1"] + p["b1"]).tanh() @ p["W2"] + p["b2"]).reshape(-1)


milestones = (0, 5, 20, 60, 200, 400)
history = {}
for n_hidden in (1, 2, 4, 16):
    made = MLP([2, n_hidden, 1], "tanh", generator=np.random.default_rng(1)).params
    p = {name: Tensor(value) for name, value in made.items()}
    optimizer = SGD({name: tensor.data for name, tensor in p.items()}, lr=0.5, momentum=0.9)
    for step in range(max(milestones) + 1):
        if step in milestones:
            history[n_hidden, step] = {name: tensor.data.copy() for name, tensor in p.items()}
        z = moon_logits(p, moons)
        loss = -(z * (2 * moon - 1)).sigmoid().log().mean()      # −log of what the true class got
        for tensor in p.values():
            tensor.grad = None
        loss.backward()
        optimizer.step({name: tensor.grad for name, tensor in p.items()})

# %%
def two_moons(n_hidden=16, step=400):
    p = {name: Tensor(value) for name, value in history[n_hidden, step].items()}
    loss = F.binary_cross_entropy_with_logits(moon_logits(p, moons).data, moon)
    return plots.decision_surface(
        lambda points: F.sigmoid(moon_logits(p, points).data), moons, moon,
        title=f"{n_hidden} hidden, step {step}: loss {loss:.2f} nats",
        caption="One hidden unit draws one line. More units bend it.",
        alt="Two moons of points, interlocked, and what a small network answers at each place.")


explore(two_moons, label="Two moons: units and steps", n_hidden=[1, 2, 4, 16], step=list(milestones))

# %%
for n_hidden in (1, 16):
    p = {name: Tensor(value) for name, value in history[n_hidden, 400].items()}
    right = ((moon_logits(p, moons).data > 0) == moon).mean()
    expect(right, about={1: 0.87, 16: 1.0}[n_hidden], within={1: 0.05, 16: 0.02}[n_hidden],
           name=f"share of points on the right side, {n_hidden} hidden")

# %% [markdown]
# Note `tensor.grad = None`: gradients *add up* from call to call (rule 2 makes no exception for you). Whoever forgets to clear them
# follows the sum of all gradients so far.
#
# ## 9 · A language model from these parts
#
# In 2003 Bengio and colleagues let a network guess the next word from the few before it. We do the same with letters of
# place names. What must it beat? The **bigram** of lesson 02, which counts how often each letter followed each letter.

# %%
from course_lib.byhand.mlp import MLPLanguageModel, context_windows
from course_lib.byhand.ngram import NGram
from course_lib.text.place_names import place_names

END, V, T = 26, 27, 3                                            # 26 letters and the end of a name; three letters of context
names = place_names()
shuffled = np.random.default_rng(4).permutation(len(names))
words = [[ord(letter) - ord("a") for letter in names[i]] for i in shuffled]
held_out, train = words[:1000], words[1000:]


def as_one_line(words):
    return [END] + [w for word in words for w in (*word, END)]


ngram = NGram.fit(as_one_line(train), 4, V)
bars = {f"{n}-gram": -ngram.log_probs(as_one_line(held_out), n)[1:].mean() for n in (1, 2, 3, 4)}
expect(bars["2-gram"] / math.log(2), about=3.73, within=0.12, name="bigram, held-out bits a letter")

# %%
for row, target in zip(*context_windows([[ord(c) - 97 for c in "peru"]], T, END), strict=True):
    letters = "".join("abcdefghijklmnopqrstuvwxyz·"[i] for i in (*row, target))
    print(f"reads {letters[:T]}   should say {letters[T]}")

# %% [markdown]
# Each of the $T = 3$ letters becomes a row of a learned table ($C$ numbers); the rows are laid side by side; then linear,
# **layer norm**, tanh, linear. Two gradients are new.
#
# **The table.** Reading row $i$ copies it into the batch. Copied forwards, summed on the way back: each `de` is added to the row that
# it was read from. Rows that were not read get nothing.
#
# **Layer norm.** For one row $z$ of $F$ numbers, with mean $\mu$ and $s = \sqrt{\mathrm{var}(z) + \epsilon}$:
# $\hat z = (z - \mu)/s$ and $n = \hat z \odot \text{gain} + \text{shift}$. One $z_i$ reaches the loss in three ways: itself, through $\mu$, and through
# $s$. From $s^2 = \frac1F \sum_j (z_j - \mu)^2 + \epsilon$ follows $\partial s/\partial z_i = \hat z_i / F$, so
#
# $$\frac{\partial \hat z_j}{\partial z_i} = \frac1s\Big([i=j] - \frac1F - \frac{\hat z_i\,\hat z_j}{F}\Big)
#   \qquad\Longrightarrow\qquad dz = \frac1s\Big(d\hat z - \overline{d\hat z} - \hat z\;\overline{d\hat z \odot \hat z}\Big),
#   \quad d\hat z = dn \odot \text{gain}$$
#
# where a bar is the mean over the row. The two terms that are taken away are exactly a shift and a stretch of the row: moves that the norm
# undoes, so they cannot matter.

# %%
print(inspect.getsource(MLPLanguageModel.forward))
print(inspect.getsource(MLPLanguageModel.backward))

# %% [markdown]
# Read `backward` from its first line to its last, and `forward` from its last to its first: line by line the same story.
#
# Is every line right? The independent judge is `torch.autograd`, in float64, for every step between. It is the only cell of this lesson
# that needs PyTorch.

# %%
import torch

idx, targets = context_windows(train[:40], T, END)
small = MLPLanguageModel(V, T, n_embd=4, n_hidden=8, generator=np.random.default_rng(1))
logits, saved = small.forward(idx)
ours = small.backward(F.cross_entropy_backward(1.0, logits, targets), saved)

p = {name: torch.tensor(value, requires_grad=True) for name, value in small.params.items()}
s = {"e": torch.nn.functional.embedding(torch.tensor(idx), p["table"])}
s["x"] = s["e"].flatten(1)
s["z"] = torch.nn.functional.linear(s["x"], p["W1"].T, p["b1"])
s["n"] = torch.nn.functional.layer_norm(s["z"], (8,), p["gain"], p["shift"])
s["h"] = torch.tanh(s["n"])
s["logits"] = torch.nn.functional.linear(s["h"], p["W2"].T, p["b2"])
for step in s.values():
    step.retain_grad()
torch.nn.functional.cross_entropy(s["logits"], torch.tensor(targets)).backward()
theirs = {name: tensor.grad.numpy() for name, tensor in (p | s).items()}
for name in ours:
    assert relative_error(ours[name], theirs[name]) < 1e-10, name
print(f"all {len(ours)} gradients equal torch's")

# %% [markdown]
# **The wrong way.** A popular shortcut: "the mean and the spread are just numbers", so $dz = d\hat z / s$. Run it, and let the
# table point at the culprit:

# %%
from unittest.mock import patch


def shortcut(dy, x, weight, eps=1e-5):
    """Layer norm's gradient for people in a hurry: forgets that mean and spread depend on x."""
    x_hat = F.layer_norm(x, eps=eps)
    scale = np.sqrt(x.var(axis=-1, keepdims=True) + eps)
    return dy * weight / scale, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


with patch.object(F, "layer_norm_backward", shortcut):
    hurried = small.backward(F.cross_entropy_backward(1.0, logits, targets), saved)
print(comparison_table(hurried, theirs))

# %% [markdown]
# Read from the top, which is from the loss: all is exact down to `n`, then `dz` is wrong, and whatever is computed from it. **The first
# wrong row is the bug.** The gains themselves are fine: they do not pass through the norm. Name your intermediates, and a gradient
# bug is found in a minute.
#
# Now train. Every update looks at 256 letters with their contexts; AdamW (lesson 05) chooses the size of the steps.

# %%
from course_lib.byhand.optim import AdamW

idx, targets = context_windows(train, T, END)
held_idx, held_targets = context_windows(held_out, T, END)
generator = np.random.default_rng(4)
model = MLPLanguageModel(V, T, n_embd=10, n_hidden=100, generator=generator)
born = model.nats(held_idx, held_targets).mean()
print(f"{sum(p.size for p in model.params.values()):,} parameters; "
      f"at birth {born:.2f} nats a letter, knowing nothing is ln {V} = {math.log(V):.2f}")

# %% tags=["nbval-ignore-output"]
import time

max_steps, batch_size, max_lr = 2000, 256, 1e-2
optimizer = AdamW(model.params, lr=max_lr, weight_decay=0.0)
records, recent, started = [], [], time.perf_counter()
for step in progress(range(1, max_steps + 1), name="training"):
    rows = generator.integers(0, len(targets), batch_size)
    logits, saved = model.forward(idx[rows])
    optimizer.lr = max_lr * (1 - step / (max_steps + 1))          # smaller and smaller steps
    optimizer.step(model.backward(F.cross_entropy_backward(1.0, logits, targets[rows]), saved))
    recent.append(F.cross_entropy(logits, targets[rows]))
    if step == 1 or step % 50 == 0:
        records.append({"step": step, "loss": np.mean(recent[-50:])})
    if step % 250 == 0:
        records[-1]["held_out_loss"] = model.nats(held_idx, held_targets).mean()
seconds = time.perf_counter() - started
figure = plots.training_curve(
    records, references={name: bars[name] for name in ("2-gram", "3-gram")}, unit="nats a letter",
    title="Place names: loss while training",
    caption="Thin: the mean loss of 50 batches; thick: the same, smoothed; dots: names never seen. Dashed: what counting reaches.",
    alt="Loss falls steeply, passes the line of the bigram and then that of the trigram.")
plt.show()
print(figure.summary)

# %%
bits = model.nats(held_idx, held_targets).mean() / math.log(2)
expect(bits, about=3.36, within=0.12, name="our model, held-out bits a letter")
assert bits < bars["2-gram"] / math.log(2), "it must beat the bigram"
print("beats the bigram on the same held-out names: yes")

# %% tags=["nbval-ignore-output"]
rows = {name: nats / math.log(2) for name, nats in bars.items()} | {"MLP, 3 letters": bits}
figure = plots.ladder(
    rows, title="Place names, held out: bits a letter",
    caption="Shorter is better. The end of a name counts as a letter.",
    alt="Bars of bits per letter: single letters longest, then bigram, trigram, our model, and the four-gram shortest.")
plt.show()
print(figure.summary)

# %% [markdown]
# It beats the bigram and the trigram. The 4-gram reads the same three letters and is still ahead: names of
# one country look alike in many languages, so remembering pays, and there are enough names to count four letters. Where
# contexts become too long to be counted, the net wins: that is what the rest of the course is about.
#
# It can invent names, letter by letter:

# %% tags=["nbval-ignore-output"]
def invent(model, generator):
    """One name: ask, draw a letter, append, ask again."""
    recent, name = [END] * T, ""
    while len(name) < 20:
        probs = F.softmax(model.forward(np.array([recent]))[0][0])
        w = int(generator.choice(V, p=probs))
        if w == END:
            break
        recent, name = [*recent[1:], w], name + chr(ord("a") + w)
    return name


print(" ".join(invent(model, generator) for _ in range(12)))

# %% [markdown]
# ## 10 · What to remember
#
# - $dx$ has the shape of $x$. Along a path multiply; where paths meet, add. What was copied forwards is summed on the way back.
# - Four equations: $dz_L$ from the loss; $dz_{l-1} = (dz_l W_l^\top) \odot \sigma'(z_{l-1})$; $dW_l = a_{l-1}^\top dz_l$; $db_l = \sum dz_l$.
# - Softmax with cross-entropy: $p - \text{onehot}$. What was said, minus what was true, in this order.
# - A wrong gradient runs, and often even learns. Nudge before you train; name the intermediates; the first wrong row is the bug.
# - An autograd is a topological order and one rule for each operation. You have read a whole one.
#
# **Further reading.** Rumelhart, Hinton, Williams 1986, *Learning representations by back-propagating errors*, Nature 323;
# Baydin, Pearlmutter, Radul, Siskind 2018, *Automatic Differentiation in Machine Learning: a Survey*, JMLR 18, arXiv 1502.05767;
# Bengio, Ducharme, Vincent, Jauvin 2003, *A Neural Probabilistic Language Model*, JMLR 3; Ba, Kiros, Hinton 2016,
# *Layer Normalization*, arXiv 1607.06450; Kingma and Ba 2015, *Adam*, arXiv 1412.6980.
#
# **Now you:** [exercises 04](../exercises/04_backprop/04_backprop.ipynb). Next: lesson 05 asks how large a step should be, and where to start.

# %% tags=["nbval-ignore-output"]
record_result(lesson="04", model="MLP, 3 letters", corpus="place_names",
              parameters=sum(p.size for p in model.params.values()), tokens=max_steps * batch_size,
              seconds=seconds, bits_per_byte=float(bits))
