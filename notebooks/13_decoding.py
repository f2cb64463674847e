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
# # 13 · Decoding: which of a thousand possible words do we take?
#
# **About 70 minutes** to read and run (under a minute of computing), nearly two hours for the
# [exercises](../exercises/13_decoding/13_decoding.ipynb).
#
# **You need** softmax (lesson 04), attention and its mask (lesson 07), and what a GPT computes (lesson 12). Probabilities of two events in a row.
#
# **You will read** most of `course_lib/generation/`: `sampling.py`, `penalties.py`, `beam.py`, `constrained.py`, `generate.py`,
# `stopping.py`, `speculative.py`; and `course_lib/model/kv_cache.py`.
#
# **Afterwards you can** make one model write ten ways, and say what each way costs in truth and in variety; find the most probable text, and say why
# one rarely wants it; make a model write only what a pattern allows; write each token in a small part of the time, and prove
# that nothing but the time has changed.

# %% tags=["setup"]
import inspect
import itertools
import math
import re
from collections import Counter, defaultdict
from itertools import pairwise
from unittest.mock import patch

import matplotlib.pyplot as plt
import torch

from course_lib.lab import plots
from course_lib.lab.expect import expect
from course_lib.lab.progress import progress
from course_lib.lab.widgets import NextToken, explore

torch.set_printoptions(precision=3, sci_mode=False)


def code_of(function):
    """Its source, without what it says about itself."""
    return re.sub(r' *r?"""[\s\S]*?"""\n+', "", inspect.getsource(function), count=1)

# %% [markdown]
# ## 1 · A model does not write
#
# The course brings a small GPT along, trained for half an hour on stories of the story world (lesson 12). In a terminal, `course generate small`
# lets it write. Here we ask it how a story goes on:

# %%
from course_lib.training.pretrained import load_pretrained

model, tokenizer, *_ = load_pretrained("small")
END = tokenizer.end_of_text                                    # stands before each document, and after it
pieces = [tokenizer.decode([i]) for i in range(tokenizer.vocab_size)]


def as_ids(text):
    return [END, *tokenizer.encode(text)]


@torch.no_grad()
def logits_after(text):
    """(1, V): what the model thinks of each token, after this beginning."""
    return model(torch.tensor([as_ids(text)]))[:, -1]

# %% mystnb={"image": {"alt": "Bars of the six most probable next tokens after the beginning; the rest of the vocabulary shares one bar."}}
BEGINNING = "One sunny morning, Ella and Omar were at the"
probs = logits_after(BEGINNING).softmax(-1)[0]
figure = plots.next_token_bars(
    pieces, probs, top=6, title=f"{BEGINNING} ▢",
    caption="A model gives every token of its vocabulary a probability. That is all it gives.",
    alt="Bars of the six most probable next tokens after the beginning; the rest of the vocabulary shares one bar.")
plt.show()
print(f"{len(probs)} probabilities; {figure.summary}")

# %% [markdown]
# No text comes out of a model, only such a list. *Something has to choose*, append what was chosen, and ask again. That something is called
# **decoding**. It is not learned, it changes no weight; and it decides whether you get a dull text, a wild one, or a good one.
#
# The obvious choice: always the most probable token. A widely read tutorial knows no other. It is called **greedy** decoding:

# %%
@torch.no_grad()
def greedily(ids, n):
    for _ in range(n):
        ids = [*ids, model(torch.tensor([ids]))[0, -1].argmax().item()]
        if ids[-1] == END:
            break
    return ids


greedy_story = tokenizer.decode(greedily(as_ids("One"), 60)[1:])

# %% tags=["nbval-ignore-output"]
print(greedy_story)

# %% [markdown]
# Fluent, is it not? (Whether it is *true* is another question. Section 11 asks it.)
#
# > **Predict.** Ask it for three stories. How many different ones do you get? And: can it ever stop repeating itself, if it begins to?
#
# One, for nothing was left to chance. To see the second trouble in its purest form, take a model that looks at one word only, a bigram
# (lesson 02), and be greedy:

# %%
from course_lib.worlds.storyworld import stories

words_of = re.compile(r"\w+|[^\w\s]")
after = defaultdict(Counter)
for story in stories(seed=1, n=300):
    for w, following in pairwise(words_of.findall(story.text)):
        after[w][following] += 1

word, chain = "Ella", ["Ella"]
for _ in range(24):
    word = after[word].most_common(1)[0][0]
    chain.append(word)
print(" ".join(chain))

# %% [markdown]
# This is no accident; it **must** happen. What comes next depends on the last word alone, and always in the same way. There are only $V$ words, so
# after at most $V$ steps one of them comes back, and with it everything that followed it. A model that sees $n - 1$ tokens goes round in at
# most $V^{n-1}$ steps. For a GPT that is longer than anybody will wait. But a GPT has a reason of its own: it has learned that
# texts repeat themselves, it copies from its context (lesson 07), and so **what was said becomes more probable by having been said**. Greedy
# decoding always gives in.

# %% [markdown]
# ## 2 · Draw, but how boldly?
#
# The honest way: **draw** each token with the probability that the model gives it. Then texts come as often as the model believes in them. But a model
# is never quite right. Say that at each place it wastes a little probability, $\varepsilon$, on tokens that make no sense there.
#
# > **Predict.** $\varepsilon$ is two percent, a story has 200 tokens. What is the chance of a story without any nonsense?
#
# None of 200 draws may hit it: $(1 - \varepsilon)^{200}$.

# %%
for epsilon in (0.02, 0.002):
    print(f"ε = {epsilon:5.1%}: {(1 - epsilon)**200:.0%} of the stories")

# %% [markdown]
# A small mistake, made again and again, is a large one. So we would rather draw a little more cautiously than the model believes: probable
# tokens more often, improbable ones more rarely. Raise all probabilities to a power, and bring their sum back to one:
#
# $$p_i' = \frac{p_i^{1/t}}{\sum_j p_j^{1/t}} \qquad\Rightarrow\qquad \frac{p_i'}{p_j'} = \left(\frac{p_i}{p_j}\right)^{1/t}$$
#
# The **temperature** $t$ acts on *ratios*. A token twice as probable as another: at $t = 1/2$ it is $2^2 = 4$ times as probable, at $t = 2$ only
# $\sqrt 2$ times. The order never changes. Since $p_i \propto e^{\text{logit}_i}$, and $(e^z)^{1/t} = e^{z/t}$, the same in logits is a division:

# %%
toy = torch.tensor([[2.0, 1.0, 0.5, 0.0, -2.0]])                   # (B, V): one row of five logits
for t in (2.0, 1.0, 0.5, 0.1):
    p = toy.softmax(-1) ** (1 / t)
    p = p / p.sum()
    assert torch.allclose(p, (toy / t).softmax(-1))
    print(f"t = {t:3}: {p[0].numpy().round(3)}")

# %% [markdown]
# Towards $t = 0$ all falls on the best one: greedy decoding is the coldest temperature. Towards $t = \infty$ all tokens become equal.
#
# **The wrong way.** Someone has probabilities at hand, not logits, and puts *them* through the softmax: `softmax(p / t)`. It runs, it sums to one.

# %%
p = toy.softmax(-1)
print("p              ", p[0].numpy().round(3))
print("softmax(p / 1) ", p.softmax(-1)[0].numpy().round(3), "  t = 1 should change nothing")

# %% [markdown]
# Probabilities are never more than 1 apart, so after the second softmax no token can be more than $e^1 = 2.7$ times as probable as another. On a vocabulary
# of 1536 tokens that is noise. **At $t = 1$ nothing may change**: a test of one line.

