"""Phrases with much to choose from: creatures, relatives, hiding places, passing scenes. Derived in lesson 12 (gpt).

These carry most of the entropy of a story; what is said here can be asked for later, and is then certain.
"""

from course_lib.worlds.storyworld import lexicon
from course_lib.worlds.storyworld.teller import Teller

TEMPERS = ("lazy", "hungry", "tiny", "huge", "clever", "brave", "sleepy", "shy", "proud", "wild", "funny", "quick",
           "quiet", "happy", "grumpy", "lonely", "gentle", "noisy", "polite", "angry", "old", "young", "odd", "kind",
           "thin", "fat", "sly", "calm", "dizzy", "bold", "slow", "nervous", "merry", "wise", "strong", "rude",
           "sad", "lost", "bored", "elegant")
ANIMALS = ("fox", "owl", "bear", "mouse", "frog", "snail", "horse", "crow", "swan", "turtle", "beetle", "spider",
           "squirrel", "parrot", "otter", "seal", "badger", "donkey", "goose", "wasp", "toad", "lizard", "sheep",
           "moth", "pony", "wolf", "lynx", "pigeon", "stork", "crab", "bat", "hen", "weasel", "newt", "deer", "lamb",
           "eagle", "raven", "magpie", "worm")
HEROES = ("dragon", "giant", "pirate", "wizard", "king", "queen", "robot", "knight", "witch", "ghost", "clown",
          "tiger", "whale", "camel", "penguin", "monkey", "prince", "troll", "mermaid", "lion", "panda", "elf",
          "unicorn", "zebra")
MOVES = ("ran", "hopped", "came", "danced", "sneaked", "limped", "rushed", "crawled", "walked", "hurried", "rolled",
         "marched")
PATHS = ("past", "around", "along", "toward", "under", "behind", "over", "up to")
LANDMARKS = ("wall", "ladder", "cart", "bush", "barrel", "stone", "log", "sign", "bench", "box", "chair", "table",
             "sack", "gate", "tree", "bucket", "stool", "crate", "shelf", "fence", "pillar", "curtain", "statue",
             "plank")
SPOTS = ("under", "behind", "beside")
TROUBLES = ("was ill", "had left", "lived far away", "never wrote", "had no time", "was all alone")


def articled(words: str) -> str:
    """Put "a" or "an" before the words, by their sound (no word of ours is spelled against it)."""
    return ("an " if words[0] in "aeiou" else "a ") + words


_TEMPERED = tuple(map(articled, TEMPERS))
_LOOKING = tuple(map(articled, lexicon.LOOKS))


def creature(t: Teller, kinds: tuple[str, ...] = ANIMALS) -> str:
    """Say "a lazy fox"; returns "lazy fox"."""
    temper = t.pick(_TEMPERED)
    t.say(" ")
    return f"{temper.split()[1]} {t.pick(kinds)}"


def relative(t: Teller) -> str:
    """Say and return "Aunt Clara": somebody outside the cast."""
    title = t.pick(("Aunt", "Uncle", "Cousin"))
    names = {"Aunt": t.world.girls, "Uncle": t.world.boys}.get(title, (*t.world.girls, *t.world.boys))
    t.named.append("")
    t.say(" ")
    return f"{title} {t.pick([name for name in names if name not in t.cast] or names)}"


def new_thing(t: Teller) -> str:
    """Say "a red kite"; returns "kite", as it is called from then on: there is one of each in a story.

    The child on stage holds and owns it.
    """
    look = t.pick(_LOOKING).split()[1]
    t.say(" ")
    thing = t.favour([noun for noun in t.world.things if noun not in t.things])
    t.things.append(thing)
    t.set("look", thing, look)
    t.set("where", thing, t.who)
    t.set("owner", thing, t.who)
    return thing


def object_of_desire(t: Teller) -> str:
    """Say "a dusty drum", one that nobody has; returns "dusty drum"."""
    look = t.pick(_LOOKING)
    t.say(" ")
    return f"{look.split()[1]} {t.pick(t.world.things)}"


def spot(t: Teller) -> str:
    """Say "under a bench"; returns "under the bench", as it is called from then on."""
    side = t.pick(SPOTS)
    t.say(" a ")
    return f"{side} the {t.pick(LANDMARKS)}"


def snack(t: Teller, kinds: tuple[str, ...] = tuple(lexicon.SNACKS)) -> str:
    """Say and return "ripe plums"."""
    taste = t.pick(lexicon.TASTES)
    t.say(" ")
    return f"{taste} {t.pick(kinds)}"


def flourish(t: Teller, ways: tuple[str, ...] = (" like ", " with ")) -> None:
    """End the sentence: at once, or with how, with whom, or how long it happened."""
    way = t.weigh((".", *ways), (2.0, *[1.5] * len(ways)))
    if way == 0:
        return
    if ways[way - 1] == " like ":
        creature(t, ANIMALS + HEROES)
    elif ways[way - 1] == " with ":
        relative(t)
    else:  # " for "
        t.pick(lexicon.TWO_DIGITS)
        t.say(" minutes")
    t.say(".")


LIKE, WITH, LASTING = (" like ",), (" with ",), (" with ", " for ")


def aside(t: Teller) -> None:
    """After "Nearby, ": something passes by that leaves no trace."""
    creature(t)
    t.say(" ")
    t.pick(MOVES)
    t.say(" ")
    t.pick(PATHS)
    t.say(" a ")
    t.pick(LANDMARKS)
    t.say(".")
