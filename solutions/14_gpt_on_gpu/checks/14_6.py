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
    asked = [(some_gradient(rng, m, n), int(rng.integers(3, 6))), (some_gradient(rng, n, m), 0), (some_gradient(rng, 6, 3), 2)]
    return [ns["all_directions_alike"](*one) for one in asked]


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


def rounds(gradient, n_rounds, *, a=3.4445, b=-4.7750, c=2.0315, norm="all", power="products", every=False, scale=1.0, first=None):
    """The right answer, with some things wrong."""
    sizes = {"all": np.linalg.norm, "none": lambda X: 1.0, "largest": lambda X: np.linalg.norm(X, 2),
             "rows": lambda X: np.linalg.norm(X, axis=1, keepdims=True),
             "peak": lambda X: np.abs(X).max(), "squares": lambda X: (X * X).sum(), "sum": lambda X: np.abs(X).sum(),
             "columns": lambda X: np.linalg.norm(X, axis=0, keepdims=True), "mean square": lambda X: np.sqrt((X * X).mean()),
             "nuclear": lambda X: np.linalg.norm(X, "nuc"), "column sums": lambda X: np.linalg.norm(X, 1), "spread": lambda X: X.std()}
    with np.errstate(all="ignore"):
        X = start = gradient / sizes[norm](gradient)
        for _ in range(n_rounds):
            X = X / np.linalg.norm(X) if every else X
            G = start @ start.T if first == "product" else X @ X.T
            square = {"seventh": G @ G @ G, "gram elements": G**2}.get(power, G @ G)
            cube, fifth = (X**3, X**5) if power == "elements" else (G @ X, square @ X)
            X = a * (start if first == "term" else X) + b * cube + c * (cube if power == "third twice" else fifth)
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


@alike.mistake(hint="b stands with X Xᵀ X and c with X Xᵀ X Xᵀ X. Yours has them exchanged.")
def b_and_c_exchanged(gradient, n_rounds):
    """b and c exchanged"""
    return rounds(gradient, n_rounds, b=2.0315, c=-4.7750)


@alike.mistake(hint="s⁵ takes two products X Xᵀ before X. In your last term there is one.")
def third_power_twice(gradient, n_rounds):
    """the third power in the place of the fifth"""
    return rounds(gradient, n_rounds, power="third twice")


@alike.mistake(hint="X changes in every round, and X Xᵀ with it: compute it inside the loop.")
def product_once(gradient, n_rounds):
    """the product X Xᵀ of the first round in all rounds"""
    return rounds(gradient, n_rounds, first="product")


@alike.mistake(hint="In every term stands the X of this round; in your first term it is that of the beginning.")
def first_term_of_the_beginning(gradient, n_rounds):
    """a first term with the matrix of the beginning in every round"""
    return rounds(gradient, n_rounds, first="term")


@alike.mistake(hint="The Frobenius norm is the root of the sum of all squares, not a sum of absolute values.")
def by_the_sum(gradient, n_rounds):
    """division by the sum of the absolute values"""
    return rounds(gradient, n_rounds, norm="sum")


@alike.mistake(hint="np.linalg.norm(gradient, 1) is the largest sum of a column. Without the 1 it is the Frobenius norm.")
def by_the_largest_column_sum(gradient, n_rounds):
    """division by the largest sum of a column"""
    return rounds(gradient, n_rounds, norm="column sums")


@alike.mistake(hint="The nuclear norm is the sum of the singular values. The Frobenius norm is the root of the sum of all squares.")
def by_the_nuclear_norm(gradient, n_rounds):
    """division by the nuclear norm"""
    return rounds(gradient, n_rounds, norm="nuclear")


@alike.mistake(hint="One norm for the whole matrix. To divide each column by its own turns the singular vectors.")
def each_column(gradient, n_rounds):
    """each column divided by its own norm"""
    return rounds(gradient, n_rounds, norm="columns")


@alike.mistake(hint="The root of the sum of all squares, not of their mean: with the mean, singular values are above 1.")
def by_the_mean_square(gradient, n_rounds):
    """division by the root of the mean square"""
    return rounds(gradient, n_rounds, norm="mean square")


@alike.mistake(hint="The root of the sum of all squares. A standard deviation is taken about the mean, and is far smaller.")
def by_the_spread(gradient, n_rounds):
    """division by the standard deviation"""
    return rounds(gradient, n_rounds, norm="spread")


@alike.mistake(hint="All singular values alike, whatever the gradient's size: the norm is not given back in the end.")
def norm_given_back(gradient, n_rounds):
    """an answer that is multiplied by the norm again"""
    return rounds(gradient, n_rounds, scale=np.linalg.norm(gradient))


@alike.mistake(hint="0.2 · √(the longer side) matches the size of AdamW's steps when the weights are moved. That is not asked here.")
def with_the_longer_side(gradient, n_rounds):
    """singular values of about 0.2 · √(the longer side)"""
    return rounds(gradient, n_rounds, scale=0.2 * math.sqrt(max(gradient.shape)))


@alike.mistake(hint="With 1.5 and −0.5 it is the cubic rule, which needs many rounds. Take a, b and c of the text, and three terms.")
def the_cubic_rule(gradient, n_rounds):
    """the rule 1.5 s − 0.5 s³ in place of p"""
    return rounds(gradient, n_rounds, a=1.5, b=-0.5, c=0.0)


@alike.mistake(hint="Five is usual, but n_rounds is an argument.")
def always_five(gradient, n_rounds):
    """five rounds, whatever was asked"""
    return rounds(gradient, 5)


@alike.mistake(hint="Look at range: yours makes twice n_rounds rounds.")
def twice_the_rounds(gradient, n_rounds):
    """twice as many rounds as were asked"""
    return rounds(gradient, 2 * n_rounds)


@alike.mistake(hint="The matrix is divided by its norm before the first round, also if there is none.")
def no_round_no_norm(gradient, n_rounds):
    """right, but a matrix that was not divided by its norm where there is no round"""
    return rounds(gradient, n_rounds) if n_rounds else gradient.copy()


@alike.mistake(hint="A wide matrix is easier to multiply, but who turns a tall one must turn it back in the end.")
def not_turned_back(gradient, n_rounds):
    """right, but a tall matrix comes back transposed"""
    found = rounds(gradient, n_rounds)
    return found.T if len(gradient) > len(gradient.T) else found


@alike.mistake(hint="A gradient is moved against later: here the sign stays, p(s) is about +1.")
def the_other_sign(gradient, n_rounds):
    """the right answer with the other sign"""
    return rounds(gradient, n_rounds, scale=-1.0)


@alike.mistake(hint="The division comes before the rounds, once. Yours divides what comes out of them a second time.")
def divided_in_the_end(gradient, n_rounds):
    """an answer that is divided by its norm once more"""
    found = rounds(gradient, n_rounds)
    return found / np.linalg.norm(found)


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
