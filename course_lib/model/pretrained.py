"""Weights that others trained: GPT-2 from a folder on this machine. Derived in lesson 14 (gpt_on_gpu).

`first_difference` says where two models that should agree part ways, which is the way to find a wrong mapping.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from course_lib.doors.json_file import read_json
from course_lib.model.config import GPTConfig
from course_lib.model.gpt import GPT

GPT2_NAMES = {  # theirs -> ours
    "wte": "token_embedding",
    "wpe": "position",
    "ln_f": "norm",
    "ln_1": "attention_norm",
    "attn.c_attn": "attention.qkv",
    "attn.c_proj": "attention.proj",
    "ln_2": "feedforward_norm",
    "mlp.c_fc": "feedforward.up",
    "mlp.c_proj": "feedforward.proj",
    "lm_head": "head",
}
GPT2_TRANSPOSED = ("c_attn.weight", "c_proj.weight", "c_fc.weight")  # stored as (inputs, outputs)
WEIGHT_DTYPES = (torch.float32, torch.bfloat16, torch.float16, torch.float64)
GPT2_MASKS = (".attn.bias", ".attn.masked_bias")                     # constants in old files, not weights


def gpt2_config(values: Mapping[str, object], **changes: object) -> GPTConfig:
    """Our config for GPT-2's config.json. Raises ValueError for a model that is not built like GPT-2."""
    unlike = {"model_type": "gpt2", "activation_function": "gelu_new", "add_cross_attention": False,
              "scale_attn_weights": True, "scale_attn_by_inverse_layer_idx": False}
    for name, expected in unlike.items():
        if (value := values.get(name, expected)) != expected:
            raise ValueError(f"config.json says {name}={value!r}; load_gpt2 needs {expected!r}, as in GPT-2")
    if missing := [name for name in ("vocab_size", "n_positions", "n_layer", "n_head", "n_embd") if name not in values]:
        raise ValueError(f"config.json lacks {', '.join(missing)}; is it the one that came with the weights?")
    shape = {name: values[name] for name in ("vocab_size", "n_layer", "n_head", "n_embd")}
    shape |= {"context_length": values["n_positions"], "n_hidden": values.get("n_inner")}
    parts = {"norm": "layernorm", "position": "learned", "feedforward": "gelu", "bias": True, "init": "gpt2",
             "tied_head": values.get("tie_word_embeddings", True)}
    return GPTConfig(**{**shape, **parts, "norm_eps": values.get("layer_norm_epsilon", 1e-5), **changes})


def gpt2_weights(theirs: Mapping[str, Tensor], *, tied_head: bool = True) -> dict[str, Tensor]:
    """GPT-2's tensors under our names: h.3.attn.c_attn.weight (C, 3C) -> blocks.3.attention.qkv.weight (3C, C).

    `lm_head.weight` is the token table once more, or with tied_head=False the head's own. Raises ValueError for a name
    that GPT-2 does not have, two names for one tensor, and a head that is not the table it should be tied to.
    """
    ours, names, unknown = {}, {}, []
    for name, tensor in theirs.items():
        short = name.removeprefix("transformer.")
        if short.endswith(GPT2_MASKS):
            continue
        stem, _, kind = short.rpartition(".")
        block = ""
        if stem.startswith("h."):
            _, layer, stem = stem.split(".", 2)
            block = f"blocks.{layer}."
        if stem not in GPT2_NAMES:
            unknown.append(name)
            continue
        mine = f"{block}{GPT2_NAMES[stem]}.{kind}"
        if mine in ours:
            raise ValueError(f"{names[mine]} and {name} are both {mine}; remove the one that does not belong here")
        ours[mine], names[mine] = tensor.T.contiguous() if name.endswith(GPT2_TRANSPOSED) else tensor, name
    if unknown:
        raise ValueError(f"GPT-2 has no {_some(unknown)}; are these the weights of another model?")
    head, table = ours.get("head.weight"), ours.get("token_embedding.weight")
    if not tied_head or head is None or table is None:
        return ours
    if head.shape != table.shape or not torch.equal(head, table):
        far = f"by up to {(head - table).abs().max():.2g}" if head.shape == table.shape else f"in shape {head.shape}"
        raise ValueError(f"{names['head.weight']} differs from {names['token_embedding.weight']} {far}: this model has "
                         "a head of its own; load_gpt2(folder, tied_head=False) keeps it")
    del ours["head.weight"]
    return ours


