"""Merges, against a recount of everything at each step and against rustbpe; applying them, against the definition."""

import base64
import pydoc_data.topics
import random
import sys
from collections import Counter

import pytest
import regex
import rustbpe
from hypothesis import given
from hypothesis import strategies as st

from course_lib.text import bpe, long_words
from course_lib.text.bpe import TO_COPY, Merger, learn_merges
from course_lib.text.pretokenize import PATTERN, count_pretokens

TOPICS = "\n\n".join(pydoc_data.topics.topics.values())
CORPORA = {
    "english": TOPICS[:30_000],
    "chinese": "从前有一只小猫，小猫住在山上。山上有一只小狗，小狗也有一只小猫。" * 3 + "山山山山水水水",
    "emoji": "👍👍👍 👍🏽 👩‍👩‍👧‍👦👩‍👩‍👧‍👦 🎉🎉🎉🎉 ok 🇨🇳🇨🇳🇫🇷",
    "runs": "aaaaaaa aaa aaaa bbbbbb ababababa abab =========== ---- --\n\n\n\n        x",
    "every byte": "".join(map(chr, range(0x250))) * 2,
    "long and short words": f"{'acgt' * 30}{'a' * 99} acgt {'ca' * 40}{'a' * 70}gt aaaa acca {'acgt' * 30}",
    "chinese without spaces": "从前有一只小猫小猫住在山上山上有一只小狗" * 3 + "山山山水水水" * 9,
}


def join(ids, pair, new_id):
    """`ids` with `pair` replaced by `new_id`, from left to right."""
    out = []
    for current in ids:
        if out and (out[-1], current) == pair:
            out[-1] = new_id
        else:
            out.append(current)
    return out


def recount(word_counts, n_merges):
    """Byte pair encoding as it is defined: count all pairs of all words afresh before each merge."""
    words = [(list(word.encode()), repeats) for word, repeats in word_counts.items()]
    merges = []
    while len(merges) < n_merges:
        pairs = Counter()
        for ids, repeats in words:
            for pair in zip(ids, ids[1:], strict=False):
                pairs[pair] += repeats
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        words = [(join(ids, best, 256 + len(merges)), repeats) for ids, repeats in words]
        merges.append(best)
    return merges


def test_first_merges_by_hand():
    # aaab 2 times: aa 4, ab 2, whose ties with cd 4 and ce 2 go to the smaller ids
    assert learn_merges({"aaab": 2, "cd": 4, "ce": 2}, 3) == [(97, 97), (99, 100), (97, 98)]
    assert learn_merges({"aaaa": 1}, 9) == [(97, 97), (256, 256)]
    assert learn_merges({}, 9) == learn_merges({"a": 3}, 9) == learn_merges({"ab": 3}, 0) == []


@pytest.mark.parametrize("name", CORPORA)
def test_same_merges_as_a_recount(name):
    counts = count_pretokens([CORPORA[name]])
    n_merges = 60 if name == "english" else 10_000  # until no pair is left
    merges = learn_merges(counts, n_merges)
    assert merges == recount(counts, n_merges)
    assert len(merges) >= 30


