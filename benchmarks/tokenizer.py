"""How fast the BPE tokenizer is beside HF tokenizers, rustbpe and tiktoken: `python benchmarks/tokenizer.py`.

Everything runs on one thread, by turns (ours, theirs, ours, theirs, ...), several rounds; the table gives medians,
of times and of the ratios within a round. All encoders get our merges, and their ids must be equal.
`--large` measures another thing: training on 100 MB of Python source with two processes, and the memory it takes.
"""

import argparse
import ast
import os
import resource
import site
import statistics
import sysconfig
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from pydoc_data.topics import topics

os.environ |= {"RAYON_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}

import rustbpe
import tiktoken
import tokenizers
from _machine import describe_machine
from _spread import spread
from tokenizers import models, pre_tokenizers, trainers

from course_lib.doors.folders import data_folders
from course_lib.text.pretokenize import PATTERN
from course_lib.text.tokenizer import BPETokenizer


def shakespeare() -> tuple[str, list[str]]:
    """Tiny shakespeare by speeches from a COURSE_DATA folder; without it, the texts behind `help()`."""
    for folder in data_folders():
        if (path := folder / "tinyshakespeare.txt").exists():
            return "tiny shakespeare", path.read_text(encoding="utf-8").split("\n\n")
    return "pydoc topics", list(topics.values())


def python_files(folder: str | Path) -> Iterator[str]:
    """The text of all Python files under a folder."""
    for path in sorted(Path(folder).rglob("*.py")):
        yield path.read_text(encoding="utf-8", errors="replace")


def docstrings(n_files: int | None = None) -> tuple[str, list[str]]:
    """All different docstrings of the standard library, its tests and installed packages left out."""
    found = {}
    for path in sorted(Path(sysconfig.get_path("stdlib")).rglob("*.py"))[:n_files]:
        if not {"test", "tests", "site-packages", "idle_test"} & set(path.parts):
            for node in ast.walk(ast.parse(path.read_bytes())):
                if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                    found[ast.get_docstring(node) or ""] = None
    return "docstrings", list(found)


def hf_pre_tokenizer() -> pre_tokenizers.PreTokenizer:
    split = pre_tokenizers.Split(tokenizers.Regex(PATTERN), "isolated")
    return pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def hf_train(texts: list[str], vocab_size: int) -> tokenizers.Tokenizer:
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = hf_pre_tokenizer()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=vocab_size, initial_alphabet=alphabet, show_progress=False)
    )
    return tokenizer


def hf_from(ours: BPETokenizer) -> tokenizers.Tokenizer:
    """A HF tokenizer with our merges and ids. It writes bytes as printable characters, in this order:"""
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in visible]
    letter = {byte: chr(byte) for byte in visible} | {byte: chr(256 + i) for i, byte in enumerate(others)}
    names = ["".join(letter[byte] for byte in ours.token_bytes(i)) for i in range(ours.vocab_size)]
    merges = [(names[left], names[right]) for left, right in ours.merges]
    tokenizer = tokenizers.Tokenizer(models.BPE({name: i for i, name in enumerate(names)}, merges))
    tokenizer.pre_tokenizer = hf_pre_tokenizer()
    return tokenizer


def tiktoken_from(ours: BPETokenizer) -> tiktoken.Encoding:
    ranks = {ours.token_bytes(i): i for i in range(ours.vocab_size)}
    return tiktoken.Encoding("ours", pat_str=PATTERN, mergeable_ranks=ranks, special_tokens={})


def by_turns(jobs: dict[str, Callable[[], object]], rounds: int) -> tuple[dict[str, list[float]], dict[str, object]]:
    """Seconds of every job in every round, and what each returned last."""
    seconds, results = {name: [] for name in jobs}, {}
    for _ in range(rounds):
        for name, job in jobs.items():
            start = time.perf_counter()
            results[name] = job()
            seconds[name].append(time.perf_counter() - start)
    return seconds, results


def ratio(seconds: dict[str, list[float]], numerator: str, denominator: str) -> float:
    """The median of the rounds' ratios: neighbours in time suffer the same disturbances."""
    return statistics.median(a / b for a, b in zip(seconds[numerator], seconds[denominator], strict=True))