# %% mystnb={"image": {"alt": "Three panels of bars for the same tokens: steep at temperature 0.5, as the model has it at 1, much flatter at 2, where the rest of the vocabulary has most."}}
logits = logits_after(BEGINNING)
heat = {f"t = {t}": (logits / t).softmax(-1)[0] for t in (1.0, 0.5, 2.0)}
figure = plots.next_token_bars(
    pieces, heat, top=6, title=f"{BEGINNING} ▢",
    caption="The same logits at three temperatures. The last bar is all other tokens together: heat feeds the tail.",
    alt="Three panels of bars for the same tokens: steep at temperature 0.5, as the model has it at 1, much flatter at 2, "
        "where the rest of the vocabulary has most.")
plt.show()
print(figure.summary)

# %% [markdown]
# ## 3 · Cut the tail off
#
# A lower temperature makes nonsense rarer, but never impossible; and it makes everything else rarer too, all that is surprising and right. Could we keep the
# model's own choice among the good tokens, and **forbid** the bad ones? In logits, forbidden is $-\infty$ (as in the mask of lesson 07):
#
# $$\text{logit}_i = -\infty \quad\Rightarrow\quad p_i = 0, \text{ and softmax shares its part out among the others}$$
#
# Which are the bad ones? Here are two places in a story. Look at both before you go on:

# %%
OPENING = BEGINNING + " beach. Ella had a red kite and Omar a blue ball."
places = {"sure": "One sunny morning, Ella and Omar were", "open": OPENING + " Then Ella"}
for name, text in places.items():
    ranked, order = logits_after(text).softmax(-1)[0].sort(descending=True)
    print(f"{name}: … {text[-24:]!r} ▢")
    best = zip(order[:6].tolist(), ranked[:6].tolist(), strict=True)
    print("   ", "  ".join(f"{pieces[i]!r} {p:.1%}" for i, p in best))
    print(f"    {int((ranked > 0.01).sum())} tokens above 1 %; the best ten have {ranked[:10].sum():.1%}")

# %% [markdown]
# **Top-k**: keep the $k$ most probable. It was the first answer, and its weakness is in front of you. Where only a handful of tokens
# make sense, ten are too many; where thirty do, ten are too few. The right number is different at every place.
#
# **Top-p**, or *nucleus*: keep the fewest tokens whose probabilities sum to at least $p$. Where the model is sure, these are few; where it is not,
# many. By hand: sort, add up, cut.

# %%
ranked = torch.tensor([0.45, 0.25, 0.15, 0.10, 0.05])               # sorted already
print("together:", ranked.cumsum(0).numpy().round(2))

# %% [markdown]
# > **Predict.** $p = 0.8$. Which tokens stay? And for $p = 0.4$?
#
# **The wrong way** is one that many have written: keep a token while the sum is at most $p$.

# %%
for p in (0.8, 0.4):
    keep = ranked.cumsum(0) <= p
    print(f"p = {p}: keeps {keep.int().tolist()}, together {ranked[keep].sum():.2f};",
          "probabilities", ranked.log().masked_fill(~keep, -torch.inf).softmax(0).numpy().round(2))

# %% [markdown]
# For $p = 0.8$ it keeps only 0.70: it has dropped the token that **crosses** the line, which must stay if the sum is to *reach* $p$. And where the model is
# sure, where the first token alone has more than $p$, nothing is left at all, and the softmax of nothing is `nan`. So the question to ask of a
# token is not how much there is up to and with it, but how much there was **before** it:

# %%
for p in (0.8, 0.4):
    before = ranked.cumsum(0) - ranked
    keep = before < p
    print(f"p = {p}: keeps {keep.int().tolist()}, together {ranked[keep].sum():.2f};",
          "probabilities", ranked.log().masked_fill(~keep, -torch.inf).softmax(0).numpy().round(2))

# %% [markdown]
# Two more answers to the same question.
#
# - **Min-p**: keep what is at least $p$ times as probable as the *best* token. In logits: $\text{logit}_i \ge \max_j \text{logit}_j + \ln p$. No sorting at
#   all. It holds at high temperatures, where the nucleus swells with tokens that have next to nothing each.
# - **Typical**: people rarely say the most predictable thing. What they say surprises, on average, by the entropy $H = -\sum_i p_i \ln p_i$. So keep
#   the tokens whose surprise is nearest to that, smallest $|{-\ln p_i} - H|$ first, until they have $p$ together. It is the only one that may drop the *best* token.

# %%
p = torch.tensor([0.4, 0.2, 0.2, 0.1, 0.1])
H = -(p * p.log()).sum()
print(f"entropy {H:.2f} nats")
print("surprise       ", (-p.log()).numpy().round(2))
print("far from typical", (-p.log() - H).abs().numpy().round(2))

# %% [markdown]
# > **Predict.** Typical sampling with $p = 0.3$: which tokens stay?
#
# The two with 0.2: the first token says *too little*. Now the real ones, from the course's package. Each maps logits (B, V) to logits (B, V).

# %%
from course_lib.generation.sampling import min_p, next_probs, sample_next, temperature, top_k, top_p, typical_p

for rule in (top_p, min_p, sample_next):
    print(code_of(rule))
assert typical_p(p.log()[None], 0.3).isfinite()[0].tolist() == [False, True, True, False, False]
assert top_p(ranked.log()[None], 0.8).isfinite()[0].tolist() == [True, True, True, False, False]
print("by hand = course_lib")

# %% [markdown]
# The independent judge is the `transformers` library, with logits drawn at random. (`tests/generation/` does it with many settings.)

# %%
shared = 3 * torch.randn(50, 40, generator=torch.Generator().manual_seed(0))
try:
    from transformers import generation as theirs
except ImportError:
    theirs = None                           # only this comparison needs it: pip install transformers

pairs = {temperature: ("TemperatureLogitsWarper", 0.7), top_k: ("TopKLogitsWarper", 7), top_p: ("TopPLogitsWarper", 0.9),
         min_p: ("MinPLogitsWarper", 0.1), typical_p: ("TypicalLogitsWarper", 0.6)}
for ours, (name, value) in pairs.items():
    if theirs:
        torch.testing.assert_close(ours(shared, value), getattr(theirs, name)(value)(None, shared))
    print(f"{ours.__name__:11} = {name}")

# %% [markdown]
# Side by side at the open place, and counted at both:

# %% mystnb={"image": {"alt": "Four panels of bars for the same six tokens: as it is, top-k 5, top-p 0.8, min-p 0.2. Each cut leaves fewer bars, which have grown."}}
rules = {"as it is": {}, "top-k 5": {"top_k": 5}, "top-p 0.8": {"top_p": 0.8}, "min-p 0.2": {"min_p": 0.2},
         "typical 0.8": {"typical_p": 0.8}}
logits = logits_after(places["open"])
figure = plots.next_token_bars(
    pieces, {name: next_probs(logits, **rules[name])[0] for name in list(rules)[:4]}, top=6,
    title=f"… {places['open'][-24:]} ▢",
    caption="What is cut gives its probability to what stays, in proportion. Top-k does not ask how sure the model is.",
    alt="Four panels of bars for the same six tokens: as it is, top-k 5, top-p 0.8, min-p 0.2. Each cut leaves fewer bars, "
        "which have grown.")
plt.show()
print(figure.summary)

# %%
print("tokens that stay".ljust(20), *(f"{name:>12}" for name in rules))
for name, text in places.items():
    stay = [int((next_probs(logits_after(text), **rule) > 0).sum()) for rule in rules.values()]
    print(name.ljust(20), *(f"{n:12}" for n in stay))

# %% [markdown]
# One trap is left. Why cut *logits*, if we mean probabilities? Because of **the order of things**. Cut after the softmax, and something is missing:

# %%
p = logits_after(places["open"]).softmax(-1)[0]
cut = p.where(p >= 0.2 * p.max(), 0.0)
right = next_probs(logits_after(places["open"]), min_p=0.2)[0]
for name, probs in {"after the softmax": cut, "before it": right}.items():
    print(f"cut {name:17}: sum {probs.sum():.2f}, best token {probs.max():.2f}")
draws = torch.multinomial(cut, 20_000, replacement=True, generator=torch.Generator().manual_seed(0))
print("torch draws from it all the same:", bool((p[draws] >= 0.2 * p.max()).all()))

