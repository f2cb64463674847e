"""Speculative decoding on a vocabulary of five: every path that chance can take, with its probability, summed up.

`draw` and `happens` are the only places where chance comes in; the tests replace them by one that tries everything.
"""

import itertools
import math
import re

import pytest
import torch
from torch import nn

from course_lib.generation import speculative
from course_lib.generation.generate import generate
from course_lib.generation.sampling import next_probs
from course_lib.generation.speculative import (
    acceptance_rate,
    keep_probability,
    residual,
    speculate,
    speedup,
    tokens_per_round,
)
from course_lib.model.config import GPTConfig
from course_lib.model.gpt import GPT

V = 5


class Table(nn.Module):
    """A stand-in model: other random logits after every text. It knows the text only from a real cache of ids."""

    def __init__(self, seed, memory=99):
        super().__init__()
        self.config = GPTConfig(vocab_size=V, context_length=9, n_layer=1, n_head=1, n_embd=2)
        self.seed, self.memory, self.head_weight, self.known = seed, memory, torch.zeros(1), {}

    def logits(self, text):
        key = (self.seed, *text[len(text) - min(self.memory, len(text)):])
        if key not in self.known:
            generator = torch.Generator().manual_seed(hash(key) % 2**31)
            self.known[key] = 1.5 * torch.randn(V, dtype=torch.float64, generator=generator)
        return self.known[key]

    def forward(self, idx, *, cache):
        k = idx[:, None, :, None].expand(1, 1, -1, 2).double()
        text = cache.append(0, k, k)[0][0, 0, :, 0].long().tolist()
        cache.advance(idx.shape[1])
        ends = range(len(text) - idx.shape[1] + 1, len(text) + 1)
        return torch.stack([self.logits(text[:end]) for end in ends])[None]


class Choices:
    """Goes the way that `script` says, then the first way possible; `trail` is (way taken, ways there were)."""

    def __init__(self, script):
        self.script, self.trail, self.probability = script, [], 1.0

    def choose(self, options):
        options = [(value, p) for value, p in options if p > 0]
        place = self.script[len(self.trail)] if len(self.trail) < len(self.script) else 0
        self.trail.append((place, len(options)))
        self.probability *= options[place][1]
        return options[place][0]

    def draw(self, probs, generator=None):
        return self.choose(list(enumerate(probs.tolist())))

    def happens(self, probability, generator=None):
        return self.choose([(True, probability), (False, 1 - probability)])


def all_paths(monkeypatch, run):
    """(result, probability) of `run()` for every way in which its draws can fall."""
    script = []
    while True:
        choices = Choices(script)
        monkeypatch.setattr(speculative, "draw", choices.draw)
        monkeypatch.setattr(speculative, "happens", choices.happens)
        yield run(), choices.probability
        trail = choices.trail
        while trail and trail[-1][0] + 1 == trail[-1][1]:
            trail.pop()
        if not trail:
            return
        script = [place for place, _ in trail]
        script[-1] += 1


def by_target(target, prompt, new, stop_ids=(), **sampling):
    """Probability of every text that the target writes alone."""
    found = {(): 1.0}
    for _ in range(new):
        longer = {}
        for ids, probability in found.items():
            if ids and ids[-1] in stop_ids:
                longer[ids] = probability
                continue
            probs = next_probs(target.logits([*prompt, *ids])[None], **sampling)[0]
            longer |= {(*ids, token): probability * p for token, p in enumerate(probs.tolist()) if p > 0}
        found = longer
    return found


CASES = [(1, 3, {}), (2, 3, {}), (3, 3, dict(top_k=3)), (2, 4, dict(top_k=2, temperature=0.8)), (5, 3, dict(top_p=0.8)),
         (2, 3, dict(min_p=0.3)), (2, 4, dict(temperature=0)), (1, 0, {})]


@pytest.mark.parametrize("n_draft, new, sampling", CASES)
@pytest.mark.parametrize("stop_ids", [(), (2, 4)], ids=["no stop", "stops"])
def test_the_distribution_is_exactly_the_targets(monkeypatch, n_draft, new, sampling, stop_ids):
    target, draft, prompt, found = Table(1), Table(2), [3, 0], {}

    def run():
        rounds = speculate(target, draft, prompt, max_new_tokens=new, n_draft=n_draft, stop_ids=stop_ids, **sampling)
        return tuple(token for one in rounds for token in one.ids)

    for ids, probability in all_paths(monkeypatch, run):
        found[ids] = found.get(ids, 0.0) + probability
    expected = by_target(target, prompt, new, stop_ids, **sampling)
    assert {ids for ids, probability in found.items() if probability > 1e-12} == set(expected)
    for ids, probability in expected.items():
        assert found[ids] == pytest.approx(probability, abs=1e-12)


def test_frequencies_are_the_targets():
    """The real draws, not the replaced ones: chi-squared of 1500 texts of two tokens, limit for p = 0.001."""
    target, draft, generator, counts = Table(1), Table(2), torch.Generator().manual_seed(0), {}
    n = 1500
    for _ in range(n):
        rounds = speculate(target, draft, [3], max_new_tokens=2, n_draft=2, generator=generator)
        ids = tuple(token for one in rounds for token in one.ids)
        counts[ids] = counts.get(ids, 0) + 1
    expected = by_target(target, [3], 2)
    assert len(expected) == 25
    assert sum((counts.get(ids, 0) - n * p)**2 / (n * p) for ids, p in expected.items()) < 51.18


@pytest.fixture
def probs():
    generator = torch.Generator().manual_seed(0)
    return (2 * torch.randn(2, 20, V, dtype=torch.float64, generator=generator)).softmax(-1)


