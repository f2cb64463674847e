"""AdamW, Muon and gradient clipping, written out. Derived in lesson 05 (training)."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from course_lib.training.config import TrainConfig

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # Jordan et al. 2024: chosen to lift small singular values fastest


class AdamW(torch.optim.Optimizer):
    r"""Each parameter moves by its mean gradient, measured in units of that gradient's own size.

    $$m \leftarrow \beta_1 m + (1-\beta_1) g \qquad v \leftarrow \beta_2 v + (1-\beta_2) g^2$$
    $$p \leftarrow (1 - \text{lr}\,\lambda)\,p - \text{lr}\,
      \frac{m / (1-\beta_1^t)}{\sqrt{v / (1-\beta_2^t)} + \epsilon}$$

    Kingma and Ba 2015 (arXiv 1412.6980) with decoupled decay λ (Loshchilov and Hutter 2019, 1711.05101).
    The state has the names of `torch.optim.AdamW`, so each can continue the other's run.
    """

    def __init__(self, params: Iterable, lr: float = 1e-3, *, betas: tuple[float, float] = (0.9, 0.95),
                 eps: float = 1e-8, weight_decay: float = 0.1):
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self) -> None:
        """One update from the gradients in `.grad`; each line treats all tensors of a group at once."""
        for group in self.param_groups:
            params, grads = with_gradient(group["params"])
            if not params:
                continue
            for p in params:
                if p not in self.state:
                    self.state[p] = {"step": torch.zeros((), dtype=torch.float32),
                                     "exp_avg": torch.zeros_like(p), "exp_avg_sq": torch.zeros_like(p)}
            steps, means, squares = ([self.state[p][name] for p in params]
                                     for name in ("step", "exp_avg", "exp_avg_sq"))
            torch._foreach_add_(steps, 1)
            t, lr, (beta1, beta2) = [step.item() for step in steps], group["lr"], group["betas"]
            torch._foreach_lerp_(means, grads, 1 - beta1)
            torch._foreach_mul_(squares, beta2)
            torch._foreach_addcmul_(squares, grads, grads, 1 - beta2)
            sizes = torch._foreach_sqrt(squares)
            torch._foreach_div_(sizes, [math.sqrt(1 - beta2**n) for n in t])
            torch._foreach_add_(sizes, group["eps"])
            torch._foreach_mul_(params, 1 - lr * group["weight_decay"])
            torch._foreach_addcdiv_(params, means, sizes, [-lr / (1 - beta1**n) for n in t])


class Muon(torch.optim.Optimizer):
    r"""Hidden matrices move by their gradient with every singular value set to about one.

    $$B \leftarrow \mu B + (1-\mu) g \qquad O = \mathrm{orthogonalize}((1-\mu) g + \mu B)$$
    $$W \leftarrow (1 - \text{lr}\,\lambda) W - \text{lr} \sqrt{\max(1, m/n)}\; O$$

    for W of shape (m, n): no direction of the update drowns in another. Not for embeddings, nor for the head.
    Source: Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks".
    Matrices of one shape are orthogonalized as one stack: a few large products instead of many small ones.
    """

    def __init__(self, params: Iterable, lr: float = 0.02, *, momentum: float = 0.95,
                 weight_decay: float = 0.1, dtype: torch.dtype = torch.float32):
        super().__init__(params, dict(lr=lr, momentum=momentum, weight_decay=weight_decay))
        self.dtype = dtype  # of the products inside orthogonalize; weights and momentum keep theirs
        for p in (p for group in self.param_groups for p in group["params"]):
            if p.ndim != 2:
                raise ValueError(f"Muon moves matrices, not a tensor of shape {tuple(p.shape)}; use AdamW")

    @torch.no_grad()
    def step(self) -> None:
        """One update from the gradients in `.grad`."""
        for group in self.param_groups:
            for shape in sorted({p.shape for p in group["params"]}):
                params, grads = with_gradient(p for p in group["params"] if p.shape == shape)
                if params:
                    self.update(params, grads, group)

    def update(self, params: list[Tensor], grads: list[Tensor], group: dict) -> None:
        """The rule above for L matrices of one shape (m, n)."""
        for p in params:
            if p not in self.state:
                self.state[p] = {"momentum_buffer": torch.zeros_like(p)}
        buffers = [self.state[p]["momentum_buffer"] for p in params]
        torch._foreach_lerp_(buffers, grads, 1 - group["momentum"])
        mixed = torch.stack(torch._foreach_lerp(grads, buffers, group["momentum"]))     # (L, m, n)
        direction = orthogonalize(mixed, dtype=self.dtype)                          # (L, m, n)
        m, n = params[0].shape
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
    X = matrices.to(dtype or matrices.dtype)
    X = X.mT.contiguous() if m > n else X.contiguous()  # the products A are then of the smaller size
    X = X.flatten(0, -3) if X.ndim > 2 else X[None]
    X = X / X.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-7)  # no singular value above one
    for _ in range(steps):
        A = X @ X.mT
        X = torch.baddbmm(X, torch.baddbmm(A, A, A, beta=b, alpha=c), X, beta=a)
    return (X.mT if m > n else X).reshape(matrices.shape).to(matrices.dtype)


def with_gradient(params: Iterable[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """The parameters that received a gradient, and those gradients."""
    params = [p for p in params if p.grad is not None]
    return params, [p.grad for p in params]


@torch.no_grad()
def clip_gradients(params: Iterable[Tensor], max_norm: float | None) -> Tensor:
    """Scale all gradients together so that their norm is at most `max_norm`; return the norm before.

    g ← g · min(1, max_norm / ‖g‖), ‖g‖ over all parameters (Pascanu et al. 2013, arXiv 1211.5063).
    """
    _, grads = with_gradient(params)
    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(grads)))
    if max_norm is not None:
        torch._foreach_mul_(grads, (max_norm / (norm + 1e-6)).clamp(max=1.0))
    return norm


def set_lr(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Give each group of parameters its share, `lr_ratio`, of the schedule's rate."""
    for group in optimizer.param_groups:
        group["lr"] = lr * group["lr_ratio"]


