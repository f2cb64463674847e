"""The beginning of a new exercise: cells and checks that build as they are, to be replaced part by part.

Part of the authors' tools; no lesson derives it.
"""

import keyword
import re
from pathlib import Path

from course_lib.classroom.authoring.checks_files import PARTS, WHOLE, checks_files
from course_lib.doors.files import write_text
from course_lib.doors.folders import make_folder
from course_lib.lab.course_map import LESSONS

NOTEBOOK = '''# %% [markdown]
# # Exercises {lesson} · {lesson_title}
#
# Replace each `raise NotImplementedError` by your answer and run the cell below it. Stuck? In a cell of your own,
# `hint("{number}")` gives the first of three hints, and the next when asked again; `solution("{number}")` opens after
# three tries.

# %% tags=["setup"]
import numpy as np

from course_lib.classroom import check, hint, solution

'''

CELLS = '''# %% [markdown]
# ## {number} · {title} (●○○○○, 5 minutes)
#
# What is asked, and why it matters. One formula, the shapes, one small example.

# %%
def {function}(x):
    """x (N,) of positive numbers -> (N,), their shares: $x_i / \\\\sum_j x_j$."""
    ### BEGIN SOLUTION
    whole = x.sum()
    return x / whole
    ### END SOLUTION

# %%
check("{number}", {function})
'''

HEAD = '''"""Exercise {number}: {title}."""

import numpy as np

from course_lib.classroom.checking.exercise import Exercise
'''

BANNER = "# ---- {number} ------------------------------------------------------------------------------------------\n"

CHECKS = '''
{function}_exercise = Exercise(
    "{number}", "{function}", title="{title}", difficulty=1, minutes=5,
    hints=(
        "A question that makes one look at the right place.",
        "What to do there, in words.",
        "How, short of the code.",
    ),
)


@{function}_exercise.probe(axes="one share for each number")
def {function}_of_four(ns, rng):
    """four numbers"""
    return ns["{function}"](rng.uniform(1, 9, size=4))


@{function}_exercise.probe(hidden=True)
def {function}_of_any(ns, rng):
    """any number of numbers"""
    return ns["{function}"](rng.uniform(1, 9, size=int(rng.integers(5, 20))))


@{function}_exercise.property(n=(1, 9), seed=(0, 99))
def {function}_sums_to_one(ns, n, seed):
    """shares sum to one"""
    return ns["{function}"](np.random.default_rng(seed).uniform(1, 9, size=n)).sum(), 1.0


@{function}_exercise.mistake(hint="Do they sum to one?")
def {function}_unchanged(x):
    """the numbers themselves"""
    return x


@{function}_exercise.mistake(hint="The largest share is not one.")
def {function}_of_the_largest(x):
    """a share of the largest number instead of the sum"""
    return x / x.max()


@{function}_exercise.mistake(hint="Sum, not mean.")
def {function}_of_the_mean(x):
    """a share of the mean"""
    return x / x.mean()


@{function}_exercise.mistake(hint="It must work for every length.", memorised=True)
def {function}_for_four_only(x):
    """right for four numbers only"""
    return x / x[:4].sum()


@{function}_exercise.mistake(hint="Right shape is not enough.")
def {function}_zeros(x):
    """zeros of the right shape"""
    return np.zeros_like(x)
'''


def new_exercise(root: Path, number: str, function: str, title: str) -> list[Path]:
    """Begin an exercise in solutions/NN_name/ (made when missing): its cells and its checks; returns both files.

    The cells are appended to NN_name.nb.py. The checks become checks/NN_1.py, or are appended to checks.py in a lesson
    that has one. It builds as it stands. Raises ValueError for a number or a name that is taken or cannot be one.
    """
    if not re.fullmatch(r"\d\d\.[1-9]\d*", number):
        raise ValueError(f"{number!r} is no number of an exercise; write lesson, dot, place, as in 07.2")
    if not function.isidentifier() or keyword.iskeyword(function):
        raise ValueError(f"{function!r} cannot be the name of a function")
    found = [lesson for lesson in LESSONS if lesson.number == number[:2]]
    if not found:
        raise ValueError(f"there is no lesson {number[:2]}; the lessons are 00 to {LESSONS[-1].number}")
    lesson, title = found[0], title.replace('"', "'")
    names = {"number": number, "function": function, "title": title}
    names |= {"lesson": lesson.number, "lesson_title": lesson.title}
    folder = root / "solutions" / lesson.stem
    cells, checks = folder / f"{lesson.stem}.nb.py", folder / PARTS / f"{number.replace('.', '_')}.py"
    there = {path: path.read_text(encoding="utf-8") for path in checks_files(folder)}
    notebook = cells.read_text(encoding="utf-8") if cells.exists() else NOTEBOOK.format(**names)
    if any(f'"{number}"' in text for text in there.values()) or f"def {function}(" in notebook:
        raise ValueError(f"{lesson.stem} has an exercise {number} or a function {function} already")
    head = HEAD.format(**names)
    if folder / WHOLE in there:
        checks = folder / WHOLE
        head = there[checks].rstrip() + "\n\n\n" + BANNER.format(**names)
    make_folder(checks.parent, way_out="exercises are written in a clone of your own")
    write_text(cells, notebook.rstrip() + "\n\n" + CELLS.format(**names))
    write_text(checks, head + CHECKS.format(**names))
    return [cells, checks]
