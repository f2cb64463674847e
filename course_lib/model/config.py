"""The numbers and names that define a GPT, and the presets. Derived in lesson 12 (gpt)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any

from course_lib.doors.settings import settle

CHOICES = {
    "norm": ("rmsnorm", "layernorm"),
    "position": ("rotary", "learned", "none"),
    "feedforward": ("relu2", "gelu", "swiglu"),
    "attention": ("auto", "explicit", "fused"),
    "init": ("zero_projections", "gpt2"),
}
AT_LEAST_ONE = ("vocab_size", "context_length", "n_layer", "n_head", "n_kv_head", "n_embd", "n_hidden")


@dataclass(frozen=True, kw_only=True)
class GPTConfig:
    """Everything that decides a GPT's shape; two equal configs build models with interchangeable weights.

    `n_kv_head` and `n_hidden` may be left out: they become `n_head` (every query head has its own keys and
    values) and four times `n_embd` (two thirds of that for SwiGLU, which has three matrices instead of two).
    Start from a preset and change what you like: `tiny(vocab_size=512, n_layer=2)`.

    Raises ValueError, with the numbers and a way out, if the parts do not fit together.
    """

    vocab_size: int                          # V: rows of the token table, columns of the logits
    context_length: int = 256                # longest T; with learned positions also the rows of their table
    n_layer: int = 4                         # L: blocks
    n_head: int = 4                          # H: query heads
    n_kv_head: int | None = None             # heads of keys and values: n_head is full attention, 1 multi-query
    n_embd: int = 128                        # C: width of the residual stream
    n_hidden: int | None = None              # F: hidden width of the feed-forward
    norm: str = "rmsnorm"                    # rmsnorm | layernorm
    norm_eps: float = 1e-5                   # keeps the norms away from a division by zero
    position: str = "rotary"                 # rotary | learned | none
    rotary_base: float = 10_000.0            # the slowest pair turns by about 1 / rotary_base radians a token
    feedforward: str = "relu2"               # relu2 | gelu | swiglu
    qk_norm: bool = False                    # `norm` on queries and keys before they meet
    bias: bool = False                       # biases in linear layers and LayerNorm
    tied_head: bool = True                   # the head reuses the token table
    logit_soft_cap: float | None = None      # c: logits become c * tanh(logits / c)
    dropout: float = 0.0                     # share of activations silenced in training
    attention: str = "auto"                  # auto | explicit | fused: see attention.choose_path
    init: str = "zero_projections"           # zero_projections | gpt2: see gpt.py

    def __post_init__(self):
        settle(self)
        if self.n_kv_head is None:
            object.__setattr__(self, "n_kv_head", self.n_head)
        if self.n_hidden is None:
            object.__setattr__(self, "n_hidden", default_n_hidden(self.n_embd, self.feedforward))
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name}={getattr(self, name)!r} is not known; choose {' or '.join(allowed)}")
        for name in AT_LEAST_ONE:
            value = getattr(self, name)
            if value < 1:
                raise ValueError(f"{name}={value} must be at least 1")
        self._check_heads()
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout={self.dropout} must be at least 0 and below 1; try 0.1, or 0 for none")
        if self.norm_eps < 0 or self.rotary_base <= 0:
            raise ValueError(f"norm_eps={self.norm_eps} must not be negative and rotary_base={self.rotary_base} "
                             "above 0; leave them out for the usual ones")
        if self.logit_soft_cap is not None and not self.logit_soft_cap > 0:
            raise ValueError(f"logit_soft_cap={self.logit_soft_cap} must be above 0; None turns it off")

    def _check_heads(self):
        C, H = self.n_embd, self.n_head
        if C % H:
            below, above = C - C % H, C - C % H + H
            ways = f"{below} or {above}" if below else f"{above}"
            raise ValueError(f"n_embd={C} cannot be shared by n_head={H} heads; try {ways}")
        if H % self.n_kv_head:
            ways = " or ".join(str(n) for n in range(1, H + 1) if H % n == 0)
            raise ValueError(f"n_head={H} query heads cannot share n_kv_head={self.n_kv_head} evenly; try {ways}")
        if self.position == "rotary" and self.head_dim % 2:
            raise ValueError(f"position='rotary' turns pairs of numbers, but a head has {C} / {H} = "
                             f"{self.head_dim} of them (n_embd / n_head), which is odd; try n_embd={C + H}")

    @property
    def head_dim(self) -> int:
        """D: width of one head."""
        return self.n_embd // self.n_head

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> GPTConfig:
        """The inverse of `to_dict`. Raises ValueError for names this version does not know."""
        known = [field.name for field in fields(cls)]
        if unknown := sorted(set(values) - set(known)):
            raise ValueError(f"GPTConfig does not know {', '.join(unknown)}; it knows {', '.join(known)}")
        if "vocab_size" not in values:
            raise ValueError("GPTConfig needs vocab_size: the number of ids of the tokenizer it will read")
        return cls(**values)


def default_n_hidden(n_embd: int, feedforward: str) -> int:
    """F = 4 C; for SwiGLU 8/3 C, rounded up to a multiple of 8, so that all kinds have the same size."""
    return -(-8 * n_embd // 24) * 8 if feedforward == "swiglu" else 4 * n_embd


def _gpt2(vocab_size: int, n_layer: int, n_head: int, n_embd: int, changes: dict[str, Any]) -> GPTConfig:
    shape = dict(context_length=1024, n_layer=n_layer, n_head=n_head, n_embd=n_embd)
    parts = dict(norm="layernorm", position="learned", feedforward="gelu", bias=True, init="gpt2")
    return GPTConfig(vocab_size=vocab_size, **{**shape, **parts, **changes})


def gpt2_124m(vocab_size: int = 50_257, **changes: Any) -> GPTConfig:
    """GPT-2 small. Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", table 2."""
    return _gpt2(vocab_size, 12, 12, 768, changes)


