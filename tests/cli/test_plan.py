import pytest

from course_lib.cli.plan import ROWS, short, tables
from course_lib.model.config import PRESETS
from course_lib.training.hardware import HARDWARE

HEADINGS = ("preset devices parameters tokens windows steps hours limit",
            "preset devices weights gradients optimizer borrowed activations head total")


def test_the_table_goes_to_a_billion_parameters_and_a_trillion_tokens(course):
    code, out, _ = course("plan")
    assert code == 0
    runs, memory, _ = out.split("preset  ")[1], *out.split("preset  ")[2].split("published")
    rows = [line for line in runs.splitlines() if line.startswith("llama_1b")]
    assert all(" 1.1B " in row and " 1T " in row for row in rows) and len(rows) >= 3
    assert {row.split()[-1] for row in rows} == {"compute", "communication"}
    assert len([line for line in memory.splitlines() if line.startswith("llama_1b")]) == len(rows)
    assert "TinyLlama" in out and "All within a factor of" in out


def test_one_preset_on_every_device(course):
    code, out, _ = course("plan", "gpt2_1558m", "--devices", 1, "--parallel", "ddp")
    limits = [line.split()[-1] for line in out.split("Memory")[0].splitlines() if " x " in line]
    assert code == 0 and limits == ["memory", "memory", "compute", "compute", "compute", "compute"]
    assert out.count("never") == out.count("none") == 2


def test_bad_values(course):
    for arguments in (("gpt5",), ("gpt2_124m", "--hardware", "abacus"), ("gpt5", "--memory", 24)):
        code, _, err = course("plan", *arguments)
        assert code == 2 and "choose one of" in err and err.count("\n") == 1
    code, _, err = course("plan", "--memory", 24)
    assert code == 2 and "course plan gpt2_124m --memory 24" in err


@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
@pytest.mark.parametrize("devices, tokens", [(1, 1), (8, 10e9), (4096, 3.25e12), (1_000_000, 1e18)])
@pytest.mark.parametrize("preset", [*PRESETS, "llama_1b"])
def test_no_line_is_wider_than_100_columns(preset, devices, tokens, parallel):
    for line in tables([(preset, tokens, name, devices, parallel) for name in HARDWARE], "hours").splitlines():
        assert len(line) <= 100, line


def test_headings_are_whole_and_columns_stand_below_them(course):
    _, out, _ = course("plan")
    lines = out.splitlines()
    assert all(len(line) <= 100 for line in lines)
    found = [number for number, line in enumerate(lines) if line.startswith("preset")]
    for number, words in zip(found, HEADINGS, strict=True):
        assert lines[number].split() == words.split()
        ends = [lines[number].index(f" {word}") + len(word) for word in words.split()[2:] if word != "limit"]
        for row in lines[number + 1:number + 1 + len(ROWS)]:
            assert all(row[end] != " " and row[end + 1:end + 2] in (" ", "") for end in ends), row


@pytest.mark.parametrize("arguments", [("--help",), ("tiny", "--memory", 4), ("llama_1b", "--memory", 1e6)])
def test_help_and_batches_are_no_wider(course, arguments):
    code, out, _ = course("plan", *arguments)
    assert code == 0 and max(map(len, out.splitlines())) <= 100


def test_the_batch_that_fits_a_memory_is_named_and_is_one_that_train_takes(course):
    code, out, _ = course("plan", "gpt2_124m", "--memory", 24, "--devices", 1)
    assert code == 0 and "on one device: 16 windows at once take 16.8 of 24 GB, in bfloat16" in out
    assert "course train gpt2_124m --batch-size 16" in out
    _, t4, _ = course("plan", "gpt2_124m", "--memory", 16, "--devices", 1, "--hardware", "T4")
    assert "in float16" in t4
    code, out, _ = course("plan", "gpt2_1558m", "--memory", 8, "--devices", 1)
    assert code == 0 and "does not fit 8 GB on one device: with one window it takes" in out and "fsdp" in out
    assert "course train" not in course("plan", "llama_1b", "--memory", 80, "--devices", 1)[1], "no preset of train"


def test_numbers_are_short():
    numbers = [0, 0.03214, 30.25, 999.7, 1000, 19_073, 999_999, 1e6, 124_439_808, 1e12, 9.999e17, 1e18, 3e25]
    assert max(len(short(number)) for number in numbers) <= 7
    assert short(19_073) == "19,073" and short(124_439_808) == "124M" and short(1e12) == "1T"
