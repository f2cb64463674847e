"""Lessons on a machine with a GPU: cells that act on it, and what those need, run on a pretended one at toy sizes.

SMALLER names the lessons and says what makes each short. What a cell computes is compared elsewhere; here it must run,
on a card with bf16 and on one without.
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

from tools.needed_cells import made_and_needed, needed_cells
from tools.pretend_device import pretend, rehearse

SMALLER = {
    "00_start_here": {"min_chars=800_000": "min_chars=60_000", "max_steps=120": "max_steps=6"},
    "12_gpt": {"min_chars=1_200_000": "min_chars=100_000", "max_steps=160": "max_steps=3", "warmup_steps=10": "",
               "eval_every=32": "eval_every=2", "(1, 20, 50, 100, settings.max_steps)": "(1, 3)",
               "cheat(150)": "cheat(2)", "steps=60": "steps=2", '"One", 40': '"One", 14'},
    "14_gpt_on_gpu": {
        "torch.ones(2048, 2048": "torch.ones(8, 8", "seconds=0.15": "seconds=0.001", "(1, 8, 64, 512)": "(1, 8)",
        "assert with_waiting > 1.5 * without": "",  # here nobody works while Python goes on
        "range(60)": "range(2)", "steps=30": "steps=2",
        "gpt2_124m(), {}, 4.0": "gpt2_124m(context_length=8, n_layer=1, n_head=2, n_embd=8), {}, 0.0",
        "list(climb(shapes, **changes))": "list(climb(shapes, **changes))[-1:]",  # the last rung has all others
        "STEPS = 40 ": "STEPS = 2 ", "warmup_steps=8": "warmup_steps=1", "min_chars=300_000": "min_chars=60_000",
        "{}, 3000, 200_000_000, 16_384": "dict(context_length=8, n_layer=1, n_head=2, n_embd=8), 2, 200_000, 400",
        "batch_size=64, accumulation_steps=1, warmup_steps=150": "batch_size=4, accumulation_steps=1, warmup_steps=1",
        "torch.nn.Linear(768, 3072), torch.nn.GELU(), torch.nn.Linear(3072, 768)": "torch.nn.Linear(768, 768),",
        "torch.randn(8192, 768": "torch.randn(8, 768"},
}
LESSONS = [Path(__file__).parents[1] / "notebooks" / f"{name}.py" for name in SMALLER]


def cells_of(path, smaller):
    """The code cells, made smaller; each change must be found."""
    text = path.read_text(encoding="utf-8")
    for words, fewer in smaller.items():
        assert words in text, f"{path.name} no longer says {words!r}; say here what makes it short"
        text = text.replace(words + ", ", fewer and fewer + ", ").replace(words, fewer)
    parts = re.split(r"^(# %%.*)\n", text, flags=re.MULTILINE)[1:]
    return [code for head, code in zip(parts[::2], parts[1::2], strict=True) if "[markdown]" not in head]


def that_act_on_a_device(cells):
    """The cells that use `device` or what such a cell has made, and what those need; where none is named, all cells."""
    found = [made_and_needed(code) for code in cells]
    if not any("device" in made for made, _ in found):
        return cells
    imported = set().union(*map(imports, cells))
    there, acting = {"device"}, []
    for place, (made, needed) in enumerate(found):
        if needed & there:
            acting.append(place)
            there |= made - imported
        else:
            there -= made - {"device"}  # made anew, elsewhere
    return [cells[place] for place in needed_cells(cells, acting)]


def imports(code):
    """The names that a cell imports: the same thing, wherever the cell acts."""
    return {(alias.asname or alias.name).partition(".")[0] for node in ast.walk(ast.parse(code))
            if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names}


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
