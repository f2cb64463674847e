"""Events of words: secrets, promises, riddles, quarrels, lessons, letters. Derived in lesson 12 (gpt)."""

from course_lib.worlds.storyworld import lexicon
from course_lib.worlds.storyworld.scenery import ANIMALS, HEROES, WITH, creature, flourish, relative
from course_lib.worlds.storyworld.teller import Event, Teller, always, away, event, friends

TALKING: list[Event] = []


def unaware(t: Teller) -> list[str]:
    """Friends here who have not heard the secret yet."""
    return [name for name in t.friends if not t.get("told", name)]


@event(TALKING, "whispered to ", friends, weight=4)
def tell_secret(t, friends):
    friend = t.friend(friends)
    t.say(" that ")
    secret = creature(t, ANIMALS + HEROES)
    t.say(" lived ")
    t.pick([place.at for place in t.places.values()])
    t.set("secret", "", secret)
    t.set("told", t.who, t.who)
    t.set("told", friend, t.who)
    t.say(".")


@event(TALKING, "could not keep the secret", lambda t: t.get("told", t.who) and unaware(t),
       weight=40, after="tell_secret")
def pass_on(t, friends):
    t.say(" and told ")
    friend = t.friend(friends)
    t.say(" about the ")
    t.recall(t.get("secret", ""), "secret", "")
    t.set("told", friend, t.who)
    t.say(".")


@event(TALKING, "promised ", friends)
def promise(t, friends):
    friend = t.friend(friends)
    t.say(" to ")
    deed = t.pick(tuple(lexicon.PROMISES))
    t.set("promise", t.who, (friend, deed))
    t.say(".")


@event(TALKING, "kept the promise and ",
       lambda t: t.old("promise", t.who) and t.get("promise", t.who)[0] in t.friends, weight=40, after="promise")
def keep_promise(t, _):
    friend, deed = t.get("promise", t.who)
    t.recall(lexicon.PROMISES[deed], "promise", t.who)
    t.say(" for ")
    t.recall(friend, "promise", t.who)
    t.named.append(friend)
    t.set("promise", t.who, None)
    flourish(t, WITH)


@event(TALKING, "told ", friends, weight=4)
def joke(t, friends):
    t.friend(friends)
    t.say(" a joke about ")
    first = creature(t)
    t.say(" and ")
    second = creature(t, HEROES)
    t.set("joke", "", f"the {first} and the {second}")
    t.say(".")


@event(TALKING, "laughed once more about ", lambda t: t.old("joke", "") and t.who in t.seen_by["joke", ""],
       weight=8, after="joke")
def joke_again(t, _):
    t.recall(t.get("joke", ""), "joke", "")
    flourish(t, WITH)


@event(TALKING, "knew a riddle for ", friends, weight=1)
def riddle(t, friends):
    friend = t.friend(friends)
    t.say('. "')
    question = t.pick(tuple(lexicon.RIDDLES))
    t.set("riddle", "", question)
    t.set("puzzled", friend, t.who)
    t.say('" ')
    t.recall(friend, "puzzled", friend)
    t.say(" did not know.")


@event(TALKING, "suddenly knew the answer to the riddle", lambda t: t.old("puzzled", t.who),
       weight=40, after="riddle")
def solve(t, _):
    t.say('. "It is ')
    t.recall(lexicon.RIDDLES[t.get("riddle", "")], "riddle", "")
    t.set("puzzled", t.who, None)
    t.say('!"')


@event(TALKING, "quarreled with ", friends)
def quarrel(t, friends):
    friend = t.friend(friends)
    t.say(" about ")
    about = creature(t)
    t.set("quarrel", "", (t.who, friend, about))
    t.say(".")


def other_side(t: Teller) -> str | None:
    """With whom the child on stage still has a quarrel, if that child is here."""
    pair = t.get("quarrel", "")
    if pair and t.who in pair[:2]:
        other = pair[0] if pair[1] == t.who else pair[1]
        return other if other in t.friends else None
    return None


@event(TALKING, "said sorry to ", other_side, weight=40, after="quarrel")
def make_up(t, other):
    t.recall(other, "quarrel", "")
    t.named.append(other)
    t.say(" for the quarrel about the ")
    t.recall(t.get("quarrel", "")[2], "quarrel", "")
    t.set("quarrel", "", None)
    t.say(".")


@event(TALKING, "taught ", friends)
def teach(t, friends):
    friend = t.friend(friends)
    t.say(" how to ")
    skill = t.pick(lexicon.SKILLS)
    t.set("skill", "", skill)
    t.set("pupil", friend, t.who)
    t.say(".")


@event(TALKING, "practiced and could now ", lambda t: t.old("pupil", t.who), weight=40, after="teach")
def perform(t, _):
    t.recall(t.get("skill", ""), "skill", "")
    t.say(" as well as ")
    teacher = t.get("pupil", t.who)
    t.recall(teacher, "pupil", t.who)
    t.named.append(teacher)
    t.set("pupil", t.who, None)
    t.say(".")


@event(TALKING, "decided to become ", always, weight=1.5)
def dream_of(t, _):
    job = t.pick(lexicon.JOBS)
    t.set("job", t.who, job)
    t.say(" like ")
    relative(t)
    t.say(".")


@event(TALKING, "planned a party for ", always, weight=1.5)
def party(t, _):
    day = t.pick(lexicon.DAYS)
    t.set("party", t.who, day)
    t.say(" with ")
    relative(t)
    t.say(".")


@event(TALKING, "wrote a letter to ", away)
def letter(t, away):
    friend = t.friend(away)
    t.say(" about ")
    about = creature(t)
    t.set("letter", "", (t.who, friend, about))
    t.say(".")


@event(TALKING, "opened the letter from ",
       lambda t: t.get("letter", "") and t.get("letter", "")[1] == t.who and t.old("letter", ""),
       weight=40, after="letter")
def read_letter(t, _):
    writer, _, about = t.get("letter", "")
    t.recall(writer, "letter", "")
    t.named.append(writer)
    t.say(" and read about the ")
    t.recall(about, "letter", "")
    t.set("letter", "", None)
    flourish(t)
