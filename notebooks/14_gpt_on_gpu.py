# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] tags=["badges"]
# # 14 · GPT on a GPU: how do years become an hour?
#
# **About 75 minutes** to read and run (a minute of computing), an hour and three quarters for the
# [exercises](../exercises/14_gpt_on_gpu/14_gpt_on_gpu.ipynb).
#
# **You need** lesson 12 (a GPT and its trainer). A GPU is welcome and not needed: every cell runs without one.
#
# **You will read** `course_lib/training/cost.py`, `counting.py`, `ladder.py`, `recompute.py` and `run_folder.py`.
#
# **Afterwards you can** say on paper what a training step costs, in operations, bytes and memory; name what limits it; pull one
# lever after the other and predict what each will bring; judge a run by its share of the machine; kill it and go on
# as if nothing had happened; and tell which modern parts are worth their time.

# %% tags=["setup"]
import copy
import inspect
import json
import math
import subprocess
import sys
import tempfile
import textwrap
import time
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch._subclasses import FakeTensorMode

from course_lib.lab import plots, scoreboard
from course_lib.lab.expect import expect
from course_lib.lab.progress import progress
from course_lib.lab.results import course_root, record_result
from course_lib.lab.widgets import Dashboard, explore
from course_lib.training.device import autocast, has_fast_bfloat16, pick_device, wait_for

torch.set_printoptions(precision=3, sci_mode=False)
_ = torch.manual_seed(14)
device = pick_device()                                             # the GPU, if there is one

# %% [markdown]
# **Which numbers were measured where?** Three kinds stand in this lesson, and each says which it is.
#
# - *Counted*: operations and bytes, from shapes alone. They are the same on every machine, and a test compares them.
# - *Measured here*: seconds. The cell shows those of the machine that ran it last; they are yours once you run it.
# - *Published*: measured by others, with the source.
#
# **This course itself has not measured on a GPU yet.** Where its own GPU numbers belong, the cell says so until they exist.

# %% [markdown]
# ## 1 · What does a step cost?
#
# In lesson 12 a GPT learned to tell stories in half a minute. GPT-2's smallest model is a hundred times as large, and
# a good run of it reads ten billion tokens. Your laptop's processor can do about $10^{11}$ additions and multiplications a second, if it is
# kept busy.
#
# > **Predict.** How long would the laptop need: a night, a month, a year, more?
#
# To answer, count. A weight of a matrix product meets each token once: it **multiplies** a number and **adds** the result to a sum,
# two operations. On the way back there are two more products of that size: one for the gradient of the inputs, one for that of the
# weights. We can watch torch do it:

# %%
from course_lib.training.counting import Counter

layer = torch.nn.Linear(8, 6, bias=False)
x = torch.randn(5, 8, requires_grad=True)                           # (T, C): five tokens
with Counter() as forward:
    y = layer(x)                                                    # (T, F)
with Counter() as backward:
    y.sum().backward()
print(f"forward  {forward.flops} operations = 2 × {layer.weight.numel()} weights × 5 tokens")
print(f"backward {backward.flops} operations = 4 × {layer.weight.numel()} weights × 5 tokens")

# %% [markdown]
# So a step costs **6 operations for each weight and token**. Attention adds products without weights: every query meets up to $T$ keys
# of $C$ numbers (over all heads), and sums up as many values, $2TC + 2TC$ a layer forwards, and again three times that with the way back:
#
# $$\text{FLOPs per token} = 6 N + 12\, L\, T\, C$$
#
# where $N$ counts the weights of matrix products: the head too, but not the token table, in which rows are only looked up.

# %%
from course_lib.model.config import gpt2_124m
from course_lib.training.cost import count_parameters, flops_per_token

print(inspect.getsource(flops_per_token))

# %% [markdown]
# Is it right? We let torch count every product of a real step of GPT-2. *Fake* tensors have shapes and no numbers, so nothing is
# computed and nothing stored; this would run on a phone.

# %%
from course_lib.model.gpt import GPT
from course_lib.training.autocast_list import autocast_as_on
from course_lib.training.loss import next_token_loss
from course_lib.training.recompute import recompute_blocks


@lru_cache
def count_step(config, B=8, dtype="float32", recompute=False):
    """Forward and backward of a batch (B, T), on shapes -> operations, how many forward, bytes kept."""
    with FakeTensorMode():
        model, idx = GPT(config), torch.zeros(B, config.context_length, dtype=torch.long)
        if recompute:
            recompute_blocks(model)
        with Counter() as counter:
            with autocast_as_on("cuda", dtype):                     # as a GPU would; a CPU's list differs
                loss = next_token_loss(model(idx), idx, n_targets=idx.numel())
            n_forward, kept = len(counter.operations), counter.held
            loss.backward()
    return counter.operations, n_forward, kept


gpt2 = gpt2_124m(attention="explicit")
B, T = 8, gpt2.context_length
operations, *_ = count_step(gpt2)
per_token = flops_per_token(gpt2)
assert sum(operation.flops for operation in operations) == per_token * B * T
print(f"{per_token / 1e6:.1f} million operations a token, formula = count")

# %%
with torch.device("meta"):                                          # shapes only, again
    counts = count_parameters(GPT(gpt2))
parts = {"attention between tokens": 12 * gpt2.n_layer * T * gpt2.n_embd,
         "head": 6 * gpt2.n_embd * gpt2.vocab_size}
parts["weights of the blocks"] = per_token - sum(parts.values())
for name, flops in parts.items():
    print(f"{name:>25} {flops / per_token:6.1%}")
total = per_token * 10e9
print(f"{counts['total']:,} parameters, 10 billion tokens: {total:.2g} operations")
print(f"at 10¹¹ a second: {total / 1e11 / 3600 / 24 / 365:.1f} years")

# %% [markdown]
# Years. Yet it was done in an hour and a half on eight GPUs (llm.c, discussion 481), and later in 45 minutes. A data sheet promises
# $3 \cdot 10^{14}$ operations a second for one A100 and $10^{15}$ for one H100. That is the whole trick, if the GPU is kept busy; and **keeping
# it busy is what this lesson is about**. A plain step, as one would write it first, uses a few per cent of it.
#
# ## 2 · What must it hold?
#
# The second limit is memory. For each parameter a run keeps four numbers of four bytes:
#
# | | bytes a parameter |
# |---|---|
# | the weight | 4 |
# | its gradient | 4 |
# | AdamW's two means | 8 |
#
# And for the way back it keeps what the forward pass has computed: the **activations**.
#
# > **Predict.** GPT-2 has 124 million parameters, so $16\,N$ bytes are 2 GB. Eight windows of 1024 tokens: do their activations
# > take less than that, about as much, or more?

# %%
fused = replace(gpt2, attention="fused")
ways = {"float32": count_step(gpt2), "bf16": count_step(gpt2, dtype="bfloat16"),
        "fused attention": count_step(fused, dtype="bfloat16"),
        "recomputed": count_step(fused, dtype="bfloat16", recompute=True)}
N = counts["total"]
bars = {"weights": [4 * N] * 4, "gradients": [4 * N] * 4, "optimizer": [8 * N] * 4,
        "activations": [kept for *_, kept in ways.values()]}
bars = {part: [round(size / 1e9, 1) for size in sizes] for part, sizes in bars.items()}

# %% mystnb={"image": {"alt": "Four bars of memory. Weights, gradients and optimizer are small and equal; the activations shrink from bar to bar."}}
figure = plots.stacked_bars(
    bars, list(ways), unit="GB",
    title="Memory of a step, 8 × 1024 tokens, GPT-2 124M",
    caption="Counted, by the rules of a GPU's autocast. From the top, each bar keeps the change of the one above it. The weights, of which one thinks first, are a small part.",
    alt="Four bars of memory. Weights, gradients and optimizer are small and equal; the activations "
        "shrink from bar to bar.")
plt.show()
print(figure.summary)

# %% [markdown]
# Activations are most of it, by far, and they are what the levers of this lesson work on. When are they there? Here is the same
# step as a film: forwards they pile up, backwards they are used and dropped, while the gradients come.
# (The clock is a prediction as well: each operation takes the time that an A100 needs at best; section 4 says how.)

# %%
from course_lib.training.counting import roofline_seconds
from course_lib.training.hardware import HARDWARE

a100 = HARDWARE["A100 40GB"]


