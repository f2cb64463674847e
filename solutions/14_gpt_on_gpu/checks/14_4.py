"""Exercise 14.4: find the bugs in an update of several micro-batches."""

import math
from collections import defaultdict

import numpy as np
import torch
from torch.nn import functional as F

from course_lib.classroom.checking.exercise import Exercise
from course_lib.training.optim import clip_gradients

accumulation = Exercise(
    "14.4", "update_repaired", title="Find the bugs", difficulty=3, minutes=15, changes=("model", "optimizer"),
    hints=(
        "Which of the five lines belong before the loop, which after it? zero_grad, backward, clip, step: when is the gradient complete?",
        "The loss of the whole batch is (sum of all nats) / (number of all targets). Count the targets before the loop; reduction=\"sum\" gives nats.",
        "zero_grad once, before. In the loop: nats of this part over the targets of all parts, backward, add up. After it: clip, step, return the sum.",
    ),
)


class Descent(torch.optim.Optimizer):
    """Plain gradient descent: p ← p − lr · gradient. Counts its steps; all else is torch's own."""

    def __init__(self, params, lr=1.0):
        groups = [{"params": list(params), "lr": lr}]
        self.__setstate__({"defaults": {"lr": lr}, "state": defaultdict(dict), "param_groups": groups})
        self.steps = 0  # (torch's own __init__ imports torch's compiler, which takes seconds)

    @torch.no_grad()
    def step(self, closure=None):
        self.steps += 1
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p -= group["lr"] * p.grad


def some_bigram(rng, V=6):
    """A table of logits for the next token, with a gradient left over from before."""
    table = torch.nn.Embedding(V, V)
    table.weight.data = torch.tensor(rng.normal(size=(V, V)), dtype=torch.float32)
    table.weight.grad = torch.full((V, V), 0.05)
    return table


class Both(torch.nn.Module):
    """Two tables, the second three times as loud: its gradient is larger."""

    def __init__(self, first, second):
        super().__init__()
        self.first, self.second = first, second

    def forward(self, idx):
        return self.first(idx) + 3 * self.second(idx)


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


def what_it_keeps(update, table, micro_batches, max_norm):
    """The same, with the largest number of texts for which a backward pass was still to come."""
    texts = at_once(table)
    return what_it_does(update, table, micro_batches, max_norm) | {"texts in memory at once": texts()}


def at_once(table):
    """The largest number of texts, from now on, for which a backward pass was still to come."""
    waiting, most = {}, [0]

    def noted(_, inputs, logits):
        if logits.requires_grad:
            waiting[number := len(waiting)] = len(inputs[0])
            most.append(sum(waiting.values()))
            logits.register_hook(lambda _: waiting.update({number: 0}))

    table.register_forward_hook(noted)
    return lambda: max(most)


@accumulation.probe(axes="tokens down, next tokens across")
def equally_full(ns, rng):
    """three micro-batches, equally full, no clipping needed"""
    return what_it_keeps(ns["update_repaired"], some_bigram(rng), some_micro_batches(rng, (5, 5, 5)), 100.0)


@accumulation.probe(axes="tokens down, next tokens across")
def unequally_full(ns, rng):
    """two micro-batches, one nearly empty"""
    return what_it_keeps(ns["update_repaired"], some_bigram(rng), some_micro_batches(rng, (5, 1)), 100.0)


@accumulation.probe(axes="tokens down, next tokens across")
def clipped(ns, rng):
    """three micro-batches whose gradient must be clipped"""
    return what_it_does(ns["update_repaired"], some_bigram(rng), some_micro_batches(rng, (5, 2, 4)), 0.1)


@accumulation.probe(axes="tokens down, next tokens across")
def clipped_hard(ns, rng):
    """two micro-batches, clipped to nearly nothing"""
    return what_it_does(ns["update_repaired"], some_bigram(rng), some_micro_batches(rng, (4, 2)), 0.02)


@accumulation.probe(axes="tokens down, next tokens across")
def nothing_asked(ns, rng):
    """three micro-batches, of which one asks nothing"""
    return what_it_does(ns["update_repaired"], some_bigram(rng), some_micro_batches(rng, (5, 0, 2)), 100.0)


@accumulation.probe(axes="tokens down, next tokens across")
def nothing_asked_first(ns, rng):
    """two micro-batches, of which the first asks nothing, clipped"""
    return what_it_does(ns["update_repaired"], some_bigram(rng), some_micro_batches(rng, (0, 3)), 0.2)