def hidden_matrices(model: nn.Module) -> list[nn.Parameter]:
    """What Muon may move: weights of linear layers, but not the `head`, nor one shared with an embedding."""
    embeddings = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    found = {id(module.weight): module.weight for name, module in model.named_modules()
             if isinstance(module, nn.Linear) and name.split(".")[-1] != "head"}
    return [p for key, p in found.items() if key not in embeddings]


def build_optimizers(model: nn.Module, config: TrainConfig) -> list[torch.optim.Optimizer]:
    """AdamW for everything, or Muon for the hidden matrices and AdamW for the rest.

    Weight decay pulls on matrices (two or more dimensions) and leaves biases and norms' gains alone: those
    few numbers set a scale, and a smaller scale is no simpler.
    """
    params = [p for p in model.parameters() if p.requires_grad]
    optimizers, hidden = [], set()
    if config.optimizer == "muon":
        matrices = [p for p in hidden_matrices(model) if p.requires_grad]
        if not matrices:
            raise ValueError("optimizer='muon' found no hidden matrix in this model; use 'adamw'")
        hidden = {id(p) for p in matrices}
        group = dict(params=matrices, lr_ratio=config.muon_lr / config.max_lr)
        optimizers.append(Muon([group], momentum=config.momentum, weight_decay=config.weight_decay,
                               dtype=torch.bfloat16 if config.dtype == "bfloat16" else torch.float32))
    rest = [p for p in params if id(p) not in hidden]
    groups = [dict(params=[p for p in rest if p.ndim >= 2], weight_decay=config.weight_decay, lr_ratio=1.0),
              dict(params=[p for p in rest if p.ndim < 2], weight_decay=0.0, lr_ratio=1.0)]
    if groups := [group for group in groups if group["params"]]:
        # torch's fused kernel follows the rule of AdamW above (a test compares them) in a quarter of its time.
        optimizers.append(torch.optim.AdamW(groups, betas=config.betas, fused=True))
    return optimizers
