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


@pytest.fixture
def card(monkeypatch):
    """Pretend that there is a GPU of this capability, and a torch with kernels for these."""
    def put(capability, kernels=("sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120", "compute_120")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device=None: capability)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda device=None: "a card")
        monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: list(kernels))
    return put


@pytest.mark.parametrize(("capability", "usable"), [
    ((6, 0), False), ((6, 1), False), ((7, 0), False), ((7, 5), True), ((8, 0), True), ((8, 6), True), ((8, 9), True),
    ((9, 0), True), ((10, 0), True), ((10, 3), True), ((12, 0), True), ((12, 1), True), ((13, 0), True),
])  # P100, GTX 10xx, V100, T4, A100, RTX 30xx, RTX 40xx, H100 and later
def test_a_card_without_kernels_is_not_taken_and_refused_by_name(card, capability, usable):
    card(capability)
    assert machine.pick_device().type == ("cuda" if usable else "cpu")
    if usable:
        assert machine.pick_device("cuda").type == "cuda"
    else:
        number = "".join(map(str, capability))
        with pytest.raises(ValueError, match=rf"device='cuda' is a card \(sm_{number}\).* sm_75, .*; try device='cpu'"):
            machine.pick_device("cuda")


def test_kernels_for_one_card_only_are_for_that_card(card):
    card((9, 0), kernels=["sm_90a"])
    assert machine.pick_device().type == "cuda"
    card((8, 6), kernels=["sm_80", "sm_90a"])
    assert machine.pick_device().type == "cuda"
    card((8, 0), kernels=["sm_86"])
    assert machine.pick_device().type == "cpu"


@pytest.mark.parametrize(("capability", "dtype", "kernels"), [
    ((9, 0), "bfloat16", ["sm_90"]), ((8, 6), "bfloat16", ["sm_80"]), ((7, 5), "float16", ["sm_75"]),
    ((7, 0), "float16", ["sm_70"]), ((6, 1), "float32", ["sm_60"]),
])
def test_a_gpu_without_bf16_trains_in_float16(card, capability, dtype, kernels):
    card(capability, kernels)
    config = TrainConfig(max_steps=1, batch_size=1)
    assert (machine.resolve(config).device, machine.resolve(config).dtype) == ("cuda", dtype)
    if dtype != "bfloat16":
        with pytest.raises(ValueError, match=f"dtype='bfloat16' needs AMX .*this cuda has no such .* dtype='{dtype}'"):
            machine.resolve(TrainConfig(max_steps=1, batch_size=1, dtype="bfloat16"))


def test_float16_by_name_is_refused_on_a_cpu(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True})
    with pytest.raises(ValueError, match="dtype='float16' needs a GPU from Volta on.* use dtype='bfloat16'"):
        machine.resolve(TrainConfig(max_steps=1, batch_size=1, device="cpu", dtype="float16"))


@pytest.mark.parametrize("on", [True, False])
def test_eagerly_nothing_is_compiled(on):
    """Decoding looks at ever longer texts: each length would be compiled again, up to torch's limit."""
    calls = []

    def backend(graph, inputs):
        calls.append(1)
        return graph.forward

    class Layer(nn.Module):
        def forward(self, x):
            return x.sin() + 1

    layer = Layer()
    layer.compile(backend=backend)
    with machine.eagerly(TrainConfig(max_steps=1, batch_size=1, compile=on)):
        for n in (1, 2, 3):
            layer(torch.ones(n, 2))
    assert bool(calls) == (not on)
    layer(torch.ones(5, 2))
    assert calls, "compiled again afterwards"


def test_uncompiling_is_the_inverse_of_compiling():
    model = nn.Sequential(nn.ModuleList([nn.Linear(2, 2)]))
    machine.compile_blocks(model)
    assert model[0][0]._compiled_call_impl is not None
    machine.uncompile_blocks(model)
    assert model[0][0]._compiled_call_impl is None and model[0][0](torch.ones(1, 2)).shape == (1, 2)


def test_a_failed_compiler_is_explained(monkeypatch):
    error = RuntimeError("\nbackend raised:\ng++: fatal error: no input\nmore")
    said = machine.why_not_compiled(error)
    assert "goes on uncompiled" in said and said.endswith("g++: fatal error: no input") and "C++ compiler" in said
    monkeypatch.setattr(torch, "__file__", "/srv/my course/torch/__init__.py")
    assert "'/srv/my course/torch/__init__.py' and takes the space" in machine.why_not_compiled(error)
