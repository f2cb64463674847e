"""The loss and its units: nats a token, bits a byte. Derived in lessons 02 (ngrams) and 05 (training)."""

import math

import torch
from torch.nn import functional as F

from course_lib.model.ids import refuse_dtype, refuse_odd_ids
from course_lib.text.windows import IGNORE


class NonFiniteLoss(RuntimeError):
    """The loss or its gradient became infinite or not a number; the weights are still those before the step."""

    def __init__(self, *, step: int, loss: float, grad_norm: float, last_checkpoint: object, dtype: str):
        super().__init__(
            f"step {step}: the loss is {loss}, the norm of its gradient {grad_norm}; "
            f"last good checkpoint: {last_checkpoint or 'none was saved'}. Try a lower max_lr or muon_lr, more "
            f"warmup_steps, a smaller grad_clip" + (", or dtype='float32'" if dtype != "float32" else ""))


def next_token_loss(logits: torch.Tensor, targets: torch.Tensor,
                    *, n_targets: float | None = None) -> torch.Tensor:
    r"""Mean cross-entropy of the next token, in nats.

    $$\text{loss} = -\frac{1}{N} \sum_{b,t:\ \text{targets}_{bt} \neq -1} \log p(\text{targets}_{bt})$$

    logits (B, T, V) before softmax, targets (B, T) ids with -1 where nothing is asked. N is the number of
    targets asked for, or `n_targets`: a big batch cut into parts passes the count of the whole batch to each
    part, and the parts then add up to its loss exactly. Half-precision logits are summed in float32.
    Without any target the loss is 0. Raises ValueError for other targets that are no ids (on a GPU not
    where `n_targets` is given: whoever counted them has seen them). Elsewhere: cross-entropy, negative
    log-likelihood; exp(loss): perplexity.
    """
    refuse_dtype(targets, "targets")
    if logits.dtype in (torch.bfloat16, torch.float16):
        logits = logits.float()  # eight bits of mantissa are too few for a sum over V
    if n_targets is None:
        n_targets = int((targets != IGNORE).sum())
        if targets.device.type != "cpu":
            refuse_odd_ids(targets, logits.shape[-1], "targets", IGNORE)
    try:
        nats = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORE, reduction="sum")
    except IndexError:  # a CPU has looked anyway
        refuse_odd_ids(targets, logits.shape[-1], "targets", IGNORE)
        raise
    return nats / (n_targets or 1)


def bits_per_byte(nats: float, n_bytes: int) -> float:
    """Bits needed for each byte of UTF-8 text: nats / (ln 2 · bytes), where `nats` is the sum over the text.

    Unlike loss a token it compares models with different tokenizers. Zero bytes raise `ValueError`, and so do nats
    that are not a number, or fewer than none.
    """
    if not nats >= 0:
        raise ValueError(f"bits per byte needs the surprise of a text, but nats={nats}; does the model give nan?")
    if n_bytes <= 0:
        raise ValueError(f"bits per byte needs text, but n_bytes={n_bytes}; is the held-out split empty?")
    return nats / (math.log(2) * n_bytes)
