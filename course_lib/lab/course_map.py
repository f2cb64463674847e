"""The map of the course: every lesson, what it asks, and how far you are. Shown in lesson 00 (start_here)."""

import html
import os
from dataclasses import dataclass

from course_lib.doors.folders import course_root
from course_lib.lab.results import load_results
from course_lib.lab.standing_table import lines


@dataclass(frozen=True)
class Lesson:
    """One lesson: its number, file name, title, and the question that it answers."""

    number: str
    name: str
    title: str
    question: str

    @property
    def stem(self) -> str:
        """Its files' name: 12_gpt."""
        return f"{self.number}_{self.name}"


PARTS = {
    "Text and counting": (
        Lesson("00", "start_here", "Start here", "What happens between a text and a model that writes?"),
        Lesson("01", "tokens", "Tokens", "What does a model read: letters, words, or something else?"),
        Lesson("02", "ngrams", "n-grams", "How surprised should we be by this sentence?"),
        Lesson("03", "word_vectors", "Word vectors", "How can a number know what a word means?"),
    ),
    "Learning": (
        Lesson("04", "backprop", "Backpropagation", "Which weight is to blame for a wrong answer?"),
        Lesson("05", "training", "Training", "Why does one run learn and another one not?"),
        Lesson("06", "recurrent", "Recurrent networks", "How far back can a network remember?"),
    ),
    "The transformer": (
        Lesson("07", "attention", "Attention", "How does one word find the words it needs?"),
        Lesson("08", "heads_and_positions", "Heads and positions", "How does attention know who came first?"),
        Lesson("09", "block", "The block", "Why can sixty layers be trained at all?"),
        Lesson("10", "translation", "Translation", "How does a sentence become one in another language?"),
        Lesson("11", "bert", "BERT", "What is learned by filling gaps?"),
        Lesson("12", "gpt", "GPT", "How do these parts become a model that writes?"),
        Lesson("13", "decoding", "Decoding", "Which of a thousand possible words do we take?"),
    ),
    "Scale and quality": (
        Lesson("14", "gpt_on_gpu", "GPT on a GPU", "Where does the time of a training step go?"),
        Lesson("15", "scale", "Scale", "How do many machines train one model?"),
        Lesson("16", "generalisation", "Generalisation", "Does it know, or does it only remember?"),
        Lesson("17", "evaluation", "Evaluation", "How sure can we be that it got better?"),
    ),
    "After pretraining": (
        Lesson("18", "finetuning", "Fine-tuning", "How little must change to learn a new task?"),
        Lesson("19", "few_shot", "Few-shot learning", "What can be learned from three examples?"),
        Lesson("20", "understanding", "Understanding", "Who did what, where, and was it good?"),
        Lesson("21", "generation", "Generation", "How do we make it write what people prefer?"),
        Lesson("22", "knowledge", "Knowledge", "Where do its facts come from?"),
    ),
    "In the world": (
        Lesson("23", "compression", "Compression", "How small can it be and still be good?"),
        Lesson("24", "privacy_and_safety", "Privacy and safety", "What does it give away about its data?"),
        Lesson("25", "inside", "Inside", "What is going on in there?"),
        Lesson("26", "capstone", "Capstone", "Can you build all of it yourself?"),
    ),
}
LESSONS = tuple(lesson for part in PARTS.values() for lesson in part)

STYLE = """<style>
.course-map { font: 14px/1.35 system-ui, sans-serif; max-width: 60em }
.course-map h4 { margin: .9em 0 .3em; font-size: 1em; opacity: .75 }
.course-map ol { display: flex; flex-wrap: wrap; gap: .5em; margin: 0 !important; padding: 0 !important; \
list-style: none }
.course-map li { flex: 1 1 11em; max-width: 15em; padding: .45em .6em; border-radius: 6px;
                 border: 1px solid rgb(128 128 128 / .45) }
.course-map li.here { border-left: 5px solid #0072B2 }
.course-map li.done { border-left: 5px solid #009E73 }
.course-map li.later { opacity: .6; border-style: dashed }
.course-map b, .course-map a { font-weight: 600 }
.course-map small { display: block; opacity: .85 }
</style>"""


class CourseMap:
    """The map as a self-contained piece of HTML: works in Jupyter, on a printed page, and without a kernel.

    A lesson that is here is a link; one with a row in your results file is marked done and shows its best
    bits per byte. Exercises are counted once one of them is correct.
    """

    def __init__(self):
        folder = course_root() / "notebooks"
        self.here = {lesson.number for lesson in LESSONS
                     if any(os.path.exists(folder / f"{lesson.stem}.{kind}") for kind in ("ipynb", "py"))}
        self.best: dict[str, float] = {}
        for row in load_results():
            number, bits = row["lesson"], row["bits_per_byte"]
            self.best[number] = min(bits, self.best.get(number, bits))
        self.exercises: dict[str, list[bool]] = {}
        for line in lines():
            self.exercises.setdefault(line.number[:2], []).append(line.standing.passed)

    def __repr__(self) -> str:
        done = len(self.best.keys() & self.here)
        return (f"The course: {len(LESSONS)} lessons in {len(PARTS)} parts; "
                f"{len(self.here)} here, {done} done.")

    def _repr_html_(self) -> str:
        parts = "".join(f"<h4>{html.escape(name)}</h4><ol>{''.join(map(self._box, lessons))}</ol>"
                        for name, lessons in PARTS.items())
        return f'{STYLE}<nav class="course-map" aria-label="Map of the course">{parts}</nav>'

    def _box(self, lesson: Lesson) -> str:
        title = f"{lesson.number} {html.escape(lesson.title)}"
        if lesson.number not in self.here:
            state, head, note = "later", f"<b>{title}</b>", "not written yet"
        elif lesson.number in self.best:
            state, head = "done", f'<a href="{lesson.stem}.ipynb">{title}</a>'
            note = f"✓ done: {self.best[lesson.number]:.2f} bits per byte"
        else:
            state, head, note = "here", f'<a href="{lesson.stem}.ipynb">{title}</a>', "open"
        solved = self.exercises.get(lesson.number, [])
        note += f" · {sum(solved)} of {len(solved)} exercises" if any(solved) else ""
        question = html.escape(lesson.question)
        return f'<li class="{state}">{head}<small>{question}</small><small>{note}</small></li>'
