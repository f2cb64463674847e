"""Exercise 04.5: the gradients of layer norm, by its input, gain and shift."""

import numpy as np
import torch

from course_lib.classroom.checking.exercise import Exercise

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


@norm.probe(axes="dz as z; dgain and dshift as gain")
def another_eps(ns, rng):
    """eps = 0.5"""
    dn, z, gain = some_rows(rng, 3, 4)
    return ns["norm_backward"](dn, z / 3, gain, 0.5)


@norm.probe(axes="dz as z; dgain and dshift as gain")
def equal_numbers(ns, rng):
    """a row of equal numbers, and eps = 0.04"""
    dn, _, gain = some_rows(rng, 2, 3)
    return ns["norm_backward"](dn, np.array([[2.0, 2.0, 2.0], [0.0, 1.0, 5.0]]), gain, 0.04)


@norm.probe(axes="dz as z; dgain and dshift as gain")
def one_row(ns, rng):
    """a single row"""
    return ns["norm_backward"](*some_rows(rng, 1, 6))


@norm.probe(axes="dz as z; dgain and dshift as gain")
def far_from_zero(ns, rng):
    """rows of numbers near ten million"""
    dn, z, gain = some_rows(rng, 2, 4)
    return ns["norm_backward"](dn, z + 1e7, gain)


@norm.probe(hidden=True)
def any_huge_rows(ns, rng):
    """any rows of huge numbers"""
    dn, z, gain = some_rows(rng, 3, 5)
    return ns["norm_backward"](dn, z + rng.uniform(1e7, 4e7), gain)


@norm.probe(hidden=True, points=2)
def any_rows(ns, rng):
    """any rows"""
    dn, z, gain = some_rows(rng, int(rng.integers(3, 6)), int(rng.integers(6, 9)))
    return ns["norm_backward"](dn, z / 3, gain, float(rng.uniform(0.2, 1.0)))


@norm.property(B=(1, 4), n=(3, 7))
def a_shift_of_the_row_changes_nothing(ns, B, n):
    """each row of dz sums to zero"""
    dz, _, _ = ns["norm_backward"](*some_rows(np.random.default_rng(B + 10 * n), B, n))
    return np.asarray(dz).sum(axis=1), np.zeros(B)


def normed(dn, z, gain, eps=1e-5, *, axis=1, ddof=0, mean=1.0, stretch=1.0, use_gain=True, power=1, sums=np.sum, outside=0.0, hat=True,
           spread=None, hat_by=None):
    """The right gradients with some things made wrong; spread: in place of s; hat_by: what ẑ is divided by, not s."""
    s = np.sqrt(z.var(axis=axis, keepdims=True, ddof=ddof) + eps) + outside if spread is None else spread
    z_hat = (z - z.mean(axis=axis, keepdims=True)) / (s if hat_by is None else hat_by)
    d = dn * gain if use_gain else dn
    dz = d - mean * d.mean(axis=axis, keepdims=True) - stretch * z_hat * (d * z_hat).mean(axis=axis, keepdims=True)
    return dz / s**power, sums(dn * (z_hat if hat else z), axis=0), sums(dn, axis=0)


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
    return normed(dn, z, gain, eps, power=0)


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
    return normed(dn, z, gain, eps, sums=lambda rows, axis: rows)


@norm.mistake(hint="dz is divided by s, the root; s² is the variance.")
def divided_by_the_variance(dn, z, gain, eps=1e-5):
    """a gradient that is divided by the variance, not by its root"""
    return normed(dn, z, gain, eps, power=2)


@norm.mistake(hint="Gain and shift get what all rows say together: a sum, not a mean.")
def gains_of_the_mean(dn, z, gain, eps=1e-5):
    """gradients of gain and shift that are means over the examples"""
    return normed(dn, z, gain, eps, sums=np.mean)


@norm.mistake(hint="The gain is multiplied by ẑ, not by z.")
def gain_by_z(dn, z, gain, eps=1e-5):
    """a gradient of the gain made with z in place of ẑ"""
    return normed(dn, z, gain, eps, hat=False)


@norm.mistake(hint="Means of the row are taken away, not sums: divide both by F.")
def sums_in_place_of_means(dn, z, gain, eps=1e-5):
    """sums of the row taken away where means belong"""
    return normed(dn, z, gain, eps, mean=z.shape[1], stretch=z.shape[1])


@norm.mistake(hint="s = √(var + ε): without ε, a row of equal numbers is 0 / 0.")
def without_eps(dn, z, gain, eps=1e-5):
    """a spread without the ε"""
    with np.errstate(all="ignore"):
        return normed(dn, z, gain, 0.0)


