"""Events of body and heart: hunger, sorrow, fright, small wounds, and what helps. Derived in lesson 12 (gpt)."""

from course_lib.worlds.storyworld import lexicon
from course_lib.worlds.storyworld.scenery import LANDMARKS, LASTING, LIKE, TROUBLES, creature, flourish, relative, snack
from course_lib.worlds.storyworld.teller import Event, always, event

FEELING: list[Event] = []


@event(FEELING, "felt ", always, weight=2.5)
def need(t, _):
    what = t.pick(tuple(lexicon.NEEDS))
    t.set("need", t.who, what)
    t.say(".")


@event(FEELING, "was still ", lambda t: t.get("need", t.who), weight=40, after="need")
def satisfy(t, what):
    t.recall(what, "need", t.who)
    t.say(f", so {t.she} {lexicon.NEEDS[what]} ")
    if what == "hungry":
        t.pick(lexicon.NUMBERS[2:])
        t.say(" ")
        snack(t)
    elif what == "tired":
        t.say("a ")
        t.pick(LANDMARKS)
    else:
        t.pick(("a warm coat", "a soft scarf", "thick socks") if what == "cold" else ("cold water", "warm milk", "tea"))
    t.set("need", t.who, None)
    t.say(".")


@event(FEELING, "looked sad because ", always, weight=2)
def grieve(t, _):
    why = relative(t) + " "
    t.say(" ")
    why += t.pick(TROUBLES)
    t.set("sorrow", t.who, why)
    t.say(".")


@event(FEELING, "comforted ", lambda t: [name for name in t.friends if t.get("sorrow", name)],
       weight=40, after="grieve")
def comfort(t, sad):
    friend = sad[0]
    t.recall(friend, "sorrow", friend)
    t.named.append(friend)
    t.named.append("")
    t.say(", who was sad because ")
    t.recall(t.get("sorrow", friend), "sorrow", friend)
    t.set("sorrow", friend, None)
    t.say(".")


@event(FEELING, "heard a noise", always, weight=1.5)
def fright(t, _):
    t.say(", but it was only ")
    creature(t)
    t.say(".")


@event(FEELING, "bumped into a ", always, weight=1.5)
def hurt(t, _):
    t.pick(LANDMARKS)
    t.say(f" and hurt {t.her} ")
    part = t.pick(lexicon.HURTS)
    t.set("hurt", t.who, part)
    t.say(".")


@event(FEELING, "bandaged the ", lambda t: [name for name in t.friends if t.get("hurt", name)],
       weight=40, after="hurt")
def bandage(t, wounded):
    friend = wounded[0]
    t.recall(t.get("hurt", friend), "hurt", friend)
    t.say(" of ")
    t.recall(friend, "hurt", friend)
    t.named.append(friend)
    t.set("hurt", friend, None)
    flourish(t, LIKE)


@event(FEELING, "helped ", always, weight=2)
def help_out(t, _):
    t.say(t.places[t.place].helper)
    t.named.append("")
    t.say(" to ")
    t.pick(lexicon.CHORES)
    t.say(" the ")
    t.pick(LANDMARKS)
    flourish(t, LASTING)
