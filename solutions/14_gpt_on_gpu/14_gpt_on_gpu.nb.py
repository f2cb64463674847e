# %% [markdown]
# # Exercises 14 · GPT on a GPU
#
# Six functions and a question, about an hour and three quarters in all; none needs a GPU. Replace each `raise NotImplementedError` by your answer and
# run the cell below it. The check says *correct*, or names the mistake when it is one that many people make, or shows what
# your function returns beside what is expected. Leave the arguments as they came: work on copies.
#
# Stuck? In a cell of your own, `hint("14.1")` gives the first of three hints, and the next when asked again;
# `solution("14.1")` opens after three tries. Every exercise stands alone: later ones use `course_lib`, never your
# earlier answers.

# %% tags=["setup"]
import numpy as np
import torch
from torch.nn import functional as F

from course_lib.classroom import check, hint, solution
from course_lib.training.hardware import HARDWARE
from course_lib.training.optim import clip_gradients

# %% [markdown]
# ## 14.1 · What a token costs (●○○○○, 10 minutes)
#
# How many operations does a training step take for each token? A product of an $(m, k)$ and a $(k, n)$ matrix takes $2mkn$: as many additions as
# multiplications. Take one token in a window of $T$, in a GPT of GPT-2's shapes ($F = 4C$; all heads together are $C$ wide; no biases), and go
# through every product that it passes. In attention count all $T$ keys, those that the causal mask hides as well: that is the convention. Norms,
# softmax and the optimizer are left out. The way back costs twice as much as the way there.
#
# Before you start: to look a token up in its table is no product. And the head? (`flops_per_token` of `course_lib` is refused.)
#
# When it is correct, ask in a cell of your own how many hours `HARDWARE["H100"].peak` needs for ten billion tokens of GPT-2 ($V$ = 50257, $L$ = 12,
# $C$ = 768, $T$ = 1024) when 45 % of the peak is used.

# %%
def training_flops(vocab_size, n_layer, n_embd, T):
    """Floating-point operations for each token of one training step, forward and backward."""
    ### BEGIN SOLUTION
    C = n_embd
    attention_matrices, feedforward, keys_and_values = 4 * C * C, 2 * C * (4 * C), 2 * T * C
    multiplications = n_layer * (attention_matrices + feedforward + keys_and_values) + C * vocab_size
    return 3 * 2 * multiplications
    ### END SOLUTION

# %%
check("14.1", training_flops)

# %% [markdown]
# ## 14.2 · Does it fit? (●●○○○, 15 minutes)
#
# "Mixed precision lowers the consumption of memory", says a widely read article. Of which memory? In this course, as in most, weights, gradients and
# the two averages of AdamW stay in float32, four bytes a number; what the forward pass keeps for the backward pass, the *activations*, is in bfloat16, two
# bytes a number:
#
# | kept for each token | numbers | in |
# |---|---|---|
# | each block | $16 C$ | bfloat16 |
# | the last norm | $2 C$ | bfloat16 |
# | the loss: a log-probability for each word | $V$ | float32 |
#
# With `recompute=True` (*activation checkpointing*) a block keeps nothing but its input, $C$ numbers a token. When the backward pass reaches a block,
# the block is computed once more, and has its $16 C$ again, on top of all the inputs and of what the last norm and the loss keep; but only one block at a time.
#
# Which of the four parts will be the largest for GPT-2, 124 million weights, and 64 windows of 1024 tokens? Guess first.
# (`activation_bytes` of `course_lib` is refused.)

# %%
def training_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """Bytes -> {"weights": …, "gradients": …, "optimizer": …, "activations": …}; n_tokens = B T at once."""
    ### BEGIN SOLUTION
    bf16, fp32, C = 2, 4, n_embd
    blocks = (n_layer * C + 16 * C) if recompute else n_layer * 16 * C
    a_token = bf16 * (blocks + 2 * C) + fp32 * vocab_size
    return {"weights": fp32 * n_weights, "gradients": fp32 * n_weights, "optimizer": 2 * fp32 * n_weights,
            "activations": n_tokens * a_token}
    ### END SOLUTION

