"""From a corpus to files a trainer can read: a tokenizer, and the ids of both splits. Used by lesson 12 (gpt)."""

import json
import os
import warnings
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from course_lib.files import write_text
from course_lib.folders import make_folder
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
    kind takes its alphabet from both splits. A text with too few different words for `vocab_size` gets fewer ids.

    Args:
        tokenizer: "bpe" (byte-level, `vocab_size` ids with the special one) or "char" (one id a character).

    Raises ValueError for an unknown kind, and where `folder` holds the ids of another text.
    """
    folder = make_folder(folder, way_out="prepare the text in another folder")
    if tokenizer not in TOKENIZERS:
        raise ValueError(f"tokenizer={tokenizer!r} is unknown; choose one of {', '.join(TOKENIZERS)}")
    claim(folder / "corpus.json", corpus.name)
    split = corpus.split()
    vocabulary = folder / "tokenizer.json"
    if os.path.exists(vocabulary):
        trained = load_tokenizer(vocabulary)
    elif tokenizer == "bpe":
        with warnings.catch_warnings(action="ignore", category=UserWarning):  # fewer ids: the caller sees how many
            trained = BPETokenizer.train(split.train, vocab_size)
    else:
        trained = CharTokenizer.train(chain(split.train, split.held_out))
    trained.save(vocabulary)
    files = {}
    for name, documents in (("train", split.train), ("held_out", split.held_out)):
        path = folder / f"{name}.bin"
        files[name] = TokenFile.open(path) if os.path.exists(path) else write_ids(path, documents, trained)
    return Prepared(trained, **files)


def claim(note: Path, name: str) -> None:
    """Write down whose ids these are, or refuse those of another corpus."""
    if not os.path.exists(note):
        write_text(note, json.dumps({"corpus": name}) + "\n")
    elif (there := json.loads(note.read_text(encoding="utf-8"))["corpus"]) != name:
        raise ValueError(f"{note.parent} holds the ids of {there}, not of {name}; choose another folder")
