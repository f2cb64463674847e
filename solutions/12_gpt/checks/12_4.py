"""Exercise 12.4: find the bugs in a transformer block."""

import math

import numpy as np
import torch
from torch.nn import functional as F

from course_lib.classroom.checking.exercise import Exercise
from course_lib.model.config import GPTConfig

repair = Exercise(
    "12.4", "block_repaired", title="Find the bugs", difficulty=4, minutes=20,
    hints=(
        "Write the two lines of lesson 12 first: x = x + attention(norm(x)), then x = x + feedforward(norm(x)).",
        "The mask: row i of the scores is query i. Which columns are in its future? They become −∞ before the softmax.",
        "h = norm(x); scores = q kᵀ / √C with `triu(1)` filled by −∞; x = x + softmax(scores) v Wᵀ; then h = norm(x) and "
        "return x + relu(h upᵀ) downᵀ.",
    ),
)


def some_block(rng, C):
    p = {name: rng.normal(size=(C, C)) for name in ("q", "k", "v", "proj")}
    p |= {"up": rng.normal(size=(4 * C, C)), "down": rng.normal(size=(C, 4 * C))}
    return {name: torch.tensor(matrix / 2, dtype=torch.float32) for name, matrix in p.items()}


def some_stream(rng, T, C):
    return torch.tensor(rng.normal(size=(T, C)), dtype=torch.float32)


@repair.probe(axes="tokens down, channels across")
def six_tokens(ns, rng):
    """six tokens of eight channels"""
    return ns["block_repaired"](some_stream(rng, 6, 8), some_block(rng, 8))


@repair.probe(axes="tokens down, channels across")
def two_tokens(ns, rng):
    """two tokens of four channels"""
    return ns["block_repaired"](some_stream(rng, 2, 4), some_block(rng, 4))


@repair.probe(axes="tokens down, channels across")
def one_token(ns, rng):
    """a single token"""
    return ns["block_repaired"](some_stream(rng, 1, 6), some_block(rng, 6))


@repair.probe(axes="tokens down, channels across")
def square(ns, rng):
    """as many tokens as channels"""
    return ns["block_repaired"](some_stream(rng, 5, 5), some_block(rng, 5))


@repair.probe(points=2, hidden=True)
def more_tokens(ns, rng):
    """more tokens"""
    C = int(rng.integers(6, 12))
    return ns["block_repaired"](some_stream(rng, int(rng.integers(5, 9)), C), some_block(rng, C))


@repair.property(T=(2, 6), changed=(1, 5), seed=(0, 99))
def the_future_does_not_matter(ns, T, changed, seed):
    """a token does not see what comes after it"""
    rng, changed = np.random.default_rng(seed), min(changed, T - 1)
    x, p = some_stream(rng, T, 4), some_block(rng, 4)
    other = x.clone()
    other[changed:] += some_stream(rng, T - changed, 4)
    return ns["block_repaired"](other, p)[:changed], ns["block_repaired"](x, p)[:changed]


@repair.property(T=(1, 5), seed=(0, 99))
def nothing_added(ns, T, seed):
    """with all matrices zero a block hands x on"""
    x = some_stream(np.random.default_rng(seed), T, 4)
    nothing = {name: torch.zeros_like(matrix) for name, matrix in some_block(np.random.default_rng(0), 4).items()}
    return ns["block_repaired"](x, nothing), x


