"""Ours against transformers' GPT-2, Llama and Qwen3 with the same random weights; loading GPT-2 from a folder."""

import json
import re

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional as F
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from course_lib.model.config import GPTConfig
from course_lib.model.gpt import GPT
from course_lib.model.pretrained import (
    first_difference,
    gpt2_config,
    gpt2_weights,
    load_gpt2,
    load_weights,
    record_outputs,
)

SIZES = dict(vocab_size=61, context_length=20, n_layer=3, n_head=4, n_embd=32)
TOLERANCE = 1e-5


def shake(theirs):
    """Random weights everywhere: ones and zeros would hide a swapped gain or a forgotten bias."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return theirs.double().eval()


def gpt2():
    theirs = shake(GPT2LMHeadModel(GPT2Config(vocab_size=61, n_positions=20, n_layer=3, n_head=4, n_embd=32)))
    ours = GPT(gpt2_config(theirs.config.to_dict())).double().eval()
    load_weights(ours, gpt2_weights(theirs.state_dict()))
    return ours, theirs, gpt2_weights


def llama_weights(theirs):
    """The tensors of a Llama or Qwen3 under our names."""
    names = {"model.embed_tokens": "token_embedding", "model.norm": "norm", "lm_head": "head",
             "input_layernorm": "attention_norm", "post_attention_layernorm": "feedforward_norm",
             "self_attn.o_proj": "attention.proj", "self_attn.q_norm": "attention.q_norm",
             "self_attn.k_norm": "attention.k_norm", "mlp.gate_proj": "feedforward.gate",
             "mlp.up_proj": "feedforward.up", "mlp.down_proj": "feedforward.proj"}
    ours = {}
    for name, tensor in theirs.items():
        layer, stem, kind = re.fullmatch(r"(?:model\.layers\.(\d+)\.)?(.+)\.(weight|bias)", name).groups()
        block = "" if layer is None else f"blocks.{layer}."
        if stem in names:
            ours[f"{block}{names[stem]}.{kind}"] = tensor
    for layer in range(3):
        parts = [theirs[f"model.layers.{layer}.self_attn.{part}_proj.weight"] for part in "qkv"]
        ours[f"blocks.{layer}.attention.qkv.weight"] = torch.cat(parts)
    return ours


def llama(n_kv_head=2, kind="llama"):
    shape = dict(vocab_size=61, max_position_embeddings=20, num_hidden_layers=3, num_attention_heads=4, hidden_size=32,
                 num_key_value_heads=n_kv_head, intermediate_size=48, rms_norm_eps=1e-5, tie_word_embeddings=False)
    if kind == "llama":
        theirs = LlamaForCausalLM(LlamaConfig(**shape))
    else:
        theirs = Qwen3ForCausalLM(Qwen3Config(**shape, head_dim=8))
    theirs = shake(theirs)
    ours = GPT(GPTConfig(**SIZES, n_kv_head=n_kv_head, n_hidden=48, feedforward="swiglu", tied_head=False,
                         qk_norm=kind == "qwen3")).double().eval()
    load_weights(ours, llama_weights(theirs.state_dict()))
    return ours, theirs, llama_weights


PAIRS = {
    "gpt2": gpt2,
    "llama": llama,
    "llama multi-query": lambda: llama(n_kv_head=1),
    "llama full": lambda: llama(n_kv_head=4),
    "qwen3": lambda: llama(kind="qwen3"),
}


@pytest.fixture(params=PAIRS)
def pair(request):
    return PAIRS[request.param]()


@pytest.fixture
def idx():
    return torch.randint(0, 61, (2, 20), generator=torch.Generator().manual_seed(1))


def test_every_layer_agrees(pair, idx):
    ours, theirs, _ = pair
    gpt2 = isinstance(theirs, GPT2LMHeadModel)
    stem, embed, norm = ("transformer.h", "transformer.drop", "transformer.ln_f") if gpt2 else (
        "model.layers", "model.embed_tokens", "model.norm")
    blocks = {f"block {layer}": f"blocks.{layer}" for layer in range(3)}
    their_blocks = {f"block {layer}": f"{stem}.{layer}" for layer in range(3)}
    mine = record_outputs(ours, {"embedding": "dropout", **blocks, "norm": "norm"}, idx)
    other = record_outputs(theirs, {"embedding": embed, **their_blocks, "norm": norm}, idx)
    assert first_difference(mine, other, TOLERANCE) is None


def test_logits_and_gradients_agree(pair, idx):
    ours, theirs, rename = pair
    logits, expected = ours(idx), theirs(idx).logits
    assert first_difference({"logits": logits}, {"logits": expected}, TOLERANCE) is None
    for y in (logits, expected):
        F.cross_entropy(y[:, :-1].flatten(0, 1), idx[:, 1:].flatten()).backward()
    mine = {name: parameter.grad for name, parameter in ours.named_parameters()}
    other = rename({name: parameter.grad for name, parameter in theirs.named_parameters()})
    assert set(mine) == set(other) and min(grad.abs().max() for grad in mine.values()) > 100 * TOLERANCE
    assert first_difference(mine, other, TOLERANCE) is None


def test_a_wrong_layer_is_named(idx):
    ours, theirs, _ = gpt2()
    with torch.no_grad():
        ours.blocks[1].feedforward.proj.bias[0] += 0.01
    blocks = [{f"block {layer}": f"{stem}.{layer}" for layer in range(3)} for stem in ("blocks", "transformer.h")]
    mine, other = record_outputs(ours, blocks[0], idx), record_outputs(theirs, blocks[1], idx)
    assert first_difference(mine, other, TOLERANCE) == "block 1: largest difference 0.01, more than 1e-05"
    nan = {"block 0": mine["block 0"] * torch.nan}
    assert first_difference(nan, other, TOLERANCE).startswith("block 0: largest difference nan")
    assert first_difference({"block 0": torch.zeros(2)}, other, TOLERANCE) == "block 0: shape (2,), theirs (2, 20, 32)"


@pytest.fixture
def folder(tmp_path):
    """A GPT-2 as transformers writes it."""
    _, theirs, _ = gpt2()
    theirs.float().save_pretrained(tmp_path)
    return tmp_path


def rewrite(folder, change):
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors")


def test_load_gpt2_from_a_folder(folder, idx):
    model = load_gpt2(folder)
    expected = GPT2LMHeadModel.from_pretrained(folder)(idx).logits
    torch.testing.assert_close(model(idx), expected, rtol=0, atol=TOLERANCE)
    assert not model.training and all(parameter.requires_grad for parameter in model.parameters())
    assert load_gpt2(str(folder), attention="explicit").config.attention == "explicit"


def test_load_gpt2_as_first_published(folder, idx):
    """OpenAI's file has no 'transformer.' before the names, and carries the causal masks."""
    expected = load_gpt2(folder)(idx)

    def as_published(weights):
        for name in list(weights):
            weights[name.removeprefix("transformer.")] = weights.pop(name)
        weights["h.0.attn.bias"] = torch.ones(1, 1, 20, 20)
        weights["h.0.attn.masked_bias"] = torch.tensor(-1e4)

    rewrite(folder, as_published)
    torch.testing.assert_close(load_gpt2(folder)(idx), expected)


