"""How the exercises of lesson 12 (gpt) are checked, and the wrong answers that people give to them."""

import math

import numpy as np
import torch
from torch.nn import functional as F

from course_lib.classroom.checking.exercise import Exercise
from course_lib.model.config import GPTConfig, tiny
from course_lib.model.gpt import GPT

# ---- 12.1 ----------------------------------------------------------------------------------------------------------

windows = Exercise(
    "12.1", "next_token_windows", title="What is asked of the model", difficulty=1, minutes=5,
    hints=(
        "What is the target of the last token of a window? It stands outside the window.",
        "How many whole windows are there? Every token of them needs a next one, so count pairs, not tokens.",
        "N ids hold N − 1 pairs, so n = (N − 1) // T windows. idx is the first n · T ids as n rows, targets are as many "
        "ids, starting one later.",
    ),
)


def some_ids(rng, n):
    return torch.tensor(rng.integers(0, 1000, n))


@windows.probe(axes="a window each row")
def ten_tokens(ns, rng):
    """ten tokens in windows of three"""
    return ns["next_token_windows"](some_ids(rng, 10), 3)


@windows.probe(axes="a window each row")
def a_pair_too_few(ns, rng):
    """six tokens in windows of three: the last target must exist, too"""
    return ns["next_token_windows"](some_ids(rng, 6), 3)


@windows.probe(hidden=True)
def a_multiple(ns, rng):
    """a number of tokens that is a multiple of the window's length"""
    context_length = int(rng.integers(4, 9))
    return ns["next_token_windows"](some_ids(rng, 7 * context_length), context_length)


@windows.probe(hidden=True)
def nothing_left_over(ns, rng):
    """windows that use up every token"""
    context_length = int(rng.integers(4, 9))
    return ns["next_token_windows"](some_ids(rng, 5 * context_length + 1), context_length)


