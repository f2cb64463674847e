"""What reaches what in attention: plain to see from its formula, mask and all."""

import numpy as np
import pytest

from course_lib.lab.widgets.computation import Step, run
from course_lib.lab.widgets.reach import Reach


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


STEPS = [
    Step("scores", "Q Kᵀ", lambda Q, K: Q @ K.T),
    Step("masked", "−∞ where hidden", lambda scores, mask: np.where(mask, scores, -np.inf)),
    Step("weights", "softmax", lambda masked: softmax(masked)),
    Step("out", "weights V", lambda weights, V: weights @ V),
]


def reach_of(mask):
    zeros = {name: np.zeros((3, 2)) for name in "QKV"}  # where every product hides what it depends on
    return Reach(STEPS, run(STEPS, {**zeros, "mask": mask}))


@pytest.fixture(scope="module")
def causal():
    return reach_of(np.tril(np.ones((3, 3), dtype=bool)))


def rows(*numbers, of=3, width=2):
    lit = np.zeros((of, width), dtype=bool)
    lit[list(numbers)] = True
    return lit


def test_an_output_is_reached_by_its_query_and_the_keys_it_may_see(causal):
    lit = causal.into(("out", (1, 0)))
    np.testing.assert_array_equal(lit["Q"], rows(1))
    np.testing.assert_array_equal(lit["K"], rows(0, 1))
    np.testing.assert_array_equal(lit["V"], rows(0, 1) & np.array([True, False]))
    two_of_row_one = rows(1, width=3) & np.array([True, True, False])
    for name in ("scores", "masked", "weights"):
        np.testing.assert_array_equal(lit[name], two_of_row_one, err_msg=name)
    assert not lit["out"].any()


def test_the_first_token_depends_on_no_key(causal):
    """Of a single key the weight is 1, whatever the score: a constant, through which nothing flows."""
    lit = causal.into(("out", (0, 1)))
    assert [name for name, cells in lit.items() if cells.any()] == ["V"]


def test_without_a_mask_every_token_is_reached(causal):
    lit = reach_of(np.ones((3, 3), dtype=bool)).into(("out", (1, 0)))
    np.testing.assert_array_equal(lit["Q"], rows(1))
    assert lit["K"].all() and lit["V"][:, 0].all() and not lit["V"][:, 1].any()


def test_forwards_it_is_the_same_relation(causal):
    for name, cells in causal.out_of(("V", (2, 0))).items():
        np.testing.assert_array_equal(np.argwhere(cells), [[2, 0]] if name == "out" else np.empty((0, 2)))
    assert causal.out_of(("K", (1, 0)))["out"][1:].all() and not causal.out_of(("K", (1, 0)))["out"][0].any()


def test_scalars_and_dead_ends():
    steps = [Step("y", "relu", lambda x: np.maximum(x, 0)), Step("loss", "Σ y", lambda y: y.sum())]
    reach = Reach(steps, run(steps, {"x": np.array([3.0, -3.0])}))
    assert reach.into(("loss", ()))["x"].tolist() == [True, False]
    assert reach.into(("loss", ()))["y"].tolist() == [True, False]
    assert bool(reach.out_of(("x", (0,)))["loss"])
