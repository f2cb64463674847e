"""The pattern, against tiktoken's engine at every edge of a character class; safe cuts; counting streams."""

import sys
import unicodedata
from collections import Counter

import regex
import tiktoken
from hypothesis import given
from hypothesis import strategies as st

from course_lib.text import pretokenize
from course_lib.text.pretokenize import CHUNK_CHARS, PATTERN, chunks, count_pretokens, pretokens
from course_lib.text.texts import clean


def pieces(text):
    return [piece for chunk in pretokens(text) for piece in chunk]


def test_pattern_by_hand():
    english = ["I", "'ve", " ", "123", "45", " dogs", ",\n\n", " and", "\tit", "'s"]
    assert pieces("I've 12345 dogs,\n\n and\tit's") == english
    assert pieces("a   b  \n  c  7\n") == ["a", "  ", " b", "  \n", " ", " c", " ", " ", "7", "\n"]
    assert pieces("DON'T x=f(y) # 你好。３４½") == ["DON", "'T", " x", "=f", "(y", ")", " #", " 你好", "。", "３４½"]
    assert pieces("") == []


def test_same_pieces_as_tiktoken_at_every_edge_of_a_class():
    """tiktoken does not show its pieces. So its vocabulary here holds every piece that a right or a wrong class of the
    character could make, and its tokens are then its pieces. Characters that Unicode 14 lacks are left out."""
    kinds = [unicodedata.category(chr(c)) for c in range(sys.maxunicode + 1)] + ["end"]
    edges = [chr(c) for c in range(sys.maxunicode + 1)
             if kinds[c] not in ("Cn", "Co", "Cs") and {kinds[c - 1], kinds[c + 1]} != {kinds[c]}]
    assert len(edges) > 4000
    text = "".join(f"a{c}b\n1{c}\n {c}.\n" for c in edges)
    ranks = {bytes([b]): b for b in range(256)}
    for piece in [*pieces(text), *(whole for c in edges for whole in (f"a{c}b", f"1{c}", f" {c}.\n"))]:
        ranks.setdefault(piece.encode(), len(ranks))
    encoding = tiktoken.Encoding("pieces", pat_str=PATTERN, mergeable_ranks=ranks, special_tokens={})
    assert [encoding.decode_single_token_bytes(i) for i in encoding.encode_ordinary(text)] == [
        piece.encode() for piece in pieces(text)
    ]


def test_both_engines_agree_on_ascii():
    every = [chr(c) for c in range(128)]
    for text in [a + b + c for a in "a 1.\n" for b in every for c in every]:
        assert pieces(text) == regex.findall(PATTERN, text), repr(text)


@given(st.text(alphabet="ab7 '\n\r\t.s\u00e9\u2028狗", max_size=60))
def test_safe_cuts_cut_no_pre_token(text):
    whole = regex.findall(PATTERN, text)
    cuts = [0, *(cut.end() for cut in pretokenize.SAFE_CUT.finditer(text)), len(text)]
    parts = [regex.findall(PATTERN, text[start:end]) for start, end in zip(cuts, cuts[1:], strict=False)]
    assert [piece for part in parts for piece in part] == whole
    assert pieces(text) == whole


def test_long_texts_are_cut_into_chunks_and_lose_nothing():
    text = "The dog, é \n\n  said 1234567 'tis.\n" * 3000
    stretches = list(chunks(text))
    assert "".join(stretches) == text and len(stretches) > 5
    assert max(map(len, stretches)) < CHUNK_CHARS + 40
    assert pieces(text) == regex.findall(PATTERN, text)
    without_cut = "狗" * (3 * CHUNK_CHARS)
    assert pieces(without_cut) == [without_cut]


@given(st.text(alphabet=st.one_of(st.characters(), st.characters(categories=["Cs"])), max_size=20))
def test_clean_is_utf_8_and_changes_only_surrogates(text):
    cleaned = clean(text)
    cleaned.encode()
    assert "".join(pieces(text)) == cleaned
    rebuilt = regex.sub("[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]", _read_surrogates, text)
    assert cleaned == rebuilt


def _read_surrogates(match):
    """Unicode standard, section 3.9: a high and a low surrogate are one character; alone they are none."""
    units = [ord(unit) for unit in match[0]]
    return "\ufffd" if len(units) == 1 else chr(0x10000 + ((units[0] - 0xD800) << 10) + units[1] - 0xDC00)


def test_counts_are_the_same_from_a_stream_and_from_two_processes(monkeypatch):
    monkeypatch.setattr(pretokenize, "BATCH_CHARS", 2000)  # many batches, so that results are collected on the way
    texts = [f"story {i % 7}: 狗 and cat number {i}.\n" * 9 for i in range(100)]
    expected = Counter(piece for text in texts for piece in regex.findall(PATTERN, text))
    assert count_pretokens(iter(texts)) == expected
    assert count_pretokens(iter(texts), workers=2) == expected


def test_processes_hold_only_a_few_batches_of_the_stream(monkeypatch):
    monkeypatch.setattr(pretokenize, "BATCH_CHARS", 1000)
    monkeypatch.setattr(pretokenize, "ProcessPoolExecutor", _Pool)
    count_pretokens((_Pool.read() for _ in range(50)), workers=2)
    assert _Pool.most_waiting == 6 and _Pool.waiting == 0


class _Pool:
    """A pool that works at once, and counts the texts that were read and whose results nobody has fetched yet."""

    waiting = most_waiting = 0

    def __init__(self, workers, mp_context):
        assert workers == 2

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    @classmethod
    def read(cls):
        cls.waiting += 1
        cls.most_waiting = max(cls.waiting, cls.most_waiting)
        return "a" * 1000

    def submit(self, count, batch):
        self.counts = count(batch)
        return self

    def result(self):
        _Pool.waiting -= 1
        return self.counts