# %% [markdown]
# `torch.multinomial` brings any weights to a sum of one, silently. So the texts are right, and nobody notices; until somebody *uses* these numbers as probabilities:
# adds their logarithms up along a text (section 6), or compares them with another model's (section 10). **After every cut, check the sum.**

# %% [markdown]
# ## 4 · Do not say it again
#
# Loops were the other trouble. A blunt answer: lower the logits of tokens that are in the text already. Three rules are in use, $c_i$ being how often
# token $i$ was said:
#
# $$\text{frequency: } \text{logit}_i - \alpha\,c_i \qquad \text{presence: } \text{logit}_i - \alpha\,[c_i > 0] \qquad
#   \text{repetition: } \text{logit}_i / \theta \ \text{ if } c_i > 0$$
#
# The last is the oldest, and the most used. Try it just as its paper prints it:
#
# > **Predict.** Three tokens have the logits $2, 1, -1$. The first and the last were said before; $\theta = 2$. Which becomes *more* probable?

# %%
three, said = torch.tensor([2.0, 1.0, -1.0]), torch.tensor([True, False, True])
print("before    ", three.softmax(0).numpy().round(3))
print("as printed", three.where(~said, three / 2).softmax(0).numpy().round(3))

# %% [markdown]
# The last one: half of $-1$ is $-0.5$, which is more. So everybody multiplies negative logits instead of dividing them. Better, but a wart remains. Softmax does
# not care where zero is: add 5 to all logits, and no probability changes. This rule *does* care:

# %%
from course_lib.generation.penalties import adjust_with, frequency_penalty, repetition_penalty

print(code_of(repetition_penalty))
idx = torch.tensor([[0, 2]])                                        # (B, T): what was said
for shift in (0.0, 5.0):
    logits = three[None] + shift
    print(f"all logits + {shift:.0f}:  no penalty {logits.softmax(-1)[0].numpy().round(3)}"
          f"   repetition {repetition_penalty(logits, idx, 2.0).softmax(-1)[0].numpy().round(3)}"
          f"   frequency {frequency_penalty(logits, idx, 1.0).softmax(-1)[0].numpy().round(3)}")

# %% [markdown]
# The same model, the same text, another outcome; only the penalty by subtraction does not mind. A fourth rule forbids outright: no $n$ tokens in a row that were there
# before, $\text{logit} = -\infty$.
#
# In a text they act at every step. `generate` takes a function that may adjust the logits, knowing all that was written so far; greedy once more, with a penalty:

# %%
from course_lib.generation.generate import generate

idx = torch.tensor([as_ids("One")])                                 # (B, T)
counts = idx != END                                                 # END before the text does not count: do not punish the end
penalised = generate(model, idx, max_new_tokens=60, temperature=0, adjust=adjust_with(counts, repetition_penalty=1.3))
penalised = tokenizer.decode(penalised[0, 1:].tolist())
words_in = {"greedy": words_of.findall(greedy_story), "penalised": words_of.findall(penalised)}

# %% tags=["nbval-ignore-output"]
print(penalised)
for name, found in words_in.items():
    print(f"{name}: {len(set(found))} different words of {len(found)}")

# %% [markdown]
# More different words, as ordered. But read it: do the children who were named at the beginning come again? Think what kind of text a story is:
#
# > *Ella lent the kite to Omar. … Then Omar returned the kite to* ▢
#
# > **Predict.** What will a repetition penalty make of the next word? Section 11 counts it.

# %%
LENT = OPENING + " Ella lent the kite to Omar for 20 minutes. Then Omar returned the kite to"
ids = torch.tensor([as_ids(LENT)])
logits = logits_after(LENT)
adjusted = {"as it is": logits, "repetition 1.3": repetition_penalty(logits, ids, 1.3),
            "repetition 2": repetition_penalty(logits, ids, 2.0), "frequency 1": frequency_penalty(logits, ids, 1.0)}
for name, changed in adjusted.items():
    ranked, order = changed.softmax(-1)[0].sort(descending=True)
    best = zip(order[:4].tolist(), ranked[:4].tolist(), strict=True)
    print(f"{name:16}", "  ".join(f"{pieces[i]!r} {p:.1%}" for i, p in best))

# %% [markdown]
# **A text that is about something must repeat itself.** Penalties are a bandage for loops, and like a bandage they hide what is below.
#
# ## 5 · Your turn to choose
#
# All of it in one place. Click a token of the text to look back; click a candidate to go on with it; or draw one.
#
# > **Try it.** (1) Write a sentence with greedy choices only, then back, and one at $t = 1.5$. (2) Put $t$ at 2 and find the `min_p` that still makes
# > English; then try the same with `top_k`. (3) Find a place where top-p 0.9 leaves a single token, and one where it leaves
# > more than thirty.

# %%
def how_it_goes_on(ids, temperature=1.0, top_k=0, top_p=1.0, min_p=0.0):
    """(V,) probabilities of the next token under the rules; 0 turns top-k and min-p off."""
    with torch.no_grad():
        logits = model(torch.tensor([ids]))[:, -1]
    rules = dict(temperature=temperature, top_k=top_k or None, top_p=top_p, min_p=min_p or None)
    return next_probs(logits, **rules)[0]


def shown(ids):
    return "".join("▷" if i == END else pieces[i] for i in ids)


NextToken(how_it_goes_on, shown, as_ids(OPENING + " Then Ella"), max_tokens=128,
          encode=lambda typed: as_ids(typed.removeprefix("▷")),
          temperature=(0.0, 2.0, 0.1), top_k=(0, 50), top_p=(0.05, 1.0, 0.05), min_p=(0.0, 0.5, 0.02))

# %% [markdown]
# ## 6 · The most probable text
#
# Greedy decoding takes the most probable *token* each time. Does that give the most probable *text*? A language with five tokens, so small that we can
# try everything. The dot ends a text, and each token depends on the one before:

# %%
words = [".", "old", "cat", "sat", "slept"]
step = torch.tensor([[0.00, 0.50, 0.40, 0.05, 0.05],                # at the beginning: "The …"
                     [0.05, 0.20, 0.40, 0.15, 0.20],                # after old
                     [0.04, 0.02, 0.02, 0.82, 0.10],                # after cat
                     [0.88, 0.03, 0.02, 0.03, 0.04],                # after sat
                     [0.90, 0.03, 0.02, 0.03, 0.02]])               # after slept


def probability(ids):
    """Of a whole text: the product along it, as in lesson 02."""
    return math.prod(step[a, b].item() for a, b in pairwise([0, *ids]))


def said(ids):
    return " ".join(["The", *(words[i] for i in ids)])


texts = [(*ids, 0) for n in range(6) for ids in itertools.product(range(1, 5), repeat=n)]
best = sorted(texts, key=probability, reverse=True)
print(f"{len(texts)} texts of at most six tokens, together {sum(map(probability, texts)):.4f}")
for ids in best[:4]:
    print(f"{probability(ids):.3f}  {said(ids)}")

# %% [markdown]
# > **Predict.** What does greedy decoding say?
#
# It starts with *old* (0.50 against 0.40), and can't take it back: *The old cat sat.*, second of the list, half as probable as the best. After *cat* almost everything is decided; after
# *old* much is open, and each choice costs. Greedy decoding cannot see that coming.
#
# All texts cannot be tried: with six tokens of our GPT's vocabulary there are $1536^6 \approx 10^{19}$. **Beam search** goes between: keep not one beginning but the best few, $n$ beams; let
# each grow by every token; of all that keep the best $n$ again. Probabilities multiply, so their logarithms add.

