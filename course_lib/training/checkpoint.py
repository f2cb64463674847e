"""A checkpoint is a folder one can read; how it is written and read. Derived in lesson 12 (gpt).

    config.json         what the model is, how and on what it is trained, a checksum of each other file
    tokenizer.json      the tokenizer it speaks through
    model.safetensors   the weights, and nothing that could run code
    state.pt            what only resuming needs: optimizers, random numbers, position in the data
    metrics.jsonl       one record for each step so far
"""

import io
import json
import platform
from pathlib import Path
from typing import Any, NamedTuple

import safetensors.torch
import torch
from torch import Tensor, nn

import course_lib
from course_lib.doors.json_file import as_written, read_json, require
from course_lib.doors.settings import plain
from course_lib.model.config import GPTConfig
from course_lib.model.gpt import GPT
from course_lib.model.pretrained import refuse_odd_weights
from course_lib.text.tokenizer import load_tokenizer
from course_lib.training.config import TrainConfig
from course_lib.training.disk import CheckpointError, disk_errors, replace_file, write_file
from course_lib.training.distributed import on_first_rank
from course_lib.training.identity import checksum, describe_model, differences
from course_lib.training.ranks import is_main, wait_for_all
from course_lib.training.run_folder import find_checkpoint, new_checkpoint

FORMAT = 1
SECTIONS = {"format": int, "step": int} | dict.fromkeys(("model", "training", "data", "made_with", "files"), dict)
OTHER = "take another checkpoint, or copy it again"
MODELS = {"GPT": lambda config: GPT(GPTConfig.from_dict(config))}  # kinds that load by their name alone


class Checkpoint(NamedTuple):
    """What was read; `model, tokenizer, *_ = load_checkpoint(folder)` is enough to generate."""

    model: nn.Module  # in eval mode
    tokenizer: Any  # None if none was saved
    config: dict  # config.json
    folder: Path


def save_checkpoint(out: str | Path, *, model: nn.Module, tokenizer: Any = None, step: int = 0,
                    training: dict | None = None, data: dict | None = None, state: dict | None = None,
                    metrics: bytes = b"", best: bool = False) -> Path:
    """Write `out`/step-NNNNNN and let `latest` (and `best`, if asked) name it. Returns its folder.

    Of several ranks all must call: each gives its shards, the first one writes. Raises `CheckpointError` where the
    disk is full or cannot be written; the last checkpoint stays whole.
    """
    step = plain("step", step, int)
    weights = {name: on_first_rank(tensor) for name, tensor in own_tensors(model).items()}
    if is_main():
        weights = {name: tensor.contiguous() for name, tensor in weights.items()}
        with new_checkpoint(out, step, best=best) as folder:
            if tokenizer is not None:
                tokenizer.save(folder / "tokenizer.json")
                write_file(folder / "tokenizer.json", (folder / "tokenizer.json").read_bytes())  # and sync
            buffer = io.BytesIO()
            torch.save(state or {}, buffer)
            write_file(folder / "state.pt", buffer.getbuffer())
            write_file(folder / "model.safetensors", safetensors.torch.save(weights))
            write_file(folder / "metrics.jsonl", metrics)
            files = {path.name: checksum(path.read_bytes()) for path in sorted(folder.iterdir())}
            made_with = {"course_lib": course_lib.__version__, "torch": torch.__version__,
                         "python": platform.python_version()}
            config = {"format": FORMAT, "step": step, "model": describe_model(model), "training": training or {},
                      "data": data or {}, "made_with": made_with, "files": files}
            write_file(folder / "config.json", (json.dumps(config, indent=2) + "\n").encode())
    wait_for_all()
    return find_checkpoint(out)


def load_checkpoint(folder: str | Path, *, which: str = "latest", model: nn.Module | None = None,
                    device: str | torch.device = "cpu") -> Checkpoint:
    """Read a checkpoint folder, or the one that `which` ("latest", "best") names in a run folder.

    A model of a kind that is not in `MODELS` is passed in, built as it was saved. Raises `CheckpointError`
    where a file is missing, damaged, of another format or holds unknown names. Nothing read can run code.
    """
    folder = find_checkpoint(folder, which)
    config = read_config(folder)
    model = build_model(config["model"], folder) if model is None else model
    if (differ := differences(describe_model(model), config["model"])):
        raise CheckpointError(f"{folder} holds another model: {differ}")
    data, own = read_file(folder, "model.safetensors", config), own_tensors(model)
    try:
        weights = safetensors.torch.load(data)
        if odd := sorted(set(weights) ^ set(own)):
            raise ValueError(f"{len(odd)} names are on one side only, such as {odd[0]}")
        refuse_odd_weights(weights)
        model.load_state_dict(weights, strict=False)  # a shared tensor's second name is not in the file
    except (safetensors.SafetensorError, ValueError, RuntimeError) as error:
        path = folder / "model.safetensors"
        raise CheckpointError(f"{path} does not fit the model: {_line(error)}") from error
    return Checkpoint(model.to(device).eval(), read_tokenizer(folder, config), config, folder)


