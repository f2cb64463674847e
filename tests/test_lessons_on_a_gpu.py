"""Lessons on a machine with a GPU: the cells that act on it, and what those need, run on a pretended one at toy sizes.

Every lesson that picks a device or trains is found and run; SMALLER says what makes it short. What a cell computes is
compared elsewhere; here it must run, on a card with bf16 and on one without.
"""

import ast
import linecache
import re
from pathlib import Path
from unittest.mock import patch

import matplotlib
import matplotlib.pyplot as plt
import pytest
import torch

from tools.pretend_device import pretend, rehearse

LESSONS = [path for path in sorted((Path(__file__).parents[1] / "notebooks").glob("*.py"))
           if re.search(r"pick_device|Trainer\(", path.read_text(encoding="utf-8"))]
SMALLER = {
    "00_start_here": {"min_chars=800_000": "min_chars=60_000", "max_steps=120": "max_steps=6"},
    "12_gpt": {"min_chars=1_200_000": "min_chars=100_000", "max_steps=160": "max_steps=3", "warmup_steps=10": "",
               "eval_every=32": "eval_every=2", "(1, 20, 50, 100, settings.max_steps)": "(1, 3)",
               "cheat(150)": "cheat(2)", "steps=60": "steps=2", '"One", 40': '"One", 14'},
    "14_gpt_on_gpu": {
        "torch.ones(2048, 2048": "torch.ones(8, 8", "seconds=0.15": "seconds=0.001", "(1, 8, 64, 512)": "(1, 8)",
        "assert with_waiting > 1.5 * without": "",  # here nobody works while Python goes on
        "gpt2_124m(), {}, 4.0": "gpt2_124m(context_length=8, n_layer=1, n_head=2, n_embd=8), {}, 0.0",
        "STEPS = 40 ": "STEPS = 2 ", "warmup_steps=8": "warmup_steps=1", "min_chars=300_000": "min_chars=60_000",
        "{}, 3000, 200_000_000, 16_384": "dict(context_length=8, n_layer=1, n_head=2, n_embd=8), 2, 200_000, 400",
        "batch_size=64, accumulation_steps=1, warmup_steps=150": "batch_size=4, accumulation_steps=1, warmup_steps=1",
        "torch.nn.Linear(768, 3072), torch.nn.GELU(), torch.nn.Linear(3072, 768)": "torch.nn.Linear(768, 768),",
        "torch.randn(8192, 768": "torch.randn(8, 768"},
}


def cells_of(path, smaller):
    """The code cells, made smaller; each change must be found."""
    text = path.read_text(encoding="utf-8")
    for words, fewer in smaller.items():
        assert words in text, f"{path.name} no longer says {words!r}; say here what makes it short"
        text = text.replace(words + ", ", fewer and fewer + ", ").replace(words, fewer)
    parts = re.split(r"^(# %%.*)\n", text, flags=re.MULTILINE)[1:]
    return [code for head, code in zip(parts[::2], parts[1::2], strict=True) if "[markdown]" not in head]


def names(code):
    """(names that the cell uses, names that it sets for later cells)."""
    uses, sets, inside = set(), set(), (ast.FunctionDef, ast.Lambda, ast.ClassDef)

    def look(node, top):
        if isinstance(node, ast.Name):
            (sets if isinstance(node.ctx, ast.Store) and top else uses).add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef) and top:
            sets.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom) and top:
            sets.update((alias.asname or alias.name).partition(".")[0] for alias in node.names)
        for child in ast.iter_child_nodes(node):
            look(child, top and not isinstance(node, inside))

    look(ast.parse(code), True)
    return uses, sets


def that_act_on_a_device(cells):
    """The cells that use `device` (where none is named, a trainer) or what such a cell has assigned, and, for each name
    that these use, the cell that set it last."""
    found = [names(code) for code in cells]
    touched = {"device" if any("device" in sets for _, sets in found) else "Trainer"}
    chosen = [0]
    for number, (uses, sets) in enumerate(found[1:], 1):
        if uses & touched:
            chosen.append(number)
            touched |= sets
    for number in chosen:  # grows while it is read
        for name in found[number][0]:
            before = [earlier for earlier in range(number) if name in found[earlier][1]]
            chosen += before[-1:] if before and before[-1] not in chosen else []
    return [cells[number] for number in sorted(chosen)]


@pytest.mark.parametrize("capability", [(9, 0), (7, 5)], ids=["H100", "T4"])
@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_runs_where_there_is_a_gpu(path, capability, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_WORK", str(tmp_path / "work"))
    matplotlib.use("Agg")
    cells = that_act_on_a_device(cells_of(path, SMALLER.get(path.stem, {})))
    lesson, threads, random = {"__name__": path.stem}, torch.get_num_threads(), torch.get_rng_state()
    try:
        with (pretend(capability=capability) as work, patch("course_lib.lab.expect.expect", lambda value, **_: value),
              patch("torch.compile", lambda function, **_: function),
              patch("course_lib.generation.static_cache.record", rehearse)):
            for number, code in enumerate(cells):
                name = f"{path.stem}, cell {number}"
                linecache.cache[name] = len(code), None, code.splitlines(keepends=True), name  # for inspect.getsource
                exec(compile(code, name, "exec"), lesson)
                plt.close("all")
    finally:
        torch.set_num_threads(threads)
        torch.set_rng_state(random)
    if "device" in lesson:
        assert lesson["device"].type == "cuda" and len(work.operations) > 1000


def test_the_cells_that_act_on_a_device_are_found():
    cells = ["import torch\ndevice = pick()", "a = 1", "b = 2", "c = torch.ones(a, device=device)", "print(b)",
             "print(c)"]
    assert that_act_on_a_device(cells) == [cells[0], cells[1], cells[3], cells[5]]
