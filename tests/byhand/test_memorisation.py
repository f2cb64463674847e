import difflib
import random

import numpy as np
import pytest

from course_lib.byhand.memorisation import copied_lengths, longest_copied
from course_lib.byhand.ngram import NGram


def test_by_hand():
    assert copied_lengths("abcx", "zabcab").tolist() == [3, 2, 1, 0]
    assert longest_copied("xxabcx", "zabcab") == "abc"
    assert longest_copied("", "abc") == longest_copied("xyz", "abc") == longest_copied("xyz", "") == ""
    assert longest_copied(b"xxabcx", b"zabcab") == b"abc"


@pytest.mark.parametrize("seed", range(4))
def test_equals_difflib_and_trying_everything(seed):
    rng = random.Random(seed)
    sample, text = ("".join(rng.choices("abc", k=k)) for k in (60, 200))
    match = difflib.SequenceMatcher(None, sample, text, autojunk=False).find_longest_match()
    assert len(longest_copied(sample, text)) == match.size
    every = [max(n for n in range(len(sample) - i + 1) if sample[i:i + n] in text) for i in range(len(sample))]
    assert copied_lengths(sample, text).tolist() == every


def test_a_longer_context_copies_longer_pieces():
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 4, 3000)
    text = "".join("abcd"[i] for i in ids)
    model = NGram.fit(ids, 8, 4)
    mean = [copied_lengths("".join("abcd"[i] for i in model.sample(300, order=order, generator=rng)), text).mean()
            for order in (1, 4, 8)]
    assert mean[0] < mean[1] < mean[2]