@accumulation.probe(axes="tokens down, next tokens across")
def a_single_one(ns, rng):
    """a single micro-batch"""
    return what_it_does(ns["update_repaired"], some_bigram(rng), some_micro_batches(rng, (4,)), 0.2)


@accumulation.probe(axes="tokens down, next tokens across")
def hardly_asked(ns, rng):
    """a single micro-batch that asks for one target of each text, no clipping needed"""
    return what_it_does(ns["update_repaired"], some_bigram(rng), some_micro_batches(rng, (1,)), 100.0)


@accumulation.probe(axes="tokens down, next tokens across")
def two_tables(ns, rng):
    """a model of two tables, whose gradients must be clipped together"""
    model = Both(some_bigram(rng), some_bigram(rng))
    before, optimizer = [p.detach().clone() for p in model.parameters()], Descent(model.parameters())
    loss = ns["update_repaired"](model, optimizer, some_micro_batches(rng, (5, 2)), 0.1)
    changes = [p.detach() - old for p, old in zip(model.parameters(), before, strict=True)]
    return {"loss": loss, "change of the first table": changes[0], "change of the second": changes[1]}


@accumulation.probe(hidden=True)
def any_two_tables(ns, rng):
    """any model of two tables, clipped"""
    model = Both(some_bigram(rng), some_bigram(rng))
    before, optimizer = [p.detach().clone() for p in model.parameters()], Descent(model.parameters())
    loss = ns["update_repaired"](model, optimizer, some_micro_batches(rng, [5, 1, int(rng.integers(1, 6))]), 0.1)
    return [loss, *(p.detach() - old for p, old in zip(model.parameters(), before, strict=True))]


@accumulation.probe(hidden=True)
def any_micro_batches(ns, rng):
    """any micro-batches, and one that asks nothing among others"""
    filled = rng.integers(1, 6, int(rng.integers(3, 6)))
    found = what_it_keeps(ns["update_repaired"], some_bigram(rng), some_micro_batches(rng, [5, 1, *filled]), 100.0)
    empty = what_it_does(ns["update_repaired"], some_bigram(rng), some_micro_batches(rng, [3, 0, 5]), 100.0)
    return [found, empty]


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


def updating(model, optimizer, micro_batches, max_norm, *, zero="before", mean="all", clip="after", step="after", said="mean",
             backward="each", shrunk=1):
    """The repaired loop, with some things wrong. backward: of each part, of the "first" alone, or "once" for all."""
    counts = [int((targets != -1).sum()) for _, targets in micro_batches]
    cells = sum(targets.numel() for _, targets in micro_batches)
    asking, rows = max(1, sum(count > 0 for count in counts)), sum(len(targets) for _, targets in micro_batches)
    total, parts, last, held = 0.0, [], 0.0, []
    if zero == "before":
        optimizer.zero_grad()
    for (idx, targets), count in zip(micro_batches, counts, strict=True):
        if zero == "inside":
            optimizer.zero_grad()
        nats = F.cross_entropy(model(idx).flatten(0, 1), targets.flatten(), ignore_index=-1, reduction="sum")
        over = {"all": sum(counts), "own": count, "parts": count * len(counts), "number": len(counts), "cells": cells, "none": 1, "asking": max(1, count) * asking,
                "parts, no nan": max(1, count) * len(counts), "rows": rows, "one for none": sum(count or 1 for count in counts)}[mean]
        held.append(nats / over if over else nats * math.nan)
        if backward == "each" or backward == "first" and len(held) == 1:
            held[-1].backward()
        total, last = total + nats.item(), nats.item() / count if count else math.nan
        parts.append(last)
        if clip == "inside":
            clip_gradients(model.parameters(), max_norm)
        if step == "inside":
            optimizer.step()
    if backward == "once":
        sum(held).backward()
    if clip == "after":
        clip_gradients(model.parameters(), max_norm / shrunk)
    if clip == "always":
        norm = math.sqrt(sum(float((p.grad**2).sum()) for p in model.parameters()))
        [p.grad.mul_(max_norm / norm) for p in model.parameters()]
    if clip == "each":
        [clip_gradients([p], max_norm) for p in model.parameters()]
    if clip == "sum":
        [p.grad.mul_(sum(counts)) for p in model.parameters()]
        clip_gradients(model.parameters(), max_norm)
        [p.grad.div_(sum(counts)) for p in model.parameters()]
    if clip == "numbers":
        [p.grad.clamp_(-max_norm, max_norm) for p in model.parameters()]
    if step == "after":
        optimizer.step()
    if clip == "too late":
        clip_gradients(model.parameters(), max_norm)
    if zero == "at the end":
        optimizer.zero_grad()
    means = [part for part, count in zip(parts, counts, strict=True) if count]
    shares = [part * count / sum(counts) for part, count in zip(parts, counts, strict=True)]
    return {"mean": total / sum(counts), "last": last, "mean of means": sum(parts) / len(parts), "sum of means": sum(parts),
            "sum": total, "cells": total / cells, "mean of asking": sum(means) / asking, "mean, no nan": sum(means) / len(parts),
            "first": parts[0], "shares": sum(shares), "last share": means[-1] * counts[-1] / sum(counts), "rows": total / rows,
            "last, no nan": parts[-1] if counts[-1] else 0.0, "one for none": total / sum(count or 1 for count in counts)}[said]


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


