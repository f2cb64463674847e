"""How the exercises of lesson 14 (gpt_on_gpu) are checked, and the wrong answers that people give to them."""

import copy
import math

import numpy as np
import torch
from torch.nn import functional as F

from course_lib.classroom.checking.exercise import Exercise
from course_lib.classroom.checking.open_question import OpenQuestion
from course_lib.model.config import GPTConfig
from course_lib.training.optim import clip_gradients

# ---- 14.1 ----------------------------------------------------------------------------------------------------------

flops = Exercise(
    "14.1", "training_flops", title="What a token costs", difficulty=1, minutes=10,
    hints=(
        "For one token every product is a vector by a matrix: two operations for each number of the matrix. Which matrices are there?",
        "A block: four of C × C around attention, two of C × 4C; and in attention T keys of C numbers, then T values. Then the head, C × V.",
        "Forward 2 · (L · (12 C² + 2 T C) + C V). The backward pass takes that twice more.",
    ),
)


@flops.probe()
def a_small_one(ns, rng):
    """a vocabulary of 512, 4 layers, 128 channels, windows of 256"""
    return ns["training_flops"](512, 4, 128, 256)


@flops.probe()
def gpt2(ns, rng):
    """GPT-2: 50257, 12, 768, 1024"""
    return ns["training_flops"](50257, 12, 768, 1024)


@flops.probe(hidden=True, points=2)
def any_shapes(ns, rng):
    """any shapes"""
    return ns["training_flops"](*(int(n) for n in rng.integers((300, 3, 30, 50), (9000, 30, 900, 3000))))


@flops.property(n_layer=(1, 9), n_embd=(1, 64), T=(1, 99))
def a_longer_window(ns, n_layer, n_embd, T):
    """one more key costs 12 C in every layer: C for its score, C for its value, two each, three passes"""
    cost = ns["training_flops"]
    return cost(100, n_layer, n_embd, T + 1) - cost(100, n_layer, n_embd, T), 12 * n_layer * n_embd


def products(V, L, C, T, *, passes=3, each=2, square=12, keys=2, head=1, table=0):
    """The right answer, with some things wrong."""
    return passes * each * (L * (square * C * C + keys * T * C) + (head + table) * C * V)


@flops.mistake(hint="That is the forward pass. Training goes back as well, and back costs twice as much.")
def forward_only(vocab_size, n_layer, n_embd, T):
    """the forward pass alone"""
    return products(vocab_size, n_layer, n_embd, T, passes=1)


@flops.mistake(hint="On the way back each product needs two: the gradient of its input and that of its weights. With the way there: three.")
def back_as_there(vocab_size, n_layer, n_embd, T):
    """a backward pass that costs as much as the forward pass"""
    return products(vocab_size, n_layer, n_embd, T, passes=2)


@flops.mistake(hint="You count multiplications. Each of them is followed by an addition.")
def multiplications_only(vocab_size, n_layer, n_embd, T):
    """multiplications without the additions"""
    return products(vocab_size, n_layer, n_embd, T, each=1)


@flops.mistake(hint="6 N counts the weights. Queries also meet keys, and shares meet values: numbers that are no weights.")
def six_n(vocab_size, n_layer, n_embd, T):
    """six operations a weight, without the products inside attention"""
    return products(vocab_size, n_layer, n_embd, T, keys=0)


@flops.mistake(hint="To look up a row of the token table is no product. Only the head is.")
def the_table_as_a_product(vocab_size, n_layer, n_embd, T):
    """the token table counted as a product"""
    return products(vocab_size, n_layer, n_embd, T, table=1)


@flops.mistake(hint="The head multiplies by V columns, the largest matrix of all, though it may share its numbers with the table.")
def no_head(vocab_size, n_layer, n_embd, T):
    """a count without the head"""
    return products(vocab_size, n_layer, n_embd, T, head=0)


@flops.mistake(hint="Scores take T C multiplications, and the weighted sum of the values as many again. By convention hidden keys count, too.")
def half_of_attention(vocab_size, n_layer, n_embd, T):
    """half of attention: the weighted sum, or the keys behind the mask, are missing"""
    return products(vocab_size, n_layer, n_embd, T, keys=1)


@flops.mistake(hint="Queries, keys, values: three matrices of C × C. What happens to the heads' answers before they join the stream?")
def no_output_projection(vocab_size, n_layer, n_embd, T):
    """attention without its output projection"""
    return products(vocab_size, n_layer, n_embd, T, square=11)


@flops.mistake(hint="The feed-forward goes up to 4 C and comes down again: two matrices of C × 4 C.")
def one_matrix_in_the_feedforward(vocab_size, n_layer, n_embd, T):
    """a feed-forward with one of its two matrices"""
    return products(vocab_size, n_layer, n_embd, T, square=8)


@flops.mistake(hint="The feed-forward is four times as wide inside: F = 4 C.")
def a_narrow_feedforward(vocab_size, n_layer, n_embd, T):
    """a feed-forward that is C wide inside"""
    return products(vocab_size, n_layer, n_embd, T, square=6)


@flops.mistake(hint="This is what a whole window of T tokens costs. The question is about one of them.")
def the_whole_window(vocab_size, n_layer, n_embd, T):
    """the cost of a whole window"""
    return T * products(vocab_size, n_layer, n_embd, T)


@flops.mistake(hint="It must work for every shape.", memorised=True)
def two_by_heart(vocab_size, n_layer, n_embd, T):
    """the two models of the check, by heart"""
    return products(*((512, 4, 128, 256) if n_layer == 4 else (50257, 12, 768, 1024)))


