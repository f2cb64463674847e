"""What autocast computes in float32, which counts depend on, by device. Derived in lesson 14 (gpt_on_gpu).

Products are computed in the low dtype on every device. A GPU's autocast sends powers, exponentials, norms, softmax and
sums to float32, and the backward pass keeps what it makes for them; the CPU's leaves them in the dtype they are in. So
a count says for which device it was made, and can be made where that device is not.
"""

import contextlib

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map

from course_lib.training.device import autocast

# The lists that torch documents for CUDA ("CUDA Ops that can autocast to float32"); a test compares them with torch.
WIDENED = """__pow__ __rdiv__ __rpow__ __rtruediv__ acos asin binary_cross_entropy_with_logits cdist cosh
    cosine_embedding_loss cosine_similarity dist erfinv exp expm1 gelu_backward group_norm hinge_embedding_loss kl_div
    l1_loss layer_norm log log10 log1p log2 margin_ranking_loss mse_loss multilabel_margin_loss nll_loss norm normalize
    pdist poisson_nll_loss pow reciprocal renorm rms_norm rsqrt sinh smooth_l1_loss soft_margin_loss softplus square
    tan triplet_margin_loss""".split()  # their inputs become float32
SUMMED = "cumprod cumsum log_softmax prod softmax softmin sum".split()  # their results are, if not told otherwise


def functions(names: list[str]) -> frozenset:
    """What a model may call under these names: torch's functions, the methods of tensors, torch.nn.functional's."""
    homes = torch, Tensor, F
    return frozenset(getattr(home, name) for name in names for home in homes if hasattr(home, name))


class CudaList(TorchFunctionMode):
    """Inside an autocast on the CPU: what a GPU's autocast would compute in float32 is computed in float32."""

    def __init__(self):
        super().__init__()
        self.widened, self.summed = functions(WIDENED), functions(SUMMED)

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if torch.is_autocast_enabled("cpu"):
            if func in self.widened:
                args, kwargs = tree_map(widen, (args, kwargs))
            elif func in self.summed and kwargs.get("dtype") is None and is_low(args[0]):
                kwargs["dtype"] = torch.float32
        return func(*args, **kwargs)


def is_low(value: object) -> bool:
    """Whether it is a tensor in half precision."""
    return isinstance(value, Tensor) and value.dtype in (torch.bfloat16, torch.float16)


def widen(value: object) -> object:
    """A float32 copy of a tensor in half precision, anything else as it is."""
    return value.float() if is_low(value) else value


@contextlib.contextmanager
def autocast_as_on(kind: str, dtype: str):
    """Around a forward pass of tensors on the CPU, usually fake ones: the autocast of a device of another `kind`.

    kind: "cpu" or "cuda". Raises ValueError for one whose list is not known here.
    """
    if kind not in ("cpu", "cuda"):
        raise ValueError(f"device={kind!r}: autocast's list is known for cpu and cuda; count for one of them")
    with contextlib.ExitStack() as stack:
        stack.enter_context(autocast(torch.device("cpu"), dtype))
        if kind == "cuda" and dtype != "float32":
            stack.enter_context(CudaList())
        yield
