"""Byte pair encoding: learning merges from counted words, and applying them. Derived in lesson 01 (tokens).

In this file a word is a Python string whose characters are token ids, `chr(id)`. It starts with one character
for each byte (0..255). Then a merge is exactly `str.replace`: from left to right, as BPE must, at the speed of C.
"""

import heapq
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise

Pair = tuple[int, int]


def bytes_as_ids(text: str) -> str:
    """The UTF-8 bytes of `text` as a word. Latin-1 is the encoding in which byte b is character b."""
    return text.encode("utf-8").decode("latin-1")


def learn_merges(word_counts: Mapping[str, int], n_merges: int) -> list[Pair]:
    r"""The pairs of ids to merge, in order: merge i makes the id 256 + i. Fewer than asked when no pair is left.

    Each step merges the pair of neighbours that is most frequent in all words $w$, which occur $n_w$ times:
    $$\arg\max_{(a, b)} \sum_w n_w \, |\{i : w_i = a,\ w_{i+1} = b\}|$$
    Every adjacent position counts, also where they overlap (aaa holds aa twice); ties go to the smallest (a, b).

    Only words that hold the pair change, and in them only the pairs that touch it. So the counts are corrected
    instead of redone, an index leads from a pair to its words, and a heap to the next pair.
    Source: Gage 1994 (for compression); Sennrich, Haddow and Birch 2016, section 3.2 (for words).
    """
    words = [bytes_as_ids(word) for word in word_counts]
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
    """Applies merges to words: again and again the earliest one that fits, everywhere in the word.

    Raises ValueError for a merge of ids that do not exist yet, and for one that is listed twice.
    """

    def __init__(self, merges: Sequence[Pair]):
        self.parts: dict[str, str] = {}  # a merged id → the two ids it replaces
        for new_id, (left, right) in enumerate(merges, start=256):
            if not (0 <= left < new_id and 0 <= right < new_id):
                raise ValueError(f"merge {new_id - 256} joins the ids {left} and {right}, "
                                 f"but only 0 to {new_id - 1} exist before it")
            self.parts[chr(new_id)] = chr(left) + chr(right)
        self.merged = {both: merged for merged, both in self.parts.items()}
        if len(self.merged) < len(self.parts):
            raise ValueError(f"{len(self.parts)} merges, but only {len(self.merged)} different ones")

    def encode(self, text: str) -> list[int]:
        """The ids of one pre-token.

        A queue holds the merges that may fit, and after each one only its neighbourhood is looked at. This keeps
        a word of a million letters affordable.
        """
        word = bytes_as_ids(text)
        queue = sorted(self.merged[both] for both in {a + b for a, b in pairwise(word)} & self.merged.keys())
        while queue:
            merged = heapq.heappop(queue)
            if self.parts[merged] not in word:  # an earlier merge took what it needs
                continue
            word = word.replace(self.parts[merged], merged)
            between = word.split(merged)
            neighbours = {stretch[-1:] + merged if stretch else merged + merged for stretch in between[:-1]}
            neighbours.update(merged + stretch[0] for stretch in between[1:] if stretch)
            for both in neighbours & self.merged.keys():
                heapq.heappush(queue, self.merged[both])
        return [ord(character) for character in word]