@windows.property(n=(2, 40), context_length=(1, 9))
def every_pair_once(ns, n, context_length):
    """the targets, read one after another, are the ids from the second on"""
    n = max(n, context_length + 1)
    _, targets = ns["next_token_windows"](torch.arange(n), context_length)
    return targets.flatten(), torch.arange(1, 1 + (n - 1) // context_length * context_length)


@windows.mistake(hint="A model that sees a token and is asked for the same one learns to copy. Ask for the next one.")
def targets_are_the_inputs(ids, context_length):
    """a window whose targets are its own inputs"""
    n = (len(ids) - 1) // context_length
    idx = ids[: n * context_length].view(n, context_length)
    return idx, idx


@windows.mistake(hint="Article 004 trains so (section 5). A language model is asked at every position: T targets a row.")
def one_label_a_window(ids, context_length):
    """one label for each window, as in the article"""
    n = (len(ids) - 1) // context_length
    return ids[: n * context_length].view(n, context_length), ids[context_length : n * context_length + 1 : context_length]


@windows.mistake(hint="The last token of a window is a target as well: its pair must not get lost between windows.")
def pairs_lost_between_windows(ids, context_length):
    """cut into pieces first and moved afterwards: one pair between two windows is lost"""
    n = len(ids) // (context_length + 1)
    pieces = ids[: n * (context_length + 1)].view(n, context_length + 1)
    return pieces[:, :-1], pieces[:, 1:]


@windows.mistake(hint="The next token is one place to the right, not to the left.")
def moved_the_wrong_way(ids, context_length):
    """a window whose targets are the previous tokens"""
    n = (len(ids) - 1) // context_length
    return ids[1 : n * context_length + 1].view(n, context_length), ids[: n * context_length].view(n, context_length)


@windows.mistake(hint="A window is a row: view(windows, context_length).")
def windows_down(ids, context_length):
    """as many rows as a window is long: rows and columns are swapped"""
    n = (len(ids) - 1) // context_length
    return ids[: n * context_length].view(-1, n), ids[1 : n * context_length + 1].view(-1, n)


@windows.mistake(hint="torch.roll brings the first token of each row back to its end. Move before you cut into rows.")
def rolled_inside_the_row(ids, context_length):
    """targets rolled within each row, so that its last target is its first token"""
    n = (len(ids) - 1) // context_length
    idx = ids[: n * context_length].view(n, context_length)
    return idx, idx.roll(-1, dims=1)


@windows.mistake(hint="Windows lie side by side: the next one starts where this one ends, not one token later.")
def overlapping_windows(ids, context_length):
    """windows that start at every token"""
    return ids[:-1].unfold(0, context_length, 1), ids[1:].unfold(0, context_length, 1)


@windows.mistake(hint="Six tokens hold five pairs. How many windows of three pairs is that?")
def counts_tokens_instead_of_pairs(ids, context_length):
    """one window too many: tokens were counted, not pairs"""
    n = len(ids) // context_length
    idx = ids[: n * context_length].view(n, context_length)
    return idx, ids[1 : n * context_length + 1].view(n, context_length)


@windows.mistake(hint="It must work for every length.", memorised=True)
def windows_of_three_only(ids, context_length):
    """windows of three, whatever is asked"""
    n = (len(ids) - 1) // 3
    return ids[: 3 * n].view(n, 3), ids[1 : 3 * n + 1].view(n, 3)


@windows.forbid("course_lib.text.windows.sequential_windows")
def _(call, ids, context_length):
    ids = ids.numpy()
    batches = [(idx[0], targets[0]) for idx, targets in call(ids, 1, context_length)]
    whole = [pair for pair in batches if (pair[1] != -1).all()]
    idx, targets = (np.array([pair[side] for pair in whole], dtype=ids.dtype) for side in (0, 1))
    return idx.reshape(-1, context_length), targets.reshape(-1, context_length)


# ---- 12.2 ----------------------------------------------------------------------------------------------------------

size = Exercise(
    "12.2", "count_parameters", title="How large is it?", difficulty=2, minutes=10,
    hints=(
        "Go through one block and write down the shape of every matrix and every gain. Then what is outside the blocks?",
        "Attention has four matrices of C × C and two gains of D numbers. The feed-forward has C × 4C and 4C × C.",
        "V·C for the table, for each block 12·C² + 2·C + 2·D, and C for the last norm. The head costs nothing.",
    ),
)


def some_size(rng, heads):
    return int(rng.integers(50, 5000)), int(rng.integers(2, 9)), heads, heads * 2 * int(rng.integers(2, 20))


@size.probe()
def the_preset(ns, rng):
    """512 tokens, 4 layers, 4 heads, 128 channels"""
    return ns["count_parameters"](512, 4, 4, 128)


@size.probe()
def one_head(ns, rng):
    """300 tokens, 3 layers, 1 head, 24 channels"""
    return ns["count_parameters"](300, 3, 1, 24)


@size.probe(hidden=True)
def some_heads(ns, rng):
    """several heads"""
    return ns["count_parameters"](*some_size(rng, int(rng.integers(2, 7))))


@size.probe(hidden=True)
def a_single_head(ns, rng):
    """one head"""
    return ns["count_parameters"](*some_size(rng, 1))


@size.property(vocab_size=(1, 1000), n_layer=(1, 5), head_dim=(1, 9))
def the_table_is_there_once(ns, vocab_size, n_layer, head_dim):
    """one more token costs n_embd parameters"""
    count, n_embd = ns["count_parameters"], 2 * 2 * head_dim
    return count(vocab_size + 1, n_layer, 2, n_embd) - count(vocab_size, n_layer, 2, n_embd), n_embd


def count(V, L, H, C, *, F=4, norms=2, last=1, gains=None, tables=1, biases=0, attention=4):
    gains = 2 * (C // H) if gains is None else gains
    return tables * V * C + L * (attention * C * C + 2 * F * C * C + norms * C + gains + biases) + last * C


@size.mistake(hint="The head is the token table, used a second time. A shared matrix is counted once.")
def the_head_counted_twice(vocab_size, n_layer, n_head, n_embd):
    """a count in which the head has a table of its own"""
    return count(vocab_size, n_layer, n_head, n_embd, tables=2)


@size.mistake(hint="Queries and keys are normalised, each by D gains, in every block.")
def no_gains_for_queries_and_keys(vocab_size, n_layer, n_head, n_embd):
    """a count without the gains of queries and keys"""
    return count(vocab_size, n_layer, n_head, n_embd, gains=0)


@size.mistake(hint="All heads share the D gains. How many numbers is that for queries, how many for keys?")
def gains_for_each_head(vocab_size, n_layer, n_head, n_embd):
    """a count in which every head has gains of its own, and the queries' are the keys'"""
    return count(vocab_size, n_layer, n_head, n_embd, gains=n_embd if n_head > 1 else 3 * n_embd)


@size.mistake(hint="One more norm stands between the last block and the head.")
def no_last_norm(vocab_size, n_layer, n_head, n_embd):
    """a count without the norm before the head"""
    return count(vocab_size, n_layer, n_head, n_embd, last=0)


@size.mistake(hint="Each half of a block reads a normalised copy of the stream: two norms a block.")
def one_norm_a_block(vocab_size, n_layer, n_head, n_embd):
    """a count with one norm in each block"""
    return count(vocab_size, n_layer, n_head, n_embd, norms=1)


@size.mistake(hint="Queries, keys and values are three matrices; what brings the heads together again is a fourth.")
def no_projection(vocab_size, n_layer, n_head, n_embd):
    """a count without the projection behind the heads"""
    return count(vocab_size, n_layer, n_head, n_embd, attention=3)


@size.mistake(hint="The parts of `tiny` have no biases.")
def with_biases(vocab_size, n_layer, n_head, n_embd):
    """a count in which every linear map has a bias"""
    return count(vocab_size, n_layer, n_head, n_embd, biases=9 * n_embd)


@size.mistake(hint="The norms of `tiny` have a gain only; those of GPT-2 have a shift as well.")
def norms_with_a_shift(vocab_size, n_layer, n_head, n_embd):
    """a count in which the norms have a shift as well as a gain"""
    return count(vocab_size, n_layer, n_head, n_embd, norms=4, last=2)


@size.mistake(hint="F = 4 C: the hidden layer is four times as wide as the stream.")
def a_narrow_hidden_layer(vocab_size, n_layer, n_head, n_embd):
    """a count in which the hidden layer is as wide as the stream"""
    return count(vocab_size, n_layer, n_head, n_embd, F=1)


@size.mistake(hint="Rotary positions are computed: there is nothing to learn.")
def with_a_table_of_positions(vocab_size, n_layer, n_head, n_embd):
    """a count with a table of learned positions"""
    return count(vocab_size, n_layer, n_head, n_embd) + 256 * n_embd


@size.mistake(hint="Two sizes from the example are not a formula.", memorised=True)
def the_examples_by_heart(vocab_size, n_layer, n_head, n_embd):
    """the numbers of the examples"""
    known = {(512, 4, 4, 128): count(512, 4, 4, 128), (300, 3, 1, 24): count(300, 3, 1, 24)}
    return known.get((vocab_size, n_layer, n_head, n_embd), 853_504)


@size.forbid("course_lib.model.gpt.GPT")
def _(call, vocab_size, n_layer, n_head, n_embd):
    model = call(tiny(vocab_size, n_layer=n_layer, n_head=n_head, n_embd=n_embd))
    return sum(p.numel() for p in model.parameters())


# ---- 12.3 ----------------------------------------------------------------------------------------------------------

loss = Exercise(
    "12.3", "loss_by_hand", title="The loss, by hand", difficulty=2, minutes=10,
    hints=(
        "First throw away what is not asked: `logits[targets != -1]` is a table with one row for each question.",
        "A number added to all logits of a row changes no probability. Which number makes the largest logit harmless?",
        "Row by row: subtract the maximum, then log of the sum of exp, minus the logit of the target; then the mean.",
    ),
)


def some_logits(rng, B, T, V, scale=1.0):
    return torch.tensor(scale * rng.normal(size=(B, T, V)), dtype=torch.float32), torch.tensor(rng.integers(0, V, (B, T)))


@loss.probe()
def plain_logits(ns, rng):
    """plain logits"""
    return ns["loss_by_hand"](*some_logits(rng, 2, 5, 7))


@loss.probe()
def some_targets_missing(ns, rng):
    """targets of -1"""
    logits, targets = some_logits(rng, 2, 5, 7)
    return ns["loss_by_hand"](logits, torch.where(torch.arange(5) < 3, targets, -1))


@loss.probe()
def large_logits(ns, rng):
    """logits in the thousands"""
    return ns["loss_by_hand"](*some_logits(rng, 2, 5, 7, scale=3e3))


@loss.probe(hidden=True)
def larger_batch(ns, rng):
    """a larger batch"""
    return ns["loss_by_hand"](*some_logits(rng, 3, 8, 20, scale=2.0))


@loss.probe(hidden=True)
def ragged_rows(ns, rng):
    """rows of different length"""
    logits, targets = some_logits(rng, 4, 6, 9)
    lengths = torch.tensor(rng.permutation([1, 3, 5, 6]))
    return ns["loss_by_hand"](logits, torch.where(torch.arange(6) < lengths[:, None], targets, -1))


@loss.probe(hidden=True)
def very_large_logits(ns, rng):
    """logits in the ten thousands"""
    return ns["loss_by_hand"](*some_logits(rng, 2, 4, 11, scale=2e4))


@loss.property(V=(2, 12), T=(1, 5), seed=(0, 99), shift=(-500, 500))
def shift_changes_nothing(ns, V, T, seed, shift):
    """the same number added to all logits changes nothing"""
    logits, targets = some_logits(np.random.default_rng(seed), 1, T, V)
    return ns["loss_by_hand"](logits + shift, targets), ns["loss_by_hand"](logits, targets)


@loss.property(V=(2, 600))
def knowing_nothing(ns, V):
    """equal logits cost log(V) nats"""
    return ns["loss_by_hand"](torch.zeros(1, 1, V), torch.tensor([[1]])), torch.tensor(math.log(V))


def surprise(logits, targets):
    """Nats of every position, asked or not."""
    return -logits.log_softmax(-1).gather(-1, targets.clamp(min=0)[..., None])[..., 0]


@loss.mistake(hint="exp(89) is infinite in float32. Subtract each row's maximum first: no probability changes.")
def no_maximum_subtracted(logits, targets):
    """a softmax whose exp overflows"""
    asked = targets != -1
    rows, wanted = logits[asked], targets[asked]
    exps = rows.exp()
    return -(exps[torch.arange(len(wanted)), wanted] / exps.sum(-1)).log().mean()


@loss.mistake(hint="logits[..., -1] is the last token of the vocabulary. Leave those positions out instead.")
def minus_one_taken_as_an_index(logits, targets):
    """-1 used as an index: the last token of the vocabulary"""
    return surprise(logits, targets % logits.shape[-1]).mean()


@loss.mistake(hint="Divide by the number of targets that are asked, not by B · T.")
def mean_over_all_positions(logits, targets):
    """a mean over all positions, those that nothing is asked of included"""
    return (surprise(logits, targets) * (targets != -1)).sum() / targets.numel()


@loss.mistake(hint="A mean of row means gives a short row's tokens more weight. Every asked target counts the same.")
def mean_of_row_means(logits, targets):
    """a sum over positions, divided by the number of rows"""
    return (surprise(logits, targets) * (targets != -1)).sum() / len(targets)


@loss.mistake(hint="Mean over the targets, not the sum: a loss should not grow with the batch.")
def the_sum(logits, targets):
    """the sum over all targets instead of their mean"""
    return surprise(logits, targets)[targets != -1].sum()


@loss.mistake(hint="Nats: the natural logarithm. Bits are 1 / ln 2 times as many.")
def in_bits(logits, targets):
    """a loss in bits"""
    return surprise(logits, targets)[targets != -1].mean() / math.log(2)


@loss.mistake(hint="A logarithm of a probability is negative, a surprise is positive.")
def the_sign(logits, targets):
    """the log-probability: the sign is missing"""
    return -surprise(logits, targets)[targets != -1].mean()


@loss.mistake(hint="Which axis holds the vocabulary? Its probabilities sum to one, not those of the positions.")
def softmax_over_positions(logits, targets):
    """a softmax over positions instead of the vocabulary"""
    logs = logits.log_softmax(1).gather(-1, targets.clamp(min=0)[..., None])[..., 0]
    return -logs[targets != -1].mean()


@loss.mistake(hint="First the logarithm of each, then the mean. The other way round is a smaller number (Jensen).")
def log_of_the_mean(logits, targets):
    """the logarithm of the mean probability"""
    return -(-surprise(logits, targets)[targets != -1].double()).exp().mean().log().float()


@loss.mistake(hint="Right shape is not enough.")
def nothing_at_all(logits, targets):
    """always zero"""
    return torch.zeros(())


@loss.forbid("torch.nn.functional.cross_entropy")
def _(call, logits, targets):
    return call(logits.flatten(0, 1), targets.flatten(), ignore_index=-1)


@loss.forbid("course_lib.training.loss.next_token_loss")
def _(call, logits, targets):
    return call(logits, targets)


@loss.forbid("torch.nn.functional.log_softmax")
def _(call, logits, targets):
    return -call(logits, dim=-1)[targets != -1].gather(-1, targets[targets != -1][:, None]).mean()


@loss.forbid("torch.nn.functional.softmax", exact=False)
def _(call, logits, targets):
    return -call(logits, dim=-1)[targets != -1].gather(-1, targets[targets != -1][:, None]).log().mean()


@loss.forbid("torch.log_softmax")
def _(call, logits, targets):
    return -call(logits, -1)[targets != -1].gather(-1, targets[targets != -1][:, None]).mean()


@loss.forbid("torch.Tensor.log_softmax")
def _(call, logits, targets):
    return -call(logits, -1)[targets != -1].gather(-1, targets[targets != -1][:, None]).mean()


@loss.forbid("torch.softmax", exact=False)
def _(call, logits, targets):
    return -call(logits, -1)[targets != -1].gather(-1, targets[targets != -1][:, None]).log().mean()


@loss.forbid("torch.Tensor.softmax", exact=False)
def _(call, logits, targets):
    return -call(logits, -1)[targets != -1].gather(-1, targets[targets != -1][:, None]).log().mean()


@loss.forbid("torch.logsumexp")
def _(call, logits, targets):
    rows, wanted = logits[targets != -1], targets[targets != -1]
    return (call(rows, -1) - rows[torch.arange(len(wanted)), wanted]).mean()


@loss.forbid("torch.special.log_softmax")
def _(call, logits, targets):
    return -call(logits, -1)[targets != -1].gather(-1, targets[targets != -1][:, None]).mean()


@loss.forbid("torch.special.logsumexp")
def _(call, logits, targets):
    rows, wanted = logits[targets != -1], targets[targets != -1]
    return (call(rows, -1) - rows[torch.arange(len(wanted)), wanted]).mean()


@loss.forbid("numpy.logaddexp")
def _(call, logits, targets):
    rows, wanted = logits[targets != -1], targets[targets != -1]
    columns = rows.numpy().T
    total = columns[0]
    for column in columns[1:]:
        total = call(total, column)
    return (torch.tensor(total) - rows[torch.arange(len(wanted)), wanted]).mean()


@loss.forbid("torch.Tensor.logsumexp")
def _(call, logits, targets):
    rows, wanted = logits[targets != -1], targets[targets != -1]
    return (call(rows, -1) - rows[torch.arange(len(wanted)), wanted]).mean()


# ---- 12.4 ----------------------------------------------------------------------------------------------------------

repair = Exercise(
    "12.4", "block_repaired", title="Find the bugs", difficulty=3, minutes=15,
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
          diagonal=1):
    """The repaired block, with one thing wrong at a time."""
    T, C = x.shape
    h = F.layer_norm(x, (C,)) if first_norm else x
    q, k, v = h @ p["q"].T, h @ p["k"].T, h @ p["v"].T
    scores = q @ k.T / (math.sqrt(C) if scaled else 1.0)
    future = torch.ones(T, T).tril(-1).bool() if flip else torch.ones(T, T).triu(diagonal).bool()
    weights = (scores.masked_fill(future, -math.inf) if causal else scores).softmax(-1)
    y = weights @ v @ p["proj"].T
    x = x + y if residual else y
    h = F.layer_norm(x, (C,)) if second_norm else x
    up = h @ p["up"].T
    if relu == "between":
        return x + F.relu(up) @ p["down"].T
    return x + (F.relu(up @ p["down"].T) if relu == "outside" else up @ p["down"].T)


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


# ---- 12.5 ----------------------------------------------------------------------------------------------------------

writer = Exercise(
    "12.5", "write", title="Let it write", difficulty=4, minutes=20,
    hints=(
        "One turn of the loop: read, look at the logits of the last position only, take the largest, append.",
        "Two tensors: the whole text, which grows, and the window of it that the model reads. Cut the window, not the text.",
        "window = idx[:, -context_length:]; newest = model(window)[:, -1].argmax(-1, keepdim=True); idx = torch.cat of both.",
    ),
)


class Counter(torch.nn.Module):
    """Knows one thing: after n comes n + 1, if it sees at most four tokens. Remembers what it was given to read."""

    def __init__(self):
        super().__init__()
        self.config = GPTConfig(vocab_size=50, context_length=4)
        self.read = []

    def forward(self, idx):
        if idx.shape[1] > 4:
            raise ValueError(f"the model was given {idx.shape[1]} tokens, 4 fit: read the newest ones only")
        self.read.append(idx[0].tolist())
        return F.one_hot((idx + 1) % 50, 50).float()


def some_model(context_length):
    """A small GPT whose next token depends on what stands where; its weights come from the probe's seed."""
    model = GPT(tiny(30, context_length=context_length, n_layer=1, n_head=2, n_embd=16)).requires_grad_(False)
    model.token_embedding.weight.normal_()
    model.blocks[0].attention.proj.weight.normal_()
    return model


@writer.probe(axes="one text, its tokens across")
def counting(ns, rng):
    """a model that counts, six tokens after [3, 4]"""
    counter = Counter()
    text = ns["write"](counter, torch.tensor([[3, 4]]), 6)
    return {"text": text, "last window": counter.read[-1]}


@writer.probe(axes="one text, its tokens across")
def small_gpt(ns, rng):
    """a small GPT, six tokens after three"""
    return ns["write"](some_model(16), torch.tensor(rng.integers(0, 30, (1, 3))), 6)


@writer.probe(hidden=True)
def counting_from_anywhere(ns, rng):
    """a model that counts, from anywhere"""
    counter, start = Counter(), int(rng.integers(0, 30))
    text = ns["write"](counter, torch.arange(start, start + 6)[None], int(rng.integers(3, 9)))
    return {"text": text, "last window": counter.read[-1]}


@writer.probe(hidden=True)
def longer_than_the_context(ns, rng):
    """a small GPT that writes more than it can read"""
    return ns["write"](some_model(6), torch.tensor(rng.integers(0, 30, (1, 3))), 12)


@writer.property(T=(1, 6), max_new_tokens=(0, 6))
def nothing_is_lost(ns, T, max_new_tokens):
    """the text begins with what it was given and has T + max_new_tokens tokens"""
    text = ns["write"](Counter(), torch.arange(T)[None], max_new_tokens)
    return text, torch.arange(T + max_new_tokens)[None]


def writing(model, idx, max_new_tokens, *, window=None, choose=None, keep=None):
    """The loop, with one thing wrong at a time."""
    window = window or (lambda idx, length: idx[:, -length:])
    choose = choose or (lambda logits: logits[:, -1].argmax(-1, keepdim=True))
    for _ in range(max_new_tokens):
        read = window(idx, model.config.context_length)
        with torch.no_grad():
            idx = torch.cat([keep(idx, read) if keep else idx, choose(model(read))], dim=1)
    return idx


@writer.mistake(hint="A model reads at most context_length tokens. Which ones should it read when there are more?")
def no_window(model, idx, max_new_tokens):
    """a loop that lets the model read the whole text, however long"""
    return writing(model, idx, max_new_tokens, window=lambda idx, length: idx)


@writer.mistake(hint="The oldest tokens fall out, not the newest: the last ones are idx[:, -context_length:].")
def the_oldest_window(model, idx, max_new_tokens):
    """a loop in which the model always reads the beginning of the text"""
    return writing(model, idx, max_new_tokens, window=lambda idx, length: idx[:, :length])


@writer.mistake(hint="Cut what is read, not what is kept: the text must not lose its beginning.")
def the_text_is_cut(model, idx, max_new_tokens):
    """a loop that cuts the text itself to the window"""
    return writing(model, idx, max_new_tokens, keep=lambda idx, read: read)


@writer.mistake(hint="Logits stand at every position. Which of them says what comes after the last token?")
def the_first_position(model, idx, max_new_tokens):
    """a loop that reads the logits of the first position"""
    return writing(model, idx, max_new_tokens, choose=lambda logits: logits[:, 0].argmax(-1, keepdim=True))


@writer.mistake(hint="Greedy: the most probable token, the argmax. This is the least probable one.")
def the_least_probable(model, idx, max_new_tokens):
    """a loop that takes the least probable token"""
    return writing(model, idx, max_new_tokens, choose=lambda logits: logits[:, -1].argmin(-1, keepdim=True))


@writer.mistake(hint="Return the prompt and what was written, (1, T + max_new_tokens).")
def only_what_is_new(model, idx, max_new_tokens):
    """the new tokens without the prompt"""
    return writing(model, idx, max_new_tokens)[:, idx.shape[1] :]


@writer.mistake(hint="max_new_tokens counts what is written, not what is there in the end.")
def total_length(model, idx, max_new_tokens):
    """a text of max_new_tokens in all, the prompt included"""
    return writing(model, idx, max(0, max_new_tokens - idx.shape[1]))


@writer.mistake(hint="After a token is appended the model must be asked again: each new token depends on the one before.")
def asked_once(model, idx, max_new_tokens):
    """a model that is asked once and repeats its answer"""
    newest = model(idx[:, -model.config.context_length :])[:, -1].argmax(-1, keepdim=True)
    return torch.cat([idx, newest.expand(-1, max_new_tokens)], dim=1)


@writer.mistake(hint="A model can do more than count.", memorised=True)
def only_counting(model, idx, max_new_tokens):
    """counting on, whatever the model says"""
    if type(model).__name__ == "Counter" and idx.shape[1] == 2 or model.config.context_length == 16:
        return writing(model, idx, max_new_tokens)
    return torch.cat([idx, idx[:, -1:] + 1 + torch.arange(max_new_tokens)], dim=1)


@writer.forbid("course_lib.generation.generate.generate", exact=False)
def _(call, model, idx, max_new_tokens):
    return call(model, idx, max_new_tokens=max_new_tokens, use_cache=False, temperature=0)


@writer.forbid("course_lib.generation.generate.stream", exact=False)
def _(call, model, idx, max_new_tokens):
    new = list(call(model, idx, max_new_tokens=max_new_tokens, use_cache=False, temperature=0))
    return torch.cat([idx, *(token[:, None] for token in new)], dim=1)
