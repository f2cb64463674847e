"""What must be true of any GPT, and of its first and last moments of training."""

import math

import pytest
import torch
from torch.nn import functional as F

from course_lib.model.config import PRESETS, GPTConfig, baseline_tiny, tiny
from course_lib.model.gpt import GPT, padded_causal_mask, soft_cap

INITS = ("gpt2", "zero_projections")


def loss_of(model, idx, targets):
    return F.cross_entropy(model(idx).flatten(0, 1), targets.flatten())


def train(model, batches, lr):
    """A few steps of Adam on each (idx, targets)."""
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    for idx, targets in batches:
        optimizer.zero_grad()
        loss_of(model, idx, targets).backward()
        optimizer.step()


def test_logits_have_one_row_per_position(model, idx):
    assert model(idx).shape == (3, 12, 29)


def test_a_position_reacts_to_every_earlier_token_and_to_no_later_one(model, idx):
    before = model(idx)
    for s in range(12):
        changed = idx.clone()
        changed[:, s] = (changed[:, s] + 1) % 29
        difference = (model(changed) - before).abs().amax(dim=(0, 2))
        assert not difference[:s].any(), f"a position before {s} saw token {s}"
        assert (difference[s:] > 1e-9).all(), f"a position after {s} did not see token {s}"


def test_rows_of_a_batch_do_not_see_each_other(model, idx):
    torch.testing.assert_close(model(idx)[1:2], model(idx[1:2]), rtol=1e-10, atol=1e-10)


