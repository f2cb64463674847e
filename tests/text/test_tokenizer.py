"""Both tokenizers: ids equal to tiktoken's, round trips, training on streams, errors that help."""

import inspect
import random
import tokenize
import tracemalloc

import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st

from course_lib.text import tokenizer as tokenizer_module
from course_lib.text.pretokenize import PATTERN
from course_lib.text.texts import clean
from course_lib.text.tokenizer import BPETokenizer, CharTokenizer

CODE = inspect.getsource(tokenize)
CHINESE = "从前有一只小猫住在山上，它有１２３个朋友。你好，世界！第42页：「注意」——再见。" * 3
EMOJI = "👍👍🏽 👩‍👩‍👧‍👦! 🎉🎉 ok 🇨🇳🇫🇷 né é ﬁ ½ ² Ⅷ ٣٤ हिन्दी ไทย \x1c\x85\u2028\u3000 I'ſ DON'T we'll"
TEXTS = [CODE, CHINESE, EMOJI, "\x00null\x00 \r\n\r\n  tabs\t\t end   ", "", " ", "    1  22 4444 a"]


@pytest.fixture(scope="module")
def bpe():
    return BPETokenizer.train([CODE, CHINESE, EMOJI], 900, special_tokens=["<|endoftext|>", "<|user|>"])


@pytest.fixture(scope="module")
def referee(bpe):
    ranks = {bpe.token_bytes(i): i for i in range(256 + len(bpe.merges))}
    assert len(ranks) == 256 + len(bpe.merges) == 898
    return tiktoken.Encoding("ours", pat_str=PATTERN, mergeable_ranks=ranks, special_tokens=bpe.special_tokens)


@pytest.mark.parametrize("text", TEXTS)
def test_ids_are_those_of_tiktoken(bpe, referee, text):
    assert bpe.encode(text) == referee.encode_ordinary(text)
    assert bpe.encode(text) == referee.encode_ordinary(text)  # now from the cache


ASSIGNED = st.characters(max_codepoint=0x2FFF, exclude_categories=["Cn"])  # the engines' Unicode versions differ


@given(st.text(alphabet=st.one_of(ASSIGNED, st.sampled_from("的 a1'\n👍\ud800\udc00")), max_size=40))
def test_ids_are_those_of_tiktoken_on_any_text(bpe, referee, text):
    assert bpe.encode(text) == referee.encode_ordinary(text)


def test_special_tokens_only_where_allowed(bpe, referee):
    text = "<|user|>hi<|endoftext|><|user|> <|endoftext|"
    assert bpe.special_tokens == {"<|endoftext|>": 898, "<|user|>": 899} and bpe.end_of_text == 898
    assert bpe.encode(text) == referee.encode_ordinary(text)
    assert bpe.encode(text, allow_special=True) == referee.encode(text, allowed_special="all")
    some = bpe.encode(text, allow_special=["<|user|>"])
    assert some == referee.encode(text, allowed_special={"<|user|>"}, disallowed_special=())
    assert 899 in some and 898 not in some and bpe.decode(some) == text
    assert bpe.encode(text, allow_special="<|user|>") == some


def test_ids_in_order(bpe):
    assert bpe.vocab_size == 900
    assert [bpe.token_bytes(i) for i in range(256)] == [bytes([i]) for i in range(256)]
    left, right = bpe.merges[7]
    assert bpe.token_bytes(263) == bpe.token_bytes(left) + bpe.token_bytes(right)
    assert bpe.token_bytes(899) == b"<|user|>"


def test_the_first_merges_are_the_smaller_tokenizer(bpe):
    small = BPETokenizer.train([CODE, CHINESE, EMOJI], 400, special_tokens=[])
    assert small.merges == bpe.merges[:144]
    assert BPETokenizer(bpe.merges[:144], special_tokens=[]).encode(CODE) == small.encode(CODE)


# ---- round trips

