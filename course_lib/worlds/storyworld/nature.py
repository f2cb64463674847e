"""Events of weather, plants and animals: what is out there. Derived in lesson 12 (gpt)."""

from course_lib.worlds.storyworld import lexicon
from course_lib.worlds.storyworld.scenery import LASTING, WITH, creature, flourish
from course_lib.worlds.storyworld.teller import Event, Teller, always, event

NATURE: list[Event] = []


@event(NATURE, "saw that ", always, weight=1.5, times=2)
def new_weather(t, _):
    now = t.facts["weather", ""]
    kinds = [kind for kind in lexicon.WEATHER if kind != now]
    told = t.pick([lexicon.TURNED[kind] for kind in kinds])
    t.set("weather", "", next(kind for kind in kinds if lexicon.TURNED[kind] == told))
    if now == "rainy":
        t.set("rained", "", True)
    t.say(".")


@event(NATURE, "pointed at a rainbow", lambda t: t.get("rained", "") and t.facts["weather", ""] == "sunny",
       weight=30, after="new_weather")
def rainbow(t, _):
    flourish(t, WITH)


@event(NATURE, "watched ", always, weight=5)
def watch(t, _):
    creature(t)
    t.say(" and ")
    creature(t)
    t.say(".")


@event(NATURE, "counted ", always, weight=5)
def count_up(t, _):
    number = t.pick(lexicon.TWO_DIGITS)
    t.say(" ")
    t.set("sum", t.who, (number, t.pick(lexicon.COUNTABLE)))
    t.say(".")


@event(NATURE, "met a ", always, weight=2)
def meet_pet(t, _):
    t.say("little ")
    kind = t.pick(tuple(lexicon.PETS))
    t.say(" and called it ")
    name = t.pick(lexicon.PET_NAMES)
    t.set("pet", "", (kind, name))
    t.set("with", name, t.who)
    t.say(".")


def my_pet(t: Teller):
    """(kind, name) of the pet that follows the child on stage."""
    pet = t.get("pet", "")
    return pet if pet and t.get("with", pet[1]) == t.who else None


@event(NATURE, "fed ", my_pet, weight=15, after="meet_pet")
def feed(t, pet):
    kind, name = pet
    t.recall(name, "with", name)
    t.say(" ")
    t.recall(lexicon.PETS[kind], "pet", "")
    t.say(".")


@event(NATURE, "whistled, but ", my_pet, weight=15, after="meet_pet")
def run_off(t, pet):
    name = pet[1]
    t.recall(name, "with", name)
    t.say(" ran off to the ")
    place = t.pick([place for place in t.places if place != t.place])
    t.set("with", name, place)
    t.say(".")


@event(NATURE, "heard a happy sound", lambda t: t.get("pet", "") and t.get("with", t.get("pet", "")[1]) == t.place,
       weight=40, after="run_off")
def find_pet(t, _):
    t.say(". There was ")
    name = t.get("pet", "")[1]
    t.recall(name, "with", name)
    t.say(" again!")
    t.set("with", name, t.who)


@event(NATURE, "planted ", lambda t: not t.places[t.place].indoors, weight=2)
def plant(t, _):
    seed = t.pick(lexicon.SEEDS)
    t.set("plant", "", (seed, t.place))
    flourish(t, LASTING)


@event(NATURE, "was happy because the ", lambda t: t.old("plant", "") and t.get("plant", "")[1] == t.place,
       weight=40, after="plant")
def grown(t, _):
    t.recall(t.get("plant", "")[0].split(" ", 1)[1], "plant", "")
    t.set("plant", "", None)
    t.say(" had grown a green leaf.")