def film(config, **how):
    """(seconds, bytes held) after each operation, and the moment when the forward pass ends."""
    operations, n_forward, _ = count_step(config, **how)
    clock = np.cumsum([roofline_seconds([o], peak=a100.peak, bandwidth=a100.bandwidth) for o in operations])
    return clock, np.array([o.held for o in operations]), clock[n_forward - 1]


films = {"kept": film(gpt2, dtype="bfloat16"), "recomputed": film(gpt2, dtype="bfloat16", recompute=True)}
ends = {name: clock[-1] for name, (clock, _, _) in films.items()}
moments = np.linspace(0, max(ends.values()), 800)
lanes = {}
for name, (clock, held, _) in films.items():
    at = np.searchsorted(clock, moments).clip(max=len(held) - 1)
    lanes[name] = (12 * N + held[at]) / 1e9
turn = films["kept"][2]

# %% mystnb={"image": {"alt": "Two lanes of memory against time. Above, a mountain that rises during the forward pass and falls during the backward pass; below, a much lower one with twelve teeth."}}
figure = plots.memory_timeline(
    1e3 * moments, lanes, time_unit="ms on an A100, at best", unit="GB",
    title="One step of GPT-2 124M, counted",
    phases={"forward": (0, 1e3 * turn), "backward": (1e3 * turn, 1e3 * moments[-1])},
    caption="bf16 with explicit attention. Above: everything is kept. Below: each block keeps its input "
            "only and computes the rest again on the way back: twelve teeth, one a block (and the "
            "step ends later). The peak of both is the logits, 50,257 numbers a token.",
    alt="Two lanes of memory against time. Above, a mountain that rises during the forward pass and "
        "falls during the backward pass; below, a much lower one with twelve teeth.")
plt.show()
print(figure.summary)

# %% [markdown]
# Try other sizes. (This one uses the formula of `activation_bytes`, for fused attention; the counted bars above are its test.)
#
# > **Try it.** How many windows of `gpt2_1558m` fit into 24 GB? And with recomputation?

# %% mystnb={"image": {"alt": "A bar of the memory that a preset needs, in four parts, beside a line at 24 GB."}}
from course_lib.model.config import PRESETS
from course_lib.training.cost import activation_bytes

sizes = {}
for name in ("gpt2_124m", "gpt2_355m", "gpt2_774m", "gpt2_1558m"):
    with torch.device("meta"):                                       # shapes without memory
        sizes[name] = count_parameters(GPT(PRESETS[name]()))["total"]


def draw_memory(preset="gpt2_124m", windows=8, recompute=False):
    config, N = PRESETS[preset](), sizes[preset]
    tokens = windows * config.context_length
    activations = activation_bytes(config, tokens)
    if recompute:                                                    # L inputs, and the inside of one block
        one = activation_bytes(replace(config, n_layer=1), tokens)
        activations = one + 2 * tokens * config.n_embd * config.n_layer
    parts = {"weights": 4 * N, "gradients": 4 * N, "optimizer": 8 * N, "activations": activations}
    figure = plots.stacked_bars(
        {name: [size / 1e9] for name, size in parts.items()}, [preset], unit="GB",
        limit=("a large gaming card:", 24),
        title=f"{windows} × {config.context_length} tokens" + (", recomputed" if recompute else ""),
        caption="bf16 and fused attention. The dashed line is what a large gaming card holds.",
        alt=f"A bar of the memory that {preset} needs, in four parts, beside a line at 24 GB.")
    figure.summary = f"{preset}, {tokens} tokens at once: {sum(parts.values()) / 1e9:.1f} GB"
    return figure


explore(draw_memory, label="Memory of a step", preset=list(sizes), windows=[1, 2, 4, 8, 16, 32, 64], recompute=False)

# %% [markdown]
# ## 3 · Measure, but measure the work
#
# A prediction is worth something once it has met a clock. With a GPU, the obvious way to use a clock is wrong. The processor does not
# *do* the work, it puts it into a queue and goes on; Python is back before the GPU has begun. On a machine without a GPU
# a thread can play the GPU. The job is the same in both rows:

# %% tags=["nbval-ignore-output"]
from concurrent.futures import ThreadPoolExecutor

queue = ThreadPoolExecutor(1)                                # our "GPU": takes orders, does one by one


def order():
    """Ask for many products; come back at once."""
    if device.type == "cuda":
        a = torch.ones(2048, 2048, device=device)                    # large: a GPU takes longer than Python
        return [a @ a for _ in range(200)]
    a = torch.ones(600, 600)
    return [queue.submit(torch.mm, a, a) for _ in range(50)]


def wait(orders):
    """Until all of it is done."""
    wait_for(device) if device.type == "cuda" else [each.result() for each in orders]


wait(order())                                                        # warm up: the first time is always slow
start = time.perf_counter()
orders = order()
without = time.perf_counter() - start
wait(orders)
with_waiting = time.perf_counter() - start
print(f"clock stopped without waiting {1e3 * without:8.2f} ms")
print(f"clock stopped when it is done {1e3 * with_waiting:8.2f} ms")
assert with_waiting > 1.5 * without

# %% [markdown]
# Whoever forgets to wait has measured how fast Python can *ask*. Three rules, and `measure_step` of the package obeys them:
#
# 1. **Wait** (`torch.cuda.synchronize()`) before the clock starts and before it stops.
# 2. **Warm up**: the first steps compile, allocate, and fill caches.
# 3. **Do not wait anywhere else.** Every `.item()`, every `print(loss)` in the loop is a wait, during which the queue runs empty. Our
#    trainer has one for each update.

# %%
from course_lib.training.ladder import measure_step

print(inspect.getsource(sys.modules[measure_step.__module__]._measure_step))

# %% [markdown]
# ## 4 · What limits an operation?
#
# A product of $n$ rows with a $C \times F$ matrix computes $2\,n\,C\,F$ operations and moves $nC + CF + nF$ numbers. More rows: more work on *the same
# weights*. The ratio, operations a byte, is called **arithmetic intensity**. The machine has such a ratio, too: an A100 computes 312 · 10¹²
# operations while its memory brings 1.6 · 10¹² bytes.
#
# $$\text{seconds} \ge \max\left(\frac{\text{operations}}{\text{peak}},\ \frac{\text{bytes}}{\text{bandwidth}}\right)$$
#
# That is the **roofline**: an operation is limited by computing, or by memory, never by both.
#
# > **Predict.** For GPT-2's feed-forward (768 → 3072, bf16) on an A100: from how many tokens at once does it pay to have a fast
# > processor? 1, 30, 300, 3000?

# %% mystnb={"image": {"alt": "Three lines that rise with the number of tokens in a batch and then bend to a plateau."}}
C, F = gpt2.n_embd, gpt2.n_hidden
rows = 2 ** np.arange(15)


def reachable(hardware, size=2):
    """FLOP/s of the product (n, C) @ (C, F), at best, for each n of rows."""
    flops, moved = 2 * rows * C * F, size * (rows * C + C * F + rows * F)
    return flops / np.maximum(flops / hardware.peak, moved / hardware.bandwidth)


cards = ("RTX 4090", "A100 40GB", "H100")
speeds = {name: reachable(HARDWARE[name]) / 1e12 for name in cards}
ridge = {name: int(rows[np.argmax(speed > 0.999 * speed.max())]) for name, speed in speeds.items()}
figure = plots.curves(
    rows, speeds, xlabel="tokens at once (rows of the product)",
    ylabel="10¹² operations a second, at best", log="xy",
    title="A roofline: the feed-forward of GPT-2",
    caption="Left: memory limits, and twice the batch gives twice the speed. Right of the bend: "
            "computing limits, and it gives nothing more. From the cards' data sheets.",
    alt="Three lines that rise with the number of tokens in a batch and then bend to a plateau.")
plt.show()
print("the roof is reached with this many tokens:", ridge)

# %% [markdown]
# **Lever 1: the batch.** Below the bend every token is paid with a whole reading of the weights. A GPU wants thousands of tokens at once. Your processor has
# a bend as well, only much earlier:

# %% tags=["nbval-ignore-output"]
def speed(n, seconds=0.15):
    """FLOP/s of the fastest (n, C) @ (C, F) within some time, measured here."""
    a, b = torch.randn(n, C, device=device), torch.randn(C, F, device=device)
    fastest, stop = math.inf, time.perf_counter() + seconds
    while time.perf_counter() < stop:
        start = time.perf_counter()
        a @ b
        wait_for(device)
        fastest = min(fastest, time.perf_counter() - start)
    return 2 * n * C * F / fastest


