"""What a run costs: parameters, FLOPs, memory, share of the machine. Derived in lesson 14 (gpt_on_gpu)."""

import time

import torch
from torch import nn

from course_lib.model.config import GPTConfig
from course_lib.model.position import LearnedPosition
from course_lib.training.autocast_list import autocast_as_on
from course_lib.training.config import TrainConfig
from course_lib.training.device import autocast, wait_for
from course_lib.training.loss import next_token_loss
from course_lib.training.muon import hidden_matrices

BYTES = 4  # a float32: weights, gradients and optimizer state keep full precision also in a bf16 run


def count_parameters(model: nn.Module) -> dict[str, int]:
    """How many numbers are learned: `total`, `embeddings` (token and position tables), `rest`.

    A tied head counts once, as an embedding. Scaling laws are stated in `rest` (Kaplan et al. 2020,
    arXiv 2001.08361, N "non-embedding").
    """
    tables = {id(module.weight): module.weight.numel() for module in model.modules()
              if isinstance(module, nn.Embedding | LearnedPosition)}
    total, embeddings = sum(p.numel() for p in model.parameters()), sum(tables.values())
    return {"total": total, "embeddings": embeddings, "rest": total - embeddings}


def flops_per_token(config: GPTConfig, T: int | None = None) -> int:
    r"""Floating-point operations of one training step for each token, forward and backward, of windows of T.

    $$3 \left(2 N_\text{matmul} + 4 L T C\right)$$

    A weight of a matrix product multiplies and adds once a token: 2 N; the head counts, the token table,
    only looked up, does not. Attention adds 2 T C for the scores and 2 T C for the weighted sum, in each
    layer; the hidden half of the causal mask is counted too, as usual. The backward pass costs twice the
    forward: gradients for inputs and for weights. Norms, softmax and the optimizer are left out, under 1 % of
    a large model. Source: Chowdhery et al. 2022 (PaLM), appendix B; T defaults to `context_length`.
    """
    C, D = config.n_embd, config.head_dim
    attention = C * (config.n_head + 2 * config.n_kv_head) * D + C * C
    feedforward = (3 if config.feedforward == "swiglu" else 2) * C * config.n_hidden
    matmul_weights = config.n_layer * (attention + feedforward) + C * config.vocab_size
    return 3 * (2 * matmul_weights + 4 * config.n_layer * (T or config.context_length) * C)


def measure_activations(model: nn.Module, idx: torch.Tensor, dtype: str = "float32", *,
                        device: str | None = None) -> int:
    """Bytes that one forward pass over idx (B, T) keeps for the backward pass, weights not counted.

    Counted, not estimated: every tensor that autograd saves, each piece of storage once. It grows in
    proportion to B, so one row is enough to know the rest. `device` is the kind that is asked about, "cpu" or "cuda",
    which differ in what autocast computes in float32; None: where idx is. For another kind idx must be on the CPU.
    """
    here = idx.device.type
    if device not in (None, here) and here != "cpu":
        raise ValueError(f"device={device!r} is counted with model and idx on the CPU, and idx is on {here}")
    rules = autocast(idx.device, dtype) if device in (None, here) else autocast_as_on(device, dtype)
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    kept = {}

    def note(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = (storage.nbytes(), storage)  # holding it keeps the address from reuse
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor), rules:
        loss = next_token_loss(model(idx), idx)
    del loss
    return sum(size for size, _ in kept.values())


def activation_bytes(config: GPTConfig, n_tokens: int, dtype: str = "bfloat16") -> int:
    r"""`measure_activations` on paper, for `n_tokens` = B T tokens with fused attention and fused norms.

    A layer keeps for each token, counted in C: 4 for its norms (input and output), 3 for queries, keys and values,
    1 for what they gather, 2 more where rotary positions turn a copy of queries and keys; and the hidden numbers
    before and after the nonlinearity, 2 F (SwiGLU: 4 F). In half precision a number takes 2 bytes. The final norm keeps
    2 C and the loss V log-probabilities in float32. Compare Korthikanti et al. 2022 (arXiv 2205.05198), equation 1.
    """
    C, size = config.n_embd, BYTES if dtype == "float32" else 2
    turned = 2 * C if config.position == "rotary" and config.n_kv_head == config.n_head else 0
    layer = 8 * C + turned + (4 if config.feedforward == "swiglu" else 2) * config.n_hidden
    return n_tokens * (size * (config.n_layer * layer + 2 * C) + BYTES * config.vocab_size)


def memory_by_component(model: nn.Module, config: TrainConfig, idx: torch.Tensor, *,
                        device: str | None = None) -> dict[str, int]:
    """Bytes during training: `weights`, `gradients`, `optimizer`, `activations`, `total`.

    AdamW keeps two numbers for each parameter, Muon one. The activations are those of one forward pass over a
    batch of `config.batch_size` windows like idx (B, T), measured on its first row, for a `device` as there.
    """
    n = sum(p.numel() for p in model.parameters())
    moved_by_muon = sum(p.numel() for p in hidden_matrices(model)) if config.optimizer == "muon" else 0
    dtype = "float32" if config.dtype == "auto" else config.dtype
    parts = {"weights": BYTES * n, "gradients": BYTES * n, "optimizer": BYTES * (2 * n - moved_by_muon),
             "activations": config.batch_size * measure_activations(model, idx[:1], dtype, device=device)}
    return parts | {"total": sum(parts.values())}


def measure_peak(device: torch.device | str = "cpu", dtype: str = "float32", *, size: int = 1024,
                 seconds: float = 0.5) -> float:
    """FLOP/s of the fastest of several (size, size) matrix products: what this machine can reach at best.

    A product of n × n matrices takes 2 n³ operations. On a GPU take size=8192; vendors' figures are higher.
    """
    device = torch.device(device)
    a = torch.randn(size, size, device=device, dtype=getattr(torch, dtype))  # (size, size)
    fastest, stop, runs = float("inf"), time.perf_counter() + seconds, 0
    while runs < 3 or time.perf_counter() < stop:
        wait_for(device)
        start = time.perf_counter()
        a @ a
        wait_for(device)
        fastest, runs = min(fastest, time.perf_counter() - start), runs + 1
    return 2 * size**3 / fastest


def mfu(tokens_per_second: float, flops_a_token: float, peak: float) -> float:
    """Model FLOPs utilisation: the share of `peak` FLOP/s that the model's arithmetic makes up (PaLM, app. B)."""
    return tokens_per_second * flops_a_token / peak


def cost_table(parts: dict[str, int]) -> str:
    """A few lines of text: one component a line, with MB and share of the `total`."""
    return "\n".join(f"{name:<12}{size / 1e6:>10.1f} MB{size / parts['total']:>8.1%}"
                     for name, size in parts.items())