def block(x, p, *, causal=True, scaled=True, first_norm=True, second_norm=True, residual=True, relu="between", flip=False,
          diagonal=1, low=-math.inf, axis=-1, copy=True, second=True, proj=True, same=False,
          raw="", root=None, norm=None, turned="", twice=False, found=None):
    """The repaired block, with one thing wrong at a time; raw: what is made of the stream itself; root: of this, not of C."""
    T, C = x.shape
    norm = norm or (lambda z: F.layer_norm(z, (C,)))
    p = p | {name: p[name].T for name in turned.split()}
    h = norm(x) if first_norm else x
    q, k, v = ((x if name in raw else h) @ p[name].T for name in "qkv")
    scores = q @ k.T / (math.sqrt(root or C) if scaled else 1.0)
    future = torch.ones(T, T).tril(-1).bool() if flip else torch.ones(T, T).triu(diagonal).bool()
    weights = (scores.masked_fill(future, low) if causal else scores).softmax(axis)
    y = weights @ v @ p["proj"].T if proj else weights @ v
    y = (2 * y if twice else y) if found is None else found(y)
    x = (x if copy else h) + y if residual else y
    h = h if same else norm(x) if second_norm else x
    x = x if copy else h
    up = h @ p["up"].T
    x = x if second else 0.0
    if relu == "between":
        return x + F.relu(up) @ p["down"].T
    up = {"none": up, "outside": up, "both": F.relu(up), "gelu": F.gelu(up),
          "squared": F.relu(up).square(),
          "leaky": F.leaky_relu(up), "sigmoid": up.sigmoid()}[relu]
    return x + (F.relu(up @ p["down"].T) if relu in ("outside", "both") else up @ p["down"].T)


@repair.mistake(hint="That one has three bugs. Which line adds what attention found to the stream?")
def the_articles_block(x, p):
    """the block of the article, as it was"""
    T, C = x.shape
    q, k, v = x @ p["q"].T, x @ p["k"].T, x @ p["v"].T
    y = (q @ k.T / math.sqrt(C)).softmax(dim=-1) @ v @ p["proj"].T
    return F.layer_norm(y + F.relu(y @ p["up"].T @ p["down"].T), (C,))


@repair.mistake(hint="Two linear maps in a row are one. The bend belongs between `up` and `down`.")
def relu_outside(x, p):
    """the ReLU outside, around both matrices, as in the article's formula"""
    return block(x, p, relu="outside")


@repair.mistake(hint="Without a bend between them, `up` and `down` are a single matrix.")
def no_relu(x, p):
    """a feed-forward without a ReLU"""
    return block(x, p, relu="none")


@repair.mistake(hint="Every token sees every other one. Fill the scores of the future with −∞ before the softmax.")
def no_mask(x, p):
    """attention without the causal mask, as in the article"""
    return block(x, p, causal=False)


@repair.mistake(hint="Row i is query i, column j is key j. Does your mask hide j > i, or j < i?")
def the_mask_turned_round(x, p):
    """attention that sees the future and not the past"""
    return block(x, p, flip=True)


@repair.mistake(hint="Then the first token has nowhere to look, and its row is nan. A token may look at itself: triu(1), not triu(0).")
def hidden_from_itself(x, p):
    """a mask that hides every token from itself, too"""
    return block(x, p, diagonal=0)


@repair.mistake(hint="A mask after the softmax leaves rows that do not sum to one. Fill the scores with −∞ before it.")
def mask_after_softmax(x, p):
    """a mask after the softmax: the weights no longer sum to one"""
    T, C = x.shape
    h = F.layer_norm(x, (C,))
    weights = ((h @ p["q"].T) @ (h @ p["k"].T).T / math.sqrt(C)).softmax(-1).tril()
    x = x + weights @ (h @ p["v"].T) @ p["proj"].T
    return x + F.relu(F.layer_norm(x, (C,)) @ p["up"].T) @ p["down"].T


@repair.mistake(hint="What attention computes is added to x; it does not replace it.")
def one_residual(x, p):
    """a block with one residual connection, as in the article's code"""
    return block(x, p, residual=False)


@repair.mistake(hint="Divide the scores by √C: without it the softmax of wide queries is nearly one-hot.")
def no_root(x, p):
    """attention without the √C"""
    return block(x, p, scaled=False)


@repair.mistake(hint="The second half reads a normalised copy of the stream, too.")
def one_norm(x, p):
    """a block without the second norm"""
    return block(x, p, second_norm=False)


