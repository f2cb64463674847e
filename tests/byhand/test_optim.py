"""The updates of byhand.optim equal torch.optim's over a thousand steps, in float64."""

import numpy as np
import pytest
import torch

from course_lib.byhand.optim import SGD, AdamW

START = {"W": np.random.default_rng(0).normal(size=(3, 2)), "b": np.array([0.5, -2.0])}


def gradients(params, t):
    """Of a loss with valleys, plus noise that both sides share."""
    rng = np.random.default_rng(t)
    return {name: np.sin(p) + 0.3 * p + rng.normal(size=np.shape(p)) for name, p in params.items()}


@pytest.mark.parametrize(("ours", "theirs", "settings"), [
    (SGD, torch.optim.SGD, {"lr": 0.1}),
    (SGD, torch.optim.SGD, {"lr": 0.05, "momentum": 0.9}),
    (AdamW, torch.optim.AdamW, {}),
    (AdamW, torch.optim.AdamW, {"lr": 0.02, "betas": (0.8, 0.95), "eps": 1e-4, "weight_decay": 0.3}),
])
def test_a_thousand_steps(ours, theirs, settings):
    mine = {name: p.copy() for name, p in START.items()}
    leaves = {name: torch.tensor(p, requires_grad=True) for name, p in START.items()}
    a, b = ours(mine, **settings), theirs(leaves.values(), **settings)
    for t in range(1000):
        grads = gradients(mine, t)
        for name, leaf in leaves.items():
            leaf.grad = torch.tensor(grads[name])
        a.step(grads)
        b.step()
    for name, leaf in leaves.items():
        assert np.abs(mine[name] - START[name]).max() > 0.1
        np.testing.assert_allclose(mine[name], leaf.detach().numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("optimizer", [SGD, AdamW])
def test_arrays_change_in_place_and_other_gradients_are_ignored(optimizer):
    params = {"W": np.ones(2)}
    held = params["W"]
    optimizer(params, lr=0.1).step({"W": np.ones(2), "z": np.ones(5)})
    assert held is params["W"] and (held < 1).all()


@pytest.mark.parametrize("optimizer", [SGD, AdamW])
@pytest.mark.parametrize(("grads", "message"), [({}, "is nothing"), ({"W": np.ones((2, 1))}, r"is shape \(2, 1\)")])
def test_wrong_gradients_are_refused(optimizer, grads, message):
    params = {"W": np.ones(2)}
    with pytest.raises(ValueError, match=message):
        optimizer(params, lr=0.1).step(grads)
    assert (params["W"] == 1).all()


@pytest.mark.parametrize("optimizer", [SGD, AdamW])
def test_doors(optimizer):
    with pytest.raises(ValueError, match="lr=-0.1 must be positive"):
        optimizer({"W": np.ones(2)}, lr=-0.1)
    with pytest.raises(ValueError, match="whole numbers"):
        optimizer({"W": np.ones(2, dtype=int)}, lr=0.1)
