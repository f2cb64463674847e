import copy
import math

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.training.config import TrainConfig
from course_lib.training.optim import (
    NEWTON_SCHULZ,
    AdamW,
    Muon,
    build_optimizers,
    clip_gradients,
    hidden_matrices,
    orthogonalize,
    set_lr,
)


@pytest.fixture
def problem():
    """A small net in float64, and a function that fills its gradients from fresh data."""
    torch.manual_seed(2)
    net = nn.Sequential(nn.Linear(6, 10), nn.Tanh(), nn.Linear(10, 10), nn.Tanh(), nn.Linear(10, 3)).double()

    def fill(model, step):
        x = torch.randn(8, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(step))
        model.zero_grad()
        (model(x).square().mean() + model(x).sum() / 50).backward()

    return net, fill


def race(net, fill, ours, theirs, steps):
    """Train two copies; the largest distance between their parameters after `steps` steps, and how far they went."""
    one, two = copy.deepcopy(net), copy.deepcopy(net)
    ours, theirs = ours(one), theirs(two)
    for step in range(steps):
        for optimizer, model in ((ours, one), (theirs, two)):
            for group in optimizer.param_groups:
                group["lr"] = 0.01 / (1 + step / 50)
            fill(model, step)
            optimizer.step()
    far = max((p - q).abs().max().item() for p, q in zip(one.parameters(), two.parameters(), strict=True))
    went = max((p - q).abs().max().item() for p, q in zip(one.parameters(), net.parameters(), strict=True))
    return far, went


@pytest.mark.parametrize("fused", [False, True])
def test_adamw_is_torchs_over_1000_steps(problem, fused):
    settings = dict(betas=(0.85, 0.97), eps=1e-7, weight_decay=0.3)
    far, went = race(*problem, lambda m: AdamW(m.parameters(), **settings),
                     lambda m: torch.optim.AdamW(m.parameters(), **settings, fused=fused, foreach=False), 1000)
    assert far < 1e-11 and went > 0.1


def test_adamw_passes_by_parameters_without_gradient(problem):
    net, fill = problem
    unused = nn.Parameter(torch.ones(3, dtype=torch.float64))
    optimizer = AdamW([unused, *net.parameters()], weight_decay=0.5)
    fill(net, 0)
    optimizer.step()
    assert unused.tolist() == [1, 1, 1] and unused not in optimizer.state


def test_torchs_adamw_can_continue_a_run_of_ours(problem):
    net, fill = problem
    ours = AdamW(net.parameters(), weight_decay=0.2)
    for step in range(5):
        fill(net, step)
        ours.step()
    other = copy.deepcopy(net)
    theirs = torch.optim.AdamW(other.parameters())
    theirs.load_state_dict(copy.deepcopy(ours.state_dict()))
    for model, optimizer in ((net, ours), (other, theirs)):
        fill(model, 6)
        optimizer.step()
    for p, q in zip(net.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-12, atol=1e-14)


def test_orthogonalize_changes_singular_values_by_its_polynomial_and_nothing_else():
    torch.manual_seed(0)
    a, b, c = NEWTON_SCHULZ
    for shape in ((5, 4, 7), (5, 7, 4), (6, 6)):
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


def test_muon_is_torchs_over_200_steps(problem, monkeypatch):
    net, fill = problem
    net = nn.Sequential(*(nn.Linear(i, o, bias=False).double() for i, o in ((6, 10), (10, 10), (10, 10), (10, 3))))
    monkeypatch.setattr(torch.Tensor, "bfloat16", lambda self: self.clone())  # torch's has no float64 of its own
    far, went = race(net, fill, lambda m: Muon(m.parameters(), momentum=0.9, weight_decay=0.2, dtype=torch.float64),
                     lambda m: torch.optim.Muon(m.parameters(), momentum=0.9, weight_decay=0.2), 200)
    assert far < 1e-10 and went > 0.1


def test_muon_in_bf16_stays_close_to_torchs():
    torch.manual_seed(0)
    gradients = torch.randn(4, 24, 16)
    ours, theirs = ([nn.Parameter(torch.zeros(24, 16)) for _ in range(4)] for _ in range(2))
    for params in (ours, theirs):
        for p, g in zip(params, gradients, strict=True):
            p.grad = g.clone()
    Muon(ours, lr=1.0, dtype=torch.bfloat16).step()
    torch.optim.Muon(theirs, lr=1.0).step()
    for p, q in zip(ours, theirs, strict=True):
        assert (p - q).norm() < 0.02 * q.norm()


def test_muon_refuses_what_is_no_matrix():
    with pytest.raises(ValueError, match=r"shape \(3,\); use AdamW"):
        Muon([nn.Parameter(torch.zeros(3))])


@pytest.mark.parametrize("max_norm", [0.01, 1e6, None])
def test_clipping_is_torchs(problem, max_norm):
    net, fill = problem
    fill(net, 0)
    other = copy.deepcopy(net)
    for p, q in zip(net.parameters(), other.parameters(), strict=True):
        q.grad = p.grad.clone()
    norm = clip_gradients(net.parameters(), max_norm)
    theirs = nn.utils.clip_grad_norm_(other.parameters(), math.inf if max_norm is None else max_norm)
    torch.testing.assert_close(norm, theirs, rtol=1e-12, atol=0)
    for p, q in zip(net.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(p.grad, q.grad, rtol=1e-12, atol=0)


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


def test_a_tied_linear_head_is_no_hidden_matrix():
    model = nn.ModuleDict({"table": nn.Embedding(5, 4), "inner": nn.Linear(4, 4), "out": nn.Linear(4, 5)})
    model["out"].weight = model["table"].weight
    assert [id(p) for p in hidden_matrices(model)] == [id(model["inner"].weight)]


def test_muon_without_hidden_matrices_is_refused():
    with pytest.raises(ValueError, match="no hidden matrix"):
        build_optimizers(nn.Embedding(3, 2), TrainConfig(max_steps=1, batch_size=1, optimizer="muon"))
