"""Token ids on disk: a flat, memory-mapped .bin with a JSON header beside it. Used by lesson 12 (gpt)."""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from course_lib.doors.files import move, replace_text
from course_lib.doors.folders import make_folder
from course_lib.doors.json_file import read_json
from course_lib.doors.settings import settle
from course_lib.text.ids import checked_ids
from course_lib.text.texts import as_texts, utf8

KIND = {"kind": "course token ids", "format": 1}
REWRITE = "write it with write_ids(path, documents, tokenizer)"


@dataclass(frozen=True, kw_only=True)
class TokenFile:
    """What the header of a file of token ids says; `ids` maps the file itself."""

    path: Path
    dtype: str               # "uint16" up to 65,536 different ids, else "uint32"; always little-endian
    n_ids: int               # all ids, the end_of_text between documents included
    vocab_size: int          # every id is below this
    end_of_text: int | None  # stands before, between and after the documents; None: documents adjoin
    n_documents: int
    n_bytes: int             # of the documents' text in UTF-8: the denominator of bits per byte

    def __post_init__(self):
        settle(self)
        if min(self.n_ids, self.vocab_size, self.n_documents + 1, self.n_bytes + 1) < 1:
            raise ValueError(f"n_ids={self.n_ids} and vocab_size={self.vocab_size} must be at least 1, n_documents="
                             f"{self.n_documents} and n_bytes={self.n_bytes} not negative")
        if self.end_of_text is not None and not 0 <= self.end_of_text < self.vocab_size:
            raise ValueError(f"end_of_text={self.end_of_text} is none of the ids 0 … {self.vocab_size - 1}")

    @property
    def ids(self) -> np.ndarray:
        """The ids, read-only, shape (n_ids,). Pages are read on use and belong to the system's file cache."""
        mapped = np.memmap(self.path, dtype=np.dtype(self.dtype).newbyteorder("<"), mode="r")
        return mapped.view(np.ndarray)  # the same pages as a plain array, which is faster to index

    @classmethod
    def open(cls, path: str | Path) -> "TokenFile":
        """The header of `path`, checked. Raises FileNotFoundError or ValueError, with a way out."""
        path = Path(path)
        if not os.path.isfile(path):
            raise FileNotFoundError(f"there is no token file at {path}; {REWRITE}")
        header = _read_header(path)
        try:
            info = cls(path=path, **header)
        except ValueError as error:
            raise ValueError(f"{header_path(path)} is not the header of a token file: {error}; {REWRITE}") from None
        size, promised = path.stat().st_size, info.n_ids * np.dtype(info.dtype).itemsize
        if size != promised:
            raise ValueError(f"{path} holds {size:,} bytes, but its header promises {promised:,} "
                             f"({info.n_ids:,} ids of {info.dtype}): it was cut short or changed; {REWRITE}")
        return info


def header_path(path: str | Path) -> Path:
    """`train.bin` -> `train.bin.json`."""
    return Path(f"{path}.json")


def write_ids(path: str | Path, documents: str | Iterable[str], tokenizer) -> TokenFile:
    """Encode documents one after the other into `path`; memory does not grow with the text.

    Layout: `<eot> doc1 <eot> doc2 … <eot>` where the tokenizer has an end_of_text, else the documents' ids
    in a row. `documents` is one text or any iterable of texts. The two files are
    written under temporary names and renamed at the end: a token file that exists is whole. Raises
    ValueError where there is nothing to write, or where the tokenizer yields an id outside 0 … vocab_size -
    1.
    """
    path, documents = Path(path), as_texts(documents, "documents")
    dtype = "uint16" if tokenizer.vocab_size <= 2**16 else "uint32"
    boundary = [] if tokenizer.end_of_text is None else [tokenizer.end_of_text]
    part, n_documents, n_bytes = Path(f"{path}.part"), 0, 0
    make_folder(path.parent, way_out="write the ids into another folder")
    with open(part, "wb") as file:
        for text in documents:
            before = boundary if n_documents == 0 else []
            ids = checked_ids([*before, *tokenizer.encode(text), *boundary], tokenizer.vocab_size,
                              what=f"document {n_documents}: ids")
            file.write(ids.astype(np.dtype(dtype).newbyteorder("<")).tobytes())
            n_documents += 1
            n_bytes += len(utf8(text))
        n_ids = file.tell() // np.dtype(dtype).itemsize
    if n_ids == 0:
        part.unlink()
        raise ValueError(f"nothing to write to {path}: {n_documents} documents without text")
    info = TokenFile(path=path, dtype=dtype, n_ids=n_ids, vocab_size=tokenizer.vocab_size,
                     end_of_text=tokenizer.end_of_text, n_documents=n_documents, n_bytes=n_bytes)
    _write_header(info)
    move(part, path)
    return info


def _write_header(info):
    header = KIND | {name: value for name, value in asdict(info).items() if name != "path"}
    replace_text(header_path(info.path), json.dumps(header, indent=2) + "\n")


def _read_header(path):
    name = header_path(path)
    try:
        header = read_json(name, "the header of a token file", way_out=REWRITE)
    except FileNotFoundError:
        raise ValueError(f"{path} is not a token file: no {name.name} beside it; {REWRITE}") from None
    if not KIND.items() <= header.items():
        raise ValueError(f"{name} is not the header of a token file, which says {KIND}; {REWRITE}")
    wanted = {field.name for field in fields(TokenFile)} - {"path"}
    found = {key: value for key, value in header.items() if key not in KIND}
    if set(found) != wanted or found["dtype"] not in ("uint16", "uint32"):
        raise ValueError(f"{name} should give {', '.join(sorted(wanted))} and dtype uint16 or uint32, "
                         f"but says {found}; {REWRITE}")
    return found
