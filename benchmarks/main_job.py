"""The main job: what `make gpt` reaches in about a minute: `python benchmarks/main_job.py`.

One run of `course train tiny --data storyworld` with its own recipe, two threads if there are two cores, and the
table of held-out bits per byte. The goal: clearly below the 6-gram, and within 1.25 of the entropy of the source.
"""

import argparse
import tempfile
import time
from pathlib import Path

from _machine import describe_machine

from course_lib.cli import run
from course_lib.cli.train import VOCAB_SIZE


def main() -> None:
    """Print the machine, then one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="three steps on place names: does it still run?")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    data, steps = ("place_names", 3) if options.smoke else ("storyworld", None)
    print(describe_machine(), end="\n\n")
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        trainer, prepared, corpus = run.set_up("tiny", data, Path(folder), vocab_size=VOCAB_SIZE, max_steps=steps,
                                               seed=options.seed, threads=1 if options.smoke else None)
        ready = time.perf_counter() - started
        for _ in trainer:
            pass
        rows, entropy = run.score(trainer, prepared, corpus)
        wall = time.perf_counter() - started
    print(f"| `tiny` on {data}, seed {options.seed} | bits per byte | ratio to entropy |\n|---|---|---|")
    for name, bits in rows.items():
        print(f"| {name} | {bits:.3f} | {f'{bits / entropy:.2f}' if entropy else '–'} |")
    print(f"\n{trainer.config.max_steps} steps, {trainer.tokens:,} tokens, {trainer.config.dtype}, "
          f"{trainer.config.threads} threads: {trainer.seconds:.0f} s of updates "
          f"({trainer.tokens / trainer.seconds:,.0f} tokens/s), {ready:.0f} s to prepare, {wall:.0f} s in all")


if __name__ == "__main__":
    main()
