"""Events that move people: walking, meeting, hiding, sleeping. Derived in lesson 12 (gpt)."""

from course_lib.worlds.storyworld.scenery import HEROES, creature, spot
from course_lib.worlds.storyworld.teller import Event, Teller, always, away, event, friends

GOING: list[Event] = []
RESTING: list[Event] = []  # all that a child who hides or sleeps can do


def other_places(t: Teller) -> list[str]:
    """Everywhere but here."""
    return [name for name in t.places if name != t.place]


def pick_place(t: Teller) -> str:
    """Say a place to go to: one where somebody or something is waiting is likelier than any other."""
    options = other_places(t)
    busy = {value for (relation, _), value in t.facts.items() if relation in ("place", "where")}
    return options[t.weigh(options, [6.0 if name in busy else 1.0 for name in options])]


def to_see(t: Teller) -> None:
    """End the sentence, perhaps with what there is to be seen."""
    if t.weigh((".", " to see "), (2.0, 3.0)):
        creature(t)
        t.say(".")


@event(GOING, "walked to the ", always, weight=6, times=99)
def walk(t, _):
    place = pick_place(t)
    t.move(t.who, place)
    to_see(t)


@event(GOING, "and ", friends, weight=3, times=2)
def walk_together(t, friends):
    friend = t.friend(friends)
    t.say(" went to the ")
    place = pick_place(t)
    t.move(t.who, place)
    t.move(friend, place)
    t.named.append("")  # "she" would be unclear
    t.say(" together")
    to_see(t)


@event(GOING, "sent for ", away, weight=3)
def send_for(t, away):
    friend = t.friend(away)
    t.say(", and soon ")
    t.recall(friend, "place", friend)
    t.say(" came to the ")
    t.recall(t.place, "place", t.who)
    if t.get("busy", friend):
        t.set("busy", friend, None)
    t.move(friend, t.place)
    t.say(".")


@event(GOING, "ran through the rain to the ",
       lambda t: t.facts["weather", ""] == "rainy" and not t.places[t.place].indoors
       and [name for name in other_places(t) if t.places[name].indoors], weight=3)
def shelter(t, dry):
    place = t.pick(dry)
    t.move(t.who, place)
    t.say(".")


@event(GOING, "looked everywhere for ", away, weight=3)
def look_for(t, away):
    friend = t.friend(away)
    t.say(f" and at last found {t.him(friend)} ")
    place = t.get("place", friend)
    t.recall(t.at(place), "place", friend)
    t.move(t.who, place)
    if t.get("busy", friend):
        t.set("busy", friend, None)
    t.say(".")


@event(GOING, "agreed to meet ", friends)
def agree(t, friends):
    friend = t.friend(friends)
    t.say(" later ")
    places = {t.at(name): name for name in other_places(t)}
    t.set("plan", "", (t.who, friend, places[t.pick(tuple(places))]))
    t.say(".")


def planned(t: Teller):
    """The plan of the child on stage, when it is old and leads somewhere else."""
    plan = t.get("plan", "")
    if plan and t.who in plan[:2] and plan[2] != t.place and t.old("plan", ""):
        return plan
    return None


@event(GOING, "had not forgotten the plan", planned, weight=40, after="agree")
def keep_plan(t, plan):
    place, friend = plan[2], plan[0] if plan[1] == t.who else plan[1]
    t.say(" and went to the ")
    t.recall(place, "plan", "")
    waiting = t.get("place", friend) == place
    t.say(", where " if waiting else " to meet ")
    t.recall(friend, "plan", "")
    t.say(" was already waiting." if waiting else ".")
    t.named.append(friend)
    t.move(t.who, place)
    if not waiting:
        t.say(" Soon ")
        t.recall(friend, "plan", "")
        t.say(" came too.")
        if t.get("busy", friend):
            t.set("busy", friend, None)
        t.move(friend, place)
    t.set("plan", "", None)


@event(GOING, "hid ", friends, weight=1.5)
def hide(t, friends):
    where = spot(t)
    t.say(" from ")
    t.friend(friends)
    t.set("busy", t.who, where)
    t.say(".")


@event(GOING, "stopped counting ", lambda t: [name for name in t.idle if t.get("busy", name) != "asleep"],
       weight=40, times=2, after="hide")
def seek(t, hidden):
    friend = hidden[0]
    t.say("and looked ")
    t.recall(t.get("busy", friend), "busy", friend)
    t.say(" and found ")
    t.recall(friend, "busy", friend)
    t.named.append(friend)
    t.set("busy", friend, None)
    t.say("!")


@event(RESTING, "came out from ", lambda t: t.get("busy", t.who) != "asleep")
def come_out(t, _):
    t.recall(t.get("busy", t.who), "busy", t.who)
    t.set("busy", t.who, None)
    t.say(".")


@event(GOING, "lay down ", always, weight=1)
def fall_asleep(t, _):
    spot(t)
    t.set("busy", t.who, "asleep")
    t.say(" and slept.")


@event(RESTING, "woke up", lambda t: t.get("busy", t.who) == "asleep")
def wake_up(t, _):
    t.set("busy", t.who, None)
    t.say(" from a dream about ")
    creature(t, HEROES)
    t.say(".")


@event(GOING, "gently woke ", lambda t: [name for name in t.idle if t.get("busy", name) == "asleep"],
       weight=40, after="fall_asleep")
def wake_other(t, asleep):
    friend = asleep[0]
    t.recall(friend, "busy", friend)
    t.named.append(friend)
    t.set("busy", friend, None)
    t.say(".")