@pytest.mark.parametrize("change, message", [
    (lambda weights: weights.pop("transformer.h.1.ln_2.bias"), "lack: blocks.1.feedforward_norm.bias"),
    (lambda weights: weights.update({"transformer.h.7.ln_2.bias": torch.zeros(32)}),
     "do not belong: blocks.7.feedforward_norm.bias"),
    (lambda weights: weights.update({"transformer.wpe.weight": torch.zeros(9, 32)}),
     "have another shape: position.weight (9, 32) for (20, 32)"),
    (lambda weights: weights.update({f"bert.pooler.{i}": torch.zeros(1) for i in range(5)}),
     "GPT-2 has no bert.pooler.0, bert.pooler.1, bert.pooler.2 and 2 more"),
    (lambda weights: weights.update({"wpe.weight": torch.zeros(20, 32)}),
     "transformer.wpe.weight and wpe.weight are both position.weight; remove the one"),
    (lambda weights: weights.update({"lm_head.weight": weights["transformer.wte.weight"] + 0.5}),
     "lm_head.weight differs from transformer.wte.weight by up to 0.5: this model has a head of its own; "
     "load_gpt2(folder, tied_head=False)"),
    (lambda weights: weights.update({"lm_head.weight": torch.zeros(60, 32)}),
     "lm_head.weight differs from transformer.wte.weight in shape"),
    (lambda weights: weights.update({"transformer.h.1.mlp.c_fc.weight":
                                     weights["transformer.h.1.mlp.c_fc.weight"].to(torch.int8)}),
     "blocks.1.feedforward.up.weight is of torch.int8: quantized weights need the scales"),
    (lambda weights: weights.update({"transformer.wte.weight":
                                     weights["transformer.wte.weight"].to(torch.float8_e4m3fn)}),
     "token_embedding.weight is of torch.float8_e4m3fn"),
    (lambda weights: weights["transformer.h.2.attn.c_proj.bias"].__setitem__(3, torch.nan),
     "blocks.2.attention.proj.bias has 1 numbers of 32 that are nan or infinite; copy the file again"),
    (lambda weights: weights["transformer.ln_f.weight"].fill_(torch.inf),
     "norm.weight has 32 numbers of 32 that are nan or infinite"),
])
def test_weights_that_do_not_fit_are_named(folder, change, message):
    rewrite(folder, change)
    with pytest.raises(ValueError, match=re.escape(message)):
        load_gpt2(folder)


