"""Byte pair encoding: learning merges from counted words, and applying them. Derived in lesson 01 (tokens).

To learn from many words, a word is held as a Python string whose characters are token ids, `chr(id)`. It starts with
one character for each byte (0..255), and a merge is exactly `str.replace`: left to right, at the speed of C.
"""

import heapq
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise, repeat

Pair = tuple[int, int]
NO_MERGE = sys.maxsize  # larger than any id
LONG_WORD = 200


def learn_merges(word_counts: Mapping[str, int], n_merges: int) -> list[Pair]:
    r"""The pairs of ids to merge, in order: merge i makes the id 256 + i. Fewer than asked when no pair is left.

    Each step merges the pair of neighbours that is most frequent in all words $w$, which occur $n_w$ times:
    $$\arg\max_{(a, b)} \sum_w n_w \, |\{i : w_i = a,\ w_{i+1} = b\}|$$
    Every adjacent position counts, also where they overlap (aaa holds aa twice); ties go to the smallest (a, b).

    Only words that hold the pair change, and in them only the pairs that touch it. So the counts are corrected
    instead of redone, an index leads from a pair to its words, and a heap to the next pair.
    Source: Gage 1994 (for compression); Sennrich, Haddow and Birch 2016, section 3.2 (for words).
    """
    words = [word.encode("utf-8").decode("latin-1") for word in word_counts]  # in latin-1 byte b is character b
    repeats = list(word_counts.values())
    pair_counts = defaultdict(int)
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
        for number in holders.pop(pair):
            word = words[number]
            first = word.find(both)
            if first < 0:
                continue
            words[number] = word.replace(both, merged)
            # Pairs change only from one id before the first place to one id after the last.
            before = word[max(first - 1, 0) : word.rfind(both) + 3]
            for lost in pairwise(before):
                pair_counts[lost] -= repeats[number]
            for new in pairwise(before.replace(both, merged)):
                gained[new] += repeats[number]
                holders[new].append(number)
        for new, count in gained.items():
            pair_counts[new] += count
            heapq.heappush(heap, (-pair_counts[new], new))
    return merges


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
        ids = list(word.encode("utf-8"))
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
        queue = sorted({self.merged[pair] for pair in pairwise(ids) if pair in self.merged})
        word = "".join(map(chr, ids))
        while queue:
            new_id = heapq.heappop(queue)
            left, right = self.merges[new_id - 256]
            word = word.replace(chr(left) + chr(right), chr(new_id))
            between = word.split(chr(new_id))
            pairs = {(ord(stretch[-1]) if stretch else new_id, new_id) for stretch in between[:-1]}
            pairs |= {(new_id, ord(stretch[0])) for stretch in between[1:] if stretch}
            for pair in pairs & self.merged.keys():
                heapq.heappush(queue, self.merged[pair])
        return [ord(character) for character in word]
