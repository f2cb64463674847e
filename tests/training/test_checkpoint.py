import io
import json
import pickle

import pytest
import safetensors.torch
import torch
from torch import nn

from course_lib.training.checkpoint import load_checkpoint, load_state, own_tensors, save_checkpoint
from course_lib.training.disk import CheckpointError
from course_lib.training.identity import checksum
from course_lib.training.trainer import Trainer


@pytest.fixture
def saved(small, tmp_path):
    """A checkpoint, its folder and the model that is in it."""
    model = small.model(bias=True)
    folder = save_checkpoint(tmp_path / "run", model=model, tokenizer=small.tokenizer, step=12,
                             training=small.config().to_dict(), data={"n_ids": 3000},
                             state={"x": torch.arange(3), "n": 12}, metrics=b'{"step": 12}\n')
    return folder, model


def forge(folder, name, data):
    """Replace a file and its checksum, as somebody who wants to be loaded would."""
    (folder / name).write_bytes(data)
    config = json.loads((folder / "config.json").read_text())
    config["files"][name] = checksum(data)
    (folder / "config.json").write_text(json.dumps(config))


def edit(folder, change):
    config = json.loads((folder / "config.json").read_text())
    change(config)
    (folder / "config.json").write_text(json.dumps(config))


def test_a_checkpoint_is_a_readable_folder_and_loads_as_it_was(saved, small):
    folder, model = saved
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json", "metrics.jsonl", "model.safetensors", "state.pt", "tokenizer.json"]
    for given in (folder, folder.parent):
        checkpoint = load_checkpoint(given)
        assert checkpoint.folder == folder and checkpoint.model.config == model.config
        assert not checkpoint.model.training
        assert checkpoint.tokenizer.encode("hello") == small.tokenizer.encode("hello")
        for (name, p), (_, q) in zip(model.named_parameters(), checkpoint.model.named_parameters(), strict=True):
            assert torch.equal(p, q), name
    assert checkpoint.config["step"] == 12 and checkpoint.config["data"] == {"n_ids": 3000}
    state = load_state(checkpoint)
    assert state["n"] == 12 and state["x"].tolist() == [0, 1, 2]


def test_a_model_of_another_kind_is_passed_in(tmp_path):
    class Tied(nn.Module):
        def __init__(self, n=4):
            super().__init__()
            self.table, self.head = nn.Embedding(7, n), nn.Linear(n, 7, bias=False)
            self.head.weight = self.table.weight

    model = Tied()
    folder = save_checkpoint(tmp_path, model=model)
    assert list(safetensors.torch.load_file(folder / "model.safetensors")) == ["table.weight"]
    assert list(own_tensors(model)) == ["table.weight"]
    again, tokenizer, *_ = load_checkpoint(tmp_path, model=Tied())
    assert tokenizer is None and torch.equal(again.head.weight, model.table.weight)
    with pytest.raises(CheckpointError, match="kind 'Tied'; build it and pass it as model="):
        load_checkpoint(tmp_path)
    with pytest.raises(CheckpointError, match="does not fit the model"):
        load_checkpoint(tmp_path, model=Tied(n=5))


def test_another_model_is_refused_by_the_fields_that_differ(saved, small):
    with pytest.raises(CheckpointError, match="another model: n_layer is 3 here and 2 in the checkpoint"):
        load_checkpoint(saved[0], model=small.model(bias=True, n_layer=3))


@pytest.mark.parametrize(("change", "says"), [
    (lambda c: c.update(format=2), "its format is 2, and this version of the course reads 1"),
    (lambda c: c.update(surprise=1), "unknown sections: surprise"),
    (lambda c: c.pop("data"), 'it has no "data"'),
    (lambda c: c["training"].update(max_iters=9), r"unknown training settings \['max_iters'\]"),
    (lambda c: c["model"].update(n_experts=8), "does not know n_experts"),
    (lambda c: c["model"].update(n_head=3), "cannot be shared by n_head=3"),
    (lambda c: c["model"].update(kind="Mamba"), "kind 'Mamba'"),
])
def test_a_config_that_is_not_ours_is_refused(saved, change, says):
    edit(saved[0], change)
    with pytest.raises(CheckpointError, match=says):
        load_checkpoint(saved[0])


@pytest.mark.parametrize("data", [b"", b"{", b"[1]", b"null", b"\xff\xfe"])
def test_a_config_that_is_no_json_object_is_refused(saved, data):
    (saved[0] / "config.json").write_bytes(data)
    with pytest.raises(CheckpointError, match="config.json is not a checkpoint's config"):
        load_checkpoint(saved[0])


@pytest.mark.parametrize("name", ["model.safetensors", "state.pt", "tokenizer.json"])
@pytest.mark.parametrize("damage", ["cut", "flip", "gone"])
def test_a_damaged_file_is_noticed(saved, name, damage):
    path, data = saved[0] / name, bytearray((saved[0] / name).read_bytes())
    data[len(data) // 2] ^= 1
    path.unlink() if damage == "gone" else path.write_bytes(data[:-10] if damage == "cut" else data)
    with pytest.raises(CheckpointError, match=f"{name} (is damaged|cannot be read)"):
        load_state(load_checkpoint(saved[0]))


def test_foreign_code_is_never_run(saved, tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    buffer = io.BytesIO()
    torch.save({"x": Trap()}, buffer)
    for data in (buffer.getvalue(), pickle.dumps(Trap(), protocol=2), b"not a pickle"):
        forge(saved[0], "state.pt", data)
        with pytest.raises(CheckpointError, match="state.pt is not a training state"):
            load_state(load_checkpoint(saved[0]))
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(("change", "says"), [
    (lambda tensor: tensor.to(torch.int8), "torch.int8: quantized weights"),
    (lambda tensor: torch.full_like(tensor, torch.nan), "that are nan or infinite"),
])
def test_weights_that_would_be_copied_without_a_word_are_refused(saved, change, says):
    weights = safetensors.torch.load_file(saved[0] / "model.safetensors")
    name = sorted(weights)[0]
    forge(saved[0], "model.safetensors", safetensors.torch.save({**weights, name: change(weights[name])}))
    with pytest.raises(CheckpointError, match=f"does not fit the model: {name}.*{says}"):
        load_checkpoint(saved[0])


@pytest.mark.parametrize("weights", [b"", b"\x80\x04pickle", safetensors.torch.save({"odd": torch.ones(2)})])
def test_weights_of_something_else_are_refused(saved, weights):
    forge(saved[0], "model.safetensors", weights)
    with pytest.raises(CheckpointError, match="model.safetensors does not fit the model"):
        load_checkpoint(saved[0])


@pytest.mark.parametrize("data", [b"{}", b"nothing", b'{"kind": "char", "format": 99}'])
def test_a_tokenizer_of_another_format_is_refused(saved, data):
    forge(saved[0], "tokenizer.json", data)
    with pytest.raises(CheckpointError, match="tokenizer.json is not a tokenizer"):
        load_checkpoint(saved[0])


def test_a_model_saved_alone_can_be_used_and_not_resumed(small, tmp_path):
    save_checkpoint(tmp_path, model=small.model())
    with pytest.raises(CheckpointError, match="it can be used, not resumed"):
        Trainer.resume(tmp_path, small.dataset())