# %%
def beams_by_hand(n_beam, longest=6):
    beams, done = [([0], 0.0)], []
    for _ in range(longest):
        grown = [([*ids, w], total + math.log(p)) for ids, total in beams
                 for w, p in enumerate(step[ids[-1]].tolist()) if p > 0]
        grown.sort(key=lambda beam: -beam[1])
        done += [beam for beam in grown[:n_beam] if beam[0][-1] == 0]       # finished: only if among the best
        beams = [beam for beam in grown if beam[0][-1] != 0][:n_beam]       # the best of those that go on
    return max(done, key=lambda beam: beam[1])


for n_beam in (1, 2):
    ids, total = beams_by_hand(n_beam)
    print(f"{n_beam} beams: {said(ids[1:])}  log P = {total:.2f}, P = {math.exp(total):.3f}")

# %% [markdown]
# Two beams are enough here. The package's search keeps the whole tree of what it looked at. It asks a function for log-probabilities,
# so it does not care whether they come from a table or from a GPT.

# %%
from course_lib.generation.beam import beam_search, gnmt_norm, next_log_probs, power_norm


def toy_log_probs(idx):
    """idx (n, T) -> (n, V)."""
    return step[idx[:, -1]].log()


for n_beam in (1, 2, 30):
    found, _ = beam_search(toy_log_probs, [0], n_beam=n_beam, max_new_tokens=6, stop_ids=[0])
    assert n_beam == 30 or found[0].ids == beams_by_hand(n_beam)[0][1:]
assert [tuple(text.ids) for text in found[:4]] == best[:4]
print("by hand = course_lib; thirty beams find the best of all texts, in order")

# %%
def beam_tree(n_beam=2, longest=4):
    found, grown = beam_search(toy_log_probs, [0], n_beam=n_beam, max_new_tokens=longest, stop_ids=[0])
    figure = plots.tree(
        ["The", *(" " + words[i] for i in grown.ids)], [-1, *(parent + 1 for parent in grown.parents)],
        [0.0, *grown.log_probs], kept=[True, *grown.kept], best=found[0].node + 1, decimals=2,
        title=f"Beam search, n = {n_beam}",
        caption="Below each token: log P so far. Dashed: dropped at once, others were better. Thick: the best text found.",
        alt="A tree that grows to the right from The; most nodes are dashed, and a thick way leads to the best text.")
    return figure


explore(beam_tree, label="The tree of a beam search", n_beam=(1, 4), longest=(1, 6))

# %% [markdown]
# > **Try it.** Put `n_beam` to 1: the greedy way. From which number on does the answer stay the same?
#
# ### Why short texts win
#
# Every token multiplies the probability by something below one. So a text's log P can only fall as it grows, and **whoever ends
# first has the advantage**, whatever it says. In this language, every text goes on with probability 0.6 and ends with 0.4:

# %%
tale = [".", "once", "upon", "a", "time"]
onward = torch.tensor([[0.4, 0.6, 0.0, 0.0, 0.0], [0.4, 0.0, 0.6, 0.0, 0.0], [0.4, 0.0, 0.0, 0.6, 0.0],
                       [0.4, 0.0, 0.0, 0.0, 0.6], [1.0, 0.0, 0.0, 0.0, 0.0]])
for alpha in (0.0, 1.0):
    found, _ = beam_search(lambda idx: onward[idx[:, -1]].log(), [0], n_beam=5, max_new_tokens=6, stop_ids=[0], alpha=alpha)
    print(f"α = {alpha:.0f}: {' '.join(tale[i] for i in found[0].ids)!r:20} log P = {found[0].log_prob:.2f}, "
          f"{found[0].log_prob / len(found[0].ids):.2f} a token")

# %% [markdown]
# The most probable text is the **empty** one, though at each place it is more probable to go on than to end. The repair is to compare texts by
# $\log P / \text{length}^\alpha$. With $\alpha = 0$ that is nothing new, with $\alpha = 1$ it is the mean log-probability of a token; there are gentler norms as well. Now our GPT,
# about Ella, until a sentence ends:

# %%
full_stops = {i for i, piece in enumerate(pieces) if "." in piece}


def most_probable_sentence(text, n_beam, alpha=0.0):
    found, _ = beam_search(next_log_probs(model), as_ids(text), n_beam=n_beam, max_new_tokens=24,
                           stop_ids=full_stops, alpha=alpha)
    return found[0]


found = {n: most_probable_sentence(OPENING + " Then Ella", n) for n in (1, 2, 4, 8, 16)}

# %% tags=["nbval-ignore-output"]
for n, text in found.items():
    print(f"{n:2} beams: log P {text.log_prob:6.2f}, {len(text.ids):2} tokens: … Then Ella{tokenizer.decode(text.ids)}")

# %%
print("sixteen beams, more probable than one:", found[16].log_prob > found[1].log_prob)

# %% [markdown]
# (Mostly, more beams find something more probable. There is no guarantee: they may follow a promising beginning that pushes the best one out.) The search gets better at
# its task, and the task is not quite ours: *be probable* is half *be short*. In translation, where beam search is at home, wide beams lose words in this way.
#
# > **Predict.** The same beams, $\alpha = 1$ in place of 0. Can the winner be *shorter* than before?
#
# Never. If it were, its mean would be better over fewer tokens, so its sum would be better too; and it would have won before.

# %%
print(code_of(power_norm), code_of(gnmt_norm), sep="\n")
longer = most_probable_sentence(OPENING + " Then Ella", 16, alpha=1.0)
print("at least as long:", len(longer.ids) >= len(found[16].ids))

# %% tags=["nbval-ignore-output"]
print(f"… Then Ella{tokenizer.decode(longer.ids)}")

# %% [markdown]
# ### And do we want the most probable text?
#
# A coin falls on heads with probability 0.6. You throw it a hundred times.
#
# > **Predict.** Which sequence of a hundred is the most probable? How surprised would you be to see it?
#
# A hundred heads. It is more probable than any other sequence, and nobody will ever see it:

# %%
print(f"100 heads: P = {0.6**100:.0e}")
print(f"60 heads, one particular sequence: P = {0.6**60 * 0.4**40:.0e}, but there are {math.comb(100, 60):.0e} of them")

# %% [markdown]
# What one really sees has about the *entropy* of the source as its surprise, not less: it is **typical**. The most probable text is the least surprising one,
# so it is no example of what the model has learned. The stories show it. How surprising for the model, in bits a token, are twenty real
# stories, twenty that the model drew, and the greedy one?

# %%
@torch.no_grad()
def bits(ids):
    """The surprise of every token of a document (N,), in bits, but for the first."""
    idx = torch.tensor([ids])
    return -model(idx[:, :-1]).log_softmax(-1)[0].gather(-1, idx[0, 1:, None])[:, 0] / math.log(2)


real = [as_ids(story.text)[:150] for story in stories(seed=7, n=20)]
drawn = generate(model, idx.repeat(20, 1), max_new_tokens=150, generator=torch.Generator().manual_seed(5))[:, :150]
greedy = generate(model, idx, max_new_tokens=150, temperature=0)[0, :150]
surprise = {"real stories": torch.cat([bits(ids) for ids in real]),
            "drawn, t = 1": torch.cat([bits(ids) for ids in drawn.tolist()]), "greedy": bits(greedy.tolist())}

# %% tags=["nbval-ignore-output"]
for name, values in surprise.items():
    print(f"{name:13} mean {values.mean():.1f} bits; {(values > 4).float().mean():.0%} of the tokens above 4 bits")

# %%
print("greedy surprises least:", min(surprise, key=lambda name: surprise[name].mean()) == "greedy")

# %% [markdown]
# Real stories surprise all the time, as do the drawn ones; that is what they are told for. Greed and beams suit tasks with *one* right answer, as
# arithmetic or translation. Drawing suits stories and talk.
#
# ## 7 · Write only what is allowed
#
# A program shall read what the model writes: a number, a date, yes or no. Asking politely is not enough; one wrong token in a thousand texts breaks the
# program. But we hold the logits in our hands. **What may not come gets $-\infty$.**
#
# What may come depends on what was written so far. To know it, one need not remember the text, only *where in the pattern one is*: a **state**. An
# **automaton** says, for each state, which tokens may come, and to which state each leads. For instance: "a sentence with exactly one cat".

