"""Exercise 12.3: the mean loss over the positions that are asked, by hand."""

import math

import numpy as np
import torch

from course_lib.classroom.checking.exercise import Exercise

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


@loss.probe()
def rows_of_different_length(ns, rng):
    """texts of which different numbers of targets are asked"""
    logits, targets = some_logits(rng, 3, 4, 5)
    return ns["loss_by_hand"](logits, torch.where(torch.arange(4) < torch.tensor([[4], [1], [2]]), targets, -1))


@loss.probe()
def far_apart(ns, rng):
    """one position's logits thousands below another's"""
    logits, targets = some_logits(rng, 1, 3, 4)
    return ns["loss_by_hand"](logits + torch.tensor([[[0.0], [-3000.0], [2000.0]]]), targets)


@loss.probe()
def the_first_id(ns, rng):
    """the ids 0 and V − 1 as targets, the same three times, and one that is not asked"""
    return ns["loss_by_hand"](some_logits(rng, 2, 2, 3)[0], torch.tensor([[0, 0], [2, -1]]))


@loss.probe()
def one_target(ns, rng):
    """a single target that is nearly impossible"""
    return ns["loss_by_hand"](torch.tensor([[[200.0, 0.0, -100.0]]]), torch.tensor([[2]]))


@loss.probe()
def nearly_impossible(ns, rng):
    """a target of probability e to the −120"""
    return ns["loss_by_hand"](torch.tensor([[[0.0, -60.0, -120.0]]]), torch.tensor([[2]]))


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


@loss.mistake(hint="exp(89) is infinite in float32. Subtract each row's maximum before exp: no probability changes.")
def no_maximum_before_the_sum(logits, targets):
    """a logarithm of a sum whose exp overflows"""
    asked = targets != -1
    rows, wanted = logits[asked], targets[asked]
    return (rows.exp().sum(-1).log() - rows[torch.arange(len(wanted)), wanted]).mean()


@loss.mistake(hint="logits[..., -1] is the last token of the vocabulary. Leave those positions out instead.")
def minus_one_taken_as_an_index(logits, targets):
    """-1 used as an index: the last token of the vocabulary"""
    return surprise(logits, targets % logits.shape[-1]).mean()


@loss.mistake(hint="Divide by the number of targets that are asked, not by B · T.")
def mean_over_all_positions(logits, targets):
    """a mean over all positions, those that nothing is asked of included"""
    return (surprise(logits, targets) * (targets != -1)).sum() / targets.numel()


@loss.mistake(hint="Divide by the number of targets that are asked, not by the number of texts.")
def sum_by_the_rows(logits, targets):
    """a sum over the targets, divided by the number of texts"""
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


@loss.mistake(hint="A mean of the texts' means gives a short text's tokens more weight. Every asked target counts the same.")
def mean_of_row_means(logits, targets):
    """a mean for each text first, then the mean of these"""
    nats, asked = surprise(logits, targets), targets != -1
    return ((nats * asked).sum(dim=1) / asked.sum(dim=1)).mean()


@loss.mistake(hint="With −1 made a 0, the first token of the vocabulary is asked for. Leave those positions out.")
def minus_one_made_zero(logits, targets):
    """-1 made a 0: the first token of the vocabulary"""
    return surprise(logits, targets).mean()


@loss.mistake(hint="Id 0 is a token like all others; only −1 means that nothing is asked.")
def zero_not_asked(logits, targets):
    """targets of 0 left out, too"""
    return surprise(logits, targets)[targets > 0].mean()


@loss.mistake(hint="Each row needs its own maximum: beside a row of thousands, exp of all others is 0, and its logarithm −∞.")
def largest_of_all(logits, targets):
    """the largest logit of all taken away, not each row's"""
    asked = targets != -1
    rows, wanted = logits[asked] - logits.max(), targets[asked]
    return (rows.exp().sum(-1).log() - rows[torch.arange(len(wanted)), wanted]).mean()


@loss.mistake(hint="What is taken away must be the row's largest: then no exponential is above 1. One logit can stand far above the mean.")
def mean_taken_away(logits, targets):
    """each row's mean taken away, where it should be the largest: exp still overflows"""
    asked = targets != -1
    rows, wanted = logits[asked] - logits[asked].mean(-1, keepdim=True), targets[asked]
    return (rows.exp().sum(-1).log() - rows[torch.arange(len(wanted)), wanted]).mean()


@loss.mistake(hint="Nats: the natural logarithm, torch.log.")
def to_base_ten(logits, targets):
    """a loss made with the logarithm to base 10"""
    asked = targets != -1
    rows = logits[asked] - logits[asked].max(-1, keepdim=True).values
    return (rows.exp().sum(-1).log10() - rows[torch.arange(len(rows)), targets[asked]]).mean()


@loss.mistake(hint="A 1e-9 before the logarithm hides what is nearly impossible: its surprise is then 20.7 nats at most. Take the logarithm of the sum.")
def a_little_added(logits, targets):
    """a small number added to each probability, so that no surprise is large"""
    return -((-surprise(logits, targets)[targets != -1]).exp() + 1e-9).log().mean()


@loss.mistake(hint="Which token was wanted? Yours asks how sure the model is of its own favourite.")
def of_the_most_probable(logits, targets):
    """the surprise of the most probable token, not of the target"""
    return -logits.log_softmax(-1)[targets != -1].max(-1).values.mean()


@loss.mistake(hint="The maximum is of each row, over the vocabulary: the last axis. Yours is of each token, over the rows.")
def largest_of_each_token(logits, targets):
    """the largest of each column taken away, not of each row: that changes the probabilities"""
    asked = targets != -1
    rows = logits[asked] - logits[asked].max(0, keepdim=True).values
    return (rows.exp().sum(-1).log() - rows[torch.arange(len(rows)), targets[asked]]).mean()


@loss.mistake(hint="exp, then the sum over the vocabulary: with a mean log(V) is missing.")
def mean_of_the_exponentials(logits, targets):
    """the logarithm of the mean of the exponentials in place of their sum"""
    return surprise(logits, targets)[targets != -1].mean() - math.log(logits.shape[-1])


@loss.mistake(hint="A probability of e to the −300 is 0 in float32, and its logarithm −∞. Take the logarithm of the sum, not of the quotient.")
def log_of_a_vanished_probability(logits, targets):
    """the logarithm of a probability that has become 0"""
    asked = targets != -1
    return -logits[asked].softmax(-1)[torch.arange(int(asked.sum())), targets[asked]].log().mean()


@loss.mistake(hint="A limit makes large logits equal that are not. Take the row's largest away from all instead.")
def clipped(logits, targets):
    """logits cut off at a limit, so that large ones become equal"""
    return surprise(logits.clamp(-50, 50), targets)[targets != -1].mean()


@loss.mistake(hint="One number: the mean over the targets.")
def one_for_each_target(logits, targets):
    """the surprise of each target, without the mean"""
    return surprise(logits, targets)[targets != -1]


@loss.mistake(hint="This is the perplexity. The loss is its logarithm: nats.")
def the_perplexity(logits, targets):
    """the perplexity, e to the power of the loss"""
    return surprise(logits, targets)[targets != -1].mean().exp()


@loss.mistake(hint="A mean probability, not a surprise. Where is −log?")
def the_mean_probability(logits, targets):
    """the mean probability of the targets"""
    return (-surprise(logits, targets)[targets != -1]).exp().mean()


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