for n in (1, 8, 64, 512):
    print(f"measured here, {device.type}, float32: {n:4} rows  {speed(n) / 1e9:8.1f} · 10⁹ operations a second")

# %% [markdown]
# Now the same for *every* operation of the step. Products are one kind. The others (norms, GELU, sums, softmax) compute
# next to nothing, and must still read and write their tensors.
#
# > **Predict.** Products make up more than 99.9 % of the operations of a step. What share of the *bytes* do they move?

# %%
PRODUCTS = ("mm", "addmm", "bmm", "_scaled_dot_product_flash_attention_for_cpu",
            "_scaled_dot_product_flash_attention_for_cpu_backward")


def split(operations):
    """(products, the rest)."""
    return ([o for o in operations if o.name in PRODUCTS], [o for o in operations if o.name not in PRODUCTS])


products, rest = split(count_step(gpt2)[0])
bytes_of = [sum(o.n_bytes for o in group) / 1e9 for group in (products, rest)]
for name, group, moved in zip(("products", "others"), (products, rest), bytes_of, strict=True):
    flops = sum(o.flops for o in group) / 1e12
    print(f"{len(group):4} {name:>8}: {flops:.2f} · 10¹² operations, {moved:5.1f} GB moved")
print(f"products move {bytes_of[0] / sum(bytes_of):.0%} of the bytes")

# %% [markdown]
# This is why a step can be slow on a fast GPU: it is busy *carrying*, not computing. Every lever below attacks one of four things: the speed
# of products, the size of numbers, the trips to memory, or the work that need not be done.
#
# ## 5 · Lever 2: smaller numbers
#
# Half the bytes for each number, and products in half precision run on *tensor cores*, 16 times as fast as in float32 on an A100
# (312 against 19.5 · 10¹² by its data sheet). There are two kinds of 16 bits:

# %%
KINDS = {"float32": torch.float32, "float16": torch.float16, "bf16": torch.bfloat16}
for name, dtype in KINDS.items():
    about = torch.finfo(dtype)
    print(f"{name:>8}: largest {about.max:8.2g}, smallest normal {about.tiny:8.2g}, "
          f"next after 1: 1 + {about.eps:.2g}")

# %% [markdown]
# float16 spends its bits on precision, bf16 on range: it *is* a float32 with the last 16 bits cut off. What does a training step need?
# At birth each wrong token's logit receives a gradient of about $1 / (V \cdot \text{tokens in the batch})$.
#
# > **Predict.** For GPT-2 ($V$ = 50,257, half a million tokens a batch): which of the two kinds can hold that number?

# %%
small = torch.tensor(1 / (50_257 * 524_288))
large = torch.tensor(70_000.0)
for name, dtype in KINDS.items():
    print(f"{name:>8}: the gradient is {small.to(dtype).item():.2g}, "
          f"an activation of 70,000 becomes {large.to(dtype).item():g}")

# %% [markdown]
# In float16 the gradient **is zero**, and large activations are infinite. The wrong way, run: we train a very small GPT four times, and on
# its way back the gradient of the logits passes through 16 bits, divided as if the batch were as large as above.

# %%
from course_lib.model.config import tiny
from course_lib.training.config import TrainConfig
from course_lib.training.optim import AdamW

toy_text = torch.arange(4096).remainder(61).mul(7).remainder(61)      # an endless song of 61 notes
toy_text = toy_text.view(-1, 64)


def through(dtype, scale):
    """Losses of 60 steps in which the logits' gradient is multiplied, rounded to dtype, and divided again."""
    torch.manual_seed(0)
    model = GPT(tiny(61, context_length=64, n_layer=1, n_head=2, n_embd=32))
    optimizer, losses, share = AdamW(model.parameters(), lr=1e-2), [], 2.0**-28
    for step in range(60):
        idx = toy_text[step % 8::8]                                   # (B, T)
        logits = model(idx[:, :-1])                                   # (B, T, V)
        logits.register_hook(lambda g: (g * share * scale).to(dtype).float() / (share * scale))
        loss = next_token_loss(logits, idx[:, 1:])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses


runs = {"float32": through(torch.float32, 1), "float16": through(torch.float16, 1),
        "float16, scaled": through(torch.float16, 2.0**24), "bf16": through(torch.bfloat16, 1)}

# %% mystnb={"image": {"alt": "Four curves of loss; three fall together to nearly zero, float16 without scaling stays at the top as a flat line."}}
figure = plots.curves(
    range(1, 61), runs, xlabel="step (optimizer updates)", ylabel="loss (nats a token)",
    title="Gradients in 16 bits",
    caption="float16 without help does not learn at all: its gradients are zeros. Multiplied by 2²⁴ "
            "before they are rounded and divided after (loss scaling, Micikevicius et al. 2018) they "
            "survive. bf16 needs no help.",
    alt="Four curves of loss; three fall together to nearly zero, float16 without scaling stays at the "
        "top as a flat line.")
plt.show()
expect(runs["float16"][-1] - runs["float16"][0], about=0, within=0.3, name="float16: loss, end - start")
expect(runs["bf16"][-1] - runs["float32"][-1], about=0, within=0.1, name="loss at the end, bf16 - float32")

# %% [markdown]
# **How wrong is bf16?** Eight bits of precision: rounding a number changes it by at most a share of $u = 2^{-8}$ of it. In a product both factors are rounded,
# the sum is taken in float32, and the result is rounded once more. So, up to $u^2$,
#
# $$\left|\mathrm{bf16}(a \cdot b) - a \cdot b\right| \;\le\; 2u \sum_i |a_i b_i| + u\,|a \cdot b|$$
#
# This is a promise, not a hope, and can be asserted:

# %%
a, b = torch.randn(200, 300), torch.randn(300, 100)
exact = a.double() @ b.double()                                       # (200, 100)
rounded = (a.bfloat16().float() @ b.bfloat16().float()).bfloat16().double()
u = 2.0**-8
bound = 2 * u * (a.abs().double() @ b.abs().double()) + u * exact.abs()
assert ((rounded - exact).abs() <= 1.01 * bound).all()
print(f"largest error / bound: {((rounded - exact).abs() / bound).max():.2f}, so errors mostly cancel")

# %% [markdown]
# And for a whole model? Loss and gradients of one batch, all of it in bf16 as the trainer does it (`autocast`), against float32:

# %%
torch.manual_seed(1)
model = GPT(tiny(61, context_length=64, n_layer=2, n_head=2, n_embd=64, init="gpt2"))
idx, targets = toy_text[:8, :-1], toy_text[:8, 1:]


def loss_and_gradient(dtype):
    model.zero_grad()
    with autocast(torch.device("cpu"), dtype):
        loss = next_token_loss(model(idx), targets)
    loss.backward()
    return loss.item(), torch.cat([p.grad.flatten() for p in model.parameters()])


(loss32, gradient32), (loss16, gradient16) = loss_and_gradient("float32"), loss_and_gradient("bfloat16")
relative = ((gradient16 - gradient32).norm() / gradient32.norm()).item()
assert abs(loss16 - loss32) < u * loss32 and relative < 8 * u
print(f"loss within u = {u:.4f} of itself, gradient within 8 u = {8 * u:.3f} of its length")

# %% [markdown]
# That is far less than the noise between two batches. **But the weights stay in float32.** An update of one part in a thousand would vanish:

# %%
weight = torch.tensor(1.0, dtype=torch.bfloat16)
for _ in range(1000):
    weight += 0.001
print("1 + 1000 × 0.001 in bf16 =", weight.item())

# %% [markdown]
# So: weights, gradients' sums, optimizer, norms and the loss in float32, products and what lies between them in bf16. This is what *mixed
# precision* means. There is a step between the two: **TF32**, float32 in memory whose last 13 bits the tensor cores do not read. It is
# one line (`torch.set_float32_matmul_precision("high")`) and by the data sheet 8 times as fast.
#
# ## 6 · Lever 3: attention that never writes its weights
#
# Explicit attention writes the scores, $T \times T$ numbers a head, reads them for the softmax, writes the weights, and reads them again.
# *Fused* attention (FlashAttention, Dao et al. 2022) takes a few rows at a time through all three steps on the chip and never stores them. On the way back it computes
# them again, which is cheaper than reading them.
#
# > **Predict.** $T = 1024$, $H = 12$ heads of $D = 64$. How many numbers are the weights of one window, and how many $q$, $k$, $v$ and the output together?

