import json
import multiprocessing
import random
import runpy
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.text.tokenizer import CharTokenizer
from course_lib.training.checkpoint import load_checkpoint
from course_lib.training.disk import CheckpointError
from course_lib.training.loss import NonFiniteLoss, next_token_loss
from course_lib.training.run_folder import find_checkpoint, last_checkpoint
from course_lib.training.trainer import Trainer


def weights(model):
    return {name: p.detach().clone() for name, p in model.named_parameters()}


def equal(one, two):
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def without_time(records):
    return [{key: value for key, value in record.items() if key != "seconds"} for record in records]


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_record_for_each_update(small):
    records = list(Trainer(small.model(), small.dataset(), small.config(eval_every=4, warmup_steps=2),
                           held_out=small.ids[:90], tokenizer=small.tokenizer))
    assert [record["step"] for record in records] == [1, 2, 3, 4, 5, 6]
    assert [record["tokens"] for record in records] == [64, 128, 192, 256, 320, 384]
    assert [record["lr"] for record in records[:2]] == [5e-4, 1e-3]
    assert [record["step"] for record in records if "held_out_loss" in record] == [4, 6]
    assert {"loss", "lr", "grad_norm", "seconds", "bits_per_byte"} <= set(records[-1])
    assert records[-1]["bits_per_byte"] == pytest.approx(records[-1]["held_out_loss"] / np.log(2))  # one byte a token


def test_it_is_the_loop_one_would_write(small):
    trainer = Trainer(small.model(), small.dataset(), small.config(max_lr=0.01, grad_clip=0.3))
    losses = [record["loss"] for record in trainer]
    model, dataset, expected = small.model(), small.dataset(), []
    optimizer = torch.optim.AdamW([{"params": [p for p in model.parameters() if p.ndim > 1], "weight_decay": 0.1},
                                   {"params": [p for p in model.parameters() if p.ndim == 1], "weight_decay": 0.0}],
                                  betas=(0.9, 0.95), foreach=False)
    for step in range(1, 7):
        for group in optimizer.param_groups:
            group["lr"] = 0.01 * (1 + np.cos(np.pi * step / 6)) / 2
        idx, targets = map(torch.tensor, next(dataset))
        loss = nn.functional.cross_entropy(model(idx).flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.3)
        optimizer.step()
        expected.append(loss.item())
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    assert losses[-1] < losses[0] - 0.1


class Fixed:
    """A dataset of given batches, for ever."""

    def __init__(self, *batches):
        self.given, self.batch_size, self.context_length = batches, len(batches[0][0]), batches[0][0].shape[1]

    def __iter__(self):
        while True:
            yield from self.given

    def state(self):
        return {"position": 0}

    def restore(self, state):
        pass


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_accumulation_equals_the_big_batch(small, optimizer):
    rng = np.random.default_rng(0)
    idx, targets = rng.integers(0, 28, (2, 8, 16))
    targets[1], targets[2, 3:], targets[6, ::2] = -1, -1, -1  # parts with 16, 19, 32 and 24 targets
    parts = Fixed(*((idx[i:i + 2], targets[i:i + 2]) for i in range(0, 8, 2)))
    settings = dict(optimizer=optimizer, grad_clip=None, max_steps=3)
    big = Trainer(small.model().double(), Fixed((idx, targets)), small.config(batch_size=8, **settings))
    cut = Trainer(small.model().double(), parts, small.config(batch_size=2, accumulation_steps=4, **settings))
    losses = [trainer.gradients() for trainer in (big, cut)]
    np.testing.assert_allclose(*losses, rtol=1e-12)
    assert losses[0][2] == (targets != -1).sum() == 91
    for p, q in zip(big.model.parameters(), cut.model.parameters(), strict=True):
        torch.testing.assert_close(p.grad, q.grad, rtol=0, atol=1e-10)
    for trainer in (big, cut):
        trainer.model.zero_grad()
        list(trainer)
    for p, q in zip(big.model.parameters(), cut.model.parameters(), strict=True):
        assert p.dtype == torch.float64 and torch.allclose(p.data, q.data, rtol=0, atol=1e-8)


