"""Exercise 14.6: the rounds with which Muon makes all singular values of a gradient alike."""

import math

import numpy as np
import torch

from course_lib.classroom.checking.exercise import Exercise

alike = Exercise(
    "14.6", "all_directions_alike", title="All directions alike", difficulty=4, minutes=20,
    hints=(
        "Put X = U Σ Vᵀ into X Xᵀ X. UᵀU and VᵀV are the identity: what is left between U and Vᵀ?",
        "X Xᵀ X has the singular values s³, and X Xᵀ X Xᵀ X has s⁵. The products X Xᵀ are shared: compute them once a round.",
        "Divide by np.linalg.norm. In a round: G = X Xᵀ, then a·X + b·(G X) + c·(G G X).",
    ),
)


def some_gradient(rng, m, n):
    return rng.normal(size=(m, n)) * 10.0 ** rng.uniform(-3, 1)


@alike.probe(axes="as the gradient")
def one_round(ns, rng):
    """a gradient of 3 × 4, one round"""
    return ns["all_directions_alike"](some_gradient(rng, 3, 4), 1)


@alike.probe(axes="as the gradient")
def five_rounds(ns, rng):
    """a gradient of 4 × 4, five rounds"""
    return ns["all_directions_alike"](some_gradient(rng, 4, 4), 5)


@alike.probe(axes="as the gradient")
def a_tall_one(ns, rng):
    """a gradient of 5 × 2, two rounds"""
    return ns["all_directions_alike"](some_gradient(rng, 5, 2), 2)


@alike.probe(axes="as the gradient")
def no_round(ns, rng):
    """no round at all, and then two"""
    gradient = some_gradient(rng, 3, 2)
    return [ns["all_directions_alike"](gradient, n_rounds) for n_rounds in (0, 2)]


@alike.probe(axes="as the gradient")
def one_row(ns, rng):
    """a single row, and a single negative number"""
    return [ns["all_directions_alike"](some_gradient(rng, 1, 4), 3), ns["all_directions_alike"](np.array([[-0.3]]), 1)]


@alike.probe(hidden=True, points=2)
def any_gradient(ns, rng):
    """any gradient"""
    m, n = (int(size) for size in rng.integers(3, 9, 2))
    return ns["all_directions_alike"](some_gradient(rng, m, n), int(rng.integers(3, 6)))


@alike.property(n=(2, 5), seed=(0, 99))
def singular_values_near_one(ns, n, seed):
    """after five rounds the singular values of a healthy matrix lie between 0.6 and 1.3"""
    rng = np.random.default_rng(seed)
    (U, _), (V, _) = (np.linalg.qr(rng.normal(size=(n, n))) for _ in range(2))
    found = np.asarray(ns["all_directions_alike"](U @ np.diag(rng.uniform(0.3, 1.0, n)) @ V.T, 5))
    sizes = np.linalg.svd(np.nan_to_num(found), compute_uv=False)
    return (sizes > 0.6) & (sizes < 1.3), np.ones(n, dtype=bool)


@alike.property(n=(2, 5), seed=(0, 99))
def no_axis_is_special(ns, n, seed):
    """turning the gradient turns the answer, and nothing else"""
    rng = np.random.default_rng(seed)
    (Q, _), gradient = np.linalg.qr(rng.normal(size=(n, n))), rng.normal(size=(n, 3))
    return ns["all_directions_alike"](Q @ gradient, 2), Q @ np.asarray(ns["all_directions_alike"](gradient, 2))


def rounds(gradient, n_rounds, *, a=3.4445, b=-4.7750, c=2.0315, norm="all", power="products", every=False, scale=1.0):
    """The right answer, with some things wrong."""
    sizes = {"all": np.linalg.norm, "none": lambda X: 1.0, "largest": lambda X: np.linalg.norm(X, 2),
             "rows": lambda X: np.linalg.norm(X, axis=1, keepdims=True),
             "peak": lambda X: np.abs(X).max(), "squares": lambda X: (X * X).sum()}
    X = gradient / sizes[norm](gradient)
    with np.errstate(all="ignore"):
        for _ in range(n_rounds):
            X = X / np.linalg.norm(X) if every else X
            G = X @ X.T
            square = {"seventh": G @ G @ G, "gram elements": G**2}.get(power, G @ G)
            cube, fifth = (X**3, X**5) if power == "elements" else (G @ X, square @ X)
            X = a * X + b * cube + c * fifth
    return scale * X