@flops.forbid("course_lib.training.cost.flops_per_token")
def _(call, vocab_size, n_layer, n_embd, T):
    return call(GPTConfig(vocab_size=vocab_size, n_layer=n_layer, n_head=1, n_embd=n_embd, position="none"), T)


# ---- 14.2 ----------------------------------------------------------------------------------------------------------

memory = Exercise(
    "14.2", "training_memory", title="Does it fit?", difficulty=2, minutes=15,
    hints=(
        "Begin with the three parts that do not depend on the batch: how many numbers are there for each weight, of how many bytes?",
        "For one token: all blocks, the last norm, the loss. Two of the three rows are in bfloat16. Then times n_tokens.",
        "4 N, 4 N, 8 N. A token: 2 · (L · 16 C + 2 C) + 4 V bytes; with recompute L · C inputs and one block's 16 C stand in place of L · 16 C.",
    ),
)


@memory.probe()
def everything_kept(ns, rng):
    """two million weights, 6 layers of 128 channels, 512 words, 4096 tokens, everything kept"""
    return ns["training_memory"](2_000_000, 6, 128, 512, 4096, False)


@memory.probe()
def blocks_recomputed(ns, rng):
    """the same with recompute"""
    return ns["training_memory"](2_000_000, 6, 128, 512, 4096, True)


def some_model(rng):
    return tuple(int(n) for n in rng.integers((10**6, 4, 64, 300, 1000), (10**9, 50, 2000, 60_000, 90_000)))


@memory.probe(hidden=True)
def any_model(ns, rng):
    """any model"""
    return ns["training_memory"](*some_model(rng), False)


@memory.probe(hidden=True)
def any_model_recomputed(ns, rng):
    """any model with recompute"""
    return ns["training_memory"](*some_model(rng), True)


@memory.property(n_weights=(1, 1000), n_tokens=(1, 64))
def what_a_token_adds(ns, n_weights, n_tokens):
    """twice the tokens take twice the activations, and 16 bytes a weight lie below them in any case"""
    one, two = (ns["training_memory"](n_weights, 2, 8, 16, n, False) for n in (n_tokens, 2 * n_tokens))
    fixed = sum(two[part] for part in ("weights", "gradients", "optimizer"))
    return (two["activations"], fixed), (2 * one["activations"], 16 * n_weights)


def in_memory(N, L, C, V, n_tokens, recompute, *, sizes=(4, 4, 8), kept=2, loss=4, numbers=None, per=None):
    """The right answer, with some things wrong. numbers: of all blocks with recompute, for a token."""
    numbers = L * C + 16 * C if numbers is None else numbers
    blocks = numbers if recompute else 16 * L * C
    activations = (n_tokens if per is None else per) * (kept * (blocks + 2 * C) + loss * V)
    return dict(zip(("weights", "gradients", "optimizer", "activations"), (*(n * N for n in sizes), activations), strict=True))


@memory.mistake(hint="Mixed means: weights, gradients and averages stay in float32. Only the activations are bfloat16.")
def all_of_it_in_half(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """everything in bfloat16: that would be half precision, not mixed"""
    return in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute, sizes=(2, 2, 4), loss=2)


@memory.mistake(hint="That is another way of mixing: weights and gradients in bfloat16, and a float32 copy with the optimizer. The sum is the same, the parts are not.")
def with_a_master_copy(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """bfloat16 weights and gradients, with a float32 copy of the weights counted with the optimizer"""
    return in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute, sizes=(2, 2, 12))


@memory.mistake(hint="Gradients are as wide as the weights that they move: float32.")
def gradients_in_half(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """gradients in bfloat16"""
    return in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute, sizes=(4, 2, 8))


@memory.mistake(hint="AdamW keeps two averages for each weight: of the gradient, and of its square.")
def one_average(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """an optimizer with one number for each weight"""
    return in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute, sizes=(4, 4, 4))


@memory.mistake(hint="The activations of the blocks are in bfloat16: two bytes a number.")
def activations_in_full(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """activations in float32"""
    return in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute, kept=4)


@memory.mistake(hint="The log-probabilities of the loss are in float32: four bytes each.")
def the_loss_in_half(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """the log-probabilities in bfloat16"""
    return in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute, loss=2)


@memory.mistake(hint="The last row of the table: V numbers for each token, often more than all blocks together.")
def without_the_loss(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """activations without those of the loss"""
    return in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute, loss=0)


@memory.mistake(hint="The blocks' inputs are what is left. But the block that is being computed again has its 16 C as well.")
def inputs_only(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """an answer in which, with recompute, only the inputs of the blocks are kept"""
    return in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute, numbers=n_layer * n_embd)


@memory.mistake(hint="From what would a block be computed again? Every block's input is kept, C numbers a token.")
def one_block_only(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """an answer in which, with recompute, one block is kept and no inputs are"""
    return in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute, numbers=16 * n_embd)


@memory.mistake(hint="recompute=True should need less: inputs of all blocks, and one block in full.")
def recompute_ignored(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """an answer that takes no notice of recompute"""
    return in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, False)


@memory.mistake(hint="The table is for one token. How many are in the batch?")
def for_one_token(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """the activations of a single token"""
    return in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute, per=1)


@memory.mistake(hint="Bytes, not megabytes.")
def in_megabytes(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """an answer in megabytes"""
    parts = in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute)
    return {name: size / 1e6 for name, size in parts.items()}


