"""Lessons on a machine with a GPU: cells that act on it, and what those need, run on a pretended one at toy sizes.

SMALLER names the lessons and says what makes each short. What a cell computes is
compared elsewhere; here it must run, on a card with bf16 and on one without.
"""

import linecache
import re
import symtable
from pathlib import Path
from unittest.mock import patch

import matplotlib
import matplotlib.pyplot as plt
import pytest
import torch

from tools.pretend_device import pretend, rehearse

SMALLER = {
    "00_start_here": {"min_chars=800_000": "min_chars=60_000", "max_steps=120": "max_steps=6"},
    "12_gpt": {"min_chars=1_200_000": "min_chars=100_000", "max_steps=160": "max_steps=3", "warmup_steps=10": "",
               "eval_every=32": "eval_every=2", "(1, 20, 50, 100, settings.max_steps)": "(1, 3)",
               "cheat(150)": "cheat(2)", "steps=60": "steps=2", '"One", 40': '"One", 14'},
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


def names(code):
    """(names that the cell uses, those that it sets for later cells, those that it imports)."""
    module = symtable.symtable(code, "cell", "exec")
    symbols, tables = module.get_symbols(), [module]
    for table in tables:  # grows while it is read: functions in functions
        tables += table.get_children()
    uses = {symbol.get_name() for table in tables for symbol in table.get_symbols()
            if symbol.is_referenced() and (symbol.is_global() or table is module)}
    sets, imports = ({symbol.get_name() for symbol in symbols if which(symbol)} for which in (
        lambda symbol: symbol.is_assigned() and not symbol.is_imported(), lambda symbol: symbol.is_imported()))
    return uses - sets - imports, sets, imports  # what a cell uses and sets it sets first, as a loop its variable


def that_act_on_a_device(cells):
    """The cells that use `device` or what such a cell has set, and what those need; where none is named, all cells."""
    found = [names(code) for code in cells]
    if not any("device" in sets for _, sets, _ in found):
        return cells
    last, sources = {}, []  # name -> the cell that set it last; for each cell those that set what it uses
    for number, (uses, sets, imports) in enumerate(found):
        sources.append({(name, last[name]) for name in uses if name in last})
        last |= dict.fromkeys(sets | imports, number)
    chosen = []
    for number, (uses, _, _) in enumerate(found[1:], 1):
        if "device" in uses or any(cell in chosen and name not in found[cell][2] for name, cell in sources[number]):
            chosen.append(number)
    chosen.append(0)
    for number in chosen:  # grows while it is read
        chosen += {cell for _, cell in sources[number]} - set(chosen)
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