@repair.mistake(hint="Pre-norm: attention reads the normalised stream, not the stream itself.")
def attention_on_the_raw_stream(x, p):
    """a block without the first norm"""
    return block(x, p, first_norm=False)


@repair.mistake(hint="This is the post-norm block of 2017: it normalises the stream itself. Normalise a copy instead.")
def post_norm(x, p):
    """a post-norm block: the norms stand after the additions"""
    T, C = x.shape
    scores = (x @ p["q"].T) @ (x @ p["k"].T).T / math.sqrt(C)
    weights = scores.masked_fill(torch.ones(T, T).triu(1).bool(), -math.inf).softmax(-1)
    x = F.layer_norm(x + weights @ (x @ p["v"].T) @ p["proj"].T, (C,))
    return F.layer_norm(x + F.relu(x @ p["up"].T) @ p["down"].T, (C,))


@repair.mistake(hint="p holds matrices as nn.Linear does, (out, in): multiply by the transposed one.")
def matrices_not_transposed(x, p):
    """a block that multiplies by the matrices the wrong way round"""
    turned = {name: p[name].T for name in ("q", "k", "v", "proj")} | {"up": p["up"], "down": p["down"]}
    return block(x, turned)


@repair.mistake(hint="x = norm(x) changes the stream itself. Give the copy a name of its own, h, and add to x.")
def the_stream_normalised(x, p):
    """a stream that is normalised itself: what is added to is the copy, not x"""
    return block(x, p, copy=False)


@repair.mistake(hint="What the feed-forward computes is added to x; it does not replace it.")
def second_half_replaces(x, p):
    """a feed-forward that is added to nothing"""
    return block(x, p, second=False)


@repair.mistake(hint="The second half reads what the first has added: norm(x) once more, of the new x.")
def both_read_the_same(x, p):
    """two halves that read the same: the feed-forward does not see what attention has added"""
    return block(x, p, same=True)


@repair.mistake(hint="One bend, between `up` and `down`. The second one lets the stream only grow.")
def a_second_relu(x, p):
    """a second ReLU, behind `down`"""
    return block(x, p, relu="both")


@repair.mistake(hint="The exercise asks for ReLU.")
def gelu_in_place_of_relu(x, p):
    """GELU in place of ReLU"""
    return block(x, p, relu="gelu")


@repair.mistake(hint="The exercise asks for a plain ReLU; its square is that of the course's own GPT.")
def squared_relu(x, p):
    """a squared ReLU, as the course's own GPT has it, in place of a ReLU"""
    return block(x, p, relu="squared")


@repair.mistake(hint="Values are made of the normalised copy, as queries and keys are: h, not x.")
def values_of_the_stream(x, p):
    """values made of the stream itself, not of the normalised copy"""
    return block(x, p, raw="v")


@repair.mistake(hint="Queries and keys are made of the normalised copy, as the values are: h, not x.")
def queries_and_keys_of_the_stream(x, p):
    """queries and keys made of the stream itself, not of the normalised copy"""
    return block(x, p, raw="qk")


@repair.mistake(hint="√C is of the channels of a query, not of how many tokens there are.")
def root_of_the_tokens(x, p):
    """scores divided by the root of the number of tokens"""
    return block(x, p, root=x.shape[0])


@repair.mistake(hint="The scores grow like √C, not like C. By what are they divided?")
def by_the_width(x, p):
    """scores divided by C instead of √C"""
    return block(x, p, root=x.shape[1] ** 2)


@repair.mistake(hint="The exercise asks for F.layer_norm; an RMS norm does not take the mean away.")
def rms_norm(x, p):
    """RMS norms in place of layer norms"""
    return block(x, p, norm=lambda z: F.rms_norm(z, z.shape[-1:]))


