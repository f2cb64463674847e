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
# # 12 · GPT: how do these parts become a model that writes?
#
# **About 45 minutes** to read and run (one minute of computing), an hour for the [exercises](../exercises/12_gpt/12_gpt.ipynb).
#
# **You need** Python, a little linear algebra, and the idea of attention (lesson 07): each token asks a *query*,
# every earlier token offers a *key* and a *value*, and what is read is a weighted mean of values.
#
# **You will read** `course_lib/model/gpt.py`, `block.py`, `attention.py` and `course_lib/training/trainer.py`.
#
# **Afterwards you can** say what a GPT computes, line by line; tell a healthy run from a broken one; train one; and judge
# it against something better than hope: a model that only counts, and the entropy of the text itself.

# %% tags=["setup"]
import inspect
import math
from unittest.mock import patch

import matplotlib.pyplot as plt
import torch
from torch.nn import functional as F

from course_lib.lab import plots, scoreboard
from course_lib.lab.expect import expect
from course_lib.lab.results import record_result
from course_lib.lab.widgets import Dashboard
from course_lib.training.device import pick_device

torch.set_printoptions(precision=3, sci_mode=False)
_ = torch.manual_seed(12)
device = pick_device()                                             # the GPU, if there is one

# %% [markdown]
# ## 1 · The task: guess the next token
#
# Our text comes from the *story world*: little stories told by a grammar of our own. That has a great advantage over text
# from a library: we know **exactly** how surprising it is, because we know the probability of every choice that the
# story-teller made. No model can be less surprised than the story-teller itself.

# %%
from course_lib.text.corpora import load_corpus

corpus = load_corpus("storyworld", min_chars=1_200_000)
split = corpus.split()
print(f"{len(split.train):,} stories to learn from, {len(split.held_out):,} kept aside. One of those:\n")
print(split.held_out[0])

# %% [markdown]
# A model reads neither letters nor words but *tokens*: frequent pieces of text, found by byte-pair encoding (lesson 01).
# Each has a number, its id.

# %%
from course_lib.text.tokenizer import BPETokenizer

tokenizer = BPETokenizer.train(split.train, vocab_size=1536)
sentence = split.held_out[0].split(".")[0] + "."
ids = tokenizer.encode(sentence)
print("tokens", tokenizer.tokens(sentence))
print("ids   ", ids)
print(f"{len(sentence)} characters, {len(ids)} tokens")

# %% [markdown]
# **The whole trick of language modelling is one shift.** What the model reads is the text; what it is asked for is the
# same text, moved by one token. Every position is a question of its own, and nobody had to label anything.

# %%
idx, targets = ids[:-1], ids[1:]
for read, wanted in list(zip(idx, targets, strict=True))[:6]:
    print(f"reads {tokenizer.decode([read])!r:>12}   should say {tokenizer.decode([wanted])!r}")

# %% [markdown]
# The **loss** is how surprised the model is by the token that really comes, on average: $-\log p$, measured in *nats*.
#
# > **Predict.** A model that knows nothing gives each of its $V = 1536$ tokens the same chance. What is its loss?

# %%
V = tokenizer.vocab_size
logits = torch.zeros(1, len(idx), V)
loss = F.cross_entropy(logits.flatten(0, 1), torch.tensor(targets))
print(f"V = {V}, loss of knowing nothing = {loss:.3f} nats = ln {V}")

# %% [markdown]
# ## 2 · The parts, on four tokens
#
# We take a model small enough to print, and follow four tokens through it: $B = 1$ text, $T = 4$ positions, $C = 8$ numbers
# for each token, $H = 2$ heads.

# %%
from course_lib.model.config import GPTConfig
from course_lib.model.gpt import GPT

toy = GPTConfig(vocab_size=V, context_length=8, n_layer=2, n_head=2, n_embd=8, init="gpt2")
model = GPT(toy).requires_grad_(False)
idx = torch.tensor([ids[:4]])                                 # (B, T)
B, T = idx.shape

# %% [markdown]
# **A token becomes a row of a table.** Its $C$ numbers are learned; the table is the model's dictionary. What flows through
# the model from here on is called the *residual stream* `x`: one row for each position.

# %%
x = model.token_embedding.weight[idx]                         # (B, T, C)
print(x.shape)

