import numpy as np
import pytest
import torch
from torch import nn

from course_lib.training.config import TrainConfig
from course_lib.training.muon import (
    NEWTON_SCHULZ,
    Muon,
    build_optimizers,
    hidden_matrices,
    orthogonalize,
    set_lr,
)


def test_orthogonalize_changes_singular_values_by_its_polynomial_and_nothing_else():
    torch.manual_seed(0)
    a, b, c = NEWTON_SCHULZ
    for shape in ((5, 4, 7), (5, 7, 4), (6, 6), (2, 3, 4, 5)):
        matrices = torch.randn(shape, dtype=torch.float64)
        U, s, V = torch.linalg.svd(matrices, full_matrices=False)
        s = s / s.norm(dim=-1, keepdim=True)
        for _ in range(5):
            s = a * s + b * s**3 + c * s**5
        torch.testing.assert_close(orthogonalize(matrices), U * s[..., None, :] @ V, rtol=1e-9, atol=1e-10)


def test_orthogonalize_brings_all_singular_values_near_one():
    torch.manual_seed(0)
    matrices = torch.randn(3, 32, 64)
    before = torch.linalg.svdvals(matrices / matrices.norm(dim=(-2, -1), keepdim=True))
    after = torch.linalg.svdvals(orthogonalize(matrices, dtype=torch.bfloat16))
    assert before.max() < 0.35
    assert 0.6 < after.min() and after.max() < 1.3
    assert not orthogonalize(torch.zeros(2, 3, 4)).any()


def test_muon_is_torchs_over_100_steps(race, monkeypatch):
    monkeypatch.setattr(torch.Tensor, "bfloat16", lambda self: self.clone())  # torch's has no float64 of its own
    settings = dict(momentum=0.9, weight_decay=0.2)
    far, went = race(lambda params: Muon(params, **settings, dtype=torch.float64),
                     lambda params: torch.optim.Muon(params, **settings), 100, matrices_only=True)
    assert far < 1e-10 and went > 0.1


def test_muon_in_bf16_stays_close_to_torchs():
    torch.manual_seed(0)
    gradients = torch.randn(4, 24, 16)
    ours, theirs = ([nn.Parameter(torch.zeros(24, 16)) for _ in range(4)] for _ in range(2))
    for params in (ours, theirs):
        for p, g in zip(params, gradients, strict=True):
            p.grad = g.clone()
    Muon(ours, lr=1.0, weight_decay=0.0, dtype=torch.bfloat16).step()
    torch.optim.Muon(theirs, lr=1.0, weight_decay=0.0).step()
    for p, q in zip(ours, theirs, strict=True):
        assert (p - q).norm() < 0.02 * q.norm()


def test_muon_refuses_what_is_no_matrix():
    with pytest.raises(ValueError, match=r"shape \(3,\); use AdamW"):
        Muon([nn.Parameter(torch.zeros(3))])


@pytest.mark.parametrize("tied_head", [True, False])
def test_muon_gets_the_hidden_matrices_and_adamw_the_rest(small, tied_head):
    model = small.model(tied_head=tied_head, bias=True, norm="layernorm")
    muon, adamw = build_optimizers(model, small.config(optimizer="muon", muon_lr=0.05, max_lr=0.01, weight_decay=0.2))
    names = {id(p): name for name, p in model.named_parameters()}
    moved = {names[id(p)] for p in muon.param_groups[0]["params"]}
    assert moved == {f"blocks.{layer}.{part}.weight" for layer in (0, 1) for part in
                     ("attention.qkv", "attention.proj", "feedforward.up", "feedforward.proj")}
    decayed, free = ({names[id(p)] for p in group["params"]} for group in adamw.param_groups)
    assert decayed == {"token_embedding.weight"} | (set() if tied_head else {"head.weight"})
    assert moved | decayed | free == set(names.values())
    assert all(name.endswith("bias") or "norm" in name for name in free)
    assert [group["weight_decay"] for group in (*muon.param_groups, *adamw.param_groups)] == [0.2, 0.2, 0.0]
    for optimizer in (muon, adamw):
        set_lr(optimizer, 0.004)
    np.testing.assert_allclose([muon.param_groups[0]["lr"], adamw.param_groups[0]["lr"]], [0.02, 0.004])


def test_frozen_parameters_are_left_to_nobody(small):
    model = small.model()
    for p in model.blocks[0].parameters():
        p.requires_grad = False
    moved = [p for each in build_optimizers(model, small.config(optimizer="muon")) for p in each.parameters()]
    assert {id(p) for p in moved} == {id(p) for p in model.parameters() if p.requires_grad}


def test_a_tied_linear_head_is_no_hidden_matrix():
    model = nn.ModuleDict({"table": nn.Embedding(5, 4), "inner": nn.Linear(4, 4), "out": nn.Linear(4, 5)})
    model["out"].weight = model["table"].weight
    assert [id(p) for p in hidden_matrices(model)] == [id(model["inner"].weight)]


def test_muon_without_hidden_matrices_is_refused():
    with pytest.raises(ValueError, match="no hidden matrix in a Embedding"):
        build_optimizers(nn.Embedding(3, 2), TrainConfig(max_steps=1, batch_size=1, optimizer="muon"))
