"""Events of making and playing: pictures, songs, lists, buildings, games. Derived in lesson 12 (gpt)."""

from course_lib.worlds.storyworld import lexicon
from course_lib.worlds.storyworld.scenery import ANIMALS, HEROES, LANDMARKS, creature, flourish, relative
from course_lib.worlds.storyworld.teller import Event, always, event, friends

MAKING: list[Event] = []


@event(MAKING, "wrote a list: ", always, weight=6)
def write_list(t, _):
    kinds, items = list(lexicon.SNACKS), []
    for joint in ("", ", ", " and "):
        t.say(joint)
        number = t.pick(lexicon.TWO_DIGITS)
        t.say(" ")
        kind = t.pick(kinds)
        kinds.remove(kind)
        items.append((kind, number))
    t.set("list", t.who, tuple(items))
    t.say(".")


@event(MAKING, "ran around a ", always, weight=4)
def run_around(t, _):
    t.pick(LANDMARKS)
    t.say(" ")
    number = t.pick(lexicon.TWO_DIGITS)
    t.set("rounds", t.who, number)
    t.say(" times.")


@event(MAKING, "wrote cards to ", always, weight=4)
def write_cards(t, _):
    relative(t)
    t.say(" and ")
    relative(t)
    t.say(".")


@event(MAKING, "built a ", lambda t: not t.get("made", t.place), weight=2)
def build(t, _):
    t.say(t.places[t.place].makes)
    t.set("made", t.place, t.who)
    t.say(" for ")
    creature(t)
    t.say(".")


@event(MAKING, "came upon the ", lambda t: t.old("made", t.place) and t.get("made", t.place) != t.who,
       weight=40, after="build")
def admire(t, _):
    t.recall(t.places[t.place].makes, "made", t.place)
    t.say(" that ")
    maker = t.get("made", t.place)
    t.recall(maker, "made", t.place)
    t.named.append(maker)
    t.say(" had built.")


@event(MAKING, "drew a picture of ", always, weight=5)
def draw(t, _):
    t.set("picture", t.who, creature(t, ANIMALS + HEROES))
    if t.weigh((".", " in "), (1.0, 1.5)):
        t.pick(lexicon.TWO_DIGITS)
        t.say(" minutes.")


@event(MAKING, "handed the picture of the ", lambda t: t.friends and t.get("picture", t.who),
       weight=20, after="draw")
def give_picture(t, sight):
    t.recall(sight, "picture", t.who)
    t.say(" to ")
    t.friend(t.friends)
    t.set("picture", t.who, "")
    t.say(".")


@event(MAKING, "sang a song about ", always, weight=4)
def sing(t, _):
    first = creature(t, ANIMALS)
    t.say(" and ")
    second = creature(t, HEROES)
    t.set("song", "", f"the {first} and the {second}")
    t.say(".")


@event(MAKING, "hummed the song about ", lambda t: t.old("song", "") and t.who in t.seen_by["song", ""],
       weight=15, after="sing")
def hum(t, _):
    t.recall(t.get("song", ""), "song", "")
    flourish(t)


@event(MAKING, "raced ", friends, weight=2)
def race(t, friends):
    friend = t.friend(friends)
    t.say(" to the gate, and ")
    winner = t.pick([t.who, friend])
    t.set("race", "", winner)
    t.say(" won by ")
    t.pick(lexicon.TWO_DIGITS)
    t.say(" steps.")


@event(MAKING, "played ", friends, weight=2)
def play(t, friends):
    t.pick(lexicon.GAMES)
    t.say(" with ")
    t.friend(friends)
    if t.weigh((".", " and won by ", " and lost by "), (1.0, 2.0, 2.0)):
        t.pick(lexicon.TWO_DIGITS)
        t.say(" points.")
