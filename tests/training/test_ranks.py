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
    assert ranks.own_device("cuda") == torch.device("cuda", 3)
    assert ranks.own_device("cpu") == torch.device("cpu")
    with pytest.raises(ValueError, match="device='cuda:1' would put 4 processes on one GPU; try device='cuda'"):
        ranks.own_device("cuda:1")


def test_the_first_rank_goes_first_and_the_others_wait(monkeypatch):
    order = []
    monkeypatch.setattr(ranks, "wait_for_all", lambda: order.append("wait"))
    for number in (0, 1):
        monkeypatch.setattr(ranks, "rank", lambda number=number: number)
        with ranks.main_first():
            order.append(number)
    assert order == [0, "wait", "wait", 1]