@repair.mistake(hint="A norm goes over the channels of one token, (C,), not over the tokens: that would see the future.")
def norm_over_tokens(x, p):
    """norms over the tokens instead of the channels"""
    return block(x, p, norm=lambda z: F.layer_norm(z.T, (len(z),)).T)


@repair.mistake(hint="p holds matrices as nn.Linear does, (out, in): `proj` must be transposed as well.")
def proj_not_transposed(x, p):
    """a block that multiplies by `proj` the wrong way round"""
    return block(x, p, turned="proj")


@repair.mistake(hint="Queries down, keys across: q kᵀ. Yours lets the keys ask.")
def keys_ask(x, p):
    """k qᵀ in place of q kᵀ: keys ask and queries answer"""
    return block(x, p | {"q": p["k"], "k": p["q"]})


@repair.mistake(hint="The only bend is between `up` and `down`: what attention found is added as it is.")
def relu_on_attention(x, p):
    """a ReLU around what attention found"""
    return block(x, p, found=F.relu)


@repair.mistake(hint="What attention found is added once.")
def attention_added_twice(x, p):
    """what attention found added twice"""
    return block(x, p, twice=True)


@repair.mistake(hint="The exercise asks for a plain ReLU: below zero it is 0, without a slope.")
def leaky_relu(x, p):
    """a leaky ReLU in place of a ReLU"""
    return block(x, p, relu="leaky")


@repair.mistake(hint="The exercise asks for a ReLU; a sigmoid is never above 1, nor 0.")
def sigmoid_in_place_of_relu(x, p):
    """a sigmoid in place of a ReLU"""
    return block(x, p, relu="sigmoid")


@repair.mistake(hint="Two things are added to the stream: what attention found, and what the feed-forward makes. The copy h is not.")
def the_copy_added_too(x, p):
    """a normalised copy that is added to the stream as well"""
    first = block(x, p | {"down": torch.zeros_like(p["down"])})
    return block(x, p) + F.layer_norm(first, (x.shape[1],))


@repair.mistake(hint="Pre-norm: each half reads a normalised copy of the stream. There is no norm yet.")
def no_norm(x, p):
    """a block without norms"""
    return block(x, p, first_norm=False, second_norm=False)


@repair.mistake(hint="What the heads have gathered goes through `proj` before it is added.")
def no_projection(x, p):
    """a block without `proj`"""
    return block(x, p, proj=False)


@repair.mistake(hint="triu(2) leaves the next token visible. Which diagonal is the first of the future?")
def one_too_many(x, p):
    """a mask that is off by one: each token reads the next one, too"""
    return block(x, p, diagonal=2)


@repair.mistake(hint="e to the 0 is 1: a score of 0 hides nothing. Put −∞.")
def scores_of_zero(x, p):
    """hidden scores of 0 in place of −∞"""
    return block(x, p, low=0.0)


@repair.mistake(hint="Each query makes shares of the keys: the softmax goes along the rows.")
def over_the_queries(x, p):
    """a softmax over the queries: columns sum to one, not rows"""
    return block(x, p, axis=0)


@repair.mistake(hint="The stream leaves the block as it is; the last norm stands before the head, once for all blocks.")
def normalised_at_the_end(x, p):
    """a block with one more norm at its end"""
    return F.layer_norm(block(x, p), (x.shape[1],))


@repair.forbid("course_lib.model.block.Block")
def _(call, x, p):
    C = x.shape[1]
    built = call(GPTConfig(vocab_size=1, n_head=1, n_embd=C, n_hidden=4 * C, norm="layernorm", position="none"))
    built.feedforward.bend = F.relu
    built.requires_grad_(False)
    built.attention.qkv.weight.copy_(torch.cat([p["q"], p["k"], p["v"]]))
    built.attention.proj.weight.copy_(p["proj"])
    built.feedforward.up.weight.copy_(p["up"])
    built.feedforward.proj.weight.copy_(p["down"])
    return built(x[None])[0]
