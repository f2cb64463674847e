"""The command line as its users meet it: what it prints, what it leaves, what it says about bad input."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from course_lib.cli import main
from course_lib.generation.beam import beam_search, next_log_probs
from course_lib.generation.generate import generate
from course_lib.generation.penalties import adjust_with
from course_lib.model.config import baseline_tiny
from course_lib.model.gpt import GPT
from course_lib.text.tokenizer import BPETokenizer
from course_lib.training.checkpoint import save_checkpoint


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of a few steps."""
    out = tmp_path_factory.mktemp("cli") / "run"
    main(["train", "baseline_tiny", "--data", "place_names", "--out", str(out), "--steps", "4", "--threads", "1"])
    return out


def refused(result, *words):
    code, out, err = result
    assert code == 2 and err.count("\n") == 1 and "Traceback" not in err, result
    for word in words:
        assert word in err, err


def test_help_answers_without_loading_torch():
    code = "import sys, course_lib.cli; assert 'torch' not in sys.modules; course_lib.cli.main(['--help'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and all(name in done.stdout for name in ("train", "generate", "data", "doctor"))


def test_training_ends_with_the_table(tmp_path, course):
    code, out, err = course("train", "baseline_tiny", "--data", "place_names", "--out", tmp_path / "run",
                            "--steps", 3, "--threads", 1)
    assert code == 0 and "unigram" in out and "6-gram" in out and "GPT (this run)" in out
    assert (tmp_path / "run" / "latest").exists() and "3 steps" in out
    assert list(json.loads((tmp_path / "run" / "scores.json").read_text())) == ["unigram", "6-gram", "GPT (this run)"]


def test_a_run_is_recorded_without_its_weights(trained, tmp_path):
    tool = Path(__file__).parents[2] / "tools" / "record_run.py"
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "samples.jsonl").write_text("an earlier run's")
    subprocess.run([sys.executable, tool, trained, tmp_path / "kept"], check=True)
    kept = {path.name: path.read_text() for path in (tmp_path / "kept").iterdir()}
    assert {"config.json", "machine.json", "metrics.jsonl", "scores.json"} <= set(kept)
    assert not any(name.endswith((".safetensors", ".pt")) for name in kept)
    kept_here = (trained / "samples.jsonl").exists()
    assert ("samples.jsonl" in kept) == kept_here and kept.get("samples.jsonl") != "an earlier run's"
    assert len(kept["metrics.jsonl"].splitlines()) == 4 and json.loads(kept["machine.json"])["threads"] == 1


def test_generate_streams_from_the_prompt_and_repeats_with_a_seed(trained, course):
    arguments = ("generate", trained, "--prompt", "Lon", "--max-new-tokens", 12, "--seed", 1)
    first, second = course(*arguments), course(*arguments)
    assert first == second and first[0] == 0 and first[1].startswith("Lon") and len(first[1]) > 4


def test_generate_knows_the_shipped_model_by_name_and_sets_models_side_by_side(trained, course, monkeypatch, tmp_path):
    alone = course("generate", "small", "--prompt", "One", "--max-new-tokens", 9, "--seed", 1)
    assert alone[0] == 0 and alone[1].startswith("One ") and len(alone[1]) > 20
    code, out, _ = course("generate", trained, "small", "--max-new-tokens", 9, "--seed", 1)
    first = out.split("\n")[1]
    assert code == 0 and out.startswith("All go on from:\n") and len(first) and "small" in out
    again = course("generate", trained, "small", "--prompt", first, "--max-new-tokens", 9, "--seed", 1)
    assert again[1] == out, "the beginning is the first run's own held-out text"
    alone = course("generate", trained, "--prompt", first, "--max-new-tokens", 9, "--seed", 1)[1]
    assert alone.removeprefix(first).split()[0] in out
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small").mkdir()
    refused(course("generate", "small"), "small", "no latest checkpoint")
    refused(course("generate", "smal"), "no folder smal", "it ships small")


def test_generate_ends_before_a_stop_text_and_searches_with_beams(trained, course):
    drawn = ("generate", trained, "--prompt", "Lon", "--max-new-tokens", 12, "--seed", 1, "--typical-p", 0.9)
    text = course(*drawn)[1].removesuffix("\n")
    assert course(*drawn, "--stop", text[6:8], "--stop", "never")[1] == text[:text.index(text[6:8], 3)] + "\n"
    searched = [course("generate", trained, "--prompt", "Lon", "--max-new-tokens", 6, "--beams", n) for n in (1, 3, 3)]
    greedy = course("generate", trained, "--prompt", "Lon", "--max-new-tokens", 6, "--temperature", 0)
    assert searched[0] == greedy and searched[1] == searched[2] and searched[1][:1] == (0,)


