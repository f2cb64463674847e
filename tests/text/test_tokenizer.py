"""Both tokenizers: ids equal to tiktoken's, round trips, special tokens, training on streams, files, errors."""

import inspect
import json
import random
import tokenize
import tracemalloc

import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st

from course_lib.text import tokenizer as tokenizer_module
from course_lib.text.pretokenize import PATTERN, clean
from course_lib.text.tokenizer import BPETokenizer, CharTokenizer, load_tokenizer

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


# ---- ids

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


def test_the_longest_special_token_wins():
    t = CharTokenizer("ab", special_tokens=["<a>", "<a><b>"])
    assert t.encode("a<a><b>b<a>", allow_special=True) == [0, 3, 1, 2]
    assert t.end_of_text is None


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


def test_tokens_can_be_shown():
    t = BPETokenizer([(104, 105)], special_tokens=[])
    assert t.tokens("hi h\n狗\x00") == ["hi", " ", "h", "\\n", "\\xe7", "\\x8b", "\\x97", "\\x00"]
    assert CharTokenizer.train("a狗\n").tokens("狗\na") == ["狗", "\\n", "a"]


def test_the_cache_is_bounded(bpe, referee, monkeypatch):
    monkeypatch.setattr(tokenizer_module, "MAX_CACHED_WORDS", 50)
    fresh = BPETokenizer(bpe.merges, bpe.special_tokens)
    assert fresh.encode(CODE) == referee.encode_ordinary(CODE)
    assert len(fresh._word_ids) <= 50


# ---- characters

def test_char_ids_by_hand():
    t = CharTokenizer.train(["ba", "c\ud800"], special_tokens=["<|endoftext|>"])
    assert t.characters == "abc\ufffd" and t.vocab_size == 5 and t.end_of_text == 4
    assert t.encode("cab") == [2, 0, 1] and t.encode("a\udfff") == [0, 3]
    assert t.decode([2, 4, 0]) == "c<|endoftext|>a"


# ---- training

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


# ---- errors

@pytest.mark.parametrize(
    ("action", "says"),
    [
        (lambda: BPETokenizer.train("text", 256), "vocab_size=256 has no room .* 1 special tokens; use 257"),
        (lambda: BPETokenizer([(97, 300)]), "merge 0 joins the ids 97 and 300, but only 0 to 255"),
        (lambda: BPETokenizer([], ["<|a|>", "<|a|>"]), "special tokens must be different"),
        (lambda: CharTokenizer("ab", [""]), "special tokens must be different and not empty"),
        (lambda: CharTokenizer("aba"), "3 characters, 2 different"),
        (lambda: CharTokenizer.train([]), "train it on a text"),
        (lambda: CharTokenizer("ab").encode("abé"), "the character 'é' is not among the 2"),
        (lambda: CharTokenizer("ab").decode([0, 3]), "no token has the id 3; ids are 0 to 2"),
        (lambda: BPETokenizer([]).decode([-1]), "no token has the id -1; ids are 0 to 256"),
        (lambda: BPETokenizer([]).encode("x", allow_special={"<fim>"}), "unknown special token '<fim>'.*has .*end"),
    ],
)
def test_errors_say_what_to_do(action, says):
    with pytest.raises(ValueError, match=says):
        action()


# ---- files

@pytest.mark.parametrize("kind", ["bpe", "char"])
def test_a_saved_tokenizer_is_the_same(kind, bpe, tmp_path):
    original = bpe if kind == "bpe" else CharTokenizer.train([CODE, EMOJI + '"\\\ud800'], ["<|endoftext|>", "é"])
    path = tmp_path / "tokenizer.json"
    original.save(path)
    for load in (load_tokenizer, type(original).load):
        loaded = load(str(path))
        assert type(loaded) is type(original) and vars(loaded).keys() == vars(original).keys()
        assert loaded.special_tokens == original.special_tokens and loaded.end_of_text == original.end_of_text
        assert loaded.encode(CODE + EMOJI) == original.encode(CODE + EMOJI)
        assert [loaded.token_bytes(i) for i in range(loaded.vocab_size)] == [
            original.token_bytes(i) for i in range(original.vocab_size)
        ]
    loaded.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == path.read_bytes()


def test_the_file_can_be_read(tmp_path):
    t = BPETokenizer.train("the the then\n狗狗", 262)
    t.save(tmp_path / "t.json")
    lines = (tmp_path / "t.json").read_text(encoding="utf-8").splitlines()
    assert lines[:4] == ["{", '"kind": "bpe",', '"format": 1,', f'"pattern": {json.dumps(PATTERN)},']
    assert '[104, 101, "he"],' in lines and '"special_tokens": {"<|endoftext|>": 261},' in lines
    assert '"characters": "\\n狗"' in _saved(CharTokenizer.train("狗\n"), tmp_path)


def _saved(tokenizer, folder):
    tokenizer.save(folder / "saved.json")
    return (folder / "saved.json").read_text(encoding="utf-8")


def change(**entries):
    """The file of a small BPE tokenizer with some entries replaced, or left out where they are None."""
    fields = {"kind": "bpe", "format": 1, "pattern": PATTERN, "special_tokens": {"<|endoftext|>": 258}}
    fields = fields | {"merges": [[97, 98, "ab"], [256, 99, "abc"]]} | entries
    return json.dumps({key: value for key, value in fields.items() if value is not None})


def test_the_unchanged_file_loads(tmp_path):
    (tmp_path / "t.json").write_text(change())
    assert load_tokenizer(tmp_path / "t.json").encode("abc") == [257]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("not json", "is not a tokenizer file"),
        ("[1, 2]", 'it has no "kind" and "format"'),
        ('{"model": {"type": "BPE"}}', 'it has no "kind" and "format"'),
        (change(format=2), "has format 2, and this course reads format 1"),
        (change(kind="unigram"), "kind 'unigram'; this course has char and bpe"),
        (change(merges=None), "is damaged: KeyError: 'merges'"),
        (change(merges=[["a", "b", "ab"]]), "is damaged: TypeError"),
        (change(merges=[[97, 99]]), "is damaged: ValueError"),
        (change(merges=[[97, 300, "?"]]), "is damaged: ValueError: merge 0 joins the ids 97 and 300"),
        (change(merges=[[97, 99, "ab"], [256, 99, "abc"]]), "unexpected merges"),
        (change(special_tokens={"<|endoftext|>": 7}), "unexpected special_tokens"),
        (change(special_tokens=None), "is damaged: KeyError: 'special_tokens'"),
        (change(pattern=r"\s+"), "unexpected pattern"),
        (change(lowercase=True), "or newer than this course: unexpected lowercase"),
        ('{"kind": "char", "format": 1, "special_tokens": {}, "characters": "aa"}', "2 characters, 1 different"),
        ('{"kind": "char", "format": 1, "special_tokens": {}, "characters": 7}', "is damaged: TypeError"),
    ],
)
def test_other_files_are_refused(content, says, tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=says) as refusal:
        load_tokenizer(path)
    assert str(path) in str(refusal.value)


def test_a_file_of_the_other_kind_or_of_no_text(tmp_path):
    (tmp_path / "t.json").write_text(change())
    with pytest.raises(ValueError, match="kind 'bpe', not 'char'; load_tokenizer"):
        CharTokenizer.load(tmp_path / "t.json")
    (tmp_path / "t.json").write_bytes(b"\xff\xfe\x00{}")
    with pytest.raises(ValueError, match="is not a tokenizer file"):
        load_tokenizer(tmp_path / "t.json")
