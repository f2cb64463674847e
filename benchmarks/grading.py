"""Submissions a minute, end to end, and how fast a check answers: `python benchmarks/grading.py`.

A class hands in one exercise, right and wrong answers in turn: collected, run in sandboxes, entered into the gradebook,
feedback pages and table written. numpy and torch apart, for importing torch takes longer than all the rest; and once
with a hostile tenth, each of another kind. Each class is graded by a process of its own, whose largest memory stands
beside the rate. Run it as an ordinary account; as root, where grading refuses, only the checks are timed.

Checks are those of lesson 12, every right answer and every mistake of the gallery. The first one of a session has a
row of its own, for it imports hypothesis. Processor time stands beside the wall's: on a busy machine they differ.
"""

import argparse
import contextlib
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from _machine import describe_machine
from nbformat.v4 import new_code_cell, new_notebook

from course_lib.classroom import check
from course_lib.classroom.authoring.answers import answer_namespace
from course_lib.classroom.authoring.checks_files import load_lesson_checks
from course_lib.classroom.checking.diagnose import diagnose
from course_lib.classroom.checking.probing import run_probes
from course_lib.lab.public_checks import load_checks

NAME = "90_speed"
SETUP = {"numpy": "import numpy as np\narray = np.array", "torch": "import torch\narray = torch.tensor"}
RIGHT = "def double(x):\n    return x + x"
CHECKS = '''
{setup}
from course_lib.classroom.checking.exercise import Exercise
double = Exercise("90.1", "double", title="Double", hints=("a", "b", "c"))
@double.probe()
def three(ns, rng):
    return ns["double"](array(rng.normal(size=3)))
@double.probe(hidden=True)
def many(ns, rng):
    return ns["double"](array(rng.normal(size=(30, 40))))
@double.mistake(hint="Once is not twice.")
def once(x):
    return x
'''
FORGED = """import os, time
def say(text):
    for number in range(3, 40):
        try: os.write(number, text + b'\\n')
        except OSError: pass
"""
HOSTILE = {  # what stands in the answer's cell
    "lists for outputs": FORGED + """say(b'{"is": "cell", "id": "c1", "outputs": [' + b'[],' * 95_000 + b'[]]}')""",
    "an endless loop": "def double(x):\n    while True: pass",
    "a large answer": "def double(x):\n    return {str(n): [[n]] * 9 for n in range(20_000)}",
    "fills its ear": FORGED + """for number in range(3, 40):
    try:
        ear = os.open(f'/proc/self/fd/{number}', os.O_WRONLY | os.O_NONBLOCK)
        while number < 4: os.write(ear, b'x' * 4096)
    except OSError: pass
say(b'{"is": "cell", "id": "c1", "outputs": []}\\n{"is": "stage done", "stage": 0}')
time.sleep(9)""",
    "pictures": """from IPython.display import Image
for _ in range(99): display(Image(b'\\x89PNG\\r\\n\\x1a\\n' + bytes(400_000), format='png'))
""" + RIGHT,
    "nested": FORGED + """say(b'{"is": "cell", "id": "c1", "outputs": ' + b'[' * 493 + b']' * 493 + b'}')""",
    "prints for ever": "while True: print('x' * 9999)",
    "takes all memory": "x = bytearray(3 << 30)",
    "ends its process": "import os; os._exit(0)",
}
OUTPUTS = {  # what stands beside a right answer, as outputs of its cell
    "49 MB of text": [{"output_type": "stream", "name": "stdout", "text": "x" * 49_000_000}],
    "a million outputs": [[]] * 990_000,
}