@accumulation.mistake(hint="The update must take gradients that are clipped to max_norm: after the loop, before `step`. Afterwards they have done their work.")
def clipped_too_late(model, optimizer, micro_batches, max_norm):
    """gradients clipped after the update, or not clipped to max_norm at all"""
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


@accumulation.mistake(hint="Nothing is divided by zero now. But the mean of the means is the mean only if all parts are equally full, and these are not.")
def a_mean_of_those_that_ask(model, optimizer, micro_batches, max_norm):
    """the mean of the means of those micro-batches that ask something"""
    return updating(model, optimizer, micro_batches, max_norm, mean="asking", said="mean of asking")


@accumulation.mistake(hint="A part that asks nothing is left out, but still counted as a part; and a mean of means is the mean only if all parts are equally full.")
def a_mean_with_empty_parts(model, optimizer, micro_batches, max_norm):
    """the mean of the micro-batches' means, with 0 for one that asks nothing"""
    return updating(model, optimizer, micro_batches, max_norm, mean="parts, no nan", said="mean, no nan")


@accumulation.mistake(hint="The gradient is right. The loss that you return is a mean of means: add up nats, and divide by all targets once.")
def the_loss_a_mean_of_those_that_ask(model, optimizer, micro_batches, max_norm):
    """the right update, with the mean of the means of those micro-batches that ask something as its loss"""
    return updating(model, optimizer, micro_batches, max_norm, said="mean of asking")


@accumulation.mistake(hint="The loss is right, the gradient is not: each part's nats must be divided by the targets of all parts, not by its own.")
def the_gradient_a_mean_of_means(model, optimizer, micro_batches, max_norm):
    """the right loss, with the gradient of a mean of means"""
    return updating(model, optimizer, micro_batches, max_norm, mean="parts, no nan")


@accumulation.mistake(hint="The gradient is right. But you return the last micro-batch's share of the loss: add all shares up.")
def the_share_of_the_last(model, optimizer, micro_batches, max_norm):
    """the right update, with the last micro-batch's share of the loss"""
    return updating(model, optimizer, micro_batches, max_norm, said="last share")


@accumulation.mistake(hint="The loss that you return is that of the first micro-batch alone.")
def the_loss_of_the_first(model, optimizer, micro_batches, max_norm):
    """the right update, with the loss of the first micro-batch"""
    return updating(model, optimizer, micro_batches, max_norm, said="first")


@accumulation.mistake(hint="The gradient is right. The loss that you return is a sum of nats: divide by the number of targets.")
def the_loss_a_sum(model, optimizer, micro_batches, max_norm):
    """the right update, with a sum of nats as its loss"""
    return updating(model, optimizer, micro_batches, max_norm, said="sum")


@accumulation.mistake(hint="The loss is divided by all targets, the gradient is not: it grows with the batch. Divide before backward.")
def the_gradient_of_a_sum(model, optimizer, micro_batches, max_norm):
    """the right loss, with the gradient of a sum of nats"""
    return updating(model, optimizer, micro_batches, max_norm, mean="none")


@accumulation.mistake(hint="The update is right. A micro-batch that asks nothing has a mean of 0 / 0, and nan times no share is still nan: add up nats, with reduction=\"sum\".")
def shares_of_nan(model, optimizer, micro_batches, max_norm):
    """the right update, with a loss of nan where a micro-batch asks nothing"""
    return updating(model, optimizer, micro_batches, max_norm, said="shares")