# %%
H, D = gpt2.n_head, gpt2.head_dim
print(f"weights {H * T * T:,}   q, k, v, out {4 * T * H * D:,}   ratio {H * T * T / (4 * T * H * D):.1f}")

# %%
from course_lib.model.block import Block

lengths = [128, 256, 512, 1024, 2048, 4096]


def kept_by_a_block(path, longest):
    """MB that one block of GPT-2 keeps for one window, in bf16."""
    with FakeTensorMode(), autocast(torch.device("cpu"), "bfloat16"):
        block = Block(replace(gpt2, attention=path))
        x = torch.zeros(1, longest, C, dtype=torch.bfloat16, requires_grad=True)
        with Counter() as counter:
            out = block(x)                                            # (B, T, C)
    return (counter.held - out.nbytes - 2 * sum(p.numel() for p in block.parameters() if p.ndim == 2)) / 1e6


layer_bytes = {path: [kept_by_a_block(path, longest) for longest in lengths]
               for path in ("explicit", "fused")}
print(f"{'T':>6} {'explicit':>9} {'fused':>8}   MB kept by one block for one window, bf16")
for longest, explicit, fused_bytes in zip(lengths, *layer_bytes.values(), strict=True):
    print(f"{longest:6,} {explicit:9.1f} {fused_bytes:8.1f}   × {explicit / fused_bytes:.1f}")

# %% [markdown]
# *Counted.* Twice the window: twice the memory of the fused path, and at last four times that of the explicit one.
#
# Is it the same function? The reference and the fast path, values and gradients:

# %%
from course_lib.model.attention import attention, causal_mask, fused_attention

q, k, v = (torch.randn(2, 3, 20, 8, dtype=torch.float64, requires_grad=True) for _ in range(3))
explicit_out, weights = attention(q, k, v, causal_mask(20))            # (B, H, T, D), (B, H, T, T)
fused_out = fused_attention(q, k, v, causal=True)                      # (B, H, T, D)
torch.testing.assert_close(fused_out, explicit_out)
probe = torch.randn_like(explicit_out)
gradients = [torch.autograd.grad(out, (q, k, v), probe) for out in (explicit_out, fused_out)]
torch.testing.assert_close(*gradients)
print("fused = explicit, forwards and backwards")

# %% [markdown]
# ## 7 · Lever 4: fewer trips to memory (compile)
#
# Take the feed-forward's middle: add the bias, GELU, next product. As three operations the hidden numbers are read and written again and again. A
# **compiler** writes one kernel for the whole chain: read once, compute all of it, write once. That is all that `torch.compile` does for
# the operations between products, and by section 4 they move most of the bytes. It does not make products faster.

# %%
print(inspect.getsource(sys.modules["course_lib.training.device"].compile_blocks))

# %% [markdown]
# On paper, for bf16 and fused attention on an A100: how much of the step are products, how much lies between?

# %%
def at_best(operations, peak=a100.peak):
    """Milliseconds on an A100 by the roofline: (products, the rest)."""
    return [1e3 * roofline_seconds(group, peak=peak, bandwidth=a100.bandwidth) for group in split(operations)]


computing, carrying = at_best(count_step(fused, dtype="bfloat16")[0])
print(f"at best {computing:.0f} ms of products and {carrying:.0f} ms between them: "
      f"a perfect compiler would make it {(computing + carrying) / computing:.1f} times as fast")

# %% [markdown]
# Compiling needs a C++ compiler on a CPU, and a minute in which this whole lesson could run, so we do it only where there is a GPU. (On two cores it
# never pays in a short run.) Compiled and plain steps compute the same model; only rounding differs.

# %% tags=["nbval-ignore-output"]
if device.type == "cuda":
    layers = torch.nn.Linear(768, 3072), torch.nn.GELU(), torch.nn.Linear(3072, 768)
    block = torch.nn.Sequential(*layers).to(device)
    x = torch.randn(8192, 768, device=device)
    plain = block(x)
    block.compile()
    torch.testing.assert_close(block(x), plain, rtol=1e-3, atol=1e-3)
    print("compiled = plain, up to rounding")
else:
    print("torch.compile: skipped, there is no GPU here")

# %% [markdown]
# ## 8 · Lever 5: the update
#
# AdamW needs the weight, its gradient and two means: four numbers to read, three to write, 28 bytes a parameter. Written as a formula it
# is ten operations, each of which reads and writes all parameters. The *fused* kernel does it in one pass:

# %%
from course_lib.training.optim import adamw_update, fused_adamw_update


def updated(rule, n=100_000):
    """Parameters after one update by `rule`, and the bytes that it moved for each of them."""
    generator = torch.Generator().manual_seed(0)
    p, g, m, v = (torch.rand(n, generator=generator) for _ in range(4))
    with Counter() as counter:
        rule([p], [g], [m], [v], [torch.tensor(5.0)], lr=1e-3, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1)
    return p, counter.n_bytes / n


(p, plain_bytes), (q, _) = updated(adamw_update), updated(fused_adamw_update)
torch.testing.assert_close(p, q)
print(f"written out: {plain_bytes:.0f} bytes a parameter, fused: 28. The same numbers.")
update_bytes = {"written out": plain_bytes, "fused": 28}
update_ms = {name: 1e3 * size * N / a100.bandwidth for name, size in update_bytes.items()}
for name, ms in update_ms.items():
    print(f"{name:>11}: at best {ms:.1f} ms for {N:,} parameters on an A100")

# %% [markdown]
# A few per cent of a step of 8 windows, and less of a larger one. So a *better* optimizer may cost more, if it needs fewer steps. **Muon** (lesson 05)
# orthogonalises the update of each hidden matrix with five rounds of three products:

# %%
from course_lib.training.muon import hidden_matrices, orthogonalize

with FakeTensorMode():
    fake = GPT(gpt2)
    with Counter() as counter:
        for matrix in hidden_matrices(fake):
            orthogonalize(matrix.detach())
for tokens in (8192, 524_288):
    print(f"Muon adds {counter.flops / (per_token * tokens):5.1%} to a step of {tokens:,} tokens")

# %% [markdown]
# Nothing, at the batch sizes of a real run. What it brings: at one fixed architecture, batch and target loss, AdamW needs 5,625 updates and Muon 3,375 to 3,600
# (*published*: modded-nanogpt, records/track_3_optimization). Section 14 tries it.
#
# ## 9 · Lever 6: a vocabulary that divides
#
# GPT-2 has 50,257 tokens. The head's product has that many columns; tensor cores work on tiles, and want rows of memory that start at multiples
# of 16 bytes.

# %%
for V in (50_257, 50_304):
    power = V & -V                                           # the largest power of two that divides it
    print(f"V = {V:,}: divisible by {power:3}, a row of logits is {2 * V:,} bytes = {2 * V / 16:,.2f} × 16")
print(f"cost of 47 rows that no text uses: {47 / 50_257:.2%} of the head; loss at birth ln V grows by "
      f"{math.log(50_304 / 50_257):.4f}")

# %% [markdown]
# Adding 47 useless tokens makes it *faster*: the roofline cannot see that, since it knows nothing of tiles. The model learns in a few steps
# that they never come.
#
# ## 10 · Lever 7: the data, or rather: not the data
#
# "The GPU waits for the data loader" is a true story for images. For text, compute first:

# %%
fast = 450_000                                               # tokens a second: good for one H100-class GPU
slot = HARDWARE["RTX 4090"].link                             # PCIe 4.0, bytes a second
print(f"{fast:,} tokens a second in 16 bits are {fast * 2 / 1e6:.1f} MB a second from the disk")
print(f"the slot carries {slot / 1e9:.0f} GB a second: {slot / (fast * 16):,.0f} times "
      "what ids and targets need, 64 bits each")

# %% tags=["nbval-ignore-output"]
from course_lib.text.dataset import TokenDataset
from course_lib.training.ladder import zipf_ids

dataset = TokenDataset(zipf_ids(2_000_000, 50_257), batch_size=64, context_length=1024)
start = time.perf_counter()
for _ in range(10):
    next(dataset)
print(f"measured here, one thread: {10 * 64 * 1024 / (time.perf_counter() - start):,.0f} tokens a second")

