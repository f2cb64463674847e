"""The storyteller: the text so far, what is true in it, and the log probability of every choice made.

Derived in lesson 12 (gpt). State is one dictionary of facts, (relation, subject) -> value:

    ("place", "Ella") = "beach"       ("where", "kite") = "Ella", or the name of a place
    ("owner", "kite") = "Omar"    ("told", "Mia") = "Ella"     ...

Beside each fact stand the position in the text where it was set and the children who saw it happen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from course_lib.worlds.storyworld.chooser import Chooser
from course_lib.worlds.storyworld.world import World

Key = tuple[str, str]  # (relation, subject)
LOG = [0.0, *(math.log(n) for n in range(1, 256))]


class Recall(NamedTuple):
    """A stretch of text that the state fully determines: its probability in the source is 1."""

    position: int  # of its first character
    text: str
    distance: int  # characters since the fact was set
    key: Key


class Happening(NamedTuple):
    """One thing that happened, and the facts it changed: what an independent reader needs to replay a story."""

    name: str
    position: int
    facts: tuple[tuple[int, str, str, Any], ...]  # (position, relation, subject, value)


class Teller:
    """Says the story. `say` for what is certain, `recall` for what follows from the state, `pick` for chance."""

    def __init__(self, choose: Chooser, world: World):
        self.choose, self.world = choose, world
        self.heard = getattr(choose, "heard", None)
        self.parts: list[str] = []
        self.length = 0
        self.log_prob = 0.0  # nats
        self.facts: dict[Key, Any] = {}
        self.since: dict[Key, int] = {}
        self.seen_by: dict[Key, tuple[str, ...]] = {}
        self.changes: list[tuple[int, str, str, Any]] = []
        self.recalls: list[Recall] = []
        self.cast: list[str] = []
        self.things: list[str] = []
        self.counts: dict[str, int] = {}
        self.places = {place.name: place for place in world.places}
        self.named: list[str] = []  # other people in the current event; "" for a grown-up
        self.focus: str | None = None  # whom "she" or "he" means without doubt
        self.last_question = self.world.patience  # where the last question was asked
        self.aside_told = False  # no two asides in a row
        self.hour = 0  # how far the clock has come
        self.happenings: list[Happening] = []
        self.free: list[Event] = []  # templates that may still happen, at any time
        self.book: list[Event] = []  # templates that may still happen, when their guard allows

    # -- text ---------------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """Certain text."""
        if self.heard:
            self.heard(text)
        self.parts.append(text)
        self.length += len(text)

    def pick(self, options: Sequence[str]) -> str:
        """Say one of the options, each equally likely."""
        if self.world.most:
            options = options[:self.world.most]
        if len(options) == 1:
            self.say(options[0])
            return options[0]
        text = options[self.choose(options, None)]
        self.log_prob -= LOG[len(options)]
        self.say(text)
        return text

    def weigh(self, options: Sequence[str], weights: Sequence[float]) -> int:
        """Say one of the options with probability weight / total; returns which."""
        i = 0
        if len(options) > 1:
            i = self.choose(options, weights)
            self.log_prob += math.log(weights[i] / sum(weights))
        self.say(options[i])
        return i

    def favour(self, options: Sequence[str]) -> str:
        """Say one of these names or things, the popular ones more often."""
        options = options[:self.world.most]
        return options[self.weigh(options, [self.world.popularity[word] for word in options])]

    # -- facts --------------------------------------------------------------------------------------------

    def set(self, relation: str, subject: str, value: Any, also: Sequence[str] = ()) -> None:
        """Make something true from here on; those present (and `also`) know of it."""
        key = (relation, subject)
        self.facts[key] = value
        self.since[key] = self.length
        self.seen_by[key] = (*self.present, *also)
        self.changes.append((self.length, relation, subject, value))

    def get(self, relation: str, subject: str) -> Any:
        """What is true of a subject now, or None."""
        return self.facts.get((relation, subject))

    def old(self, relation: str, subject: str) -> bool:
        """Whether a fact is there, true, and long enough ago to be worth asking about."""
        key = (relation, subject)
        return bool(self.facts.get(key)) and self.length - self.since[key] >= self.world.patience

    def recall(self, text: str, relation: str, subject: str) -> None:
        """Say what the state determines, and note how far back the reader must look."""
        key = (relation, subject)
        self.recalls.append(Recall(self.length, text, self.length - self.since[key], key))
        self.say(text)

    # -- the scene: what the child who acts next can see and do -------------------------------------------

    def scene(self, who: str) -> None:
        """Look at the world through the eyes of `who`."""
        facts = self.facts
        self.who = who
        self.she, self.her = ("she", "her") if who in self.world.girls else ("he", "his")
        self.place = place = facts["place", who]
        others = [name for name in self.cast if name != who]
        here = [name for name in others if facts["place", name] == place]
        self.idle = [name for name in here if facts.get(("busy", name))]  # hidden or asleep
        self.friends = [name for name in here if not facts.get(("busy", name))]
        self.away = [name for name in others if name not in here]
        self.present = (who, *self.friends)
        self.held = [thing for thing in self.things if facts["where", thing] == who]
        self.lying = [thing for thing in self.things if facts["where", thing] == place]

    def him(self, who: str) -> str:
        """The pronoun that stands for a child as an object: her, him."""
        return "her" if who in self.world.girls else "him"

    def at(self, place: str) -> str:
        """A place with its preposition: "at the beach"."""
        return self.places[place].at

    def friend(self, among: Sequence[str], relation: str = "place") -> str:
        """Say one of the children; where there is only one, the state determines it."""
        if len(among) == 1:
            self.recall(among[0], relation, among[0])
            name = among[0]
        else:
            name = self.pick(among)
        self.named.append(name)
        return name

    def thing(self, among: Sequence[str]) -> str:
        """Say "the kite": one of the things; where there is only one, the state determines it."""
        self.say("the ")
        if len(among) == 1:
            self.recall(among[0], "where", among[0])
            return among[0]
        return self.pick(among)

    def move(self, who: str, place: str) -> None:
        """Someone goes to a place; those left behind and those met know it."""
        there = tuple(name for name in self.cast if self.facts["place", name] == place)
        self.set("place", who, place, also=there)


class Event(NamedTuple):
    """A template: after its subject comes `lead`; `when` says with what it can happen now (falsy: it cannot)."""

    name: str
    lead: str
    weight: float
    times: int  # how often at most in one story
    after: tuple[str, ...]  # only possible once one of these events has happened
    when: Callable[[Teller], Any] | None
    tell: Callable[[Teller, Any], None]  # is given what `when` returned


def event(book: list[Event], lead: str, when: Callable[[Teller], Any] | None, weight: float = 2.0, times: int = 1,
          after: str = ""):
    """Write a template into a book of events."""
    def add(tell):
        book.append(Event(tell.__name__, " " + lead, weight, times, tuple(after.split()), when, tell))
        return tell
    return add


always = None  # the guard of what can happen at any time
friends, away, held = attrgetter("friends"), attrgetter("away"), attrgetter("held")  # the commonest guards