def test_a_repetition_penalty_counts_the_prompt_but_not_the_token_before_it(tmp_path, course, monkeypatch):
    """A model of random weights, whose most probable token after a token is mostly that token again."""
    tokenizer = BPETokenizer.train("abcdefgh" * 9, vocab_size=260)
    torch.manual_seed(3)
    model = GPT(baseline_tiny(tokenizer.vocab_size)).eval()
    folder = save_checkpoint(tmp_path / "run", model=model, tokenizer=tokenizer)
    idx = torch.tensor([[tokenizer.end_of_text, *tokenizer.encode("Lon")]])
    adjust = adjust_with(idx != tokenizer.end_of_text, repetition_penalty=1.5)
    ids = generate(model, idx, max_new_tokens=12, temperature=0, adjust=adjust, stop_ids=[tokenizer.end_of_text])
    arguments = ("generate", folder, "--prompt", "Lon", "--max-new-tokens", 12, "--temperature", 0)
    penalised = course(*arguments, "--repetition-penalty", 1.5)
    assert penalised[1] == tokenizer.decode([i for i in ids[0].tolist() if i != tokenizer.end_of_text]) + "\n"
    assert penalised != course(*arguments) == course(*arguments, "--repetition-penalty", 1)
    log_probs = next_log_probs(model)
    found, _ = beam_search(lambda idx: adjust(log_probs(idx), idx), idx[0].tolist(), n_beam=2, max_new_tokens=12,
                           stop_ids=[tokenizer.end_of_text])
    best = tokenizer.decode([i for i in [*idx[0].tolist(), *found[0].ids] if i != tokenizer.end_of_text])
    assert course(*arguments, "--beams", 2, "--repetition-penalty", 1.5)[1] == best + "\n"
    assert course(*arguments, "--beams", 2)[1] != best + "\n"
    counted = []
    monkeypatch.setattr("course_lib.generation.penalties.adjust_with",
                        lambda said, **options: counted.append(said) or adjust_with(said, **options))
    course(*arguments)
    assert counted[0].tolist() == (idx != tokenizer.end_of_text).tolist() and not counted[0].all()
    code, _, err = course(*arguments, "--repetition-penalty", 0)
    assert code == 2 and "repetition-penalty" in err


def test_bad_values_get_one_line_and_exit_code_2(tmp_path, course, trained):
    refused(course("train", "huge", "--out", tmp_path / "a"), "huge", "baseline_tiny")
    refused(course("train", "tiny", "--data", "wikipedia", "--out", tmp_path / "b"), "wikipedia", "storyworld")
    refused(course("train", "tiny", "--out", tmp_path / "c", "--device", "cuda:7"), "cuda:7")
    refused(course("generate", tmp_path / "nowhere"), "nowhere")
    refused(course("data", "show", "nothing"), "nothing", "place_names")
    refused(course("data", "fetch", "nothing"), "nothing", "tinyshakespeare")


def test_an_unknown_option_is_refused(course):
    code, _, err = course("train", "tiny", "--outt", "x")
    assert code == 2 and "--out" in err


def test_a_run_is_never_overwritten_unasked(tmp_path, course, trained):
    refused(course("train", "baseline_tiny", "--data", "place_names", "--out", trained), "--resume", "--fresh")
    assert (trained / "latest").exists()
    (tmp_path / "thesis.txt").write_text("mine")
    refused(course("train", "tiny", "--out", tmp_path, "--fresh"), "thesis.txt")
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_a_resumed_run_keeps_its_settings(trained, course):
    resume = ("train", "baseline_tiny", "--data", "place_names", "--out", trained, "--resume")
    assert course(*resume)[0] == 0
    refused(course(*resume, "--seed", 3), "seed is 3 here and 0 in the checkpoint")
    refused(course("train", "tiny", *resume[2:]), "another model", "context_length")
    refused(course("train", "baseline_tiny", "--data", "pydoc", *resume[4:]), "place_names", "pydoc")


@pytest.fixture(scope="module")
def on_stories(tmp_path_factory):
    """A run on less text, and with fewer ids, than one gets without asking."""
    out = tmp_path_factory.mktemp("stories") / "run"
    main(["train", "baseline_tiny", "--out", str(out), "--steps", "2", "--threads", "1", "--min-chars", "60000",
          "--vocab-size", "300"])
    return out


