"""What test_distributed.py does with one process and with two: torchrun … many_ranks.py JOB FOLDER.

Job "train": every case of CASES, and the run in FOLDER/alone, begun by one process, to its end; results in
FOLDER/together.pt. Job "killed": two runs side by side, until the last rank kills itself.
"""

import os
import signal
import sys
from functools import partial
from pathlib import Path

import numpy as np
import torch

from course_lib.model.config import GPTConfig
from course_lib.model.gpt import GPT
from course_lib.text.dataset import TokenDataset
from course_lib.training.config import TrainConfig
from course_lib.training.distributed import whole
from course_lib.training.ranks import is_main, mean, process_group, rank, total, world_size
from course_lib.training.trainer import Trainer

IDS = np.random.default_rng(0).integers(0, 31, 3000)
GPT2 = dict(norm="layernorm", position="learned", feedforward="gelu", bias=True, init="gpt2")
CASES = {  # (parallel, parts of the model, whether in float64)
    "ddp": ("ddp", GPT2, True),
    "fsdp": ("fsdp", {}, True),
    "ddp float32": ("ddp", {}, False),
    "fsdp float32": ("fsdp", GPT2, False),
}


class Gaps(TokenDataset):
    """Windows in which many targets are not asked for, in some many more than in others."""

    def __next__(self):
        idx, targets = super().__next__()
        targets[targets % 5 < idx[:, :1] % 4] = -1
        return idx, targets


def parts(parallel, model, double, max_steps=20, **changes):
    """Model, dataset and config: both optimizers; odd sizes and three layers, so that little can be shared evenly."""
    torch.manual_seed(0)
    gpt = GPT(GPTConfig(vocab_size=31, context_length=12, n_layer=3, n_head=3, n_embd=18, **model))
    dataset = Gaps(IDS, batch_size=2, context_length=12, seed=3, rank=rank(), world_size=world_size())
    config = TrainConfig(max_steps=max_steps, batch_size=2, accumulation_steps=4, optimizer="muon", dtype="float32",
                         device="cpu", threads=1, grad_clip=0.5, warmup_steps=3, max_lr=3e-3, eval_every=10,
                         parallel=parallel, **changes)
    return gpt.double() if double else gpt, dataset, config


def start(*case, out=None, **changes):
    return Trainer(*parts(*case, **changes), held_out=IDS[:200], out=out)


def resume(*case, out, **changes):
    model, dataset, config = parts(*case, **changes)
    return Trainer.resume(out, dataset, config=config, held_out=IDS[:200], model=model)


def tensors(trainer, what=lambda p: p):
    return {name: whole(what(p).detach()).cpu().clone() for name, p in trainer.model.named_parameters()}


def finish(trainer):
    """The rest of the records, and the weights in the end."""
    records = [{key: value for key, value in record.items() if key != "seconds"} for record in trainer]
    return {"records": records, "weights": tensors(trainer)}


def train(folder):
    """Results of all cases, equal on every rank."""
    found = {name: finish(start(*case, max_steps=20 if case[-1] else 6)) for name, case in CASES.items()}
    for name in ("ddp float32", "fsdp float32"):
        trainer = start(*CASES[name])
        trainer.gradients()
        found[name]["gradients"] = tensors(trainer, lambda p: p.grad)
    torch.compile = partial(torch.compile, backend="eager")
    found["compiled"] = finish(start(*CASES["fsdp"], max_steps=3, compile=True))
    torch.compile = torch.compile.func
    if world_size() > 1:
        found["resumed"] = finish(resume(*CASES["fsdp"], out=folder / "alone"))
        found["kept"] = sum(tensor.to_local().numel() if hasattr(tensor, "to_local") else tensor.numel()
                            for optimizer in start(*CASES["fsdp"]).optimizers for tensor in optimizer.parameters())
        trainer = start(*CASES["fsdp"])
        trainer.train_step()
        held = len([tensor for each in trainer.state()["optimizers"] for tensors in each["state"].values()
                    for tensor in tensors.values() if tensor is not None])
        found["host copies"] = [held, total(held)]
        found["agreed"] = [total(rank() + 1), mean(torch.tensor(float(rank()))).item()]
        syncs = []
        trainer = start(*CASES["ddp"])
        trainer.parallel.register_comm_hook(None, lambda state, bucket: syncs.append(1) or mean_later(bucket))
        trainer.gradients()
        found["exchanges"] = len(syncs)
    return found


def mean_later(bucket):
    done = torch.futures.Future()
    done.set_result(mean(bucket.buffer()))
    return done


def killed(folder):
    """Both kinds of run, in turns; at step 7 the last rank dies."""
    trainers = [start(*CASES[name], out=folder / name, save_every=4) for name in ("ddp", "fsdp")]
    for _ in range(7):
        for trainer in trainers:
            trainer.train_step()
    if rank() == world_size() - 1:
        os.kill(os.getpid(), signal.SIGKILL)
    trainers[0].train_step()


if __name__ == "__main__":
    signal.alarm(300)  # nothing here outlives its test
    folder = Path(sys.argv[2])
    with process_group():
        if sys.argv[1] == "killed":
            killed(folder)
        found = train(folder)
        if is_main():
            torch.save(found, folder / "together.pt")