@memory.forbid("course_lib.training.cost.activation_bytes")
def _(call, n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    shape = GPTConfig(vocab_size=vocab_size, n_layer=1 if recompute else n_layer, n_head=1, n_embd=n_embd, position="none",
                      feedforward="gelu")
    parts = in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute)
    return parts | {"activations": call(shape, n_tokens) + (2 * n_layer * n_embd * n_tokens if recompute else 0)}


# ---- 14.3 ----------------------------------------------------------------------------------------------------------

meter = Exercise(
    "14.3", "read_the_meter", title="Read the meter", difficulty=2, minutes=15,
    hints=(
        "tokens and seconds are totals since the beginning of the run. How many of each lie between the first record and the last?",
        "MFU is tokens a second, times operations a token, over operations a second. For the spike look at one record after the other from the sixth on.",
        "loss[i] − np.median(loss[i − 5 : i]) for i from 5; the i where it is largest; then that record's step.",
    ),
)

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
FLOPS_A_TOKEN, PEAK = 6_291_456, 55.4e9


def the_run():
    """The records of the real run, new ones each time."""
    columns = (map(float, column.split()) for column in (LOSS, GRAD_NORM, SECONDS))
    return [{"step": step, "loss": loss, "grad_norm": grad_norm, "tokens": 512 * step, "seconds": seconds}
            for step, (loss, grad_norm, seconds) in enumerate(zip(*columns, strict=True), start=1)]


@meter.probe()
def the_real_run(ns, rng):
    """the run above"""
    return ns["read_the_meter"](the_run(), FLOPS_A_TOKEN, PEAK)


@meter.probe()
def begun_later(ns, rng):
    """the same run from step 18 on"""
    return ns["read_the_meter"](the_run()[17:], FLOPS_A_TOKEN, PEAK)


def another_run(rng):
    """The end of the real run on a machine of another speed, with a fall of the loss, a dip before it and a spike after it."""
    records, fall = the_run()[15:], int(rng.integers(8, 12))
    speed, spike = rng.uniform(0.2, 5.0), int(rng.integers(fall + 7, len(records) - 1))
    for i, record in enumerate(records):
        record["seconds"] = record["seconds"] / speed + rng.uniform(0, 0.01)
        record["step"] += 1000
        record["loss"] += 1.5 if i <= fall and i != fall - 2 else 0.7 if i == spike else 0.0
    return records


@meter.probe(hidden=True, points=2)
def any_run(ns, rng):
    """another run"""
    return ns["read_the_meter"](another_run(rng), float(rng.uniform(1e6, 1e9)), float(rng.uniform(1e12, 1e15)))


@meter.property(late=(0.0, 100.0), seed=(0, 99))
def what_was_before(ns, late, seed):
    """how long everything took before the first record changes nothing"""
    records = another_run(np.random.default_rng(seed))
    later = [record | {"seconds": record["seconds"] + late} for record in records]
    return ns["read_the_meter"](later, 1e6, 1e12), ns["read_the_meter"](records, 1e6, 1e12)


def speed_of(records):
    first, last = records[0], records[-1]
    return (last["tokens"] - first["tokens"]) / (last["seconds"] - first["seconds"])


def spike_of(records, window=lambda loss, i: np.median(loss[i - 5 : i]), start=5):
    loss = [record["loss"] for record in records]
    return start + int(np.argmax([loss[i] - window(loss, i) for i in range(start, len(loss))]))


def reading(records, flops_a_token, peak, *, speed=None, mfu=None, spike=None):
    """The right answer, with some things wrong."""
    speed = speed_of(records) if speed is None else speed
    return {"tokens_per_second": speed, "mfu": speed * flops_a_token / peak if mfu is None else mfu,
            "spike": records[spike_of(records)]["step"] if spike is None else spike}


@meter.mistake(hint="The first record paid for warming up. Take its tokens and its seconds away.")
def with_the_warm_up(records, flops_a_token, peak):
    """a speed from the beginning of the run on, warm-up included"""
    return reading(records, flops_a_token, peak, speed=records[-1]["tokens"] / records[-1]["seconds"])


@meter.mistake(hint="Records are written at the end of an update. The first one is where counting begins: do not drop it, or the second update is lost, too.")
def the_first_record_dropped(records, flops_a_token, peak):
    """a count that begins after the second update, for the first record was dropped"""
    return reading(records, flops_a_token, peak, speed=speed_of(records[1:]))


@meter.mistake(hint="`tokens` and `seconds` are totals so far. They must not be added up once more.")
def totals_added_up(records, flops_a_token, peak):
    """sums of numbers that are sums already"""
    tokens, seconds = (sum(record[name] for record in records) for name in ("tokens", "seconds"))
    return reading(records, flops_a_token, peak, speed=tokens / seconds)


@meter.mistake(hint="A mean of speeds counts quick updates as much as slow ones. All tokens over all seconds is what one pays for.")
def a_mean_of_speeds(records, flops_a_token, peak):
    """the mean of every update's own speed"""
    pairs = zip(records, records[1:], strict=False)
    speeds = [(after["tokens"] - before["tokens"]) / (after["seconds"] - before["seconds"]) for before, after in pairs]
    return reading(records, flops_a_token, peak, speed=float(np.mean(speeds)))


