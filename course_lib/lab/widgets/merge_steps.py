"""Byte pair encoding of one text, merge by merge: what is counted, what wins, what is left. Lesson 01 (tokens)."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from course_lib.text.bpe import Pair, learn_merges
from course_lib.text.pretokenize import count_pretokens, pretokens

Words = tuple[tuple[int, ...], ...]  # the ids of each pre-token, in the order of the text


@dataclass(frozen=True)
class MergeStep:
    """One merge: the pair of ids, the id it makes, its place in the list of merges, the text after it.

    `count` is how often the pair stood in the text before (overlapping places counted, as `learn_merges` does);
    `rivals` are the pairs that stood there, the one to merge first, each with its count.
    """

    pair: Pair
    new_id: int
    count: int
    rivals: tuple[tuple[Pair, int], ...]
    words: Words


def start(text: str) -> Words:
    """The bytes of each pre-token of `text`: where every merging begins."""
    return tuple(tuple(piece.encode("utf-8")) for pieces in pretokens(text) for piece in pieces)


def merge_steps(text: str, merges: Sequence[Pair] | None = None, *, most: int = 60) -> list[MergeStep]:
    """The merges that change `text`, in order: those of a tokenizer, or else (`None`) those learned from `text` itself.

    After the last one the ids are what `BPETokenizer(merges).encode(text)` gives, unless `most` cut them short.
    Learning stops when no pair stands twice: a pair that is seen once is no pattern.
    """
    learning = merges is None
    if learning:
        merges = learn_merges(count_pretokens([text]), most)
    rank = {pair: new_id for new_id, pair in enumerate(merges, start=256)}
    words, steps = start(text), []
    while len(steps) < most:
        counts = pair_counts(words)
        known = [pair for pair in counts if pair in rank]
        if not known:
            break
        pair = min(known, key=rank.__getitem__)
        if learning and counts[pair] < 2:
            break
        order = sorted(counts, key=lambda p, n=counts: (-n[p], p)) if learning else sorted(known, key=rank.__getitem__)
        rivals = tuple((p, counts[p]) for p in order)
        words = tuple(tuple(merged(word, pair, rank[pair])) for word in words)
        steps.append(MergeStep(pair, rank[pair], counts[pair], rivals, words))
    return steps


def pair_counts(words: Words) -> Counter[Pair]:
    """How often each pair of neighbours stands in the words; never across two of them."""
    return Counter(pair for word in words for pair in pairwise(word))


def merged(word: Sequence[int], pair: Pair, new_id: int) -> Iterator[int]:
    """The ids of `word` with `new_id` in place of each `pair`, found from left to right."""
    i = 0
    while i < len(word):
        found = tuple(word[i : i + 2]) == pair
        yield new_id if found else word[i]
        i += 2 if found else 1


def token_bytes(merges: Sequence[Pair]) -> list[bytes]:
    """What each id stands for: 256 bytes, then one token for each merge."""
    held = [bytes([byte]) for byte in range(256)]
    for left, right in merges:
        held.append(held[left] + held[right])
    return held
