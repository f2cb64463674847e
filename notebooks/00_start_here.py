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
# # 00 · Start here: what happens between a text and a model that writes?
#
# **About 10 minutes**, half a minute of computing. **You need** to have seen some Python. Nothing else yet.
#
# **You will read** nothing of the package today, only use it: `course_lib/text`, `course_lib/model`, `course_lib/training`,
# `course_lib/generation`. The later lessons build each of them from nothing.
#
# **Afterwards you can** name the six steps from a text to a model that writes it, and you have done each of them once.
#
# Run a cell with **Shift + Enter**; *Run → Run All Cells* runs everything. A cell may be changed and run again as often as you
# like: nothing here can break.

# %% tags=["setup"]
import math
import tempfile

import matplotlib.pyplot as plt
import torch

from course_lib.lab import plots, scoreboard
from course_lib.lab.expect import expect
from course_lib.lab.progress import progress
from course_lib.lab.results import record_result
from course_lib.lab.standing_table import StandingTable
from course_lib.lab.widgets import LiveMap

_ = torch.manual_seed(0)

# %% [markdown]
# First, does this machine have what the course needs? Every line that is not `ok` says what to do about it.

# %% tags=["nbval-ignore-output"]
from course_lib.doctor import doctor, report

print(report(doctor()))

# %% [markdown]
# ## 1 · Text
#
# A language model learns from text, and from nothing else. Ours is a little world of stories, told by a program. It needs no
# download, and we know something about it that nobody knows of real text: exactly how surprising it is.

# %%
from course_lib.text.corpora import load_corpus

corpus = load_corpus("storyworld", min_chars=800_000)
split = corpus.split()
print(split.train[0])
print(f"\n{len(split.train):,} such stories to learn from, {len(split.held_out):,} kept aside to judge by")

# %% [markdown]
# ## 2 · Tokens
#
# A model computes with numbers. So the text is cut into *tokens*, frequent pieces, and each gets a number. Here are the
# tokens of the first sentence; the colour is the number (small numbers are letters, large ones are whole words).

# %% mystnb={"image": {"alt": "The first sentence of a story cut into about twenty tokens, each a coloured box; most are whole words."}}
from course_lib.text.tokenizer import BPETokenizer

tokenizer = BPETokenizer.train(split.train, vocab_size=1536)
sentence = split.train[0].split(".")[0] + "."
ids = tokenizer.encode(sentence)
pieces = [tokenizer.decode([i]) for i in ids]
figure = plots.token_strip(pieces, ids, unit="token id", title="One sentence in tokens",
                           caption="One sentence as the model reads it. A space belongs to the word that follows it (␣).",
                           alt="The first sentence of a story cut into about twenty tokens, each a coloured box; "
                               "most are whole words.")
plt.show()
print(f"{len(sentence)} characters became {len(ids)} tokens, each one of {tokenizer.vocab_size}")

# %% [markdown]
# How to find such pieces is lesson 01.
#
# ## 3 · The task
#
# Learning means guessing: given the tokens so far, which one comes **next**? Then look, be surprised, and change a little.
# The surprise is measured in bits: one bit is the surprise of a coin.
#
# > **Predict.** Which words of a story are easy to guess, and which are hard? We come back to this in step 6.
#
# ## 4 · A model that counts
#
# The simplest model just counts: after `the r`, how often did `i` come, and how often `o`? For half a century nothing did
# better than counting. It needs a second:

# %%
held_out = split.held_out[:50]
rows = scoreboard.ngram_bits(split.train, held_out)
entropy = scoreboard.source_bits(split.held_out_log_probs[:50], held_out)
print(scoreboard.table(rows | {"the story-teller itself": entropy}))

# %% [markdown]
# In **bits per byte**: how surprised each one is by a letter of a story it has never seen. *Unigram* knows only how frequent each
# letter is, the *6-gram* looks at five letters before it. The last line is the surprise of the program that told the stories:
# no model can be better.
#
# ## 5 · A model that learns
#
# A transformer (lessons 07 to 12) looks at *all* tokens so far and decides itself which of them matter. It has many numbers, all
# random at first, and each step turns each of them a little so that the next token is less surprising. Watch the loss fall.

# %%
from course_lib.model.config import tiny
from course_lib.model.gpt import GPT
from course_lib.text.dataset import TokenDataset, write_ids
from course_lib.training.config import TrainConfig
from course_lib.training.trainer import Trainer

train_ids = write_ids(tempfile.mkdtemp() + "/train.bin", split.train, tokenizer)
model = GPT(tiny(tokenizer.vocab_size, context_length=128))
settings = TrainConfig(max_steps=120, batch_size=8, optimizer="muon", muon_lr=0.05, max_lr=1.5e-2,
                       warmup_steps=5, schedule="wsd", decay_fraction=0.7, threads=1, device="cpu")
dataset = TokenDataset(train_ids, batch_size=8, context_length=128)
print(f"{sum(p.numel() for p in model.parameters()):,} numbers to learn, all random still")

