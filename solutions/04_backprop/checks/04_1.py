"""Exercise 04.1: tanh and its gradient, for numbers of any size."""

import numpy as np
import torch

from course_lib.classroom.checking.exercise import Exercise

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


@tanh.probe()
def small_slopes(ns, rng):
    """numbers of five to eleven, where little of a large dy comes through"""
    return ns["bend"](np.array([5.5, -6.0, 8.0, 11.0]), np.array([1e5, 2e5, -1e6, 1e9]))


@tanh.probe()
def only_huge(ns, rng):
    """huge numbers only: no slope is left"""
    return ns["bend"](np.array([1000.0, -800.0]), np.array([1e4, 1e4]))


@tanh.probe()
def both_zeros(ns, rng):
    """a single zero"""
    return ns["bend"](np.array([[0.0]]), np.array([[3.0]]))


@tanh.probe(hidden=True)
def any_numbers(ns, rng):
    """any numbers"""
    return ns["bend"](rng.normal(size=(3, 4)), rng.normal(size=(3, 4)))


@tanh.probe(hidden=True)
def huge_and_small(ns, rng):
    """huge numbers beside small ones"""
    z = np.concatenate([rng.normal(size=4), rng.uniform(800, 3000, 2), rng.uniform(-3000, -800, 2), [0.0]])
    few = rng.uniform(10.5, 12, 3)  # where little of a large dy comes through
    return [ns["bend"](z, rng.normal(size=9)), ns["bend"](few, 1e9 * rng.uniform(1, 2, 3))]


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


@tanh.mistake(hint="From y = tanh z, the slope is 1 − y². Where did the square go?")
def slope_without_the_square(z, dy):
    """the slope 1 − y, without the square"""
    y = plain_tanh(z)
    return y, dy * (1 - y)


@tanh.mistake(hint="At 0 tanh is steepest: its slope there is 1. Which sign has y², and what is it taken from?")
def slope_is_the_square(z, dy):
    """the slope y² in place of 1 − y²"""
    y = plain_tanh(z)
    return y, dy * y * y


@tanh.mistake(hint="Stretch the sigmoid by two and shift it, and it is tanh of z / 2. Which sigmoid do you need?")
def of_half_of_z(z, dy):
    """tanh of z / 2"""
    y = plain_tanh(z / 2)
    return y, dy * (1 - y * y)


@tanh.mistake(hint="Stretch the sigmoid by two and shift it, and it is tanh of z / 2. Which sigmoid do you need?")
def of_half_of_z_and_its_slope(z, dy):
    """tanh of z / 2, and its slope"""
    y = plain_tanh(z / 2)
    return y, dy * (1 - y * y) / 2


@tanh.mistake(hint="tanh(−z) = −tanh(z). Your exponentials ask |z|; who puts the sign back?")
def without_the_sign(z, dy):
    """tanh of |z|: the sign was never put back"""
    y = abs(plain_tanh(z))
    return y, dy * (1 - y * y)


@tanh.mistake(hint="inf / inf is no zero: tanh of 1000 is 1. Let the exponential not overflow in the first place.")
def zeros_for_nan(z, dy):
    """zeros where the formula overflows"""
    y = np.nan_to_num(as_printed(z, dy)[0])
    return y, dy * (1 - y * y)


@tanh.mistake(hint="inf / inf is no zero: tanh of 1000 is 1. Let the exponential not overflow in the first place.")
def zeros_for_nan_twice(z, dy):
    """zeros where the formula overflows, for the slope as well"""
    y, dz = as_printed(z, dy)
    return np.nan_to_num(y), np.nan_to_num(dz)


@tanh.mistake(hint="tanh(5) is not yet 1: behind your limit the slope is too large. A limit at 20 or more harms nobody.")
def cut_off_at_five(z, dy):
    """tanh of numbers that are cut off at 5"""
    y = plain_tanh(np.clip(z, -5, 5))
    return y, dy * (1 - y * y)


@tanh.mistake(hint="tanh(11) is not quite 1: behind your limit there is a slope left. A limit at 20 or more harms nobody.")
def no_slope_behind_ten(z, dy):
    """right, but with no slope at all for numbers above ten"""
    y = plain_tanh(z)
    return y, np.where(abs(z) > 10, 0.0, dy * (1 - y * y))


@tanh.mistake(hint="At 0 the slope is 1, and it falls on both sides: y² is taken away from 1.")
def slope_with_a_plus(z, dy):
    """the slope 1 + y² in place of 1 − y²"""
    y = plain_tanh(z)
    return y, dy * (1 + y * y)


