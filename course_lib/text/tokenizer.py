"""Character and byte-level BPE tokenizers: text to ids and back. Derived in lesson 01 (tokens).

`CharTokenizer` numbers the characters that it saw. `BPETokenizer` starts from bytes, so that no text is unknown
to it, and merges frequent neighbours, so that a text has fewer ids than bytes.
"""

import warnings
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Self

from course_lib.doors.settings import plain
from course_lib.text.bpe import Merger, Pair, learn_merges
from course_lib.text.pretokenize import PATTERN, count_pretokens, pretokens
from course_lib.text.texts import as_texts, clean
from course_lib.text.vocabulary import END_OF_TEXT, FORMAT, Tokenizer, printable, read_fields

MAX_CACHED_WORDS = 1 << 18  # about 60 MB, for a tokenizer that encodes for days
LONGEST_CACHED_WORD = 64  # characters; a line of DNA hardly comes twice, and would not fit the 60 MB


class CharTokenizer(Tokenizer):
    """One id for each character. Raises ValueError when there is none, or one twice."""

    kind = "char"

    def __init__(self, characters: str, special_tokens: str | Sequence[str] = (END_OF_TEXT,)):
        characters = clean(characters)
        self._ids = {character: i for i, character in enumerate(characters)}
        if not characters or len(self._ids) < len(characters):
            raise ValueError(f"{len(characters)} characters, {len(self._ids)} different ones; "
                             "a character tokenizer needs some, each once: train it on a text")
        super().__init__([character.encode() for character in characters], special_tokens)
        self.characters = characters

    @classmethod
    def train(cls, texts: str | Iterable[str], special_tokens: str | Sequence[str] = (END_OF_TEXT,)) -> Self:
        """All characters of `texts`, ordered by code point. Raises ValueError when there are none."""
        characters: set[str] = set()
        for text in as_texts(texts):
            characters.update(clean(text))
        return cls("".join(sorted(characters)), special_tokens)

    def _encode_ordinary(self, text: str) -> list[int]:
        try:
            return list(map(self._ids.__getitem__, clean(text)))
        except KeyError as missing:
            raise ValueError(f"the character {missing} is not among the {len(self._ids)} that this tokenizer knows; "
                             "train it on text that has it, or use BPETokenizer, which knows all") from None

    def _fields(self) -> dict[str, Any]:
        return {"kind": self.kind, "format": FORMAT, "special_tokens": self.special_tokens,
                "characters": self.characters}

    @classmethod
    def _from_fields(cls, fields: dict[str, Any]) -> Self:
        return cls(fields["characters"], fields["special_tokens"])


class BPETokenizer(Tokenizer):
    """Byte-level BPE: the ids 0..255 are the bytes, 256 + i is what merge i makes, and then come special tokens.

    `merges` lists pairs (left id, right id). The first k merges of a tokenizer are a tokenizer as well, the one
    that training with a smaller vocabulary gives: `BPETokenizer(big.merges[:k])`.
    Raises ValueError for merges of ids that do not exist yet. The ids are those of tiktoken's `Encoding` with
    `pat_str=PATTERN` and the same merges. Source: Radford et al. 2019 (GPT-2), section 2.2. Other names: BBPE.
    """

    kind = "bpe"

    def __init__(self, merges: Sequence[Pair], special_tokens: str | Sequence[str] = (END_OF_TEXT,)):
        self.merges: list[Pair] = [
            (left, right) if type(left) is type(right) is int else plain("merge", (left, right), Pair)
            for left, right in merges]
        self._word_ids = _WordCache(Merger(self.merges))
        ordinary = [bytes([byte]) for byte in range(256)]
        for left, right in self.merges:
            ordinary.append(ordinary[left] + ordinary[right])
        super().__init__(ordinary, special_tokens)

    @classmethod
    def train(
        cls,
        texts: str | Iterable[str],
        vocab_size: int,
        special_tokens: str | Sequence[str] = (END_OF_TEXT,),
        workers: int = 1,
    ) -> Self:
        """Learns `vocab_size` ids from `texts`, the 256 bytes and the special tokens among them.

        `texts` may be a stream: memory grows with the number of different pre-tokens, not with the text. The
        names of special tokens in it are ordinary text. With `workers` > 1, processes share the counting.
        Raises ValueError when `vocab_size` has no room for the bytes and special tokens. When the text has fewer
        pairs to merge than asked for, training stops early with a warning, and `vocab_size` is what there is.
        """
        vocab_size = plain("vocab_size", vocab_size, int)
        smallest = cls([], special_tokens).vocab_size
        if vocab_size < smallest:
            raise ValueError(f"vocab_size={vocab_size} has no room for 256 bytes and {smallest - 256} special tokens; "
                             f"use {smallest} or more, or a CharTokenizer")
        word_counts = count_pretokens(texts, workers)
        tokenizer = cls(learn_merges(word_counts, vocab_size - smallest), special_tokens)
        if tokenizer.vocab_size < vocab_size:
            warnings.warn(f"the text supports only {tokenizer.vocab_size} of the {vocab_size} ids asked for: after "
                          f"{len(tokenizer.merges)} merges no pair is left", stacklevel=2)
        return tokenizer

    def _encode_ordinary(self, text: str) -> list[int]:
        ids: list[int] = []
        for pieces in pretokens(text):
            ids.extend(chain.from_iterable(map(self._word_ids.__getitem__, pieces)))
        return ids

    def _fields(self) -> dict[str, Any]:
        rows = [[*pair, printable(self.token_bytes(256 + i))] for i, pair in enumerate(self.merges)]
        return {"kind": self.kind, "format": FORMAT, "pattern": PATTERN, "special_tokens": self.special_tokens,
                "merges": rows}

    @classmethod
    def _from_fields(cls, fields: dict[str, Any]) -> Self:
        return cls([(left, right) for left, right, _ in fields["merges"]], fields["special_tokens"])


class _WordCache(dict[str, list[int]]):
    """Word → its ids, found when first asked for: most words of a text are repetitions."""

    def __init__(self, merger: Merger):
        self.merger = merger

    def __missing__(self, word: str) -> list[int]:
        ids = self.merger.encode(word)
        if len(word) > LONGEST_CACHED_WORD:
            return ids
        if len(self) >= MAX_CACHED_WORDS:
            self.clear()
        self[word] = ids
        return ids


def load_tokenizer(path: str | Path) -> Tokenizer:
    """The tokenizer of either kind that `save` wrote. Raises ValueError for any other file."""
    kinds = {kind.kind: kind for kind in (CharTokenizer, BPETokenizer)}
    kind = read_fields(path)["kind"]
    if kind not in kinds:
        raise ValueError(f"{path} holds a tokenizer of kind {kind!r}; this course has {' and '.join(kinds)}")
    return kinds[kind].load(path)
