"""What makes a run the same run: model, config, data, tokenizer. Derived in lesson 14 (gpt_on_gpu)."""

import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from course_lib.training.config import TrainConfig
from course_lib.training.disk import CheckpointError

LEFT_TO_THE_MACHINE = {"device": "auto", "dtype": "auto", "threads": None}  # a run has settled these


def describe_model(model: nn.Module) -> dict:
    """The name of the class and, where the model has one, its config."""
    config = getattr(model, "config", None)
    return {"kind": type(model).__name__, **(config.to_dict() if hasattr(config, "to_dict") else {})}


def refuse_unsaveable(model: nn.Module, dataset: Any) -> None:
    """Raise ValueError for a setting that JSON cannot hold: now, and not at the first save, after the training."""
    for whose, description in (("model", describe_model(model)), ("dataset", describe_data(dataset))):
        for name, value in description.items():
            try:
                json.dumps(value)
            except (TypeError, ValueError) as error:
                raise ValueError(f"the {whose}'s {name}={value!r} cannot be saved ({error}); "
                                 "it must be a plain number, text or list of these") from None


def describe_data(dataset, held_out: np.ndarray | None = None) -> dict:
    """What decides every batch: the dataset's state without its position, B, and a checksum of the ids."""
    state = {name: value for name, value in dataset.state().items() if name != "position"}
    ids = getattr(dataset, "ids", None)
    return state | {"batch_size": dataset.batch_size, "ids": None if ids is None else fingerprint(ids),
                    "held_out": None if held_out is None else fingerprint(held_out)}


def fingerprint(ids: np.ndarray, *, slices: int = 64, width: int = 2048) -> str:
    """A checksum of ids (N,): of all of them up to 131,072, of evenly spread slices beyond."""
    if len(ids) <= slices * width:
        parts = [ids]
    else:
        parts = [ids[start:start + width] for start in np.linspace(0, len(ids) - width, slices).astype(int)]
    digest = hashlib.sha256(str(len(ids)).encode())
    for part in parts:
        digest.update(np.asarray(part, dtype="<i8").tobytes())
    return digest.hexdigest()[:16]


def tokenizer_checksum(tokenizer: Any) -> str | None:
    """SHA-256 of the file that the tokenizer saves; None for no tokenizer."""
    if tokenizer is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save(path := Path(folder) / "tokenizer.json")
        return checksum(path.read_bytes())


def checksum(data: bytes) -> str:
    """SHA-256, so that a damaged file is noticed before it is used."""
    return hashlib.sha256(data).hexdigest()


def refuse_other(saved: dict, folder: Path, *, config: TrainConfig | None, data: dict, tokenizer: Any) -> None:
    """Raise `CheckpointError`, naming what differs, unless config, data and tokenizer are those of config.json `saved`.

    A config or tokenizer of None is not compared: the saved one is meant.
    """
    if not saved["training"]:
        raise CheckpointError(f"{folder} holds a model without the state of its training: "
                              "it can be used, not resumed")
    found = [differences(data, saved["data"])]
    if config is not None:
        found.append(config_differences(config, TrainConfig.from_dict(saved["training"])))
    if tokenizer is not None:
        found.append(differences({"tokenizer": tokenizer_checksum(tokenizer)},
                                 {"tokenizer": saved["files"].get("tokenizer.json")}))
    if any(found):
        raise CheckpointError(f"{folder} belongs to another run: {'; '.join(filter(None, found))}; "
                              "resume with what it was started with, or start a new run in another folder")


def config_differences(ours: TrainConfig, theirs: TrainConfig) -> str:
    """`differences` of two training configs, where what `ours` leaves to the machine never differs."""
    open_to = [name for name, value in LEFT_TO_THE_MACHINE.items() if getattr(ours, name) == value]
    sides = ({name: value for name, value in side.to_dict().items() if name not in open_to}
             for side in (ours, theirs))
    return differences(*sides)


def differences(ours: dict, theirs: dict) -> str:
    """Which fields differ, with both values; empty where none does.

    >>> differences({"n_layer": 4, "n_head": 2}, {"n_layer": 6, "n_head": 2})
    'n_layer is 4 here and 6 in the checkpoint'
    """
    ours, theirs = (json.loads(json.dumps(side)) for side in (ours, theirs))  # tuples become lists
    return "; ".join(f"{key} is {ours.get(key)!r} here and {theirs.get(key)!r} in the checkpoint"
                     for key in sorted(set(ours) | set(theirs)) if ours.get(key) != theirs.get(key))
