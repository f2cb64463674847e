"""Events about things: using, losing, hiding, finding, buying, marking. Derived in lesson 12 (gpt)."""

from course_lib.worlds.storyworld import lexicon
from course_lib.worlds.storyworld.going import pick_place
from course_lib.worlds.storyworld.scenery import (
    ANIMALS,
    LIKE,
    creature,
    flourish,
    new_thing,
    object_of_desire,
    relative,
    spot,
)
from course_lib.worlds.storyworld.teller import Event, Teller, always, event, held

HAVING: list[Event] = []


def room(t: Teller) -> bool:
    """Whether the story has room for one more thing: five are enough to keep in mind."""
    return len(t.things) < min(5, len(t.world.things))


@event(HAVING, "put ", held, weight=7, times=3)
def put_down(t, held):
    thing = t.thing(held)
    t.say(" ")
    where = spot(t)
    t.set("where", thing, t.place)
    t.set("spot", thing, where)
    flourish(t, LIKE)


@event(HAVING, "forgot ", held, weight=5, times=2)
def forget(t, held):
    thing = t.thing(held)
    t.set("where", thing, t.place)
    t.set("spot", thing, None)
    t.say(" and walked to the ")
    place = pick_place(t)
    t.move(t.who, place)
    t.say(".")


def mine_or_theirs(t: Teller) -> list[str]:
    """Things lying here whose owner is here too, so that nobody takes what is not meant for them."""
    return [thing for thing in t.lying if t.facts["owner", thing] in t.present]


@event(HAVING, "picked up ", mine_or_theirs, weight=3, times=2, after="put_down forget")
def pick_up(t, things):
    thing = t.thing(things)
    if t.get("spot", thing):
        t.say(" from ")
        t.recall(t.get("spot", thing), "spot", thing)
    t.set("where", thing, t.who)
    t.set("spot", thing, None)
    flourish(t, LIKE)


@event(HAVING, "noticed ", lambda t: [x for x in t.lying if t.facts["owner", x] not in t.present],
       weight=30, times=2, after="put_down forget")
def notice(t, things):
    thing = t.thing(things)
    if t.get("spot", thing):
        t.say(" ")
        t.recall(t.get("spot", thing), "spot", thing)
    owner = t.get("owner", thing)
    t.say(" and took it along for ")
    t.recall(owner, "owner", thing)
    t.named.append(owner)
    t.set("where", thing, t.who)
    t.set("spot", thing, None)
    t.say(".")


def left_behind(t: Teller) -> list[str]:
    """Things of the child on stage that lie somewhere else."""
    return [thing for thing in t.things if t.facts["owner", thing] == t.who
            and t.facts["where", thing] in t.places and t.facts["where", thing] != t.place]


@event(HAVING, "wanted ", left_behind, weight=30, times=2, after="put_down forget")
def fetch(t, things):
    thing = t.thing(things)
    t.say(" back and went to get it from the ")
    place = t.get("where", thing)
    t.recall(place, "where", thing)
    t.move(t.who, place)
    t.set("where", thing, t.who)
    t.set("spot", thing, None)
    t.say(".")


@event(HAVING, "bought ", room, weight=4)
def buy(t, _):
    thing = new_thing(t)
    t.say(f" from {t.places[t.place].helper} for ")
    price = t.pick(lexicon.TWO_DIGITS)
    t.set("price", thing, price)
    t.named.append("")
    t.say(" cents.")


@event(HAVING, "found ", room, weight=4)
def find(t, _):
    new_thing(t)
    t.say(" ")
    spot(t)
    t.say(".")


@event(HAVING, "wished for ", always, weight=5)
def wish(t, _):
    t.set("wish", t.who, object_of_desire(t))
    if t.weigh((".", " and told "), (1.0, 1.5)):
        relative(t)
        t.say(" about it.")


@event(HAVING, "dropped ", lambda t: not t.places[t.place].indoors
       and [thing for thing in t.held if not t.get("dirty", thing)], weight=1.5)
def drop(t, held):
    thing = t.thing(held)
    t.say(" in the mud")
    t.set("dirty", thing, t.who)
    flourish(t, LIKE)


@event(HAVING, "wiped the mud off ", lambda t: [x for x in t.held if t.get("dirty", x)], weight=40, after="drop")
def wipe(t, dirty):
    thing = t.thing(dirty)
    t.set("dirty", thing, None)
    flourish(t)


@event(HAVING, "stuck a paper ", lambda t: [x for x in t.held if not t.get("mark", x)], weight=2)
def stick(t, held):
    mark = t.pick(ANIMALS)
    t.say(" on ")
    thing = t.thing(held)
    t.set("mark", thing, mark)
    flourish(t, LIKE)


@event(HAVING, "took out ", held, weight=3, times=2)
def use(t, held):
    thing = t.thing(held)
    t.say(" and ")
    t.recall(lexicon.USES[thing], "where", thing)
    flourish(t)


@event(HAVING, "showed ", lambda t: t.friends and t.held, weight=2)
def show(t, held):
    t.thing(held)
    t.say(" to ")
    friend = t.friend(t.friends)
    t.say('. "It looks like ')
    creature(t)
    t.say('!" said ')
    t.recall(friend, "place", friend)
    t.say(".")