def test_bf16_stays_close_to_float32(small, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True})  # emulated where it is not there
    losses = {dtype: [record["loss"] for record in Trainer(small.model(), small.dataset(), small.config(dtype=dtype))]
              for dtype in ("float32", "bfloat16")}
    np.testing.assert_allclose(losses["bfloat16"], losses["float32"], rtol=0.02)
    assert losses["bfloat16"] != losses["float32"]
    assert all(p.dtype == torch.float32 for p in small.model().parameters())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_trains_the_same_model_and_resumes(small, tmp_path):
    settings = dict(max_steps=6, optimizer="muon", accumulation_steps=2, save_every=3)
    on_cpu = [record["loss"] for record in Trainer(small.model(), small.dataset(), small.config(**settings))]
    config = small.config(device="cuda", **settings)
    records = []
    for record in Trainer(small.model(), small.dataset(), config, out=tmp_path / "run"):
        records.append(record)
        if record["step"] == 4:
            break
    records[3:] = Trainer.resume(tmp_path / "run", small.dataset(), config=config)
    np.testing.assert_allclose([record["loss"] for record in records], on_cpu, rtol=1e-3)
    half = Trainer(small.model(), small.dataset(), small.config(device="cuda", **settings | {"dtype": "bfloat16"}))
    np.testing.assert_allclose([record["loss"] for record in half], on_cpu, rtol=0.03)


def test_stopping_and_going_on_in_one_process_changes_nothing(small):
    straight, halting = (Trainer(small.model(dropout=0.2), small.dataset(), small.config()) for _ in range(2))
    torch.manual_seed(7)
    list(straight)
    torch.manual_seed(7)
    for record in halting:
        if record["step"] in (2, 3):
            break
    list(halting)
    assert equal(weights(straight.model), weights(halting.model))


def test_a_resumed_run_is_the_uninterrupted_one(small, tmp_path):
    """Bit for bit: weights, records, best; with dropout, accumulation, both optimizers, and a batch across epochs."""
    def parts():
        return small.model(dropout=0.2), small.dataset(batch_size=25), small.config(
            batch_size=25, optimizer="muon", accumulation_steps=3, eval_every=2, save_every=3, max_steps=11)

    common = dict(held_out=small.ids[:100], tokenizer=small.tokenizer)
    straight = Trainer(*parts(), out=tmp_path / "a", **common)
    list(straight)
    for record in Trainer(*parts(), out=tmp_path / "b", **common):
        if record["step"] == 7:
            break
    random.random(), torch.rand(5)
    resumed = Trainer.resume(tmp_path / "b", small.dataset(batch_size=25), config=parts()[2], **common)
    assert [record["step"] for record in lines(tmp_path / "b" / "metrics.jsonl")] == [1, 2, 3, 4, 5, 6]
    list(resumed)
    assert straight.dataset.epoch > 3
    assert equal(weights(straight.model), weights(resumed.model))
    a, b = (lines(tmp_path / run / "metrics.jsonl") for run in "ab")
    assert without_time(a) == without_time(b) and [record["step"] for record in b] == list(range(1, 12))
    assert find_checkpoint(tmp_path / "a", "best").name == find_checkpoint(tmp_path / "b", "best").name
    assert lines(find_checkpoint(tmp_path / "b") / "metrics.jsonl") == b
    assert list(Trainer.resume(tmp_path / "b", small.dataset(batch_size=25), **common)) == [], "it is finished"


@pytest.fixture
def stopped(small, tmp_path):
    """A run folder after 4 of 6 steps."""
    trainer = Trainer(small.model(), small.dataset(), small.config(save_every=2), held_out=small.ids[:90],
                      tokenizer=small.tokenizer, out=tmp_path / "run")
    for record in trainer:
        if record["step"] == 4:
            return tmp_path / "run"


@pytest.mark.parametrize(("changes", "says"), [
    (lambda s: dict(dataset=s.dataset(seed=9)), "seed is 9 here and 3 in the checkpoint"),
    (lambda s: dict(dataset=s.dataset(batch_size=2)), "batch_size is 2 here and 4"),
    (lambda s: dict(dataset=SimpleNamespace(ids=s.ids[::-1], batch_size=4, state=s.dataset().state)), "ids is '"),
    (lambda s: dict(held_out=s.ids[:91]), "held_out is '"),
    (lambda s: dict(held_out=None), "held_out is None here and '"),
    (lambda s: dict(tokenizer=CharTokenizer.train("abc")), "tokenizer is '"),
    (lambda s: dict(config=s.config(save_every=2, max_lr=0.1, threads=2)), "max_lr is 0.1 here and 0.001 .*; threads"),
    (lambda s: dict(model=s.model(n_layer=1)), "n_layer is 1 here and 2"),
])
def test_resuming_another_run_is_refused_and_touches_nothing(small, stopped, changes, says):
    before = {path: path.read_bytes() for path in stopped.rglob("*") if path.is_file()}
    given = {"dataset": small.dataset(), "held_out": small.ids[:90], **changes(small)}
    with pytest.raises(CheckpointError, match=says):
        Trainer.resume(stopped, **given)
    assert {path: path.read_bytes() for path in stopped.rglob("*") if path.is_file()} == before


