import math

import numpy as np
import pytest

from course_lib.byhand.bar import END, bits_per, byte_ids, n_bytes, ngram_bits, perplexity
from course_lib.byhand.ngram import NGram

TRAIN, HELD_OUT = ["abab", "ba", "aab", "naïve 你"], ["ab", "bba", "é"]


def test_perplexity_is_the_number_of_equal_choices():
    assert perplexity(np.log(np.full(7, 1 / 27))) == pytest.approx(27)
    assert perplexity(np.log([0.5, 0.125])) == pytest.approx(4)  # the geometric mean of 2 and 8


def test_bits_do_not_care_how_the_text_was_cut():
    """Two tokens of 3 and 5 bits, or one of 8: the same text, the same bits a byte, another perplexity."""
    two, one = np.log([2.0**-3, 2.0**-5]), np.log([2.0**-8])
    assert bits_per(two, 4) == bits_per(one, 4) == pytest.approx(2)
    assert perplexity(two) == pytest.approx(16) and perplexity(one) == pytest.approx(256)
    with pytest.raises(ValueError, match="n=0"):
        bits_per(two, 0)


def test_bytes_stand_between_ends():
    assert byte_ids(["é", "a"]).tolist() == [END, 0xC3, 0xA9, END, ord("a"), END]
    assert n_bytes(["é", "a"]) == 3 and byte_ids([]).tolist() == [END]


def test_the_bar_is_each_order_fitted_alone():
    rows = ngram_bits(TRAIN, HELD_OUT, orders=(1, 3, 5))
    assert list(rows) == ["unigram", "3-gram", "5-gram"]
    for order, bits in zip((1, 3, 5), rows.values(), strict=True):
        nats = -NGram.fit(byte_ids(TRAIN), order, END + 1).log_probs(byte_ids(HELD_OUT))[1:].sum()
        assert bits == pytest.approx(nats / math.log(2) / 7, rel=1e-12)
