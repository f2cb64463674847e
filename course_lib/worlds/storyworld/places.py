"""The places of the story world, each with what belongs to it. Derived in lesson 12 (gpt)."""

from typing import NamedTuple


class Place(NamedTuple):
    """One place: how one is there, who works there, what one can build there."""

    name: str
    at: str  # "at the beach"
    indoors: bool
    helper: str
    makes: str


def _place(name: str, preposition: str, inside: str, helper: str, makes: str) -> Place:
    return Place(name, f"{preposition} the {name}", inside == "in", "the " + helper, makes)


PLACES = (
    _place("kitchen", "in", "in", "cook", "tower of cups"),
    _place("garden", "in", "out", "gardener", "house for the snails"),
    _place("beach", "at", "out", "sailor", "castle of sand"),
    _place("park", "in", "out", "painter", "den of branches"),
    _place("library", "in", "in", "librarian", "bridge of books"),
    _place("market", "at", "out", "farmer", "tower of boxes"),
    _place("barn", "in", "in", "shepherd", "den of straw"),
    _place("forest", "in", "out", "ranger", "hut of sticks"),
    _place("river", "by", "out", "boatman", "dam of stones"),
    _place("school", "at", "in", "teacher", "paper moon"),
    _place("station", "at", "out", "conductor", "train of boxes"),
    _place("bakery", "at", "in", "baker", "house of bread"),
    _place("hill", "on", "out", "hiker", "tower of stones"),
    _place("mill", "at", "in", "miller", "paper windmill"),
    _place("meadow", "in", "out", "beekeeper", "crown of flowers"),
)