def test_keeping_and_replacing_make_the_target(probs):
    for p, q in zip(*probs, strict=True):
        keep = torch.tensor([keep_probability(token, p, q) for token in range(V)], dtype=torch.float64)
        torch.testing.assert_close(q * keep + (1 - (q * keep).sum()) * residual(p, q), p, rtol=0, atol=1e-15)
        assert acceptance_rate(p, q).item() == pytest.approx((q * keep).sum().item(), abs=1e-15)
        assert acceptance_rate(p, q).item() == pytest.approx(1 - (p - q).abs().sum().item() / 2, abs=1e-15)


def test_equal_models_keep_everything(probs):
    p = probs[0, 0]
    assert keep_probability(3, p, p) == 1 and torch.equal(residual(p, p), p)
    assert acceptance_rate(p, p).item() == pytest.approx(1)


@pytest.mark.parametrize("n_draft", [1, 2, 3])
def test_tokens_per_round_by_all_paths(monkeypatch, n_draft):
    """Models without memory, so that every place has the same rate: the mean over all paths is the formula."""
    target, draft = Table(5, memory=0), Table(6, memory=0)
    p, q = (next_probs(model.logits([])[None])[0] for model in (target, draft))

    def run():
        return len(next(speculate(target, draft, [0], max_new_tokens=8, n_draft=n_draft)).ids)

    mean = sum(n * probability for n, probability in all_paths(monkeypatch, run))
    rate = acceptance_rate(p, q).item()
    assert mean == pytest.approx(tokens_per_round(rate, n_draft), abs=1e-12)
    assert mean == pytest.approx((1 - rate**(n_draft + 1)) / (1 - rate), abs=1e-12)


def test_formulas_by_hand():
    assert tokens_per_round(1.0, 4) == 5 and tokens_per_round(0.0, 4) == 1 and tokens_per_round(0.5, 2) == 1.75
    assert speedup(1.0, 4, 0.0) == 5 and speedup(0.5, 2, 0.25) == pytest.approx(1.75 / 1.5)


def make_model(seed, **changes):
    torch.manual_seed(seed)
    sizes = dict(vocab_size=31, context_length=64, n_layer=2, n_head=4, n_embd=32)
    model = GPT(GPTConfig(**sizes | changes))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.4 * torch.randn_like(parameter))
    return model.double().eval()


@pytest.mark.parametrize("n_draft", [1, 3, 7])
@pytest.mark.parametrize("position", ["rotary", "learned"])
def test_greedy_text_is_the_targets_whatever_the_draft(n_draft, position):
    target = make_model(0, position=position)
    for draft in (make_model(1, n_layer=1), target):
        for prompt in ([1, 2, 3], [7]):
            expected = generate(target, torch.tensor([prompt]), max_new_tokens=20, temperature=0)[0].tolist()
            rounds = list(speculate(target, draft, prompt, max_new_tokens=20, n_draft=n_draft, temperature=0))
            assert prompt + [token for one in rounds for token in one.ids] == expected
            assert all(len(one.ids) == one.accepted + 1 for one in rounds)
            if draft is target:
                assert all(one.accepted == one.proposed for one in rounds)
                assert len(rounds) == math.ceil(20 / (n_draft + 1))


def test_the_text_ends_with_the_first_stop_id():
    target = make_model(0)
    free = generate(target, torch.tensor([[1, 2, 3]]), max_new_tokens=40, temperature=0)[0, 3:].tolist()
    for stop in {free[1], free[6], free[20]}:
        options = dict(max_new_tokens=40, n_draft=6, stop_ids=[stop], temperature=0)
        rounds = list(speculate(target, target, [1, 2, 3], **options))
        assert [token for one in rounds for token in one.ids] == free[:free.index(stop) + 1]
        assert all(one.accepted <= len(one.ids) for one in rounds)


def test_nothing_is_read_twice():
    """The target reads the prompt and its proposals, then at most n_draft + 1 tokens at a time."""
    target, draft, read = make_model(0), make_model(1), {"target": [], "draft": []}
    for name, model in (("target", target), ("draft", draft)):
        model.register_forward_pre_hook(lambda module, arguments, name=name: read[name].append(arguments[0].shape[1]))
    rounds = list(speculate(target, draft, [1, 2, 3, 4, 5], max_new_tokens=30, n_draft=3,
                            generator=torch.Generator().manual_seed(0)))
    assert len(read["target"]) == len(rounds) and read["target"][0] == 5 + 3
    assert max(read["target"][1:]) == 4 and read["draft"][0] == 5 and max(read["draft"][1:]) <= 2
    assert sum(len(one.ids) for one in rounds) == 30


@pytest.mark.parametrize("changes, message", [
    (dict(draft=make_model(0, vocab_size=30)), "the target has vocab_size=31, the draft 30"),
    (dict(n_draft=0), "n_draft=0 and max_new_tokens=5: take at least 1, 1 and 0"),
    (dict(prompt=[]), "0 prompt tokens"), (dict(max_new_tokens=-1), "max_new_tokens=-1"),
    (dict(max_new_tokens=63), "together at most 64 tokens"),
    (dict(top_k=0), "top_k=0 must keep at least 1 token"),
])
def test_doors(changes, message):
    arguments = dict(target=make_model(0), draft=make_model(0), prompt=[1, 2], max_new_tokens=5) | changes
    with pytest.raises(ValueError, match=re.escape(message)):
        speculate(**arguments)


def test_all_paths_are_all_paths(monkeypatch):
    """The helper of these tests, on a choice one can count: probabilities sum to 1, each path once."""
    def run():
        return speculative.draw(torch.tensor([0.25, 0.0, 0.75])), speculative.happens(0.5)

    found = dict(all_paths(monkeypatch, run))
    assert found == {(x, y): p / 2 for (x, p), y in itertools.product([(0, 0.25), (2, 0.75)], [True, False])}
