"""Exercise 14.4: find the bugs in an update of several micro-batches."""

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
