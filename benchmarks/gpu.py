"""What a GPU makes of GPT-2's shapes: ceilings, the ladder, tokens a second, decoding: `python benchmarks/gpu.py`.

Every line is written to the record (JSON lines, --out) as soon as it is measured, so that a run that is cut short
leaves what it had. It takes under 9 minutes on one H200; parts that would begin later than --minutes are left out. So
the last rung, which matters most, is climbed first, and what compiles for long comes last. On a CPU, or with --smoke,
the same lines are measured at toy sizes; on a GPU in bf16 and compiled, too. Goals on one H200: 450,000 tokens/s at the
shapes of GPT-2 124M with 1024 of context, a ladder of 15 times, 2,000 tokens/s of one decoded text.

`tools/gpu_record.sh` runs all that a GPU is to show, within a quarter of an hour.
"""

import argparse
import dataclasses
import json
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from _machine import describe_machine

from course_lib.generation.static_cache import GreedyDecoder
from course_lib.model.config import PRESETS, GPTConfig
from course_lib.model.gpt import GPT
from course_lib.training.cost import flops_per_token, measure_peak, mfu
from course_lib.training.device import compile_blocks
from course_lib.training.hardware import find_hardware
from course_lib.training.ladder import RUNGS, Step, climb, measure_step, read_ladder

RECORD = Path(__file__).parents[1] / "runs" / "reference" / "gpu.jsonl"
TOY = dict(vocab_size=97, context_length=16, n_layer=2, n_head=2, n_embd=16)


class Bench:
    """Sizes, the clock, and the file that every measurement goes to at once."""

    def __init__(self, out: Path, smoke: bool, minutes: float):
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.smoke, self.out = smoke or self.device.type == "cpu", out
        self.stop = time.perf_counter() + 60 * minutes
        self.seconds = 0.01 if self.smoke else 4.0
        name = torch.cuda.get_device_name() if self.device.type == "cuda" else "CPU"
        self.sheet, self.peak = find_hardware(name), float("nan")
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text("", encoding="utf-8")
        self.keep("machine", device=name, machine=describe_machine(), smoke=self.smoke, **software())

    def keep(self, kind: str, **values) -> None:
        """One line of the record."""
        with open(self.out, "a", encoding="utf-8") as file:
            file.write(json.dumps({"kind": kind, **values}) + "\n")

    def shapes(self, preset: str) -> GPTConfig:
        """The preset's config, or one with its parts and toy sizes."""
        return PRESETS[preset](**TOY) if self.smoke else PRESETS[preset]()

    def attempt(self, job: Callable[[], dict]) -> dict:
        """What `job` measures, or {"error": …}: one line that fails, or comes too late, does not end the others."""
        if time.perf_counter() > self.stop:
            return {"error": "left out: no time"}
        try:
            return job()
        except Exception as error:
            return {"error": f"{type(error).__name__}: {error}".split("\n")[0]}

    def shares(self, config: GPTConfig, tokens_per_second: float) -> dict:
        """MFU against the data sheet's peak, where there is one, and against the measured one."""
        flops = flops_per_token(config)
        return {"mfu_datasheet": mfu(tokens_per_second, flops, self.sheet.peak) if self.sheet else None,
                "mfu_measured": mfu(tokens_per_second, flops, self.peak)}


def ceilings(bench: Bench) -> None:
    """The fastest copy and the fastest bf16 product."""
    n = 1 << (16 if bench.smoke else 30)
    a, b = (torch.empty(n, dtype=torch.uint8, device=bench.device) for _ in range(2))
    copied = 2 * n / fastest(lambda: b.copy_(a), bench)
    size = 64 if bench.smoke else 8192
    bench.peak = measure_peak(bench.device, "bfloat16", size=size, seconds=bench.seconds / 2)
    sheet = bench.sheet
    bench.keep("ceilings", copy_bytes_per_second=copied, bf16_flops=bench.peak,
               sheet=dataclasses.asdict(sheet) if sheet else None)
    print(f"copy {copied / 1e12:.3f} TB/s, bf16 product of {size}: {bench.peak / 1e12:.3f} TFLOP/s"
          + (f" (data sheet: {sheet.bandwidth / 1e12:.2f}, {sheet.peak / 1e12:.0f})" if sheet else ""), end="\n\n")