def test_both_attention_paths_give_the_same_logits_and_gradients(build, idx):
    models = [build(attention=path, n_kv_head=2, qk_norm=True) for path in ("explicit", "fused")]
    logits = [model(idx) for model in models]
    torch.testing.assert_close(*logits, rtol=1e-10, atol=1e-10)
    grads = [torch.autograd.grad(y.square().sum(), model.parameters()) for y, model in zip(logits, models, strict=True)]
    torch.testing.assert_close(*grads, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("preset", [tiny, baseline_tiny, PRESETS["small_cpu"]])
@pytest.mark.parametrize("vocab_size", [256, 4096])
def test_the_loss_starts_at_ln_v(preset, vocab_size):
    torch.manual_seed(0)
    idx, targets = torch.randint(0, vocab_size, (2, 4, 64))
    loss = loss_of(GPT(preset(vocab_size)), idx, targets).item()
    assert loss == pytest.approx(math.log(vocab_size), rel=0.02)


def test_zero_projections_start_as_the_identity():
    model = GPT(tiny(50))
    idx = torch.arange(50)[None]
    embedded = model.token_embedding(idx)
    for block in model.blocks:
        assert torch.equal(block(embedded, rotation=model.position.rotation(torch.arange(50))), embedded)


def test_gpt2_start_has_the_published_spread():
    torch.manual_seed(0)
    model = GPT(baseline_tiny(1000))
    assert model.blocks[0].attention.qkv.weight.std().item() == pytest.approx(0.02, rel=0.02)
    assert model.token_embedding.weight.std().item() == pytest.approx(0.02, rel=0.02)
    assert model.position.weight.std().item() == pytest.approx(0.02, rel=0.05)
    for block in model.blocks:
        assert block.attention.proj.weight.std().item() == pytest.approx(0.02 / math.sqrt(8), rel=0.03)
        assert block.feedforward.proj.weight.std().item() == pytest.approx(0.02 / math.sqrt(8), rel=0.03)
        assert not block.feedforward.up.bias.any()


@pytest.mark.parametrize("init", INITS)
@pytest.mark.parametrize("tied_head", [True, False])
def test_every_parameter_receives_a_gradient(init, tied_head, idx):
    """With zero projections only after the first step: until then nothing behind a zero matrix can matter."""
    torch.manual_seed(0)
    model = GPT(GPTConfig(vocab_size=29, context_length=12, n_embd=32, n_layer=2, n_kv_head=2, qk_norm=True, bias=True,
                          norm="layernorm", position="learned", init=init, tied_head=tied_head))
    if init == "zero_projections":
        train(model, [(idx, idx.roll(-1, 1))], lr=1e-2)
        model.zero_grad()
    loss_of(model, idx, idx.roll(-1, 1)).backward()
    silent = [name for name, parameter in model.named_parameters() if not parameter.grad.any()]
    assert silent == []


@pytest.mark.parametrize("changes", [{}, dict(feedforward="swiglu", n_kv_head=1), dict(norm="layernorm", init="gpt2")])
def test_one_batch_can_be_learned_by_heart(changes):
    torch.manual_seed(0)
    model = GPT(GPTConfig(vocab_size=29, context_length=16, n_layer=2, n_embd=32, **changes))
    idx, targets = torch.randint(0, 29, (2, 4, 16))
    train(model, [(idx, targets)] * 150, lr=1e-2)
    assert loss_of(model, idx, targets).item() < 0.05


def test_random_labels_never_beat_ln_v_on_fresh_data():
    torch.manual_seed(0)
    model = GPT(GPTConfig(vocab_size=29, context_length=16, n_layer=1, n_embd=32))
    train(model, [torch.randint(0, 29, (2, 16, 16)) for _ in range(100)], lr=3e-3)
    with torch.no_grad():
        loss = loss_of(model, *torch.randint(0, 29, (2, 256, 16))).item()
    assert math.log(29) < loss < math.log(29) + 0.2


def test_padding_changes_nothing(model, idx):
    padding_mask = torch.ones(3, 12, dtype=torch.bool)
    padding_mask[1, :4] = padding_mask[2, :11] = False
    logits = model(idx, padding_mask=padding_mask)
    assert logits.isfinite().all()
    for row, start in enumerate((0, 4, 11)):
        alone = model(idx[row:row + 1, start:])
        torch.testing.assert_close(logits[row:row + 1, start:], alone, rtol=1e-10, atol=1e-10)


def test_padded_causal_mask_by_hand():
    mask = padded_causal_mask(torch.tensor([[False, False, True]]), 3)
    assert mask.int().tolist() == [[[[1, 0, 0], [0, 1, 0], [0, 0, 1]]]]
    last_two = padded_causal_mask(torch.tensor([[False, True, True]]), 2)
    assert last_two.int().tolist() == [[[[0, 1, 0], [0, 1, 1]]]]


def test_soft_cap_is_gentle_and_firm():
    logits = torch.tensor([0.1, -0.1, 1000.0, -1000.0], dtype=torch.float64)
    torch.testing.assert_close(soft_cap(logits, 15.0)[:2], logits[:2], rtol=1e-4, atol=0)
    assert soft_cap(logits, 15.0)[2:].tolist() == [15.0, -15.0]


def test_a_cap_in_the_config_caps(build, idx):
    capped, free = build(logit_soft_cap=2.0)(idx), build()(idx)
    torch.testing.assert_close(capped, soft_cap(free, 2.0))
    assert free.abs().max() > 2 > capped.abs().max()


def test_a_tied_head_is_the_token_table_once():
    model = GPT(tiny(50))
    assert model.head_weight is model.token_embedding.weight
    assert "head.weight" not in model.state_dict()
    untied = GPT(tiny(50, tied_head=False))
    assert untied.head_weight is untied.state_dict(keep_vars=True)["head.weight"]


def test_autocast_keeps_the_stream_in_bfloat16_and_the_answer_close():
    torch.manual_seed(0)
    model, idx = GPT(baseline_tiny(50)), torch.randint(0, 50, (2, 32))
    seen = []
    model.blocks[1].register_forward_pre_hook(lambda module, args: seen.append(args[0].dtype))
    exact = model(idx)
    with torch.autocast("cpu", torch.bfloat16):
        rough = model(idx)
    assert seen == [torch.float32, torch.bfloat16]
    torch.testing.assert_close(rough.float(), exact, rtol=0, atol=0.05 * exact.abs().max().item())


def test_bad_input_is_refused_with_a_way_out(build):
    model = build()
    with pytest.raises(ValueError, match="17 tokens do not fit context_length=16; keep the last 16"):
        model(torch.zeros(1, 17, dtype=torch.long))
    with pytest.raises(ValueError, match=r"idx\[0, 1\] is 29, but ids are 0 to 28 \(vocab_size=29\)"):
        model(torch.tensor([[0, 29]]))
    with pytest.raises(ValueError, match=r"idx has shape \(3,\), but must be \(B, T\); for one text use idx\[None\]"):
        model(torch.tensor([0, 1, 2]))
    with pytest.raises(ValueError, match=r"padding_mask has shape \(1, 2\), but must be \(1, 3\)"):
        model(torch.zeros(1, 3, dtype=torch.long), padding_mask=torch.ones(1, 2, dtype=torch.bool))
