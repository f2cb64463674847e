"""Gradients that float16 can hold: the loss is multiplied, and the gradients divided again. Lesson 14 (gpt_on_gpu).

The smallest number of float16 is 6e-8, and many gradients are below it: they would become 0. Multiplied by a power of
two before the backward pass, they fit; the division afterwards, in float32, is exact. Too large a factor makes some of
them infinite; then nothing is updated, and the same batches are tried again with half the factor.
"""

import torch
from torch import Tensor

from course_lib.training.optim import with_gradient

FIRST = 2.0**16  # as in torch.amp.GradScaler; the first steps halve it to what the model can bear
GROWS_EVERY = 2000  # steps without an infinite gradient, after which twice the factor is tried


class LossScale:
    """The factor, `scale`, which follows the model; 1 for ever where the dtype needs none.

    Source: Micikevicius et al. 2018 (arXiv 1710.03740), section 3.2. Elsewhere: GradScaler, dynamic loss scaling.
    """

    def __init__(self, dtype: str):
        self.needed = dtype == "float16"
        self.scale, self.good_steps = (FIRST if self.needed else 1.0), 0

    def multiply(self, loss: Tensor) -> Tensor:
        """What to call `backward()` of."""
        return loss * self.scale if self.needed else loss

    @torch.no_grad()
    def divide(self, params) -> None:
        """Bring the gradients of `params` back to their size, in place."""
        if self.needed:
            torch._foreach_mul_(with_gradient(params)[1], 1 / self.scale)

    def shrink(self) -> bool:
        """After an infinite gradient: halve the factor. False where that is no remedy, since it is 1 already."""
        if self.scale <= 1:
            return False
        self.scale, self.good_steps = self.scale / 2, 0
        return True

    def count(self) -> None:
        """After a finite gradient; now and then a larger factor is tried, for gradients shrink while a model learns."""
        self.good_steps += 1
        if self.needed and self.good_steps == GROWS_EVERY:
            self.scale, self.good_steps = 2 * self.scale, 0

    def state(self) -> dict:
        """For the checkpoint."""
        return {"scale": self.scale, "good_steps": self.good_steps}

    def restore(self, state: dict) -> None:
        """Take over `state()`."""
        self.scale, self.good_steps = state["scale"], state["good_steps"]
