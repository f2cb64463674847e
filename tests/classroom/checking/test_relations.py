"""Every relation is named when it is there, over drawn arguments, and nothing is named for noise."""

import numpy as np
import pytest

from course_lib.classroom.checking.cases import Case
from course_lib.classroom.checking.changed import along, of_each_number, over
from course_lib.classroom.checking.rearranged import lost_moves, moves
from course_lib.classroom.checking.relations import relation, small_relation

SEEDS = range(3)
POSITIVE = ("root", "logarithm", "ln(")


def some(seed, n_axes, *, positive=False, n=2):
    """n arrays of numbers of many digits, of drawn shapes; no two axes alike, so that each is told from the others."""
    rng = np.random.default_rng(seed)
    shapes = [sorted(rng.choice(np.arange(3, 8), n_axes, replace=False).tolist()) for _ in range(n)]
    arrays = [rng.normal(size=shape) for shape in shapes]
    return [np.abs(array) + 0.1 if positive else array for array in arrays]


def said(expected, change, sizes=None):
    sizes = sizes or [{} for _ in expected]
    return relation([Case(x, np.asarray(change(x)), s) for x, s in zip(expected, sizes, strict=True)])


def every(n_axes, found):
    return [pytest.param(n_axes, text, change, id=f"{n_axes} axes: {text}") for text, change in found]


VALUES = [one for n in (0, 1, 2) for one in every(n, of_each_number()) if "True" not in one.values[1]]
LINES = [one for n in (1, 2, 3) for one in every(n, along(n))]
PLACES = [one for n in (1, 2, 3) for one in every(n, moves(n))]
FEWER = [one for n in (1, 2, 3) for one in every(n, over(n))]


@pytest.mark.parametrize(("n_axes", "text", "change"), VALUES + LINES)
def test_what_was_done_to_the_numbers_is_named(n_axes, text, change):
    for seed in SEEDS:
        expected = some(seed, n_axes, positive=any(word in text for word in POSITIVE), n=2 if n_axes else 12)
        if "whole numbers" in text or "largest so far" in text:
            expected = [100 * array for array in expected]
        found = said(expected, change)
        assert found, (seed, text)
        assert text in found or said_alike(expected, change, found), (seed, found)


def said_alike(expected, change, found):
    """Whether another name was given that is true as well: all tables of changes are asked for it."""
    n_axes = expected[0].ndim
    tables = [*of_each_number(), *(along(n_axes) if n_axes else ()), *moves(n_axes), *over(n_axes)]
    known = [other for name, other in tables if name in found]
    with np.errstate(all="ignore"):
        return any(all(np.allclose(other(x), change(x)) for x in expected) for other in known)


@pytest.mark.parametrize(("n_axes", "text", "change"), PLACES)
def test_what_stands_elsewhere_is_named(n_axes, text, change):
    for seed in SEEDS:
        expected = some(seed, n_axes)
        found = said(expected, change)
        assert text in found or said_alike(expected, change, found), (seed, found)


@pytest.mark.parametrize(("n_axes", "text", "change"), FEWER)
def test_an_axis_that_is_lost_or_should_be(n_axes, text, change):
    for seed in SEEDS:
        numbers = some(seed, n_axes, n=4)
        assert text in said(numbers, change)
        got = [Case(np.asarray(change(x)), x) for x in numbers]
        assert relation(got) == f"what is expected is {text} in yours"


@pytest.mark.parametrize("n_axes", [1, 2, 3])
def test_a_place_too_late_too_many_too_few(n_axes):
    for text, kept, stands in lost_moves(n_axes):
        for seed in SEEDS:
            rng = np.random.default_rng(seed)
            cases = []
            for x in some(seed, n_axes):
                part = kept(x)
                same = part.shape != x.shape and "less" not in text
                got = rng.normal(size=x.shape if same else _longer(x, stands, part))
                stands(got)[...] = part
                cases.append(Case(x, got))
            assert relation(cases) == f"yours is what is expected, {text}", seed


def _longer(x, stands, part):
    """The shape of which `stands` leaves as much as `part` has."""
    axes = range(x.ndim)
    changes = [(axis, more) for axis in axes for more in (1, -1)]
    shapes = [tuple(n + more * (a == axis) for a, n in enumerate(x.shape)) for axis, more in changes]
    return next(shape for shape in shapes if stands(np.empty(shape)).shape == part.shape)


