r"""From gradients to better numbers: SGD with momentum, AdamW. Used in lesson 04 (backprop), derived in 05 (training).

Parameters and gradients are dicts of arrays with the same names. `step(grads)` changes the arrays in place, so that
whoever holds them (a model, a Tensor) sees the new numbers. Names and rules are those of torch.optim.
"""

from collections.abc import Mapping

import numpy as np

Arrays = Mapping[str, np.ndarray]


class SGD:
    r"""Gradient descent: $v \leftarrow \mu v + g, \quad p \leftarrow p - \text{lr}\, v$; μ is `momentum`, 0 for none.

    Polyak 1964, "Some methods of speeding up the convergence of iteration methods".
    """

    def __init__(self, params: Arrays, lr: float, *, momentum: float = 0.0):
        self.params, self.lr, self.momentum = _checked(params, lr), lr, momentum
        self.velocity = {name: np.zeros_like(p) for name, p in params.items()}

    def step(self, grads: Arrays) -> None:
        """One update of every parameter; raises ValueError where a gradient is missing or has another shape."""
        for name, p, g in _paired(self.params, grads):
            v = self.velocity[name]
            v *= self.momentum
            v += g
            p -= self.lr * v


class AdamW:
    r"""Each parameter moves by its mean gradient, measured in units of that gradient's own size.

    $$m \leftarrow \beta_1 m + (1-\beta_1) g \qquad v \leftarrow \beta_2 v + (1-\beta_2) g^2$$
    $$p \leftarrow (1 - \text{lr}\,\lambda)\,p - \text{lr}\,
      \frac{m / (1-\beta_1^t)}{\sqrt{v / (1-\beta_2^t)} + \epsilon}$$

    Kingma and Ba 2015 (arXiv 1412.6980), decoupled decay λ (Loshchilov and Hutter 2019, arXiv 1711.05101).
    """

    def __init__(self, params: Arrays, lr: float = 1e-3, *, betas: tuple[float, float] = (0.9, 0.999),
                 eps: float = 1e-8, weight_decay: float = 0.01):
        self.params, self.lr, self.weight_decay = _checked(params, lr), lr, weight_decay
        self.betas, self.eps = betas, eps
        self.mean = {name: np.zeros_like(p) for name, p in params.items()}
        self.square = {name: np.zeros_like(p) for name, p in params.items()}
        self.t = 0

    def step(self, grads: Arrays) -> None:
        """One update of every parameter; raises ValueError where a gradient is missing or has another shape."""
        self.t += 1
        (beta1, beta2), t = self.betas, self.t
        for name, p, g in _paired(self.params, grads):
            m, v = self.mean[name], self.square[name]
            m += (1 - beta1) * (g - m)
            v += (1 - beta2) * (g**2 - v)
            p *= 1 - self.lr * self.weight_decay
            p -= self.lr * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + self.eps)


def _checked(params, lr):
    if not lr > 0:
        raise ValueError(f"lr={lr} must be positive: the step goes against the gradient by itself")
    if whole := [name for name, p in params.items() if not np.issubdtype(p.dtype, np.floating)]:
        raise ValueError(f"{', '.join(whole)}: whole numbers cannot be changed a little; make them float64")
    return params


def _paired(params, grads):
    for name, p in params.items():
        if name not in grads or np.shape(grads[name]) != p.shape:
            got = f"shape {np.shape(grads[name])}" if name in grads else "nothing"
            raise ValueError(f"the gradient of {name} must have its shape {p.shape}, and is {got}")
        yield name, p, grads[name]
