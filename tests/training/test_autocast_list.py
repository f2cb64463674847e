import contextlib

import pytest
import torch
from torch._subclasses import FakeTensorMode
from torch.nn import functional as F

from course_lib.model.config import PRESETS
from course_lib.model.gpt import GPT
from course_lib.training.autocast_list import SUMMED, WIDENED, autocast_as_on
from course_lib.training.device import autocast

CALLS = {  # what a model may do, and a few things that no list names
    "layer_norm": lambda x: F.layer_norm(x, (8,)), "rms_norm": lambda x: F.rms_norm(x, (8,)),
    "group_norm": lambda x: F.group_norm(x, 2), "softmax": lambda x: x.softmax(-1),
    "F.softmax": lambda x: F.softmax(x, -1), "log_softmax": lambda x: torch.log_softmax(x, -1),
    "square": torch.square, "x.square": lambda x: x.square(), "**": lambda x: x**2, "pow": lambda x: x.pow(3),
    "2 **": lambda x: 2.0**x, "1 /": lambda x: 1 / x, "rsqrt": torch.rsqrt, "exp": torch.exp, "log": lambda x: x.log(),
    "log1p": torch.log1p, "reciprocal": torch.reciprocal, "softplus": F.softplus, "norm": lambda x: x.norm(dim=-1),
    "sum": lambda x: x.sum(-1), "cumsum": lambda x: x.cumsum(-1), "prod": lambda x: x.prod(-1),
    "sum in bf16": lambda x: x.sum(-1, dtype=torch.bfloat16), "normalize": lambda x: F.normalize(x, dim=-1),
    "mean": lambda x: x.mean(-1), "gelu": F.gelu, "silu": F.silu, "relu": F.relu, "tanh": torch.tanh,
    "x * x": lambda x: x * x,
    "sqrt": lambda x: x.sqrt(), "sigmoid": torch.sigmoid, "x @ x": lambda x: x.float() @ x.float().mT,
    "linear": lambda x: F.linear(x.float(), x.float()), "x + float": lambda x: x + x.float(),
    "cat": lambda x: torch.cat([x, x.float()]),
}


@contextlib.contextmanager
def torchs_own(dtype):
    """CUDA's real autocast, for fake tensors: `torch.autocast` refuses to begin where there is no GPU."""
    torch.set_autocast_dtype("cuda", dtype)
    torch.set_autocast_enabled("cuda", True)
    try:
        yield
    finally:
        torch.set_autocast_enabled("cuda", False)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_the_list_is_the_one_that_torch_has_for_cuda(call, dtype):
    low = getattr(torch, dtype)
    with FakeTensorMode(), torch.no_grad():
        with torchs_own(low):
            theirs = call(torch.ones(4, 8, device="cuda", dtype=low))
        with autocast_as_on("cuda", dtype):
            ours = call(torch.ones(4, 8, dtype=low))
    assert theirs.device.type == "cuda" and ours.dtype == theirs.dtype


def test_the_two_devices_differ_where_the_list_says():
    x = torch.ones(4, 8, dtype=torch.bfloat16)
    found = {}
    for kind in ("cpu", "cuda"):
        with autocast_as_on(kind, "bfloat16"):
            found[kind] = [call(x).dtype for call in (torch.square, lambda x: x.softmax(-1), lambda x: x @ x.mT)]
    assert found["cpu"] == [torch.bfloat16] * 3
    assert found["cuda"] == [torch.float32, torch.float32, torch.bfloat16]
    assert torch.square(x).dtype == torch.bfloat16, "nothing stays behind"


def test_names_that_torch_does_not_have_would_be_noticed():
    homes = torch, torch.Tensor, F, torch.ops.aten
    assert [name for name in WIDENED + SUMMED if not any(hasattr(home, name) for home in homes)] == []


def test_float32_is_left_alone_and_other_devices_are_refused():
    with autocast_as_on("cuda", "float32"):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
    with pytest.raises(ValueError, match="'mps'.*known for cpu and cuda"), autocast_as_on("mps", "bfloat16"):
        pass


class Dtypes(torch.overrides.TorchFunctionMode):
    """The dtype of every tensor that a function of torch returns."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if isinstance(out, torch.Tensor) and out.is_floating_point() and out.ndim > 2:
            self.seen.append((getattr(func, "__name__", str(func)), out.dtype))
        return out


@pytest.mark.parametrize("attention", ["explicit", "fused"])
@pytest.mark.parametrize("preset", PRESETS)
def test_on_a_gpu_everything_between_the_products_stays_in_half_precision(preset, attention, monkeypatch):
    """With torch's own list for CUDA. The stream enters the blocks in bf16, as `GPT.embed` makes it.

    What needs a torch that was built for CUDA, even for fake tensors, is left out: gradients, `~mask`, rows of a table.
    """
    monkeypatch.setattr("course_lib.model.attention.mask_to_bias",
                        lambda mask, dtype: torch.zeros(mask.shape, dtype=dtype, device="cuda"))
    shape = dict(vocab_size=60, context_length=16, n_layer=1, n_head=2, n_kv_head=2, n_embd=16, n_hidden=32)
    model = GPT(PRESETS[preset](**shape, attention=attention))
    with FakeTensorMode(), torch.no_grad():
        for module in model.modules():
            module._parameters |= {name: torch.ones(p.shape, device="cuda") for name, p in module._parameters.items()
                                   if p is not None}
        x, turn = torch.ones(2, 16, 16, dtype=torch.bfloat16, device="cuda"), torch.ones(16, 8, device="cuda")
        with torchs_own(torch.bfloat16), Dtypes() as dtypes:
            for block in model.blocks:
                x = block(x, rotation=(turn, turn) if model.config.position == "rotary" else None)
            logits = F.linear(model.norm(x), model.head_weight)
    assert logits.dtype == torch.bfloat16 and len(dtypes.seen) > 10
    assert [name for name, dtype in dtypes.seen if dtype != torch.bfloat16] == []


def test_alone_autocast_is_the_cpus():
    x = torch.ones(2, 2)
    with autocast_as_on("cpu", "bfloat16"):
        ours = (x @ x).softmax(-1).dtype
    with autocast(torch.device("cpu"), "bfloat16"):
        assert (x @ x).softmax(-1).dtype == ours == torch.bfloat16
