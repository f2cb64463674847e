"""What both kinds of tokenizer share: special tokens, decoding, printable tokens, files that are read or refused."""

import json

import pytest

from course_lib.text.pretokenize import PATTERN
from course_lib.text.tokenizer import BPETokenizer, CharTokenizer, load_tokenizer

TEXT = 'The 猫 said "hello\\" and<|endoftext|> the\u2028 é dog\n\x00said 👍👍 hello hello.\ud800'
SPECIAL = ["<|endoftext|>", "é"]


def test_tokens_can_be_shown():
    t = BPETokenizer([(104, 105)], special_tokens=[])
    assert t.tokens("hi h\n狗\x00") == ["hi", " ", "h", "\\n", "\\xe7", "\\x8b", "\\x97", "\\x00"]
    assert CharTokenizer.train("a狗\n").tokens("狗\na") == ["狗", "\\n", "a"]


def test_the_longest_special_token_wins():
    t = CharTokenizer("ab", special_tokens=["<a>", "<a><b>"])
    assert t.encode("a<a><b>b<a>", allow_special=True) == [0, 3, 1, 2]
    assert t.end_of_text is None


@pytest.mark.parametrize(
    ("action", "says"),
    [
        (lambda: BPETokenizer([], ["<|a|>", "<|a|>"]), "special tokens must be different"),
        (lambda: CharTokenizer("ab", [""]), "special tokens must be different and not empty"),
        (lambda: CharTokenizer("ab").decode([0, 3]), r"ids\[1\] is 3, but ids are 0 to 2 "),
        (lambda: BPETokenizer([]).decode([-1]), r"ids\[0\] is -1, but ids are 0 to 256 "),
        (lambda: BPETokenizer([]).token_bytes(257), r"ids\[0\] is 257, "),
        (lambda: BPETokenizer([]).encode("x", allow_special={"<fim>"}), "unknown special token '<fim>'.*has .*end"),
        (lambda: BPETokenizer([], []).encode("x", allow_special="<fim>"), "unknown special token '<fim>'"),
    ],
)
def test_errors_name_what_is_wrong(action, says):
    with pytest.raises(ValueError, match=says):
        action()


@pytest.mark.parametrize("kind", ["bpe", "char"])
def test_a_saved_tokenizer_is_the_same(kind, tmp_path):
    if kind == "bpe":
        original = BPETokenizer.train(TEXT, 300, SPECIAL)
    else:
        original = CharTokenizer.train(TEXT, SPECIAL)
    path = tmp_path / "tokenizer.json"
    original.save(path)
    for load in (load_tokenizer, type(original).load):
        loaded = load(str(path))
        assert type(loaded) is type(original) and vars(loaded).keys() == vars(original).keys()
        assert loaded.special_tokens == original.special_tokens and loaded.end_of_text == original.end_of_text
        assert loaded.encode(TEXT, True) == original.encode(TEXT, True)
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
        ("[1, 2]", "it holds a list, where an object .* belongs"),
        ('{"model": {"type": "BPE"}}', 'it has no "kind"'),
        (change(format=2), "has format 2, and this course reads format 1"),
        (change(kind="unigram"), "kind 'unigram'; this course has char and bpe"),
        (change(merges=None), "is damaged: KeyError: 'merges'"),
        (change(merges=[["a", "b", "ab"]]), "is damaged: ValueError: merge.*without quotes"),
        (change(merges=[[97, 99]]), "is damaged: ValueError"),
        (change(merges=[[97, 300, "?"]]), "is damaged: ValueError: merge 0 joins the ids 97 and 300"),
        (change(merges=[[97, 99, "ab"], [256, 99, "abc"]]), "unexpected merges"),
        (change(special_tokens={"<|endoftext|>": 7}), "unexpected special_tokens"),
        (change(special_tokens=None), "is damaged: KeyError: 'special_tokens'"),
        (change(pattern=r"\s+"), "unexpected pattern"),
        (change(lowercase=True), "or newer than this course: unexpected lowercase"),
        ('{"kind": "char", "format": 1, "special_tokens": {}, "characters": "aa"}', "2 characters, 1 different"),
        ('{"kind": "char", "format": 1, "special_tokens": {}, "characters": 7}', "is damaged: ValueError: 7 "),
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
