import copy
import math
import subprocess
import sys

import pytest
import torch
from torch import nn

from course_lib.training.optim import AdamW, clip_gradients


@pytest.mark.parametrize("fused", [False, True])
def test_adamw_is_torchs_over_1000_steps(race, fused):
    settings = dict(betas=(0.85, 0.97), eps=1e-7, weight_decay=0.3)
    far, went = race(lambda params: AdamW(params, **settings, fused=fused),
                     lambda params: torch.optim.AdamW(params, **settings, foreach=False), 1000)
    assert far < 1e-11 and went > 0.1


@pytest.mark.parametrize("fused", [False, True])
def test_adamw_passes_by_parameters_without_gradient(problem, fused):
    net, fill = problem
    unused = nn.Parameter(torch.ones(3, dtype=torch.float64))
    optimizer = AdamW([unused, *net.parameters()], weight_decay=0.5, fused=fused)
    fill(net, 0)
    optimizer.step()
    assert unused.tolist() == [1, 1, 1] and unused not in optimizer.state
    optimizer.zero_grad()
    before = [p.tolist() for p in net.parameters()]
    optimizer.step()
    assert [p.tolist() for p in net.parameters()] == before, "without gradients nothing moves"


@pytest.mark.parametrize("continued_by", ["ours", "fused", "torch"])
def test_another_adamw_can_continue_the_run(problem, continued_by):
    net, fill = problem
    ours = AdamW(net.parameters(), weight_decay=0.2)
    for step in range(5):
        fill(net, step)
        ours.step()
    other = copy.deepcopy(net)
    theirs = torch.optim.AdamW(other.parameters()) if continued_by == "torch" else \
        AdamW(other.parameters(), weight_decay=0.2, fused=continued_by == "fused")
    theirs.load_state_dict(copy.deepcopy(ours.state_dict()))
    for step in range(5, 9):
        for model, optimizer in ((net, ours), (other, theirs)):
            fill(model, step)
            optimizer.step()
    for p, q in zip(net.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("loaded", [False, True])
def test_the_rule_written_out_never_waits_for_the_device(loaded):
    """On "meta", which has shapes and no numbers, whatever asks for a number fails, as it would wait on a GPU."""
    params = [nn.Parameter(torch.ones(3, device="meta")) for _ in range(2)]
    optimizer = AdamW(params)
    for p in params:
        p.grad = torch.ones_like(p)
    if loaded:
        on_cpu = AdamW([nn.Parameter(torch.ones(3)) for _ in range(2)])
        for p in on_cpu.parameters():
            p.grad = torch.ones_like(p)
        on_cpu.step()
        optimizer.load_state_dict(on_cpu.state_dict())
    optimizer.step()
    optimizer.step()
    counts = [state["step"] for state in optimizer.state.values()]
    assert [(count.device.type, count.item()) for count in counts] == [("cpu", 2.0 + loaded)] * 2
    assert all(state["exp_avg"].device.type == "meta" for state in optimizer.state.values())


def test_the_fused_kernel_finds_its_counts_where_the_parameters_are():
    [p] = params = [nn.Parameter(torch.ones(3, device="meta"))]
    assert AdamW(params, fused=True).counts_on(p).type == "meta" and AdamW(params).counts_on(p).type == "cpu"


def test_a_loaded_state_is_a_copy(problem):
    net, fill = problem
    one, two = AdamW(net.parameters()), AdamW(net.parameters())
    fill(net, 0)
    one.step()
    two.load_state_dict(one.state_dict())
    kept = two.state_dict()["state"][0]["exp_avg"].clone()
    one.step()
    assert torch.equal(two.state_dict()["state"][0]["exp_avg"], kept)


def test_an_optimizer_without_parameters_is_refused():
    with pytest.raises(ValueError, match="the list is empty"):
        AdamW(p for p in [])


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


def test_a_run_does_not_load_torchs_compiler():
    """That is why the optimizers are our own from the ground up: it takes longer than the first hundred steps."""
    script = """
import sys, numpy as np, torch
from course_lib.model.config import GPTConfig
from course_lib.model.gpt import GPT
from course_lib.text.dataset import TokenDataset
from course_lib.training.config import TrainConfig
from course_lib.training.trainer import Trainer
config = TrainConfig(max_steps=2, batch_size=2, optimizer="muon", device="cpu", threads=1)
dataset = TokenDataset(np.arange(90) % 9, batch_size=2, context_length=8)
model = GPT(GPTConfig(vocab_size=9, context_length=8, n_layer=1, n_head=1, n_embd=8))
assert len(list(Trainer(model, dataset, config, held_out=np.arange(30) % 9))) == 2
assert "torch._dynamo" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
