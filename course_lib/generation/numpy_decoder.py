"""The whole GPT in a page of numpy, one token a step, several times faster. Derived in lesson 13 (decoding).

A small model's step is a hundred tiny operations, and torch spends more time on calling each than on computing it:
4 µs and the modules around it, where numpy takes 1 µs. What is linear is multiplied together before the first step:
see `folding`.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from course_lib.generation.evaluation_mode import is_plain
from course_lib.generation.folding import Array, affine, array, centred, fold, query_key_gain, unit
from course_lib.model.block import Block
from course_lib.model.config import GPTConfig
from course_lib.model.gpt import GPT
from course_lib.model.kv_cache import KVCache
from course_lib.text.ids import checked_ids


def can_decode(model: nn.Module) -> bool:
    """Whether `NumpyDecoder` computes what the model does: our parts as they are, float32 or float64, on the CPU."""
    kinds = {parameter.dtype for parameter in model.parameters()}
    return is_plain(model, "cpu") and kinds in ({torch.float32}, {torch.float64})


def pays(config: GPTConfig, batch_size: int, max_new_tokens: int) -> bool:
    """Whether numpy is sooner done than torch, the making of a `NumpyDecoder` included; as measured on one core.

    Up to the width of `tiny` it is at any batch, and making it costs what it saves in five steps. Wider models are
    limited by reading their weights, and W lies better in memory here: a quarter less a step of GPT-2 124M for one
    text, with some forty steps to make up for. For several texts PyTorch's matrix products are as fast or faster.
    """
    if config.n_embd <= 192:
        return max_new_tokens >= 8
    return batch_size == 1 and max_new_tokens >= 64


class NumpyDecoder:
    """`model(ids, cache=cache)` for one new token in each row, with the weights as they are when it is made.

    It goes on in the memory of `cache`, where the model has read the prompt; the two may take turns.
    Raises ValueError for an empty cache or a full one. `can_decode` says for which models.
    """

    def __init__(self, model: GPT, cache: KVCache):
        if cache.keys is None:
            raise ValueError("the cache is empty; let the model read the prompt first: model(idx, cache=cache)")
        self.config, self.cache = model.config, cache
        self.tokens = array(model.token_embedding.weight)
        self.learned = array(model.position.weight) if self.config.position == "learned" else None
        tables = (model.position.cos, model.position.sin) if self.config.position == "rotary" else ()
        self.rotation = [array(table.to(model.token_embedding.weight.dtype)) for table in tables]
        keys, values = cache.keys.numpy(), cache.values.numpy()
        self.layers = [Layer(block, *own) for block, *own in zip(model.blocks, keys, values, strict=True)]
        self.head = fold(model.head_weight, norm=model.norm)

    def step(self, ids: NDArray[np.integer]) -> Array:
        """The newest ids (B,) -> logits (B, V) over the next; the cache is one token longer. ValueError for no ids."""
        t, cap = self.cache.length, self.config.logit_soft_cap
        if t >= min(self.cache.max_length, self.config.context_length):
            raise ValueError(f"the cache holds {t} tokens and no more fit; clear() it and read less")
        if ids.dtype.kind != "i" or not 0 <= min(each := ids.tolist()) <= max(each) < len(self.tokens):
            checked_ids(ids, len(self.tokens))  # says which; as an index, -1 would be the last row
        x = self.tokens[ids]                                             # (B, C)
        if self.learned is not None:
            x += self.learned[t]
        if self.config.norm == "layernorm":
            x = centred(x)                                               # (B, C)
        rotation = [table[t] for table in self.rotation]
        for layer in self.layers:
            x += layer.attend(x, t, *rotation)
            x += layer.think(x)
        self.cache.advance(1)
        logits = affine(unit(x, self.config.norm_eps), self.head)        # (B, V)
        return logits if cap is None else cap * np.tanh(logits / cap)


class Layer:
    """A block, folded, with its keys and values (B, H_kv, S, D): what `attend` and `think` return is added to x."""

    def __init__(self, block: Block, keys: Array, values: Array):
        attention, feedforward, config = block.attention, block.feedforward, block.attention.config
        self.config, self.keys, self.values = config, keys, values
        centre = config.norm == "layernorm"
        self.qkv = fold(attention.qkv.weight, attention.qkv.bias, norm=block.attention_norm)
        self.gather = fold(attention.proj.weight, attention.proj.bias, centre=centre)
        widen = [feedforward.up, feedforward.gate] if config.feedforward == "swiglu" else [feedforward.up]
        self.widen = [fold(linear.weight, linear.bias, norm=block.feedforward_norm) for linear in widen]
        half = 0.5 if config.feedforward == "gelu" else 1.0
        self.narrow = fold(half * feedforward.proj.weight, feedforward.proj.bias, centre=centre)
        self.gain, self.gain_bias = query_key_gain(attention)

    def attend(self, x: Array, t: int, cos: Array | None = None, sin: Array | None = None) -> Array:
        """(B, C) -> (B, C): token t stores its key and value and reads from all up to its own."""
        H, H_kv, D = self.config.n_head, self.config.n_kv_head, self.config.head_dim
        G = H // H_kv                                                    # query heads that share a key-value head
        heads = affine(unit(x, self.config.norm_eps), self.qkv).reshape(len(x), H + 2 * H_kv, D)
        qk, v = heads[:, :H + H_kv], heads[:, H + H_kv:]                 # (B, H + H_kv, D), (B, H_kv, D)
        if self.config.qk_norm:
            qk = unit(centred(qk) if self.config.norm == "layernorm" else qk, self.config.norm_eps)
        qk = qk * self.gain                                              # (B, H + H_kv, D)
        if self.gain_bias is not None:
            qk += self.gain_bias
        if cos is not None:
            qk = qk * cos + np.concatenate([qk[..., D // 2:], qk[..., :D // 2]], axis=-1) * sin
        self.keys[:, :, t], self.values[:, :, t] = qk[:, H:], v
        q = qk[:, :H].reshape(len(x), H_kv, G, D)                        # (B, H_kv, G, D)
        scores = q @ self.keys[:, :, :t + 1].swapaxes(-2, -1)            # (B, H_kv, G, S)
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))    # (B, H_kv, G, S)
        out = weights @ self.values[:, :, :t + 1]                        # (B, H_kv, G, D)
        out /= weights.sum(axis=-1, keepdims=True)
        return affine(out.reshape(len(x), H * D), self.gather)

    def think(self, x: Array) -> Array:
        """(B, C) -> (B, C): the feed-forward."""
        y = unit(x, self.config.norm_eps)                                # (B, C)
        h = BENDS[self.config.feedforward](*(affine(y, widen) for widen in self.widen))  # (B, F)
        return affine(h, self.narrow)


def gelu(h: Array) -> Array:
    r"""Twice `model.feedforward.gelu`, $h\,(1 + \tanh(h\,(a + b h^2)))$, in one piece of memory."""
    a = (2 / np.pi)**0.5
    y = h * h
    y *= 0.044715 * a
    y += a
    y *= h
    np.tanh(y, out=y)
    y += 1
    y *= h
    return y


def relu2(h: Array) -> Array:
    """`model.feedforward.relu2`."""
    h = np.maximum(h, 0)
    return h * h


def swiglu(value: Array, gate: Array) -> Array:
    """`model.feedforward.swiglu`; the sigmoid is a shifted tanh, which cannot overflow."""
    return gate * (0.5 + 0.5 * np.tanh(0.5 * gate)) * value


BENDS = {"gelu": gelu, "relu2": relu2, "swiglu": swiglu}
