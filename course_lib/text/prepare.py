"""From a corpus to files a trainer can read: a tokenizer, and the ids of both splits. Used by lesson 12 (gpt)."""

import json
import os
import platform
import warnings
from dataclasses import asdict, dataclass
from hashlib import sha256
from itertools import chain
from pathlib import Path

from course_lib.doors.files import replace_text
from course_lib.doors.folders import make_folder
from course_lib.doors.json_file import as_written, read_json
from course_lib.doors.settings import plain
from course_lib.text.corpora import Corpus, Split
from course_lib.text.dataset import TokenFile, write_ids
from course_lib.text.tokenizer import BPETokenizer, CharTokenizer, load_tokenizer

TOKENIZERS = ("bpe", "char")
NOTE = "made_from.json"  # what the folder's files were made from, and how one knows them
FILES = ("tokenizer.json", "train.bin", "held_out.bin")
ELSE = "choose another folder, or delete this one to have it made anew"


@dataclass(frozen=True)
class Prepared:
    """A tokenizer, and the ids of the training and held-out documents."""

    tokenizer: BPETokenizer | CharTokenizer
    train: TokenFile
    held_out: TokenFile


def prepare(corpus: Corpus, folder: str | Path, *, tokenizer: str = "bpe", vocab_size: int = 512) -> Prepared:
    """Train a tokenizer on the training documents and write the ids of both splits into `folder`.

    What lies there already is used again if it was made from the same: text, split, kind and size of the tokenizer,
    which stand in made_from.json. So a resumed run reads what it read before. The tokenizer sees no held-out text;
    characters that occur there alone are the one thing a "char" tokenizer cannot read, so that kind takes its alphabet
    from both splits. A text with too few different words for `vocab_size` gets fewer ids.

    Args:
        tokenizer: "bpe" (byte-level, `vocab_size` ids with the special one) or "char" (one id a character).

    Raises ValueError for an unknown kind, and where `folder` holds what was made from something else or was changed.
    """
    folder = make_folder(folder, way_out="prepare the text in another folder")
    if tokenizer not in TOKENIZERS:
        raise ValueError(f"tokenizer={tokenizer!r} is unknown; choose one of {', '.join(TOKENIZERS)}")
    vocab_size = plain("vocab_size", vocab_size, int)
    sizes = {"vocab_size": vocab_size} if tokenizer == "bpe" else {}
    made_from = {**corpus.identity(), "tokenizer": tokenizer, **sizes}
    note = _claimed(folder, made_from, corpus.options)
    if "files" in note and all(os.path.exists(folder / name) for name in FILES):
        prepared = Prepared(load_tokenizer(folder / FILES[0]), *(TokenFile.open(folder / name) for name in FILES[1:]))
        if changed := [name for name in FILES if note["files"].get(name) != _marks(prepared)[name]]:
            raise ValueError(f"{folder / changed[0]} was changed since it was made; {ELSE}")
        return prepared
    prepared = _make(corpus.split(), folder, tokenizer, vocab_size)
    _write(folder / NOTE, note | {"files": _marks(prepared)})
    return prepared


def read_note(folder: str | Path) -> dict:
    """What the files in `folder` were made from: {"made_from": what was compared, "options": of the corpus, …}.

    Raises ValueError where nobody has written it down.
    """
    keys = {"made_from": dict, "options": dict}
    try:
        return read_json(Path(folder) / NOTE, "a note of what ids were made from", keys=keys, way_out=ELSE)
    except FileNotFoundError:
        raise ValueError(f"{folder} holds no {NOTE}, so nobody knows what its ids were made from; {ELSE}") from None


def _claimed(folder, made_from, options):
    """The folder's note; written where the folder is new. ValueError where it says something else."""
    if not any(os.path.exists(folder / name) for name in (NOTE, *FILES)):
        _write(folder / NOTE, {"made_from": made_from, "options": options, "python": platform.python_version()})
    note = read_note(folder)
    there = note["made_from"]
    if there != made_from:
        names = [name for name in there | made_from if there.get(name) != made_from.get(name)]
        differ = "; ".join(f"{name} was {there.get(name)!r} and is {made_from.get(name)!r}" for name in names)
        made_with, python = note.get("python"), platform.python_version()
        versions = "" if made_with == python else f" (under Python {made_with}; this is {python})"
        raise ValueError(f"{folder} holds ids that were made from something else{versions}: {differ}; {ELSE}")
    return note


def _make(split: Split, folder: Path, kind: str, vocab_size: int) -> Prepared:
    if kind == "bpe":
        with warnings.catch_warnings(action="ignore", category=UserWarning):  # fewer ids: the caller sees how many
            trained = BPETokenizer.train(split.train, vocab_size)
    else:
        trained = CharTokenizer.train(chain(split.train, split.held_out))
    trained.save(folder / FILES[0])
    train, held_out = (write_ids(folder / name, documents, trained)
                       for name, documents in zip(FILES[1:], (split.train, split.held_out), strict=True))
    return Prepared(trained, train, held_out)


def _marks(prepared):
    """How one knows the files again: the tokenizer's checksum, the headers of the ids."""
    tokenizer = prepared.train.path.with_name(FILES[0])
    files = {file.path.name: {name: value for name, value in asdict(file).items() if name != "path"}
             for file in (prepared.train, prepared.held_out)}
    return {FILES[0]: sha256(as_written(tokenizer.read_bytes())).hexdigest(), **files}


def _write(path, note):
    replace_text(path, json.dumps(note, indent=2) + "\n")