@norm.mistake(hint="s = √(var + ε): the ε stands under the root.")
def eps_outside(dn, z, gain, eps=1e-5):
    """an ε outside the root"""
    return normed(dn, z, gain, 0.0, outside=eps)


@norm.mistake(hint="eps is an argument: it need not be 1e-5.")
def always_one_eps(dn, z, gain, eps=1e-5):
    """1e-5, whatever eps was given"""
    return normed(dn, z, gain, 1e-5)


@norm.mistake(hint="The three are wanted in the order dz, dgain, dshift.")
def other_order(dn, z, gain, eps=1e-5):
    """dshift, dgain, dz: the order in which one meets them"""
    return normed(dn, z, gain, eps)[::-1]


def with_terms(dn, z, gain, eps, dz, dgain=None, dshift=None, centre=True, root=True):
    """The right gradients, with dz(d, z_hat, s), and the two others, made another way."""
    c = z - z.mean(axis=1, keepdims=True) if centre is True else z - centre
    var = (c**2).mean(axis=1, keepdims=True) + eps
    s = np.sqrt(var) if root else var
    h, d = c / s, dn * gain
    return dz(d, h, s), (dn * h if dgain is None else dgain(d, h, c)).sum(axis=0), (dn if dshift is None else dshift(d)).sum(axis=0)


def mean(rows):
    return rows.mean(axis=1, keepdims=True)


def right_dz(d, h, s):
    return (d - mean(d) - h * mean(d * h)) / s


@norm.mistake(hint="The part along ẑ is taken away, like the mean: a minus.")
def stretch_added(dn, z, gain, eps=1e-5):
    """a gradient whose part along ẑ was added, not taken away"""
    return normed(dn, z, gain, eps, stretch=-1.0)


@norm.mistake(hint="The part along ẑ is taken away once: its factor is 1. (The 2 of the square and the ½ of the root make 1.)")
def stretch_twice(dn, z, gain, eps=1e-5):
    """a gradient whose part along ẑ was taken away twice"""
    return normed(dn, z, gain, eps, stretch=2.0)


@norm.mistake(hint="The part along ẑ is ẑ times a mean: dẑ · ẑ is averaged over the row before it is multiplied by ẑ.")
def stretch_without_its_mean(dn, z, gain, eps=1e-5):
    """a gradient whose part along ẑ is each number's own dẑ · ẑ, or its mean without the ẑ before it"""
    return with_terms(dn, z, gain, eps, lambda d, h, s: (d - mean(d) - mean(d * h)) / s)


@norm.mistake(hint="The part along ẑ: ẑ · mean(dẑ · ẑ). The ẑ before the mean is missing.")
def stretch_without_z_hat(dn, z, gain, eps=1e-5):
    """a gradient whose part along ẑ lacks a ẑ and its mean"""
    return with_terms(dn, z, gain, eps, lambda d, h, s: (d - mean(d) - d * h) / s)


@norm.mistake(hint="The part along ẑ: ẑ · mean(dẑ · ẑ). Inside the mean, a ẑ is missing.")
def stretch_by_the_mean(dn, z, gain, eps=1e-5):
    """a gradient whose part along ẑ has the mean of dẑ in place of that of dẑ · ẑ"""
    return with_terms(dn, z, gain, eps, lambda d, h, s: (d - mean(d) - h * mean(d)) / s)


@norm.mistake(hint="Everything in dz is divided by s: a row that is spread widely is moved little by a nudge.")
def times_s(dn, z, gain, eps=1e-5):
    """a gradient that is multiplied by the spread"""
    return normed(dn, z, gain, eps, power=-1)


@norm.mistake(hint="The gain is multiplied by ẑ, and dn arrives behind it: dgain is dn · ẑ. The gain itself is not in it.")
def gain_in_its_own_gradient(dn, z, gain, eps=1e-5):
    """a gradient of the gain that has passed the gain"""
    return with_terms(dn, z, gain, eps, right_dz, dgain=lambda d, h, c: d * h)


@norm.mistake(hint="The shift is added last: dn arrives at it as it is, and has not passed the gain.")
def gain_in_the_gradient_of_the_shift(dn, z, gain, eps=1e-5):
    """a gradient of the shift that has passed the gain"""
    return with_terms(dn, z, gain, eps, right_dz, dshift=lambda d: d)


@norm.mistake(hint="The gain is multiplied by ẑ, which is divided by s.")
def gain_by_the_centred(dn, z, gain, eps=1e-5):
    """a gradient of the gain made with z − μ in place of ẑ"""
    return with_terms(dn, z, gain, eps, right_dz, dgain=lambda d, h, c: dn * c)


