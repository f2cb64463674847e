r"""Cuts text into the pieces that BPE may never merge across. Derived in lesson 01 (tokens).

On raw text, byte pair encoding would learn tokens such as `dog.`, `dog!` and `dog?`. So a pattern first cuts the
text into pre-tokens (words, numbers, punctuation, spaces), and merges happen only inside one. No ids yet.
"""

import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context

import regex

from course_lib.text.texts import as_texts, clean

# GPT-4's pattern (tiktoken's cl100k_base). At each place the first alternative that fits is taken.
PATTERN = "|".join([
    r"'(?i:[sdmt]|ll|ve|re)",       # the end of a contraction: 's 'd 'm 't 'll 've 're
    r"[^\r\n\p{L}\p{N}]?[\p{L}]+",  # a word, together with one character before it: " dog", "(dog", "狗"
    r"[\p{N}]{1,3}",                # digits, three at a time: "123", "456", "7"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*",   # punctuation, with a space before it and line ends after it: " ->", ";\n"
    r"\s*[\r\n]+",                  # spaces and blank lines, up to the last line end
    r"\s+(?!\S)",                   # spaces, but leave the last one to the word that follows ...
    r"\s+",                         # ... and what it does not want: the space before a digit
])  # fmt: skip

CHUNK_CHARS = 1 << 13
BATCH_CHARS = 1 << 22

# Before a space that follows a non-space, and between a line end and a non-space, every pre-token ends, and no
# alternative looks further than that. So the text can be cut there, and the pieces treated one by one.
SAFE_CUT = re.compile(r"\S(?= )|\n(?=\S)")


@cache
def _findall(ascii_only: bool) -> Callable[[str], list[str]]:
    r"""The pattern as a function, compiled when first needed.

    `re` is 2.5 times faster than `regex`, but does not know \p{L} (letters) and \p{N} (numbers of all scripts).
    In ASCII text these are a-zA-Z and 0-9, and there the two engines agree.
    """
    if not ascii_only:
        return regex.compile(PATTERN).findall
    return re.compile(PATTERN.replace(r"\p{L}", "a-zA-Z").replace(r"\p{N}", "0-9"), re.ASCII).findall


def chunks(text: str) -> Iterator[str]:
    """`clean(text)` in stretches of a little over 8192 characters, cut only where no pre-token is cut."""
    text, start = clean(text), 0
    while len(text) - start > CHUNK_CHARS:
        cut = SAFE_CUT.search(text, start + CHUNK_CHARS)
        if cut is None:
            break
        yield text[start : cut.end()]
        start = cut.end()
    yield text[start:]


def pretokens(text: str) -> Iterator[list[str]]:
    """The pre-tokens of `text` in order, a list for each chunk. Joined together they are `clean(text)` again.

    Chunks bound the memory, and an emoji slows down its own chunk only. Letters that Unicode gained after the
    installed `regex` was made count as punctuation.
    """
    for chunk in chunks(text):
        yield _findall(chunk.isascii())(chunk)


def count_pretokens(texts: str | Iterable[str], workers: int = 1) -> Counter[str]:
    """How often each pre-token occurs in `texts` (`as_texts`), which may be a stream larger than the memory.

    With `workers` > 1 that many processes count, with three batches of 4 M characters each in memory. A script
    that uses them keeps its work below `if __name__ == "__main__":`, as always with processes.
    """
    counts, texts = Counter(), as_texts(texts)
    if workers <= 1:
        for text in texts:
            for pieces in pretokens(text):
                counts.update(pieces)
        return counts
    # "spawn", because forking a process that has threads, as every notebook does, can hang
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        waiting = deque()
        for batch in _batches(texts):
            waiting.append(pool.submit(count_pretokens, batch))
            if len(waiting) >= 3 * workers:
                counts.update(waiting.popleft().result())
        for future in waiting:
            counts.update(future.result())
    return counts


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    """The chunks of all texts in lists of about BATCH_CHARS characters: one errand for a process."""
    batch, size = [], 0
    for text in texts:
        for chunk in chunks(text):
            batch.append(chunk)
            size += len(chunk)
            if size >= BATCH_CHARS:
                yield batch
                batch, size = [], 0
    if batch:
        yield batch
