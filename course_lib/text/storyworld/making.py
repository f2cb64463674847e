"""Events of weather, plants, pets, pictures, songs and games. Derived in lesson 12 (gpt)."""

from course_lib.text.storyworld import lexicon
from course_lib.text.storyworld.scenery import ANIMALS, HEROES, LANDMARKS, LASTING, WITH, creature, flourish, relative
from course_lib.text.storyworld.teller import Event, Teller, always, event, friends

MAKING: list[Event] = []


@event(MAKING, "saw that ", always, weight=1.5, times=2)
def new_weather(t, _):
    now = t.facts["weather", ""]
    kinds = [kind for kind in lexicon.WEATHER if kind != now]
    told = t.pick([lexicon.TURNED[kind] for kind in kinds])
    t.set("weather", "", next(kind for kind in kinds if lexicon.TURNED[kind] == told))
    if now == "rainy":
        t.set("rained", "", True)
    t.say(".")


@event(MAKING, "pointed at a rainbow", lambda t: t.get("rained", "") and t.facts["weather", ""] == "sunny",
       weight=30, after="new_weather")
def rainbow(t, _):
    flourish(t, WITH)


@event(MAKING, "watched ", always, weight=5)
def watch(t, _):
    creature(t)
    t.say(" and ")
    creature(t)
    t.say(".")


@event(MAKING, "counted ", always, weight=5)
def count_up(t, _):
    number = t.pick(lexicon.TWO_DIGITS)
    t.say(" ")
    t.set("sum", t.who, (number, t.pick(lexicon.COUNTABLE)))
    t.say(".")


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


@event(MAKING, "met a ", always, weight=2)
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


@event(MAKING, "fed ", my_pet, weight=15, after="meet_pet")
def feed(t, pet):
    kind, name = pet
    t.recall(name, "with", name)
    t.say(" ")
    t.recall(lexicon.PETS[kind], "pet", "")
    t.say(".")


@event(MAKING, "whistled, but ", my_pet, weight=15, after="meet_pet")
def run_off(t, pet):
    name = pet[1]
    t.recall(name, "with", name)
    t.say(" ran off to the ")
    place = t.pick([place for place in t.places if place != t.place])
    t.set("with", name, place)
    t.say(".")


@event(MAKING, "heard a happy sound", lambda t: t.get("pet", "") and t.get("with", t.get("pet", "")[1]) == t.place,
       weight=40, after="run_off")
def find_pet(t, _):
    t.say(". There was ")
    name = t.get("pet", "")[1]
    t.recall(name, "with", name)
    t.say(" again!")
    t.set("with", name, t.who)


@event(MAKING, "planted ", lambda t: not t.places[t.place].indoors, weight=2)
def plant(t, _):
    seed = t.pick(lexicon.SEEDS)
    t.set("plant", "", (seed, t.place))
    flourish(t, LASTING)


@event(MAKING, "was happy because the ", lambda t: t.old("plant", "") and t.get("plant", "")[1] == t.place,
       weight=40, after="plant")
def grown(t, _):
    t.recall(t.get("plant", "")[0].split(" ", 1)[1], "plant", "")
    t.set("plant", "", None)
    t.say(" had grown a green leaf.")


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