# %%
check("14.2", training_memory)

# %% [markdown]
# ## 14.3 · Read the meter (●●○○○, 15 minutes)
#
# Here is the beginning of a real run: a small GPT (4 layers, 128 channels, 8 windows of 64 tokens a step), trained on one CPU core with six times the
# learning rate of its recipe and no clipping. Each record is what the trainer writes into `metrics.jsonl` at the end of an update; `tokens` and `seconds`
# are totals so far. From such records come three figures that everyone who trains looks at:
#
# - **Tokens a second**: the update of the first record paid for warming up, so the clock starts when it is done, and runs to the last record.
# - **MFU**: the share of the machine's peak that the model's arithmetic comes to.
# - **The spike**: the `step` whose loss minus the *median of the five losses before it* is largest. (The first five have no five before
#   them, and are not asked.)
#
# When it is correct, read the run that the lesson replays, or one of your own: `metrics.jsonl` in its folder has one such record a line, and
# `json.loads` reads a line.

# %%
LOSS = """
7.368 7.079 6.903 6.723 6.395 6.037 5.806 5.561 5.442 5.435 5.674 5.624 5.541 5.447 8.112 5.455 5.504 5.376 5.454
5.515 5.360 5.365 5.421 5.547 5.240 5.356 5.301 5.129 5.528 5.395 5.192 5.195 5.446 5.195 5.263 5.140 5.173 5.103
5.046 5.046 5.067 5.126 5.096 5.067 5.321 5.224"""
GRAD_NORM = """
3.64 2.35 1.73 1.53 1.59 1.53 3.28 1.11 2.40 0.58 0.75 1.16 1.28 0.90 22.90 0.92 0.89 0.80 0.73 0.71 0.71 0.74 0.73
0.96 0.67 0.60 0.68 0.81 0.62 0.74 0.65 0.74 0.78 0.71 0.74 0.78 0.81 0.62 0.83 1.01 0.72 0.74 0.84 0.69 0.78 0.70"""
SECONDS = """
0.292 0.526 0.981 1.172 1.359 1.557 1.803 2.034 2.279 2.503 2.770 3.086 3.365 3.638 3.949 4.188 4.394 4.624 4.823
5.011 5.247 5.711 6.099 6.245 6.381 6.510 6.636 6.765 6.895 7.059 7.231 7.378 7.514 7.648 7.791 7.939 8.091 8.236
8.376 8.591 8.822 9.079 9.271 9.434 9.579 9.729"""
columns = (map(float, column.split()) for column in (LOSS, GRAD_NORM, SECONDS))
RECORDS = [{"step": step, "loss": loss, "grad_norm": grad_norm, "tokens": 512 * step, "seconds": seconds}
           for step, (loss, grad_norm, seconds) in enumerate(zip(*columns, strict=True), start=1)]
FLOPS_A_TOKEN, PEAK = 6_291_456, 55.4e9        # of this model; of one core, measured beside it
RECORDS[0]

# %%
def read_the_meter(records, flops_a_token, peak):
    """records: a list of dicts as above, in order, not always from step 1 on; peak in FLOP/s.

    -> {"tokens_per_second": float, "mfu": float, "spike": int}
    """
    ### BEGIN SOLUTION
    first, last = records[0], records[-1]
    speed = (last["tokens"] - first["tokens"]) / (last["seconds"] - first["seconds"])
    loss = np.array([record["loss"] for record in records])
    rise = [loss[i] - np.median(loss[i - 5 : i]) for i in range(5, len(loss))]
    spike = records[5 + int(np.argmax(rise))]["step"]
    return {"tokens_per_second": speed, "mfu": speed * flops_a_token / peak, "spike": spike}
    ### END SOLUTION

# %%
check("14.3", read_the_meter)