def test_rows_in_another_order_and_a_number_of_its_own_for_each():
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        rows = [rng.permutation(np.arange(len(x)).repeat(1)) for x in some(seed, 2)]
        rows = [np.array([1, 0, *range(2, len(order))]) for order in rows]
        cases = [Case(x, x[order]) for x, order in zip(some(seed, 2), rows, strict=True)]
        assert relation(cases) in (f"yours is what is expected, with its rows {how}" for how in
                                   ("in another order", "one place later, round the end"))
        wide = [rng.normal(size=(2, 9)), rng.normal(size=(3, 8))]
        told = "each row of yours is right but for a number of its own, which all of it is"
        assert said(wide, lambda x: x * np.arange(2, 2 + len(x))[:, None]) == f"{told} multiplied by"
        assert said(wide, lambda x: x + np.arange(2, 2 + len(x))[:, None]) == f"{told} moved by"
        assert "the right order, but the shape (18,) in place of (2, 9)" in said(wide, np.ravel)


@pytest.mark.parametrize("seed", SEEDS)
def test_factors_and_what_was_added(seed):
    rng = np.random.default_rng(seed)
    sizes = [{"D": 8.0, "`n_embd`": 64.0}, {"D": 5.0, "`n_embd`": 48.0}]
    expected = some(seed, 2)
    for factor, words in (
        (lambda s: np.sqrt(s["D"]), "yours is √D times too large (D = 8 and 5)"),
        (lambda s: 1 / s["D"], "yours is D times too small (D = 8 and 5)"),
        (lambda s: s["D"] * s["`n_embd`"], "yours is D · `n_embd` times too large"),
        (lambda s: -s["D"], "yours is −D times what is expected"),
        (lambda s: s["D"] / (s["D"] - 1), "yours is D / (D − 1) times too large"),
        (lambda s: -1.0, "the sign is wrong"),
        (lambda s: 0.5, "yours is 2 times too small"),
        (lambda s: np.log(2), "natural logarithm in place of the one to base 2"),
        (lambda s: 1 / np.log(10), "to base 10 in place of the natural one"),
        (lambda s: 0.37, "yours is 0.37 times what is expected, everywhere"),
    ):
        cases = [Case(x, factor(s) * x, s) for x, s in zip(expected, sizes, strict=True)]
        assert words in relation(cases)
        assert words in relation([Case(case.expected.astype(np.float32), case.got, case.sizes) for case in cases])
    assert said(expected, lambda x: x + 1) == "yours is 1 too large"
    counts = [np.array(int(rng.integers(10**5, 10**7))) for _ in sizes]
    lacking = [Case(n, n - 2 * int(s["D"] * s["`n_embd`"]), s) for n, s in zip(counts, sizes, strict=True)]
    assert "yours is too small by 2 D · `n_embd`" in relation(lacking)


def noise(rng, kind, x):
    if kind == "other numbers":
        return rng.normal(size=x.shape)
    if kind == "a little beside":
        return x + 0.1 * rng.normal(size=x.shape)
    if kind == "one wrong":
        wrong = x.copy()
        wrong.flat[rng.integers(x.size)] += rng.normal()
        return wrong
    if kind == "all alike":
        return np.full(x.shape, rng.choice([0.0, 1.0, rng.normal()]))
    if kind == "another shape":
        return rng.normal(size=(*x.shape, 2))
    return rng.integers(0, 5, x.shape).astype(float)


@pytest.mark.parametrize("kind", ["other numbers", "a little beside", "one wrong", "all alike", "another shape", "few"])
@pytest.mark.parametrize("what", ["floats", "small numbers", "scalars", "counts", "booleans"])
def test_nothing_is_named_for_noise(kind, what):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        shapes = [(), (3,), (6,), (2, 2), (3, 4), (2, 3, 2)] if what != "scalars" else [()]
        chosen = shapes[rng.integers(len(shapes))]
        draws = {
            "floats": lambda s, r: r.normal(size=s), "scalars": lambda s, r: r.normal(size=s),
            "small numbers": lambda s, r: r.integers(0, 4, s), "counts": lambda s, r: r.integers(10**3, 10**6, s),
            "booleans": lambda s, r: r.random(s) < 0.5,
        }
        expected = [np.asarray(draws[what](chosen, rng)) for _ in range(3)]
        drawn = rng.integers(2, 9, (3, 2)).astype(float)
        sizes = [{"D": D, "S": S, "`lr`": rng.random()} for D, S in drawn]
        got = [np.asarray(noise(rng, kind, x.astype(float))) for x in expected]
        if what in ("small numbers", "counts"):
            far = 1000 if what == "counts" else 1
            got = [np.round(x + rng.integers(far, size=x.shape)).astype(int) for x in got]
        if what == "booleans":
            got = [x > 0.5 for x in got]
        found = relation([Case(x, y, s) for x, y, s in zip(expected, got, sizes, strict=True)])
        assert not found, (seed, found, expected, got)


