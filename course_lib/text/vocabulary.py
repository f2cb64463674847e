"""What all tokenizers share: ids and their bytes, special tokens, a readable file. Derived in lesson 01 (tokens).

A tokenizer is a numbered list of byte strings, the vocabulary, and a rule that cuts text into them. The rule is
what `tokenizer` adds. Everything here holds for any rule.
"""

import json
import re
from collections.abc import Iterable, Sequence
from operator import index
from pathlib import Path
from typing import Any, Self

from course_lib.doors.json_file import read_json
from course_lib.text.ids import checked_ids
from course_lib.text.texts import as_list, clean

END_OF_TEXT = "<|endoftext|>"
FORMAT = 1


def printable(token: bytes) -> str:
    r"""A token as one can show it: line ends and stray bytes become \n and \xe4, everything else stays."""
    text = token.decode("utf-8", errors="backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class Tokenizer:
    """The common part. A kind of tokenizer adds `kind`, `_encode_ordinary`, `_fields` and `_from_fields`.

    `vocab_size` counts all ids. `special_tokens` maps names to ids, which are the last ones. `end_of_text` is the
    id of `<|endoftext|>`, the separator of documents, or None.
    """

    kind: str

    def __init__(self, ordinary: Sequence[bytes], special_tokens: str | Iterable[str]):
        names = [clean(name) for name in as_list(special_tokens, "special_tokens")]
        if "" in names or len(set(names)) < len(names):
            raise ValueError(f"special tokens must be different and not empty, but they are {names}")
        self.special_tokens = {name: len(ordinary) + i for i, name in enumerate(names)}
        self.vocab_size = len(ordinary) + len(names)
        self.end_of_text = self.special_tokens.get(END_OF_TEXT)
        self._bytes = dict(enumerate([*ordinary, *(name.encode() for name in names)]))

    def encode(self, text: str, allow_special: bool | str | Iterable[str] = False) -> list[int]:
        """The ids of `text`. Lone surrogates, which UTF-8 cannot hold, are read as U+FFFD.

        `allow_special`: True, or the names of those that may become special tokens. Otherwise an `<|endoftext|>`
        in somebody's text is 13 ordinary characters and ends nothing. Raises ValueError for an unknown name.
        """
        if isinstance(allow_special, bool):
            allow_special = self.special_tokens if allow_special else ()
        names = [clean(name) for name in as_list(allow_special, "allow_special")]
        for name in names:
            if name not in self.special_tokens:
                raise ValueError(f"unknown special token {name!r}; this tokenizer has {list(self.special_tokens)}")
        if not names:
            return self._encode_ordinary(text)
        either = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
        ids: list[int] = []
        for i, part in enumerate(re.split(f"({either})", clean(text))):  # ordinary, special, ordinary, ...
            ids += [self.special_tokens[part]] if i % 2 else self._encode_ordinary(part)
        return ids

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The UTF-8 bytes that `ids` stand for. Raises ValueError for what is no id of the vocabulary."""
        ids = ids if isinstance(ids, Sequence) else list(ids)
        try:
            return b"".join(map(self._bytes.__getitem__, map(index, ids)))  # index() lets whole numbers through only
        except (KeyError, TypeError):
            checked_ids(ids, self.vocab_size)  # says which
            raise

    def decode(self, ids: Iterable[int]) -> str:
        """The text of `ids`. Where they cut a character apart, U+FFFD, the replacement character, appears."""
        return self.decode_bytes(ids).decode("utf-8", errors="replace")

    def token_bytes(self, token_id: int) -> bytes:
        """The bytes of one token; they need not be whole characters."""
        return self.decode_bytes([token_id])

    def tokens(self, text: str) -> list[str]:
        """The pieces that `text` is cut into, each made printable."""
        return [printable(self.token_bytes(token_id)) for token_id in self.encode(text)]

    def save(self, path: str | Path) -> None:
        """Writes one JSON object with a line for each entry and each merge, so that it can be read and compared."""
        entries = []
        for key, value in self._fields().items():
            entry = json.dumps(value, ensure_ascii=False)
            if key == "merges" and value:
                entry = "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in value) + "\n]"
            entries.append(f'"{key}": {entry}')
        Path(path).write_text("{\n" + ",\n".join(entries) + "\n}\n", encoding="utf-8", newline="\n")

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The tokenizer that `save` wrote. Raises ValueError for any other file, and says what is wrong."""
        fields = read_fields(path)
        if fields["kind"] != cls.kind:
            raise ValueError(f"{path} holds a tokenizer of kind {fields['kind']!r}, not {cls.kind!r}; "
                             "load_tokenizer(path) loads either")
        try:
            tokenizer = cls._from_fields(fields)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"{path} is damaged: {type(error).__name__}: {error}") from None
        # What was read must be what would be written: this finds unknown, missing and altered entries alike.
        expected = tokenizer._fields()
        wrong = [key for key in fields | expected if fields.get(key) != expected.get(key)]
        if wrong:
            raise ValueError(f"{path} is damaged, or newer than this course: unexpected {', '.join(wrong)}")
        return tokenizer

    def _encode_ordinary(self, text: str) -> list[int]:
        """The ids of text in which nothing is special."""
        raise NotImplementedError

    def _fields(self) -> dict[str, Any]:
        """What the file holds, "kind" and "format" first, as JSON values."""
        raise NotImplementedError

    @classmethod
    def _from_fields(cls, fields: dict[str, Any]) -> Self:
        """The tokenizer that has these fields."""
        raise NotImplementedError


def read_fields(path: str | Path) -> dict[str, Any]:
    """The entries of a tokenizer file. Raises ValueError for other files and other formats."""
    fields = read_json(path, "a tokenizer file", keys={"kind": str, "format": int})
    if fields["format"] != FORMAT:
        raise ValueError(f"{path} has format {fields['format']!r}, and this course reads format {FORMAT}; "
                         "train the tokenizer again")
    return fields
