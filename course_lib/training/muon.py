"""Muon, an optimizer for matrices, and which parameters it gets. Derived in lesson 05 (training)."""

import math
from collections.abc import Iterable
from functools import partial

import torch
from torch import Tensor, nn

from course_lib.training.config import TrainConfig
from course_lib.training.distributed import by_owner
from course_lib.training.optim import AdamW, Optimizer

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # Jordan et al. 2024: chosen to lift small singular values fastest


class Muon(Optimizer):
    r"""Hidden matrices move by their gradient with every singular value set to about one.

    $$B \leftarrow \mu B + (1-\mu) g \qquad O = \mathrm{orthogonalize}((1-\mu) g + \mu B)$$
    $$W \leftarrow (1 - \text{lr}\,\lambda) W - \text{lr} \sqrt{\max(1, m/n)}\; O$$

    for W of shape (m, n): no direction of the update drowns in another. Not for embeddings, nor for the head.
    Source: Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks".
    Matrices of one shape are orthogonalized as one stack: a few large products instead of many small ones.
    """

    def __init__(self, params: Iterable, lr: float = 0.02, *, momentum: float = 0.95, weight_decay: float = 0.1,
                 dtype: torch.dtype | None = None):
        super().__init__(params, lr=lr, momentum=momentum, weight_decay=weight_decay)
        self.dtype = dtype  # of the products inside orthogonalize, if not the weights'
        for p in self.parameters():
            if p.ndim != 2:
                raise ValueError(f"Muon moves matrices, not a tensor of shape {tuple(p.shape)}; use AdamW")

    def update(self, group: dict, params: list[Tensor], grads: list[Tensor]) -> None:
        """The rule above, for one stack of equal shapes after the other."""
        buffers, = self.state_of(params, "momentum_buffer")
        for shape in sorted({p.shape for p in params}):
            stack = [(p, g, b) for p, g, b in zip(params, grads, buffers, strict=True) if p.shape == shape]
            self.update_stack(group, *map(list, zip(*stack, strict=True)))

    def update_stack(self, group: dict, params: list[Tensor], grads: list[Tensor], buffers: list[Tensor]) -> None:
        """The rule above for L matrices of one shape (m, n)."""
        m, n = params[0].shape
        torch._foreach_lerp_(buffers, grads, 1 - group["momentum"])
        mixed = torch.stack(torch._foreach_lerp(grads, buffers, group["momentum"]))     # (L, m, n)
        direction = by_owner(partial(orthogonalize, dtype=self.dtype), mixed)           # (L, m, n)
        torch._foreach_mul_(params, 1 - group["lr"] * group["weight_decay"])
        torch._foreach_add_(params, list(direction.unbind()), alpha=-group["lr"] * math.sqrt(max(1, m / n)))


def orthogonalize(matrices: Tensor, *, steps: int = 5, dtype: torch.dtype | None = None) -> Tensor:
    r"""Push all singular values of each matrix of (..., m, n) towards one, into about 0.7 to 1.2.

    $$X \leftarrow a X + (b\,A + c\,A^2) X, \quad A = X X^\top$$

    acts on each singular value as $s \leftarrow a s + b s^3 + c s^5$ and leaves singular vectors alone, so
    rounds of matrix products stand in for an SVD. Elsewhere: zeropower, Newton–Schulz, matrix sign, msign.
    """
    a, b, c = NEWTON_SCHULZ
    m, n = matrices.shape[-2:]
    X = matrices.to(dtype or matrices.dtype).reshape(-1, m, n)
    X = X.mT.contiguous() if m > n else X  # the products A are then of the smaller size
    X = X / X.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-7)  # no singular value above one
    for _ in range(steps):
        A = X @ X.mT
        X = torch.baddbmm(X, torch.baddbmm(A, A, A, beta=b, alpha=c), X, beta=a)
    return (X.mT if m > n else X).reshape(matrices.shape).to(matrices.dtype)


def hidden_matrices(model: nn.Module) -> list[nn.Parameter]:
    """What Muon may move: weights of linear layers, but not the `head`, nor one shared with an embedding."""
    embeddings = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    found = {id(module.weight): module.weight for name, module in model.named_modules()
             if isinstance(module, nn.Linear) and name.split(".")[-1] != "head"}
    return [p for key, p in found.items() if key not in embeddings and p.requires_grad]


def build_optimizers(model: nn.Module, config: TrainConfig) -> list[Optimizer]:
    """AdamW for everything, or Muon for the hidden matrices and AdamW for the rest.

    Weight decay pulls on matrices (two or more dimensions) and leaves biases and norms' gains alone: those
    few numbers set a scale, and a smaller scale is no simpler. `lr_ratio` is a group's share of the schedule.
    """
    matrices = hidden_matrices(model) if config.optimizer == "muon" else []
    if config.optimizer == "muon" and not matrices:
        raise ValueError(f"optimizer='muon' found no hidden matrix in a {type(model).__name__}; use 'adamw'")
    moved = set(matrices)
    rest = [p for p in model.parameters() if p.requires_grad and p not in moved]
    groups = [dict(params=[p for p in rest if p.ndim >= 2], weight_decay=config.weight_decay, lr_ratio=1.0),
              dict(params=[p for p in rest if p.ndim < 2], weight_decay=0.0, lr_ratio=1.0)]
    optimizers = []
    if matrices:
        products = torch.bfloat16 if config.dtype == "bfloat16" else None  # float16 would take small gradients for 0
        optimizers.append(Muon([dict(params=matrices, lr_ratio=config.muon_lr / config.max_lr)],
                               momentum=config.momentum, weight_decay=config.weight_decay, dtype=products))
    if groups := [group for group in groups if group["params"]]:
        fused = groups[0]["params"][0].device.type in ("cpu", "cuda")
        optimizers.append(AdamW(groups, betas=config.betas, fused=fused))
    return optimizers


def set_lr(optimizer: Optimizer, lr: float) -> None:
    """Give each group its share, `lr_ratio`, of the schedule's rate `lr`."""
    for group in optimizer.param_groups:
        group["lr"] = lr * group["lr_ratio"]
