"""The training loop, as an iterator of records. Derived in lesson 12 (gpt)."""

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from course_lib.text.ids import checked_ids
from course_lib.text.windows import IGNORE
from course_lib.training import device as machine
from course_lib.training import distributed, ranks
from course_lib.training.checkpoint import cut_metrics, load_checkpoint, load_state, save_checkpoint
from course_lib.training.config import TrainConfig
from course_lib.training.evaluate import bytes_per_id, held_out_ids, sample_windows, score
from course_lib.training.fitting import DoesNotFit, cut, describe, needs
from course_lib.training.gradients import Gradients
from course_lib.training.identity import describe_data, refuse_other, refuse_unsaveable
from course_lib.training.loss import NonFiniteLoss
from course_lib.training.muon import build_optimizers, set_lr
from course_lib.training.run_folder import append_record, last_checkpoint, open_run
from course_lib.training.schedule import lr_at


class Trainer:
    """Iterating trains: one record (a dict) for each update; stop, look and go on wherever you like.

    A record has `step` (updates done, from 1), `loss` (mean nats a target), `lr`, `grad_norm` (before clipping),
    `tokens` (targets so far) and `seconds` (spent in updates so far); after an evaluation also `held_out_loss` and,
    with a tokenizer, `bits_per_byte`. Any module with forward(idx (B, T)) -> logits (B, T, V) can be trained.
    `dataset` is a `TokenDataset` or has its attributes; `held_out` is ids, a token file or its path. The folder
    `out` gets every record, in metrics.jsonl, and checkpoints, from which `Trainer.resume` continues.
    Inside `ranks.process_group()` several processes train one model, each with a dataset of its rank: the same
    updates, and the same records in all of them, as if one had made all the forward passes.

    A batch that does not fit into memory is cut, and where torch.compile fails the run goes on without (`Gradients`);
    `say` is told. With adapt=False both are errors. Raises `NonFiniteLoss` where training breaks down, `DoesNotFit`
    where not even one window fits, `CheckpointError` where it cannot be saved.
    """

    def __init__(self, model: nn.Module, dataset, config: TrainConfig, *, held_out=None,
                 out: str | Path | None = None, tokenizer: Any = None, adapt: bool = True,
                 say: Callable[[str], None] = print):
        if dataset.batch_size != config.batch_size:
            raise ValueError(f"the dataset has batch_size={dataset.batch_size}, the config {config.batch_size}; "
                             "build the dataset with the config's")
        if getattr(dataset, "world_size", 1) != ranks.world_size():
            raise ValueError(f"the dataset is for world_size={getattr(dataset, 'world_size', 1)}, but there are "
                             f"{ranks.world_size()} processes; give it rank=rank(), world_size=world_size()")
        self.config = machine.resolve(config)
        self.device, self.own_steps = ranks.own_device(self.config.device), distributed.own_steps(config)
        torch.set_num_threads(self.config.threads)
        machine.seed_everything(self.config.seed + ranks.rank())  # dropout differs from rank to rank
        self.model, self.tokenizer = model.train(), tokenizer
        self.dataset, self.batches = dataset, iter(dataset)
        self.held_out = None if held_out is None else held_out_ids(held_out)
        self.id_bytes = None if tokenizer is None or held_out is None else bytes_per_id(tokenizer)
        self.passes = Gradients(self.model, self.config, self.device, adapt=adapt, say=say)
        self.parallel = self.passes.parallel  # what is called in the model's place
        self.optimizers = build_optimizers(self.model, self.config)
        self.step, self.tokens, self.seconds, self.best_loss = 0, 0, 0.0, math.inf
        if out is not None:
            refuse_unsaveable(model, dataset)
        self.out = None if out is None else open_run(out) if ranks.is_main() else Path(out)

    @classmethod
    def resume(cls, out: str | Path, dataset, *, config: TrainConfig | None = None, held_out=None,
               tokenizer: Any = None, model: nn.Module | None = None, say: Callable[[str], None] = print) -> "Trainer":
        """Continue the run in folder `out` from its latest checkpoint; on a CPU bit for bit as if never stopped.

        Raises `CheckpointError`, naming what differs, where the data, or the config or tokenizer if given, are not
        those of the run; `ValueError` where this machine lacks the run's device or dtype.
        """
        checkpoint = load_checkpoint(out, model=model)
        data = describe_data(dataset, None if held_out is None else held_out_ids(held_out))
        refuse_other(checkpoint.config, checkpoint.folder, config=config, data=data, tokenizer=tokenizer)
        saved = TrainConfig.from_dict(checkpoint.config["training"])
        machine.refuse_elsewhere(saved, checkpoint.folder.parent)
        trainer = cls(checkpoint.model, dataset, saved, held_out=held_out, tokenizer=checkpoint.tokenizer, say=say)
        trainer.restore(load_state(checkpoint))
        trainer.out = cut_metrics(checkpoint) if ranks.is_main() else checkpoint.folder.parent
        return trainer

    def __iter__(self) -> Iterator[dict]:
        while self.step < self.config.max_steps:
            yield self.train_step()

    def train_step(self) -> dict:
        """One update and, when it is time, an evaluation and a checkpoint. Returns the record."""
        start, lr = time.perf_counter(), lr_at(self.step + 1, self.config)
        loss, grad_norm, n_targets = self.gradients()
        try:
            for optimizer in self.optimizers:
                set_lr(optimizer, lr)
                optimizer.step()
        except torch.OutOfMemoryError as error:
            raise DoesNotFit(f"the optimizer does not fit {describe(self.device)}: "
                             f"{needs(self.model, self.config, 1, self.dataset.context_length)}") from error
        self.step, self.tokens = self.step + 1, self.tokens + n_targets
        self.seconds += time.perf_counter() - start
        record = dict(step=self.step, loss=loss, lr=lr, grad_norm=grad_norm, tokens=self.tokens,
                      seconds=round(self.seconds, 4))
        if self.held_out is not None and self._is_time(self.config.eval_every):
            record |= self.evaluate()
        if self.out is not None:
            self._keep(record)
        return record

    def gradients(self) -> tuple[float, float, int]:
        """Fill `.grad` from `accumulation_steps` batches as if they were one. Returns loss, norm, targets."""
        batches = [self._checked(*next(self.batches)) for _ in range(self.own_steps)]
        n_targets = ranks.total(sum(int((targets != IGNORE).sum()) for _, targets in batches))
        loss, norm = self.passes.fill(batches, n_targets)
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise NonFiniteLoss(step=self.step + 1, loss=loss, grad_norm=norm, dtype=self.config.dtype,
                                last_checkpoint=last_checkpoint(self.out))
        return loss, norm, n_targets

    def _checked(self, idx, targets):
        """A batch whose ids the model has; looked at here, where they are still numpy's: a GPU would have to wait."""
        vocab_size = getattr(getattr(self.model, "config", None), "vocab_size", None)
        return (checked_ids(idx, vocab_size, what="idx", ndim=2),
                checked_ids(targets, vocab_size, what="targets", ndim=2, ignore=IGNORE))

    def evaluate(self) -> dict:
        """`held_out_loss` in nats a target and, with a tokenizer, `bits_per_byte`; on the same text each time."""
        windows = sample_windows(self.held_out, self.config.batch_size, self.dataset.context_length,
                                 self.config.eval_batches)
        windows = cut(windows, self.passes.windows_at_once)
        found = score(self.parallel, windows, dtype=self.config.dtype, id_bytes=self.id_bytes)
        return {"held_out_loss": found.loss} | ({"bits_per_byte": found.bits_per_byte} if found.n_bytes else {})

    def save(self, *, best: bool = False) -> Path:
        """Write a checkpoint of this moment, between two steps; it becomes `latest` (and `best`, if asked)."""
        if self.out is None:
            raise ValueError("this run has no folder to save in; give Trainer(out=...)")
        return save_checkpoint(self.out, model=self.model, tokenizer=self.tokenizer, step=self.step, best=best,
                               training=self.config.to_dict(), data=describe_data(self.dataset, self.held_out),
                               metrics=(self.out / "metrics.jsonl").read_bytes() if ranks.is_main() else b"",
                               state=self.state())

    def state(self) -> dict:
        """What only resuming needs, in plain values and tensors."""
        return {"step": self.step, "tokens": self.tokens, "seconds": self.seconds, "best_loss": self.best_loss,
                "dataset": self.dataset.state(), "random": machine.random_state(self.device),
                "passes": self.passes.state(),
                "optimizers": [optimizer.state_dict() for optimizer in self.optimizers]}

    def restore(self, state: dict) -> None:
        """Take over `state()`: counters, optimizers, position in the data, random numbers."""
        for name in ("step", "tokens", "seconds", "best_loss"):
            setattr(self, name, state[name])
        self.dataset.restore(state["dataset"])
        self.passes.restore(state["passes"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        if ranks.is_main():
            machine.restore_random_state(state["random"], self.device)
        else:  # only the first rank's were saved; the others draw new ones
            machine.seed_everything(self.config.seed + ranks.rank() + self.step)

    def _keep(self, record: dict) -> None:
        best = record.get("held_out_loss", math.inf) < self.best_loss
        self.best_loss = record["held_out_loss"] if best else self.best_loss
        if ranks.is_main():
            append_record(self.out, record)
        if best or self._is_time(self.config.save_every):
            self.save(best=best)

    def _is_time(self, every: int | None) -> bool:
        return self.step == self.config.max_steps or (every is not None and self.step % every == 0)