def main() -> None:
    """Print the machine, then one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="two submissions of each kind: does it still run?")
    parser.add_argument("--students", type=int, default=60)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    students = 2 if options.smoke else options.students
    print(describe_machine(), end="\n\n")
    print("| what | figure |\n|---|---|")
    for library, hostile in (("numpy", False), ("numpy", True), ("torch", False)) if os.geteuid() else ():
        with tempfile.TemporaryDirectory() as folder:
            honest = make_class(Path(folder), library, students, hostile)
            command = [sys.executable, Path(__file__).with_name("_class.py"), folder, NAME, str(options.jobs)]
            done = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        assert honest.items() <= done["scores"].items() and len(done["scores"]) == students
        what = f"{library}{', every tenth hostile' if hostile else ''}: submissions a minute, {options.jobs} sandboxes"
        print(f"| {what} | {60 * students / done['seconds']:.0f} |")
        print(f"| the grader's largest memory meanwhile | {done['peak']} MB |")
    for what, times in check_seconds(1 if options.smoke else 5).items():
        wall, processor = ([1000 * time[side] for time in times] for side in (0, 1))
        row = f"median {statistics.median(wall):.0f} ms, worst {max(wall):.0f} ms"
        print(f"| {what} | {row} (processor: {statistics.median(processor):.0f} and {max(processor):.0f} ms) |")
    if not os.geteuid():
        print("\nroot: grading was not timed, for it refuses to run as root", file=sys.stderr)


def make_class(folder: Path, library: str, students: int, hostile: bool) -> dict[str, float]:
    """Write a course and a class's downloads; returns the scores of the honest by student."""
    for kind in ("solutions", "exercises", "downloads"):
        (folder / kind / NAME).mkdir(parents=True)
    own = {"schema_version": 3, "task": False}
    answer = own | {"grade_id": "answer-90-1", "grade": False, "solution": True, "locked": False}
    check = own | {"grade_id": "check-90-1", "grade": True, "solution": False, "locked": True, "points": 2}
    release = new_notebook(cells=[new_code_cell(SETUP[library]),
                                  new_code_cell("def double(x):\n    ...", metadata={"nbgrader": answer}),
                                  new_code_cell('check("90.1", double)', metadata={"nbgrader": check})])
    nbformat.write(release, folder / "exercises" / NAME / f"{NAME}.ipynb")
    (folder / "solutions" / NAME / "checks.py").write_text(CHECKS.format(setup=SETUP[library]))
    (folder / "solutions" / NAME / f"{NAME}.nb.py").write_text(f"# %%\n{SETUP[library]}\n# %%\n{RIGHT}\n")
    honest, kinds = {}, [*OUTPUTS.values(), *HOSTILE.values()]
    for number in range(students):
        student, notebook = f"student{number}", json.loads(nbformat.writes(release))
        notebook["cells"][1]["source"] = RIGHT if number % 2 else "def double(x):\n    return x"
        if not hostile or number % 10:
            honest[student] = 2.0 * (number % 2)
        elif isinstance(what := kinds[number // 10 % len(kinds)], str):
            notebook["cells"][1]["source"] = what
        else:
            notebook["cells"][1]["outputs"] = what
        (folder / "downloads" / f"{student}.ipynb").write_text(json.dumps(notebook, separators=(",", ":")))
    return honest


def check_seconds(rounds: int) -> dict[str, list[tuple[float, float]]]:
    """What was checked → (wall, processor) seconds of each check, as a student calls it."""
    source = Path(__file__).resolve().parents[1] / "solutions" / "12_gpt"
    answers, exercises = answer_namespace(source / "12_gpt.nb.py"), load_lesson_checks(source)[0]
    asked = [(e, answers[e.function]) for e in exercises]
    asked += [(e, mistake.fn) for e in exercises for mistake in e.mistakes]
    times = {"first check of a session": [], "check by examples": [], "check by examples and rules": []}
    with tempfile.TemporaryDirectory() as work, contextlib.redirect_stdout(io.StringIO()):
        os.environ["COURSE_WORK"] = work
        for exercise, answer in asked * rounds:
            first = "hypothesis" not in sys.modules
            began = time.perf_counter(), time.process_time()
            check(exercise.number, answer)
            took = time.perf_counter() - began[0], time.process_time() - began[1]
            record = load_checks(exercise.number)
            told = diagnose(record, run_probes(record, {exercise.function: answer}, seed=record["seed"])).kind
            what = "check by examples and rules" if told in ("correct", "wrong") else "check by examples"
            times["first check of a session" if first else what].append(took)
    return times


if __name__ == "__main__":
    main()
