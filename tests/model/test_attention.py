"""Attention against PyTorch's own, in float64: outputs, weights, gradients, masks, groups, paths."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from course_lib.byhand import attention as byhand_attention
from course_lib.model.attention import (
    CausalSelfAttention,
    attention,
    attention_weights,
    causal_mask,
    choose_path,
    fused_attention,
    idle_queries,
    mask_to_bias,
    merge_heads,
    split_heads,
)
from course_lib.model.config import GPTConfig

B, H, T, S, D = 2, 3, 5, 7, 4
TIGHT = dict(rtol=1e-12, atol=1e-12)


@pytest.fixture
def qkv():
    torch.manual_seed(0)
    return [torch.randn(B, H, length, D, dtype=torch.float64, requires_grad=True) for length in (T, S, S)]


def test_causal_mask_by_hand():
    assert causal_mask(3).int().tolist() == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    assert causal_mask(2, 4).int().tolist() == [[1, 1, 1, 0], [1, 1, 1, 1]]
    assert causal_mask(1, 3).all()


def test_heads_are_slices_of_the_width():
    x = torch.arange(2 * 3 * 8).view(2, 3, 8)
    heads = split_heads(x, 4)
    assert heads.shape == (2, 4, 3, 2)
    assert torch.equal(heads[1, 2, 0], x[1, 0, 4:6])
    assert torch.equal(merge_heads(heads), x)


MASKS = {
    "all": None,
    "causal": causal_mask(T, S),
    "ragged": causal_mask(T, S) & (torch.arange(S) >= torch.tensor([[0], [2]]))[:, None, None],
}


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("ours", [lambda *a: attention(*a)[0], fused_attention], ids=["explicit", "fused"])
def test_outputs_and_gradients_are_pytorchs(qkv, mask, ours):
    theirs = F.scaled_dot_product_attention(*qkv, attn_mask=mask)
    full = torch.ones(B, H, T, S, dtype=torch.bool) & (True if mask is None else mask)
    heads = [one_head(*(array[b, h] for array in qkv), full[b, h]) for b in range(B) for h in range(H)]
    by_loops = torch.stack(heads).view(B, H, T, D)
    mine, dy = ours(*qkv, mask), torch.randn(B, H, T, D, dtype=torch.float64)
    torch.testing.assert_close(mine, theirs, **TIGHT)
    torch.testing.assert_close(mine, by_loops, **TIGHT)
    torch.testing.assert_close(torch.autograd.grad(mine, qkv, dy), torch.autograd.grad(by_loops, qkv, dy), **TIGHT)


def one_head(q, k, v, mask):
    """One query after another, with exp and sum: nothing in common with the code under test."""
    rows = []
    for t in range(T):
        seen = [s for s in range(S) if mask[t, s]]
        powers = [torch.exp(sum(q[t, d] * k[s, d] for d in range(D)) / math.sqrt(D)) for s in seen]
        rows.append(sum(power * v[s] for power, s in zip(powers, seen, strict=True)) / sum(powers))
    return torch.stack(rows)


def test_the_causal_flag_is_the_causal_mask(qkv):
    q, k, v = qkv[0], qkv[1][:, :, :T], qkv[2][:, :, :T]
    torch.testing.assert_close(fused_attention(q, k, v, causal=True), attention(q, k, v, causal_mask(T))[0], **TIGHT)


def test_weights_sum_to_one_and_hide_what_the_mask_hides(qkv):
    weights = attention_weights(*qkv[:2], MASKS["ragged"])
    torch.testing.assert_close(weights.sum(-1), torch.ones(B, H, T, dtype=torch.float64))
    hidden = ~MASKS["ragged"].expand_as(weights)
    assert hidden.any() and not weights[hidden].any() and (weights[~hidden] > 0).all()


@pytest.mark.parametrize("look", [True, False])  # on a GPU, or in a graph, the mask is not looked at
def test_a_query_that_may_read_nothing_gets_0_on_every_path(qkv, look, monkeypatch):
    """Explicit, fused and by hand: the same zeros, forwards and backwards, and nan nowhere."""
    if not look:
        monkeypatch.setattr("course_lib.model.attention.can_look", lambda tensor: False)
    mask = MASKS["ragged"].clone()
    mask[..., 1, :] = False
    dy = torch.randn(B, H, T, D, dtype=torch.float64)
    (mine, weights), fused = attention(*qkv, mask), fused_attention(*qkv, mask)
    arrays = [x.detach().numpy() for x in qkv]
    numpy_mask = mask.expand(B, H, T, S).numpy()
    by_hand, by_hand_weights = byhand_attention.attention(*arrays, numpy_mask)
    assert not mine[:, :, 1].any() and not weights[:, :, 1].any() and mine[:, :, 0].all()
    torch.testing.assert_close(mine, fused, **TIGHT)
    torch.testing.assert_close(mine, torch.from_numpy(by_hand), **TIGHT)
    torch.testing.assert_close(weights, torch.from_numpy(by_hand_weights), **TIGHT)
    grads = torch.autograd.grad(mine, qkv, dy)
    assert not grads[0][:, :, 1].any()
    torch.testing.assert_close(grads, torch.autograd.grad(fused, qkv, dy), **TIGHT)
    expected = byhand_attention.attention_backward(dy.numpy(), *arrays, by_hand_weights)
    torch.testing.assert_close(grads, tuple(map(torch.from_numpy, expected)), **TIGHT)


def test_a_mask_under_which_every_query_reads_costs_nothing_more(qkv):
    """On a CPU one look at the mask is enough: no second copy of the weights is kept."""
    assert idle_queries(causal_mask(T, S)) is None
    idle = idle_queries(torch.zeros(T, S, dtype=torch.bool))
    assert idle.shape == (T, 1) and idle.all()


def test_bias_is_masked_fill():
    scores, mask = torch.randn(T, S), causal_mask(T, S)
    assert torch.equal(scores + mask_to_bias(mask, scores.dtype), scores.masked_fill(~mask, -torch.inf))


def make(**changes) -> CausalSelfAttention:
    torch.manual_seed(1)
    config = GPTConfig(**{**dict(vocab_size=5, n_embd=24, n_head=6, position="none", bias=True), **changes})
    return CausalSelfAttention(config).double()


def test_module_is_pytorchs_multihead_attention():
    ours, theirs = make(), nn.MultiheadAttention(24, 6, batch_first=True).double()
    theirs.load_state_dict({"in_proj_weight": ours.qkv.weight, "in_proj_bias": ours.qkv.bias,
                            "out_proj.weight": ours.proj.weight, "out_proj.bias": ours.proj.bias})
    x = torch.randn(2, T, 24, dtype=torch.float64)
    expected, _ = theirs(x, x, x, attn_mask=~causal_mask(T), need_weights=False)
    torch.testing.assert_close(ours(x), expected, **TIGHT)


@pytest.mark.parametrize("n_kv_head", [1, 2, 3])
def test_groups_share_keys_and_values(n_kv_head):
    """A grouped module equals a full one whose key and value rows are written out once for each query head."""
    grouped, full = make(n_kv_head=n_kv_head), make()
    D, group = 4, 6 // n_kv_head
    with torch.no_grad():
        for name in ("weight", "bias"):
            rows = getattr(grouped.qkv, name).split([24, n_kv_head * D, n_kv_head * D])
            q, *kv = (part.view(-1, D, *part.shape[1:]) for part in rows)
            parts = [q, *(torch.stack([part[h // group] for h in range(6)]) for part in kv)]
            getattr(full.qkv, name).copy_(torch.cat([part.flatten(0, 1) for part in parts]))
        full.proj.load_state_dict(grouped.proj.state_dict())
    x = torch.randn(2, T, 24, dtype=torch.float64)
    torch.testing.assert_close(grouped(x), full(x), **TIGHT)


@pytest.mark.parametrize("changes", [{}, dict(n_kv_head=2), dict(qk_norm=True)])
def test_both_paths_of_the_module_agree(changes):
    x, y = torch.randn(2, T, 24, dtype=torch.float64), []
    for path in ("explicit", "fused"):
        module = make(attention=path, **changes)
        y += [module(x), module(x, mask=causal_mask(T) & (torch.arange(T) != 1))]
    torch.testing.assert_close(y[0], y[2], **TIGHT)
    torch.testing.assert_close(y[1], y[3], **TIGHT)
    assert (y[0] - y[1]).abs().max() > 1e-3


def test_query_key_norm_bounds_the_scores():
    module = make(qk_norm=True)
    q, k, _ = module.qkv_heads(1000 * torch.randn(2, T, 24, dtype=torch.float64))
    assert (q @ k.mT / math.sqrt(4)).abs().max() <= math.sqrt(4) + 1e-6


def test_which_path_runs():
    leaf = torch.zeros(1, dtype=torch.bfloat16, requires_grad=True)
    assert choose_path("auto", leaf) == "explicit"
    assert choose_path("auto", leaf.detach()) == "fused"
    assert choose_path("auto", leaf.detach().float().requires_grad_()) == "fused"
    assert choose_path("auto", torch.zeros(1, dtype=torch.bfloat16, device="meta", requires_grad=True)) == "fused"
    assert [choose_path(path, leaf) for path in ("explicit", "fused")] == ["explicit", "fused"]


def test_dropout_silences_weights_in_training_only():
    module, x = make(dropout=0.5), torch.randn(2, T, 24, dtype=torch.float64)
    assert not torch.equal(module.train()(x), module(x))
    assert torch.equal(module.eval()(x), module(x))
    weights = torch.full((1, 1, 1, 1000), 1.0)
    out, _ = attention(torch.zeros(1, 1, 1, 1), weights.mT * 0, weights.mT, dropout=0.5)
    assert out.item() == pytest.approx(1, abs=0.2)
