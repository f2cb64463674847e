"""The door of the story world: one story, many stories, and the exact entropy of their source.

Derived in lesson 12 (gpt). Document i of a corpus has a seed of its own, so stories can be made lazily, in any
order, in parallel, without end.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from typing import Any

from course_lib.doors.settings import plain
from course_lib.worlds.storyworld import plot
from course_lib.worlds.storyworld.chooser import Chooser, Dice, NotAStory, Reader, Walk
from course_lib.worlds.storyworld.teller import Happening, Key, Recall, Teller
from course_lib.worlds.storyworld.world import DEFAULT, World


@dataclass(frozen=True)
class Question:
    """A question about how things stand at the end of a story, with its one right answer."""

    question: str
    answer: str
    distance: int  # characters between where the fact was set and the end of the story


@dataclass(frozen=True)
class Story:
    """A story, and all that its teller knew.

    `log_prob` is the exact log probability, in nats, of this text including that it ends where it ends.
    `recalls` are the stretches that the state determines (probability 1); `events` is the log to replay.
    """

    text: str
    log_prob: float
    events: tuple[Happening, ...] = field(repr=False)
    recalls: tuple[Recall, ...] = field(repr=False)
    facts: dict[Key, Any] = field(repr=False)
    since: dict[Key, int] = field(repr=False)
    at: dict[str, str] = field(repr=False)  # place -> "at the beach"

    @cached_property
    def questions(self) -> list[Question]:
        """Questions whose answers follow from the story, each with its checked answer."""
        found = []
        for (relation, subject), value in self.facts.items():
            if value and relation in _ASK:
                question, answer = _ASK[relation](subject, value, self.at)
                found.append(Question(question, answer, len(self.text) - self.since[relation, subject]))
        return found


def _where(thing: str, where: str, at: dict[str, str]) -> tuple[str, str]:
    return (f"Where is the {thing}?", at[where]) if where in at else (f"Who has the {thing}?", where)


_ASK = {
    "where": _where,
    "place": lambda who, place, at: (f"Where is {who}?", at[place]),
    "owner": lambda thing, who, at: (f"Who owns the {thing}?", who),
    "told": lambda who, by, at: (f"From whom did {who} hear the secret?", by),
    "job": lambda who, job, at: (f"What does {who} want to become?", job),
    "party": lambda who, day, at: (f"On which day is the party of {who}?", day),
    "race": lambda _, who, at: ("Who won the race?", who),
    "mark": lambda thing, mark, at: (f"What is stuck on the {thing}?", f"a paper {mark}"),
    "promise": lambda who, promise, at: (f"To whom does {who} still owe a promise?", promise[0]),
    "pet": lambda _, pet, at: (f"What is the little {pet[0]} called?", pet[1]),
    "made": lambda place, who, at: (f"Who built something {at[place]}?", who),
}


def tell_story(choose: int | Chooser, world: World = DEFAULT) -> Story:
    """Tell one story. `choose` is a seed, or anything that chooses: `Dice`, `Reader`, `Walk`."""
    teller = Teller(choose if callable(choose) else Dice(choose), world)
    plot.tell(teller)
    return Story("".join(teller.parts), teller.log_prob, tuple(teller.happenings), tuple(teller.recalls),
                 teller.facts, teller.since, {place.name: place.at for place in world.places})


def stories(seed: int = 0, *, n: int | None = None, min_chars: int | None = None,
            world: World = DEFAULT) -> Iterator[Story]:
    """Stories 0, 1, 2 ... of corpus `seed`: `n` of them, or until `min_chars` characters, or without end."""
    told = 0
    for i in count():
        if (n is not None and i >= n) or (min_chars is not None and told >= min_chars):
            return
        story = tell_story(story_seed(seed, i), world)
        told += len(story.text)
        yield story


def story_seed(seed: int, i: int) -> int:
    """The seed of story i of a corpus: no two corpora share one (i < 2^40)."""
    seed = plain("seed", seed, int)  # a numpy integer of 32 or 64 bits would overflow below
    if seed < 0 or not 0 <= i < 2**40:
        raise ValueError(f"seed={seed}, i={i}: take seed >= 0 and 0 <= i < 2**40")
    return (seed << 40) + i


def read_story(text: str, world: World = DEFAULT) -> Story:
    """Parse a text by the grammar: its exact log probability, facts and questions.

    Raises `NotAStory` with the position where the text leaves the grammar (in particular where it contradicts
    its own state), so it also judges stories that a model wrote.
    """
    reader = Reader(text)
    story = tell_story(reader, world)
    if reader.position != len(text):
        raise NotAStory(reader.position, text)
    return story


def every_story(world: World) -> Iterator[Story]:
    """Every story of a (very small!) world, each exactly once: their probabilities add up to one."""
    path: list[int] | None = []
    while path is not None:
        walk = Walk(path)
        yield tell_story(walk, world)
        path = walk.next_path()


def source_entropy(sample: Iterable[Story]) -> float:
    r"""Bits per character (here also per byte: the text is ASCII) of the source, estimated on a sample.

    $$H = -\frac{\sum_i \log_2 p(\text{story}_i)}{\sum_i |\text{story}_i|}$$

    No model can do better on average. Each log p is exact; only the choice of the sample is random.
    """
    nats, chars = 0.0, 0
    for story in sample:
        nats -= story.log_prob
        chars += len(story.text)
    if not chars:
        raise ValueError("source_entropy needs at least one story; got none")
    return nats / chars / math.log(2)