@meter.mistake(hint="You took the last total of tokens over seconds without the first's: take the first away from both.")
def seconds_without_the_first(records, flops_a_token, peak):
    """the first record taken away from the seconds, not from the tokens"""
    seconds = records[-1]["seconds"] - records[0]["seconds"]
    return reading(records, flops_a_token, peak, speed=records[-1]["tokens"] / seconds)


@meter.mistake(hint="How many updates are there in a second? The question is about tokens.")
def updates_a_second(records, flops_a_token, peak):
    """updates a second in place of tokens"""
    first, last = records[0], records[-1]
    return reading(records, flops_a_token, peak, speed=(last["step"] - first["step"]) / (last["seconds"] - first["seconds"]))


@meter.mistake(hint="A share of the peak: a number from 0 to 1, not per cent.")
def in_per_cent(records, flops_a_token, peak):
    """an MFU in per cent"""
    return reading(records, flops_a_token, peak, mfu=100 * speed_of(records) * flops_a_token / peak)


@meter.mistake(hint="Yours is how many times the peak is larger. Turn the fraction round.")
def peak_over_work(records, flops_a_token, peak):
    """the MFU upside down"""
    return reading(records, flops_a_token, peak, mfu=peak / (speed_of(records) * flops_a_token))


@meter.mistake(hint="At the beginning every loss is high. A spike is high compared with what came just before.")
def the_highest_loss(records, flops_a_token, peak):
    """the highest loss of all as the spike"""
    highest = max(records, key=lambda record: record["loss"])
    return reading(records, flops_a_token, peak, spike=highest["step"])


@meter.mistake(hint="You return the place in the list. The record at that place has a `step`.")
def the_place_in_the_list(records, flops_a_token, peak):
    """the place of the spike in the list"""
    return reading(records, flops_a_token, peak, spike=spike_of(records))


@meter.mistake(hint="A large gradient often comes with a spike, but not always at the same step. The question is about the loss.")
def the_largest_gradient(records, flops_a_token, peak):
    """the largest gradient as the spike"""
    return reading(records, flops_a_token, peak, spike=max(records, key=lambda record: record["grad_norm"])["step"])


@meter.mistake(hint="Compare with the median of five, not with one neighbour: a low loss beside it makes any loss look high.")
def against_the_one_before(records, flops_a_token, peak):
    """the largest rise from one record to the next"""
    place = spike_of(records, lambda loss, i: loss[i - 1], 1)
    return reading(records, flops_a_token, peak, spike=records[place]["step"])


@meter.mistake(hint="The five before it: without the loss itself, and without what comes later.")
def around_it(records, flops_a_token, peak):
    """a median that takes in the losses after it"""
    place = spike_of(records, lambda loss, i: np.median(loss[i - 2 : i + 3]))
    return reading(records, flops_a_token, peak, spike=records[place]["step"])


@meter.mistake(hint="There may be other runs.", memorised=True)
def this_run_only(records, flops_a_token, peak):
    """the spike of the run above, whatever is asked"""
    return reading(records, flops_a_token, peak, spike=the_run()[spike_of(the_run())]["step"])


# ---- 14.4 ----------------------------------------------------------------------------------------------------------

accumulation = Exercise(
    "14.4", "update_repaired", title="Find the bugs", difficulty=3, minutes=15,
    hints=(
        "Which of the five lines belong before the loop, which after it? zero_grad, backward, clip, step: when is the gradient complete?",
        "The loss of the whole batch is (sum of all nats) / (number of all targets). Count the targets before the loop; reduction=\"sum\" gives nats.",
        "zero_grad once, before. In the loop: nats of this part over the targets of all parts, backward, add up. After it: clip, step, return the sum.",
    ),
)


class Descent:
    """Plain gradient descent: p ← p − lr · gradient."""

    def __init__(self, params, lr=1.0):
        self.params, self.lr, self.steps = list(params), lr, 0

    def zero_grad(self):
        for p in self.params:
            p.grad = None

    def step(self):
        self.steps += 1
        with torch.no_grad():
            for p in self.params:
                p -= self.lr * p.grad


def some_bigram(rng, V=6):
    """A table of logits for the next token, with a gradient left over from before."""
    table = torch.nn.Embedding(V, V)
    table.weight.data = torch.tensor(rng.normal(size=(V, V)), dtype=torch.float32)
    table.weight.grad = torch.full((V, V), 0.05)
    return table


def some_micro_batches(rng, filled, V=6, T=5):
    """Two texts in each micro-batch; of each text so many targets are asked for."""
    parts = []
    for asked in filled:
        idx, targets = (torch.tensor(rng.integers(0, V, (2, T))) for _ in range(2))
        targets[:, asked:] = -1
        parts.append((idx, targets))
    return parts


def what_it_does(update, table, micro_batches, max_norm):
    before, optimizer = table.weight.detach().clone(), Descent(table.parameters())
    loss = update(table, optimizer, micro_batches, max_norm)
    return {"loss": loss, "number of updates": optimizer.steps, "change of the weights": table.weight.detach() - before}


@accumulation.probe(axes="tokens down, next tokens across")
def equally_full(ns, rng):
    """three micro-batches, equally full, no clipping needed"""
    return what_it_does(ns["update_repaired"], some_bigram(rng), some_micro_batches(rng, (5, 5, 5)), 100.0)


@accumulation.probe(axes="tokens down, next tokens across")
def unequally_full(ns, rng):
    """two micro-batches, one nearly empty"""
    return what_it_does(ns["update_repaired"], some_bigram(rng), some_micro_batches(rng, (5, 1)), 100.0)