# %% [markdown]
# **Then tokens exchange.** In every block each token reads from itself and from those *before* it. The mask says who may
# look at whom: row = the token that reads, column = the token that is read.

# %% mystnb={"image": {"alt": "A four by four grid: ones on and below the diagonal, zeros above."}}
from course_lib.model.attention import attention, causal_mask, merge_heads, split_heads

words = [tokenizer.decode([i]) for i in ids[:4]]
figure = plots.labelled_grid(causal_mask(T), rows="T (who reads)", columns="S (who is read)", row_labels=words,
                             column_labels=words, decimals=0, title="The causal mask",
                             caption="The first token sees itself only; the last one sees all four. "
                                     "Nobody sees the token it is asked for.",
                             alt="A four by four grid: ones on and below the diagonal, zeros above.")
plt.show()
print(figure.summary)

# %% [markdown]
# **Then each token thinks alone:** a small network with one hidden layer of $F = 4C$ numbers. Both steps *add* to the
# stream, so a block can be skipped, and gradients always have a straight way down:
#
# $$x \leftarrow x + \mathrm{attention}(\mathrm{norm}(x)), \qquad x \leftarrow x + \mathrm{feedforward}(\mathrm{norm}(x))$$
#
# **At the end each position is compared with every row of the dictionary**: the dot products are the *logits*, one for each
# token that might come next.
#
# That is all of it. Here is the whole model, composed from the functions that lessons 07 to 09 derive:

# %%
from course_lib.model.feedforward import relu2
from course_lib.model.norm import rms_norm
from course_lib.model.position import rotary_tables, rotate


def logits_by_hand(p, idx, config):
    """A GPT without classes: parameters by name and ids (B, T) -> logits (B, T, V)."""
    T, H = idx.shape[1], config.n_head
    cos, sin = rotary_tables(config.head_dim, T)
    x = p["token_embedding.weight"][idx]                                                # (B, T, C)
    for layer in range(config.n_layer):
        w = {name.removeprefix(f"blocks.{layer}."): value for name, value in p.items()}
        h = rms_norm(x, w["attention_norm.weight"])                                     # (B, T, C)
        q, k, v = (split_heads(part, H) for part in (h @ w["attention.qkv.weight"].T).chunk(3, dim=-1))
        y, weights = attention(rotate(q, cos, sin), rotate(k, cos, sin), v, causal_mask(T))
        x = x + merge_heads(y) @ w["attention.proj.weight"].T                           # (B, T, C)
        h = rms_norm(x, w["feedforward_norm.weight"])                                   # (B, T, C)
        x = x + relu2(h @ w["feedforward.up.weight"].T) @ w["feedforward.proj.weight"].T
    return rms_norm(x, p["norm.weight"]) @ p["token_embedding.weight"].T                # (B, T, V)


logits = logits_by_hand(model.state_dict(), idx, toy)
print(logits.shape)

# %% [markdown]
# ## 3 · The real thing
#
# The package says the same in classes, so that each part can be exchanged by name. This is its block, as it stands in
# `course_lib/model/block.py`:

# %%
from course_lib.model.block import Block

print(inspect.getsource(Block.forward))

# %% [markdown]
# And this asserts that our fifteen lines and the package compute the same numbers. (The package itself is held equal to
# two independent implementations, GPT-2 and Llama as the `transformers` library has them, with copied weights:
# `tests/model/test_pretrained.py`.)

# %%
torch.testing.assert_close(logits_by_hand(model.state_dict(), idx, toy), model(idx))
print("by hand = course_lib")

# %% [markdown]
# > **Predict.** The model that we shall train, `tiny`, has $L = 2$ blocks and $C = 176$. Where do most of its parameters
# > sit: in the dictionary, in attention, or in the feed-forward?

# %%
from course_lib.model.config import tiny

config = tiny(V)
model = GPT(config)
counts = {"dictionary": model.token_embedding.weight.numel()}
for name, parameter in model.blocks.named_parameters():
    part = name.split(".")[1]
    counts[part] = counts.get(part, 0) + parameter.numel()
for part, n in counts.items():
    print(f"{part:>18} {n:>9,}")
print(f"{'all':>18} {sum(p.numel() for p in model.parameters()):>9,}")

