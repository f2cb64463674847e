"""Two processes, joined by gloo on the CPU, train the model that one process trains."""

import os
import runpy
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from course_lib.training import distributed
from course_lib.training.checkpoint import load_checkpoint
from course_lib.training.config import TrainConfig
from course_lib.training.trainer import Trainer

SCRIPT = Path(__file__).with_name("many_ranks.py")


def torchrun(*command, seconds=300):
    """Run `command` in two processes: (exit code, what they printed). None of them is left behind."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    process = subprocess.Popen([*torchrun, *map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    try:
        return process.communicate(timeout=seconds)[0], process.returncode
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGTERM)  # to torchrun, which ends its processes
        pytest.fail(process.communicate(timeout=60)[0])


@pytest.fixture(scope="module")
def job():
    torch.set_num_threads(1)
    return SimpleNamespace(**runpy.run_path(str(SCRIPT), run_name="imported"))


@pytest.fixture(scope="module")
def results(job, tmp_path_factory):
    """What one process found, and what two did."""
    folder = tmp_path_factory.mktemp("ranks")
    begun = job.start(*job.CASES["fsdp"], out=folder / "alone")
    for _ in range(9):
        begun.train_step()
    begun.save()
    printed, code = torchrun(SCRIPT, "train", folder)
    assert code == 0, printed
    return job.train(folder), torch.load(folder / "together.pt", weights_only=True)


def largest_distance(ours, theirs):
    assert ours.keys() == theirs.keys()
    return max((ours[name] - theirs[name]).abs().max().item() for name in ours)


def losses(result, key="loss"):
    return [record[key] for record in result["records"] if key in record]


@pytest.mark.parametrize("name", ["ddp", "fsdp", "compiled"])
def test_two_ranks_take_the_steps_of_one(results, name):
    alone, together = (result[name] for result in results)
    assert largest_distance(alone["weights"], together["weights"]) < 1e-9
    for key in ("loss", "grad_norm", "held_out_loss"):
        np.testing.assert_allclose(losses(together, key), losses(alone, key), rtol=1e-9)
    assert losses(together, "tokens") == losses(alone, "tokens")
    assert losses(together, "lr") == losses(alone, "lr") and losses(together)[-1] < losses(together)[0]


@pytest.mark.parametrize("name", ["ddp float32", "fsdp float32"])
def test_in_float32_gradients_and_losses_agree_closely(results, name):
    alone, together = (result[name] for result in results)
    for parameter, gradient in alone["gradients"].items():
        assert (together["gradients"][parameter] - gradient).norm() <= 1e-6 * gradient.norm(), parameter
    np.testing.assert_allclose(losses(together), losses(alone), rtol=1e-4)


def test_two_ranks_go_on_from_the_checkpoint_of_one(results):
    alone, together = results[0]["fsdp"], results[1]["resumed"]
    assert [record["step"] for record in together["records"]] == list(range(10, 21))
    np.testing.assert_allclose(losses(together), losses(alone)[9:], rtol=1e-9)
    assert largest_distance(alone["weights"], together["weights"]) < 1e-9


def test_a_rank_keeps_its_shard_and_gradients_are_exchanged_once_a_step(results, job):
    everything = sum(tensor.numel() for tensor in results[0]["fsdp"]["weights"].values())
    assert everything / 2 <= results[1]["kept"] < 0.55 * everything
    assert results[1]["agreed"] == [3, 0.5]
    assert results[1]["exchanges"] == 1, "two forward passes a rank, one bucket of gradients"


def test_only_the_first_rank_copies_everything_to_the_hosts_memory(results):
    of_the_first, of_all = results[1]["host copies"]
    assert of_the_first == of_all > 10


def test_a_rank_that_dies_ends_the_run_and_one_process_goes_on(results, job, tmp_path):
    printed, code = torchrun(SCRIPT, "killed", tmp_path)
    assert code != 0 and "SIGKILL" in printed, printed
    for name in ("ddp", "fsdp"):
        case, out = job.CASES[name], tmp_path / name
        checkpoint = load_checkpoint(out, model=job.parts(*case)[0])
        assert checkpoint.folder.name == "step-000004" and checkpoint.config["model"]["kind"] == "GPT"
        rest = job.finish(job.resume(*case, out=out, save_every=4))
        assert [record["step"] for record in rest["records"]] == list(range(5, 21))
        assert largest_distance(rest["weights"], results[0][name]["weights"]) < 1e-9
        assert len((out / "metrics.jsonl").read_text().splitlines()) == 20


def test_the_command_line_under_torchrun(tmp_path):
    command = ["-m", "course_lib", "train", "baseline_tiny", "--data", "place_names", "--out", tmp_path / "run"]
    printed, code = torchrun(*command, "--steps", 2, "--threads", 1, "--device", "cpu", "--parallel", "fsdp")
    assert code == 0 and printed.count("GPT (this run)") == 1, printed
    training = load_checkpoint(tmp_path / "run").config["training"]
    assert (training["batch_size"], training["accumulation_steps"], training["parallel"]) == (6, 2, "fsdp")


def test_what_cannot_be_shared_is_refused_with_a_way_out(small, monkeypatch):
    monkeypatch.setattr(distributed, "world_size", lambda: 4)
    with pytest.raises(ValueError, match="accumulation_steps=6 .* shared by 4 processes; start 1, 2, 3, 6, or"):
        distributed.own_steps(small.config(accumulation_steps=6))
    with pytest.raises(ValueError, match=r"10 windows \(batch_size=5, accumulation_steps=2\).*; start 1, 2, 5, 10"):
        distributed.spread(small.config(batch_size=5, accumulation_steps=2))
    shared = distributed.spread(small.config(batch_size=6, accumulation_steps=2))
    assert (shared.batch_size, shared.accumulation_steps, distributed.own_steps(shared)) == (3, 4, 1)


def test_a_dataset_of_another_world_is_refused(small):
    with pytest.raises(ValueError, match="the dataset is for world_size=2, but there are 1 processes"):
        Trainer(small.model(), small.dataset(world_size=2), small.config())


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="parallel='pipeline' is unknown; choose from ddp, fsdp"):
        TrainConfig(max_steps=1, batch_size=1, parallel="pipeline")


def test_alone_nothing_changes(small):
    model = small.model()
    assert distributed.parallelize(model, small.config(), torch.device("cpu")) is model
    assert distributed.spread(small.config()) == small.config()
    x = torch.arange(6.0).view(1, 2, 3)
    assert distributed.whole(x) is x and torch.equal(distributed.by_owner(torch.neg, x), -x)
    assert torch.equal(distributed.shard_like(x, x), x) and distributed.shard_like(x, x) is not x