def fastest(job, bench: Bench, rounds: int = 10) -> float:
    """Seconds of the fastest round."""
    times = []
    for _ in range(rounds):
        synchronize(bench)
        start = time.perf_counter()
        job()
        synchronize(bench)
        times.append(time.perf_counter() - start)
    return min(times)


def synchronize(bench: Bench) -> None:
    """Wait for the GPU."""
    if bench.device.type == "cuda":
        torch.cuda.synchronize()


def software() -> dict:
    """Versions of what computes on the GPU; None where there is none."""
    if not torch.cuda.is_available():
        return {"cuda": None, "cudnn": None, "driver": None}
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        driver = subprocess.run(command, capture_output=True, text=True, timeout=20).stdout.split("\n")[0].strip()
    except (OSError, subprocess.TimeoutExpired):
        driver = ""
    return {"cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version(), "driver": driver or None}


def train_row(bench: Bench, kind: str, step: Step) -> dict:
    """Measure one rung or preset, print and keep it; returns its line of the record."""
    found = bench.attempt(lambda: measure_step(step, seconds=bench.seconds))
    speed = found.get("tokens_per_second")
    if speed:
        found |= bench.shares(step.model, speed)
    bench.keep(kind, name=step.name, prediction=step.prediction, model=step.model.to_dict(),
               train=step.train.to_dict(), tf32=step.tf32, fused_adamw=step.fused_adamw, **found)
    cells = [found["error"][:60], "", "", "", ""] if not speed else [
        f"{speed:,.0f}", f"{found['ms_fastest']:.1f} to {found['ms_slowest']:.1f}", percent(found["mfu_datasheet"]),
        percent(found["mfu_measured"]), gigabytes(found["memory"])]
    print(f"| {step.name} | {step.train.batch_size} | {' | '.join(cells)} |", flush=True)
    return {"kind": kind, "name": step.name, "reads": (step.model.vocab_size, step.train.batch_size), **found}


def training(bench: Bench) -> None:
    """The ladder at the shapes of gpt2_124m from its last rung down, and modern_124m with all that this rung uses."""
    changes = {"batch_size": 2, "threads": 1} if bench.smoke else {}
    if bench.device.type == "cpu":
        changes |= {"dtype": "float32", "compile": False}
    toy = {"vocab_size": TOY["vocab_size"]} if bench.smoke else {}
    print("| rung | windows | tokens/s | ms a step | MFU, data sheet | MFU, measured peak | GB |")
    print("|---|---|---|---|---|---|---|")
    steps = [dataclasses.replace(step, model=dataclasses.replace(step.model, **toy))
             for step in climb(bench.shapes("gpt2_124m"), **changes)]
    last, lines = steps[-1], [train_row(bench, "rung", steps[-1])]
    model = dataclasses.replace(bench.shapes("modern_124m"), vocab_size=last.model.vocab_size)
    for name, settings in (("modern_124m, AdamW", {}), ("modern_124m, Muon", {"optimizer": "muon", "muon_lr": 0.02})):
        train_row(bench, "preset", dataclasses.replace(last, name=name, prediction="", model=model,
                                                       train=dataclasses.replace(last.train, **settings)))
    lines += [train_row(bench, "rung", step) for step in steps[-2::-1]]
    print(f"\n{summary(bench, lines)}\n")


def summary(bench: Bench, lines: list[dict]) -> str:
    """How many times the first rung the last one is, and whether all began at the same loss, in words; kept, too.

    Rungs of one vocabulary and one batch see the same text and begin with the same weights: less exact numbers move the
    first loss by some thousandths, wrong ones by more. The others read something else, and are not compared.
    """
    ladder = read_ladder(lines)
    losses = {line["name"]: line["first_loss"] for line in ladder}
    times = ladder[-1]["times_the_first"] if ladder and ladder[-1]["name"] == RUNGS[-1].name else None
    alike = defaultdict(list)
    for line in ladder:
        alike[line["reads"]].append(line["first_loss"])
    apart = max((max(found) - min(found) for found in alike.values()), default=None)
    bench.keep("ladder", times_the_first=times, first_losses=losses, apart=apart)
    return (f"the last rung is {'not to be compared' if times is None else f'{times:.2f} times the first'}; the losses "
            f"of the first step are {'not measured' if apart is None else f'at most {apart:.4f} nats apart'}")


def decoding(bench: Bench) -> None:
    """Tokens a second of greedy decoding, bf16 weights, with the step recorded as a CUDA graph on a GPU."""
    print("| decoding gpt2_124m | texts | tokens/s | ms a step | bytes/s of weights and cache |\n|---|---|---|---|---|")
    new, on_gpu = (8 if bench.smoke else 256), bench.device.type == "cuda"
    ways = ("step by step", "recorded", "compiled and recorded") if on_gpu else ("step by step",)
    for way in ways:
        for batch_size in (1, 4 if bench.smoke else 256):
            row = bench.attempt(partial(decode, bench, batch_size, new, way))
            bench.keep("decode", name=way, batch_size=batch_size, new_tokens=new, **row)
            cells = [row["error"][:80], "", ""] if "error" in row else [
                f"{row['tokens_per_second']:,.0f}", f"{row['ms_per_step']:.2f}",
                f"{row['bytes_per_second'] / 1e9:,.1f} GB/s"]
            print(f"| {way} | {batch_size} | {' | '.join(cells)} |", flush=True)
    if on_gpu:
        found = bench.attempt(lambda: {"equal": same_ids(bench, new)})
        bench.keep("recorded = unrecorded", new_tokens=new, **found)
        print(f"\nthe recorded step writes what the step by step does: {found.get('equal', found.get('error'))}")


def same_ids(bench: Bench, new: int) -> bool:
    """Whether decoding in bf16 gives the same ids with the step recorded and without."""
    torch.manual_seed(0)
    model = GPT(bench.shapes("gpt2_124m")).to(bench.device, torch.bfloat16).eval()
    idx = torch.randint(model.config.vocab_size, (4, 4), device=bench.device)
    length = min(2 * new, model.config.context_length)
    both = [GreedyDecoder(model, 4, max_length=length, use_graph=graph)(idx, max_new_tokens=length - 4)
            for graph in (False, True)]
    return torch.equal(*both)


def decode(bench: Bench, batch_size: int, new: int, way: str) -> dict:
    """One decoder, its fastest run but the first."""
    torch.manual_seed(0)
    model = GPT(bench.shapes("gpt2_124m")).to(bench.device, torch.bfloat16).eval()
    if way.startswith("compiled"):
        torch._dynamo.config.recompile_limit = 64  # every layer writes to a tensor of its own
        compile_blocks(model)
    idx = torch.randint(model.config.vocab_size, (batch_size, 1), device=bench.device)
    decoder = GreedyDecoder(model, batch_size, max_length=min(2 * new, model.config.context_length),
                            use_graph=way.endswith("recorded"))
    decoder(idx, max_new_tokens=new)
    seconds = fastest(lambda: decoder(idx, max_new_tokens=new), bench, rounds=2)
    read = sum(tensor.nbytes for tensor in (*model.parameters(), *decoder.cache.keys, *decoder.cache.values))
    return {"tokens_per_second": batch_size * new / seconds, "ms_per_step": 1e3 * seconds / new,
            "bytes_per_second": read * new / seconds}


def percent(share: float | None) -> str:
    """As a share of a hundred; – where there is no data sheet."""
    return "–" if share is None else f"{share:.1%}"


def gigabytes(size: int | None) -> str:
    """– where nobody counts, on a CPU."""
    return "–" if size is None else f"{size / 1e9:.1f}"


def main() -> None:
    """Print the machine, the ceilings and two tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="toy sizes: does it still run?")
    parser.add_argument("--out", type=Path, help=f"the record; default: {RECORD.name} in runs/reference, if on a GPU")
    parser.add_argument("--minutes", type=float, default=7.5, help="begin nothing after so many minutes")
    options = parser.parse_args()
    out = options.out or (RECORD if torch.cuda.is_available() and not options.smoke else Path("/dev/null"))
    bench = Bench(out, options.smoke, options.minutes)
    print(describe_machine() + (f", {torch.cuda.get_device_name()}" if bench.device.type == "cuda" else ""), end="\n\n")
    for part in (ceilings, training, decoding):
        part(bench)


if __name__ == "__main__":
    main()