@accumulation.probe(axes="tokens down, next tokens across")
def clipped(ns, rng):
    """three micro-batches whose gradient must be clipped"""
    return what_it_does(ns["update_repaired"], some_bigram(rng), some_micro_batches(rng, (5, 2, 4)), 0.1)


@accumulation.probe(hidden=True)
def any_micro_batches(ns, rng):
    """any micro-batches"""
    filled = rng.integers(1, 6, int(rng.integers(3, 6)))
    return what_it_does(ns["update_repaired"], some_bigram(rng), some_micro_batches(rng, [5, 1, *filled]), 100.0)


@accumulation.probe(hidden=True)
def any_clipped(ns, rng):
    """any micro-batches, clipped"""
    filled = rng.integers(1, 6, int(rng.integers(2, 5)))
    return what_it_does(ns["update_repaired"], some_bigram(rng), some_micro_batches(rng, [5, 1, *filled]), float(rng.uniform(0.02, 0.1)))


@accumulation.property(cut=(1, 3), asked=(1, 5), seed=(0, 99))
def however_it_is_cut(ns, cut, asked, seed):
    """a batch makes the same update whole and cut into parts"""
    idx, targets = (torch.cat(both) for both in zip(*some_micro_batches(np.random.default_rng(seed), (5, asked)), strict=True))
    parts = [(idx[:cut], targets[:cut]), (idx[cut:], targets[cut:])]
    whole, in_parts = (what_it_does(ns["update_repaired"], some_bigram(np.random.default_rng(seed)), batches, 0.5)
                       for batches in ([(idx, targets)], parts))
    return in_parts["change of the weights"], whole["change of the weights"]


def updating(model, optimizer, micro_batches, max_norm, *, zero="before", mean="all", clip="after", step="after", said="mean"):
    """The repaired loop, with some things wrong."""
    counts = [int((targets != -1).sum()) for _, targets in micro_batches]
    cells = sum(targets.numel() for _, targets in micro_batches)
    total, parts, last = 0.0, [], 0.0
    if zero == "before":
        optimizer.zero_grad()
    for (idx, targets), count in zip(micro_batches, counts, strict=True):
        if zero == "inside":
            optimizer.zero_grad()
        nats = F.cross_entropy(model(idx).flatten(0, 1), targets.flatten(), ignore_index=-1, reduction="sum")
        over = {"all": sum(counts), "own": count, "parts": count * len(counts), "cells": cells, "none": 1}[mean]
        (nats / over).backward()
        total, last = total + nats.item(), nats.item() / count
        parts.append(last)
        if clip == "inside":
            clip_gradients(model.parameters(), max_norm)
        if step == "inside":
            optimizer.step()
    if clip == "after":
        clip_gradients(model.parameters(), max_norm)
    if step == "after":
        optimizer.step()
    if clip == "too late":
        clip_gradients(model.parameters(), max_norm)
    if zero == "at the end":
        optimizer.zero_grad()
    return {"mean": total / sum(counts), "last": last, "mean of means": sum(parts) / len(parts), "sum of means": sum(parts),
            "sum": total, "cells": total / cells}[said]


@accumulation.mistake(hint="That one has four bugs. Which lines should happen once, and not for every micro-batch?")
def as_it_was_found(model, optimizer, micro_batches, max_norm):
    """the loop as it was found"""
    return updating(model, optimizer, micro_batches, max_norm, zero="inside", mean="own", clip="inside", said="last")


@accumulation.mistake(hint="Two are repaired: zero_grad and clipping happen once. Now the means: of what is each a mean, and which loss do you return?")
def two_of_four(model, optimizer, micro_batches, max_norm):
    """the loop with zero_grad and clipping in their places, and its means as they were"""
    return updating(model, optimizer, micro_batches, max_norm, mean="own", said="last")


@accumulation.mistake(hint="A mean of means is the mean only if all parts are equally full. And the loss that you return is that of the last one.")
def three_of_four(model, optimizer, micro_batches, max_norm):
    """means divided by the number of micro-batches, and the loss of the last one"""
    return updating(model, optimizer, micro_batches, max_norm, mean="parts", said="last")


@accumulation.mistake(hint="zero_grad inside the loop throws away what the micro-batches before have added: only the last one counts.")
def forgetting(model, optimizer, micro_batches, max_norm):
    """a loop that forgets all micro-batches but the last"""
    return updating(model, optimizer, micro_batches, max_norm, zero="inside")


@accumulation.mistake(hint="A gradient is left over from before, of an interrupted step say. Clear before the first backward, not (only) after the update.")
def not_cleared_before(model, optimizer, micro_batches, max_norm):
    """a loop that does not clear the gradients first: what was left over is added"""
    return updating(model, optimizer, micro_batches, max_norm, zero="at the end")


@accumulation.mistake(hint="Means add up to as many times the gradient as there are micro-batches. By what must each sum of nats be divided?")
def means_added_up(model, optimizer, micro_batches, max_norm):
    """means of the micro-batches, added up and never divided"""
    return updating(model, optimizer, micro_batches, max_norm, mean="own")


@accumulation.mistake(hint="Means added up: neither the gradient nor the loss is divided. What is the mean over all targets?")
def means_added_up_and_said(model, optimizer, micro_batches, max_norm):
    """means of the micro-batches, added up in the gradient and in the loss"""
    return updating(model, optimizer, micro_batches, max_norm, mean="own", said="sum of means")