@norm.mistake(hint="gain and shift are (F,), one for each column: sum over the examples, axis 0.")
def gains_summed_along_the_rows(dn, z, gain, eps=1e-5):
    """gradients of gain and shift that are summed along the rows"""
    return normed(dn, z, gain, eps, sums=lambda rows, axis: rows.sum(axis=1))


@norm.mistake(hint="The gain comes before the means: dẑ = dn · gain first, then its mean and its part along ẑ are taken away.")
def gain_at_the_end(dn, z, gain, eps=1e-5):
    """a gradient that passes the gain last, after its mean was taken away"""
    dz, *others = normed(dn, z, gain, eps, use_gain=False)
    return dz * gain, *others


@norm.mistake(hint="The gain is passed once.")
def gain_twice(dn, z, gain, eps=1e-5):
    """a gradient that has passed the gain twice"""
    dz, *others = normed(dn, z, gain, eps)
    return dz * gain, *others


@norm.mistake(hint="Each row has its own mean: over its F numbers, keepdims=True.")
def one_mean_for_all(dn, z, gain, eps=1e-5):
    """one mean for all rows"""
    return with_terms(dn, z, gain, eps, right_dz, centre=z.mean())


@norm.mistake(hint="ẑ is (z − μ)/s: take the mean away first. Without it, that is RMS norm.")
def never_centred(dn, z, gain, eps=1e-5):
    """a ẑ from which the mean was never taken away"""
    return with_terms(dn, z, gain, eps, right_dz, centre=0.0)


@norm.mistake(hint="s is the root of the variance. Where is yours?")
def root_forgotten(dn, z, gain, eps=1e-5):
    """the variance in place of its root"""
    return with_terms(dn, z, gain, eps, right_dz, root=False)


@norm.mistake(hint="dn arrives behind the gain. dgain and dshift take it as it came; only the way to ẑ passes the gain.")
def everything_past_the_gain(dn, z, gain, eps=1e-5):
    """gradients of gain and shift that have passed the gain already"""
    dz, _, _ = normed(dn, z, gain, eps)
    _, dgain, dshift = normed(dn * gain, z, gain, eps)
    return dz, dgain, dshift


@norm.mistake(hint="ẑ is divided by the same s as everything, with ε under its root.")
def hat_without_eps(dn, z, gain, eps=1e-5):
    """a ẑ that is divided by the spread without ε"""
    with np.errstate(all="ignore"):
        return normed(dn, z, gain, eps, hat_by=z.std(axis=1, keepdims=True))


@norm.mistake(hint="The mean of squares less the square of the mean: of two huge numbers no digit is left. First take the mean away.")
def spread_of_huge_numbers(dn, z, gain, eps=1e-5):
    """right, until the mean is so large that mean(z²) − mean(z)² has no digits left"""
    square = (z * z).mean(axis=1, keepdims=True) - z.mean(axis=1, keepdims=True) ** 2
    return normed(dn, z, gain, eps, spread=np.sqrt(np.maximum(square, 0) + eps))


@norm.forbid("course_lib.byhand.functional.layer_norm_backward")
def _(call, dn, z, gain, eps=1e-5):
    return call(dn, z, gain, eps)


@norm.forbid("torch.nn.functional.layer_norm")
def _(call, dn, z, gain, eps=1e-5):
    leaves = [torch.tensor(z, requires_grad=True), torch.tensor(gain, requires_grad=True),
              torch.zeros(len(gain), dtype=torch.float64, requires_grad=True)]
    (call(leaves[0], gain.shape, *leaves[1:], eps) * torch.tensor(dn)).sum().backward()
    return tuple(leaf.grad.numpy() for leaf in leaves)


def on_tape(dn, z, gain, eps):
    """Three leaves, and the number whose gradients by them are asked for."""
    leaves = [torch.tensor(z, requires_grad=True), torch.tensor(gain, requires_grad=True),
              torch.zeros(len(gain), dtype=torch.float64, requires_grad=True)]
    spread = (leaves[0].var(dim=1, keepdim=True, correction=0) + eps).sqrt()
    out = (leaves[0] - leaves[0].mean(dim=1, keepdim=True)) / spread * leaves[1] + leaves[2]
    return leaves, (out * torch.tensor(dn)).sum()


@norm.forbid("torch.autograd.backward")
def _(call, dn, z, gain, eps=1e-5):
    leaves, total = on_tape(dn, z, gain, eps)
    call(total)
    return tuple(leaf.grad.numpy() for leaf in leaves)


@norm.forbid("torch.autograd.grad")
def _(call, dn, z, gain, eps=1e-5):
    leaves, total = on_tape(dn, z, gain, eps)
    return tuple(slope.numpy() for slope in call(total, leaves))