def test_resume_keeps_the_dtype_of_the_run_or_refuses(small, stopped, monkeypatch):
    common = dict(held_out=small.ids[:90])
    left_open = small.config(save_every=2, dtype="auto", threads=None, device="auto")
    assert Trainer.resume(stopped, small.dataset(), config=left_open, **common).config.dtype == "float32"
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True})
    with pytest.raises(CheckpointError, match="dtype is 'bfloat16' here and 'float32'"):
        Trainer.resume(stopped, small.dataset(), config=small.config(save_every=2, dtype="bfloat16"), **common)
    half = stopped.parent / "half"
    trainer = Trainer(small.model(), small.dataset(), small.config(dtype="bfloat16"), out=half)
    trainer.train_step()
    trainer.save()
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {})
    with pytest.raises(ValueError, match="dtype='bfloat16' needs AMX"):
        Trainer.resume(half, small.dataset())


@pytest.mark.parametrize("gone", ["cuda", "cuda:3", "mps"])
def test_a_run_of_a_device_that_is_not_here_is_refused_with_advice_that_works(small, stopped, monkeypatch, gone):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    path = find_checkpoint(stopped) / "config.json"
    config = json.loads(path.read_text())
    config["training"]["device"] = gone
    path.write_text(json.dumps(config))
    for given in (None, small.config(save_every=2, device="auto")):
        with pytest.raises(ValueError) as caught:
            Trainer.resume(stopped, small.dataset(), held_out=small.ids[:90], config=given)
        said = str(caught.value)
        assert f"the run in {stopped} can go on only on the kind of device" in said and f"device='{gone}'" in said
        assert "try device='cpu'" not in said, "which would be refused"
        assert f"`course generate {stopped} --device cpu`" in said and "device='cpu' in another folder" in said
    assert load_checkpoint(stopped, device="cpu").model(torch.tensor([[1, 2]])).shape[:2] == (1, 2)
    new = Trainer(small.model(), small.dataset(), small.config(device="cpu"), out=stopped.parent / "another")
    assert new.train_step()["step"] == 1


def test_a_new_run_is_not_started_over_an_old_one(small, stopped):
    with pytest.raises(CheckpointError, match="already holds a run; resume it"):
        Trainer(small.model(), small.dataset(), small.config(), out=stopped)


def test_doors(small):
    with pytest.raises(ValueError, match="the dataset has batch_size=2, the config 4"):
        Trainer(small.model(), small.dataset(batch_size=2), small.config())
    with pytest.raises(ValueError, match="no folder to save in"):
        Trainer(small.model(), small.dataset(), small.config()).save()


class Breaking(nn.Module):
    """Logits that overflow from the n-th forward pass on."""

    def __init__(self, n):
        super().__init__()
        self.table, self.left = nn.Embedding(30, 30), n

    def forward(self, idx):
        self.left -= 1
        return self.table(idx) * (1.0 if self.left >= 0 else torch.nan)


def test_a_non_finite_loss_stops_before_it_does_harm(small, tmp_path):
    model = Breaking(3)
    trainer = Trainer(model, small.dataset(), small.config(save_every=2), out=tmp_path / "run")
    with pytest.raises(NonFiniteLoss, match="step 4: the loss is nan.*good checkpoint: .*step-000002. Try a lower"):
        for _ in trainer:
            before = weights(model)
    assert trainer.step == 3 and equal(weights(model), before)
    assert [record["step"] for record in lines(tmp_path / "run" / "metrics.jsonl")] == [1, 2, 3]
    kept = load_checkpoint(tmp_path / "run", model=Breaking(9)).model
    assert all(p.isfinite().all() for p in kept.parameters())
    with pytest.raises(NonFiniteLoss, match="none was saved"):
        list(Trainer(Breaking(0), small.dataset(), small.config()))


def test_a_compiled_block_trains_the_same_model(small, monkeypatch):
    """With a backend that only traces, so that no C compiler is needed."""
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))
    plain, compiled = (Trainer(small.model(), small.dataset(), small.config(max_steps=2, compile=on))
                       for on in (False, True))
    np.testing.assert_allclose([r["loss"] for r in plain], [r["loss"] for r in compiled], rtol=1e-6)
    assert weights(plain.model).keys() == weights(compiled.model).keys()
    assert all(block._compiled_call_impl is not None for block in compiled.model.blocks)


def test_one_batch_can_be_learned_by_heart(small):
    batch = next(small.dataset())
    config = small.config(max_steps=120, optimizer="muon", max_lr=0.02)
    *_, last = Trainer(small.model(n_embd=32), Fixed(batch), config)
    assert last["loss"] < 0.1
    model = small.model()
    assert next_token_loss(model(torch.tensor(batch[0])), torch.tensor(batch[1])).item() > 3


