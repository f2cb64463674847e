import random
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.training import device as machine
from course_lib.training.config import TrainConfig

CPU = torch.device("cpu")


def test_bf16_is_fast_exactly_where_the_kernel_lists_the_instructions():
    listed = Path("/proc/cpuinfo")
    flags = listed.read_text().split() if listed.exists() else []
    assert machine.has_fast_bfloat16(CPU) == bool({"amx_bf16", "avx512_bf16"} & set(flags))


@pytest.mark.parametrize(("reported", "dtype"), [
    ({"amx_bf16": True}, "bfloat16"), ({"avx512_bf16": True}, "bfloat16"),
    ({"avx512_f": True, "amx_bf16": False}, "float32"), ({}, "float32"),
])
def test_auto_takes_bf16_only_where_it_is_fast(monkeypatch, reported, dtype):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: reported)
    config = TrainConfig(max_steps=1, batch_size=1, device="cpu")
    assert machine.resolve(config).dtype == dtype


def test_bf16_by_name_is_refused_where_it_is_slow(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {})
    with pytest.raises(ValueError, match="dtype='bfloat16' needs AMX or AVX512-bf16.*use dtype='float32'"):
        machine.resolve(TrainConfig(max_steps=1, batch_size=1, device="cpu", dtype="bfloat16"))


def test_the_machine_fills_in_what_was_left_to_it():
    config = machine.resolve(TrainConfig(max_steps=1, batch_size=1, device="cpu"))
    assert (config.device, config.threads) == ("cpu", torch.get_num_threads())
    assert machine.resolve(TrainConfig(max_steps=1, batch_size=1, device="cpu", threads=7)).threads == 7


@pytest.mark.parametrize("name", ["cuda:99", "gpu", "mps" if not torch.backends.mps.is_available() else "cuda:98"])
def test_a_device_that_is_not_there_is_refused(name):
    with pytest.raises(ValueError, match=f"device='{name}'.*(try|sees)"):
        machine.pick_device(name)


def test_autocast_multiplies_in_bf16_and_leaves_float32_alone():
    a = torch.ones(2, 2)
    with machine.autocast(CPU, "bfloat16"):
        assert (a @ a).dtype == torch.bfloat16
    with machine.autocast(CPU, "float32"):
        assert (a @ a).dtype == torch.float32


def test_random_numbers_continue_where_the_state_was_taken():
    machine.seed_everything(5)
    first = random.random(), torch.rand(3).tolist()
    state = machine.random_state(CPU)
    expected = random.random(), torch.rand(3).tolist()
    machine.restore_random_state(state, CPU)
    assert (random.random(), torch.rand(3).tolist()) == expected
    machine.seed_everything(5)
    assert (random.random(), torch.rand(3).tolist()) == first


def test_arrays_become_tensors_whatever_their_layout():
    array = np.arange(12).reshape(3, 4).T
    assert machine.to_torch(array, CPU).tolist() == array.tolist()


def test_compiling_blocks_keeps_names_and_touches_only_the_stack(monkeypatch):
    compiled = []
    monkeypatch.setattr(nn.Module, "compile", lambda self: compiled.append(self))
    model = nn.Sequential(nn.Embedding(3, 2), nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2)]), nn.Linear(2, 3))
    names = list(model.state_dict())
    machine.compile_blocks(model)
    assert compiled == list(model[1]) and list(model.state_dict()) == names
