"""The page that a student gets back. Part of grading; no lesson derives it.

It says what passed, names the mistake and its hint for what did not, and shows the answers as they were handed in.
No hidden probe, no expected value of one, no output of the submission; every text is escaped, a sanitiser reads the
page over, and the page's own policy forbids scripts and anything from elsewhere.
"""

from html import escape
from string import Template

from nbformat import NotebookNode

from course_lib.classroom.grading.display import handed_in
from course_lib.classroom.grading.markup import clean_page
from course_lib.classroom.grading.records import UNTRUSTED, Result
from course_lib.classroom.grading.rows import Row
from course_lib.classroom.grading.sandbox.rounds import ASIDE

PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
      content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width"><title>$title</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a }
h2 { margin-bottom: .2rem } pre { background: #f5f5f5; padding: .7rem; overflow-x: auto; white-space: pre-wrap }
.points { float: right } .right::before { content: "✓ " } .wrong::before { content: "✗ " }
.hint { border-left: .3rem solid #0072b2; padding-left: .7rem } .warning { border: 2px solid #d55e00; padding: .7rem }
summary { cursor: pointer }
</style></head><body>
<h1>$title</h1>
$body
</body></html>
""")


def feedback_page(name: str, result: Result, row: Row, notebook: NotebookNode | None, by_hand: dict[str, str]) -> str:
    """The page of one student, as HTML.

    Args:
        name: of the assignment.
        result: of the last grading.
        row: from the gradebook, manual scores and comments included.
        notebook: as graded; its answers are shown. by_hand: number of a question that a human grades → its title.
    """
    parts = [f"<p><strong>{row.score:g} of {row.max_score:g} points</strong>{escape(_circumstances(row))}</p>"]
    if UNTRUSTED in result.notes:
        parts.append(f'<p class="warning">{UNTRUSTED}: the code in this submission could have changed the result.</p>')
    if result.unreadable:
        parts.append(f'<p class="warning">{escape(result.status)}. Nothing could be graded.</p>')
    else:
        marks = {mark.number: mark for mark in result.marks}
        for number, part in row.parts.items():
            mark = marks.get(number)
            parts += _exercise(mark, part) if mark else _question(number, by_hand.get(number, number), part)
            parts += _comment(part)
        parts += [*_notes(result), *_answers(notebook)]
    return page(f"{name} · {row.student}", "\n".join(parts))


def page(title: str, body: str) -> str:
    """A page of grading: its title as text, its body as HTML that is cleaned once more."""
    return PAGE.substitute(title=escape(title), body=clean_page(body))


def page_without_points(name: str, student: str, why: str) -> str:
    """The page of a student whose submission could not be graded, or whose page could not be written."""
    body = f'<p class="warning">UNGRADED: {escape(why)}. Your instructor can tell you more.</p>'
    return PAGE.substitute(title=escape(f"{name} · {student}"), body=body)


def _circumstances(row):
    late = f", {row.penalty:g} taken off for {row.seconds_late / 86400:.1f} days late" if row.penalty else ""
    return late + ("; some answers are still to be graded by hand" if row.waiting else "")


def _exercise(mark, part):
    right = mark.kind == "correct"
    yield _heading(f"{mark.number} {mark.title}", "right" if right else "wrong", part)
    if not right:
        yield f"<pre>{escape(mark.message)}</pre>"
    if mark.mistake and mark.mistake != mark.message:
        yield f"<p>This looks like {escape(mark.mistake)}.</p>"
    if mark.hint:
        yield f'<p class="hint">Hint: {escape(mark.hint)}</p>'


def _question(number, title, part):
    yield _heading(title if title == number else f"{number} {title}", "", part)
    if not part.waits and not part.by_hand:
        yield "<p>not answered</p>"


def _heading(text, kind, part):
    points = f"{part.points:g} of {part.out_of:g}" + (", given by hand" if part.by_hand else "")
    if part.waits:
        points = f"{points}, to be looked at again" if part.by_hand else f"to be graded by hand, {part.out_of:g} points"
    return f'<h2 class="{kind}">{escape(text)}<span class="points">{points}</span></h2>'


def _comment(part):
    if part.comment:
        yield f'<p>Your instructor says:</p><pre class="comment">{escape(part.comment)}</pre>'


def _notes(result):
    notes = [note for note in result.notes if note != UNTRUSTED and not note.startswith(ASIDE)]
    return ["<h2>Notes</h2><ul>", *(f"<li>{escape(note)}</li>" for note in notes), "</ul>"] if notes else []


def _answers(notebook):
    cells = notebook.cells if notebook else []
    for cell in cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            called, text = escape(cell.metadata.nbgrader["grade_id"]), escape(handed_in(cell)[:20_000])
            yield f"<details><summary>{called}: what you handed in</summary><pre>{text}</pre></details>"