# %%
automaton = {"no cat": {"old": "no cat", "cat": "one cat", "sat": "no cat", "slept": "no cat"},
             "one cat": {"old": "one cat", "sat": "one cat", "slept": "one cat", ".": "the end"}}


def state_after(ids):
    state = "no cat"
    for i in ids:
        state = automaton[state][words[i]]
    return state


def masked(probs, state):
    """Probabilities (V,): forbidden tokens have none, the others keep their proportions."""
    forbidden = torch.tensor([word not in automaton[state] for word in words])
    return probs.log().masked_fill(forbidden, -torch.inf).softmax(0)


for ids in ([], [1], [2], [2, 3]):
    before, state = step[[0, *ids][-1]], state_after(ids)
    print(f"{said(ids):12} {state:8} was {before.numpy()}  is {masked(before, state).numpy().round(2)}")

# %% [markdown]
# The dot is impossible before the cat, the cat impossible after it. Every text that ends is allowed: no checking, no second try.
#
# > **Predict.** The model itself writes allowed texts, too, with some probability. If we throw away all texts that are not allowed and keep
# > the others, are those distributed just as what the mask writes?
#
# It sounds the same. Try all texts:

# %%
def by_mask(ids):
    """Probability of writing exactly this text under the mask."""
    return math.prod(masked(step[[0, *ids][n]], state_after(ids[:n]))[i].item() for n, i in enumerate(ids))


allowed = [ids for ids in texts if [words[i] for i in ids].count("cat") == 1]
kept = sum(map(probability, allowed))
print("of all texts, allowed:", f"{kept:.2f}")
odd = max(allowed, key=lambda ids: by_mask(ids) - probability(ids) / kept)
for ids in (*sorted(allowed, key=probability, reverse=True)[:3], odd):
    print(f"{said(ids):24} kept {probability(ids) / kept:.3f}   masked {by_mask(ids):.3f}")

# %% [markdown]
# Not the same. The mask looks only at the next token. It lets *The old slept …* go its way with all the probability that the model gives it, though after *slept* hardly
# anything but the dot makes sense, and then forces a cat in at any price. Throwing away is true to the model, but may need thousands of tries; masking always
# needs one. **Masked texts are all allowed, and not quite the model's.** Keep it in mind when you see a constrained model say strange things.
#
# Real patterns read *letters*, real models write *tokens* of several letters each. A token is allowed if its letters can be read from this state, **and if what is
# then left can still be written with tokens**. The package builds such automata from lists of texts or from patterns:

# %%
from course_lib.generation.automaton import from_texts
from course_lib.generation.constrained import TokenAutomaton, constrain, constrained
from course_lib.generation.pattern import from_pattern

print(code_of(constrain))
PATTERN = r"At (9|1[0-2]):[0-5][0-9], (Ella|Omar) [a-z ]+\."
clock = TokenAutomaton.from_tokenizer(from_pattern(PATTERN), tokenizer)
idx = torch.tensor([as_ids(OPENING)]).repeat(4, 1)                     # (B, T)
T = idx.shape[1]


def by_the_clock(logits, so_far):
    return constrain(logits, so_far[:, T:], clock, 24)              # the prompt is not part of the pattern


new = generate(model, idx, max_new_tokens=24, stop_ids=[END], adjust=by_the_clock,
               generator=torch.Generator().manual_seed(1))[:, T:]
written = [tokenizer.decode([i for i in row if i != END]) for row in new.tolist()]

# %% tags=["nbval-ignore-output"]
print("\n".join(written))

# %%
print(f"{sum(bool(re.fullmatch(PATTERN, text)) for text in written)} of {len(written)} match")

# %% [markdown]
# The 24 is a promise: the text is led to its end within so many tokens, because the automaton knows how far the end is from each state.
#
# With a list of answers, a model that only goes on with texts takes a **multiple-choice test**. The stories ask questions, and know the answers. Here are
# some that nobody has trained on, cut off after the question. As many beams as answers, so all of them are compared:

# %%
def questions(n):
    """(text up to the answer, the possible answers, the right one), from fresh stories."""
    found = []
    for story in stories(seed=13):
        cast = re.match(r"One \w+ morning, (.*?) were", story.text)[1].replace(" and ", ", ").split(", ")
        for recall in story.recalls:
            before = story.text[:recall.position]
            if before.endswith('?" "') and recall.key[0] == "where" and recall.text.endswith(" it"):
                options = ["I have it", "You have it", *(f"{name} has it" for name in cast)]
                found.append((before, options, recall.text))
                if len(found) == n:
                    return found


def answer(text, options):
    """The allowed answer that the model finds most probable."""
    tokens, prompt = TokenAutomaton.from_tokenizer(from_texts(options), tokenizer), as_ids(text)
    allowed_only = constrained(next_log_probs(model), tokens, len(prompt))
    found, tree = beam_search(allowed_only, prompt, n_beam=len(options), max_new_tokens=10, stop_ids=[END])
    best = max(found, key=lambda text: tree.log_probs[tree.parents[text.node]])       # the end itself does not count
    return tokenizer.decode(best.ids[:-1])


asked = questions(20)
print(f"… {asked[0][0][-60:]!r}\none of {asked[0][1]}, right is {asked[0][2]!r}")
answers = [answer(text, options) for text, options, _ in asked]

# %% tags=["nbval-ignore-output"]
chance = sum(1 / len(options) for _, options, _ in asked) / len(asked)
share = sum(given == right for given, (_, _, right) in zip(answers, asked, strict=True)) / len(asked)
print(f"{share:.0%} right of {len(asked)}; by chance {chance:.0%}")

# %% [markdown]
# A constraint makes the *form* right. Whether the *content* is right is for the model to know, and this one has learned to look.

# %% [markdown]
# ## 8 · Read nothing twice
#
# To write token number 200, `greedily` in section 1 gave the model all 199 tokens before. For token 201 it gave it 200. Most of this work has been done before.
#
# > **Predict.** A text of $T$ tokens, one more token comes. Which of the $T$ rows of the residual stream change: all, some, none?

# %%
ids = torch.tensor([as_ids(OPENING)])
with torch.no_grad():
    shorter, longer = model(ids[:, :-1]), model(ids)
torch.testing.assert_close(longer[:, :-1], shorter, rtol=1e-4, atol=1e-4)
print("with one token more, the logits of the old positions are the same")

# %% [markdown]
# None. The causal mask (lesson 07) sees to it: nobody looks at what comes later, so nobody notices that something came. Then what does the *new* token need of the old
# ones? It looks at them through attention, so: their **keys and values**, in every layer. Nothing else. Not their queries, for these were asked and answered; not
# their feed-forward. So keep the keys and values, and compute all else for one token only. By hand, for one head:

# %%
from course_lib.model.attention import attention, causal_mask

g = torch.Generator().manual_seed(0)
T, C, D = 6, 8, 4
x = torch.randn(T, C, generator=g)                                  # (T, C)
Wq, Wk, Wv = torch.randn(3, C, D, generator=g)                      # (C, D) each
at_once, _ = attention(x @ Wq, x @ Wk, x @ Wv, causal_mask(T))      # (T, D)

keys, values = torch.empty(0, D), torch.empty(0, D)                 # the cache
for t in range(T):
    keys = torch.cat([keys, x[t:t + 1] @ Wk])                       # (t + 1, D)
    values = torch.cat([values, x[t:t + 1] @ Wv])                   # (t + 1, D)
    out, _ = attention(x[t:t + 1] @ Wq, keys, values)               # (1, D): one query; all keys are of its past
    torch.testing.assert_close(out[0], at_once[t])
print(f"{T} tokens, one at a time = all at once")

# %% [markdown]
# The package's `KVCache` holds them for every layer, (L, B, H, S, D) each. Before you trust a cache, ask for **the same logits at every position**, in whatever
# pieces the text comes:

