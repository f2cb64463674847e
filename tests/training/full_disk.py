"""Runs that test_trainer.py starts where disks are full or read-only: full_disk.py SMALL READ_ONLY.

Trains on the small disk, most of which is taken; goes on when there is room again; then begins a run on the
read-only disk, and resumes the one that lies there. Prints, as JSON, what happened.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch

from course_lib.model.config import GPTConfig
from course_lib.model.gpt import GPT
from course_lib.text.dataset import TokenDataset
from course_lib.training.checkpoint import load_checkpoint
from course_lib.training.config import TrainConfig
from course_lib.training.disk import CheckpointError
from course_lib.training.run_folder import last_checkpoint
from course_lib.training.trainer import Trainer

ids = np.random.default_rng(0).integers(0, 28, 3000)
weights = {}  # after each step


def attempt(out, stop_after=3):
    """The steps that were made, and the error that ended them."""
    dataset, steps = TokenDataset(ids, batch_size=4, context_length=16, seed=3), []
    try:
        if last_checkpoint(out):
            trainer = Trainer.resume(out, dataset)
        else:  # 33,000 parameters: a checkpoint takes 0.4 MB, and two must fit at once
            torch.manual_seed(0)
            model = GPT(GPTConfig(vocab_size=29, context_length=16, n_layer=2, n_head=2, n_embd=36))
            trainer = Trainer(model, dataset, TrainConfig(max_steps=3, batch_size=4, save_every=1, threads=1), out=out)
        for record in trainer:
            steps.append(record["step"])
            weights[record["step"]] = {name: p.detach().clone() for name, p in trainer.model.named_parameters()}
            if len(steps) == stop_after:
                break
        return steps, "none"
    except CheckpointError as error:
        return steps, f"CheckpointError: {error}"


def outcome(out):
    """What an attempt did, what is in the folder then, and whether the checkpoint there is the step it says."""
    said = dict(zip(("steps", "error"), attempt(out), strict=True))
    if last_checkpoint(out):
        checkpoint = load_checkpoint(out)
        saved = weights.get(checkpoint.config["step"], {})
        said |= {"loads": checkpoint.folder.name, "entries": sorted(path.name for path in out.iterdir()),
                 "equal": all(torch.equal(p, saved.get(name, p)) for name, p in checkpoint.model.named_parameters())}
    return said


if __name__ == "__main__":
    torch.set_num_threads(1)
    small, read_only = map(Path, sys.argv[1:])
    ballast = small / "something else"
    ballast.write_bytes(bytes(350_000))
    said = {"full": outcome(small / "run")}
    ballast.unlink()
    said |= {"room again": outcome(small / "run"), "new": outcome(read_only / "new"), "old": outcome(read_only / "old")}
    print(json.dumps(said))
