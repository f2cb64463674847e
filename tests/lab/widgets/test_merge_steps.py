"""Merge by merge: the same merges, counts and ids as the tokenizer that learns and applies them at once."""

from itertools import chain

import pytest

from course_lib.lab.widgets.merge_steps import merge_steps, pair_counts, start, token_bytes
from course_lib.text.bpe import learn_merges
from course_lib.text.pretokenize import count_pretokens
from course_lib.text.tokenizer import BPETokenizer

SONG = "low lower lowest, slow slower slowest; 低 低 低 aaaa aaaa"


def test_learning_from_the_text_is_learn_merges_until_no_pair_stands_twice():
    steps = merge_steps(SONG)
    learned = learn_merges(count_pretokens([SONG]), 60)
    assert len(steps) > 8
    assert [step.pair for step in steps] == learned[: len(steps)]
    assert [step.new_id for step in steps] == list(range(256, 256 + len(steps)))
    assert max(pair_counts(steps[-1].words).values()) == 1


def test_each_winner_is_the_most_frequent_and_then_the_smallest_pair():
    before = start(SONG)
    for step in merge_steps(SONG):
        counts = pair_counts(before)
        assert step.pair == min(counts, key=lambda pair: (-counts[pair], pair))
        assert step.rivals[0] == (step.pair, step.count) and dict(step.rivals) == counts
        before = step.words


def test_overlapping_places_count_as_the_tokenizer_counts_them():
    first = merge_steps("aaa")[0]
    assert (first.pair, first.count, first.words) == ((97, 97), 2, ((256, 97),))


@pytest.mark.parametrize("text", [SONG, "The slow, low owl 低!", "", "x"])
def test_applying_a_tokenizer_ends_in_its_ids(text):
    tokenizer = BPETokenizer.train(SONG * 3, 256 + 19, special_tokens=())
    steps = merge_steps(text, tokenizer.merges, most=1000)
    words = steps[-1].words if steps else start(text)
    assert list(chain.from_iterable(words)) == tokenizer.encode(text)
    ranks = [step.new_id for step in steps]
    assert ranks == sorted(ranks), "the earliest learned merge comes first"


def test_only_merges_that_change_the_text_are_steps_and_most_cuts_them_short():
    merges = BPETokenizer.train(SONG * 3, 256 + 19, special_tokens=()).merges
    steps = merge_steps("low owl", merges)
    assert all(step.count > 0 for step in steps) and 0 < len(steps) < 40
    assert merge_steps("low owl", merges, most=1) == steps[:1]
    shown = [pair for pair, _ in steps[0].rivals]
    assert shown == sorted(shown, key=merges.index), "rivals are what the tokenizer could merge, earliest first"


def test_bytes_of_tokens_are_the_tokenizers():
    tokenizer = BPETokenizer.train(SONG * 3, 256 + 12, special_tokens=())
    held = token_bytes(tokenizer.merges)
    assert held == [tokenizer.token_bytes(i) for i in range(tokenizer.vocab_size)]
