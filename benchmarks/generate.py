"""Writing on a CPU, against transformers' `generate` with the same weights: `python benchmarks/generate.py`.

Greedy; the ids are asserted equal. GPT-2's parts with random weights, in two sizes: `baseline_tiny` and GPT-2 124M.
Our own `tiny`, which transformers does not have, stands beside them. Each thread count is a process of its own. Runs
of ours and theirs take turns; the table has medians, and in brackets the lowest and the highest. With one thread it is
CPU time that counts, which is wall time where nothing else runs; with two it is wall time.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import torch
from _machine import describe_machine
from _spread import spread
from transformers import GPT2Config, GPT2LMHeadModel

from course_lib.generation.generate import generate
from course_lib.model.config import PRESETS
from course_lib.model.gpt import GPT
from course_lib.model.pretrained import gpt2_config, gpt2_weights, load_weights

PROMPT = 4
SIZES = [("baseline_tiny", 1, 60), ("baseline_tiny", 64, 60), ("tiny", 1, 60), ("tiny", 64, 60), ("gpt2_124m", 1, 120)]
SMOKE = [("baseline_tiny", 1, 20), ("baseline_tiny", 2, 20), ("tiny", 1, 20)]
GOALS = {("baseline_tiny", 1): "≥ 10 ×", ("baseline_tiny", 64): "≥ 40 × theirs at batch 1", ("gpt2_124m", 1): "≥ 1.5 ×"}


def twins(preset: str, vocab_size: int) -> tuple[GPT, GPT2LMHeadModel | None]:
    """Our model and transformers' with the same random weights; None where it has no such model."""
    torch.manual_seed(0)
    config = PRESETS[preset](vocab_size)
    if config.norm != "layernorm" or config.position != "learned":
        return GPT(config).eval(), None
    theirs = GPT2LMHeadModel(GPT2Config(
        vocab_size=vocab_size, n_positions=config.context_length, n_layer=config.n_layer, n_head=config.n_head,
        n_embd=config.n_embd, bos_token_id=None, eos_token_id=None)).eval()
    ours = GPT(gpt2_config(theirs.config.to_dict())).eval()
    load_weights(ours, gpt2_weights(theirs.state_dict()))
    return ours, theirs


def tokens_per_second(writers: dict[str, Callable], idx: torch.Tensor, new: int, rounds: int) -> dict[str, list]:
    """Of each writer, in turns, after one round to warm up. Asserts that all write the same ids."""
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    took = {name: [] for name in writers}
    for _ in range(rounds + 1):
        written = []
        for name, write in writers.items():
            start = clock()
            written.append(write())
            took[name].append(clock() - start)
        assert all(torch.equal(ids, written[0]) for ids in written), "the ids differ"
    return {name: [len(idx) * new / seconds for seconds in times[1:]] for name, times in took.items()}


def measure(smoke: bool) -> None:
    """One row for each model and batch."""
    alone, models = {}, {}
    for preset, B, new in SMOKE if smoke else SIZES:
        if preset not in models:
            models = {preset: twins(preset, 50_257 if preset == "gpt2_124m" else 65)}
        ours, theirs = models[preset]
        idx = torch.randint(65, (B, PROMPT), generator=torch.Generator().manual_seed(1))
        options = dict(do_sample=False, attention_mask=torch.ones_like(idx), pad_token_id=0)
        writers = {"ours": lambda: generate(ours, idx, max_new_tokens=new, temperature=0)}  # noqa: B023
        if theirs is not None:
            writers["theirs"] = lambda: theirs.generate(idx, max_new_tokens=new, **options)  # noqa: B023
        speed = tokens_per_second(writers, idx, new, rounds=2 if smoke else 3 if preset == "gpt2_124m" else 9)
        row = f"| `{preset}` | {torch.get_num_threads()} | {B} | {spread(speed['ours'], ',.0f')} |"
        if theirs is None:
            print(f"{row} – | – | – | – |", flush=True)
            continue
        ours_now, theirs_now = (statistics.median(speed[name]) for name in ("ours", "theirs"))
        alone.setdefault(preset, theirs_now)
        print(f"{row} {spread(speed['theirs'], ',.0f')} | {ours_now / theirs_now:.1f} × | "
              f"{ours_now / alone[preset]:.1f} × | {GOALS.get((preset, B), '–')} |", flush=True)


def main() -> None:
    """Print the machine, then one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="few tokens, one thread: does it still run?")
    parser.add_argument("--threads", type=int, help="measure in this process, with so many threads")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
        return measure(args.smoke)
    print(describe_machine(), end="\n\n")
    print("| model | threads | batch | ours, tokens/s | transformers | ratio | to theirs at batch 1 | goal |\n"
          "|---|---|---|---|---|---|---|---|", flush=True)
    for threads in (1,) if args.smoke else (1, 2):
        # numpy's BLAS reads its number of threads once, when it is loaded
        env = os.environ | {name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
        command = [sys.executable, __file__, "--threads", str(threads), *["--smoke"] * args.smoke]
        subprocess.run(command, env=env, check=True)


if __name__ == "__main__":
    main()
