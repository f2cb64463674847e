"""From "One morning" to "In the end": opening, turns and ending of a story. Derived in lesson 12 (gpt)."""

from __future__ import annotations

from functools import lru_cache

from course_lib.worlds.storyworld import lexicon
from course_lib.worlds.storyworld.asking import ASKING
from course_lib.worlds.storyworld.ending import ending
from course_lib.worlds.storyworld.feeling import FEELING
from course_lib.worlds.storyworld.giving import GIVING
from course_lib.worlds.storyworld.going import GOING, RESTING
from course_lib.worlds.storyworld.having import HAVING
from course_lib.worlds.storyworld.making import MAKING
from course_lib.worlds.storyworld.nature import NATURE
from course_lib.worlds.storyworld.scenery import aside, new_thing
from course_lib.worlds.storyworld.talking import TALKING
from course_lib.worlds.storyworld.teller import Event, Happening, Teller

EVENTS: tuple[Event, ...] = (*GOING, *HAVING, *GIVING, *TALKING, *FEELING, *MAKING, *NATURE, *ASKING, *RESTING)
FOLLOWING = {name: [e for e in EVENTS if name in e.after] for e in EVENTS for name in e.after}
AWAKE = EVENTS[:-len(RESTING)]
THE_END = "\nIn the end, "


def opening(t: Teller) -> None:
    """Who, when, where, and with what: "One windy spring morning, Ella, Omar and Mia were in the garden." """
    t.present = ()
    t.say("One ")
    t.set("weather", "", t.pick(lexicon.WEATHER))
    t.say(" morning, ")
    names = [*t.world.girls, *t.world.boys]
    for joint in ((), (", ", " and "), (" and ",)):
        if joint:
            last = joint[t.weigh(joint, (3.0, 1.0)[:len(joint)])] == " and "
        t.cast.append(t.favour(names))
        names.remove(t.cast[-1])
        if joint and last:
            break
    t.say(" were ")
    at = t.pick([place.at for place in t.world.places])
    place = next(place.name for place in t.world.places if place.at == at)
    t.present = tuple(t.cast)
    for name in t.cast:
        t.set("place", name, place)
    t.say(".")
    for i, name in enumerate(t.cast):
        t.scene(name)
        t.say(" " if i == 0 else " and " if i == len(t.cast) - 1 else ", ")
        t.say(f"{name} had " if i == 0 else f"{name} ")
        new_thing(t)
    t.say(".")


def tell(t: Teller) -> None:
    """The whole story: opening, events, ending."""
    free, book = first_pages(t.world.events)
    t.free, t.book = [*free], [*book]
    opening(t)
    chapter(t, "opening", 0)
    while turn(t):
        pass
    start = t.length
    ending(t)
    chapter(t, "ending", start)


def chapter(t: Teller, name: str, start: int) -> None:
    """Note what happened, with the facts that changed since the last note."""
    t.happenings.append(Happening(name, start, tuple(t.changes)))
    t.changes.clear()


def turn(t: Teller) -> bool:
    """One event; or, when it is time, "In the end, " and False."""
    if t.length >= t.world.longest:
        t.say(THE_END)
        return False
    later = t.world.hours[t.hour:t.hour + 3]
    asides = () if t.aside_told else t.world.asides
    options = [*(" " + name for name in t.cast), *t.world.links, *later, *asides]
    weights = [_ease(t, name) for name in t.cast] + [0.3] * (len(t.world.links) + len(later))
    weights += [0.8] * len(asides)
    if t.focus:
        options.append(" She" if t.focus in t.world.girls else " He")
        weights.append(1.5)
    if t.length >= t.world.shortest:
        options.append(THE_END)
        weights.append(2.0)
    start = options[t.weigh(options, weights)]
    if start == THE_END:
        return False
    t.aside_told = start in asides
    if t.aside_told:
        t.focus = None
        aside(t)
        return True
    if start in t.world.hours:
        t.hour = t.world.hours.index(start) + 1
        t.pick(lexicon.MINUTES)
        t.say(", ")
    if start in (" She", " He"):
        who = t.focus
    elif start[1:] in t.cast:
        who = start[1:]
    else:
        who = t.cast[t.weigh(t.cast, [_ease(t, name) for name in t.cast])]
    happen(t, who)
    return True


def _ease(t: Teller, name: str) -> float:
    """How readily the story turns to a child: rather to another one than to the last."""
    return 0.7 if name == t.who else 2.0


def happen(t: Teller, who: str) -> None:
    """One event that the state allows, with `who` as its subject."""
    t.scene(who)
    t.named.clear()
    resting = t.get("busy", who)
    free = [] if resting else t.free
    guarded = [(e, found) for e in (RESTING if resting else t.book) if (found := e.when(t))]
    start = t.length
    i = t.weigh([e.lead for e in free] + [e.lead for e, _ in guarded],
                [e.weight for e in free] + [e.weight for e, _ in guarded])
    chosen, found = guarded[i - len(free)] if i >= len(free) else (free[i], True)
    if not resting:
        turn_page(t, chosen)
    chosen.tell(t, found)
    chapter(t, chosen.name, start)
    girl = who in t.world.girls
    t.focus = who if all(name and (name in t.world.girls) != girl for name in t.named) else None


@lru_cache(maxsize=64)
def first_pages(names: tuple[str, ...] | None) -> tuple[tuple[Event, ...], tuple[Event, ...]]:
    """What a world with these templates can begin with: at any time, and under a guard."""
    first = [e for e in AWAKE if not e.after and in_use(names, e)]
    return tuple(e for e in first if not e.when), tuple(e for e in first if e.when)


def in_use(names: tuple[str, ...] | None, e: Event) -> bool:
    """Whether a world has this template; every world can walk."""
    return names is None or e.name in names or e.name == "walk"


def turn_page(t: Teller, chosen: Event) -> None:
    """After an event: strike it out when it has had its times, and add what it makes possible."""
    count = t.counts[chosen.name] = t.counts.get(chosen.name, 0) + 1
    if count == chosen.times:
        (t.book if chosen.when else t.free).remove(chosen)
    if count == 1:
        t.book += [e for e in FOLLOWING.get(chosen.name, ()) if in_use(t.world.events, e)
                   and e not in t.book and e.name not in t.counts]
