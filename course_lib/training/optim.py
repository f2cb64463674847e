"""AdamW and gradient clipping, written out. Derived in lesson 05 (training).

The classes here look like torch.optim's from outside and share nothing with them: building one of torch's loads
its compiler, two seconds that a short run on a laptop can use better.
"""

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from course_lib.training.distributed import on_first_rank, shard_like, whole


class Optimizer:
    """What AdamW and Muon have in common: groups of parameters with settings, and a state for each parameter.

    `params` is an iterable of parameters, or of dicts {"params": [...], "lr": ...} whose settings come first.
    Use: `loss.backward()`, `step()`, `zero_grad()`. `state_dict` has torch.optim's layout.
    """

    def __init__(self, params: Iterable, **settings):
        groups = list(params)
        if not groups:
            raise ValueError("an optimizer needs parameters, and the list is empty")
        groups = groups if isinstance(groups[0], dict) else [{"params": groups}]
        self.param_groups = [{**settings, **group, "params": list(group["params"])} for group in groups]
        self.state: dict[Tensor, dict[str, Tensor]] = {}

    @torch.no_grad()
    def step(self) -> None:
        """One update of every parameter that has a gradient."""
        for group in self.param_groups:
            self.update(group, *with_gradient(group["params"]))

    def zero_grad(self) -> None:
        """Forget the gradients; the next backward pass starts from none."""
        for p in self.parameters():
            p.grad = None

    def parameters(self) -> list[Tensor]:
        """All groups' parameters, in order."""
        return [p for group in self.param_groups for p in group["params"]]

    def state_of(self, params: list[Tensor], *names: str) -> list[list[Tensor]]:
        """For each name the tensors of that name, zero at first; "step" is one number, others have p's shape."""
        for p in params:
            if p not in self.state:
                self.state[p] = {name: torch.zeros((), device=self.counts_on(p)) if name == "step"
                                 else torch.zeros_like(p) for name in names}
        return [[self.state[p][name] for p in params] for name in names]

    def counts_on(self, p: Tensor) -> torch.device:
        """Where the count of p's steps is kept: on the CPU, so that reading it does not wait for the GPU."""
        return torch.device("cpu")

    def state_dict(self) -> dict:
        """The state by number of the parameter, and the settings: enough to continue in another process.

        Of several ranks all must call, and the first one gets the tensors, on the CPU; the others get None for each.
        """
        number = {p: i for i, p in enumerate(self.parameters())}
        groups = [{**group, "params": [number[p] for p in group["params"]]} for group in self.param_groups]
        state = {number[p]: {name: on_first_rank(tensor) for name, tensor in tensors.items()}
                 for p, tensors in self.state.items()}
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, saved: dict) -> None:
        """Take over the state of another optimizer for the same parameters; the settings stay one's own."""
        params = self.parameters()
        self.state = {params[i]: {name: tensor.clone().to(self.counts_on(params[i])) if name == "step"
                                  else shard_like(tensor, params[i]) for name, tensor in state.items()}
                      for i, state in saved["state"].items()}


class AdamW(Optimizer):
    r"""Each parameter moves by its mean gradient, measured in units of that gradient's own size.

    $$m \leftarrow \beta_1 m + (1-\beta_1) g \qquad v \leftarrow \beta_2 v + (1-\beta_2) g^2$$
    $$p \leftarrow (1 - \text{lr}\,\lambda)\,p - \text{lr}\,
      \frac{m / (1-\beta_1^t)}{\sqrt{v / (1-\beta_2^t)} + \epsilon}$$

    Kingma and Ba 2015 (arXiv 1412.6980), decoupled decay λ (Loshchilov and Hutter 2019, arXiv 1711.05101).
    `fused=True` takes `fused_adamw_update`: the same rule in one kernel.
    """

    def __init__(self, params: Iterable, lr: float = 1e-3, *, betas: tuple[float, float] = (0.9, 0.95),
                 eps: float = 1e-8, weight_decay: float = 0.1, fused: bool = False):
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)
        self.fused = fused

    def counts_on(self, p: Tensor) -> torch.device:
        """The fused kernel reads the counts itself, where p is."""
        return p.device if self.fused else super().counts_on(p)

    def update(self, group: dict, params: list[Tensor], grads: list[Tensor]) -> None:
        """Count the step and apply the rule to the parameters of one group."""
        steps, means, squares = self.state_of(params, "step", "exp_avg", "exp_avg_sq")
        if params:
            torch._foreach_add_(steps, 1)
            settings = {name: group[name] for name in ("lr", "betas", "eps", "weight_decay")}
            rule = fused_adamw_update if self.fused else adamw_update
            rule(params, grads, means, squares, steps, **settings)


def adamw_update(params: list[Tensor], grads: list[Tensor], means: list[Tensor], squares: list[Tensor],
                 steps: list[Tensor], *, lr: float, betas: tuple[float, float], eps: float,
                 weight_decay: float) -> None:
    """AdamW's rule, in place; each line treats all parameters at once. `steps` counts this update already."""
    (beta1, beta2), t = betas, torch.stack(steps).tolist()  # on a GPU one wait, not one for each parameter
    torch._foreach_lerp_(means, grads, 1 - beta1)
    torch._foreach_mul_(squares, beta2)
    torch._foreach_addcmul_(squares, grads, grads, 1 - beta2)
    sizes = torch._foreach_sqrt(squares)
    torch._foreach_div_(sizes, [math.sqrt(1 - beta2**n) for n in t])
    torch._foreach_add_(sizes, eps)
    torch._foreach_mul_(params, 1 - lr * weight_decay)
    torch._foreach_addcdiv_(params, means, sizes, [-lr / (1 - beta1**n) for n in t])


def fused_adamw_update(params: list[Tensor], grads: list[Tensor], means: list[Tensor], squares: list[Tensor],
                       steps: list[Tensor], *, lr: float, betas: tuple[float, float], eps: float,
                       weight_decay: float) -> None:
    """`adamw_update` in one kernel of torch's, on CPU or GPU: every number is read and written once."""
    torch._fused_adamw_(params, grads, means, squares, [], steps, lr=lr, beta1=betas[0], beta2=betas[1],
                        weight_decay=weight_decay, eps=eps, amsgrad=False, maximize=False)


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
    return whole(norm)
