"""A fresh copy of the release with a student's answers in it. Part of grading; no lesson derives it.

The release's order and its given cells are the authority; from the student come the answers and cells of their own,
which stay where they stood. So a deleted, edited or doubled cell harms nothing but itself.
"""

import copy

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_lib.classroom.grading.intake.matching import Slot, choose_answer, match
from course_lib.classroom.grading.intake.reading import Cell


def rebuild(cells: list[Cell], release: NotebookNode) -> tuple[NotebookNode, list[str]]:
    """The notebook that is graded, and notes for humans; with no cells it is the release as it was."""
    slots, notes = match(cells, release), []
    free = set(range(len(cells))) - {place for slot in slots for place in slot.cells}
    chosen: dict[int, int] = {}  # place in the release → place in the submission
    for slot in slots:
        if slot.is_answer:
            place = choose_answer(slot, cells, free, notes)
            if place is not None:
                chosen[slot.place] = place
                free.discard(place)
        elif slot.grade_id:
            _judge_locked(slot, cells, notes)
    elsewhere = set(chosen.values())
    merged = _merged(slots, cells, chosen, notes)
    extra = _extra(slots, cells, elsewhere)
    built = [_own(cells[place], place) for place in extra.get(-1, [])]
    for slot in slots:
        cell = copy.deepcopy(slot.cell)
        if slot.place in chosen:
            cell.source = cells[chosen[slot.place]].source
        elif slot.place in merged:
            cell.source = "# answered in another cell"
        cell.pop("attachments", None)
        built += [cell, *(_own(cells[place], place) for place in extra.get(slot.place, []))]
    notebook = new_notebook(cells=built, metadata=copy.deepcopy(release.metadata))
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"c{number}"
    return notebook, notes


def _judge_locked(slot: Slot, cells, notes):
    if not slot.cells:
        notes.append(f"{slot.grade_id}: the check cell is missing")
    elif any(not slot.same(cells[place].source) for place in slot.cells):
        notes.append(f"{slot.grade_id}: the check cell was edited")


def _merged(slots, cells, chosen, notes):
    """Answers without a cell whose names another slot's answer defines: they must not be undone by their stub."""
    found = set()
    for slot in slots:
        place = chosen.get(slot.place)
        if not slot.is_answer or not slot.names or place is not None and not slot.same(cells[place].source):
            continue
        for other in chosen.values():
            if other != place and any(f"def {name}(" in cells[other].source for name in slot.names):
                notes.append(f"{slot.grade_id}: answered in the cell of another exercise")
                found.add(slot.place)
                chosen.pop(slot.place, None)
                break
    return found


def _extra(slots, cells, taken):
    """Place in the release → the student's own cells that follow it: new ones, second versions, edited given cells."""
    owner = {place: slot for slot in slots for place in slot.cells}
    extra, last = {}, -1
    for place, cell in enumerate(cells):
        slot = owner.get(place)
        if place in taken:
            last = max(last, slot.place if slot else last)
            continue
        if slot:
            # A second version runs before the chosen one, an edited given cell after its original.
            last = max(last, slot.place - 1 if slot.is_answer else slot.place)
            if slot.same(cell.source) or slot.grade_id and not slot.is_answer:
                continue
        if cell.source.strip() and cell.kind in ("code", "markdown"):
            extra.setdefault(last, []).append(place)
    return extra


def _own(cell, place):
    return new_code_cell(cell.source) if cell.kind == "code" else new_markdown_cell(cell.source)