@tanh.mistake(hint="The slope is 1 − y², without a root: that would be for a sine.")
def slope_under_a_root(z, dy):
    """the root of the slope"""
    y = plain_tanh(z)
    return y, dy * np.sqrt(1 - y * y)


@tanh.mistake(hint="1 − y² is (1 − y)(1 + y), not (1 − y)².")
def the_difference_squared(z, dy):
    """the slope (1 − y)² in place of 1 − y²"""
    y = plain_tanh(z)
    return y, dy * (1 - y) ** 2


@tanh.mistake(hint="Along a path, derivatives multiply: dy times the slope.")
def dy_added(z, dy):
    """dy added to the slope, not multiplied by it"""
    y = plain_tanh(z)
    return y, dy + (1 - y * y)


@tanh.mistake(hint="dz is dy times the slope of tanh, not times tanh itself.")
def times_y(z, dy):
    """dy times y, in place of the slope"""
    y = plain_tanh(z)
    return y, dy * y


@tanh.mistake(hint="Each number has a slope of its own: dz has the shape of z. Nothing is summed.")
def slopes_summed(z, dy):
    """all of dz in one sum"""
    y = plain_tanh(z)
    return y, (dy * (1 - y * y)).sum()


@tanh.mistake(hint="z / |z| is 0 / 0 at zero. np.sign(0) is 0, and tanh(0) too.")
def nan_at_zero(z, dy):
    """right, but nan at zero: 0 / 0 for its sign"""
    with np.errstate(all="ignore"):
        y = z / abs(z) * abs(plain_tanh(z))
    return y, dy * (1 - y * y)


@tanh.mistake(hint="tanh(−1000) is −1, not 1. Let the exponential not overflow in the first place.")
def ones_for_nan(z, dy):
    """1 for every huge number, the negative ones too"""
    y = np.where(abs(z) > 300, 1.0, plain_tanh(z))
    return y, dy * (1 - y * y)


@tanh.mistake(hint="Each number needs its own largest exponential: beside 1000, all exponentials of small numbers are 0.")
def largest_of_all(z, dy):
    """exponentials divided by the largest of all, so that 0 / 0 is left for the small ones"""
    m = abs(z).max()
    with np.errstate(all="ignore"):
        above, below = np.exp(z - m), np.exp(-z - m)
        y = (above - below) / (above + below)
    return y, dy * (1 - y * y)


@tanh.mistake(hint="Single precision has 7 digits, and 1 − y² is smaller than that: keep float64.")
def single_precision(z, dy):
    """tanh in single precision, which loses the small slopes"""
    y = plain_tanh(z).astype(np.float32)
    return y, dy * (1 - y * y)


@tanh.mistake(hint="Return both: y, and dz = dy · (1 − y²).")
def y_alone(z, dy):
    """y alone, without dz"""
    return plain_tanh(z)


@tanh.mistake(hint="A straight line is no bend: with e = exp(−2|z|), tanh |z| = (1 − e) / (1 + e).")
def a_straight_line(z, dy):
    """a straight line, cut off at −1 and 1"""
    y = np.clip(z, -1.0, 1.0)
    return y, dy * (1 - y * y)


@tanh.mistake(hint="z / (1 + |z|) is another bend, called softsign. tanh has exponentials.")
def a_softsign(z, dy):
    """z / (1 + |z|), another bend"""
    y = z / (1 + abs(z))
    return y, dy * (1 - y * y)


@tanh.mistake(hint="tanh is odd, its slope is even: 1 − y² is the same on both sides. Only y gets the sign back.")
def the_slope_signed_too(z, dy):
    """a slope that gets the sign of z, too"""
    y = np.tanh(z)
    return y, np.sign(z) * (1 - y * y) * dy


@tanh.forbid("numpy.tanh")
def _(call, z, dy):
    y = call(z)
    return y, dy * (1 - y * y)


@tanh.forbid("course_lib.byhand.functional.tanh")
def _(call, z, dy):
    y = call(z)
    return y, dy * (1 - y * y)


@tanh.forbid("math.tanh")
def _(call, z, dy):
    y = np.array([call(one) for one in z.ravel().tolist()]).reshape(z.shape)
    return y, dy * (1 - y * y)


@tanh.forbid("torch.tanh")
def _(call, z, dy):
    y = call(torch.tensor(z)).numpy()
    return y, dy * (1 - y * y)