# %% [markdown]
# One thread reads windows from a mapped file many times faster than any GPU can train on them. Two things matter: **tokenize beforehand** (encoding text
# on the fly runs at a few MB a second and core), and **copy without waiting**: from pinned memory, `non_blocking=True`, which is `to_torch` of the package.
#
# ## 11 · Lever 8: a batch larger than the memory (accumulation)
#
# GPT-2's recipe wants half a million tokens in an update; a card holds perhaps 16,000 at once. So: several forward and backward passes, whose gradients
# torch adds up, then one update. The trap is in "adds up".
#
# > **Predict.** `loss` is a mean. If four small batches each add the gradient of their mean, by what factor is the sum too large?

# %%
torch.manual_seed(2)
model = GPT(tiny(61, context_length=64, n_layer=1, n_head=2, n_embd=32, init="gpt2"))
batch = toy_text[:16]                                                 # (B, T + 1)


def gradient(pieces, divide):
    """The gradient of the batch, in so many pieces."""
    model.zero_grad()
    for piece in batch.chunk(pieces):
        loss = next_token_loss(model(piece[:, :-1]), piece[:, 1:])
        (loss / pieces if divide else loss).backward()
    return torch.cat([p.grad.flatten() for p in model.parameters()])


whole = gradient(1, divide=True)
torch.testing.assert_close(gradient(4, divide=True), whole)
ratio = gradient(4, divide=False).norm() / whole.norm()
print(f"forgot to divide: the gradient is {ratio:.3f} times as long")

# %% [markdown]
# Four. Why do such bugs live long? Because **AdamW does not notice**: it divides each gradient by its own size. Plain gradient descent does.

# %%
def last_loss(name, divide, steps=30):
    """Loss of the last piece after some steps with AdamW or with plain gradient descent."""
    torch.manual_seed(3)
    model = GPT(tiny(61, context_length=64, n_layer=1, n_head=2, n_embd=32, init="gpt2"))
    if name == "AdamW":
        optimizer = AdamW(model.parameters(), lr=3e-3)
    else:
        optimizer = torch.optim.SGD(model.parameters(), lr=4.0)
    for _ in range(steps):
        for piece in batch.chunk(4):
            loss = next_token_loss(model(piece[:, :-1]), piece[:, 1:])
            (loss / 4 if divide else loss).backward()
        optimizer.step()
        optimizer.zero_grad()
    return loss.item()


found = {(name, divide): last_loss(name, divide) for name in ("AdamW", "SGD") for divide in (True, False)}
expect(found["AdamW", False] - found["AdamW", True], about=0, within=0.05, name="AdamW, loss: forgot - right")
worse = not found["SGD", False] < found["SGD", True] + 0.3              # `not <`: it may be NaN
print("plain gradient descent: worse by more than 0.3 nats:", worse)
assert worse

# %% [markdown]
# And then somebody turns on gradient clipping, or compares gradient norms with a colleague, or changes the number of pieces, and wonders.
#
# A second trap: dividing by the number of pieces is right only if all ask for *equally many* targets. With padding they do not:

# %%
nats = [torch.full((60,), 2.0), torch.full((4,), 6.0)]       # losses of the tokens in two pieces of a batch
print(f"mean of all 64 tokens {torch.cat(nats).mean():.2f}, "
      f"mean of the two means {(nats[0].mean() + nats[1].mean()) / 2:.2f}")

# %% [markdown]
# Our trainer counts the targets of the *whole* batch first and gives that number to each piece (`n_targets`). Then the parts sum up exactly:

# %%
from course_lib.training.trainer import Trainer


def trainer_for(batch_size, accumulation_steps):
    torch.manual_seed(4)
    config = TrainConfig(max_steps=5, batch_size=batch_size, accumulation_steps=accumulation_steps,
                         dtype="float32", device="cpu", threads=1)
    dataset = TokenDataset(zipf_ids(5000, 61), batch_size=batch_size, context_length=64)
    model = GPT(tiny(61, context_length=64, n_layer=1, n_head=2, n_embd=32, init="gpt2"))
    return Trainer(model, dataset, config)


one_batch, in_pieces = trainer_for(8, 1), trainer_for(2, 4)
found, again = one_batch.gradients(), in_pieces.gradients()
assert math.isclose(found[0], again[0], rel_tol=1e-5)
for p, q in zip(one_batch.model.parameters(), in_pieces.model.parameters(), strict=True):
    torch.testing.assert_close(p.grad, q.grad)
print(f"8 windows at once = 4 × 2 windows: {found[2]} targets, loss and gradients equal")

# %% [markdown]
# One more warning, from a question that new users of nanoGPT ask again and again: who makes the batch smaller to fit a card **must raise `accumulation_steps` by the same
# factor**, or trains with another, noisier recipe.
#
# ## 12 · Lever 9: keep less, compute twice (activation checkpointing)
#
# You saw the teeth in section 2. Each block keeps its input alone; on the way back it runs forward again. The price and the gain, counted:

# %%
print(inspect.getsource(recompute_blocks))

# %%
bf16 = dict(dtype="bfloat16")
flops = [sum(o.flops for o in count_step(fused, recompute=again, **bf16)[0]) for again in (False, True)]
memory = [count_step(fused, recompute=again, **bf16)[2] / 1e9 for again in (False, True)]
print(f"operations × {flops[1] / flops[0]:.2f}, activations {memory[0]:.1f} GB → {memory[1]:.1f} GB")

# %% [markdown]
# A third more work in the blocks, so this lever makes a step **slower**. It pays when the memory is what limits you: a longer context, a larger model, or a batch beyond the
# bend of the roofline. Same gradients, to the bit:

# %%
torch.manual_seed(5)
model = GPT(tiny(61, context_length=64, n_layer=3, n_head=2, n_embd=32, init="gpt2", dropout=0.1))


def gradient_of(model):
    model.zero_grad()
    torch.manual_seed(6)                                               # the same dropout
    next_token_loss(model(batch[:, :-1]), batch[:, 1:]).backward()
    return torch.cat([p.grad.flatten() for p in model.parameters()])


before = gradient_of(model)
recompute_blocks(model)
assert torch.equal(gradient_of(model), before)
print("recomputed = kept, bit for bit, with dropout")

# %% [markdown]
# ## 13 · The throughput ladder
#
# Now in order, one rung on top of the other. These are the rungs that the course's own benchmark climbs (`benchmarks/gpu.py` imports the same list), each
# with the prediction that was written down before it measured anything:

# %%
from course_lib.training.ladder import RUNGS, climb, read_ladder

for rung in RUNGS:
    print(textwrap.fill(f"{rung.name}: {rung.prediction}", width=95, subsequent_indent="    "))

# %% [markdown]
# > **Predict** for yourself: which rung brings most on a GPU, and how much faster is the last one than the first?
#
# First on paper. For an A100 the counted operations and the roofline give the speed that *cannot* be passed; beside it stands a *published* ladder,
# measured on an A100 with almost the same rungs (Raschka, LLMs-from-scratch, ch05/10_llm-training-speed):

# %%
A100_PEAKS = {"float32": 19.5e12, "TF32": 156e12, "bf16": a100.peak}    # NVIDIA's data sheet, dense
published = {"naive float32": 12_525, "TF32": 27_648, "fused AdamW": 28_399, "bf16": 45_486,
             "torch's norms, GELU": 55_256, "fused attention": 91_901, "compiled": 112_046,
             "padded vocabulary": 127_345, "larger batch": 142_156}


def tokens_per_second(config, dtype, kind, update, compiled=False):
    """At best, on an A100: products and the operations between them, and the update of all parameters."""
    computing, carrying = at_best(count_step(config, dtype=dtype)[0], peak=A100_PEAKS[kind])
    return 1e3 * B * T / (computing + (0 if compiled else carrying) + update_ms[update])


paper = {"naive float32": tokens_per_second(gpt2, "float32", "float32", "written out"),
         "TF32": tokens_per_second(gpt2, "float32", "TF32", "written out"),
         "bf16": tokens_per_second(gpt2, "bfloat16", "bf16", "written out"),
         "fused attention": tokens_per_second(fused, "bfloat16", "bf16", "fused"),
         "compiled": tokens_per_second(fused, "bfloat16", "bf16", "fused", compiled=True)}
print(f"{'tokens a second, A100':>22} {'at best':>9} {'published':>10}  share")
for name, best in paper.items():
    print(f"{name:>22} {best:9,.0f} {published[name]:10,} {published[name] / best:6.0%}")