def load_gpt2(folder: str | Path, **changes: object) -> GPT:
    """The GPT-2 in a folder with `config.json` and `model.safetensors`, in evaluation mode; nothing is downloaded.

    `changes` go to the config: `load_gpt2(folder, attention="explicit")`. Raises ValueError, with what to do, for a
    missing or broken file, and for weights whose names, shapes or numbers are not those of such a model.
    """
    folder = Path(folder)
    for name in ("config.json", "model.safetensors"):
        if not os.path.isfile(folder / name):
            raise ValueError(f"{folder} has no {name}; put GPT-2's config.json and model.safetensors there")
    values = read_json(folder / "config.json", "GPT-2's config", way_out="copy it again")
    try:
        theirs = load_file(folder / "model.safetensors")
    except SafetensorError as error:
        raise ValueError(f"{folder} holds a broken file ({error}); copy it again") from None
    with torch.device("meta"):  # no time spent on random numbers that are replaced at once
        model = GPT(gpt2_config(values, **changes)).to_empty(device="cpu")
    load_weights(model, gpt2_weights(theirs, tied_head=model.config.tied_head))
    return model.eval()


def load_weights(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Copy `weights` into the model. Raises ValueError unless names and shapes are exactly the model's.

    And for tensors that would be copied without a word though they are no such weights: see `refuse_odd_weights`.
    """
    refuse_odd_weights(weights)
    wanted = model.state_dict()
    problems = {
        "lack": [name for name in wanted if name not in weights],
        "do not belong": [name for name in weights if name not in wanted],
        "have another shape": [f"{name} {tuple(weights[name].shape)} for {tuple(wanted[name].shape)}"
                               for name in wanted if name in weights and weights[name].shape != wanted[name].shape],
    }
    found = [f"{what}: {_some(names)}" for what, names in problems.items() if names]
    if found:
        raise ValueError(f"these weights do not fit the model: {'; '.join(found)}")
    model.load_state_dict(dict(weights))


def refuse_odd_weights(weights: Mapping[str, Tensor]) -> None:
    """ValueError, with the name and what to do, for weights in integers or 8 bits, and for nan and infinities."""
    for name, tensor in weights.items():
        if tensor.dtype not in WEIGHT_DTYPES:
            raise ValueError(f"{name} is of {tensor.dtype}: quantized weights need the scales that belong to them; "
                             "take the file that was not quantized (float32, bfloat16 or float16)")
        if not (fine := tensor.isfinite()).all():
            raise ValueError(f"{name} has {(~fine).sum()} numbers of {tensor.numel()} that are nan or infinite; copy "
                             "the file again, or take an earlier checkpoint of that training")


def _some(names: list[str], shown: int = 3) -> str:
    rest = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {rest} more" if rest > 0 else "")


@torch.no_grad()
def record_outputs(model: nn.Module, parts: Mapping[str, str], idx: Tensor) -> dict[str, Tensor]:
    """Run the model on idx and return what the named parts put out, in the order of `parts` (label -> module path)."""
    seen: dict[str, Tensor] = {}

    def keep(label: str):
        return lambda module, inputs, out: seen.__setitem__(label, out[0] if isinstance(out, tuple) else out)

    hooks = [model.get_submodule(path).register_forward_hook(keep(label)) for label, path in parts.items()]
    try:
        model(idx)
    finally:
        for hook in hooks:
            hook.remove()
    return {label: seen[label] for label in parts}


def first_difference(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor], tolerance: float) -> str | None:
    """The first label, in our order, whose tensors differ by more than `tolerance` (absolute); None if all agree."""
    for label, mine in ours.items():
        if mine.shape != theirs[label].shape:
            return f"{label}: shape {tuple(mine.shape)}, theirs {tuple(theirs[label].shape)}"
        largest = (mine - theirs[label]).abs().max().item()
        if not largest <= tolerance:
            return f"{label}: largest difference {largest:.2g}, more than {tolerance:.2g}"
    return None