def gpt2_355m(vocab_size: int = 50_257, **changes: Any) -> GPTConfig:
    """GPT-2 medium."""
    return _gpt2(vocab_size, 24, 16, 1024, changes)


def gpt2_774m(vocab_size: int = 50_257, **changes: Any) -> GPTConfig:
    """GPT-2 large."""
    return _gpt2(vocab_size, 36, 20, 1280, changes)


def gpt2_1558m(vocab_size: int = 50_257, **changes: Any) -> GPTConfig:
    """GPT-2 XL."""
    return _gpt2(vocab_size, 48, 25, 1600, changes)


def baseline_tiny(vocab_size: int, **changes: Any) -> GPTConfig:
    """The classic laptop configuration: GPT-2's parts, 0.8 million parameters beside the token table."""
    return _gpt2(vocab_size, 4, 4, 128, {"context_length": 64, **changes})


def _modern(vocab_size: int, context_length: int, n_layer: int, n_head: int, n_embd: int,
            changes: dict[str, Any]) -> GPTConfig:
    shape = dict(context_length=context_length, n_layer=n_layer, n_head=n_head, n_embd=n_embd)
    return GPTConfig(vocab_size=vocab_size, **{**shape, "qk_norm": True, "norm_eps": 1e-6, **changes})


def tiny(vocab_size: int, **changes: Any) -> GPTConfig:
    """The size of `baseline_tiny` with modern parts: rotary, ReLU², query-key norm, zero projections, no biases.

    Two wide blocks learn in a minute what four narrow ones do not, and are faster. F = 736 instead of 4 C = 704 keeps
    the number of parameters within 5 % of the baseline's from 65 characters to 1536 tokens. LayerNorm, for two cores:
    it learns as well as RMSNorm, and PyTorch has a kernel for its backward pass, which saves a seventh of a step.
    """
    shape = {} if "n_embd" in changes else {"n_hidden": 736}
    return _modern(vocab_size, 256, 2, 4, 176, {"norm": "layernorm", **shape, **changes})


def small_cpu(vocab_size: int, **changes: Any) -> GPTConfig:
    """Four million parameters with the parts of `tiny`, for about an hour on a CPU.

    Four wide heads: eight narrow ones have twice as many weights to soften and normalise, and take half as long again.
    """
    return _modern(vocab_size, 256, 5, 4, 256, {"norm": "layernorm", **changes})


def modern_124m(vocab_size: int = 50_257, **changes: Any) -> GPTConfig:
    """The size of `gpt2_124m` with the parts of `tiny` and RMSNorm; six heads of 128 suit a GPU's attention kernels."""
    return _modern(vocab_size, 1024, 12, 6, 768, changes)


PRESETS: dict[str, Callable[..., GPTConfig]] = {
    preset.__name__: preset for preset in (
        tiny, baseline_tiny, small_cpu, modern_124m, gpt2_124m, gpt2_355m, gpt2_774m, gpt2_1558m)
}
