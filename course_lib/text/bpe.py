"""Byte pair encoding: learning merges from counted words, and applying them. Derived in lesson 01 (tokens).

To learn from many words, a word is held as a Python string whose characters are token ids, `chr(id)`. It starts with
one character for each byte (0..255), and a merge is exactly `str.replace`: left to right, at the speed of C. Words that
are too long to be copied for every merge are `long_words`.
"""

import heapq
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise, repeat

from course_lib.text.long_words import LongWords
from course_lib.text.texts import utf8

Pair = tuple[int, int]
NO_MERGE = sys.maxsize  # larger than any id
TO_COPY = 64  # bytes of the longest word that is rewritten whole for each of its merges
LONG_WORD = 200  # bytes of the longest word that is searched for each merge it is encoded with


def learn_merges(word_counts: Mapping[str, int], n_merges: int) -> list[Pair]:
    r"""The pairs of ids to merge, in order: merge i makes the id 256 + i. Fewer than asked when no pair is left.

    Each step merges the pair of neighbours that is most frequent in all words $w$, which occur $n_w$ times:
    $$\arg\max_{(a, b)} \sum_w n_w \, |\{i : w_i = a,\ w_{i+1} = b\}|$$
    Every adjacent position counts, also where they overlap (aaa holds aa twice); ties go to the smallest (a, b).

    Only words that hold the pair change, and in them only the pairs that touch it. So the counts are corrected
    instead of redone, an index leads from a pair to its words, and a heap to the next pair. With N bytes in all words
    this takes O(N log N), however long a word is.
    Source: Gage 1994 (for compression); Sennrich, Haddow and Birch 2016, section 3.2 (for words).
    """
    words = [utf8(word).decode("latin-1") for word in word_counts]  # in latin-1 byte b is character b
    repeats = list(word_counts.values())
    long = [number for number, word in enumerate(words) if len(word) > TO_COPY]
    chain = LongWords([words[number] for number in long], [repeats[number] for number in long])
    for number in long:
        words[number] = ""
    pair_counts = defaultdict(int, chain.pair_counts())
    holders = defaultdict(list)  # pair → the numbers of the words that hold it, or once did
    for number, word in enumerate(words):
        for pair in pairwise(word):
            pair_counts[pair] += repeats[number]
            holders[pair].append(number)
    heap = [(-count, pair) for pair, count in pair_counts.items()]
    heapq.heapify(heap)

    merges: list[Pair] = []
    while heap and len(merges) < n_merges:
        count, pair = heapq.heappop(heap)
        if -count != pair_counts[pair]:
            # The count is out of date, and too high: counts only fall, for every pair gained has the newest id.
            # Back into the heap with the true one. Hence a true count on top is the highest of all.
            if pair_counts[pair]:
                heapq.heappush(heap, (-pair_counts[pair], pair))
            continue
        both, merged = "".join(pair), chr(256 + len(merges))
        merges.append((ord(pair[0]), ord(pair[1])))
        gained = defaultdict(int)
        for changed, more in chain.merge(pair, merged).items():
            (gained if merged in changed else pair_counts)[changed] += more
        for number in holders.pop(pair, ()):
            words[number], before, after = rewrite(words[number], both, merged)
            for lost in pairwise(before):
                pair_counts[lost] -= repeats[number]
            for new in pairwise(after):
                gained[new] += repeats[number]
                holders[new].append(number)
        for new, count in gained.items():
            pair_counts[new] += count
            heapq.heappush(heap, (-pair_counts[new], new))
    return merges


def rewrite(word: str, both: str, merged: str) -> tuple[str, str, str]:
    """The word with `merged` in place of `both`, and the stretch whose pairs change: as it was, and as it is."""
    first = word.find(both)
    if first < 0:
        return word, "", ""
    before = word[max(first - 1, 0) : word.rfind(both) + 3]  # from one id before the first place to one after the last
    return word.replace(both, merged), before, before.replace(both, merged)


class Merger:
    """Applies merges to words: again and again the earliest learned one that fits, from left to right.

    Raises ValueError for a merge of ids that do not exist yet, and for one that is listed twice.
    """

    def __init__(self, merges: Sequence[Pair]):
        self.merges = list(merges)
        self.merged = {pair: new_id for new_id, pair in enumerate(self.merges, start=256)}
        for new_id, (left, right) in enumerate(self.merges, start=256):
            if not (0 <= left < new_id and 0 <= right < new_id):
                raise ValueError(f"merge {new_id - 256} joins the ids {left} and {right}, "
                                 f"but only 0 to {new_id - 1} exist before it")
        if len(self.merged) < len(self.merges):
            raise ValueError(f"{len(self.merges)} merges, but only {len(self.merged)} different ones")

    def encode(self, word: str) -> list[int]:
        """The ids of one pre-token."""
        ids = list(utf8(word))
        if len(ids) > LONG_WORD:
            return self._encode_long(ids)
        # joined[i] is the id that ids[i] and ids[i + 1] merge into; the earliest merge makes the smallest id
        joined = list(map(self.merged.get, pairwise(ids), repeat(NO_MERGE)))
        while joined and (new_id := min(joined)) != NO_MERGE:
            i = joined.index(new_id)
            ids[i] = new_id
            del ids[i + 1], joined[i]
            if i > 0:
                joined[i - 1] = self.merged.get((ids[i - 1], new_id), NO_MERGE)
            if i < len(joined):
                joined[i] = self.merged.get((new_id, ids[i + 1]), NO_MERGE)
        return ids

    def _encode_long(self, ids: list[int]) -> list[int]:
        """The same for a word so long, such as a line of DNA, that a search through all of it for each merge hurts.

        A queue holds the merges that may fit. Each is made everywhere at once, and only its new neighbours are tried.
        """
        chain = LongWords([ids], [1])
        queue = sorted({self.merged[pair] for pair in chain.places if pair in self.merged})
        while queue:
            new_id = heapq.heappop(queue)
            for pair, more in chain.merge(self.merges[new_id - 256], new_id).items():
                if more > 0 and pair in self.merged:  # a pair that came about only now
                    heapq.heappush(queue, self.merged[pair])
        return list(chain)