def load_state(checkpoint: Checkpoint) -> dict:
    """state.pt of a checkpoint: plain values and tensors, never objects that run code when loaded."""
    data = read_file(checkpoint.folder, "state.pt", checkpoint.config)
    try:
        return torch.load(io.BytesIO(data), weights_only=True, map_location="cpu")
    except Exception as error:  # whatever a foreign file makes the unpickler say
        path = checkpoint.folder / "state.pt"
        raise CheckpointError(f"{path} is not a training state: {_line(error)}") from error


def cut_metrics(checkpoint: Checkpoint) -> Path:
    """Put the run's metrics.jsonl back to the checkpoint's, so that no step is there twice. Returns the run."""
    run = checkpoint.folder.parent
    with disk_errors(run):
        replace_file(run / "metrics.jsonl", read_file(checkpoint.folder, "metrics.jsonl", checkpoint.config))
    return run


def read_config(folder: Path) -> dict:
    """config.json, if it has the format that this version writes and no name that it does not know."""
    path = folder / "config.json"
    try:
        config = read_json(path, "a checkpoint's config", keys={"format": int}, way_out=OTHER)
    except (OSError, ValueError) as error:
        raise CheckpointError(_line(error)) from error
    try:
        if config["format"] != FORMAT:
            raise ValueError(f"its format is {config['format']!r}, and this version of the course reads {FORMAT}")
        require(config, SECTIONS)
        if unknown := sorted(set(config) - set(SECTIONS)):
            raise ValueError(f"unknown sections: {', '.join(unknown)}")
        if config["training"]:
            TrainConfig.from_dict(config["training"])
    except (ValueError, TypeError) as error:
        raise CheckpointError(f"{path} is not a checkpoint's config: {_line(error)}") from error
    return config


def read_file(folder: Path, name: str, config: dict) -> bytes:
    """The bytes of a file of a checkpoint, which must be those that were saved.

    In a text file other line ends or another encoding, as git and editors leave them, are put back.
    """
    try:
        data = (folder / name).read_bytes()
    except OSError as error:
        raise CheckpointError(f"{folder / name} cannot be read: {error.strerror}") from error
    if (wanted := config["files"].get(name)) == checksum(data):
        return data
    if name.endswith((".json", ".jsonl")):
        data = as_written(data)
    if wanted != checksum(data):
        raise CheckpointError(f"{folder / name} is damaged: its {len(data):,} bytes are not those that were "
                              "saved; take another checkpoint of this run")
    return data


def read_tokenizer(folder: Path, config: dict) -> Any:
    """The tokenizer of a checkpoint, or None if it was saved without one."""
    if "tokenizer.json" not in config["files"]:
        return None
    read_file(folder, "tokenizer.json", config)
    try:
        return load_tokenizer(folder / "tokenizer.json")
    except (ValueError, KeyError) as error:
        raise CheckpointError(f"{folder / 'tokenizer.json'} is not a tokenizer: {_line(error)}") from error


def build_model(description: dict, folder: Path) -> nn.Module:
    """The model, with fresh weights, that `describe_model` described."""
    settings = dict(description)
    kind = settings.pop("kind", None)
    if kind not in MODELS:
        raise CheckpointError(f"{folder} holds a model of kind {kind!r}; build it and pass it as model=")
    try:
        return MODELS[kind](settings)
    except (ValueError, TypeError) as error:
        raise CheckpointError(f"{folder / 'config.json'} describes no {kind}: {_line(error)}") from error


def own_tensors(model: nn.Module) -> dict[str, Tensor]:
    """The state dict with each shared tensor (a tied head) under its first name only: safetensors' rule."""
    own = {}
    for name, tensor in model.state_dict(keep_vars=True).items():
        own.setdefault(id(tensor), (name, tensor))
    return dict(own.values())


def _line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]