# %% mystnb={"image": {"alt": "Nine bars from 12.5 thousand to 142 thousand tokens a second; TF32 brings 2.2 times, bf16 and fused attention 1.6 times each."}}
figure = plots.speed_ladder(
    published, title="A published ladder: GPT-2 124M on one A100",
    caption="Measured by S. Raschka, not by this course. Grey: what was there before. Blue: what the "
            "change brought. His fifth rung replaces norms and GELU written by hand; ours start with "
            "torch's.",
    alt="Nine bars from 12.5 thousand to 142 thousand tokens a second; TF32 brings 2.2 times, bf16 and "
        "fused attention 1.6 times each.")
plt.show()
print(figure.summary)

# %% [markdown]
# Read the two together:
#
# - **Nobody passes the roof.** Slow cores are easily kept busy, fast ones are not: a step is hundreds of kernels, and each starts, waits and ends.
# - The biggest gains come where the paper says that the time is: products on the right cores, then the trips to memory.
# - The paper is blind to tiles: the padded vocabulary costs nothing on it and brings 14 %.
# - The last rung needs all others. A batch of 8 in float32 with explicit attention fills a card; after the other rungs there is room.
#
# Now yours. With a GPU these are the shapes of GPT-2; without one a very small model climbs, and the picture is another: a processor has no TF32, its bf16 has another kernel
# for attention, and its bend of the roofline lies elsewhere. **A ladder belongs to a machine: measure your own.**

# %% tags=["nbval-ignore-output"]
if device.type == "cuda":
    shapes, changes, seconds = gpt2_124m(), {}, 4.0
else:
    shapes, seconds = gpt2_124m(512, context_length=64, n_layer=2, n_head=2, n_embd=64), 0.25
    changes = {"compile": False, "threads": 1, "device": "cpu"}
if not has_fast_bfloat16(device):                                  # old processors, and GPUs before Ampere (T4)
    changes["dtype"] = "float32"

for step in progress(list(climb(shapes, **changes)), name="climbing"):
    if device.type == "cpu":
        step = replace(step, model=replace(step.model, vocab_size=512))    # the toy keeps its 512 tokens
    found = measure_step(step, seconds=seconds)
    speed = found.get("tokens_per_second")
    print(f"measured here, {device.type}: {step.name:>18} "
          + (f"{speed:10,.0f} tokens a second" if speed else found["error"]))

# %% [markdown]
# And the course's own ladder on a large GPU:

# %%
record = course_root() / "runs" / "reference" / "gpu.jsonl"
if record.exists():
    lines = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    print(lines[0]["device"], "·", lines[0]["machine"])
    for line in read_ladder(lines):
        print(f"{line['name']:>18} {line['tokens_per_second']:10,.0f} tokens/s  × {line['times_the_first'] or math.nan:.2f}")
else:
    print("not measured yet: `sh tools/gpu_record.sh out` on a machine with a GPU measures it (about nine minutes)")

# %% [markdown]
# ### How good is good? The share of the machine
#
# Tokens a second cannot be compared between models or cards. **Model FLOPs utilisation** can: the operations that the *model* needs, divided by what the
# data sheet promises for that time (Chowdhery et al. 2022, PaLM).

# %%
from course_lib.training.cost import mfu
from course_lib.training.plan import published_runs

for rung, found in published.items():
    if rung in ("naive float32", "bf16", "larger batch"):
        print(f"{rung:>14}: {mfu(found, per_token, a100.peak):5.1%} of an A100")

# %%
for run in published_runs():
    share = run.flops / (run.devices * HARDWARE[run.hardware].peak * run.hours * 3600)
    print(f"{share:4.0%}  {run.name}, {run.devices:,} × {run.hardware}")

# %% [markdown]
# *Published* tokens, hours and devices (`published_runs` names the sources); the shares are computed by one formula for all. The run on 2,048 GPUs and
# those on eight reach about the same: 40 to 50 % is good.
#
# Two traps. The operations of *recomputation* do not count: they are not the model's (whoever counts them quotes "hardware FLOPs utilisation", a larger number). And
# half of attention's products are hidden by the causal mask; counting them, as is usual and as we do, flatters long windows.
#
# ## 14 · Kill it
#
# A run of days meets a power cut, a full disk, a colleague, the end of a lease. The question is only what is lost. First the wrong way: one file,
# written over itself, and the power fails in the middle of it.

# %%
import safetensors.torch