# %% [markdown]
# Two thirds think, one third exchanges. (Rule to remember: a block has $4C^2$ parameters in attention and $8C^2$ in the
# feed-forward, $12\,C^2 L$ in all.)
#
# ## 4 · Three tests before any training
#
# A model that is wrong often still trains, only worse. These three take seconds and catch most mistakes.
#
# **Test 1: at birth it knows nothing.** Its loss must be $\ln V$. Higher means that it is confidently wrong from the start.

# %%
from course_lib.training.loss import next_token_loss

batch = torch.tensor([tokenizer.encode(story)[:65] for story in split.train[:4]])
idx, targets = batch[:, :-1], batch[:, 1:]                    # (B, T)
print(f"loss at birth {next_token_loss(model(idx), targets):.2f}, ln V = {math.log(V):.2f}")

# %% [markdown]
# **Test 2: it can learn four texts by heart.** One batch, again and again: the loss must go to nearly nothing. A model
# that cannot even do this has a bug, not too little data. This is also the whole training loop, with nothing left out:
# forward, loss, backward, update.

# %%
from course_lib.training.config import TrainConfig
from course_lib.training.muon import build_optimizers, set_lr


def overfit(model, steps):
    """Train on the one batch (idx, targets); return the loss of every step."""
    settings = TrainConfig(max_steps=steps, batch_size=len(idx), optimizer="muon", max_lr=3e-3,
                           weight_decay=0.0)
    optimizers, losses = build_optimizers(model, settings), []
    for optimizer in optimizers:
        set_lr(optimizer, settings.max_lr)
    for _ in range(steps):
        loss = next_token_loss(model(idx), targets)
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        losses.append(loss.item())
    return losses


losses = overfit(GPT(config), steps=60)
print(f"{targets.numel()} tokens, {len(losses)} steps")
expect(losses[-1], about=0.02, within=0.03, name="loss on the one batch (nats a token)")

# %% [markdown]
# **Test 3: it cannot see the future.** This is the mistake that looks like success. Take the mask away, so that every
# token may look at every other one, and train as before.
#
# > **Predict.** Will the loss be higher or lower than with the mask?

# %%
def no_mask(T, S=None, device=None):
    """Everybody may look at everybody: the wrong mask."""
    return torch.ones(T, S or T, dtype=torch.bool, device=device)