@given(st.text(alphabet=st.one_of(st.characters(), st.characters(categories=["Cs"])), max_size=30))
def test_any_text_comes_back(bpe, text):
    assert bpe.decode(bpe.encode(text)) == clean(text)
    assert bpe.decode_bytes(bpe.encode(text)) == clean(text).encode()
    if text:
        char = CharTokenizer.train(text)
        assert char.decode(char.encode(text)) == clean(text)


def test_lone_surrogates_become_the_replacement_character(bpe):
    assert bpe.decode(bpe.encode("a\ud800b\udfff")) == "a\ufffdb\ufffd"
    assert bpe.encode("\ud83d\ude00") == bpe.encode("😀")  # a pair is its character, as in tiktoken


def test_characters_cut_apart(bpe):
    ids = list("猫".encode())
    assert bpe.decode(ids[:2] + [97]) == "\ufffda" and bpe.decode_bytes(ids[:2]) == "猫".encode()[:2]


def test_the_cache_is_bounded(bpe, referee, monkeypatch):
    monkeypatch.setattr(tokenizer_module, "MAX_CACHED_WORDS", 50)
    fresh = BPETokenizer(bpe.merges, bpe.special_tokens)
    assert fresh.encode(CODE) == referee.encode_ordinary(CODE)
    assert len(fresh._word_ids) <= 50


def test_char_ids_by_hand():
    t = CharTokenizer.train(["ba", "c\ud800"], special_tokens=["<|endoftext|>"])
    assert t.characters == "abc\ufffd" and t.vocab_size == 5 and t.end_of_text == 4
    assert t.encode("cab") == [2, 0, 1] and t.encode("a\udfff") == [0, 3]
    assert t.decode([2, 4, 0]) == "c<|endoftext|>a"


def test_training_says_when_the_text_is_too_small():
    with pytest.warns(UserWarning, match="supports only 261 of the 300 ids asked for: after 4 merges"):
        t = BPETokenizer.train("abcd abcd", 300)
    assert t.vocab_size == 261 and t.encode("abcd abcd") == [258, 259]


def test_a_text_or_a_stream_of_texts(bpe):
    stream = BPETokenizer.train((text for text in [CODE, CHINESE, EMOJI]), 500)
    assert stream.merges == bpe.merges[:243]
    assert BPETokenizer.train(CODE, 500).merges == BPETokenizer.train([CODE], 500).merges
    assert CharTokenizer.train(iter(["b", "a"])).characters == CharTokenizer.train("ab").characters == "ab"


def test_two_processes_learn_the_same(bpe):
    together = BPETokenizer.train([CODE, CHINESE, EMOJI], 900, ["<|endoftext|>", "<|user|>"], workers=2)
    assert together.merges == bpe.merges


def test_memory_does_not_grow_with_the_stream():
    sentences = CODE.splitlines()

    def stream(n_documents):
        chooser = random.Random(0)
        return ("\n".join(chooser.choices(sentences, k=500)) for _ in range(n_documents))

    def peak(n_documents):
        tracemalloc.start()
        BPETokenizer.train(stream(n_documents), 400)
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    peak(1)  # compiles the patterns
    assert peak(60) < 1.5 * peak(15)


@pytest.mark.parametrize(
    ("action", "says"),
    [
        (lambda: BPETokenizer.train("text", 256), "vocab_size=256 has no room .* 1 special tokens; use 257"),
        (lambda: BPETokenizer([(97, 300)]), "merge 0 joins the ids 97 and 300, but only 0 to 255"),
        (lambda: CharTokenizer("aba"), "3 characters, 2 different"),
        (lambda: CharTokenizer.train([]), "train it on a text"),
        (lambda: CharTokenizer("ab").encode("abé"), "the character 'é' is not among the 2"),
    ],
)
def test_errors_say_what_to_do(action, says):
    with pytest.raises(ValueError, match=says):
        action()
