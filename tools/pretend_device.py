"""A GPU that is not there: tensors that say "cuda" or "mps", computed on the CPU, with a GPU's rules.

`FakeTensorMode` knows shapes; what asks for a number (`.item()`, a beam's best tokens) stops there. Here it gets one,
so whole lessons and searches run as they would on a GPU, and what a GPU refuses is refused: tensors of two devices in
one operation or a generator of another device (RuntimeError), float64 on "mps" and numpy in a GPU's memory. `waits`
lists what makes the processor wait for the GPU: every number and every copy that comes back from it.
"""

import contextlib
from collections.abc import Iterator
from types import SimpleNamespace
from unittest.mock import patch

import torch
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_leaves, tree_map, tree_map_only

from course_lib.training.autocast_list import SUMMED, WIDENED, functions

META = torch.device("meta")  # what C++ takes the tensors for: the one device beside the CPU that every build knows
COPIES = {"aten::_to_copy", "aten::copy_"}
INDEXING = {"aten::index", "aten::index_put", "aten::index_put_", "aten::_index_put_impl_"}  # may take CPU indices
ASKING = {"aten::_local_scalar_dense", "aten::equal", "aten::nonzero", "aten::masked_select"}
# CUDA's autocast: products in the low dtype, the rest that the course uses in float32
LOWER = {F.linear, F.scaled_dot_product_attention, torch.matmul, torch.Tensor.matmul, torch.Tensor.__matmul__, torch.mm,
         torch.bmm, torch.addmm, torch.baddbmm}
HIGHER = functions(WIDENED + SUMMED) | {F.cross_entropy}
ON = SimpleNamespace(device=None)  # the device pretended now


class There(torch.Tensor):
    """A tensor of the pretended device, around one of the CPU: `here`."""

    @staticmethod
    def __new__(cls, here: torch.Tensor):
        return torch.Tensor._make_wrapper_subclass(cls, here.shape, strides=here.stride(), dtype=here.dtype,
                                                   device=META, storage_offset=here.storage_offset())

    def __init__(self, here: torch.Tensor):
        self.here, self.place = here, ON.device

    __torch_function__ = torch._C._disabled_torch_function_impl
    device = property(lambda self: self.place)
    is_cuda = property(lambda self: self.place.type == "cuda")

    def tolist(self):
        """As torch does it for a GPU: over the CPU."""
        return self.cpu().tolist()

    def __repr__(self, **_):
        return f"{self.here!r} there"

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        raise RuntimeError(f"{func} on a pretended device outside of `pretend`")


class Generator(torch.Generator):
    """torch.Generator, which may be of the pretended device."""

    def __new__(cls, device="cpu"):
        generator = super().__new__(cls)
        generator.place = ON.device if is_there(device) else torch.device("cpu")
        return generator

    device = property(lambda self: self.place)


def is_there(device: object) -> bool:
    """Whether it is a name of the pretended device."""
    return isinstance(device, str | torch.device) and str(device).partition(":")[0] == ON.device.type


class Calls(TorchFunctionMode):
    """torch's functions as they are called: devices by their names, and autocast by CUDA's lists."""

    asked = 0  # how many of the calls that run now are for the pretended device, so that META means it

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func in (torch.device, torch._C._nn._parse_to):  # the name itself; Module.to reads its arguments
            return func(*args, **kwargs)
        if func is torch.Tensor.cuda:
            func, args, kwargs = torch.Tensor.to, (args[0], ON.device), {}
        if func in (torch.Tensor.__getitem__, torch.Tensor.__setitem__):  # a list would become an empty tensor on META
            where = args[1] if isinstance(args[1], tuple) else (args[1],)
            where = tuple(torch.tensor(place) if isinstance(place, list) else place for place in where)
            args = (args[0], where, *args[2:])
        if func in LOWER | HIGHER and torch.is_autocast_enabled("cuda"):
            dtype = torch.get_autocast_dtype("cuda") if func in LOWER else torch.float32
            args, kwargs = tree_map_only(There, lambda x: x.to(dtype) if x.is_floating_point() else x, (args, kwargs))
        named = any(is_there(leaf) for leaf in (*args, *kwargs.values()) if isinstance(leaf, str | torch.device))
        generator, values = kwargs.get("generator"), tree_leaves((args, kwargs))
        inside = named or any(isinstance(leaf, There) for leaf in values)
        if generator is not None:
            where = ON.device if inside else torch.device("cpu")
            if generator.device.type != where.type:
                raise RuntimeError(f"Expected a '{where.type}' device type for generator but found "
                                   f"'{generator.device}'")
        args, kwargs = tree_map(lambda leaf: META if named and is_there(leaf) else leaf, (args, kwargs))
        moved = named and func in (torch.tensor, torch.as_tensor)  # of data: torch would make an empty tensor on META
        if moved:
            del kwargs["device"]
        Calls.asked += inside
        try:
            return func(*args, **kwargs).to(META) if moved else func(*args, **kwargs)
        finally:
            Calls.asked -= inside


