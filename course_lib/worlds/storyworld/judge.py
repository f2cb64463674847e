"""How far a story that a model wrote is right: up to its first wrong sentence. Derived in lesson 13 (decoding)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from course_lib.worlds.storyworld import plot
from course_lib.worlds.storyworld.chooser import NotAStory, Reader
from course_lib.worlds.storyworld.teller import Teller
from course_lib.worlds.storyworld.world import DEFAULT, World

SENTENCE_END = re.compile(r'[.!?]"?(?=\s*$|\s+[A-Z"])')


@dataclass(frozen=True)
class Verdict:
    """A text, read up to the first thing in it that no story of its world could say there."""

    right: int  # sentences before it
    wrong: str  # the sentence that it stands in; "" if there is none
    contradicts: bool  # whether the state of the story said what must stand there: who has it, where it is, whose
    finished: bool  # whether nothing is wrong and it ends as stories do


def judge(text: str, world: World = DEFAULT) -> Verdict:
    """Read a text as far as it is right. One that merely breaks off, in the middle of a word even, is not wrong."""
    teller, finished = Teller(Reader(text), world), False
    try:
        plot.tell(teller)
        position, finished = teller.length, True
    except NotAStory as error:
        position = error.position
    ends = [match.end() for match in SENTENCE_END.finditer(text)]
    right = sum(end <= position for end in ends)
    if position == len(text):
        return Verdict(right, "", False, finished)
    start, stop = ([0, *ends][right], [*ends, len(text)][right])
    last = teller.recalls[-1] if teller.recalls else None
    contradicts = not finished and last is not None and position < last.position + len(last.text)
    return Verdict(right, text[start:stop].strip(), contradicts, False)


def wrong_per_sentence(verdicts: Iterable[Verdict]) -> float:
    """(texts with a wrong sentence) / (sentences up to the first wrong one, itself included, of all texts).

    Nobody knows what is true after something wrong, so reading ends there. This is the chance that a sentence is the
    first wrong one: its maximum-likelihood estimate, if it is the same everywhere in a text. Raises ValueError where
    there is no sentence.
    """
    verdicts = list(verdicts)
    wrong = sum(bool(verdict.wrong) for verdict in verdicts)
    read = wrong + sum(verdict.right for verdict in verdicts)
    if not read:
        raise ValueError(f"there is no whole sentence in {len(verdicts)} texts; let the model write more")
    return wrong / read
