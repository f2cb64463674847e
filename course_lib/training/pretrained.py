"""A trained model that comes with the course: lessons 13 (decoding) and 14 (gpt_on_gpu) and later ones use it.

A shipped checkpoint is an ordinary one without what only resuming needs, its weights in 16 bits: half the size, and the
model computes in float32 as before. course_lib/data/small/README.md is its model card.
"""

import json
import os
from pathlib import Path

import safetensors.torch
import torch

from course_lib.doors.folders import make_folder
from course_lib.training.checkpoint import Checkpoint, load_checkpoint, own_tensors, read_file
from course_lib.training.disk import disk_errors, write_file
from course_lib.training.identity import checksum

SHIPPED = Path(__file__).resolve().parents[1] / "data"


def load_pretrained(name: str = "small", *, device: str | torch.device = "cpu") -> Checkpoint:
    """The model and the tokenizer of a shipped checkpoint: `model, tokenizer, *_ = load_pretrained("small")`.

    Raises ValueError for a name that the course does not ship.
    """
    if not os.path.isfile(SHIPPED / name / "config.json"):
        shipped = ", ".join(sorted(path.parent.name for path in SHIPPED.glob("*/config.json")))
        raise ValueError(f"{name!r} does not come with the course; it ships {shipped or 'none'}")
    return load_checkpoint(SHIPPED / name, device=device)


def load_model(name: str | Path, *, device: str | torch.device = "cpu") -> Checkpoint:
    """The checkpoint of a run's or a checkpoint's folder, or the shipped one of that name; a folder comes first.

    Raises ValueError where there is neither, CheckpointError as `load_checkpoint` does.
    """
    if os.path.exists(name) or Path(name).name != str(name):  # a path: `load_checkpoint` says what is wrong with it
        return load_checkpoint(name, device=device)
    try:
        return load_pretrained(str(name), device=device)
    except ValueError as error:
        raise ValueError(f"there is no folder {name}, and {error}") from None


def export_checkpoint(run: str | Path, out: str | Path, *, which: str = "best") -> Path:
    """Write the `which` checkpoint of a run to the folder `out` as it is shipped: float16, nothing to resume from.

    Raises ValueError where a weight does not fit float16 (65504 at most), CheckpointError as `load_checkpoint` does.
    """
    checkpoint, out = load_checkpoint(run, which=which), Path(out)
    weights = {name: tensor.detach().half().contiguous() for name, tensor in own_tensors(checkpoint.model).items()}
    if odd := [name for name, tensor in weights.items() if not tensor.isfinite().all()]:
        raise ValueError(f"{odd[0]} has weights beyond float16's largest number, 65504; such a model cannot be shipped")
    files = {"model.safetensors": safetensors.torch.save(weights)}
    if checkpoint.tokenizer is not None:
        files["tokenizer.json"] = read_file(checkpoint.folder, "tokenizer.json", checkpoint.config)
    config = checkpoint.config | {"files": {name: checksum(data) for name, data in sorted(files.items())}}
    with disk_errors(out):
        make_folder(out, way_out="choose another folder")
        for name, data in {**files, "config.json": (json.dumps(config, indent=2) + "\n").encode()}.items():
            write_file(out / name, data)
    return out
