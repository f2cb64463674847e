"""Events between two owners: giving, lending, swapping, returning, sharing. Derived in lesson 12 (gpt)."""

from course_lib.worlds.storyworld import lexicon
from course_lib.worlds.storyworld.scenery import LASTING, LIKE, flourish, snack
from course_lib.worlds.storyworld.teller import Event, Teller, event

GIVING: list[Event] = []


def own(t: Teller) -> list[str]:
    """Things that the child on stage both holds and owns."""
    return [thing for thing in t.held if t.facts["owner", thing] == t.who]


@event(GIVING, "gave ", lambda t: t.friends and own(t), weight=4)
def give(t, things):
    thing = t.thing(things)
    t.say(" to ")
    friend = t.friend(t.friends)
    t.set("where", thing, friend)
    t.set("owner", thing, friend)
    t.set("gift", friend, (t.who, thing))
    t.say(" as a present.")


@event(GIVING, "lent ", lambda t: t.friends and own(t), weight=6, times=2)
def lend(t, things):
    thing = t.thing(things)
    t.say(" to ")
    friend = t.friend(t.friends)
    t.set("where", thing, friend)
    t.say(" for ")
    t.pick(lexicon.TWO_DIGITS)
    t.say(" minutes.")


@event(GIVING, "returned ", lambda t: [x for x in t.held if t.facts["owner", x] in t.friends],
       weight=12, times=3, after="lend notice")
def give_back(t, things):
    thing = t.thing(things)
    owner = t.get("owner", thing)
    t.say(" to ")
    t.recall(owner, "owner", thing)
    t.named.append(owner)
    t.set("where", thing, owner)
    flourish(t, LIKE)


@event(GIVING, "carried ", lambda t: [x for x in t.held if t.facts["owner", x] in t.away],
       weight=20, times=2, after="lend notice")
def bring_back(t, things):
    thing = t.thing(things)
    owner = t.get("owner", thing)
    t.say(" back to ")
    t.recall(owner, "owner", thing)
    t.named.append(owner)
    place = t.get("place", owner)
    t.say(", who was ")
    t.recall(t.at(place), "place", owner)
    t.move(t.who, place)
    t.set("where", thing, owner, also=(owner,))
    t.say(".")


def swappable(t: Teller) -> list[str]:
    """What the others here hold and own."""
    return t.friends and own(t) and [x for x in t.things if t.facts["where", x] in t.friends
                       and t.facts["owner", x] == t.facts["where", x]]


@event(GIVING, "swapped ", swappable, weight=2)
def swap(t, wanted):
    mine = t.thing(own(t))
    t.say(" for ")
    theirs = t.thing(wanted)
    friend = t.get("where", theirs)
    t.say(" of ")
    t.recall(friend, "where", theirs)
    t.named.append(friend)
    for thing, name in ((mine, friend), (theirs, t.who)):
        t.set("where", thing, name)
        t.set("owner", thing, name)
    t.say(".")


@event(GIVING, "thanked ", lambda t: t.old("gift", t.who) and t.get("gift", t.who)[0] in t.friends,
       weight=40, after="give")
def thank(t, _):
    giver, thing = t.get("gift", t.who)
    t.recall(giver, "gift", t.who)
    t.named.append(giver)
    t.say(" once more for the ")
    t.recall(thing, "gift", t.who)
    t.set("gift", t.who, None)
    flourish(t, LIKE)


@event(GIVING, "gathered ", lambda t: not t.places[t.place].indoors and not t.get("count", t.who), weight=4)
def gather(t, _):
    take(t, tuple(lexicon.FRUITS))
    flourish(t, LASTING)


@event(GIVING, "got ", lambda t: not t.get("count", t.who), weight=4)
def get_some(t, _):
    take(t, tuple(lexicon.SNACKS))
    t.say(f" from {t.places[t.place].helper}")
    t.named.append("")
    t.say(".")


def take(t: Teller, kinds: tuple[str, ...]) -> None:
    """Say "four ripe plums", and keep the count."""
    number = t.pick(lexicon.NUMBERS[3:])
    t.say(" ")
    t.set("snack", t.who, snack(t, kinds))
    t.set("count", t.who, lexicon.NUMBERS.index(number))


def left_over(t: Teller) -> None:
    """Say how many are left: the one sum of the story world."""
    count = t.get("count", t.who) - 1
    t.recall(lexicon.NUMBERS[count], "count", t.who)
    t.set("count", t.who, count)
    t.say(" left.")


@event(GIVING, "ate one of the ", lambda t: (t.get("count", t.who) or 0) > 1,
       weight=15, times=2, after="gather get_some")
def eat_one(t, _):
    t.recall(t.get("snack", t.who), "snack", t.who)
    t.say(f". Now {t.she} had ")
    left_over(t)


@event(GIVING, "shared the ", lambda t: t.friends and (t.get("count", t.who) or 0) > 1,
       weight=20, times=2, after="gather get_some")
def share_one(t, _):
    food = t.get("snack", t.who)
    t.recall(food, "snack", t.who)
    t.say(" and gave ")
    t.friend(t.friends)
    t.say(f" one {lexicon.SNACKS[food.split()[1]]}. Now ")
    t.recall(t.who, "snack", t.who)
    t.say(" had ")
    left_over(t)
