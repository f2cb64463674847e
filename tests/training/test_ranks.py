"""What a single process sees, and what one of several would; two that really talk are in test_distributed.py."""

import pytest
import torch

from course_lib.training import ranks


def test_alone_nothing_is_joined_and_nobody_is_waited_for(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with ranks.process_group(), ranks.main_first():
        assert (ranks.rank(), ranks.world_size(), ranks.is_main()) == (0, 1, True)
        ranks.wait_for_all()
    x = torch.tensor(3.0)
    assert ranks.total(7) == 7 and ranks.mean(x) is x


@pytest.mark.parametrize("name", ["cpu", "cuda", "cuda:2"])
def test_alone_a_process_takes_the_device_it_is_told(name):
    assert ranks.own_device(name) == torch.device(name)


def test_of_several_each_takes_the_gpu_of_its_number(monkeypatch):
    monkeypatch.setattr(ranks, "world_size", lambda: 4)
    monkeypatch.setenv("LOCAL_RANK", "3")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    assert ranks.own_device("cuda") == torch.device("cuda", 3)
    assert ranks.own_device("cpu") == torch.device("cpu")
    with pytest.raises(ValueError, match="device='cuda:1' would put 4 processes on one GPU; try device='cuda'"):
        ranks.own_device("cuda:1")


@pytest.mark.parametrize("gpus", [0, 1, 2, 3])
def test_more_processes_than_gpus_is_said_and_a_run_on_cpus_goes_on(monkeypatch, gpus):
    joined, chosen = [], []
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, "set_device", lambda number: chosen.append(range(gpus)[number]))
    monkeypatch.setattr(ranks.dist, "init_process_group", joined.append)
    monkeypatch.setattr(ranks.dist, "destroy_process_group", lambda: None)
    for name, value in (("WORLD_SIZE", "4"), ("LOCAL_RANK", "3")):
        monkeypatch.setenv(name, value)
    with ranks.process_group():
        pass
    assert joined == ["cpu:gloo,cuda:nccl" if gpus else "gloo"] and chosen == []
    monkeypatch.setattr(ranks, "world_size", lambda: 4)
    assert ranks.own_device("cpu") == torch.device("cpu")
    with pytest.raises(ValueError, match=f"process 3 .* {gpus}; start --nproc-per-node {max(gpus, 1)}, or .* cpu"):
        ranks.own_device("cuda")


def test_the_first_rank_goes_first_and_the_others_wait(monkeypatch):
    order = []
    monkeypatch.setattr(ranks, "wait_for_all", lambda: order.append("wait"))
    for number in (0, 1):
        monkeypatch.setattr(ranks, "rank", lambda number=number: number)
        with ranks.main_first():
            order.append(number)
    assert order == [0, "wait", "wait", 1]
