"""A block: tokens exchange in attention, then each thinks alone. Derived in lesson 09 (block)."""

from torch import Tensor, nn

from course_lib.model.attention import CausalSelfAttention
from course_lib.model.config import GPTConfig
from course_lib.model.feedforward import build_feedforward
from course_lib.model.kv_cache import KVCache
from course_lib.model.norm import build_norm


class Block(nn.Module):
    r"""Two additions to the residual stream, each computed from a normalised copy of it ("pre-norm").

    $$x \leftarrow x + \mathrm{attention}(\mathrm{norm}(x))$$
    $$x \leftarrow x + \mathrm{feedforward}(\mathrm{norm}(x))$$

    Source: Radford et al. 2019 (GPT-2), section 2.3; why before and not after: Xiong et al. 2020,
    "On Layer Normalization in the Transformer Architecture".
    """

    def __init__(self, config: GPTConfig, layer: int = 0):
        super().__init__()
        self.attention_norm = build_norm(config)
        self.attention = CausalSelfAttention(config, layer)
        self.feedforward_norm = build_norm(config)
        self.feedforward = build_feedforward(config)

    def forward(self, x: Tensor, *, rotation: tuple[Tensor, Tensor] | None = None,
                mask: Tensor | None = None, cache: KVCache | None = None) -> Tensor:
        """(B, T, C) -> (B, T, C)."""
        x = x + self.attention(self.attention_norm(x), rotation=rotation, mask=mask, cache=cache)  # (B, T, C)
        x = x + self.feedforward(self.feedforward_norm(x))                                         # (B, T, C)
        return x