folder = Path(tempfile.mkdtemp())
weights_file = folder / "model.safetensors"
weights_file.write_bytes(safetensors.torch.save({"w": torch.ones(100_000)}))        # the last good checkpoint
new = safetensors.torch.save({"w": torch.zeros(100_000)})
weights_file.write_bytes(new[:len(new) // 2])                                       # the next one, half of it
try:
    safetensors.torch.load_file(weights_file)
except Exception as error:
    print(type(error).__name__, "- and the old one is gone as well")

# %% [markdown]
# So the order matters: write the new one *beside* the old one under a hidden name, force it to disk, rename it (which happens wholly or not at all), then let a
# pointer name it, and only then delete the old one. After each of these steps the folder loads.

# %%
from course_lib.training.run_folder import new_checkpoint

print(inspect.getsource(inspect.unwrap(new_checkpoint)))

# %% [markdown]
# Now we really do it: another process trains, and we kill it, hard, at a moment that nobody chose. (`SIGKILL`: it cannot be caught,
# nothing is tidied up.) Here is the run, with everything that makes it hard to repeat: dropout, shuffled data, two optimizers.

# %%
from course_lib.text.corpora import load_corpus
from course_lib.text.dataset import write_ids
from course_lib.text.tokenizer import BPETokenizer

story_split = load_corpus("storyworld", min_chars=300_000).split()
story_tokenizer = BPETokenizer.train(story_split.train[:200], vocab_size=512)
story_ids = write_ids(folder / "stories.bin", story_split.train, story_tokenizer)
story_held_out = write_ids(folder / "held_out.bin", story_split.held_out, story_tokenizer)


def begin(out, ids, **changes):
    """A new run of a very small GPT, a hundred steps, which saves every ten."""
    import torch

    from course_lib.model.config import tiny
    from course_lib.model.gpt import GPT
    from course_lib.text.dataset import TokenDataset
    from course_lib.training.config import TrainConfig
    from course_lib.training.trainer import Trainer

    torch.manual_seed(7)
    settings = dict(max_steps=100, batch_size=8, optimizer="muon", muon_lr=0.05, max_lr=1e-2, schedule="wsd",
                    save_every=10)
    config = TrainConfig(**settings | changes, dtype="float32", device="cpu", threads=1)
    model = GPT(tiny(512, context_length=64, n_layer=2, n_head=2, n_embd=32, dropout=0.1))
    return Trainer(model, TokenDataset(ids, batch_size=8, context_length=64), config, out=out)


straight = begin(folder / "straight", story_ids)
for _ in straight:
    pass
print(f"uninterrupted: {straight.step} steps")

# %%
program = inspect.getsource(begin) + """
import sys
for _ in begin(sys.argv[1], sys.argv[2]):
    pass
"""
out = folder / "killed"
process = subprocess.Popen([sys.executable, "-c", program, str(out), str(story_ids.path)])
metrics = out / "metrics.jsonl"
while process.poll() is None and (not metrics.exists() or metrics.read_bytes().count(b"\n") < 47):
    time.sleep(0.005)
assert process.poll() is None, "it ended by itself"
process.kill()
process.wait()
print("killed")

# %% tags=["nbval-ignore-output"]
print("steps in its diary  ", metrics.read_bytes().count(b"\n"))
print("in its folder       ", *sorted(path.name for path in out.iterdir()))
print("`latest` says       ", (out / "latest").read_text().strip())

# %% [markdown]
# > **Predict.** It goes on from the last checkpoint, a few steps back. At the end: will the weights be *about* those of the uninterrupted run, or *exactly* those?

# %%
resumed = Trainer.resume(out, TokenDataset(story_ids, batch_size=8, context_length=64))
for _ in resumed:
    pass
for p, q in zip(straight.model.parameters(), resumed.model.parameters(), strict=True):
    assert torch.equal(p, q)
diaries = [(run / "metrics.jsonl").read_text().splitlines() for run in (folder / "straight", out)]
losses = [[json.loads(line)["loss"] for line in diary] for diary in diaries]
assert losses[0] == losses[1]
n_weights = sum(p.numel() for p in straight.model.parameters())
print(f"resumed = uninterrupted: all {n_weights:,} weights and all {len(losses[0])} losses, bit for bit")

# %% [markdown]
# Exactly: because the checkpoint holds *everything* that decides what comes next. This is the list:

# %%
print(inspect.getsource(Trainer.state))

# %% [markdown]
# What if one saves only the weights, as so many scripts do? First, the run has lost its place in the data: it begins again with the first texts, which it
# has read already, and nothing in the curve says so. Second, the optimizer has lost its memory. We give back everything else, and look at that alone:

# %%
interrupted = begin(None, story_ids, optimizer="adamw")
for _ in range(60):
    interrupted.train_step()
state, weights = copy.deepcopy((interrupted.state(), interrupted.model.state_dict()))
print(f"read so far: {state['dataset']['position']} windows; without its place it would read them all again")


def go_on(**lost):
    """Losses of the last 40 steps, from the state at step 60 with something lost."""
    again = begin(None, story_ids, optimizer="adamw")
    again.model.load_state_dict(copy.deepcopy(weights))
    again.restore(copy.deepcopy(state) | lost)
    return np.array([record["loss"] for record in again])


fresh = begin(None, story_ids, optimizer="adamw").state()["optimizers"]
bump = go_on(optimizers=fresh) - go_on()                      # (40,) nats a token

# %% mystnb={"image": {"alt": "Extra loss, summed up by step after 60: it rises from zero at once and goes on rising, ever more slowly."}}
figure = plots.curves(
    range(61, 101), {"without the optimizer's state": np.cumsum(bump)}, xlabel="step (optimizer updates)",
    ylabel="extra loss, summed up (nats)", levels={"with everything": 0.0},
    title="Going on from step 60",
    caption="Loss minus that of the run with everything, added up. The first step is equal: same weights, same "
            "text. Then AdamW, which has forgotten how large gradients usually are, takes each one at its word.",
    alt="Extra loss, summed up by step after 60: it rises from zero at once and goes on rising, ever more slowly.")
plt.show()
expect(bump[:20].mean(), about=0.08, within=0.06, name="bump, mean of 20 steps (nats a token)")

# %% [markdown]
# ## 15 · Which modern parts are worth their time?
#
# Since GPT-2 nearly every part has been exchanged. Each of these papers shows a lower loss *at equal steps*. But some parts cost time, and others save it. The honest question is:
# **how low is the loss after the same time?** So each variant reads the same text in the same order, with a constant learning rate, so that one may stop it at any moment; and then we
# look at all of them twice: after the same number of steps, and after the same time.
#
# | | instead of | in one sentence |
# |---|---|---|
# | rotary positions (RoPE) | a learned table | queries and keys turn with their place, so that only distances count |
# | RMSNorm, no biases | LayerNorm | divide by the size, do not centre |
# | ReLU² | GELU | zero or the square |
# | SwiGLU | GELU | a product of two branches |
# | QK-norm | – | queries and keys of length one: no score runs away |
# | zero projections | small random ones | every block begins as the identity |
# | GQA | a key and value for each head | two heads share one: half the cache when it writes |
# | Muon | AdamW | section 8 |
#
# > **Predict.** Which two bring most for a very small model? Which should show *nothing* here? And the last three rows of the run: does a
# > better learning rate bring more than a better optimizer, or less?

# %%
from course_lib.model.config import GPTConfig

gpt2_parts = dict(norm="layernorm", position="learned", feedforward="gelu", bias=True, init="gpt2")
VARIANTS = {
    "GPT-2's parts": ({}, {}), "the same, other seed": ({}, {"seed": 1}),
    "the same, higher rate": ({}, {"max_lr": 1e-2}), "+ rotary": ({"position": "rotary"}, {}),
    "+ RMSNorm, no biases": ({"norm": "rmsnorm", "bias": False}, {}), "+ ReLU²": ({"feedforward": "relu2"}, {}),
    "+ QK-norm": ({"qk_norm": True}, {}), "+ zero projections": ({"init": "zero_projections"}, {}),
    "+ a higher rate": ({}, {"max_lr": 1e-2}), "+ Muon": ({}, {"optimizer": "muon", "muon_lr": 0.05}),
    "… with SwiGLU": ({"feedforward": "swiglu"}, {}), "… with GQA": ({"feedforward": "relu2", "n_kv_head": 2}, {}),
}


def trainer_of(parts, settings):
    """Two blocks of these parts, before the first step."""
    config = TrainConfig(**dict(max_steps=STEPS, batch_size=8, max_lr=2e-3, warmup_steps=8, schedule="wsd",
                                decay_fraction=1 / STEPS, threads=1, device=str(device), dtype="float32") | settings)
    torch.manual_seed(config.seed)
    model = GPT(GPTConfig(vocab_size=512, context_length=64, n_layer=2, n_head=4, n_embd=64, **parts))
    return Trainer(model, TokenDataset(story_ids, batch_size=8, context_length=64), config)


def smoothed(losses, half_life=6):
    """A running mean that forgets half in so many steps."""
    mean, found = losses[0], []
    for loss in losses:
        mean += (loss - mean) * (1 - 0.5 ** (1 / half_life))
        found.append(mean)
    return found


STEPS = 40                                                         # the same on every device
parts, settings, variants = dict(gpt2_parts), {}, {}
for name, (more_parts, more_settings) in VARIANTS.items():
    if name.startswith("the same"):
        variants[name] = (parts, settings | more_settings)             # this change is not kept
    else:
        parts, settings = parts | more_parts, settings | more_settings
        variants[name] = (parts, settings)

# %%
trainers = {name: trainer_of(*variant) for name, variant in variants.items()}
curves, step_seconds = {name: [] for name in variants}, {name: [] for name in variants}
for _ in progress(range(STEPS), name="ablation"):
    for name, trainer in trainers.items():                   # all in turn: a busy machine is unfair to nobody
        before = trainer.seconds
        curves[name].append(trainer.train_step()["loss"])
        step_seconds[name].append(trainer.seconds - before)
curves = {name: smoothed(losses) for name, losses in curves.items()}
final = {name: losses[-1] for name, losses in curves.items()}
base = final["GPT-2's parts"]
tuned = final["+ a higher rate"]
if STEPS == 40:                                              # measured with 40 steps, and promised for no other number
    expect(base - final["the same, other seed"], about=0, within=0.3, name="another seed brings (nats a token)")
    expect(base - final["+ zero projections"], about=0.8, within=0.35, name="all modern parts bring")
    expect(final["+ zero projections"] - tuned, about=0.85, within=0.35, name="a higher rate adds")
    expect(tuned - final["+ Muon"], about=0.1, within=0.25, name="Muon adds")

# %% tags=["nbval-ignore-output"]
each = {name: float(np.median(seconds)) for name, seconds in step_seconds.items()}
budget = STEPS * min(each.values())
print(f"measured here, {device.type}; loss in nats a token, smoothed")
print(f"{'':>22} {'ms a step':>9} {'equal steps':>12} {'equal time':>11}")
for name, losses in curves.items():
    in_time = losses[min(STEPS, int(budget / each[name])) - 1]
    print(f"{name:>22} {1e3 * each[name]:9.1f} {losses[-1]:12.2f} {in_time:11.2f}")

# %% [markdown]
# Read it with the second row in mind: **two runs that differ in nothing but the seed differ by that much.** What is smaller is no result.
#
# - **Rotary positions and zero projections** stand out. RMSNorm, ReLU² and QK-norm do not, and are not expected to: RMSNorm is there for speed (on a GPU, in one kernel), QK-norm to keep
#   high rates and large runs from breaking, GQA to make the cache smaller when the model writes (lesson 13).
# - **The largest gain is no part at all: it is the learning rate.** The modern parts *make use* of a rate that GPT-2's parts do not (third row). Whoever compares a new part at its best rate
#   with an old one at somebody else's has measured the rate.
# - **Muon** brings next to nothing here at equal steps, once AdamW has its own best rate, and loses it again at equal time: a step has 512 tokens, and its products cost as much for 512 as for half a million (section 8).
#   At GPT-2's size and batch it saves a third of the steps or more.
#
# - **All of this is said of 40 steps.** Set `STEPS = 400` above and run on: rotary positions still bring most, but ReLU² comes second then, and zero projections and the
#   higher rate, the winners of the short run, bring next to nothing. What makes a beginning fast need not make the end good.
#
# A part may be right for ten billion tokens and wrong in a second, and the other way round. That is why such tables are made again at every size.
#
# ## 16 · The full run
#
# The last rung is patience. The same cells now train the two presets of GPT-2's size: `gpt2_124m` as it was, and `modern_124m`, which has the parts that you have just
# tried, and Muon. The text is the source code of the installed packages, which is there without a network, hundreds of megabytes of it; or FineWeb (web pages, in GPT-2's tokens) if you have put its shards
# into your cache folder (`course_lib/text/fineweb.py` says from where).
#
# **With a GPU these cells run at full size. Without one the same cells run small: two blocks of 64, a little text, some seconds.**

# %% tags=["nbval-ignore-output"]
from course_lib.text.fineweb import find_shards, open_shard
from course_lib.text.prepare import prepare
from course_lib.training.config import RECIPES

tokenizer = None
if device.type == "cuda":
    shape, steps, chars, vocab_size = {}, 3000, 200_000_000, 16_384
    small = dict(batch_size=64, accumulation_steps=1, warmup_steps=150, eval_every=250, eval_batches=20)
else:
    shape = dict(context_length=64, n_layer=2, n_head=2, n_embd=64)
    steps, chars, vocab_size = 120, 400_000, 512
    small = dict(batch_size=8, accumulation_steps=1, warmup_steps=10, eval_every=40, eval_batches=10,
                 compile=False, threads=1, max_lr=5e-3, dtype="float32")

shards, val_shards = find_shards(), find_shards("val")
if device.type == "cuda" and shards and val_shards:
    train_ids, held_out_ids, V = open_shard(shards[0]), open_shard(val_shards[0])[:2_000_000], 50_304
    print(f"FineWeb, {len(train_ids):,} tokens of {len(shards)} shards")
else:
    corpus = load_corpus("python_source", max_chars=chars)
    prepared = prepare(corpus, folder / "source", vocab_size=vocab_size)
    tokenizer, train_ids, held_out_ids = prepared.tokenizer, prepared.train, prepared.held_out
    V = tokenizer.vocab_size
    print(f"python_source: {train_ids.n_bytes:,} bytes in {train_ids.n_ids:,} tokens, V = {V:,}")

# %% tags=["nbval-ignore-output"]
full = {}
for name in ("gpt2_124m", "modern_124m"):
    preset = PRESETS[name]
    config = preset(V, **shape)
    recipe = replace(RECIPES[name](), max_steps=steps, save_every=None, **small)
    if name == "modern_124m" and device.type == "cpu":
        recipe = replace(recipe, muon_lr=0.05, max_lr=1e-2)            # small models like higher rates
    torch.manual_seed(14)
    dataset = TokenDataset(train_ids, batch_size=recipe.batch_size, context_length=config.context_length)
    trainer = Trainer(GPT(config), dataset, recipe, held_out=held_out_ids, tokenizer=tokenizer)
    full[name] = list(progress(trainer, total=steps, name=name))
for name, records in full.items():
    end = records[-1]
    print(f"measured here, {device.type}: {name:>11} held out {end['held_out_loss']:.3f} nats a token "
          f"after {end['tokens']:,} tokens, {end['tokens'] / end['seconds']:,.0f} tokens/s")

# %%
gap = full["gpt2_124m"][-1]["held_out_loss"] - full["modern_124m"][-1]["held_out_loss"]
if device.type == "cpu":
    expect(gap, about=0.9, within=0.7, name="modern_124m is better by (nats a token)")
else:
    print(f"modern_124m is better by {gap:.2f} nats a token (at full size nothing is promised yet)")

# %% [markdown]
# ### A long run, replayed
#
# Seconds are not enough to see a run *live*. So here is one that was recorded, from the first step to the last:

# %%
reference = course_root() / "runs" / "reference" / "small_cpu"
about = json.loads((reference / "machine.json").read_text(encoding="utf-8"))
settings = json.loads((reference / "config.json").read_text(encoding="utf-8"))["training"]
shown = ("max_steps", "batch_size", "optimizer", "dtype")
about["settings"] = " · ".join(f"{name} {settings[name]}" for name in shown)
for name, value in about.items():
    print(f"{name:>9}: {value}")

# %% [markdown]
# > **Try it.** Move the slider: loss, learning rate and gradient norm of each step stand in the line below the picture, and what the model wrote at that time below
# > that. When are words spelled right? When do sentences run on sensibly? When does a story remember who holds what? And what happens to the loss when the learning rate
# > falls?

# %%
replayed = Dashboard.replay(
    reference, caption="The recorded run. Thin line: every batch; thick: smoothed; dots: held-out stories.",
    alt="Training loss falls steeply at first, then ever more slowly; held-out dots lie on the curve.")
replayed

# %%
records = [r for r in replayed.records if r["lr"] > 0]       # the last rate is zero, which has no logarithm
figure = plots.curves(
    [r["step"] for r in records], {"gradient norm": smoothed([r["grad_norm"] for r in records]),
                                   "learning rate × 1000": [1e3 * r["lr"] for r in records]},
    xlabel="step (optimizer updates)", ylabel="gradient norm; learning rate × 1000", log="y",
    title="What one watches in a long run",
    caption="A gradient norm that grows and stays high is the first sign of trouble, long before the "
            "loss shows any.",
    alt="Two curves by step: the gradient norm falls at first and levels off; the learning rate goes up "
        "shortly and then down.")
plt.show()
measured = [r for r in replayed.records if "bits_per_byte" in r]
print("held out:", ", ".join(f"{r['bits_per_byte']:.2f} bits per byte at step {r['step']:,}"
                             for r in (measured[0], measured[-1])))

# %% [markdown]
# Is that good? The bar of lesson 02, counted on the same text, and the entropy of the source, which nothing can beat:

# %%
scores = json.loads((reference / "scores.json").read_text(encoding="utf-8"))
print(scoreboard.table(scores, entropy=scores["entropy of the source"]))

# %%
n = len(replayed.samples)
for step, text in [replayed.samples[i] for i in sorted({0, n // 3, n - 1})]:
    print(f"step {step:,}: {text[:300]}\n")

# %% [markdown]
# The same record for the two presets of GPT-2's size on a GPU does not exist yet: the course has not had a GPU to itself. What is known from others: `gpt2_124m` on 10 billion tokens
# ends near 3.28 nats a token on FineWeb's held-out text, after 90 minutes on eight A100 or 45 on eight H100 (*published*: llm.c, discussion 481; modded-nanogpt, record of
# 2024-10-13); with rotary positions, tuned rates and Muon the same loss took about a third of the tokens, with the
# other modern parts about a quarter (modded-nanogpt, records of October 2024).
#
# What will yours take? `course plan modern_124m` does the arithmetic of this lesson for your card.
#
# ## 17 · What to remember
#
# - A step costs $6N + 12LTC$ operations a token. Memory is 16 bytes a parameter, and the activations, which are more.
# - An operation is limited by computing or by memory. Products compute; everything else carries. Ask first which of the two you have.
# - One lever at a time, a prediction before each, the clock stopped only when the work is done.
# - bf16 in products, float32 in weights, sums and optimizer. float16 needs loss scaling.
# - Divide when you accumulate. AdamW will not tell you that you forgot.
# - A checkpoint is everything that decides the next step, and is renamed into place. Resumed = uninterrupted is a test that one can run, so run it.
# - A gain smaller than the difference between two seeds is none. Compare at equal time.
#
# **Further reading.** Williams, Waterman, Patterson 2009, *Roofline* (Communications of the ACM 52:4); Micikevicius et al. 2018, *Mixed Precision Training*, arXiv 1710.03740;
# Dao et al. 2022, *FlashAttention*, arXiv 2205.14135; Chen et al. 2016, *Training Deep Nets with Sublinear Memory Cost*, arXiv 1604.06174; Korthikanti et al. 2022, *Reducing Activation
# Recomputation in Large Transformer Models*, arXiv 2205.05198; Chowdhery et al. 2022, *PaLM*, arXiv 2204.02311; Jordan et al. 2024, *Muon*; and the repositories nanoGPT, llm.c and
# modded-nanogpt, whose records read like a novel of this lesson.
#
# **Now you:** [exercises 14](../exercises/14_gpt_on_gpu/14_gpt_on_gpu.ipynb). Next: lesson 15 adds more GPUs.

# %% tags=["nbval-ignore-output"]
end = full["modern_124m"][-1]
if tokenizer is not None:
    record_result(lesson="14", model="modern_124m" if device.type == "cuda" else "modern_124m, made small",
                  corpus="python_source", parameters=sum(p.numel() for p in trainer.model.parameters()),
                  tokens=end["tokens"], seconds=end["seconds"], bits_per_byte=end["bits_per_byte"])