@accumulation.mistake(hint="A mean of means is the mean only if all parts are equally full. A target in the nearly empty one counts five times here.")
def a_mean_of_means(model, optimizer, micro_batches, max_norm):
    """the mean of the micro-batches' means, as a widely read tutorial has it"""
    return updating(model, optimizer, micro_batches, max_norm, mean="parts", said="mean of means")


@accumulation.mistake(hint="The gradient is right. The loss that you return is a mean of means: add up nats, and divide by all targets once.")
def the_loss_a_mean_of_means(model, optimizer, micro_batches, max_norm):
    """the right update, with a mean of means as its loss"""
    return updating(model, optimizer, micro_batches, max_norm, said="mean of means")


@accumulation.mistake(hint="The loss that you return is that of the last micro-batch alone.")
def the_loss_of_the_last(model, optimizer, micro_batches, max_norm):
    """the right update, with the loss of the last micro-batch"""
    return updating(model, optimizer, micro_batches, max_norm, said="last")


@accumulation.mistake(hint="Targets of −1 are asked of nobody: do not count them.")
def filling_counted(model, optimizer, micro_batches, max_norm):
    """a mean over all places, those with a target of −1 as well"""
    return updating(model, optimizer, micro_batches, max_norm, mean="cells", said="cells")


@accumulation.mistake(hint="Sums, and never divided: the gradient grows with the batch, and with it the step.")
def sums_never_divided(model, optimizer, micro_batches, max_norm):
    """sums of nats that are never divided"""
    return updating(model, optimizer, micro_batches, max_norm, mean="none", said="sum")


@accumulation.mistake(hint="Clipped inside the loop, an unfinished sum is cut short, and what comes after it is not. Clip when it is complete.")
def clipped_too_early(model, optimizer, micro_batches, max_norm):
    """gradients clipped after each micro-batch"""
    return updating(model, optimizer, micro_batches, max_norm, clip="inside")


@accumulation.mistake(hint="Clipped after the update, gradients have done their work already.")
def clipped_too_late(model, optimizer, micro_batches, max_norm):
    """gradients clipped after the update"""
    return updating(model, optimizer, micro_batches, max_norm, clip="too late")


@accumulation.mistake(hint="One update, when all micro-batches have added their share: step belongs after the loop.")
def an_update_each(model, optimizer, micro_batches, max_norm):
    """an update for each micro-batch, with all that has been added so far"""
    return updating(model, optimizer, micro_batches, max_norm, step="inside")


@accumulation.mistake(hint="That is training with small batches: an update each. Here they shall act as one big batch.")
def small_batches(model, optimizer, micro_batches, max_norm):
    """plain training with small batches, an update each"""
    return updating(model, optimizer, micro_batches, max_norm, zero="inside", mean="own", clip="inside", step="inside",
                    said="mean of means")


# ---- 14.5 ----------------------------------------------------------------------------------------------------------

killed = Exercise(
    "14.5", "checkpoint_of", title="Killed", difficulty=4, minutes=15, tolerance=1e-9,
    hints=(
        "Cross out what never changes (the data), and what every step computes before it reads it. What is left must be saved.",
        "Six things are left. Two of them are about the data: the order of this epoch, and the place in it. And `-=` changes an array in place.",
        "weights, velocity and order, each with .copy(); position; step, for the learning rate; and under \"rng\" run.rng.bit_generator.state.",
    ),
)


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


def before_and_after(save, rng, rows, steps, more):
    """A run that is saved after `steps` steps and goes on, and one that is started again from what was saved."""
    data = rng.normal(size=(rows, 4))
    run = Run(data, seed=int(rng.integers(1000)))
    for _ in range(steps):
        run.train_step()
    state = save(run)
    holds_data = "data" in state
    for _ in range(more):
        run.train_step()
    again = restart(data, state)
    for _ in range(more):
        again.train_step()
    return again.weights, run.weights, holds_data


@killed.probe(axes="the weights")
def within_an_epoch(ns, rng):
    """a run stopped after 12 steps, in the middle of the second epoch"""
    again, _, holds_data = before_and_after(ns["checkpoint_of"], rng, 8, 12, 4)
    return {"weights four steps later": again, "whether the data set is in it": holds_data}


@killed.probe(axes="the weights")
def several_epochs(ns, rng):
    """a run that goes on for three epochs"""
    return {"weights 15 steps later": before_and_after(ns["checkpoint_of"], rng, 5, 7, 15)[0]}


@killed.probe(hidden=True, points=2)
def any_stop(ns, rng):
    """a run stopped anywhere"""
    again, _, holds_data = before_and_after(ns["checkpoint_of"], rng, int(rng.integers(5, 9)), int(rng.integers(6, 30)), 11)
    return {"weights later": again, "whether the data set is in it": holds_data}


@killed.property(steps=(0, 9), more=(0, 9), seed=(0, 99))
def as_if_nothing_had_happened(ns, steps, more, seed):
    """the run that is started again has the weights of the one that was never stopped"""
    again, never_stopped, _ = before_and_after(ns["checkpoint_of"], np.random.default_rng(seed), 4, steps, more)
    return again, never_stopped


def saved(run, *, without=(), shared=(), extra=()):
    """The right answer, with some things wrong."""
    names = ("weights", "velocity", "order", "position", "step", "rng", *extra)
    state = {name: getattr(run, name) if name in shared else copy.deepcopy(getattr(run, name)) for name in names}
    state["rng"] = state["rng"].bit_generator.state
    return {name: value for name, value in state.items() if name not in without}


@killed.mistake(hint="That is a model, good for generating. What else does train_step read?")
def weights_only(run):
    """the weights alone"""
    return {"weights": run.weights.copy()}


