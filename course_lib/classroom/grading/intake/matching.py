"""Which of a student's cells holds which answer. Part of grading; no lesson derives it.

Cells are known by nbgrader's grade_id, else by the id that Jupyter gave them, else by their text; an answer whose cell
has lost all of that is found by the name that it defines.
"""

import difflib
import functools
import re
from dataclasses import dataclass, field

from nbformat import NotebookNode

from course_lib.classroom.grading.intake.reading import Cell

DEFINES = re.compile(r"^[ \t]*(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)|^(\w+)[ \t]*=[^=]", re.MULTILINE)


@dataclass
class Slot:
    """A cell of the release. names: what an answer to it must define; cells: places of the student's versions."""

    place: int
    cell: NotebookNode
    names: set[str] = field(default_factory=set)
    cells: list[int] = field(default_factory=list)

    @property
    def marks(self) -> dict:
        """nbgrader's metadata of the cell."""
        return self.cell.metadata.get("nbgrader", {})

    @property
    def is_answer(self) -> bool:
        """Whether students write into it."""
        return bool(self.marks.get("solution"))

    @property
    def grade_id(self) -> str:
        """nbgrader's name of the cell; empty for a plain one."""
        return self.marks.get("grade_id", "")

    @functools.cached_property
    def bare(self) -> str:
        """The release's text without white space at line ends."""
        return bare(self.cell.source)

    def same(self, source: str) -> bool:
        """Whether a text is the release's own, white space at line ends aside."""
        return bare(source) == self.bare


def match(cells: list[Cell], release: NotebookNode) -> list[Slot]:
    """The release's cells, each with the places of the student's cells that stand for it."""
    slots = [Slot(place, cell) for place, cell in enumerate(release.cells)]
    for slot in slots:
        if slot.is_answer and slot.cell.cell_type == "code":
            slot.names = defined(slot.cell.source)
    by_grade_id = {slot.grade_id: slot for slot in slots if slot.grade_id}
    by_id = {slot.cell.get("id", ""): slot for slot in slots}
    for place, cell in enumerate(cells):
        slot = by_grade_id.get(cell.grade_id) or by_id.get(cell.id or None)
        if not slot:
            text = bare(cell.source)
            slot = next((one for one in slots if not one.cells and one.bare == text), None)
        if slot:
            slot.cells.append(place)
    return slots


def choose_answer(slot: Slot, cells: list[Cell], free: set[int], notes: list[str]) -> int | None:
    """The place of the cell that holds a slot's answer, or None; says in `notes` where it was not in its place.

    Args:
        slot: an answer's.
        cells: the student's.
        free: places that belong to no slot.
        notes: added to.
    """
    touched = [place for place in slot.cells if not slot.same(cells[place].source)]
    if len(slot.cells) > 1:
        notes.append(f"{slot.grade_id}: {len(slot.cells)} cells with this name")
    defining = [place for place in touched if slot.names & defined(cells[place].source)]
    if defining or touched and not slot.names:
        return (defining or touched)[-1]
    elsewhere = [place for place in sorted(free) if slot.names & defined(cells[place].source, strict=True)]
    if elsewhere:
        notes.append(f"{slot.grade_id}: the answer was found in another cell")
        return elsewhere[-1]
    if touched or slot.cells:
        return (touched or slot.cells)[-1]
    if not slot.names:  # an essay without its name: the free text that resembles the question most
        texts = [place for place in sorted(free) if cells[place].kind == slot.cell.cell_type]
        likeness = {place: _likeness(cells[place].source, slot.cell.source) for place in texts}
        if likeness and max(likeness.values()) > 0.2:
            notes.append(f"{slot.grade_id}: the answer was found in another cell")
            return max(likeness, key=likeness.get)
    notes.append(f"{slot.grade_id}: there is no cell with this answer")
    return None


def defined(source: str, *, strict: bool = False) -> set[str]:
    """Names of functions and classes that a text defines; unless `strict`, of those without one, of variables."""
    pairs = DEFINES.findall(source)
    functions = {function for function, _ in pairs if function}
    return functions or (set() if strict else {variable for _, variable in pairs if variable})


def bare(source: str) -> str:
    """A text without white space at its ends and at the ends of its lines."""
    return "\n".join(line.rstrip() for line in source.strip().splitlines())


def _likeness(a, b):
    return difflib.SequenceMatcher(None, a[:2000], b[:2000]).quick_ratio()
