"""Who decides at each fork of a story: dice, a text being read, or a walk over every branch.

Derived in lesson 12 (gpt). A chooser is called with the texts on offer and their weights, and answers with an index:

    choose(options: Sequence[str], weights: Sequence[float] | None) -> int

Every option is a text that the story shows at once, and no option begins with another one: the options of
one fork are a prefix code. So whoever reads a story from left to right knows at each fork which way it went,
and a text has exactly one derivation. That is why log p of a story is the sum of its choices, exactly.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from course_lib.doors.settings import plain

Chooser = Callable[[Sequence[str], Sequence[float] | None], int]


class NotAStory(ValueError):
    """The text leaves the grammar; `position` is the number of characters that still agreed with it."""

    def __init__(self, position: int, text: str):
        super().__init__(f"no story of this world continues like this after character {position}: "
                         f"{text[position:position + 40]!r}")
        self.position = position


class Dice:
    """Chooses at random. Uses only `random.Random(seed).random()`, which no Python version has ever changed."""

    def __init__(self, seed: int):
        seed = plain("seed", seed, int)
        if seed < 0:
            raise ValueError(f"seed={seed} is negative, and Random({seed}) would equal Random({-seed}); use seed >= 0")
        self.random = random.Random(seed).random

    def __call__(self, options: Sequence[str], weights: Sequence[float] | None = None) -> int:
        if weights is None:
            return int(self.random() * len(options))
        left = self.random() * sum(weights)
        for i, weight in enumerate(weights):
            left -= weight
            if left < 0:
                return i
        return max(i for i, weight in enumerate(weights) if weight > 0)  # rounding left nothing over


class Reader:
    """Chooses so as to follow a given text: the parser of the grammar, for free.

    `heard` is told every text the story says, so the reader knows where it is. Raises `NotAStory` with the
    position when no option fits.
    """

    def __init__(self, text: str):
        self.text = text
        self.position = 0

    def heard(self, said: str) -> None:
        """Check that the text goes on with `said`, and step over it."""
        if not self.text.startswith(said, self.position):
            while said and not self.text.startswith(said, self.position):
                said = said[:-1]
            raise NotAStory(self.position + len(said), self.text)
        self.position += len(said)

    def __call__(self, options: Sequence[str], weights: Sequence[float] | None = None) -> int:
        for i, option in enumerate(options):
            if self.text.startswith(option, self.position) and (weights is None or weights[i] > 0):
                return i
        agreed = max(_common_prefix(option, self.text, self.position) for option in options)
        raise NotAStory(self.position + agreed, self.text)


def _common_prefix(option: str, text: str, start: int) -> int:
    n = 0
    while n < len(option) and start + n < len(text) and option[n] == text[start + n]:
        n += 1
    return n


class Walk:
    """Takes a given path of choices, then the first possible branch; `next_path` is where to go next.

    Telling a story again and again along `next_path` visits every derivation of a world exactly once:

        path = []
        while path is not None:
            walk = Walk(path)
            story = tell_story(walk, world)
            path = walk.next_path()
    """

    def __init__(self, path: Sequence[int] = ()):
        self.path = list(path)
        self.taken: list[int] = []
        self.open: list[list[int]] = []  # for each fork, the branches not yet taken

    def __call__(self, options: Sequence[str], weights: Sequence[float] | None = None) -> int:
        possible = [i for i in range(len(options)) if weights is None or weights[i] > 0]
        depth = len(self.taken)
        i = self.path[depth] if depth < len(self.path) else possible[0]
        self.taken.append(i)
        self.open.append([j for j in possible if j > i])
        return i

    def next_path(self) -> list[int] | None:
        """The path to the next unvisited story, in depth-first order; None when all were visited."""
        for depth in range(len(self.taken) - 1, -1, -1):
            if self.open[depth]:
                return [*self.taken[:depth], self.open[depth][0]]
        return None
