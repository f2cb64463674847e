"""How large a story world is: its names, places, things and templates. Derived in lesson 12 (gpt)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import zip_longest

from course_lib.doors.settings import settle
from course_lib.worlds.storyworld import lexicon
from course_lib.worlds.storyworld.places import PLACES, Place


@dataclass(frozen=True, kw_only=True)
class World:
    """A world to tell stories about; `shrink` makes one small enough to list all of its stories.

    Lengths are in characters. `most` caps how many words of any list are used (None: all of them), `events`
    names the event templates in use (None: all of them).
    """

    girls: tuple[str, ...] = lexicon.GIRLS
    boys: tuple[str, ...] = lexicon.BOYS
    places: tuple[Place, ...] = PLACES
    things: tuple[str, ...] = tuple(lexicon.USES)
    links: tuple[str, ...] = lexicon.LINKS
    hours: tuple[str, ...] = lexicon.HOURS
    asides: tuple[str, ...] = lexicon.ASIDES
    shortest: int = 500  # no story ends before this many characters
    longest: int = 720  # the first event after this many characters is the end
    patience: int = 100  # a fact is asked about when it is at least this many characters old
    most: int | None = None
    events: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        settle(self)
        if len(self.girls) + len(self.boys) < 3:
            raise ValueError(f"{len(self.girls)} girls and {len(self.boys)} boys are too few: "
                             "a story may have three children")
        if len(self.places) < 2 or len(self.things) < 3:
            raise ValueError(f"{len(self.places)} places and {len(self.things)} things are too few: "
                             "a story needs two places and three things")
        if self.shortest > self.longest:
            raise ValueError(f"shortest={self.shortest} exceeds longest={self.longest}; swap them")

    @cached_property
    def popularity(self) -> dict[str, float]:
        """How readily names and things enter a story: as 1 / (rank + 2), for some words are commoner than others.

        Zipf's law, as in real text; a model learns to look back for a name sooner when names are not all alike
        (Chan et al. 2022, "Data distributional properties drive emergent in-context learning").
        """
        names = [name for pair in zip_longest(self.girls, self.boys) for name in pair if name]
        return {word: 1 / (rank + 2) for words in (names, self.things) for rank, word in enumerate(words)}

    def shrink(self, *, events: tuple[str, ...], most: int = 1, shortest: int = 120, longest: int = 170) -> World:
        """A miniature of this world: three children, two places, `most` words of each kind, short stories."""
        return replace(self, girls=self.girls[:2], boys=self.boys[:1], places=self.places[:2], things=self.things[:4],
                       links=self.links[:most - 1], hours=self.hours[:most - 1], asides=self.asides[:most - 1],
                       shortest=shortest, longest=longest, patience=30, most=most, events=events)


DEFAULT = World()
