import shutil
from dataclasses import replace

import numpy as np
import pytest

from course_lib.text.corpora import Corpus, load_corpus
from course_lib.text.prepare import prepare, read_note
from course_lib.text.tokenizer import BPETokenizer, CharTokenizer

WORDS = ["red", "kite", "green", "boat", "little", "harbour"]
DOCUMENTS = [f"{a} {b} {c}" for a in WORDS for b in WORDS for c in WORDS if len({a, b, c}) == 3]


@pytest.fixture
def corpus():
    return Corpus(name="toy", description="", source="", licence="", documents=DOCUMENTS)


def decoded(file, tokenizer):
    return tokenizer.decode(file.ids.tolist()).split("<|endoftext|>")[1:-1]


@pytest.mark.parametrize("kind, made", [("bpe", BPETokenizer), ("char", CharTokenizer)])
def test_both_splits_come_back_from_their_files(tmp_path, corpus, kind, made):
    prepared = prepare(corpus, tmp_path, tokenizer=kind, vocab_size=280)
    assert type(prepared.tokenizer) is made
    split = corpus.split()
    for file, documents in ((prepared.train, split.train), (prepared.held_out, split.held_out)):
        assert file.n_documents == len(documents) and file.n_bytes == sum(map(len, documents))
        assert decoded(file, prepared.tokenizer) == list(documents)


def contents(folder):
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}


@pytest.mark.parametrize("kind", ["bpe", "char"])
def test_what_is_there_is_used_again(tmp_path, corpus, kind):
    first = prepare(corpus, tmp_path, tokenizer=kind, vocab_size=280)
    before = contents(tmp_path)
    again = prepare(corpus, tmp_path, tokenizer=kind, vocab_size=np.int64(280))
    assert again.train == first.train and again.tokenizer.encode("red kite") == first.tokenizer.encode("red kite")
    assert contents(tmp_path) == before


@pytest.mark.parametrize("changes, told", [
    (dict(vocab_size=300), "vocab_size was 280 and is 300"),
    (dict(tokenizer="char"), "tokenizer was 'bpe' and is 'char'.*vocab_size was 280 and is None"),
    (dict(name="other"), "corpus was 'toy' and is 'other'"),
    (dict(documents=DOCUMENTS[1:]), "documents was 120 and is 119; chars was .*; sha256 was"),
    (dict(documents=DOCUMENTS[::-1]), "something else: sha256 was '[0-9a-f]{64}' and is '[0-9a-f]{64}'"),
    (dict(documents=["blue" + DOCUMENTS[0], *DOCUMENTS[1:]]), "sha256 was"),
    (dict(last_tenth=True), "held_out was 'a tenth of the documents' and is 'the last tenth'"),
])
def test_what_was_made_from_something_else_is_refused_and_kept(tmp_path, corpus, changes, told):
    prepare(corpus, tmp_path, vocab_size=280)
    before = contents(tmp_path)
    options = {"vocab_size": 280} | {name: changes.pop(name) for name in ("vocab_size", "tokenizer") if name in changes}
    with pytest.raises(ValueError, match=f"{tmp_path} holds ids .*{told}.*choose another folder, or delete this one"):
        prepare(replace(corpus, **changes), tmp_path, **options)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("one, other, told", [
    (dict(seed=0, n=30), dict(seed=1, n=30), "chars was .* sha256 was"),
    (dict(seed=0, n=30), dict(seed=0, n=31), "documents was 30 and is 31"),
])
def test_options_of_a_corpus_decide_too(tmp_path, one, other, told):
    prepare(load_corpus("storyworld", **one), tmp_path)
    with pytest.raises(ValueError, match=told):
        prepare(load_corpus("storyworld", **other), tmp_path)
    note = read_note(tmp_path)
    assert note["options"] == one | {"min_chars": 3_200_000}
    again = load_corpus(note["made_from"]["corpus"], **note["options"])
    assert prepare(again, tmp_path).train.n_documents == len(again.split().train)


def test_another_python_is_named_where_the_text_differs(tmp_path, corpus, monkeypatch):
    prepare(corpus, tmp_path, vocab_size=280)
    monkeypatch.setattr("platform.python_version", lambda: "3.99.0")
    prepare(corpus, tmp_path, vocab_size=280)
    with pytest.raises(ValueError, match=r"\(under Python 3\.1.*; this is 3\.99\.0\): documents was 120"):
        prepare(replace(corpus, documents=DOCUMENTS[1:]), tmp_path, vocab_size=280)


