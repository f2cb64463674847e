"""Ids in tensors: named where they are none, and looked at only where that is possible. Used by lesson 12 (gpt).

On a CPU torch itself refuses an id outside a table. A GPU answers with "device-side assert triggered", which ends the
process; to look first, one has to wait for the GPU. So it is done where a text begins, not at every step.
"""

import torch
from torch import Tensor

from course_lib.text.ids import checked_ids


def can_look(tensor: Tensor) -> bool:
    """Whether a tensor's numbers are there to be read.

    Not while a graph is compiled, exported, traced or recorded; nor where a tensor is only a shape, or many in one.
    """
    if torch.compiler.is_compiling() or torch.jit.is_tracing() or tensor.is_meta:
        return False
    if type(tensor) not in (Tensor, torch.nn.Parameter) or torch._C._functorch.is_functorch_wrapped_tensor(tensor):
        return False
    return not (tensor.is_cuda and torch.cuda.is_current_stream_capturing())


def refuse_dtype(ids: Tensor, what: str = "idx") -> None:
    """ValueError unless the ids are int64 or int32; nothing is read."""
    if ids.dtype not in (torch.int64, torch.int32):
        raise ValueError(f"{what} is of {ids.dtype}, but ids are int64; take the ids that a tokenizer gave")


def refuse_odd_ids(ids: Tensor, vocab_size: int, what: str = "idx", ignore: int | None = None) -> None:
    """ValueError naming the first that is no id, its place and the vocabulary. Waits for a GPU."""
    refuse_dtype(ids, what)
    if can_look(ids):
        checked_ids(ids.detach().cpu().numpy(), vocab_size, what=what, ndim=None, ignore=ignore)
