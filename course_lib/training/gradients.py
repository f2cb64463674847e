"""The gradient of an update, whatever stands in its way: memory, float16, compilers. Derived in lesson 14 (gpt_on_gpu).

What is computed is always the same: the sum of all parts of an update, divided by the targets of all of them. How it is
computed gives way: a batch that does not fit into memory is cut, a loss scale that is too large is halved, and where
torch.compile fails the layers run as they are. Then the same batches are tried again, so that no text is skipped.
"""

import math
from collections.abc import Callable

import torch
from torch import nn

from course_lib.training import device as machine
from course_lib.training import distributed, ranks
from course_lib.training.config import TrainConfig
from course_lib.training.fitting import cut, describe, smaller
from course_lib.training.loss import next_token_loss
from course_lib.training.loss_scale import LossScale
from course_lib.training.optim import clip_gradients


class Gradients:
    """Fills `.grad` of a model's parameters; `parallel` is what is called in place of the model.

    `windows_at_once` is how many windows a forward pass has: `config.batch_size`, or what was found to fit. With
    adapt=False what stands in the way is an error instead. `say` is told what was changed, once.
    """

    def __init__(self, model: nn.Module, config: TrainConfig, device: torch.device, *, adapt: bool = True,
                 say: Callable[[str], None] = print):
        self.model, self.config, self.device, self.adapt, self.say = model, config, device, adapt, say
        self.windows_at_once, self.loss_scale, self.loss = config.batch_size, LossScale(config.dtype), next_token_loss
        if config.compile:
            machine.compile_blocks(model)
            self.loss = torch.compile(next_token_loss)
        self.parallel = distributed.parallelize(model, config, device)

    def fill(self, batches: list, n_targets: int) -> tuple[float, float]:
        """Loss and norm of the gradient (before clipping) of batches (idx, targets) as if they were one.

        n_targets: of all ranks' batches. Neither is finite where training broke down: the caller decides.
        """
        share = n_targets / ranks.world_size()  # for the mean over ranks of sums / share is the sum / n_targets
        while True:
            loss, norm = self.attempt(batches, share)
            if not math.isfinite(loss) or math.isfinite(norm) or not self.loss_scale.shrink():
                self.loss_scale.count()
                return loss, norm

    def attempt(self, batches: list, share: float) -> tuple[float, float]:
        """`passes`, in as many parts as the memory asks for, and uncompiled where compiling fails."""
        while True:
            try:
                return self.passes(list(cut(batches, self.windows_at_once)), share)
            except torch.OutOfMemoryError:
                if not self.adapt:
                    raise
            except RuntimeError as error:
                if not (self.adapt and self.config.compile and machine.is_the_compilers(error)):
                    raise
                self.uncompile(error)
                continue
            self.shrink(batches[0][0].shape[1])  # out of the except block, which keeps alive what was computed

    def passes(self, batches: list, share: float) -> tuple[float, float]:
        """Forward and backward passes over all of them. Returns their loss and their gradient's norm."""
        self.model.zero_grad()  # here and not after the update, so that an interrupted step leaves nothing behind
        loss = torch.zeros((), device=self.device)
        for number, (idx, targets) in enumerate(batches, 1):
            with distributed.backward_pass(self.parallel, last=number == len(batches)):
                with machine.autocast(self.device, self.config.dtype):
                    logits = self.parallel(machine.to_torch(idx, self.device))              # (B, T, V)
                part = self.loss(logits, machine.to_torch(targets, self.device), n_targets=share)
                self.loss_scale.multiply(part).backward()
            loss = loss + part.detach()
        loss = ranks.mean(loss)
        self.loss_scale.divide(self.model.parameters())
        norm = clip_gradients(self.model.parameters(), self.config.grad_clip)
        return tuple(torch.stack([loss, norm.to(loss)]).tolist())  # the only wait for the GPU in a step

    def shrink(self, T: int) -> None:
        """Take fewer windows at once."""
        self.model.zero_grad()
        tried = self.windows_at_once
        self.windows_at_once = smaller(tried, self.model, self.config, self.device, T)
        self.say(f"{tried} windows at once do not fit {describe(self.device)}; going on with {self.windows_at_once} at "
                 "once, in more passes: the update is the same")

    def uncompile(self, error: Exception) -> None:
        """Go on without torch.compile."""
        machine.uncompile_blocks(self.model)
        self.loss = next_token_loss
        if ranks.is_main():
            self.say(machine.why_not_compiled(error))

    def state(self) -> dict:
        """What was found, for the checkpoint."""
        return {"windows_at_once": self.windows_at_once, "loss_scale": self.loss_scale.state()}

    def restore(self, state: dict) -> None:
        """Take over `state()`."""
        self.windows_at_once = state["windows_at_once"]
        self.loss_scale.restore(state["loss_scale"])
