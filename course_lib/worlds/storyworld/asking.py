"""Questions that only the state can answer, asked by one child of another. Derived in lesson 12 (gpt).

Each is (question, answer, key of the fact it is about). The answer follows from the story with probability 1.
"""

from __future__ import annotations

from collections.abc import Iterator

from course_lib.worlds.storyworld import lexicon
from course_lib.worlds.storyworld.scenery import articled
from course_lib.worlds.storyworld.teller import Event, Key, Teller, event

ASKING: list[Event] = []
Asked = tuple[str, str, Key]


def has(name: str, asker: str, friend: str) -> tuple[str, str, str]:
    """How `friend` speaks to `asker` about a child: subject with "have", subject, possessive."""
    if name == friend:
        return "I have", "I", "mine"
    if name == asker:
        return "You have", "You", "yours"
    return f"{name} has", name, f"the one of {name}"


def about_things(t: Teller, friend: str) -> Iterator[Asked]:
    """Where is it, whose is it, what is stuck on it?"""
    for thing in t.things:
        where, owner = t.facts["where", thing], t.facts["owner", thing]
        in_sight = where == t.who or where == t.place and not t.get("spot", thing)
        if not in_sight and not where == friend == owner:  # nobody asks a child about its own things in its hand
            if where in t.places:
                words = [t.get("spot", thing)] if t.get("spot", thing) else []
                answer = "It is " + " ".join(words + ([t.at(where)] if where != t.place else []))
            else:
                answer = f"{has(where, t.who, friend)[0]} it"
            yield f"Where is the {thing}?", answer, ("where", thing)
            if where != t.place and where not in t.present:
                yield f"What does the {thing} look like?", f"It is {t.get('look', thing)}", ("look", thing)
        if owner != where and owner != t.who:
            answer = "It is mine" if owner == friend else f"It belongs to {owner}"
            yield f"Whose is the {thing}?", answer, ("owner", thing)
        if t.get("price", thing) and owner == friend:
            yield f"How much was the {thing}?", f"It cost {t.get('price', thing)} cents", ("price", thing)
        if t.get("mark", thing) and where != t.who:
            yield f"What is stuck on the {thing}?", f"A paper {t.get('mark', thing)}", ("mark", thing)


def about_people(t: Teller, friend: str) -> Iterator[Asked]:
    """Where is she, what will she be, when is her party?"""
    for name in t.cast:
        if name in t.away:
            yield f"Where is {name}?", f"{name} is {t.at(t.facts['place', name])}", ("place", name)
        if name == t.who:
            continue
        if t.get("job", name):
            if name == friend:
                yield "What do you want to become?", f"I want to become {t.get('job', name)}", ("job", name)
            else:
                yield f"What does {name} want to become?", t.get("job", name).capitalize(), ("job", name)
        if t.get("party", name):
            whose = "your" if name == friend else f"{name}'s"
            yield f"When is {whose} party?", f"It is on {t.get('party', name)}", ("party", name)


def about_news(t: Teller, friend: str) -> Iterator[Asked]:
    """Who told you, who won, what is its name, how many are left, what did you promise?"""
    teller = t.get("told", friend)
    if teller and teller != friend:
        yield (f"Who told you about the {t.get('secret', '')}?", f"{has(teller, t.who, friend)[1]} told me",
               ("told", friend))
    if t.get("race", ""):
        yield "Who won the race?", f"{has(t.get('race', ''), t.who, friend)[1]} won it", ("race", "")
    if t.get("pet", ""):
        kind, name = t.get("pet", "")
        yield f"What is the little {kind} called?", f"It is called {name}", ("pet", "")
        where = t.get("with", name)
        if where in t.places and where != t.place:
            yield f"Where is {name}?", f"I saw it {t.at(where)}", ("with", name)
    if t.get("count", friend):
        kind, left = t.get("snack", friend).split()[1], lexicon.NUMBERS[t.get("count", friend)]
        yield f"How many {kind} do you have?", f"I have {left}", ("count", friend)
    if t.get("made", t.place):
        maker = has(t.get("made", t.place), t.who, friend)[1]
        if maker != "You":
            yield f"Who built the {t.places[t.place].makes}?", f"{maker} did", ("made", t.place)


def about_deeds(t: Teller, friend: str) -> Iterator[Asked]:
    """What the friend counted, wrote, drew, wished, promised."""
    if t.get("sum", friend):
        number, kind = t.get("sum", friend)
        yield f"How many {kind} did you count?", f"I counted {number} {kind}", ("sum", friend)
    for kind, number in t.get("list", friend) or ():
        yield f"How many {kind} are on the list?", number, ("list", friend)
    if t.get("rounds", friend):
        yield "How often did you run around?", f"{t.get('rounds', friend)} times", ("rounds", friend)
    if t.get("picture", friend):
        yield "What did you draw?", articled(t.get("picture", friend)).capitalize(), ("picture", friend)
    if t.get("wish", friend):
        yield "What did you wish for?", articled(t.get("wish", friend)).capitalize(), ("wish", friend)
    if t.get("promise", friend):
        whom, deed = t.get("promise", friend)
        if whom != t.who:
            yield f"What did you promise {whom}?", f"I promised to {deed}", ("promise", friend)


def open_questions(t: Teller, friend: str) -> list[Asked]:
    """What can be asked here: facts old enough, which the friend witnessed, and not asked about since they changed.

    That a thing is where it belongs, in its owner's hands, is asked only when there is nothing better to ask.
    """
    found, dull = [], []
    for source in (about_things, about_people, about_news, about_deeds):
        for question, answer, key in source(t, friend):
            if t.length - t.since[key] >= t.world.patience and friend in t.seen_by[key] and t.seen_by[key][0] != t.who \
                    and t.get("asked", f"{key[0]} {key[1]}") != t.since[key]:
                at_home = key[0] == "where" and t.facts[key] == t.get("owner", key[1])
                (dull if at_home else found).append((question, answer, key))
    return found or dull


def answerers(t: Teller) -> dict[str, list[Asked]]:
    """Which friends here can answer something. Questions come with some distance between them."""
    if t.length < t.last_question + t.world.patience:
        return {}
    options = ((friend, open_questions(t, friend)) for friend in t.friends)
    return {friend: questions for friend, questions in options if questions}


@event(ASKING, "asked ", answerers, weight=100, times=6)
def ask(t, options):
    friend = t.friend(tuple(options))
    t.say(', "')
    questions = options[friend]
    chosen = t.pick([question for question, _, _ in questions])
    answer, key = next((answer, key) for question, answer, key in questions if question == chosen)
    t.say('" "')
    t.recall(answer, *key)
    t.named += [name for name in t.cast if name != t.who and name in chosen + answer]
    t.last_question = t.length
    t.set("asked", f"{key[0]} {key[1]}", t.since[key])
    if t.weigh(('."', '," said ', '," answered '), (2.0, 2.0, 1.0)):
        t.recall(friend, "place", friend)
        t.say(".")
