"""How fast a widget answers, at the sizes of the lessons: `python benchmarks/widgets.py`.

From the message that says what was moved to the new picture ready to be sent, in Python; the browser adds a few
milliseconds. The goal is 150 ms: slower, and a slider sticks to the hand. Medians; the processor's time stands beside
the wall's, for on a busy machine they differ. The first row is a figure of matplotlib and no widget at all; the
sliders of the lessons are those of their scripts in `notebooks/`, moved one after the other through all positions.
"""

import argparse
import contextlib
import io
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from unittest import mock

os.environ["COURSE_HEADLESS"] = "0"

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import torch
from _machine import describe_machine

from course_lib.lab import plots
from course_lib.lab.widgets import Dashboard, LiveMap, NextToken, Widget, explore
from course_lib.model.config import tiny
from course_lib.model.gpt import GPT

matplotlib.use("Agg")
NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
SLIDERS = ("04_backprop", "07_attention", "13_decoding", "14_gpt_on_gpu")  # the lessons that have some
GOAL = 150  # milliseconds
VOCABULARY = 1536


def bars(top: int = 12):
    """The next token's distribution, as lessons 00 and 13 draw it."""
    probs = np.random.default_rng(0).dirichlet(np.full(VOCABULARY, 0.05))
    return plots.next_token_bars([f" word{i}" for i in range(VOCABULARY)], probs, top=top, caption="Bars.", alt="Bars.")


def gpt_probabilities():
    """ids → probabilities of the GPT of lesson 12, untrained: training does not change its speed."""
    model = GPT(tiny(VOCABULARY)).eval()

    @torch.no_grad()
    def probabilities(ids: list[int]) -> np.ndarray:
        return model(torch.tensor([ids]))[0, -1].softmax(-1).numpy()

    return probabilities


def decode(ids: list[int]) -> str:
    """A text of the right length."""
    return "".join(f" word{i}" for i in ids)


def records(n: int) -> list[dict]:
    """A run of n steps."""
    return [{"step": s, "loss": 1 + 5 / s**0.4, "lr": 0.01, "grad_norm": 1.0, "tokens": 2048 * s, "seconds": 0.2 * s}
            for s in range(1, n + 1)]


def sliders_of(lesson: str) -> list[Widget]:
    """The `explore` widgets of a lesson: its cells are run up to the last of them."""
    cells = (NOTEBOOKS / f"{lesson}.py").read_text(encoding="utf-8").split("\n# %%")[1:]
    cells = [cell.partition("\n")[2] for cell in cells if not cell.startswith(" [markdown]")]
    last = max(n for n, cell in enumerate(cells) if "\nexplore(" in cell)
    made, names = [], {"__name__": "__main__"}
    keep = mock.patch("course_lib.lab.widgets.explore", lambda *args, **all: made.append(explore(*args, **all)))
    with contextlib.chdir(NOTEBOOKS), contextlib.redirect_stdout(io.StringIO()), keep:
        for cell in cells[: last + 1]:
            exec(compile(cell, lesson, "exec"), names)
            plt.close("all")
    return made


def positions(widget: Widget) -> list[tuple[str, object]]:
    """(control, position) for all positions of all controls, the controls by turns."""
    each = [[(c.name, at) for at in (range(len(c.values)) if c.values else (True, False))] for c in widget.controls()]
    return [column[n % len(column)] for n in range(max(map(len, each))) for column in each]


def timed(do: Callable[[int], object], repeats: int) -> list[tuple[float, float]]:
    """(wall, processor) milliseconds of do(0), do(1), …"""
    taken = []
    for n in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        do(n)
        taken.append((1000 * (time.perf_counter() - wall), 1000 * (time.process_time() - cpu)))
    return taken


def answers(widget: Widget, moves: list[tuple[str, object]], repeats: int) -> list[tuple[float, float]]:
    """Milliseconds from a message to the picture, for each of the moves by turns."""
    widget._repr_mimebundle_()
    taken = timed(lambda n: widget._receive(None, {"actions": [list(moves[n % len(moves)])]}, []), repeats)
    widget.close()
    return taken


def rows(repeats: int, lessons: Sequence[str]) -> Iterator[tuple[str, list[tuple[float, float]]]]:
    """(what is moved, milliseconds of each move)."""
    ids, gpt = list(range(1, 101)), gpt_probabilities()
    table = np.random.default_rng(0).dirichlet(np.full(VOCABULARY, 0.05), size=8)

    def counted(ids: list[int]) -> np.ndarray:
        return table[len(ids) % 8]

    yield "one figure, no widget", timed(lambda n: bars(8 + n % 2).png(), repeats)
    for lesson in lessons:
        for slider in sliders_of(lesson):
            yield f"lesson {lesson[:2]}: {slider.label}", answers(slider, positions(slider), repeats)
    yield "dashboard, 160 steps, scrub", answers(Dashboard(records(160)), [("step", 20), ("step", 90)], repeats)
    yield "dashboard, 20,000 steps, scrub", answers(Dashboard(records(20_000)), [("step", 20), ("step", 90)], repeats)
    yield "next token, n-gram, 100 tokens", answers(NextToken(counted, decode, ids), [("at", 40), ("at", 41)], repeats)
    yield "next token, GPT tiny, 100 tokens", answers(NextToken(gpt, decode, ids), [("at", 90), ("at", 91)], repeats)
    yield "map of the course", answers(LiveMap(), [("look", True)], repeats)


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--smoke", action="store_true", help="two moves each, one lesson, to see that it works")
    repeats, lessons = (2, SLIDERS[1:2]) if parser.parse_args().smoke else (41, SLIDERS)
    torch.set_num_threads(1)
    print(f"{describe_machine()}\n\n| a move of | ms | half of them | ms of processor | under {GOAL} ms |")
    print("|---|---|---|---|---|")
    for name, taken in rows(repeats, lessons):
        walls, cpus = zip(*taken, strict=True)
        low, wall, high = statistics.quantiles(walls, n=4)
        print(f"| {name} | {wall:.0f} | {low:.0f} to {high:.0f} | {statistics.median(cpus):.0f} | "
              f"{'yes' if wall < GOAL else 'no'} |", flush=True)


if __name__ == "__main__":
    main()