# %%
from course_lib.model.kv_cache import KVCache, cache_bytes

print(code_of(KVCache.append))
with torch.no_grad():
    full = model(ids)
    for sizes in ([1] * ids.shape[1], [10, 1, 1, ids.shape[1] - 12]):
        cache = KVCache(model.config, 1)
        read = torch.cat([model(part, cache=cache) for part in ids.split(sizes, dim=1)], dim=1)
        torch.testing.assert_close(read, full, rtol=1e-3, atol=1e-4)
print(f"cached = uncached at all {ids.shape[1]} positions")

# %% [markdown]
# **The wrong way.** The cache is full, the context at its end. Why not drop the oldest token's keys and values, and go on?
#
# > **Predict.** The model has relative positions (RoPE, lesson 08). Is a cache whose first entry was dropped the same as the cache of the text without its
# > first token?

# %%
with torch.no_grad():
    cache = KVCache(model.config, 1)
    model(ids[:, :-1], cache=cache)
    cache.keys, cache.values = cache.keys[:, :, :, 1:], cache.values[:, :, :, 1:]
    cache.length -= 1
    dropped, honest = model(ids[:, -1:], cache=cache)[0, -1], model(ids[:, 1:])[0, -1]
expect((dropped - honest).abs().max().item(), about=5, within=4.9, name="logits differ by (not zero)")

# %% [markdown]
# Not the same, even with relative positions: in the second layer, keys and values are made of what the first layer *read*, and it has read the dropped token. It
# still haunts the cache. `stream` in `generate.py` therefore clears the cache and reads the last half of the context anew, once in a while.
#
# **What it saves.** Count the positions that go through the model while $N$ tokens are written: $1 + 2 + \dots + N = N(N+1)/2$ without a cache, $N$ with one.

# %% tags=["nbval-ignore-output"]
import time

seconds = {}
for use_cache in (True, False):
    start = time.perf_counter()
    generate(model, torch.tensor([[END]]), max_new_tokens=120, temperature=0, use_cache=use_cache)
    seconds[use_cache] = time.perf_counter() - start
print(f"120 tokens: {120 * 121 // 2} positions without a cache, 120 with one: "
      f"{seconds[False]:.2f} s and {seconds[True]:.2f} s on this machine")

# %% [markdown]
# Not quite as much faster as the positions promise: a single token cannot keep the machine busy, a hundred at once can. Small models even spend most of a step on *calling* their hundred little
# operations. `numpy_decoder.py` does the same sums with cheaper calls, and with all that is linear multiplied together beforehand (`folding.py`): a norm's gain belongs into the matrix that
# reads it, for $(y \odot g)\,W = y\,(\mathrm{diag}(g)\,W)$. On a GPU, `static_cache.py` records the whole step once and replays it. All write the same ids:

# %%
from course_lib.generation.static_cache import GreedyDecoder

y, gain, W = torch.randn(3, 8, generator=g), torch.randn(8, generator=g), torch.randn(8, 5, generator=g)
torch.testing.assert_close((y * gain) @ W, y @ (gain[:, None] * W))
prompt = torch.tensor([as_ids("One")])
slow = generate(model, prompt, max_new_tokens=40, temperature=0, use_cache=False)
assert torch.equal(generate(model, prompt, max_new_tokens=40, temperature=0), slow)
assert torch.equal(GreedyDecoder(model, 1, use_graph=False)(prompt, max_new_tokens=40), slow)
print("no cache = cache, in numpy where it pays = static cache")

# %% [markdown]
# **What it costs** is memory: a key and a value of $D$ numbers for each of $H_{kv}$ heads, in $L$ layers, for each of $S$ tokens of $B$ texts:
#
# $$\text{bytes} = 2 \cdot L \cdot B \cdot H_{kv} \cdot S \cdot D \cdot (\text{bytes a number})$$
#
# > **Predict.** GPT-2 with 124 million parameters, 16 bits a number: 0.25 GB of weights. A hundred users, 1024 tokens each. Which is larger, weights or cache?

# %%
from course_lib.model.config import gpt2_124m, gpt2_1558m, modern_124m
from course_lib.model.gpt import GPT
from course_lib.training.cost import count_parameters

shapes = {"GPT-2 124M": gpt2_124m(), "GPT-2 1558M": gpt2_1558m(), "modern 124M, 2 KV heads": modern_124m(n_kv_head=2)}
for name, config in shapes.items():
    with torch.device("meta"):                                      # shapes only, no memory
        n = count_parameters(GPT(config))["total"]
    one = cache_bytes(config, 1, 1, "bfloat16")
    print(f"{name:24} weights {2 * n / 1e9:.2f} GB, cache {one / 1e3:5.1f} kB a token, "
          f"{100 * 1024 * one / 1e9:4.1f} GB for 100 users")

# %% [markdown]
# The cache, by far. That is why several query heads share a key-value head (lesson 08), and why a server's memory decides how many users it has.
#
# ## 9 · Many at once
#
# Prompts of a batch have different lengths. Rectangles need filling. On which side?
#
# > **Predict.** The next token of a row comes from its last position. What stands there in a short row that was filled up on the *right*?

# %%
from course_lib.generation.generate import left_pad

prompts = [as_ids(OPENING + " Then Ella"), as_ids("One"), as_ids("One windy morning, Ben")]
filling = tokenizer.encode(" Mia")[0]                               # any token will do
left, padding_mask = left_pad(prompts, pad_id=filling)              # (B, T) each
right = torch.full_like(left, filling)                              # (B, T)
for row, own in zip(right, prompts, strict=True):
    row[:len(own)] = torch.tensor(own)
with torch.no_grad():
    alone = [model(torch.tensor([own]))[0, -1] for own in prompts]
    together = {"on the right": model(right), "on the left": model(left),
                "on the left, masked": model(left, padding_mask=padding_mask)}
for name, logits in together.items():
    same = [torch.allclose(row, own, atol=1e-3) for row, own in zip(logits[:, -1], alone, strict=True)]
    print(f"filled {name:20} next token as if alone: {same}")

# %% [markdown]
# On the right, the short rows go on from filling. On the left, each row's newest token is at the end, but the filling is still *read*, as if it were text. Left, and
# masked (lesson 07): every row goes on as it would alone. And then? `generate` does that for whole texts:

# %%
options = dict(max_new_tokens=12, temperature=0)
rows = generate(model, left, padding_mask=padding_mask, **options)[:, left.shape[1]:].tolist()
for own, row in zip(prompts, rows, strict=True):
    assert row == generate(model, torch.tensor([own]), **options)[0, len(own):].tolist()
print(f"prompts of {[len(own) for own in prompts]} tokens, continued in one batch as if each were alone")

# %% [markdown]
#
# **When to stop?** At a token that means the end; when the tokens are used up; or at a *text*, "\n\nQ:" for instance. The last is harder than it looks. Tokens cut texts anywhere:

# %%
from course_lib.generation.stopping import TextReader, complete

stop = "the beach."
print("stop at", repr(stop), "; the tokens may be", [pieces[i] for i in tokenizer.encode(" at the beach.")])
reader = TextReader([stop])
for piece in (" saw", " the", " bea", "r", " at the ", "beach", ".", " Then"):
    print(f"{piece!r:12} -> {reader.feed(piece.encode())!r}")

# %% [markdown]
# What *could* be the beginning of the stop text is held back, until the next token decides: "the bea" had to wait for the "r". Characters that are cut in two wait in the same way. With all of this
# together, `complete` takes prompts of any lengths and gives texts:

# %%
starts = ["One rainy morning, Mia", "One foggy morning, Leo and Ben were"]
ends = complete(model, tokenizer, starts, max_new_tokens=40, stop_texts=["."], temperature=0)

# %% tags=["nbval-ignore-output"]
for a, b in zip(starts, ends, strict=True):
    print(a + " ▷" + b)

