"""What a step does, operation by operation: FLOPs, bytes moved, bytes held. Derived in lesson 14 (gpt_on_gpu).

Counting needs no GPU and no time: inside `torch._subclasses.FakeTensorMode` tensors have shapes and no numbers, and
the shapes of GPT-2 are counted in a second.
"""

import weakref
from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry, sdpa_backward_flop_count, sdpa_flop_count


class Operation(NamedTuple):
    """One kernel, as it runs when nothing is fused. Views, which compute and move nothing, are not listed."""

    name: str  # torch's, such as "mm" or "native_layer_norm"
    flops: int  # of matrix products; 0 for all others
    n_bytes: int  # read and written: every tensor that goes in or comes out, once and whole
    held: int  # bytes that are alive after it, of tensors made since counting began


class Counter(TorchDispatchMode):
    """`with Counter() as counter:` notes every operation of the block in `counter.operations`.

    FLOPs are torch's own formulas (`torch.utils.flop_counter`), 2 m n k for a product. A backward pass is counted
    like a forward pass, operation by operation. What was made before the block, such as weights, is not `held`.
    """

    def __init__(self):
        super().__init__()
        self.operations: list[Operation] = []
        self.held = 0
        self._known = weakref.WeakSet()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        for tensor in tensors_in((args, kwargs)):
            self._known.add(tensor.untyped_storage())  # made before: not ours to count
        out = func(*args, **kwargs)
        if func.namespace == "prim":  # a question to a fake tensor, such as where it is
            return out
        read, made = tensors_in((args, kwargs)), tensors_in(out)
        for tensor in made:
            self._hold(tensor.untyped_storage())
        written = made if made else mutated(func, args)
        if func._schema.is_mutable or not is_view(read, made):
            n_bytes = sum(tensor.nbytes for tensor in (*read, *written))
            self.operations.append(Operation(func._schema.name.split("::")[1], flops_of(func, args, kwargs, out),
                                             n_bytes, self.held))
        return out

    def __exit__(self, *error):
        self._known = weakref.WeakSet()
        return super().__exit__(*error)

    @property
    def flops(self) -> int:
        """Of all operations."""
        return sum(operation.flops for operation in self.operations)

    @property
    def n_bytes(self) -> int:
        """Read and written by all operations."""
        return sum(operation.n_bytes for operation in self.operations)

    def _hold(self, storage: torch.UntypedStorage) -> None:
        if storage not in self._known:
            self._known.add(storage)
            self.held += storage.nbytes()
            weakref.finalize(storage, self._release, storage.nbytes())

    def _release(self, size: int) -> None:
        self.held -= size


def tensors_in(tree: object) -> list[Tensor]:
    """The tensors among the leaves of nested lists, tuples and dicts."""
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]


def is_view(read: list[Tensor], made: list[Tensor]) -> bool:
    """Whether all that was made lies in what was read: another shape of the same numbers."""
    there = {tensor.untyped_storage()._cdata for tensor in read}
    return bool(made) and all(tensor.untyped_storage()._cdata in there for tensor in made)


def mutated(func, args: tuple) -> list[Tensor]:
    """The arguments that an operation without a result writes into."""
    slots = zip(func._schema.arguments, args, strict=False)
    return tensors_in([value for slot, value in slots if slot.alias_info is not None and slot.alias_info.is_write])


def flops_of(func, args: tuple, kwargs: dict, out: object) -> int:
    """By torch's formula; fused attention on a CPU, for which it has none, is counted as on a GPU."""
    name = func._schema.name
    if name == "aten::_scaled_dot_product_flash_attention_for_cpu":
        return sdpa_flop_count(*(tensor.shape for tensor in args[:3]))
    if name == "aten::_scaled_dot_product_flash_attention_for_cpu_backward":
        return sdpa_backward_flop_count(*(tensor.shape for tensor in args[:4]))
    formula = flop_registry.get(func.overloadpacket)
    return 0 if formula is None else formula(*args, **kwargs, out_val=out)


def roofline_seconds(operations: Iterable[Operation], *, peak: float, bandwidth: float) -> float:
    """The least time that the operations can take: each computes, or waits for memory, whichever is longer.

    peak: FLOP/s of matrix products; bandwidth: bytes/s of the memory. No kernel reaches both, none does better.
    Source: Williams, Waterman and Patterson 2009, "Roofline".
    """
    return sum(max(operation.flops / peak, operation.n_bytes / bandwidth) for operation in operations)