def test_a_head_of_its_own_is_kept(folder, idx):
    """By the argument, or because the config says so: the logits are transformers', not those of the table."""
    values = json.loads((folder / "config.json").read_text())
    theirs = GPT2LMHeadModel(GPT2Config(**values | {"tie_word_embeddings": False}))
    shake(theirs).float()
    save_file({name: tensor.contiguous() for name, tensor in theirs.state_dict().items()}, folder / "model.safetensors")
    with pytest.raises(ValueError, match="a head of its own"):
        load_gpt2(folder)
    torch.testing.assert_close(load_gpt2(folder, tied_head=False)(idx), theirs(idx).logits, rtol=0, atol=TOLERANCE)
    (folder / "config.json").write_text(json.dumps(values | {"tie_word_embeddings": False}))
    torch.testing.assert_close(load_gpt2(folder)(idx), theirs(idx).logits, rtol=0, atol=TOLERANCE)


def test_the_table_once_more_is_no_head_of_its_own(folder, idx):
    expected = load_gpt2(folder)(idx)
    rewrite(folder, lambda weights: weights.update({"lm_head.weight": weights["transformer.wte.weight"].clone()}))
    torch.testing.assert_close(load_gpt2(folder)(idx), expected)


@pytest.mark.parametrize("change, message", [
    ({"model_type": "llama"}, "model_type='llama'; load_gpt2 needs 'gpt2'"),
    ({"activation_function": "relu"}, "activation_function='relu'; load_gpt2 needs 'gelu_new'"),
    ({"n_head": 5}, "n_embd=32 cannot be shared by n_head=5 heads; try 30 or 35"),
])
def test_configs_of_other_models_are_refused(folder, change, message):
    values = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**values, **change}))
    with pytest.raises(ValueError, match=re.escape(message)):
        load_gpt2(folder)


def test_missing_and_broken_files_are_named(folder):
    values = json.loads((folder / "config.json").read_text())
    del values["n_positions"]
    (folder / "config.json").write_text(json.dumps(values))
    with pytest.raises(ValueError, match="config.json lacks n_positions"):
        load_gpt2(folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(ValueError, match="config.json is not GPT-2's config: .* copy it again"):
        load_gpt2(folder)
    (folder / "model.safetensors").unlink()
    with pytest.raises(ValueError, match="has no model.safetensors; put GPT-2's"):
        load_gpt2(folder)
