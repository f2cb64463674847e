"""How a story ends: where all met, what was best, or what became of each thing. Derived in lesson 12 (gpt)."""

from course_lib.worlds.storyworld import lexicon
from course_lib.worlds.storyworld.scenery import HEROES, creature, snack
from course_lib.worlds.storyworld.teller import Key, Teller


def best_things(t: Teller) -> dict[str, Key]:
    """What a child would remember of this day, and the fact that it rests on."""
    memories: dict[str, Key] = {}
    for relation, words in (("song", "the song about {}"), ("joke", "the joke about {}"),
                            ("secret", "the secret of the {}"), ("riddle", "the riddle"), ("race", "the race"),
                            ("skill", "learning to {}")):
        value = t.get(relation, "")
        if value:
            memories[words.format(value)] = (relation, "")
    if t.get("pet", ""):
        memories["the day with {1}, the {0}".format(*t.get("pet", ""))] = ("pet", "")
    if t.get("rained", ""):
        memories["the rain on their faces"] = ("rained", "")
    for place in t.places.values():
        if t.get("made", place.name):
            memories["the " + place.makes] = ("made", place.name)
    return memories


def all_met(t: Teller) -> None:
    """Everyone comes to one place."""
    at = t.pick([place.at for place in t.places.values()])
    for name in t.cast:
        t.set("busy", name, None)
        t.move(name, next(place.name for place in t.places.values() if place.at == at))
    t.say(" and shared ")
    t.pick(lexicon.TWO_DIGITS)
    t.say(" ")
    snack(t)
    t.say(".")


def best_thing(t: Teller) -> None:
    """One thing is remembered; where only one thing happened, the state determines it."""
    memories = best_things(t)
    if len(memories) == 1:
        (words, key), = memories.items()
        t.recall(words, *key)
    else:
        t.pick(tuple(memories))
    t.say(".")


def each_thing(t: Teller) -> None:
    """Where the things of the opening are now: nothing here is left to chance."""
    first = t.things[:len(t.cast)]
    wheres = list(dict.fromkeys(t.get("where", thing) for thing in first))
    for i, where in enumerate(wheres):
        t.say("" if i == 0 else " and " if i == len(wheres) - 1 else ", ")
        here = [thing for thing in first if t.get("where", thing) == where]
        t.recall(where if where in t.cast else t.at(where), "where", here[0])
        t.say(" had " if where in t.cast else " lay ")
        for j, thing in enumerate(here):
            t.say("the " if j == 0 else " and the ")
            t.recall(thing, "where", thing)
    t.say(".")


KINDS = {"they all met ": all_met, "nothing was lost: ": each_thing,
         "the best thing was ": best_thing}


def ending(t: Teller) -> None:
    """After "In the end, "."""
    t.scene(t.cast[0])
    t.present = tuple(t.cast)
    kinds, weights = list(KINDS), [1.5, 1.0, 1.5]
    if not best_things(t):
        kinds, weights = kinds[:2], weights[:2]
    if sum(recall.distance >= t.world.patience for recall in t.recalls) < 4:
        kinds, weights = kinds[1:2], weights[1:2]  # no story without a long look back
    KINDS[kinds[t.weigh(kinds, weights)]](t)
    if t.weigh((' "What a ', " That night, "), (1.0, 2.0)) == 0:
        t.pick(lexicon.DAY_WORDS)
        t.say(' day!" said ')
        t.pick(t.cast)
    else:
        t.pick(t.cast)
        t.say(" dreamed of ")
        creature(t, HEROES)
        t.say(" and ")
        creature(t)
    t.say(".")