def test_constants_zeros_and_single_numbers_tell_nothing():
    for x in (np.zeros((3, 4)), np.ones((3, 4)), np.full(5, 0.25), np.array(3.7), np.array([1.0, 0.0])):
        for change in (lambda x: 2 * x, lambda x: -x, lambda x: x + 1, lambda x: x[..., ::-1] if x.ndim else x,
                       lambda x: 1 - x):
            assert not said([x, x], change), (x, change(x))


def test_small_relations_are_factors_and_orders():
    x = some(0, 2)
    assert small_relation([Case(one, -one) for one in x]).startswith("the sign is wrong")
    assert "in another order" in small_relation([Case(one, one[::-1]) for one in x])
    assert small_relation([Case(one, one**2) for one in x]) == ""


def test_masks():
    causal = [np.tril(np.ones((n, n), dtype=bool)) for n in (4, 6)]
    assert said(causal, np.transpose) == "yours is what is expected, transposed"
    assert said(causal, np.logical_not) == "yours is what is expected, with True and False exchanged"
    assert said(causal, lambda x: np.ones_like(x)) == ""


@pytest.mark.parametrize("noise", [0.0, 1e-9, -1e-9])
def test_numbers_cut_off_are_named_though_one_was_whole_but_for_rounding(noise):
    expected = [np.array([2.477, 0.0, 2.293, 0.5, 3.784]), np.array([2.0 + noise, 16.0 + noise])]
    got = [np.trunc(array) for array in expected]
    got[1] = np.trunc(expected[1] - 1e-8)  # the student's rounding is another one
    assert "cut off to whole numbers" in relation([Case(a, b) for a, b in zip(expected, got, strict=True)])


def test_whole_numbers_alone_are_no_numbers_cut_off():
    assert "cut off" not in relation([Case(np.array([0.4, 0.3, 0.2, 0.7]), np.zeros(4))])
    assert "cut off" not in relation([Case(np.array([1.4, 2.3, 3.2, 1.7]), np.array([1.0, 2.0, 2.0, 1.0]))])
    assert "cut off" not in relation([Case(np.array([1.4, 0.3, 0.2, 0.7]), np.array([1.0, 0.0, 0.0, 0.0]))])


@pytest.mark.parametrize("seed", range(150))
def test_whatever_kinds_come_together_nothing_breaks(seed):
    """Truths among numbers, whole ones among broken ones, nan, empty ones and other shapes: a sentence, or none."""
    rng = np.random.default_rng(seed)
    kinds = (bool, np.int64, np.uint8, np.float32, np.float64)

    def some():
        array = (3 * rng.normal(size=tuple(rng.integers(0, 4, int(rng.integers(0, 4)))))).astype(rng.choice(kinds))
        if array.dtype.kind == "f" and array.size and rng.random() < 0.3:
            array.flat[0] = rng.choice([np.nan, np.inf, -np.inf])
        return array

    def beside(array):
        turned = lambda: np.atleast_1d(array)[::-1]  # noqa: E731
        ways = (array.copy, lambda: np.trunc(array), lambda: array.astype(bool), turned, some)
        return ways[rng.integers(0, 5)]()

    cases = [Case(x, np.asarray(beside(x)), {"N": 3.0}) for x in (some() for _ in range(int(rng.integers(1, 5))))]
    with np.errstate(all="ignore"):
        assert isinstance(relation(cases), str) and isinstance(small_relation(cases), str)


def test_what_agrees_is_in_no_other_order():
    """Beside an array without numbers, of another shape: nothing can be said of either."""
    full, cases = np.arange(9.0).reshape(3, 3), [Case(np.zeros((0, 4)), np.zeros(0))]
    assert relation([Case(full, full)]) == relation([Case(full, full), *cases]) == relation(cases) == ""
