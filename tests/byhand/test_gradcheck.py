import numpy as np
import pytest
import torch

from course_lib.byhand.gradcheck import compare, comparison_table, numerical_gradient, relative_error, verdict


def f(x):
    return float((np.sin(x) * x[0]).sum())


def test_numerical_gradient_equals_torchs():
    x = np.random.default_rng(0).normal(size=(3, 4))
    theirs = torch.tensor(x, requires_grad=True)
    (torch.sin(theirs) * theirs[0]).sum().backward()
    mine = numerical_gradient(f, x)
    np.testing.assert_allclose(mine, theirs.grad.numpy(), rtol=0, atol=1e-9)


def test_what_is_nudged_is_a_copy():
    x = np.arange(3.0)
    before = x.copy()
    numerical_gradient(f, x)
    np.testing.assert_array_equal(x, before)
    assert numerical_gradient(lambda v: float(v**2), np.array(3)).shape == ()  # whole numbers and shape () too


def test_its_error_falls_with_the_square_of_h():
    x = np.array([0.7, -1.3])
    exact = np.exp(x)
    errors = [np.abs(numerical_gradient(lambda v: np.exp(v).sum(), x, h) - exact).max() for h in (1e-2, 1e-3)]
    assert errors[0] / errors[1] == pytest.approx(100, rel=0.01)


@pytest.mark.parametrize(("a", "b", "error"), [
    ([1.0, 2.0], [1.0, 2.0], 0.0),
    ([0.0, 0.0], [0.0, 0.0], 0.0),
    ([1.0, 2.0], [1.0, 2.2], 0.2 / 2.2),
    ([-4.0, 1e-9], [-4.0, 0.0], 2.5e-10),
    ([1.0], [[1.0]], np.inf),
    ([np.nan], [np.nan], np.inf),
    ([], [], 0.0),
])
def test_relative_error(a, b, error):
    assert relative_error(a, b) == pytest.approx(error)


def test_nothing_is_equal_to_zeros():
    assert relative_error(np.zeros(3), np.full(3, 1e-30)) == 1


@pytest.mark.parametrize(("error", "word"), [(0, "exact"), (1e-12, "exact"), (1e-8, "close"), (1e-4, "wrong"),
                                             (np.inf, "wrong")])
def test_verdicts(error, word):
    assert verdict(error) == word


def test_compare_names_each_gradient():
    g = np.arange(4.0)
    ours, theirs = {"x": g, "z": g * (1 + 1e-7), "W": -g}, {"x": g, "z": g, "W": g, "extra": g}
    assert compare(ours, theirs) == {"x": "exact", "z": "close", "W": "wrong"}
    lines = comparison_table(ours, theirs).splitlines()
    assert lines[0].split() == ["gradient", "shape", "largest", "verdict"]
    assert lines[3].split() == ["dW", "(4,)", "3.0e+00", "wrong"]


def test_compare_wants_both_sides():
    with pytest.raises(ValueError, match="nothing to compare W with; there is x"):
        compare({"x": 1.0, "W": 1.0}, {"x": 1.0})
