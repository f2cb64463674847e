import pytest

from course_lib.text.corpora import Corpus
from course_lib.text.prepare import prepare
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


def test_what_is_there_is_used_again(tmp_path, corpus):
    first = prepare(corpus, tmp_path, vocab_size=280)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir() if path.suffix == ".bin"}
    again = prepare(corpus, tmp_path, vocab_size=300)
    assert again.tokenizer.vocab_size == first.tokenizer.vocab_size == 280
    assert before == {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir() if path.suffix == ".bin"}


def test_the_tokenizer_learns_from_the_training_split_alone(tmp_path, corpus):
    prepared = prepare(corpus, tmp_path, vocab_size=280)
    assert prepared.tokenizer.merges == BPETokenizer.train(corpus.split().train, 280).merges


def test_an_unknown_kind_names_the_known_ones(tmp_path, corpus):
    with pytest.raises(ValueError, match="'word' is unknown; choose one of bpe, char"):
        prepare(corpus, tmp_path, tokenizer="word")


def test_another_text_is_refused(tmp_path, corpus):
    prepare(corpus, tmp_path, vocab_size=280)
    other = Corpus(name="other", description="", source="", licence="", documents=DOCUMENTS)
    with pytest.raises(ValueError, match="holds the ids of toy, not of other"):
        prepare(other, tmp_path, vocab_size=280)


def test_a_small_text_gets_fewer_ids_in_silence(tmp_path, corpus, recwarn):
    assert prepare(corpus, tmp_path, vocab_size=5000).tokenizer.vocab_size < 400 and not recwarn.list