@given(st.dictionaries(st.text(alphabet="abc", max_size=12), st.integers(1, 3), max_size=8), st.integers(0, 12))
def test_same_merges_as_a_recount_where_counts_tie_and_runs_overlap(counts, to_copy):
    """Whichever of the words count as long ones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bpe, "TO_COPY", to_copy)
        assert learn_merges(counts, 1000) == recount(counts, 1000)


def rustbpe_merges(text, n_merges):
    """What rustbpe learns, as the bytes of each merge. Its ties go to the smallest pair, too."""
    referee = rustbpe.Tokenizer()
    referee.train_from_iterator([text], 256 + n_merges, pattern=PATTERN)
    ranked = sorted(referee.get_mergeable_ranks(), key=lambda token_and_id: token_and_id[1])
    return [bytes(token) for token, _ in ranked[256:]]


def our_merges(text, n_merges):
    tokens = [bytes([byte]) for byte in range(256)]
    for left, right in learn_merges(count_pretokens([text]), n_merges):
        tokens.append(tokens[left] + tokens[right])
    return tokens[256:]


def test_same_merges_as_rustbpe_on_real_text():
    """All merges in text without runs such as =====, and nearly all in any: how rustbpe counts runs is its affair."""
    theirs, ours = rustbpe_merges(TOPICS, 1500), our_merges(TOPICS, 1500)
    assert len(ours) == 1500
    assert sum(a == b for a, b in zip(ours, theirs, strict=True)) >= 0.95 * 1500
    without_runs = regex.sub(r"(.{1,8}?)\1\1+", r"\1", TOPICS, flags=regex.DOTALL)
    assert len(without_runs) > 0.8 * len(TOPICS)
    assert our_merges(without_runs, 1500) == rustbpe_merges(without_runs, 1500)


def encode_by_definition(text, merges):
    """Each merge in the order in which it was learned."""
    ids = list(text.encode())
    for i, pair in enumerate(merges):
        ids = join(ids, pair, 256 + i)
    return ids


@given(st.text(alphabet="ab", max_size=40), st.text(alphabet="abc", max_size=30))
def test_applying_merges_is_doing_them_in_order(learned_from, text):
    merges = learn_merges(Counter(learned_from.split("b") + [learned_from]), 1000)
    expected = encode_by_definition(text, merges)
    assert Merger(merges).encode(text) == expected
    assert Merger(merges)._encode_long(list(text.encode())) == expected


def test_applying_merges_to_words_of_a_real_text():
    counts = count_pretokens([TOPICS])
    merges = learn_merges(counts, 500)
    merger = Merger(merges)
    for word in list(counts)[::40]:
        expected = encode_by_definition(word, merges)
        assert merger.encode(word) == expected
        assert merger._encode_long(list(word.encode())) == expected


def long_word(kind, n, seed=0):
    """n letters without a place to cut."""
    chooser = random.Random(seed)
    chinese = [chr(0x4E00 + i) for i in range(300)]
    return {"dna": lambda: "".join(chooser.choices("acgt", k=n)), "one letter": lambda: "a" * n,
            "base64": lambda: base64.b64encode(chooser.randbytes(n)).decode()[:n].translate(dict.fromkeys(b"+/=", "x")),
            "chinese": lambda: "".join(chooser.choices(chinese, k=n))}[kind]()


def work(action, monkeypatch):
    """How many lines of the two modules `action` runs, and bytes of words it copies: the same on every machine."""
    done = Counter()

    def lines(frame, event, _):
        done["lines"] += event == "line"
        return lines

    def calls(frame, event, _):
        return lines if frame.f_globals["__name__"] in (bpe.__name__, long_words.__name__) else None

    def rewrite(word, both, merged):
        done["bytes"] += len(word)
        return rewritten(word, both, merged)

    rewritten, before = bpe.rewrite, sys.gettrace()
    monkeypatch.setattr(bpe, "rewrite", rewrite)
    sys.settrace(calls)
    try:
        action()
    finally:
        sys.settrace(before)
        monkeypatch.setattr(bpe, "rewrite", rewritten)
    return done.total()


@pytest.mark.parametrize("kind", ["dna", "one letter", "base64", "chinese"])
def test_work_on_one_long_word_grows_with_its_length_not_with_its_square(kind, monkeypatch):
    sizes = (1000, 2000, 4000)
    training = [work(lambda n=n: learn_merges({long_word(kind, n): 1}, 150), monkeypatch) for n in sizes]
    merger = Merger(learn_merges({long_word(kind, 4000, seed=1): 1}, 400))
    encoding = [work(lambda n=n: merger.encode(long_word(kind, n)), monkeypatch) for n in sizes]
    for first, second, third in (training, encoding):  # of n, 2 n and 4 n letters
        assert 1.5 < (third - second) / (second - first) < 2.4, (first, second, third)
    assert max(training[-1], encoding[-1]) < 100 * len(long_word(kind, sizes[-1]).encode())


def test_many_words_that_are_just_short_enough_to_be_copied_take_the_same_for_each(monkeypatch):
    def words(n):
        return {"".join(random.Random(i).choices("acgt", k=TO_COPY)): 1 for i in range(n)}

    counts = [work(lambda n=n: learn_merges(words(n), 100), monkeypatch) for n in (40, 80, 160)]
    assert all(after < 2.2 * before for before, after in zip(counts, counts[1:], strict=False)), counts


def test_a_very_long_word():
    letters = "".join(random.Random(0).choices("etaoinshr", k=20_000))
    merges = learn_merges(count_pretokens([TOPICS]), 300)
    assert Merger(merges).encode(letters) == encode_by_definition(letters, merges)
    assert Merger([(97, 97)]).encode("a" * 301) == [256] * 150 + [97]


@pytest.mark.parametrize(
    ("merges", "says"),
    [
        ([(97, 256)], "merge 0 joins the ids 97 and 256, but only 0 to 255"),
        ([(97, 98), (-1, 97)], "merge 1 joins the ids -1 and 97"),
        ([(97, 98), (97, 98)], "2 merges, but only 1 different"),
    ],
)
def test_merges_that_cannot_be(merges, says):
    with pytest.raises(ValueError, match=says):
        Merger(merges)