# %%
assert not any("." in end for end in ends)
print("neither goes past its first full stop")

# %% [markdown]
# ## 10 · A quick one guesses, a good one checks
#
# With a cache, each token costs a whole reading of the weights, however large the model; a large model spends its time on fetching them from memory. While they are there, reading five tokens costs
# hardly more than reading one (section 8: many positions at once keep the machine busy). But to *read* five tokens, one must know them…
#
# So let a small, quick model, the **draft**, propose $K$ tokens, and let the large one, the **target**, read them all in one go. It then has its own probabilities at all $K$ places, and one more. Where it
# agrees, we are $K + 1$ tokens further for the price of one. But when does it "agree"? The texts must be **distributed just as if the target had written alone**. Not nearly: just so.
#
# One place is enough to see it. The draft has drawn a token $x$ from $q$; the target wants $p$.

# %%
p = torch.tensor([0.50, 0.25, 0.15, 0.08, 0.02])                    # the target's
q = torch.tensor([0.30, 0.40, 0.05, 0.20, 0.05])                    # the draft's

# %% [markdown]
# > **Predict.** The draft proposes token 0. Keep it always? Token 1, which the draft likes more than the target does: keep it how often?
#
# Token 0 comes with probability 0.30, and 0.50 are wanted: keep it, always. Token 1 comes with 0.40, and 0.25 are wanted: keep it in $0.25 / 0.40$ of the cases. In general keep
# $x$ with probability $\min(1,\, p_x / q_x)$. Step by step:
#
# 1. Token $x$ is proposed **and** kept with probability $q_x \cdot \min(1, p_x / q_x) = \min(q_x, p_x)$.
# 2. So something is kept with probability $\alpha = \sum_x \min(p_x, q_x)$, and refused with $1 - \alpha$.
# 3. What still lacks for token $x$ is $p_x - \min(p_x, q_x) = \max(0,\, p_x - q_x)$. Together all tokens lack $\sum_x p_x - \sum_x \min(p_x, q_x) = 1 - \alpha$.
# 4. Just as much as is refused! So after a refusal draw from what lacks, brought to a sum of one: $r_x = \max(0, p_x - q_x) / (1 - \alpha)$, the **residual**.
# 5. Token $x$ comes with $\min(p_x, q_x) + (1 - \alpha)\, r_x = \min(p_x, q_x) + \max(0, p_x - q_x) = p_x$. ∎

# %%
kept = torch.minimum(p, q)
alpha = kept.sum()
r = (p - q).clamp(min=0) / (1 - alpha)
print("kept    ", kept.numpy().round(3), f" together α = {alpha:.2f}")
print("residual", r.numpy().round(3))
print("sum     ", (kept + (1 - alpha) * r).numpy().round(3), " wanted", p.numpy())

# %% [markdown]
# **The wrong way**: after a refusal, simply draw from the target, from $p$. Is that not what we want, in the end?

# %%
wrong = kept + (1 - alpha) * p
print("wrong   ", wrong.numpy().round(3), " wanted", p.numpy())

# %% [markdown]
# No: tokens that the draft likes too much were already kept as often as they should be, and now come once more. Formulas can be checked by throwing dice. Here with texts of two tokens: target and draft are random bigram
# tables on five tokens, $K = 2$; the 25 probabilities come by multiplication, and 3000 texts through the package's rule `accept`:

# %%
from course_lib.generation.speculative import accept, keep_probability, residual

print(code_of(keep_probability), code_of(residual), code_of(accept), sep="\n")
assert torch.allclose(residual(p, q), r)
target, draft = torch.randn(2, 5, 5, generator=torch.Generator().manual_seed(4)).softmax(-1)    # (V, V): last token, next


def two_tokens(generator):
    """Two tokens after token 0, written by draft and target together."""
    ids = [0]
    for _ in range(2):
        ids.append(torch.multinomial(draft[ids[-1]], 1, generator=generator).item())
    new = accept(ids[1:], draft[ids[:2]], target[ids], generator)
    return new if len(new) > 1 else [*new, torch.multinomial(target[new[0]], 1, generator=generator).item()]


def count_texts(n, generator):
    counts = torch.zeros(5, 5)
    for _ in progress(range(n)):
        first, second, *_ = two_tokens(generator)
        counts[first, second] += 1
    return counts


def chi_squared(counts):
    return ((counts - counts.sum() * expected) ** 2 / (counts.sum() * expected)).sum().item()


expected = target[0][:, None] * target                              # (V, V): all 25 texts of two tokens
right = count_texts(3000, torch.Generator().manual_seed(0))
with patch("course_lib.generation.speculative.residual", lambda p, q: p):
    wrong = count_texts(3000, torch.Generator().manual_seed(0))
print(f"χ²: right {chi_squared(right):.0f}, wrong {chi_squared(wrong):.0f} (a right sampler: below 43 in 99 of 100 runs)")

# %% mystnb={"image": {"alt": "Three columns for each of the ten most probable texts of two tokens: target, right rule, wrong rule. The first two agree; the third is off for several texts."}}
order = expected.flatten().argsort(descending=True)[:10].tolist()
figure = plots.grouped_bars(
    {"target, exactly": expected.flatten()[order], "draft and target": right.flatten()[order] / 3000,
     "without the residual": wrong.flatten()[order] / 3000},
    [f"{i // 5} {i % 5}" for i in order], xlabel="text: first and second token", ylabel="probability, share of 3000 texts",
    title="Speculative decoding writes the target's distribution",
    caption="The ten most probable of 25 texts. With the residual, what differs is chance; without it, the draft shows through.",
    alt="Three columns for each of the ten most probable texts of two tokens: target, right rule, wrong rule. The first two "
        "agree; the third is off for several texts.")
plt.show()
print(figure.summary)

# %% [markdown]
# And the small GPT? It needs a draft. One is inside it: its own first blocks, with the same table at the end, half of the work and no new weights (Zhang et al. 2023 choose the blocks
# with care; we do not). Another one is a bigram (lesson 02): a table, counted in a second, that costs nothing to ask. How often a guess is kept is $\alpha = \sum_x \min(p_x, q_x)$, what two
# distributions have in common, on average over the places of a text.
#
# > **Predict.** Which one is the better draft?

# %%
from dataclasses import replace

from course_lib.generation.speculative import acceptance_rate, speculate, speedup, tokens_per_round