# %% [markdown]
# ## 14.4 · Find the bugs (●●●○○, 15 minutes)
#
# A batch that does not fit into memory is cut into micro-batches: backward after each of them, then *one* update, the same as the whole batch would have
# made, with never more than one micro-batch in memory. This loop tries to do so. It runs, the loss falls, and four things are wrong. One of them is in a widely read tutorial, too, which takes the mean of its
# batches' means: what if the batches are not equally full? A target of −1 is asked of nobody, and some micro-batches have many; one may ask nothing at all.
#
# Ask of every line: should it happen once, or once for each micro-batch? And of every mean: a mean over what?

# %%
def update_as_found(model, optimizer, micro_batches, max_norm):
    """One update from several micro-batches (idx, targets), both (B, T). Wrong in four ways."""
    for idx, targets in micro_batches:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(idx).flatten(0, 1), targets.flatten(), ignore_index=-1)
        loss.backward()
        clip_gradients(model.parameters(), max_norm)
    optimizer.step()
    return loss.item()


# %%
def update_repaired(model, optimizer, micro_batches, max_norm):
    """One update, as from one big batch. -> its loss: mean nats over all targets that are not -1.

    Gradients may be left over from before. `clip_gradients(parameters, max_norm)` scales them all to
    a norm of at most max_norm.
    """
    ### BEGIN SOLUTION
    n_targets = sum(int((targets != -1).sum()) for _, targets in micro_batches)
    optimizer.zero_grad()
    mean = 0.0
    for idx, targets in micro_batches:
        nats = F.cross_entropy(model(idx).flatten(0, 1), targets.flatten(), ignore_index=-1, reduction="sum")
        (nats / n_targets).backward()
        mean += nats.item() / n_targets
    clip_gradients(model.parameters(), max_norm)
    optimizer.step()
    return mean
    ### END SOLUTION

# %%
check("14.4", update_repaired)

# %% [markdown]
# ## 14.5 · Killed (●●●●○, 15 minutes)
#
# A machine that is rented by the hour may be taken away at any moment. Here is a run in small: descent with momentum and a learning rate that falls, on shuffled
# data, with dropout. Write what its checkpoint must hold, so that a run that is started again from it, by another process that has the data but
# knows nothing else, continues **exactly** as if nothing had happened, to the last bit. Whoever saves goes on training: the checkpoint must stay what it was.
#
# Go through `Run` line by line. What changes from step to step? And what does a step read that it does not compute anew?
#
# When it is correct: the course's own `TokenDataset` shuffles as well, and saves its position, but no order. What must be true of its shuffle, so that this is enough?

# %%
class Run:
    """A trainer in small: learns to predict the last column of `data` from the others."""

    def __init__(self, data, seed):
        self.data, self.rng = data, np.random.default_rng(seed)
        self.weights = np.zeros(data.shape[1] - 1)
        self.velocity = np.zeros(data.shape[1] - 1)
        self.gradient = np.zeros(data.shape[1] - 1)
        self.step, self.position, self.order = 0, 0, self.rng.permutation(len(data))

    def train_step(self):
        """One update from one row of the data."""
        if self.position == len(self.data):
            self.position, self.order = 0, self.rng.permutation(len(self.data))
        row = self.data[self.order[self.position]]
        x = row[:-1] * (self.rng.random(len(row) - 1) < 0.8)        # dropout
        self.gradient = (x @ self.weights - row[-1]) * x
        self.velocity *= 0.9
        self.velocity += self.gradient
        self.weights -= 0.2 / (5 + self.step) * self.velocity
        self.step, self.position = self.step + 1, self.position + 1


def restart(data, state):
    """What another process does: a new run, then every value that was saved takes its place."""
    run = Run(data, seed=12345)
    for name, value in state.items():
        if name not in vars(run):
            raise ValueError(f"a run has no {name!r}")
        if name == "rng":
            run.rng.bit_generator.state = value                     # a dict, as rng.bit_generator.state gives it
        else:
            setattr(run, name, np.array(value) if isinstance(value, (list, np.ndarray)) else value)
    return run


