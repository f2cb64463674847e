"""What an exercise forbids, its text must say. Part of the authors' tools; no lesson derives it.

A name counts as announced where a sentence says that it is refused, not allowed, or to be done without: its last part,
as a word, or that of one of its twins, or what they are called together.
"""

import re

from nbformat import NotebookNode

from course_lib.classroom.checking.exercise import Exercise
from course_lib.classroom.checking.twins import groups_of, with_twins

REFUSES = re.compile(r"\b(refused|refuses|not allowed|without|may not|must not|forbidden)\b", re.IGNORECASE)
SENTENCES = re.compile(r"(?<=[.!?])\)?\s+|\n\s*\n")


def unannounced(exercise: Exercise, stub: NotebookNode) -> list[str]:
    """The forbidden names that the text of an exercise, in the student's notebook, does not announce."""
    said = " ".join(one for one in SENTENCES.split(_text_of(exercise.number, stub)) if REFUSES.search(one))
    words = set(re.findall(r"\w+", said))
    return [name for name in exercise.forbidden if not words & _spoken(name)]


def _spoken(name):
    return {one.rpartition(".")[2] for one in with_twins([name])} | set(groups_of(name))


def _text_of(number, stub):
    """Text and code from the exercise's heading to its check."""
    found, inside = [], False
    for cell in stub.cells:
        if cell.cell_type == "markdown" and re.search(rf"^#+ +{re.escape(number)}\b", cell.source, re.MULTILINE):
            inside = True
        if inside and f'check("{number}"' in cell.source:
            break
        found += [cell.source] if inside else []
    return "\n\n".join(found)