@alike.mistake(hint="X**3 takes the cube of every element. The singular values take theirs through products: X Xᵀ X.")
def every_element(gradient, n_rounds):
    """powers of the elements in place of powers of the singular values"""
    return rounds(gradient, n_rounds, power="elements")


@alike.mistake(hint="G**2 squares every element of G = X Xᵀ. The product of G with itself is G @ G.")
def every_element_of_the_product(gradient, n_rounds):
    """the product X Xᵀ squared element by element"""
    return rounds(gradient, n_rounds, power="gram elements")


@alike.mistake(hint="Divide by the norm first: p is made for singular values from 0 to 1, and explodes above.")
def not_divided(gradient, n_rounds):
    """a matrix that was not divided by its norm"""
    return rounds(gradient, n_rounds, norm="none")


@alike.mistake(hint="The Frobenius norm has a root: the root of the sum of all squares.")
def no_root(gradient, n_rounds):
    """division by the sum of squares, without the root"""
    return rounds(gradient, n_rounds, norm="squares")


@alike.mistake(hint="To divide by the largest singular value one must know it: that is half a decomposition. Use the Frobenius norm.")
def by_the_largest(gradient, n_rounds):
    """division by the largest singular value"""
    return rounds(gradient, n_rounds, norm="largest")


@alike.mistake(hint="One norm for the whole matrix. To divide each row by its own turns the singular vectors.")
def each_row(gradient, n_rounds):
    """each row divided by its own norm"""
    return rounds(gradient, n_rounds, norm="rows")


@alike.mistake(hint="np.linalg.norm of the matrix, not the largest of its elements.")
def by_the_largest_element(gradient, n_rounds):
    """division by the largest element"""
    return rounds(gradient, n_rounds, norm="peak")


@alike.mistake(hint="b is negative: the middle term pulls large singular values down.")
def the_sign_of_b(gradient, n_rounds):
    """b with the wrong sign"""
    return rounds(gradient, n_rounds, b=4.7750)


@alike.mistake(hint="Without c the polynomial stops at s³. U Σ⁵ Vᵀ is X Xᵀ X Xᵀ X.")
def cubic_only(gradient, n_rounds):
    """a polynomial without its fifth power"""
    return rounds(gradient, n_rounds, c=0.0)


@alike.mistake(hint="(X Xᵀ)³ X has s⁷. How many factors X are there in s⁵?")
def the_seventh_power(gradient, n_rounds):
    """the seventh power in place of the fifth"""
    return rounds(gradient, n_rounds, power="seventh")


@alike.mistake(hint="Divide once, before the first round. Afterwards the singular values are where p wants them.")
def divided_every_round(gradient, n_rounds):
    """a division by the norm in every round"""
    return rounds(gradient, n_rounds, every=True)


@alike.mistake(hint="The exact answer of a decomposition. Muon takes what the polynomial gives in so many rounds, which is near one and cheap.")
def the_exact_one(gradient, n_rounds):
    """U Vᵀ from a singular value decomposition"""
    U, _, Vt = np.linalg.svd(gradient, full_matrices=False)
    return U @ Vt


@alike.mistake(hint="Muon multiplies tall matrices by √(m/n) when it moves the weights. That is not asked here.")
def with_muons_factor(gradient, n_rounds):
    """singular values of about √(m/n) for tall matrices"""
    m, n = gradient.shape
    return rounds(gradient, n_rounds, scale=math.sqrt(max(1, m / n)))


@alike.mistake(hint="Look at n_rounds: how often does your loop run?")
def one_round_only(gradient, n_rounds):
    """one round, whatever was asked"""
    return rounds(gradient, 1)


@alike.mistake(hint="n_rounds rounds: this went once more.")
def one_round_more(gradient, n_rounds):
    """one round too many"""
    return rounds(gradient, n_rounds + 1)


@alike.mistake(hint="n_rounds rounds: this went once less.")
def one_round_less(gradient, n_rounds):
    """one round too few"""
    return rounds(gradient, n_rounds - 1)


@alike.mistake(hint="p has three terms: a s, b s³, c s⁵. The first is missing.")
def without_a(gradient, n_rounds):
    """a polynomial without its first term"""
    return rounds(gradient, n_rounds, a=0.0)


@alike.forbid("course_lib.training.muon.orthogonalize")
def _(call, gradient, n_rounds):
    return call(torch.tensor(gradient), steps=n_rounds).numpy()


@alike.forbid("numpy.linalg.svd")
def _(call, gradient, n_rounds):
    U, s, Vt = call(gradient, full_matrices=False)
    s = s / math.sqrt((s * s).sum())
    for _ in range(n_rounds):
        s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
    return U @ np.diag(s) @ Vt