def cheat(steps):
    """Losses on fresh random ids, where nothing can be learned, of a model that sees the answer."""
    torch.manual_seed(0)
    cheater = GPT(tiny(16, context_length=32, n_layer=2, n_head=2, n_embd=32, attention="explicit"))
    optimizer = torch.optim.AdamW(cheater.parameters(), lr=1e-2)
    for _ in range(steps):
        ids = torch.randint(16, (16, 33))
        loss = next_token_loss(cheater(ids[:, :-1]), ids[:, 1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


honest = cheat(150)
with patch("course_lib.model.attention.causal_mask", no_mask):
    cheating = cheat(150)
expect(honest, about=math.log(16), within=0.1, name="random tokens, with the mask (ln 16 = 2.77)")
expect(cheating, about=0.2, within=0.4, name="random tokens, without the mask")

# %% [markdown]
# Nobody can predict random tokens: with the mask, the loss stays at $\ln 16$, as it must. Without it the model *copies the
# answer from the next position*, and its loss is wonderful. It would write nonsense: when it writes, there is no next
# position to copy from.
#
# **Remember: a loss below the entropy of the text is no triumph. It is a leak.** This is why we like a text whose
# entropy is known.
#
# ## 5 · Training
#
# A run needs four things: batches, a model, settings, and a loop. Our trainer is an *iterator*: it makes one update each time
# it is asked, and hands out a record. So a notebook can draw, stop and go on as it likes.

# %%
from course_lib.training.trainer import Trainer

print(inspect.getsource(Trainer.__iter__))
print(inspect.getsource(Trainer.gradients))

# %% [markdown]
# Before we train: what should it beat? A model that **only counts** which character follows which five others (lesson 02)
# is a strong opponent, and needs a few seconds.

# %%
held_out = split.held_out[:60]
rows = scoreboard.ngram_bits(split.train, held_out)
entropy = scoreboard.source_bits(split.held_out_log_probs[:60], held_out)
print(scoreboard.table(rows | {"entropy of the source": entropy}, entropy=entropy))

# %% [markdown]
# Now ours. The settings that matter: how many windows a step reads (`batch_size`), how long they are (`context_length`), how
# far a step goes (`lr`: up in a short warm-up, then down to nothing), and how many steps there are.

# %%
import tempfile

from course_lib.text.dataset import TokenDataset, write_ids

folder = tempfile.mkdtemp()
train_ids = write_ids(f"{folder}/train.bin", split.train, tokenizer)
held_out_ids = write_ids(f"{folder}/held_out.bin", split.held_out, tokenizer)

settings = TrainConfig(max_steps=160, batch_size=8, optimizer="muon", muon_lr=0.05, max_lr=1.5e-2,
                       warmup_steps=10, schedule="wsd", decay_fraction=0.6, eval_every=32,
                       eval_batches=8, threads=1, device=str(device))
config = tiny(V, context_length=192)
dataset = TokenDataset(train_ids, batch_size=settings.batch_size, context_length=config.context_length)
print(f"{train_ids.n_ids:,} tokens, {train_ids.n_bytes / train_ids.n_ids:.1f} bytes each, "
      f"{settings.max_steps} steps of {settings.batch_size * config.context_length:,} tokens")

# %% [markdown]
# While it trains, watch two things: the curve, and what the model writes. First it finds out which tokens are frequent, then
# how words are spelled, then how sentences run, and at last (if you let it) who is where. In Jupyter you can *pause*, look back
# with the slider, go on, or *stop*: the model stays as it is then.

# %% mystnb={"image": {"alt": "Training loss falls steeply from above six nats a token and flattens; held-out dots lie on the curve."}} tags=["nbval-ignore-output"]
from course_lib.generation.generate import generate


def write(model, start, n):
    """What the model goes on to write after `start`, always taking the most probable token."""
    prompt = torch.tensor([[tokenizer.end_of_text, *tokenizer.encode(start)]], device=device)
    new = generate(model, prompt, max_new_tokens=n, temperature=0.0, stop_ids=[tokenizer.end_of_text])
    return tokenizer.decode([i for i in new[0].tolist() if i != tokenizer.end_of_text])


torch.manual_seed(12)
model = GPT(config)
trainer = Trainer(model, dataset, settings, held_out=held_out_ids, tokenizer=tokenizer)
dashboard = Dashboard(
    total=settings.max_steps,
    caption="Thin line: the loss of every batch; thick line: the same, smoothed; dots: held-out text. They lie on each "
            "other: the model has read its text not quite once, so there is nothing yet that it could know by heart.",
    alt="Training loss falls steeply from above six nats a token and flattens; held-out dots lie on the curve.")
for record in dashboard.watch(trainer):
    if record["step"] in (1, 20, 50, 100, settings.max_steps):
        dashboard.sample(record["step"], write(model, "One", 40))
print(dashboard.summary)

# %% tags=["nbval-ignore-output"]
dashboard.show_samples(width=170)

# %% [markdown]
# ## 6 · Is it any good?
#
# Nats a token cannot be compared between tokenizers: whoever cuts the text into longer tokens has fewer and harder
# questions to answer. **Bits per byte** can: all the surprise of a text, divided by its length in bytes.

# %%
rows["GPT (this run)"] = scoreboard.model_bits(model, tokenizer, held_out)
gpt = rows["GPT (this run)"]
expect(gpt / rows["6-gram"], about=0.6, within=0.1, name="GPT / 6-gram, held-out bits per byte")
expect(gpt / entropy, about=1.47, within=0.2, name="GPT / entropy of the source")

# %% mystnb={"image": {"alt": "Horizontal bars of bits per byte: unigram longest, then 6-gram, then GPT; a dashed line marks the entropy."}} tags=["nbval-ignore-output"]
figure = plots.ladder(
    rows, floor=("entropy", entropy),
    caption="Bits per byte on the same held-out stories: shorter is better, and nobody gets past the dashed line, "
            "which is the story-teller's own surprise.",
    alt="Horizontal bars of bits per byte: unigram longest, then 6-gram, then GPT; a dashed line marks the entropy.")
plt.show()
print(figure.summary)

# %% [markdown]
# Both have seen the same stories once. What is left between the GPT and the line is mostly *memory*: who holds the drum, where
# the kite was left, said two hundred characters ago. A 6-gram cannot reach that far; attention can, and learning where to look
# is what takes longest. `make gpt` gives it a minute on two cores.
#
# ## 7 · Where is it still surprised?
#
# A mean hides what matters. Here is one held-out story, token by token.

# %% mystnb={"image": {"alt": "A story, token by token; most tokens are pale, the first pieces of names, objects and events are dark."}} tags=["nbval-ignore-output"]
from course_lib.training.evaluate import target_nats

story = tokenizer.encode(split.held_out[1])[:110]
path = torch.tensor([[tokenizer.end_of_text, *story]])
nats = target_nats(model, path[:, :-1].numpy(), path[:, 1:].numpy())[0]
pieces = [tokenizer.decode([i]) for i in story]
figure = plots.token_strip(
    pieces, nats / math.log(2), unit="bits", title="Surprise of each token",
    caption="Dark: surprising. Surprise sits where the story-teller really chose: names, objects, what happens next. "
            "The rest of each word and the grammar between are nearly free.",
    alt="A story, token by token; most tokens are pale, the first pieces of names, objects and events are dark.")
plt.show()
print(figure.summary)

# %% [markdown]
# And what does it look at? Every head of every block has weights that say which earlier token it read from. We call the
# same functions as the model does, and look.

# %% mystnb={"image": {"alt": "Attention maps of the heads of the last block: lower triangles, some heads dark on the diagonal, some on single earlier columns."}} tags=["nbval-ignore-output"]
from course_lib.model.attention import attention_weights


@torch.no_grad()
def weights_of(block_number, idx):
    """Attention weights (H, T, T) of one block for ids (1, T), computed by the model's own parts."""
    x = model.token_embedding(idx)
    rotation = model.position.rotation(torch.arange(idx.shape[1], device=device))
    for earlier in model.blocks[:block_number]:
        x = earlier(x, rotation=rotation)
    block = model.blocks[block_number]
    q, k, _ = block.attention.qkv_heads(block.attention_norm(x), rotation)
    return attention_weights(q, k, causal_mask(idx.shape[1], device=device))[0]


beginning = path[:, 1:15].to(device)
weights = weights_of(config.n_layer - 1, beginning)
pieces = [tokenizer.decode([i]) for i in beginning[0].tolist()]
figure = plots.attention_maps(
    weights, pieces, title="The last block",
    caption="Four heads, one row for each reading token. Nothing above the diagonal: the mask holds. "
            "(What such maps do and do not prove is a question of lesson 25.)",
    alt="Attention maps of the heads of the last block: lower triangles, some heads dark on the diagonal, "
        "some on single earlier columns.")
plt.show()
print(figure.summary)

# %% [markdown]
# ## 8 · What to remember
#
# - A GPT is a table, a few identical blocks that *add* to a stream, and the table again.
# - One shift turns any text into questions and answers. Labels that are not the next token, a missing mask or a missing head
#   make something that trains and is no language model: one of the articles that this course grew from has all three
#   (article 004, section 5), and exercise 12.4 repairs its block.
# - $\ln V$ at birth, one batch by heart, no view of the future: three tests before every run.
# - A loss means something beside other losses on the same text: a counting model above, the entropy below.
#
# **Further reading.** Radford et al. 2018, *Improving Language Understanding by Generative Pre-Training*; Radford et al. 2019,
# *Language Models are Unsupervised Multitask Learners* (GPT-2); Brown et al. 2020, *Language Models are Few-Shot Learners*,
# arXiv 2005.14165; Vaswani et al. 2017, *Attention Is All You Need*, arXiv 1706.03762.
#
# **Now you:** [exercises 12](../exercises/12_gpt/12_gpt.ipynb). Next: lesson 13 asks which of a thousand possible tokens to take.

# %% tags=["nbval-ignore-output"]
record_result(lesson="12", model="GPT tiny, half a minute", corpus="storyworld",
              parameters=sum(p.numel() for p in model.parameters()), tokens=trainer.tokens,
              seconds=trainer.seconds, bits_per_byte=gpt)