def train_row(name: str, texts: list[str], vocab_size: int, rounds: int) -> tuple[str, BPETokenizer]:
    def rust():
        rustbpe.Tokenizer().train_from_iterator(texts, vocab_size, pattern=PATTERN)

    seconds, results = by_turns({
        "ours": lambda: BPETokenizer.train(texts, vocab_size, special_tokens=[]),
        "hf": lambda: hf_train(texts, vocab_size),
        "rust": rust,
    }, rounds)
    ours, hf, rust_seconds = (f"{spread(seconds[job], '.2f')} s" for job in ("ours", "hf", "rust"))
    size = sum(len(text.encode()) for text in texts) / 1e6
    row = (f"| train {name}, {size:.2f} MB, {vocab_size} ids | {ours} | {hf} | {rust_seconds} | – | "
           f"{ratio(seconds, 'ours', 'hf'):.2f} × HF's time, {ratio(seconds, 'ours', 'rust'):.1f} × rustbpe's | "
           "at most 1.2 × HF's time |")
    return row, results["ours"]


def encoders(ours: BPETokenizer, texts: list[str]) -> dict[str, Callable[[], list[list[int]]]]:
    """Three fresh tokenizers with the same merges, as jobs that encode all texts, each in its fastest way."""
    fresh, hf, tik = BPETokenizer(ours.merges, []), hf_from(ours), tiktoken_from(ours)
    return {
        "ours": lambda: [fresh.encode(text) for text in texts],
        "hf": lambda: [encoding.ids for encoding in hf.encode_batch_fast(texts)],
        "tiktoken": lambda: [tik.encode_ordinary(text) for text in texts],
    }


def encode_rows(name: str, texts: list[str], ours: BPETokenizer, rounds: int) -> Iterator[str]:
    size = sum(len(text.encode()) for text in texts) / 1e6
    for state in ("cold", "warm"):
        seconds = {"ours": [], "hf": [], "tiktoken": []}
        for _ in range(rounds):
            # Fresh ones each round: the first pass over the text is cold, the second finds its words remembered.
            jobs = encoders(ours, texts)
            if state == "warm":
                by_turns(jobs, 1)
            once, ids = by_turns(jobs, 1)
            assert ids["ours"] == ids["tiktoken"] == ids["hf"], "the ids differ"
            for job, taken in once.items():
                seconds[job] += taken
        speed = {job: f"{spread([size / t for t in taken], '.2f')} MB/s" for job, taken in seconds.items()}
        yield (f"| encode {name}, {state} | {speed['ours']} | {speed['hf']} | – | {speed['tiktoken']} | "
               f"{ratio(seconds, 'hf', 'ours'):.1f} × HF, {ratio(seconds, 'tiktoken', 'ours'):.2f} × tiktoken | "
               f"at least 2 × HF{', 0.8 × tiktoken' if state == 'warm' else ''} |")


def large(n_bytes: int, vocab_size: int, workers: int) -> None:
    """Trains on a stream of the installed packages' source; prints seconds and the peak memory of this process."""
    size = 0

    def stream():
        nonlocal size
        for text in python_files(site.getsitepackages()[0]):
            if size >= n_bytes:
                return
            size += len(text.encode(errors="replace"))
            yield text

    start = time.perf_counter()
    BPETokenizer.train(stream(), vocab_size, special_tokens=[], workers=workers)
    seconds, memory = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    worker_memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print("| | seconds | peak memory | largest worker | goal |\n|---|---|---|---|---|")
    print(f"| train on Python source, {size / 1e6:.0f} MB, {vocab_size} ids, {workers} processes | {seconds:.1f} | "
          f"{memory / 1024:.0f} MB | {worker_memory / 1024:.0f} MB | 100 MB in at most 60 s |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="a tiny run that shows that everything works")
    parser.add_argument("--large", action="store_true", help="only the 100 MB training")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(f"{describe_machine()}; tokenizers {tokenizers.__version__}, tiktoken {tiktoken.__version__}\n")
    if options.large:
        large(*(3_000_000, 1_000) if options.smoke else (100_000_000, 10_000), workers=2)
        return
    print("| | ours | HF tokenizers | rustbpe | tiktoken | ours against theirs | goal |\n|---|---|---|---|---|---|---|")
    for (name, texts), vocab_size in ((shakespeare(), 1024), (docstrings(30 if options.smoke else None), 4096)):
        rounds = 1 if options.smoke else options.rounds
        texts, vocab_size = (texts[:40], 300) if options.smoke else (texts, vocab_size)
        row, ours = train_row(name, texts, vocab_size, rounds)
        print(row, flush=True)
        for row in encode_rows(name, texts, ours, rounds):
            print(row, flush=True)


if __name__ == "__main__":
    main()