quick = GPT(replace(model.config, n_layer=max(1, model.config.n_layer // 2))).eval()
quick.load_state_dict({name: tensor for name, tensor in model.state_dict().items() if name in quick.state_dict()})
with torch.no_grad():
    p, q = (m(torch.tensor([real[0]])).softmax(-1)[0] for m in (model, quick))   # (T, V) each
bigram = torch.full((len(pieces), len(pieces)), 1e-3)               # (V, V): the last token, the next
for story in stories(seed=6, n=500):
    path = torch.tensor([*as_ids(story.text), END])
    bigram.index_put_((path[:-1], path[1:]), torch.ones(len(path) - 1), accumulate=True)
bigram = bigram / bigram.sum(-1, keepdim=True)                      # (V, V)
rates = {f"{quick.config.n_layer} of {model.config.n_layer} blocks": acceptance_rate(p, q).mean().item(),
         "bigram": acceptance_rate(p, bigram[real[0]]).mean().item()}
rounds = list(speculate(model, quick, as_ids("One"), max_new_tokens=100, n_draft=4,
                        generator=torch.Generator().manual_seed(0)))
written = sum(len(one.ids) for one in rounds)

# %% tags=["nbval-ignore-output"]
for name, rate in rates.items():
    print(f"{name:15} α = {rate:.2f}, so with K = 4 about {tokens_per_round(rate, 4):.1f} tokens for each reading")
print(f"written with the blocks as a draft: {written} tokens in {len(rounds)} readings, {written / len(rounds):.1f} each")
print("One" + "".join(f"{shown(one.ids[:one.accepted])}[{shown(one.ids[one.accepted:])}]" for one in rounds[:14]))

# %% [markdown]
# In brackets: what the target wrote itself. All else was guessed. The blocks were never trained to stop half way, and a table of counts guesses better than they do. **A draft must be trained to
# guess**; where it is, four of five guesses may be kept. Would that be *faster*? With a draft that costs a share $c$ of the target, a round of $K$ costs $K c + 1$ and brings
# $1 + \alpha + \dots + \alpha^K$ tokens:

# %%
for c in (0.5, 0.1, 0.02):
    best = max(range(1, 13), key=lambda n_draft: speedup(0.8, n_draft, c))
    print(f"α = 0.8, draft costs {c:4.0%}: best K = {best:2}, {speedup(0.8, best, c):.1f} times as fast")
rounds = speculate(model, quick, prompt[0].tolist(), max_new_tokens=40, temperature=0)
assert [i for one in rounds for i in one.ids] == slow[0, prompt.shape[1]:].tolist()
print("greedy with a draft = greedy alone")

# %% [markdown]
# Half a model is too dear a draft; a fiftieth of one pays. The texts are not a bit worse for it: step 5 of the proof says so. And with temperature 0, when both distributions have a single
# token, the rule keeps a guess just where the target would have said the same.
#
# ## 11 · True or lively?
#
# Now all the ways to write, on one scale. Two questions to ask of a text: is it **true**? is it **lively**? Usually the first needs people to judge. Not in the story world: its grammar knows who
# holds the kite. The judge reads a story up to the first sentence that cannot be:

# %%
from course_lib.worlds.storyworld.judge import judge, wrong_per_sentence

print(code_of(judge))
for more in (" Ella gave the kite to Omar as a present.", " Ella gave the drum to Omar as a present.",
             " Omar walked to the mill. Ella gave the kite to Omar as a present."):
    verdict = judge(OPENING + more)
    print(f"{verdict.right} sentences are right, wrong is {verdict.wrong!r}")

# %% [markdown]
# *Truth*: of all sentences read, the share that was the first wrong one. *Liveliness*: of all groups of four words in all stories together, the share that is different from all others. For real stories the first is 0.
# The second is not 1, for stories repeat themselves, and must.
#
# > **Predict.** For each way to write: more or fewer wrong sentences than plain drawing at $t = 1$? More or less lively? Where does the repetition penalty stand? Write down the order.

# %%
def lively(texts, n=4):
    grams = [gram for text in texts for gram in zip(*(words_of.findall(text)[i:] for i in range(n)), strict=False)]
    return len(set(grams)) / len(grams)


def write_stories(n=24, penalties=None, **sampling):
    idx = torch.tensor([as_ids("One")]).repeat(n, 1)
    adjust = penalties and adjust_with(idx != END, **penalties)
    new = generate(model, idx, max_new_tokens=110, stop_ids=[END], adjust=adjust,
                   generator=torch.Generator().manual_seed(2), **sampling)
    return [tokenizer.decode([i for i in row if i != END]) for row in new.tolist()]


ways = {"t = 0.4": dict(temperature=0.4), "t = 0.7": dict(temperature=0.7), "t = 1": {},
        "t = 1.4": dict(temperature=1.4), "top-p 0.8": dict(top_p=0.8), "min-p 0.1": dict(min_p=0.1),
        "penalty 2": dict(penalties={"repetition_penalty": 2.0})}
written = {name: write_stories(**ways[name]) for name in progress(ways)}
points = {name: (lively(texts), wrong_per_sentence(map(judge, texts))) for name, texts in written.items()}
told = [story.text[:len(text)] for story, text in zip(stories(seed=99, n=24), written["t = 1"], strict=True)]

# %% mystnb={"image": {"alt": "Ways to write as dots: different four-word groups to the right, wrong sentences upwards. The temperatures lie on a line; a star at the bottom marks real stories."}} tags=["nbval-ignore-output"]
figure = plots.trade_off(
    points, paths=[["t = 0.4", "t = 0.7", "t = 1", "t = 1.4"]],
    goal=("real stories", (lively(told), wrong_per_sentence(map(judge, told)))), title="True or lively?",
    xlabel="different groups of four words, share of all", ylabel="wrong sentences, share of those read",
    caption="24 stories each. The star is where real stories stand. Heights are uncertain by a fifth to a third.",
    alt="Ways to write as dots: different four-word groups to the right, wrong sentences upwards. The temperatures lie on a "
        "line; a star at the bottom marks real stories.")
plt.show()
print(figure.summary)

# %%
print("cold is duller than hot:", points["t = 0.4"][0] < points["t = 0.7"][0] < points["t = 1.4"][0])
print("hot is wrong more often than warm:", points["t = 1.4"][1] > points["t = 0.7"][1])
print("the penalty is, more often than no penalty:", points["penalty 2"][1] > points["t = 1"][1])

# %% tags=["nbval-ignore-output"]
for name in ("t = 0.4", "t = 1.4", "penalty 2"):
    print(f"{name:12}", *[verdict.wrong for verdict in map(judge, written[name]) if verdict.wrong][:2], sep="\n    ")

# %% [markdown]
# Look at four things. **Heat** buys life with mistakes, and at last leaves the language. **Cold** keeps to the language and is no truer for it: it says what is most probable anywhere, where this story asked for
# something else. **Cutting the tail** at $t = 1$: what does it cost in life, what does it save in mistakes? And the **penalty** drives a story away from the very names that it is about.
#
# No sampler makes a small model right. Decoding can only keep from making it worse, and that is a lot.
#
# ## 12 · What to remember
#
# - A model gives probabilities; decoding makes the text, and can spoil it or save it.
# - Greedy repeats itself and cannot take a choice back. Beams find more probable texts, which are short and dull; the most probable text is not typical.
# - Temperature acts on ratios. Top-k does not ask how sure the model is; top-p, min-p and typical do. The token that crosses the line stays.
# - Cut and penalise logits, before the softmax. After every cut, probabilities must sum to one.
# - A mask from an automaton makes every text allowed; it does not draw from the model *given that* the text is allowed.
# - Keys and values of the past never change under a causal mask: keep them. Cached must equal uncached at every position. The price is memory.
# - Pad on the left, and mask. Stop texts can be cut anywhere.
# - Keep a guess with $\min(1, p/q)$, replace a refused one from the residual: the target's texts, exactly, sooner.
# - Judge a way of decoding by truth *and* variety. Either alone is easy.
#
# **Further reading.** Holtzman et al. 2020, *The Curious Case of Neural Text Degeneration*, arXiv 1904.09751 (nucleus); Fan, Lewis and Dauphin 2018,
# *Hierarchical Neural Story Generation*, arXiv 1805.04833 (top-k); Nguyen et al. 2024, *Turning Up the Heat: Min-p Sampling*, arXiv 2407.01082; Meister et al. 2022,
# *Locally Typical Sampling*, arXiv 2202.00666; Keskar et al. 2019, *CTRL*, arXiv 1909.05858 (the repetition penalty); Wu et al. 2016, *Google's Neural Machine Translation System*,
# arXiv 1609.08144, section 7 (length norm); Stahlberg and Byrne 2019, *On NMT Search Errors and Model Errors*, arXiv 1908.10090 (the most probable translation is often the empty one);
# Willard and Louf 2023, *Efficient Guided Generation for Large Language Models*, arXiv 2307.09702; Park et al. 2024, *Grammar-Aligned Decoding*, arXiv 2405.21047; Leviathan, Kalman and Matias 2023,
# *Fast Inference from Transformers via Speculative Decoding*, arXiv 2211.17192; Chen et al. 2023, *Accelerating Large Language Model Decoding with Speculative Sampling*, arXiv 2302.01318; Zhang et al. 2023, *Draft & Verify*, arXiv 2309.08168.
#
# **Now you:** [exercises 13](../exercises/13_decoding/13_decoding.ipynb). Next: lesson 14 trains the full GPT, on a GPU if there is one.