@accumulation.mistake(hint="The number of targets that are not −1, not the number of texts.")
def over_the_texts(model, optimizer, micro_batches, max_norm):
    """sums of nats divided by the number of texts"""
    return updating(model, optimizer, micro_batches, max_norm, mean="rows", said="rows")


@accumulation.mistake(hint="A micro-batch that asks nothing has no targets: count 0, not 1.")
def one_for_none(model, optimizer, micro_batches, max_norm):
    """a micro-batch that asks nothing, counted as one target"""
    return updating(model, optimizer, micro_batches, max_norm, mean="one for none", said="one for none")


@accumulation.mistake(hint="A gradient that is shorter than max_norm stays as it is: clipping never makes it longer.")
def always_of_max_norm(model, optimizer, micro_batches, max_norm):
    """gradients scaled to a norm of max_norm, the short ones as well"""
    return updating(model, optimizer, micro_batches, max_norm, clip="always")


@accumulation.mistake(hint="Clipping shortens the whole gradient, so that its direction stays. Yours cuts each number by itself.")
def each_number_clipped(model, optimizer, micro_batches, max_norm):
    """each number of the gradient clipped by itself"""
    return updating(model, optimizer, micro_batches, max_norm, clip="numbers")


@accumulation.mistake(hint="max_norm is for the gradient of the whole batch, however many parts it has.")
def max_norm_shared(model, optimizer, micro_batches, max_norm):
    """gradients clipped to max_norm divided by the number of micro-batches"""
    return updating(model, optimizer, micro_batches, max_norm, shrunk=len(micro_batches))


@accumulation.mistake(hint="All micro-batches lie in memory at once, and that did not fit: give the model one after the other, with backward after each.")
def one_backward(model, optimizer, micro_batches, max_norm):
    """right, but with all micro-batches in memory at once, in one pass or for one backward"""
    return updating(model, optimizer, micro_batches, max_norm, backward="once")


@accumulation.mistake(hint="Each micro-batch adds its gradient: backward for every one of them.")
def the_first_gradient_only(model, optimizer, micro_batches, max_norm):
    """the gradient of the first micro-batch alone"""
    return updating(model, optimizer, micro_batches, max_norm, backward="first")


@accumulation.mistake(hint="Every micro-batch belongs to the batch, the last one too.")
def without_the_last(model, optimizer, micro_batches, max_norm):
    """an update without the last micro-batch"""
    return updating(model, optimizer, micro_batches[:max(1, len(micro_batches) - 1)], max_norm)


@accumulation.mistake(hint="Targets of −1 are asked of nobody. Yours asks for token 0 there: ignore_index=-1 leaves them out.")
def filling_asked(model, optimizer, micro_batches, max_norm):
    """targets of −1 that are taken for token 0"""
    return updating(model, optimizer, [(idx, targets.clamp(min=0)) for idx, targets in micro_batches], max_norm)


@accumulation.mistake(hint="Token 0 is a target like any other: only −1 is asked of nobody.")
def token_zero_not_counted(model, optimizer, micro_batches, max_norm):
    """sums divided by a number of targets in which those of token 0 are missing"""
    counted = sum(int((targets > 0).sum()) for _, targets in micro_batches)
    asked = sum(int((targets != -1).sum()) for _, targets in micro_batches)
    loss = updating(model, optimizer, micro_batches, max_norm, step="never", clip="never") * asked / counted
    [p.grad.mul_(asked / counted) for p in model.parameters()]
    clip_gradients(model.parameters(), max_norm)
    optimizer.step()
    return loss


@accumulation.mistake(hint="The norm is that of all gradients together. Clipped one by one, parameters change their shares of the step.")
def each_parameter_for_itself(model, optimizer, micro_batches, max_norm):
    """each parameter clipped for itself, not all of them together"""
    return updating(model, optimizer, micro_batches, max_norm, clip="each")


@accumulation.mistake(hint="First divide, then clip: the norm that is limited is that of the mean's gradient.")
def clipped_before_it_is_divided(model, optimizer, micro_batches, max_norm):
    """the gradient of the sum clipped, and divided afterwards"""
    return updating(model, optimizer, micro_batches, max_norm, clip="sum")