# %%
def checkpoint_of(run):
    """-> a dict: names of attributes of `run` and their values; under "rng" the state of its generator.

    The data set lies on the disk anyway: it does not belong in a checkpoint. Anything else that is in it does no harm.
    """
    ### BEGIN SOLUTION
    return {
        "weights": run.weights.copy(), "velocity": run.velocity.copy(), "order": run.order.copy(),
        "position": run.position, "step": run.step, "rng": run.rng.bit_generator.state,
    }
    ### END SOLUTION

# %%
check("14.5", checkpoint_of)

# %% [markdown]
# ## 14.6 · All directions alike (●●●●○, 20 minutes)
#
# Muon moves a matrix by its gradient with all singular values set to about one, and needs no singular value decomposition for it. First the matrix is divided by its
# Frobenius norm (the root of the sum of all squares), so no singular value is above 1. Then, in each of `n_rounds` rounds, every singular value $s$
# shall become
#
# $$p(s) = a\,s + b\,s^3 + c\,s^5 \qquad a = 3.4445,\quad b = -4.7750,\quad c = 2.0315,$$
#
# while the singular vectors stay. With $X = U \Sigma V^\top$: what is $X X^\top X$? And what would be $U \Sigma^5 V^\top$? Only products of matrices are needed
# (`numpy.linalg.svd` and `orthogonalize` of `course_lib` are refused).
#
# When it is correct, draw $p(p(p(p(p(s)))))$ for $s$ from 0 to 1 in a cell of your own. How small may a singular value be and still come near one?

# %%
a, b, c = 3.4445, -4.7750, 2.0315


# %%
def all_directions_alike(gradient, n_rounds):
    """gradient, a numpy array (m, n), not all zeros -> (m, n), the same singular vectors, singular values p(p(… s / norm))."""
    ### BEGIN SOLUTION
    X = gradient / np.linalg.norm(gradient)
    for _ in range(n_rounds):
        gram = X @ X.T
        X = a * X + (b * gram + c * gram @ gram) @ X
    return X
    ### END SOLUTION

# %%
check("14.6", all_directions_alike)

# %% [markdown]
# ## 14.7 · Ten per cent worse? (●●○○○, 10 minutes)
#
# A friend has exchanged three parts of his GPT at once: another optimizer, another norm, and a tokenizer with a vocabulary twice as large. After 2000 updates of
# each model, the loss of the new one is 10 % **higher** than the old one's, and he is about to throw it away. He has looked for a good learning
# rate for the old model last year, and uses it for both. An update of the new model takes a quarter less time. He has trained each of the two once.
#
# What can he conclude? Name what makes his comparison unfair, and say for each point in whose favour it works, if one can know. Then plan a better one, with
# as much computing as his two runs took ten times over. What would you measure, and when would you believe a difference?

# %% [markdown] tags=["answer"]
# He can conclude nothing about the parts.
#
# The losses are not comparable at all: nats a *token*, and the new tokens are longer, so each is harder to guess (against the new model) though the text may cost
# less. Bits per byte on the same held-out text compare. (A token of the larger vocabulary also stands for more text, so 2000 updates have read more
# of it: this works for the new one.)
#
# Equal updates are not equal time. The new model is a quarter faster, so in the same time it makes a third more updates: against the new one.
#
# The learning rate was sought for the old one, and another optimizer needs another (Muon's rates and AdamW's differ by more than ten times): against the new one.
#
# One run each: seeds differ among themselves, and nobody knows by how much. And three parts at once: one may help and another harm.
#
# Better: fix the time (or the money), not the updates; a schedule that ends at the end of that time for each. Compare bits per byte on held-out text. Use
# short runs to try three learning rates for each variant, at equal effort for old and new. Change one part at a time from the old model: old, +optimizer, +norm, +tokenizer.
# Repeat the old one with three seeds, and believe a difference only if it is clearly larger than their spread; then repeat the winner with other seeds, too.
