import math

import numpy as np
import pytest
import torch

from course_lib.lab import scoreboard
from course_lib.model.config import tiny
from course_lib.model.gpt import GPT
from course_lib.text.tokenizer import CharTokenizer

TRAIN, HELD_OUT = ["abab", "ba", "aab"], ["ab", "bba"]


def test_bytes_stand_between_ends():
    assert scoreboard.byte_ids(["é", "a"]).tolist() == [256, 0xC3, 0xA9, 256, ord("a"), 256]
    assert scoreboard.n_bytes(["é", "a"]) == 3


def test_unigram_bits_are_counted_by_hand():
    seen = "".join(TRAIN)
    n, kinds = len(seen) + len(TRAIN) + 1, 3  # the letters and an END around and between; a, b and END
    p = {x: (c + kinds / 257) / (n + kinds) for x, c in
         (("a", seen.count("a")), ("b", seen.count("b")), ("END", len(TRAIN) + 1))}
    bits = -sum(math.log2(p[x]) for x in [*"ab", "END", *"bba", "END"]) / 5
    assert scoreboard.ngram_bits(TRAIN, HELD_OUT, orders=[1]) == {"unigram": pytest.approx(bits, rel=1e-12)}


def test_longer_contexts_get_their_names():
    assert list(scoreboard.ngram_bits(TRAIN, HELD_OUT)) == ["unigram", "6-gram"]


def test_model_bits_are_the_sum_over_documents():
    tokenizer = CharTokenizer.train(TRAIN)
    torch.manual_seed(0)
    model = GPT(tiny(tokenizer.vocab_size, n_layer=1, n_embd=16, context_length=8))
    torch.nn.init.normal_(model.token_embedding.weight)
    nats = 0.0
    for document in HELD_OUT:
        ids = torch.tensor([[tokenizer.end_of_text, *tokenizer.encode(document), tokenizer.end_of_text]])
        log_probs = model(ids[:, :-1]).log_softmax(-1)
        nats -= log_probs[0, np.arange(ids.shape[1] - 1), ids[0, 1:]].sum().item()
    assert scoreboard.model_bits(model, tokenizer, HELD_OUT) == pytest.approx(nats / math.log(2) / 5, rel=1e-5)


def test_the_source_and_the_table():
    assert scoreboard.source_bits([-math.log(4), -math.log(8)], HELD_OUT) == pytest.approx(1.0)
    lines = scoreboard.table({"6-gram": 2.0, "GPT": 1.25}, entropy=1.0).splitlines()
    assert lines[1].split() == ["6-gram", "2.000", "2.00"] and lines[2].split() == ["GPT", "1.250", "1.25"]
    assert "ratio" not in scoreboard.table({"GPT": 1.0})