@killed.mistake(hint="Weights and optimizer are there. What about the place in the data, and the random numbers?")
def weights_and_optimizer(run):
    """weights, optimizer and step: the data start over, in another order"""
    return saved(run, without=("order", "position", "rng"))


@killed.mistake(hint="The optimizer remembers, too: without its velocity it has to gather way again.")
def without_the_velocity(run):
    """a checkpoint without the optimizer's memory"""
    return saved(run, without=("velocity",))


@killed.mistake(hint="What does the learning rate depend on?")
def without_the_step(run):
    """a checkpoint without the step: the learning rate is that of the beginning"""
    return saved(run, without=("step",))


@killed.mistake(hint="Dropout and the next shuffle draw random numbers. From which state of the generator?")
def without_the_generator(run):
    """a checkpoint without the state of the random numbers"""
    return saved(run, without=("rng",))


@killed.mistake(hint="The place is known, but in which order? This epoch's shuffle was drawn long ago; the state of the generator has moved on.")
def without_the_order(run):
    """a place in a shuffle that was not saved"""
    return saved(run, without=("order",))


@killed.mistake(hint="Which rows of this epoch have been used already?")
def without_the_position(run):
    """a checkpoint that begins the epoch anew"""
    return saved(run, without=("position",))


@killed.mistake(hint="The run goes on, and `-=` and `*=` write into the same arrays. The checkpoint changes with them: copy.")
def not_copied(run):
    """references in place of copies: the checkpoint changes while the run goes on"""
    return saved(run, shared=("weights", "velocity"))


@killed.mistake(hint="The weights are copied. The velocity is changed in place as well.")
def half_copied(run):
    """weights that are copied, beside a velocity that is not"""
    return saved(run, shared=("velocity",))


@killed.mistake(hint="Everything is in it, the data set too. It lies on the disk already; of a real one there would be copies by the terabyte.")
def with_the_data(run):
    """a checkpoint with the whole data set in it"""
    return saved(run, extra=("data",))


@killed.mistake(hint="A generator is no plain value. restart wants the dict that run.rng.bit_generator.state gives.")
def the_generator_itself(run):
    """the generator itself in place of its state"""
    return saved(run) | {"rng": run.rng}


@killed.mistake(hint="A machine may be taken away at any moment.", memorised=True)
def where_the_check_stops(run):
    """right at the moments of the check, the weights alone elsewhere"""
    return saved(run) if (len(run.data), run.step) in ((8, 12), (5, 7)) else weights_only(run)


# ---- 14.6 ----------------------------------------------------------------------------------------------------------

alike = Exercise(
    "14.6", "all_directions_alike", title="All directions alike", difficulty=4, minutes=20,
    hints=(
        "Put X = U Σ Vᵀ into X Xᵀ X. UᵀU and VᵀV are the identity: what is left between U and Vᵀ?",
        "X Xᵀ X has the singular values s³, and X Xᵀ X Xᵀ X has s⁵. The products X Xᵀ are shared: compute them once a round.",
        "Divide by np.linalg.norm. In a round: G = X Xᵀ, then a·X + b·(G X) + c·(G G X).",
    ),
)


def some_gradient(rng, m, n):
    return rng.normal(size=(m, n)) * 10.0 ** rng.uniform(-3, 1)


@alike.probe(axes="as the gradient")
def one_round(ns, rng):
    """a gradient of 3 × 4, one round"""
    return ns["all_directions_alike"](some_gradient(rng, 3, 4), 1)


@alike.probe(axes="as the gradient")
def five_rounds(ns, rng):
    """a gradient of 4 × 4, five rounds"""
    return ns["all_directions_alike"](some_gradient(rng, 4, 4), 5)


@alike.probe(axes="as the gradient")
def a_tall_one(ns, rng):
    """a gradient of 5 × 2, two rounds"""
    return ns["all_directions_alike"](some_gradient(rng, 5, 2), 2)


@alike.probe(hidden=True, points=2)
def any_gradient(ns, rng):
    """any gradient"""
    m, n = (int(size) for size in rng.integers(3, 9, 2))
    return ns["all_directions_alike"](some_gradient(rng, m, n), int(rng.integers(3, 6)))


@alike.property(n=(2, 5), seed=(0, 99))
def singular_values_near_one(ns, n, seed):
    """after five rounds the singular values of a healthy matrix lie between 0.6 and 1.3"""
    rng = np.random.default_rng(seed)
    (U, _), (V, _) = (np.linalg.qr(rng.normal(size=(n, n))) for _ in range(2))
    found = np.asarray(ns["all_directions_alike"](U @ np.diag(rng.uniform(0.3, 1.0, n)) @ V.T, 5))
    sizes = np.linalg.svd(np.nan_to_num(found), compute_uv=False)
    return (sizes > 0.6) & (sizes < 1.3), np.ones(n, dtype=bool)


@alike.property(n=(2, 5), seed=(0, 99))
def no_axis_is_special(ns, n, seed):
    """turning the gradient turns the answer, and nothing else"""
    rng = np.random.default_rng(seed)
    (Q, _), gradient = np.linalg.qr(rng.normal(size=(n, n))), rng.normal(size=(n, 3))
    return ns["all_directions_alike"](Q @ gradient, 2), Q @ np.asarray(ns["all_directions_alike"](gradient, 2))


