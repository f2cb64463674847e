"""Constraints, against all texts tried one by one; no dead end, for any tokens and any number that remain."""

import itertools
import math
import re

import pytest
import torch

from course_lib.generation.automaton import from_texts
from course_lib.generation.beam import beam_search
from course_lib.generation.constrained import TokenAutomaton, constrain, constrained
from course_lib.generation.pattern import from_pattern
from course_lib.generation.sampling import sample_next
from course_lib.text.tokenizer import BPETokenizer, CharTokenizer

PIECES = {0: b"a", 1: b"b", 2: b"ab", 3: b"ba", 4: b"c"}  # 5 ends
AUTOMATA = {
    "texts": from_texts(["ab", "abba", "c"]), "empty too": from_texts(["", "ba"]),
    "endless": from_pattern("(ab)*c"), "with a trap": from_texts(["bcx", "ax", "ab"]),  # nothing writes x
}


def endings(matches, longest):
    """All ids, an end included, that are at most `longest` and write an allowed text."""
    for length in range(longest):
        for ids in itertools.product(PIECES, repeat=length):
            if matches(b"".join(map(PIECES.get, ids)).decode()):
                yield (*ids, 5)


@pytest.mark.parametrize("automaton", AUTOMATA.values(), ids=AUTOMATA)
def test_allowed_is_what_some_ending_goes_on_with(automaton):
    """Of every beginning, with every number of tokens that may remain."""
    tokens = TokenAutomaton(automaton, PIECES, 5)
    for longest in range(1, 6):
        texts = set(endings(automaton.matches, longest))
        for beginning in {ids[:t] for ids in texts for t in range(len(ids))}:
            expected = {ids[len(beginning)] for ids in texts if ids[:len(beginning)] == beginning}
            state = tokens.read(beginning)
            assert set(tokens.allowed(state, longest - len(beginning))) == expected
        shortest = min(map(len, texts), default=longest + 1)
        assert min(tokens.distance[0], longest + 1) == shortest


def test_without_a_limit_every_token_that_can_end_is_allowed():
    tokens = TokenAutomaton(AUTOMATA["endless"], PIECES, 5)
    assert sorted(tokens.allowed(0)) == [0, 2, 4]
    assert tokens.allowed(tokens.read([4])) == [5] == tokens.allowed(tokens.read([4, 5, 5]))


@pytest.fixture(scope="module")
def bpe():
    return BPETokenizer.train("the cat sat on the mat and that was that, 1234 12 11 2011 2012 中国 中文", 290)


@pytest.mark.parametrize("pattern", [
    '"[^"]*"', "(the )?[a-z]+ (sat|was)", "[0-9]{4}-[0-9]{2}", "中.国?", "\\{(\\d+(, \\d+)*)?\\}"])
def test_whatever_the_model_wants_the_text_matches(bpe, pattern):
    """Wild logits, twelve new tokens at most: a whole allowed text, every time."""
    tokens = TokenAutomaton.from_tokenizer(from_pattern(pattern), bpe)
    generator, seen = torch.Generator().manual_seed(0), set()
    for _ in range(30):
        idx = torch.zeros(1, 0, dtype=torch.long)
        while bpe.end_of_text not in idx:
            logits = 5 * torch.randn(1, bpe.vocab_size, generator=generator)
            idx = torch.cat([idx, sample_next(constrain(logits, idx, tokens, 12), generator=generator)[:, None]], dim=1)
        assert idx.shape[1] <= 12
        text = bpe.decode(idx[0, :-1].tolist())
        assert re.fullmatch(pattern, text), text
        seen.add(text)
    assert len(seen) > 15 or pattern.startswith("中")


def test_tokens_may_cut_characters_apart():
    tokens = TokenAutomaton(from_texts(["é", "è"]), {0: b"\xc3", 1: b"\xa9", 2: b"\xa8", 3: b"\xa8x"}, 9)
    assert tokens.allowed(0) == [0] and sorted(tokens.allowed(tokens.read([0]))) == [1, 2]


def test_allowed_logits_are_left_as_they_are():
    tokens, logits = TokenAutomaton(AUTOMATA["texts"], PIECES, 5), torch.randn(2, 6)
    masked = constrain(logits, torch.tensor([[0], [4]]), tokens)
    assert masked[0].isfinite().nonzero()[:, 0].tolist() == [1]
    assert masked[1].isfinite().nonzero()[:, 0].tolist() == [5]
    assert torch.equal(masked[masked.isfinite()], logits[masked.isfinite()])


def test_beams_find_the_most_probable_allowed_text():
    def log_probs(idx):
        seeds = [torch.Generator().manual_seed(hash(tuple(row)) % 2**31) for row in idx.tolist()]
        return torch.stack([torch.randn(6, generator=seed) for seed in seeds]).double().log_softmax(-1)

    automaton = from_pattern("(a|b)*c")
    tokens, prompt = TokenAutomaton(automaton, PIECES, 5), [3, 3]
    expected = max((sum(log_probs(torch.tensor([[*prompt, *ids[:t]]]))[0, ids[t]].item() for t in range(len(ids))), ids)
                   for ids in endings(automaton.matches, 5))
    found, _ = beam_search(constrained(log_probs, tokens, 2, 5), prompt, n_beam=500, max_new_tokens=5, stop_ids=[5])
    assert tuple(found[0].ids) == expected[1] and math.isclose(found[0].log_prob, expected[0], abs_tol=1e-12)


def test_step_by_step_is_not_given_the_whole_text():
    """What the docstring of `constrain` says, counted: the model thinks ab likely at a, hardly at the end."""
    tokens = TokenAutomaton(from_texts(["ac", "bb"]), PIECES, 5)
    model = {(): [0.9, 0.1, 0, 0, 0, 0], (0,): [0.99, 0, 0, 0, 0.01, 0], (1,): [0, 1, 0, 0, 0, 0]}
    by_steps = constrain(torch.tensor([model[()]]).log(), torch.zeros(1, 0, dtype=torch.long), tokens).softmax(-1)
    whole = torch.tensor([0.9 * 0.01, 0.1 * 1.0])
    torch.testing.assert_close(by_steps[0, :2], torch.tensor([0.9, 0.1]))
    torch.testing.assert_close(whole / whole.sum(), torch.tensor([0.0826, 0.9174]), atol=1e-4, rtol=0)


def test_impossible_is_an_error_that_says_why():
    chars = CharTokenizer.train("abc")
    with pytest.raises(ValueError, match="these 3 tokens can write none of the allowed texts: none has b'dx'; allow"):
        TokenAutomaton.from_tokenizer(from_texts(["ax", "bad"]), chars)
    with pytest.raises(ValueError, match="needs 4 more tokens, its end included, but only 3 remain; raise max_new"):
        tokens = TokenAutomaton.from_tokenizer(from_texts(["abc"]), chars)
        constrain(torch.zeros(1, 4), torch.zeros(1, 0, dtype=torch.long), tokens, 3)
    with pytest.raises(ValueError, match=re.escape("token 0 at place 1 is not allowed; there may stand [1]")):
        tokens.read([0, 0])
    with pytest.raises(ValueError, match="no end-of-text id"):
        TokenAutomaton.from_tokenizer(from_texts(["a"]), CharTokenizer("abc", special_tokens=()))


def test_the_name_of_a_special_token_is_not_text():
    tokenizer = CharTokenizer.train("<|endoftx>")
    tokens = TokenAutomaton.from_tokenizer(from_texts(["<|endoftext|>"]), tokenizer)
    assert tokenizer.end_of_text not in tokens.allowed(0) and tokens.distance[0] == 14
