"""What the text side costs: telling stories, counting n-grams, drawing batches: `python benchmarks/text.py`.

One thread, medians of several rounds. Goals: stories at 1 MB/s at least, orders 1 to 6 on 2 MB in 10 s at most, a
batch of 12 x 64 in 0.2 ms at most.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
from _machine import describe_machine

from course_lib.byhand.ngram import NGram
from course_lib.text.dataset import TokenDataset, write_ids
from course_lib.text.tokenizer import CharTokenizer
from course_lib.worlds.storyworld import stories


def seconds(job: Callable[[], object], rounds: int) -> list[float]:
    """How long `job` takes, `rounds` times."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        job()
        times.append(time.perf_counter() - start)
    return times


def row(name: str, times: list[float], per: float, unit: str, goal: str) -> None:
    """One line of the table: median, and the spread, of per / seconds or seconds * per."""
    values = sorted(per / t if unit.endswith("/s") else t * per for t in times)
    print(f"| {name} | {statistics.median(values):.2f} {unit} | {values[0]:.2f} … {values[-1]:.2f} | {goal} |")


def main() -> None:
    """Print the machine, then one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="tiny sizes: does it still run?")
    chars, rounds = (20_000, 2) if parser.parse_args().smoke else (2_000_000, 5)
    print(describe_machine(), end="\n\n")
    print("| job | median | spread | goal |\n|---|---|---|---|")
    told = [story.text for story in stories(seed=0, min_chars=chars)]
    n_chars = sum(map(len, told))
    row("story world", seconds(lambda: list(stories(seed=0, min_chars=chars)), rounds), n_chars / 1e6, "MB/s", "≥ 1")
    ids = np.frombuffer("".join(told).encode(), np.uint8).astype(np.int64)
    counting = seconds(lambda: NGram.fit(ids, 6, 256), rounds)
    row(f"n-grams, orders 1–6, {len(ids) / 1e6:.1f} MB", counting, 1, "s", "≤ 10")
    with tempfile.TemporaryDirectory() as folder:
        file = write_ids(f"{folder}/ids.bin", told, CharTokenizer.train(told))
        dataset = TokenDataset(file, batch_size=12, context_length=64)
        batches = seconds(lambda: next(dataset), 20 * rounds if chars < 1e6 else 1000)
    row("a batch, 12 x 64", batches, 1e3, "ms", "≤ 0.2")


if __name__ == "__main__":
    main()
