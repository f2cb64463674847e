"""How fast a widget answers, at the sizes of the lessons: `python benchmarks/widgets.py`.

From the message that says what was moved to the new picture ready to be sent, in Python; the browser adds a few
milliseconds. The goal is 150 ms: slower, and a slider sticks to the hand. Medians; the processor's time stands beside
the wall's, for on a busy machine they differ. The first row is a figure of matplotlib and no widget at all.
"""

import argparse
import os
import statistics
import time

os.environ["COURSE_HEADLESS"] = "0"

import matplotlib
import numpy as np
import torch
from _machine import describe_machine

from course_lib.lab import plots
from course_lib.lab.widgets import Dashboard, LiveMap, NextToken, Widget, explore
from course_lib.model.config import tiny
from course_lib.model.gpt import GPT

matplotlib.use("Agg")
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


def answers(widget: Widget, name: str, sent: list, repeats: int) -> tuple[float, float]:
    """Median milliseconds (wall, processor) from a message to the picture."""
    widget._repr_mimebundle_()
    taken = []
    for n in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        widget._receive(None, {"actions": [[name, sent[n % len(sent)]]]}, [])
        taken.append((time.perf_counter() - wall, time.process_time() - cpu))
    widget.close()
    return tuple(1000 * statistics.median(column) for column in zip(*taken, strict=True))


def figure_alone(repeats: int) -> tuple[float, float]:
    """Median milliseconds to draw and render `bars`."""
    taken = []
    for n in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        bars(8 + n % 2).png()
        taken.append((time.perf_counter() - wall, time.process_time() - cpu))
    return tuple(1000 * statistics.median(column) for column in zip(*taken, strict=True))


def rows(repeats: int) -> dict[str, tuple[float, float]]:
    """What is measured → median milliseconds."""
    ids, gpt = list(range(1, 101)), gpt_probabilities()
    table = np.random.default_rng(0).dirichlet(np.full(VOCABULARY, 0.05), size=8)

    def counted(ids: list[int]) -> np.ndarray:
        return table[len(ids) % 8]

    return {
        "one figure, no widget": figure_alone(repeats),
        "explore, the same figure": answers(explore(bars, top=(5, 15)), "top", [3, 7], repeats),
        "dashboard, 160 steps, scrub": answers(Dashboard(records(160)), "step", [20, 90], repeats),
        "dashboard, 20,000 steps, scrub": answers(Dashboard(records(20_000)), "step", [20, 90], repeats),
        "next token, n-gram, 100 tokens": answers(NextToken(counted, decode, ids), "at", [40, 41], repeats),
        "next token, GPT tiny, 100 tokens": answers(NextToken(gpt, decode, ids), "at", [90, 91], repeats),
        "map of the course": answers(LiveMap(), "look", [True], repeats),
    }


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--smoke", action="store_true", help="two moves each, to see that it works")
    torch.set_num_threads(1)
    print(f"{describe_machine()}\n\n| a move of | ms | ms of processor | under {GOAL} ms |\n|---|---|---|---|")
    for name, (wall, cpu) in rows(2 if parser.parse_args().smoke else 25).items():
        print(f"| {name} | {wall:.0f} | {cpu:.0f} | {'yes' if wall < GOAL else 'no'} |")


if __name__ == "__main__":
    main()