class Work(TorchDispatchMode):
    """Every operation: computed here, kept there."""

    def __init__(self):
        super().__init__()
        self.waits, self.operations = [], []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs, name = dict(kwargs or {}), func._schema.name
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
        there = [tensor for tensor in tensors if isinstance(tensor, There)]
        refuse_a_mixture(name, tensors, there, args)
        stays = bool(there) if kwargs.get("device") is None else kwargs["device"] == META and bool(there or Calls.asked)
        stays = isinstance(args[0], There) if name == "aten::copy_" else stays
        if there and (name in ASKING or not stays):
            self.waits.append(name)
        if there or stays:
            self.operations.append(name)
        if stays and "device" in kwargs:
            kwargs["device"] = torch.device("cpu")
        out = func(*tree_map_only(There, lambda x: x.here, args), **tree_map_only(There, lambda x: x.here, kwargs))
        if not stays:
            return args[0] if name == "aten::copy_" else out
        wrapped = tree_map_only(torch.Tensor, lambda here: wrap(name, here), out)
        return return_and_correct_aliasing(func, args, kwargs, wrapped) if there else wrapped


def wrap(name: str, here: torch.Tensor) -> There:
    """The result on the device, if that can hold it."""
    if ON.device.type == "mps" and here.dtype == torch.float64:
        raise TypeError(f"{name}: Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support it")
    return There(here)


def refuse_a_mixture(name: str, tensors: list, there: list, args: tuple) -> None:
    """RuntimeError for a tensor of the CPU beside one of the device, where a GPU would refuse it."""
    if there and name not in COPIES:
        may_be_here = [] if name not in INDEXING else [id(tensor) for tensor in tensors if tensor is not args[0]]
        for tensor in tensors:
            if not isinstance(tensor, There) and tensor.ndim and (id(tensor) not in may_be_here or tensor.is_meta):
                raise RuntimeError(f"{name}: Expected all tensors to be on the same device, but found at least two, "
                                   f"{ON.device} and cpu: {[tuple(each.shape) for each in tensors]}")


def rehearse(step, device: torch.device):
    """For `generation.static_cache.record`: the step as often as there, and then instead of the recorded one."""
    for _ in range(4):
        step()
    return step


@contextlib.contextmanager
def pretend(device: str = "cuda:0", capability: tuple[int, int] = (9, 0)) -> Iterator[Work]:
    """Inside, this machine has one such device, and torch says so."""
    ON.device = torch.device(device)
    cuda = ON.device.type == "cuda"
    properties = SimpleNamespace(name="NVIDIA Pretended", total_memory=80 * 10**9, multi_processor_count=100,
                                 major=capability[0], minor=capability[1])
    answers = dict(is_available=lambda: cuda, device_count=lambda: (ON.device.index or 0) + 1 if cuda else 0,
                   get_device_capability=lambda *_: capability, get_device_name=lambda *_: properties.name,
                   get_device_properties=lambda *_: properties, synchronize=lambda *_: None, empty_cache=lambda: None,
                   reset_peak_memory_stats=lambda *_: None, max_memory_allocated=lambda *_: 10**9,
                   get_rng_state=lambda *_: torch.get_rng_state(), set_rng_state=lambda *_: None,
                   mem_get_info=lambda *_: (60 * 10**9, 80 * 10**9), current_device=lambda: ON.device.index or 0,
                   get_arch_list=lambda: ["sm_{}{}".format(*capability)], set_device=lambda *_: None,
                   device=lambda *_: contextlib.nullcontext())
    before = torch.__future__.get_overwrite_module_params_on_conversion()
    with contextlib.ExitStack() as stack:
        for name, answer in answers.items():
            stack.enter_context(patch.object(torch.cuda, name, answer))
        stack.enter_context(patch("torch.backends.mps.is_available", lambda: not cuda))
        stack.enter_context(patch("torch.mps.synchronize", lambda: None))
        stack.enter_context(patch("torch.Generator", Generator))
        stack.enter_context(patch("torch.Tensor.pin_memory", lambda tensor, *_: tensor))
        stack.enter_context(patch("torch.nn.Module.compile", lambda module: None))
        stack.callback(torch.__future__.set_overwrite_module_params_on_conversion, before)
        torch.__future__.set_overwrite_module_params_on_conversion(True)
        work = stack.enter_context(Work())
        stack.enter_context(Calls())
        yield work