@pytest.mark.parametrize("lost", [["made_from.json"], ["made_from.json", "train.bin"]])
def test_ids_without_a_note_are_refused(tmp_path, corpus, lost):
    prepare(corpus, tmp_path, vocab_size=280)
    for name in lost:
        (tmp_path / name).unlink()
    with pytest.raises(ValueError, match="holds no made_from.json, so nobody knows what its ids were made"):
        prepare(corpus, tmp_path, vocab_size=280)


@pytest.mark.parametrize("name", ["tokenizer.json", "train.bin", "held_out.bin"])
def test_what_is_missing_is_made_again_and_what_was_changed_is_refused(tmp_path, corpus, name):
    prepare(corpus, tmp_path / "ids", vocab_size=280)
    before = {path: data for path, (data, _) in contents(tmp_path / "ids").items()}
    (tmp_path / "ids" / name).unlink()
    prepare(corpus, tmp_path / "ids", vocab_size=280)
    assert {path: data for path, (data, _) in contents(tmp_path / "ids").items()} == before
    other = prepare(corpus, tmp_path / "other", vocab_size=290)
    for suffix in ("", ".json") if name.endswith(".bin") else ("",):
        shutil.copy(other.train.path.with_name(name + suffix), tmp_path / "ids")
    with pytest.raises(ValueError, match=f"{name} was changed since it was made; choose another folder"):
        prepare(corpus, tmp_path / "ids", vocab_size=280)


def test_a_kill_in_the_middle_leaves_nothing_to_trip_over(tmp_path, corpus, monkeypatch):
    with monkeypatch.context() as killed:
        killed.setattr("course_lib.text.prepare.write_ids", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            prepare(corpus, tmp_path, vocab_size=280)
    (tmp_path / "tokenizer.json").write_text('{"kind": "bp')  # and half of it was on disk
    assert prepare(corpus, tmp_path, vocab_size=280).tokenizer.vocab_size == 280


def test_lazy_documents_are_compared_without_reading_gigabytes(tmp_path):
    (tmp_path / "packages").mkdir()
    for i in range(40):
        (tmp_path / "packages" / f"m{i:02}.py").write_text(f"def function_{i}():\n    return {i}\n")
    whole = load_corpus("python_source", folders=[tmp_path / "packages"])
    made = prepare(whole, tmp_path / "ids", vocab_size=280)
    assert read_note(tmp_path / "ids")["options"] == {"folders": [str(tmp_path / "packages")], "max_chars": None}
    assert prepare(whole, tmp_path / "ids", vocab_size=280).train == made.train
    (tmp_path / "packages" / "z.py").write_text("more = 1\n")
    with pytest.raises(ValueError, match="files was 40 and is 41"):
        prepare(whole, tmp_path / "ids", vocab_size=280)
    part = load_corpus("python_source", folders=[tmp_path / "packages"], max_chars=900)
    with pytest.raises(ValueError, match="sha256 was None and is '"):
        prepare(part, tmp_path / "ids", vocab_size=280)
    identity = part.identity()
    (tmp_path / "packages" / "m39.py").write_text("beyond the end")
    assert part.identity() == identity, "text that is not read decides nothing"
    (tmp_path / "packages" / "m00.py").write_text("def function_9():\n    return 0\n")
    assert part.identity() != identity


def test_the_tokenizer_learns_from_the_training_split_alone(tmp_path, corpus):
    prepared = prepare(corpus, tmp_path, vocab_size=280)
    assert prepared.tokenizer.merges == BPETokenizer.train(corpus.split().train, 280).merges


def test_an_unknown_kind_names_the_known_ones(tmp_path, corpus):
    with pytest.raises(ValueError, match="'word' is unknown; choose one of bpe, char"):
        prepare(corpus, tmp_path, tokenizer="word")


def test_a_small_text_gets_fewer_ids_in_silence(tmp_path, corpus, recwarn):
    assert prepare(corpus, tmp_path, vocab_size=5000).tokenizer.vocab_size < 400 and not recwarn.list
