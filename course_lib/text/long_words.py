"""Merging in words too long to copy at every merge: DNA, base64, Chinese without spaces. Used by `bpe`; lesson 01.

A merge rewrites a short word as a whole, which is fast in C. A word of 80,000 letters, rewritten for each merge,
would take its length squared. Here it is a chain of ids that are unlinked where they are.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from itertools import pairwise

Pair = tuple[Hashable, Hashable]


class LongWords:
    """Words as one chain of ids, with the places of every pair of neighbours, each word `repeats` times.

    Ids are whatever the words are made of; None separates the words. Each merge at a place makes the chain shorter by
    one and notes two places at most, so all merges together take time proportional to the length of the words.
    Elsewhere: a doubly linked list, as in Re-Pair (Larsson and Moffat 1999).
    """

    def __init__(self, words: Iterable[Sequence], repeats: Iterable[int]):
        self.ids, self.repeats = [None], [0]
        for word, n in zip(words, repeats, strict=True):
            self.ids += [*word, None]
            self.repeats += [n] * (len(word) + 1)
        self.before = list(range(-1, len(self.ids) - 1))  # the place of the id before, of what is still linked
        self.after = list(range(1, len(self.ids) + 1))
        self.places: dict[Pair, list[int]] = defaultdict(list)  # pair → where it begins, or once did, in order
        for place, pair in enumerate(pairwise(self.ids)):
            if None not in pair:
                self.places[pair].append(place)

    def pair_counts(self) -> dict[Pair, int]:
        """How often each pair of neighbours stands in the words, overlapping places counted."""
        return {pair: sum(map(self.repeats.__getitem__, places)) for pair, places in self.places.items()}

    def merge(self, pair: Pair, new_id: Hashable) -> dict[Pair, int]:
        """Put `new_id` in place of the pair, from left to right; how much more often each pair stands there now.

        A new pair is made by one merge alone, the one that made its newest id. So its places are in order, too.
        """
        left, right = pair
        ids, before, after, change = self.ids, self.before, self.after, defaultdict(int)
        for i in self.places.pop(pair, ()):
            j = after[i]
            if ids[i] != left or ids[j] != right:
                continue  # gone since: one of the two was merged with its other neighbour
            h, k, n = before[i], after[j], self.repeats[i]
            ids[i], ids[j], after[i], before[k] = new_id, None, k, i
            change[pair] -= n
            if (previous := ids[h]) is not None:
                change[previous, left] -= n
                change[previous, new_id] += n
                self.places[previous, new_id].append(h)
            if (following := ids[k]) is not None:
                change[right, following] -= n
                change[new_id, following] += n
                self.places[new_id, following].append(i)
        return {changed: more for changed, more in change.items() if more}

    def __iter__(self):
        """The ids that are left, in order, without the separators."""
        return (one for one in self.ids if one is not None)