def test_a_resumed_run_keeps_its_text_and_so_its_bar(on_stories, course):
    resume = ("train", "baseline_tiny", "--out", on_stories, "--resume")
    scores = (on_stories / "scores.json").read_bytes()
    for again in ((), ("--min-chars", 60000, "--vocab-size", 300, "--tokenizer", "bpe", "--data", "storyworld")):
        (on_stories / "scores.json").unlink()
        assert course(*resume, *again)[0] == 0 and (on_stories / "scores.json").read_bytes() == scores
    other = {"--min-chars": (200_000, 60_000), "--vocab-size": (512, 300), "--tokenizer": ("char", "bpe"),
             "--data": ("pydoc", "storyworld"), "--seed": (3, 0), "--steps": (9, 2)}
    for option, (here, there) in other.items():
        refused(course(*resume, option, here), option.strip("-").replace("steps", "max_steps"), f" {here} ", f"{there}")
        assert (on_stories / "scores.json").read_bytes() == scores
    refused(course(*resume, "--min-chars", 200_000), "leave it out to go on", "--out", "--fresh")


def test_a_run_whose_text_is_made_otherwise_by_now_is_not_resumed(on_stories, course, monkeypatch):
    """The course was updated, and its stories with it: the bar would be another one."""
    from course_lib.text import corpora

    scores, entry = (on_stories / "scores.json").read_bytes(), corpora.CORPORA["storyworld"]

    def load(*, seed, n, min_chars):
        made = entry.load(seed=seed, n=n, min_chars=min_chars)
        return made | {"documents": [f"{text} And so on." for text in made["documents"]]}

    monkeypatch.setitem(corpora.CORPORA, "storyworld", replace(entry, load=load))
    refused(course("train", "baseline_tiny", "--out", on_stories, "--resume"), "made from something else", "sha256 was")
    assert (on_stories / "scores.json").read_bytes() == scores


def test_help_says_what_is_taken_without_asking(course):
    from course_lib.cli.text_of_run import DATA, TOKENIZER, VOCAB_SIZE

    text = " ".join(course("train", "--help")[1].split())
    assert all(f"[default: {value}]" in text for value in (DATA, TOKENIZER, VOCAB_SIZE))


def test_nothing_to_resume(tmp_path, course):
    refused(course("train", "tiny", "--out", tmp_path / "new", "--resume"), "--resume")


def test_a_corrupt_checkpoint_is_refused(trained, course, tmp_path):
    import shutil

    broken = tmp_path / "broken"
    shutil.copytree(trained, broken)
    weights = next(broken.glob("step-*/model.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-100])
    refused(course("generate", broken), "model.safetensors", "damaged")


def test_no_network_says_what_to_do(course, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # nothing listens there: refused at once
    refused(course("data", "fetch", "tinyshakespeare"), "tinyshakespeare.txt", "COURSE_DATA")


def test_a_full_disk_leaves_one_line(tmp_path):
    """A real full disk: 1 MB of memory behind bubblewrap."""
    command = ["bwrap", "--dev-bind", "/", "/", "--size", "1048576", "--tmpfs", str(tmp_path), sys.executable, "-m",
               "course_lib", "train", "baseline_tiny", "--data", "place_names", "--out", str(tmp_path / "run"),
               "--steps", "2", "--threads", "1"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "space" in done.stderr.splitlines()[-1] or "full" in done.stderr.splitlines()[-1], done.stderr


def test_ctrl_c_leaves_a_checkpoint_to_go_on_from(tmp_path):
    command = [sys.executable, "-m", "course_lib", "train", "baseline_tiny", "--data", "place_names",
               "--out", str(tmp_path / "run"), "--threads", "1", "--steps", "60"]
    metrics = tmp_path / "run" / "metrics.jsonl"
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    run = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    while run.poll() is None and not (metrics.exists() and metrics.read_text().count("\n") >= 3):
        time.sleep(0.1)
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=120)
    assert run.returncode == 2 and "--resume" in err.splitlines()[-1] and "Traceback" not in err
    reached = int((tmp_path / "run" / "latest").read_text().removeprefix("step-"))
    again = subprocess.run([*command, "--resume"], capture_output=True, text=True, env=environment)
    assert again.returncode == 0, again.stderr
    steps = [int(line.split('"step": ')[1].split(",")[0]) for line in metrics.read_text().splitlines()]
    assert steps == list(range(1, 61)) and 3 <= reached < 60


def test_data_list_and_show(course):
    code, out, _ = course("data", "list")
    names = [line.split()[0] for line in out.splitlines()]
    assert code == 0 and {"storyworld", "pydoc", "place_names", "python_source", "shakespeare"} <= set(names)
    code, out, _ = course("data", "show", "place_names", "--chars", 100)
    assert code == 0 and "licence" in out and "sha256" in out


def test_doctor(course):
    code, out, _ = course("doctor")
    assert code == 0 and "Python" in out and "PyTorch" in out
