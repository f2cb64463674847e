"""From a corpus to files a trainer can read: a tokenizer, and the ids of both splits. Used by lesson 12 (gpt)."""

from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from course_lib.text.corpora import Corpus
from course_lib.text.dataset import TokenFile, write_ids
from course_lib.text.tokenizer import BPETokenizer, CharTokenizer, load_tokenizer

TOKENIZERS = ("bpe", "char")


@dataclass(frozen=True)
class Prepared:
    """A tokenizer, and the ids of the training and held-out documents."""

    tokenizer: BPETokenizer | CharTokenizer
    train: TokenFile
    held_out: TokenFile


def prepare(corpus: Corpus, folder: str | Path, *, tokenizer: str = "bpe", vocab_size: int = 512) -> Prepared:
    """Train a tokenizer on the training documents and write the ids of both splits into `folder`.

    What lies there already is used again, so a resumed run reads what it read before. The tokenizer sees no
    held-out text; characters that occur there alone are the one thing a "char" tokenizer cannot read, so that
    kind takes its alphabet from both splits.

    Args:
        tokenizer: "bpe" (byte-level, `vocab_size` ids with the special one) or "char" (one id a character).
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if tokenizer not in TOKENIZERS:
        raise ValueError(f"tokenizer={tokenizer!r} is unknown; choose one of {', '.join(TOKENIZERS)}")
    split = corpus.split()
    vocabulary = folder / "tokenizer.json"
    if vocabulary.exists():
        trained = load_tokenizer(vocabulary)
    elif tokenizer == "bpe":
        trained = BPETokenizer.train(split.train, vocab_size)
    else:
        trained = CharTokenizer.train(chain(split.train, split.held_out))
    trained.save(vocabulary)
    files = {}
    for name, documents in (("train", split.train), ("held_out", split.held_out)):
        path = folder / f"{name}.bin"
        files[name] = TokenFile.open(path) if path.exists() else write_ids(path, documents, trained)
    return Prepared(trained, **files)