def rounds(gradient, n_rounds, *, a=3.4445, b=-4.7750, c=2.0315, norm="all", power="products", every=False, scale=1.0):
    """The right answer, with some things wrong."""
    sizes = {"all": np.linalg.norm, "none": lambda X: 1.0, "largest": lambda X: np.linalg.norm(X, 2),
             "rows": lambda X: np.linalg.norm(X, axis=1, keepdims=True),
             "peak": lambda X: np.abs(X).max(), "squares": lambda X: (X * X).sum()}
    X = gradient / sizes[norm](gradient)
    with np.errstate(all="ignore"):
        for _ in range(n_rounds):
            X = X / np.linalg.norm(X) if every else X
            G = X @ X.T
            square = {"seventh": G @ G @ G, "gram elements": G**2}.get(power, G @ G)
            cube, fifth = (X**3, X**5) if power == "elements" else (G @ X, square @ X)
            X = a * X + b * cube + c * fifth
    return scale * X


@alike.mistake(hint="X**3 takes the cube of every element. The singular values take theirs through products: X Xᵀ X.")
def every_element(gradient, n_rounds):
    """powers of the elements in place of powers of the singular values"""
    return rounds(gradient, n_rounds, power="elements")


@alike.mistake(hint="G**2 squares every element of G = X Xᵀ. The product of G with itself is G @ G.")
def every_element_of_the_product(gradient, n_rounds):
    """the product X Xᵀ squared element by element"""
    return rounds(gradient, n_rounds, power="gram elements")


@alike.mistake(hint="Divide by the norm first: p is made for singular values from 0 to 1, and explodes above.")
def not_divided(gradient, n_rounds):
    """a matrix that was not divided by its norm"""
    return rounds(gradient, n_rounds, norm="none")


@alike.mistake(hint="The Frobenius norm has a root: the root of the sum of all squares.")
def no_root(gradient, n_rounds):
    """division by the sum of squares, without the root"""
    return rounds(gradient, n_rounds, norm="squares")


@alike.mistake(hint="To divide by the largest singular value one must know it: that is half a decomposition. Use the Frobenius norm.")
def by_the_largest(gradient, n_rounds):
    """division by the largest singular value"""
    return rounds(gradient, n_rounds, norm="largest")


@alike.mistake(hint="One norm for the whole matrix. To divide each row by its own turns the singular vectors.")
def each_row(gradient, n_rounds):
    """each row divided by its own norm"""
    return rounds(gradient, n_rounds, norm="rows")


@alike.mistake(hint="np.linalg.norm of the matrix, not the largest of its elements.")
def by_the_largest_element(gradient, n_rounds):
    """division by the largest element"""
    return rounds(gradient, n_rounds, norm="peak")


@alike.mistake(hint="b is negative: the middle term pulls large singular values down.")
def the_sign_of_b(gradient, n_rounds):
    """b with the wrong sign"""
    return rounds(gradient, n_rounds, b=4.7750)


@alike.mistake(hint="Without c the polynomial stops at s³. U Σ⁵ Vᵀ is X Xᵀ X Xᵀ X.")
def cubic_only(gradient, n_rounds):
    """a polynomial without its fifth power"""
    return rounds(gradient, n_rounds, c=0.0)


@alike.mistake(hint="(X Xᵀ)³ X has s⁷. How many factors X are there in s⁵?")
def the_seventh_power(gradient, n_rounds):
    """the seventh power in place of the fifth"""
    return rounds(gradient, n_rounds, power="seventh")


@alike.mistake(hint="Divide once, before the first round. Afterwards the singular values are where p wants them.")
def divided_every_round(gradient, n_rounds):
    """a division by the norm in every round"""
    return rounds(gradient, n_rounds, every=True)


@alike.mistake(hint="The exact answer of a decomposition. Muon takes what the polynomial gives in so many rounds, which is near one and cheap.")
def the_exact_one(gradient, n_rounds):
    """U Vᵀ from a singular value decomposition"""
    U, _, Vt = np.linalg.svd(gradient, full_matrices=False)
    return U @ Vt


@alike.mistake(hint="Muon multiplies tall matrices by √(m/n) when it moves the weights. That is not asked here.")
def with_muons_factor(gradient, n_rounds):
    """singular values of about √(m/n) for tall matrices"""
    m, n = gradient.shape
    return rounds(gradient, n_rounds, scale=math.sqrt(max(1, m / n)))


@alike.mistake(hint="Look at n_rounds: how often does your loop run?")
def one_round_only(gradient, n_rounds):
    """one round, whatever was asked"""
    return rounds(gradient, 1)


@alike.forbid("course_lib.training.muon.orthogonalize")
def _(call, gradient, n_rounds):
    return call(torch.tensor(gradient), steps=n_rounds).numpy()


@alike.forbid("numpy.linalg.svd")
def _(call, gradient, n_rounds):
    U, s, Vt = call(gradient, full_matrices=False)
    s = s / math.sqrt((s * s).sum())
    for _ in range(n_rounds):
        s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
    return U @ np.diag(s) @ Vt


# ---- 14.7 ----------------------------------------------------------------------------------------------------------

worse = OpenQuestion(
    "14.7", title="Ten per cent worse?", difficulty=2, minutes=10,
    rubric=(
        (1, "says why the two losses cannot be compared, and what could be"),
        (1, "says what equal updates hide, and in whose favour"),
        (1, "says what is wrong with the learning rate, and in whose favour"),
        (1, "says what one run of each, and three changes at once, leave open"),
        (2, "plans a comparison that repairs all of it within the computing that there is, and says when a difference counts"),
    ),
)
