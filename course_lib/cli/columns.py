"""Texts of several models, side by side: for `course generate` with more than one. Looked at in lesson 12 (gpt)."""

import os
import shutil
import textwrap
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path

from course_lib.lab.plots.fonts import columns_of
from course_lib.text.token_file import TokenFile
from course_lib.text.vocabulary import Tokenizer

WIDEST = 100     # columns of a terminal that the table uses at most
NARROWEST = 24   # of one text; where that is too much the texts stand one below the other
GAP = "   "


def held_out_beginning(run: str | Path, tokenizer: Tokenizer, chars: int = 60) -> str:
    """How the first held-out document of a run begins: about `chars` characters, at most half of it, whole words.

    "" where the folder is no run, or its tokenizer does not know where documents end.
    """
    path, end = Path(run) / "ids" / "held_out.bin", tokenizer.end_of_text
    if end is None or not os.path.isfile(path):
        return ""
    ids = TokenFile.open(path).ids[:8 * chars].tolist()  # each document stands behind an end-of-text id
    first = ids[1:ids.index(end, 1)] if end in ids[1:] else ids[1:]
    text = tokenizer.decode(first)
    return text[:text.rfind(" ", 0, min(chars, len(text) // 2) + 1)] if " " in text[:chars] else text[:1]


def side_by_side(titles: Sequence[str], texts: Sequence[str], width: int | None = None) -> str:
    """One column a text, under its title, lines wrapped; `width` columns in all, of the terminal if None."""
    width = min(shutil.get_terminal_size((WIDEST, 24)).columns, WIDEST) if width is None else width
    each = (width - len(GAP) * (len(texts) - 1)) // len(texts)
    pairs = list(zip(titles, texts, strict=True))
    if each < NARROWEST:
        return "\n\n".join(f"{title}\n{'-' * columns_of(title)}\n{text}" for title, text in pairs)
    heads = [list(wrapped(title, each)) for title in titles]
    tallest = max(map(len, heads))
    columns = [[""] * (tallest - len(head)) + head + ["-" * each, *wrapped(text, each)]
               for head, (_, text) in zip(heads, pairs, strict=True)]
    rows = zip_longest(*columns, fillvalue="")
    return "\n".join(GAP.join(part + " " * (each - columns_of(part)) for part in row).rstrip() for row in rows)


def wrapped(text: str, width: int) -> Iterator[str]:
    """The lines of a text, none wider than `width` columns; a Chinese character takes two."""
    for line in text.splitlines() or [""]:
        for part in textwrap.wrap(line, width, replace_whitespace=False) or [""]:
            while columns_of(part) > width:
                fits = max(1, next(i for i in range(len(part), 0, -1) if columns_of(part[:i]) <= width))
                yield part[:fits]
                part = part[fits:]
            yield part