# %% mystnb={"image": {"alt": "Training loss falls from seven to under two nats a token in 120 steps, steeply at first."}} tags=["nbval-ignore-output"]
trainer = Trainer(model, dataset, settings)
records = list(progress(trainer, total=settings.max_steps, name="training"))
figure = plots.training_curve(
    records,
    caption=r"The loss is the mean surprise of the next token. At the very first step it is $\ln 1536 = 7.3$: "
            "the model knows nothing.",
    alt="Training loss falls from seven to under two nats a token in 120 steps, steeply at first.")
plt.show()
print(figure.summary)

# %%
expect(records[0]["loss"], about=math.log(1536), within=0.1, name="loss of the first step (nats a token)")
rows["GPT, half a minute"] = scoreboard.model_bits(model, tokenizer, held_out)
expect(rows["GPT, half a minute"], about=0.59, within=0.08, name="held-out bits per byte of our GPT")

# %% mystnb={"image": {"alt": "Horizontal bars: unigram about 4.6 bits per byte, 6-gram about 0.95, GPT about 0.6, dashed line at the entropy, about 0.4."}} tags=["nbval-ignore-output"]
figure = plots.ladder(
    rows, floor=("story-teller", entropy),
    caption="Shorter is better. Half a minute of learning beats all counting; the way from there to the dashed line "
            "is what the rest of the course is about.",
    alt="Horizontal bars: unigram about 4.6 bits per byte, 6-gram about 0.95, GPT about 0.6, "
        "dashed line at the entropy, about 0.4.")
plt.show()
print(figure.summary)

# %% [markdown]
# ## 6 · It writes
#
# Ask for the next token, append it, ask again. That is all there is to writing.

# %% tags=["nbval-ignore-output"]
from course_lib.generation.generate import generate

prompt = torch.tensor([[tokenizer.end_of_text, *tokenizer.encode("One rainy morning,")]])
new = generate(model, prompt, max_new_tokens=90, temperature=0.6, stop_ids=[tokenizer.end_of_text],
               generator=torch.Generator().manual_seed(1))
print(tokenizer.decode([i for i in new[0].tolist() if i != tokenizer.end_of_text]))

# %% [markdown]
# Grammar is there already; sense is not, for it mixes up who is where. And this is what it expects after a few words of its own
# world, all possible next tokens at once:

# %% mystnb={"image": {"alt": "Bars of the most probable next tokens after 'Where is the': nouns such as pencil, drum and whistle."}} tags=["nbval-ignore-output"]
question = split.held_out[0].split("?")[0].rsplit(" ", 1)[0] if "?" in split.held_out[0] else "One rainy"
idx = torch.tensor([[tokenizer.end_of_text, *tokenizer.encode(question)]])[:, -128:]
with torch.no_grad():
    probs = model(idx)[0, -1].softmax(dim=-1)
figure = plots.next_token_bars([tokenizer.decode([i]) for i in range(tokenizer.vocab_size)], probs.numpy(),
                               title=f"… {question[-30:]} ▢",
                               caption="What may come next, and how probable the model thinks it is. "
                                       "Which of them to take is lesson 13.",
                               alt="Bars of the most probable next tokens after 'Where is the': "
                                   "nouns such as pencil, drum and whistle.")
plt.show()
print(figure.summary)

# %% [markdown]
# ## The map
#
# Text → tokens → batches → a model → a loss → training → writing. Each of these steps becomes a lesson, and what a model needs
# afterwards becomes the second half of the course. Links are lessons that are here; those you have finished carry a ✓.

# %% tags=["nbval-ignore-output"]
LiveMap()

# %% [markdown]
# ## Where you stand
#
# Every lesson has exercises, and every exercise checks itself: it says *correct*, names your mistake, or shows what differs. In a
# terminal, `course start 12` lays the exercises of lesson 12 into the folder `work`, which is yours: no update touches it. What
# you tried is kept there, too, and leaves this machine only if you hand it in. Come back and run this cell to see how far
# you are; `course progress` prints the same.

# %% tags=["nbval-ignore-output"]
StandingTable()

# %% [markdown]
# ## What to remember
#
# - A language model guesses the next token, and learning is being less surprised.
# - *Bits per byte* on text it has not seen tells how good it is, next to a model that only counts and, here, to the source itself.
# - Six steps: text, tokens, task, model, training, writing.
#
# **Now you:** change `vocab_size`, `n_layer` or `max_steps` above and run all cells again. What makes it better, and what only
# slower? A full minute on two cores: `make gpt` in a terminal.
#
# **Further reading.** Shannon 1951, *Prediction and Entropy of Printed English*, Bell System Technical Journal 30: the game of
# guessing the next letter, played with people.

# %% tags=["nbval-ignore-output"]
record_result(lesson="00", model="GPT tiny, a quarter of a minute", corpus="storyworld",
              parameters=sum(p.numel() for p in model.parameters()), tokens=trainer.tokens,
              seconds=trainer.seconds, bits_per_byte=rows["GPT, half a minute"])