def test_an_interrupted_step_leaves_no_gradient_behind(small):
    trainer, other = (Trainer(small.model(), small.dataset(), small.config(accumulation_steps=2)) for _ in range(2))
    forward, calls = trainer.model.forward, iter(range(9))

    def interrupted(idx):
        if next(calls) == 1:
            raise KeyboardInterrupt
        return forward(idx)

    trainer.model.forward = interrupted
    with pytest.raises(KeyboardInterrupt):
        trainer.train_step()
    next(other.batches), next(other.batches)
    assert without_time([trainer.train_step()]) == without_time([other.train_step()])


@pytest.fixture(scope="module")
def start():
    """Start killed_run.py in a process of its own, forked from one that has imported everything already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["course_lib.training.trainer"])
    script = str(Path(__file__).with_name("killed_run.py"))

    def start(out, max_steps):
        process = context.Process(target=runpy.run_path, args=(script, {"out": out, "max_steps": max_steps}))
        process.start()
        return process

    return start


def test_a_run_that_is_killed_again_and_again_ends_with_the_same_bits(start, tmp_path):
    """SIGKILL at random moments, twice or more in the middle of a save; each time the run loads and goes on."""
    straight, out = start(tmp_path / "straight", 40), tmp_path / "killed"
    kills, in_a_save, before = 0, 0, None
    while kills < 5 or in_a_save < 2:
        process = start(out, 40)
        while last_checkpoint(out) == before:  # until it got further than the last one
            assert process.is_alive(), "it ended by itself"
            time.sleep(0.001)
        if kills % 2:
            time.sleep(random.uniform(0, 0.03))
        else:
            while not any(out.glob(".step-*.part/*")):
                assert process.is_alive(), "it ended by itself"
                time.sleep(0.0003)
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        kills, in_a_save, before = kills + 1, in_a_save + any(out.glob(".step-*.part/*")), last_checkpoint(out)
        load_checkpoint(out)
    last = start(out, 40)
    for process in (straight, last):
        process.join()
        assert process.exitcode == 0
    a, b = find_checkpoint(tmp_path / "straight"), find_checkpoint(out)
    assert (a / "model.safetensors").read_bytes() == (b / "model.safetensors").read_bytes()
    assert without_time(lines(tmp_path / "straight" / "metrics.jsonl")) == without_time(lines(out / "metrics.jsonl"))
    assert [record["step"] for record in lines(out / "metrics.jsonl")] == list(range(1, 41))


@pytest.fixture(scope="module")
def disks(tmp_path_factory):
    """What full_disk.py says about a disk of 1 MB and about a read-only one with a run of one step on it."""
    if not shutil.which("bwrap"):
        pytest.skip("install bubblewrap (apt-get install bubblewrap)")
    folder, scripts = tmp_path_factory.mktemp("disks"), Path(__file__).parent
    attempt = runpy.run_path(str(scripts / "full_disk.py"), run_name="imported")["attempt"]
    (folder / "small").mkdir()
    attempt(folder / "read only" / "old", stop_after=1)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    command = ["bwrap", "--dev-bind", "/", "/", "--size", "1048576", "--tmpfs", folder / "small", "--ro-bind",
               folder / "read only", folder / "read only", sys.executable, scripts / "full_disk.py",
               folder / "small", folder / "read only"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    return json.loads(done.stdout)


def test_a_full_disk_stops_the_run_and_leaves_the_last_checkpoint_whole(disks):
    said = disks["full"]
    assert said["error"].startswith("CheckpointError: cannot write to") and "\n" not in said["error"]
    assert "No space left on device" in said["error"] and "step-000001, is whole. Make room" in said["error"]
    assert said["steps"] == [1] and said["loads"] == "step-000001" and said["equal"] is True
    assert said["entries"] == ["latest", "metrics.jsonl", "step-000001"], "nothing half-written stays"


def test_with_room_again_the_run_goes_on(disks):
    said = disks["room again"]
    assert (said["steps"], said["error"], said["loads"]) == ([2, 3], "none", "step-000003") and said["equal"] is True


def test_a_read_only_folder_is_said_before_the_first_step_and_can_still_be_read(disks):
    for run in ("new", "old"):
        assert disks[run]["error"].startswith("CheckpointError: cannot write to") and disks[run]["steps"] == []
        assert "Read-only file system" in disks[run]["error"]
    assert "nothing was saved there before" in disks["new"]["error"]
    assert "step-000001, is whole" in disks["old"]["error"] and disks["old"]["loads"] == "step-000001"
